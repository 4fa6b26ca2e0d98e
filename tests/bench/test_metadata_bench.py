"""`python -m bench.metadata`: which pages count, what each system reads of one, and figures worked out by hand."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import metadata
from bench.metadata import PARTS, SYSTEMS, Fields, Figures, Page, System, installed, load_pages, measure_speed, score

PARAGRAPH = "The ferry left at six in the morning with eleven people on board, and nobody on the quay was surprised."
HTML = f"""<!doctype html><html lang="en"><head><title>Ferry leaves late | Quay News</title>
<meta property="og:title" content="Ferry leaves late"><meta property="article:published_time" content="2024-03-05T06:00:00Z">
<meta name="author" content="Odalys Brandt"></head><body><article><h1>Ferry leaves late</h1>
{"".join(f"<p>{PARAGRAPH} It was ferry number {number}.</p>" for number in range(8))}</article></body></html>""".encode()
DUMP = f"Ferry leaves late\n\nBy Odalys Brandt\n\nMarch 5, 2024\n\n{PARAGRAPH}\n\n{PARAGRAPH}"
GOLD = Fields("Ferry leaves late", "2024-03-05", ("Odalys Brandt",))


def page_of(gold: Fields = GOLD) -> Page:
    """A page that says all three."""
    return Page("https://quay.example.org/late", HTML, DUMP, gold)


def write_gold(folder: Path) -> None:
    """Files of gold for all parts: an article, the same without title and author, a forum thread, and a page without any."""
    full = {"url": "https://quay.example.org/late", "html": HTML, "dump": DUMP, "title": GOLD.title, "date": "2024-3-5 06:00", "authors": ["Odalys Brandt", "UNKNOWN"]}  # fmt: skip
    rows = [
        {**full, "page_type": "article"},
        {**full, "page_type": "article", "title": None, "authors": ["UNKNOWN"]},
        {**full, "page_type": "forum"},
        {**full, "page_type": "article", "title": "", "authors": None, "date": "UNKNOWN"},
    ]
    for name, _ in PARTS.values():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def test_pages_count_that_have_a_field_in_gold(tmp_path: Path) -> None:
    """Of wcxb_dev articles only; what gold does not know is no field, and days have one form."""
    write_gold(tmp_path)

    articles, news = load_pages(tmp_path, "wcxb_dev articles"), load_pages(tmp_path, "news")

    assert [page.gold for page in articles] == [GOLD, Fields(day="2024-03-05")]
    assert len(news) == 3


@pytest.mark.filterwarnings("ignore:nltk is not installed")
@pytest.mark.parametrize("system", list(installed(SYSTEMS)), ids=lambda system: system.name)
def test_each_system_reads_a_page_that_says_all(system: System) -> None:
    """In the fields that it knows; a page of which nothing can be read has none and stops nothing."""
    found, nothing = system.read([page_of(), Page(None, b"", "", GOLD)])

    for name in system.fields:
        assert getattr(found, name) == getattr(GOLD, name)
        assert not getattr(nothing, name)


def test_figures_are_means_over_the_pages_that_have_the_field() -> None:
    """A title that differs in case and dashes is exact, a set of names has its F1, and what gold lacks counts apart."""
    pages = [page_of(Fields("A – b", "2024-01-01", ("Jane Doe",))), page_of(Fields("C", None, ())), page_of(Fields())]
    found = [Fields("a - B", "2024-01-02", ("Jane Doe", "Staff")), Fields("D", "2024-01-01"), Fields()]

    def read(given: Sequence[Page]) -> list[Fields]:
        assert list(given) == pages
        return found

    figures = score("news", System("made up", read), pages)

    assert figures == Figures("news", "made up", 0.5, 0.0, 0.6667, date_where_none=0.5, authors_where_none=0.0)


def test_what_a_system_does_not_know_has_no_figure() -> None:
    """Not zero."""
    figures = score("news", System("days", lambda _pages: [Fields(day="2024-03-05")], frozenset({"day"})), [page_of()])

    assert (figures.title, figures.date, figures.authors) == (None, 1.0, None)
    assert (figures.date_where_none, figures.authors_where_none) == (None, None)


def test_times_are_taken_of_each() -> None:
    """In milliseconds of CPU a page; more for whole extraction than for metadata alone."""
    spent = measure_speed([page_of()] * 5)

    assert all(milliseconds > 0 for milliseconds in spent.values())
    assert spent["ours, metadata"] < spent["trafilatura.extract"]


def test_the_bench_prints_figures_of_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people, and for programs."""
    write_gold(tmp_path)
    asked = ["bench.metadata", "--gold", str(tmp_path), "--ours", "--speed-pages", "2"]

    monkeypatch.setattr(sys, "argv", asked)
    metadata.main()
    shown = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*asked, "--json"])
    metadata.main()
    told = json.loads(capsys.readouterr().out)

    assert "ours, flat text" in shown
    assert "CPU ms a page" in shown
    assert [(row["part"], row["title"], row["date"]) for row in told["figures"] if row["system"] == "ours"] == [
        (part, 1.0, 1.0) for part in PARTS
    ]
