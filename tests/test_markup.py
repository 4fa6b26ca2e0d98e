"""Markup is made fit for parsers: nothing of a page is swallowed, and nothing else of it changes."""

import time

import pytest
from resiliparse.parse.html import HTMLTree

from pipeline.decode import document_from_text
from pipeline.extract import extract_lines
from pipeline.markup import tame
from pipeline.records import Document, MediaType

ABOVE = "<p>The ferry left at six.</p>"
BELOW = '<p>Eleven were on board.</p><script type="application/json">{"a": "code"}</script><p>It came <b>back</b>.</p>'
SHOWN = ["The ferry left at six.", "Eleven were on board.", "It came back."]
TRACKER = '<iframe src="https://tags.example.com/ns.html" height="0" width="0" style="display:none">'
RAW_TEXT = ["iframe", "noembed", "noframes", "textarea", "title", "style", "script", "xmp"]


def shown(markup: str) -> list[str]:
    page = extract_lines(document_from_text(markup, media_type=MediaType.HTML))
    assert isinstance(page, Document)
    return [line for line in page.text.split("\n") if line]


@pytest.mark.parametrize(
    "inside",
    [*(f"<{tag} src=x>" for tag in RAW_TEXT), "<IFRAME src=x>", "<iframe src=x />", "<!-- a note", TRACKER],
)
def test_what_is_open_ends_with_the_noscript_around_it(inside: str) -> None:
    """Browsers end there what lacks its end tag; no parser swallows the rest of the page, or shows its code."""
    for page in (
        f"{ABOVE}<noscript>{inside}</noscript>{BELOW}",
        f"<head><noscript>{inside}</noscript><title>t</title></head>{ABOVE}{BELOW}",
        f"{ABOVE}<NOSCRIPT class=a>\n{inside}\n</NoScript >{BELOW}",
    ):
        assert shown(page) == SHOWN
        tree = HTMLTree.parse(tame(page))
        assert tree.document is not None
        assert len(tree.document.query_selector_all("p")[:]) == len(SHOWN)


def test_a_frame_that_nothing_ends_hides_nothing() -> None:
    """What follows it is read as if it had been closed at once."""
    assert shown(f"{ABOVE}<div>{TRACKER}</div>{BELOW}") == SHOWN
    assert shown(f"{ABOVE}<iframe src=a>{BELOW}<iframe src=b>") == SHOWN


@pytest.mark.parametrize(
    "page",
    [
        f"{ABOVE}<noscript>{TRACKER}</iframe></noscript>{BELOW}",
        f"{ABOVE}<noscript><img src=a><p>Turn scripts on.</p></noscript>{BELOW}",
        f"<noscript><style>p {{ color: red }}</style><!-- a --></noscript>{ABOVE}",
        "<!--[if !IE]><!--><noscript><b>a</b></noscript><!--<![endif]-->",
        "<script>document.write('<noscript><script src=a></noscript>')</script>" + ABOVE,
        "<script>f('<noscript><iframe src=a><\\/iframe><\\/noscript>')</script><p>one</p><noscript>two</noscript>",
        "<!-- <noscript><iframe></noscript> -->" + ABOVE,
        "<textarea><noscript><iframe></noscript></textarea>" + ABOVE,
        "<script>var a = '<iframe src=b>';</script><iframe src=c></iframe>" + ABOVE,
    ],
)
def test_pages_that_lack_nothing_stay_as_they_are(page: str) -> None:
    """Also where scripts, comments and boxes hold what looks like it."""
    assert tame(page) == page


@pytest.mark.parametrize(
    "page",
    [
        "<noscript><iframe>" * 100_000,
        "<noscript>" * 100_000 + "<iframe>" * 100_000,
        "<iframe " * 200_000,
        "<noscript><!--" * 100_000 + "</noscript>",
        "<noscript><iframe></noscript>" * 50_000,
    ],
)
def test_the_time_grows_with_the_length_of_the_page_alone(page: str) -> None:
    """A page that is nothing but open elements takes a fraction of a second; the square of its length would take hours."""
    start = time.process_time()
    tame(page)

    assert time.process_time() - start < 10
