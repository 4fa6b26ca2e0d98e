"""The shapes of flat text."""

from collections.abc import Sequence

import pytest

from pipeline.score.gold import PageGold, fold_of, read_pages
from pipeline.score.shapes import FLATTENINGS, Shape, flattenings, foreign_pages
from tests.score.gold_cases import load_reference, make_page
from tests.shared_data import require_shared


def test_shapes_are_those_of_the_reference() -> None:
    """On real pages, each shape is the reference's, to the character."""
    reference = load_reference()
    pages = read_pages(require_shared() / "gold" / "news.parquet", {"dump", "dump_full", "html"})[:20]

    ours = {shape: flattenings(pages, shape) for shape in FLATTENINGS}

    assert set(FLATTENINGS) == set(Shape) - {Shape.HTML}
    for index, (page, other) in enumerate(zip(pages, foreign_pages(pages), strict=True)):
        assert other is not None
        assert {shape: texts[index] for shape, texts in ours.items()} == reference.flattenings(
            {"dump": page.dump, "dump_full": page.dump_full, "html": page.html}, {"dump_full": other.dump_full}
        )


HOSTS = ["site1.example", "www.site1.example", "site4.example", "site10.example"]  # all of one fold
A, A2, B, C = (make_page(number, host) for number, host in enumerate(HOSTS))
APART = make_page(8, "site2.example")  # of another fold
MUTE = make_page(9, "site11.example", dump_full=" \n")


@pytest.mark.parametrize(
    ("pages", "others"),
    [
        ([A, B, C], [B, C, A]),
        ([A, A2, B], [B, B, A]),
        ([A, B, A2], [B, A2, B]),
        ([A, MUTE, B, C], [B, B, C, A]),
        ([A, A2], [None, None]),
        ([MUTE, A], [A, None]),
        ([A, APART, B], [B, B, A]),
        ([APART, A], [A, APART]),
        ([], []),
    ],
)
def test_the_other_page_is_the_next_of_another_site(pages: Sequence[PageGold], others: Sequence[PageGold]) -> None:
    """
    File order decides, from the start again at the end; subdomains are the same site, mute pages lend nothing.

    A page of the same fold goes first, so that training and test never share a site.
    """
    assert foreign_pages(pages) == others


def test_stitching_with_nobody_else_is_the_dump() -> None:
    """Where all pages are of one site there is nothing to stitch on, and no error either."""
    assert flattenings([A], Shape.STITCHED) == [f"\n\n{A.dump}\n\n"]


@pytest.mark.parametrize("shape", Shape)
def test_a_shape_says_what_it_is_made_of(shape: Shape) -> None:
    """A reader can ask for the columns a shape needs, and no more."""
    assert shape.columns
    assert ("html" in shape.columns) == (shape in {Shape.HTML, Shape.GET_TEXT})


def test_a_stitched_text_is_of_one_fold() -> None:
    """On real pages, the other page is always of the page's own fold: nothing of a held-out site gets into training."""
    for name in ("news", "multilingual", "sites_ru_pl", "wcxb_dev"):
        pages = read_pages(require_shared() / "gold" / f"{name}.parquet", {"dump", "dump_full"})
        for page, other in zip(pages, foreign_pages(pages), strict=True):
            assert other is not None
            assert other.domain != page.domain
            assert fold_of(other.domain) == fold_of(page.domain)


def test_xhtml_is_a_page_like_any_other() -> None:
    """A page that declares itself XML is parsed without a warning."""
    page = make_page(1, html=b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>Text</p></html>')

    assert flattenings([page], Shape.GET_TEXT) == ["Text"]
