"""What the part of a page says about its lines: reasons for what goes, and what readers wrote."""

import numpy as np
import pytest

from pipeline import clean_html
from pipeline.records import Engine, Reason, RejectReason
from pipeline.regions import agree_in_tables, gather_comments, region_hints
from pipeline.render import render
from tests.stub_model import stub_voices

PROSE = "The ferry left the quay at six, as it has every morning since the war, with eleven people on board."
SAID = "I was on that boat and there were thirteen of us, not twelve."
PAGE = f"""
<html><head><title>Ferry counts twice | Quay Post</title></head><body>
<nav><a href=/>Harbour</a><a href=/b>Weather</a></nav>
<article><h1>Ferry counts twice</h1><p>{PROSE}</p></article>
<section class="comments-list"><h3>One voice</h3><a href=/u>Ann</a><p>{SAID}</p><button>Answer</button></section>
<aside><p>The lamp fund needs your help again this year, said the mayor.</p></aside>
<footer><p>Quay Post is printed on paper.</p></footer></body></html>"""
KEPT = {PROSE: 0.95, "Ferry counts twice": 0.9}


def stubbed() -> object:
    return stub_voices({line: KEPT.get(line, 0.02) for line in render(PAGE).lines}, pages=True)


def test_numbers_are_those_of_the_text() -> None:
    """Every line of a rendering has the number of its line in the text."""
    page = render(PAGE)
    lines = page.text.split("\n")

    assert [lines[number - 1] for number in page.numbers] == list(page.lines)


def test_the_part_of_the_page_gives_the_reason() -> None:
    """Where no rule knows better; comments come before the headings and forms in them."""
    page = render(PAGE)
    hints = region_hints(page)
    reasons = {line: hints.get(number) for line, number in zip(page.lines, page.numbers, strict=True)}

    assert reasons["Harbour Weather"] is Reason.NAVIGATION
    assert reasons["One voice"] is Reason.COMMENTS
    assert reasons["Quay Post is printed on paper."] is Reason.SITE_FURNITURE
    assert reasons[PROSE] is None


def test_removed_lines_of_a_page_have_the_reason_of_their_place() -> None:
    """The ledger of a page says more than "other"."""
    cleaned = clean_html(PAGE, voices=stubbed())  # type: ignore[arg-type]
    reasons = {entry.text: entry.reason for entry in cleaned.removed}

    assert cleaned.text == PROSE
    assert (cleaned.title, reasons["Ferry counts twice"]) == ("Ferry counts twice", Reason.TITLE)
    assert reasons["Harbour Weather"] is Reason.NAVIGATION
    assert reasons[SAID] is Reason.COMMENTS


@pytest.mark.parametrize("comments", [False, True])
def test_comments_are_kept_apart_where_asked_for(monkeypatch: pytest.MonkeyPatch, comments: bool) -> None:  # noqa: FBT001
    """They are never in the text, and names and buttons are none."""
    monkeypatch.setattr(
        "pipeline.clean.load_voices",
        lambda manner: stub_voices(dict.fromkeys(render(PAGE).lines, 0.02) | KEPT, manner, pages=True),
    )

    cleaned = clean_html(PAGE, comments=comments)

    assert cleaned.comments == (SAID if comments else None)
    assert SAID not in cleaned.text


NOTICE = "We and our partners store and read information on your device. You can change your mind at any time."


@pytest.mark.parametrize(
    "names",
    [
        *(
            'id="onetrust-consent-sdk"',
            'id="didomi-host" class="x"',
            'id="CybotCookiebotDialog"',
            'class="qc-cmp2-container"',
        ),
        *(
            'id="truste-consent-track"',
            'id="sp_message_container_824511"',
            'id="usercentrics-root"',
            'id="BorlabsCookieBox"',
        ),
        *('class="cmplz-cookiebanner banner-1"', 'id="iubenda-cs-banner"', 'class="osano-cm-window"'),
    ],
)
def test_all_lines_of_a_consent_dialog_go_whatever_the_model_says(names: str) -> None:
    """Its services name their containers alike on all sites; the ledger says which rule it was."""
    page = f"<article><p>{PROSE}</p></article><div {names}><div><h2>Your privacy</h2><p>{NOTICE}</p></div></div>"
    cleaned = clean_html(page, voices=stub_voices({}, pages=True))

    assert cleaned.text == PROSE
    found = [(entry.text, entry.reason, entry.rule, entry.score) for entry in cleaned.removed]
    assert found == [(line, Reason.COOKIE_NOTICE, "consent-dialog", 1.0) for line in ("Your privacy", NOTICE)]


@pytest.mark.parametrize(
    "names",
    [
        'class="cookie consent"',
        'id="cookies"',
        'class="onetrust"',
        'id="post-didomi-host"',
        'class="sp_message_container_x"',
    ],
)
def test_an_article_about_cookies_stays(names: str) -> None:
    """General words and longer names make no container."""
    page = f"<div {names}><p>{PROSE}</p><p>{SAID}</p></div>"

    assert SAID in clean_html(page, voices=stub_voices({}, pages=True)).text


def test_a_page_of_nothing_but_a_consent_dialog_is_furniture() -> None:
    """It is rejected, with its lines in the ledger; no other engine makes an article of them."""
    rejected = clean_html(f'<div id="didomi-host"><p>{NOTICE}</p><p>{PROSE}</p></div>').rejected

    assert rejected is not None
    assert rejected.reason is RejectReason.FURNITURE_ONLY
    assert [entry.rule for entry in rejected.removed] == ["consent-dialog"] * 2


def test_a_page_without_comments_has_none() -> None:
    """Prose in other parts of a page is no comment, removed or not."""
    assert gather_comments(render(f"<p>{PROSE}"), ()) is None


def test_a_page_of_which_nothing_is_left_goes_to_the_other_engine() -> None:
    """What it shows is not lost by one engine's mistake; the article names the engine that found it."""
    everything = [*render(PAGE).lines, PROSE]
    sure = stub_voices(dict.fromkeys(everything, 0.02), pages=True)
    cleaned = clean_html("<html><body><p>Read more</p></body></html>", voices=sure)

    assert cleaned.rejected is not None
    assert cleaned.rejected.reason is RejectReason.FURNITURE_ONLY
    assert clean_html(PAGE, voices=sure).text


def test_the_engine_can_be_chosen() -> None:
    """By trafilatura only the main text is there to be judged; by lines all that the page shows."""
    by_lines = clean_html(PAGE, voices=stubbed())  # type: ignore[arg-type]
    by_trafilatura = clean_html(PAGE, engine=Engine.TRAFILATURA)

    assert "Quay Post is printed on paper." in by_lines.source_text
    assert "Quay Post is printed on paper." not in by_trafilatura.source_text
    assert PROSE in by_trafilatura.text


def test_the_rows_of_a_table_stay_or_go_together() -> None:
    """A head without its figures says nothing. In doubt, and where tables lay out a page, lines are judged one by one."""
    table = "<table><tr><th>Year<th>Boats<tr><td>1990<td>92<tr><td>1991<td>94</table>"
    layout = f"<table><tr><td><p>{PROSE}</p><p>{SAID}</p></td></tr></table>"
    page = render(f"{table}<p>{PROSE}</p>{layout}")
    words = [2, 2, 2, 20, 20, 12]

    kept = agree_in_tables(np.array([0.99, 0.4, 0.9, 0.9, 0.9, 0.1]), page, words)
    doubtful = agree_in_tables(np.array([0.99, 0.2, 0.5, 0.9, 0.9, 0.1]), page, words)

    assert kept.tolist() == [0.7633, 0.7633, 0.7633, 0.9, 0.9, 0.1]
    assert doubtful.tolist() == [0.99, 0.2, 0.5, 0.9, 0.9, 0.1]
