"""The tables that `python -m bench.quality` prints."""

from collections.abc import Sequence

from rich.table import Table

from bench.rows import Headline, Row
from pipeline.score.lines import LineGroup
from pipeline.score.measures import WORSE
from pipeline.score.table import show

_WORSE = f"worse by >{WORSE}".replace("0.", ".")


def draw_shapes(title: str, rows: Sequence[Row]) -> Table:
    """Word F1 of every row and of the peers, the share of the gap closed, of pages made worse; what got worse is red."""
    peers = list(dict.fromkeys(name for row in rows for name in row.peers))
    table = _table(
        title, ["part", "shape"], ["pages", "raw", "oracle", "ours", "gap closed", _WORSE, "title exact", *peers]
    )
    part = None
    for row in rows:
        figures = [row.raw, row.oracle, row.ours.f1, row.ours.gap_closed, row.ours.worse, row.ours.title_exact]
        theirs = [row.peers[name].f1 if name in row.peers else None for name in peers]
        name = row.part if row.part != part else ""
        part = row.part
        shape = f"{row.shape} (below raw)" if below_raw(row) else row.shape
        table.add_row(
            name, shape, f"{row.documents:,}", *map(show, [*figures, *theirs]), style="red" if below_raw(row) else ""
        )
    return table


def below_raw(row: Row) -> bool:
    """Whether the raw text is better than what is made of it."""
    return row.ours.f1 < row.raw


def draw_headline(headlines: Sequence[Headline]) -> Table:
    """The mean and the worst over the shapes, by part."""
    table = _table(
        "over all shapes, mean and worst",
        ["part"],
        ["word F1", "gap closed", "worst", "of shape", _WORSE, "most", "best peer", "its gap closed"],
    )
    for each in headlines:
        table.add_row(
            each.part, show(each.f1), show(each.gap_closed), show(each.worst_gap_closed), each.worst_shape,
            show(each.worse), show(each.most_worse), each.best_peer or "-", show(each.best_peer_gap_closed),
        )  # fmt: skip
    return table


def draw_lines(groups: Sequence[LineGroup]) -> Table:
    """Macro F1 of every system by language."""
    systems = [figures.system for figures in groups[0].systems]
    table = _table("labelled lines, macro F1", ["language"], ["documents", "lines", *systems])
    for group in groups:
        scores = [show(figures.macro_f1) for figures in group.systems]
        table.add_row(group.lang, f"{group.documents:,}", f"{group.lines:,}", *scores)
    return table


def _table(title: str, names: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, vertical="bottom", no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", vertical="bottom")
    return table
