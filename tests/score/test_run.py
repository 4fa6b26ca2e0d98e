"""Scoring gold files: what the figures mean, by hand-made pages whose figures can be worked out."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import GoldError
from pipeline.score.gold import LineGold
from pipeline.score.lines import keep_everything, summarise_lines
from pipeline.score.pages import Figures, Group, Key
from pipeline.score.run import PageReport, score_file, score_lines_file, score_pages_file
from pipeline.score.shapes import Shape
from pipeline.score.systems import Result, System
from tests.score.gold_cases import PARAGRAPH, load_reference, page_row, write_gold


def without_first_line(texts: Sequence[str]) -> list[Result]:
    """A cleaner that takes the first line for the title, whatever it is."""
    return [Result(text.split("\n", 1)[1], text.split("\n", 1)[0]) for text in texts]


def wipe(texts: Sequence[str]) -> list[Result]:
    """A cleaner that removes everything."""
    return [Result("") for _ in texts]


BEHEAD = System("behead", without_first_line, titles=True)
WIPE = System("wipe", wipe)
ROWS = [
    page_row(1, lang="en", title="Menu", with_=[PARAGRAPH, "eleven people", "absent"], without=["menu", "surprised"]),
    page_row(2, lang="en", title="Other"),
    page_row(3, lang="de", dump=f"{PARAGRAPH}\n{PARAGRAPH}"),
    page_row(4, lang="de", dump=" \n"),
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Four pages: two begin with a menu, one with its article twice, one has no text."""
    return write_gold(tmp_path / "gold.parquet", ROWS)


def figures_of(report: PageReport, value: str = "all") -> dict[str, Figures]:
    """The figures of one group, by system."""
    group = group_of(report, value)
    return {figures.system: figures for figures in group.systems}


def group_of(report: PageReport, value: str) -> Group:
    """The group with this value."""
    return next(group for group in report.groups if group.value == value)


def score_pages(path: Path, shape: Shape = Shape.DUMP, limit: int | None = None) -> PageReport:
    """Score with the two systems made for these tests."""
    return score_pages_file(path, shape, [BEHEAD, WIPE], tuple(Key), limit, lambda _what, _done, _total: None)


def test_figures_are_means_of_the_reference(gold: Path) -> None:
    """Word F1, its parts, the gap and the share of pages made worse are means over pages, to the last digit."""
    reference = load_reference()
    raw = [reference.word_f1(row["dump"], PARAGRAPH) for row in ROWS[:3]]
    best = [reference.word_f1(reference.oracle(row["dump"], PARAGRAPH), PARAGRAPH)[0] for row in ROWS[:3]]

    report = score_pages(gold)
    figures = figures_of(report)

    assert (report.documents, report.blank) == (3, 1)
    assert group_of(report, "all").raw == figures["raw"].f1 == pytest.approx(sum(f1 for f1, _, _ in raw) / 3)
    assert group_of(report, "all").oracle == pytest.approx(sum(best) / 3)
    assert figures["raw"].precision == pytest.approx(sum(precision for _, precision, _ in raw) / 3)
    assert (figures["behead"].f1, figures["behead"].recall, figures["behead"].worse) == (1.0, 1.0, 0.0)
    assert (figures["raw"].gap_closed, figures["raw"].worse, figures["raw"].words_removed) == (0.0, 0.0, 0.0)
    assert (figures["wipe"].f1, figures["wipe"].worse, figures["wipe"].words_removed) == (0.0, 1.0, 1.0)
    for name, f1 in (("behead", 1.0), ("wipe", 0.0)):
        gap = reference.gap_closed(f1, sum(f1 for f1, _, _ in raw) / 3, sum(best) / 3)
        assert figures[name].gap_closed == pytest.approx(gap)


def test_snippets_and_titles_count_where_gold_has_them(gold: Path) -> None:
    """Snippets are pooled; a title is right or wrong only where gold has one and the system looks for one."""
    figures = figures_of(score_pages(gold))

    assert figures["behead"].with_found == pytest.approx(2 / 3)
    assert (figures["raw"].without_rejected, figures["behead"].without_rejected) == (0.0, 0.5)
    assert (figures["behead"].title_exact, figures["raw"].title_exact, figures["wipe"].title_exact) == (0.5, None, None)
    assert figures_of(score_pages(gold), "de")["behead"].with_found is None


def test_groups_are_values_of_a_key(gold: Path) -> None:
    """Pages are grouped by each key that tells them apart; pages that are blank belong to no group."""
    report = score_pages(gold)

    assert [(group.by, group.value, group.documents) for group in report.groups] == [
        ("all", "all", 3), ("lang", "de", 1), ("lang", "en", 2),
    ]  # fmt: skip


def test_a_limit_does_not_change_a_text(gold: Path) -> None:
    """A stitched text is made from the whole file, so a smaller sample scores the same texts."""
    whole = score_pages(gold, Shape.STITCHED)
    part = score_pages(gold, Shape.STITCHED, limit=2)

    assert part.documents == 2
    assert group_of(part, "all").raw == pytest.approx(group_of(whole, "en").raw)


def test_html_is_measured_against_all_visible_text(tmp_path: Path) -> None:
    """A page's raw text is what a reader sees of it; ours and trafilatura are given the page."""
    page = f"<html><body><p>Menu</p><article><p>{PARAGRAPH}</p></article></body></html>"
    path = write_gold(tmp_path / "gold.parquet", [page_row(1, html=page.encode()), page_row(2, html=b"")])

    report = score_file(path, Shape.HTML)

    assert isinstance(report, PageReport)
    assert (report.documents, report.blank) == (1, 1)
    assert list(figures_of(report)) == ["raw", "ours", "trafilatura"]
    assert figures_of(report)["ours"].f1 > group_of(report, "all").raw


def test_nothing_to_score_is_said(tmp_path: Path) -> None:
    """A file in which no page has text gives an error, not a mean of nothing."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(1, dump="")])

    with pytest.raises(GoldError, match="every page is blank as dump"):
        score_pages(path)


def test_lines_are_pooled_by_language_then_averaged() -> None:
    """Macro F1 is the reference's over a language's lines; the mean gives every language the same weight."""
    reference = load_reference()
    documents = [
        LineGold("1", ("a", "b"), (True, False), "en"),
        LineGold("2", ("c",), (True,), "en"),
        LineGold("3", ("d", "e"), (False, False), "sv"),
    ]
    keeps = [[True, True], [True], [False, False]]

    english, swedish, mean = summarise_lines(documents, [("raw", keep_everything(documents)), ("x", keeps)])

    assert (english.lang, english.documents, english.lines) == ("en", 2, 3)
    assert english.systems[1].macro_f1 == reference.macro_f1([True, False, True], [True, True, True])
    assert (swedish.systems[0].macro_f1, swedish.systems[1].macro_f1) == (0.0, 1.0)
    assert mean.systems[1].macro_f1 == pytest.approx((english.systems[1].macro_f1 + 1.0) / 2)
    assert mean.systems[1].lines_removed == pytest.approx(0.5)


def test_a_title_line_counts_as_kept(tmp_path: Path) -> None:
    """The title has a column of its own, so taking it out of the text is no loss."""
    lines = ["Ferry counts twice", PARAGRAPH, PARAGRAPH.replace("six", "seven"), "Read more"]
    row = {"id": "1", "lang": "en", "lines": lines, "keep": [True, True, True, False]}

    report = score_file(write_gold(tmp_path / "lines.parquet", [row]))

    (group,) = report.groups
    assert group.systems[1].system == "ours"
    assert asdict(group.systems[1])["macro_f1"] == 1.0


def test_a_line_break_within_a_line_is_named(tmp_path: Path) -> None:
    """A system splits lines itself; where gold's lines are no lines, labels would slip."""
    row = {"id": "doc-7", "lang": "en", "lines": ["One\nTwo", "Three"], "keep": [True, True]}

    with pytest.raises(GoldError, match="doc-7: column 'lines'"):
        score_file(write_gold(tmp_path / "lines.parquet", [row]))


def test_systems_without_lines_are_left_out_of_line_gold(tmp_path: Path) -> None:
    """What does not say which lines it keeps cannot be scored by lines."""
    row = {"id": "1", "lang": "en", "lines": ["One"], "keep": [True]}
    path = write_gold(tmp_path / "lines.parquet", [row])

    report = score_lines_file(path, [WIPE], None, lambda _what, _done, _total: None)

    assert [figures.system for figures in report.groups[0].systems] == ["raw"]


def test_progress_reaches_the_end(gold: Path) -> None:
    """Whoever watches is told of every document and system."""
    told: list[tuple[str, int, int]] = []

    score_file(gold, peers=False, tell=lambda what, done, total: told.append((what, done, total)))

    assert told[-1] == ("ours", 3, 3)


def test_the_command_prints_a_table(gold: Path) -> None:
    """`pipeline score` shows the raw text, the oracle, ours and the peers side by side."""
    result = CliRunner().invoke(app, ["score", str(gold), "--by", "lang"])

    assert result.exit_code == 0
    for words in ("3 pages; 1 blank", "by lang", "oracle", "ours", "C4 (TFDS)", "RefinedWeb line-wise", "jusText"):
        assert words in result.output


def test_the_command_prints_json(gold: Path) -> None:
    """`--json` gives the same figures as one object; `--no-peers` leaves ours alone beside the raw text."""
    result = CliRunner().invoke(
        app, ["score", str(gold), "--json", "--no-peers", "--limit", "2", "--input", "dump_full"]
    )

    report = json.loads(result.output)
    assert (report["kind"], report["shape"], report["documents"]) == ("pages", "dump_full", 2)
    assert [figures["system"] for figures in report["groups"][0]["systems"]] == ["raw", "ours"]
    assert report["groups"][0]["systems"][1]["with_found"] == round(2 / 3, 4)


def test_the_command_scores_lines(tmp_path: Path) -> None:
    """Line gold is told from page gold by its columns, and has a table of its own."""
    row = {"id": "1", "lang": "en", "lines": [PARAGRAPH, "Read more"], "keep": [True, False]}
    path = write_gold(tmp_path / "lines.parquet", [row])

    assert "macro F1" in CliRunner().invoke(app, ["score", str(path)]).output
    assert json.loads(CliRunner().invoke(app, ["score", str(path), "--json"]).output)["kind"] == "lines"


def test_a_wrong_file_is_bad_usage(tmp_path: Path) -> None:
    """A file that is no gold ends with exit code 2 and a message with its name, not with a traceback."""
    path = write_gold(tmp_path / "other.parquet", [{"id": "1", "text": "x"}])

    result = CliRunner().invoke(app, ["score", str(path)])

    assert result.exit_code == 2
    assert "no column 'dump', 'gold'" in result.output
