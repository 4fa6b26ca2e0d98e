"""Figures for people, as tables, and for programs, as JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.explain import visible
from pipeline.score.lines import LineGroup
from pipeline.score.measures import WORSE
from pipeline.score.pages import Figures, Group
from pipeline.score.run import LineReport, PageReport

DIGITS = 4
"""Digits of a figure in JSON: more would be noise."""

_ORACLE = "oracle"
_COLUMNS: Mapping[str, Callable[[Figures], float | None]] = {
    "word\nF1": lambda figures: figures.f1,
    "precision": lambda figures: figures.precision,
    "recall": lambda figures: figures.recall,
    "gap\nclosed": lambda figures: figures.gap_closed,
    f"worse\nby >{WORSE}".replace("0.", "."): lambda figures: figures.worse,
    "words\nremoved": lambda figures: figures.words_removed,
    "snippets\nfound": lambda figures: figures.with_found,
    "snippets\nrejected": lambda figures: figures.without_rejected,
    "title\nexact": lambda figures: figures.title_exact,
}


def as_json(report: PageReport | LineReport) -> dict[str, Any]:
    """Return all figures; a share that nothing in the group tells is null."""
    kind = "pages" if isinstance(report, PageReport) else "lines"
    fields: dict[str, Any] = round_figures(asdict(report))
    return {"kind": kind, **fields}


def round_figures(value: Any) -> Any:
    """
    Round every float, however deep.

    >>> round_figures({"f1": [0.123456, 1], "gap": None})
    {'f1': [0.1235, 1], 'gap': None}
    """
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: round_figures(item) for key, item in value.items()}
        case list() | tuple():
            return [round_figures(item) for item in value]
        case _:
            return value


def draw(report: PageReport | LineReport) -> Table:
    """Draw a report."""
    return draw_groups(report.groups) if isinstance(report, PageReport) else draw_lines(report.groups)


def describe(report: PageReport | LineReport) -> str:
    """Say in one line what was scored."""
    if isinstance(report, LineReport):
        return f"{report.gold}: {report.documents:,} documents, each line labelled"
    blank = f"; {report.blank:,} blank in this shape, left out" if report.blank else ""
    return f"{report.gold} as {report.shape}: {report.documents:,} pages{blank}"


def draw_groups(groups: Sequence[Group]) -> Table:
    """Draw the figures of groups of pages; a column that no group has figures for is left out."""
    figures = [each for group in groups for each in group.systems]
    columns = {name: read for name, read in _COLUMNS.items() if any(read(each) is not None for each in figures)}
    table = _table(["group", "pages", "system"], columns)
    key = "all"
    for group in groups:
        if group.by != key:
            key = group.by
            table.add_row()
            table.add_row(Text(f"by {key}", style="bold"))
        rows = [(each.system, [read(each) for read in columns.values()]) for each in group.systems]
        oracle = {"word\nF1": group.oracle, "gap\nclosed": 1.0}
        rows.insert(1, (_ORACLE, [oracle.get(name) for name in columns]))
        _add_section(table, (group.value, f"{group.documents:,}"), rows)
    return table


def draw_lines(groups: Sequence[LineGroup]) -> Table:
    """Draw the figures of labelled lines."""
    table = _table(["language", "documents", "lines", "system"], ["macro F1", "lines removed"])
    for group in groups:
        rows = [(each.system, [each.macro_f1, each.lines_removed]) for each in group.systems]
        _add_section(table, (group.lang, f"{group.documents:,}", f"{group.lines:,}"), rows)
    return table


def show(figure: float | None) -> str:
    """
    Return a figure for a table.

    >>> show(0.91251), show(-0.5), show(1.0), show(None)
    ('.913', '-.500', '1.000', '-')
    """
    if figure is None:
        return "-"
    return f"{figure:.3f}".replace("0.", ".", 1) if abs(figure) < 1 else f"{figure:.3f}"


def _table(names: Sequence[str], figures: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=name == "system", overflow="fold", vertical="bottom")
    for name in figures:
        table.add_column(name, justify="right", vertical="bottom")
    return table


def _add_section(table: Table, head: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]]) -> None:
    if table.row_count:
        table.add_row()
    for number, (system, figures) in enumerate(rows):
        names = [visible(name) if number == 0 else "" for name in head]
        style = "bold" if system == "ours" else "dim" if system in {"raw", _ORACLE} else ""
        table.add_row(*(Text(name) for name in [*names, system]), *map(show, figures), style=style)
