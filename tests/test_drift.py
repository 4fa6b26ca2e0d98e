"""Sites whose articles no longer look as they did are told of: once, and not for what chance does."""

import json
from pathlib import Path

import pytest

from pipeline.markdown import render_markdown
from pipeline.report import RunReport
from pipeline.store import history
from pipeline.store.drift import ENOUGH, PAST, Drift
from tests.store_cases import run, write

PLACES = [
    f"{name}{ending}" for name in ("Ems", "Weser", "Elbe", "Aller", "Leine", "Oker", "Hase") for ending in "abcde"
]
USUAL, OTHER = "news.example.org", "daily.example.net"


def article(place: str, *, sentences: int = 6, furniture: int = 1) -> str:
    """A flat dump: that many sentences about a place, between that many lines of furniture."""
    prose = [
        f"In {place} the council met on day {number} to discuss the harbour wall, and {number + 3} members left early."
        for number in range(sentences)
    ]
    return "\n\n".join(["Sign up for our newsletter"] * furniture + prose + ["Share this article"] * furniture) + "\n"


def bring(raw: Path, site: str, places: list[str], **shape: int) -> None:
    write(raw, {f"{site}/{place}.txt": article(f"{place} near {site}", **shape) for place in places})


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Two sites with a past, of which one has just enough."""
    folder = tmp_path / "raw"
    bring(folder, USUAL, PLACES[:PAST])
    bring(folder, OTHER, PLACES[: PAST + 5], furniture=2)
    return folder


@pytest.fixture
def clean(raw: Path, tmp_path: Path) -> Path:
    assert run(raw, tmp_path / "clean").sites.warnings == ()
    return tmp_path / "clean"


def told(report: RunReport) -> list[tuple[str, Drift]]:
    return [(warning.site, warning.what) for warning in report.sites.warnings]


def test_a_site_of_which_suddenly_more_is_removed_is_told_once(raw: Path, clean: Path) -> None:
    """The run that brings enough of its new articles warns, the next one does not, and no other site is named."""
    bring(raw, OTHER, PLACES[20:25], furniture=2)
    bring(raw, USUAL, PLACES[15:20], furniture=9)
    first = run(raw, clean)
    bring(raw, USUAL, PLACES[20:25], furniture=9)
    second = run(raw, clean)

    (warning,) = first.sites.warnings
    assert (warning.site, warning.what, warning.articles) == (USUAL, Drift.MORE_REMOVED, 5)
    assert warning.now - warning.before > 0.15
    assert str(warning) in first.summary()
    assert first.exit_code == 0
    assert second.sites.warnings == ()


def test_a_site_whose_articles_shrink_is_told(raw: Path, clean: Path) -> None:
    """Such as one that now shows the first sentences only."""
    bring(raw, USUAL, PLACES[15:20], sentences=2)

    (warning,) = run(raw, clean).sites.warnings

    assert (warning.site, warning.what) == (USUAL, Drift.SHORTER)
    assert 0 < warning.now < warning.before * 0.6


def test_articles_that_come_a_few_at_a_time_are_compared_together(raw: Path, clean: Path) -> None:
    """On a short schedule no run alone has enough of a site."""
    bring(raw, USUAL, PLACES[15 : 15 + ENOUGH - 1], furniture=9)
    first = run(raw, clean)
    bring(raw, USUAL, PLACES[20:21], furniture=9)
    second = run(raw, clean)

    assert (told(first), told(second)) == ([], [(USUAL, Drift.MORE_REMOVED)])
    assert second.sites.warnings[0].articles == ENOUGH


def test_more_of_the_same_is_no_news(raw: Path, clean: Path) -> None:
    """Neither is a run without articles; of exact duplicates there is one article."""
    bring(raw, USUAL, PLACES[15:25])
    write(raw, {f"{USUAL}/copy-{number}.txt": article(f"{PLACES[15]} near {USUAL}") for number in range(9)})

    report = run(raw, clean)

    assert report.sites.warnings == ()
    assert [(site.site, site.articles, site.past_articles) for site in report.sites.changed] == [(USUAL, 10, PAST)]
    assert run(raw, clean).sites.count == 0


def test_a_site_without_a_past_is_not_judged(raw: Path, clean: Path) -> None:
    """Nothing can be said of a site that is new."""
    bring(raw, "new.example.com", PLACES[:10], furniture=9)

    assert run(raw, clean).sites.warnings == ()


def test_articles_without_a_site_are_watched_together(tmp_path: Path) -> None:
    """A folder of dumps that nobody sorted by site is as good as one site."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write(raw, {f"{place}.txt": article(place) for place in PLACES[:20]})
    run(raw, clean)
    write(raw, {f"{place}.txt": article(place, furniture=9) for place in PLACES[20:30]})

    report = run(raw, clean)

    assert told(report) == [("", Drift.MORE_REMOVED)]
    assert "articles without a site: " in report.summary()


def test_the_report_keeps_what_was_told(raw: Path, clean: Path) -> None:
    """The history gives back the same values, and the page has the sites, the change and the slowest files."""
    bring(raw, USUAL, PLACES[15:20], furniture=9)

    report = run(raw, clean)
    page = render_markdown(report, clean)

    assert history(clean)[0] == RunReport.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["sites"]["warnings"][0]["what"] == "more-removed"
    assert "## To be looked at: 1 warnings" in page
    assert f"| {USUAL} | 5 | {report.sites.changed[0].removed_share:.1%} | " in page
    assert len(report.slowest) == 5
    assert all(key.startswith(f"{USUAL}/") and seconds > 0 for key, seconds in report.slowest.items())
    assert "| article | 5 | 35 |" in page
