"""The tables that `python -m bench.quality` and `python -m bench.peers` print."""

from collections.abc import Sequence

from rich.table import Table

from bench.extracted import MUCH_TEXT, SLOW, Extracted, Failures, PartExtracted
from bench.rows import Headline, Row
from bench.turns import Speed
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


def draw_extracted(parts: Sequence[PartExtracted], speeds: Sequence[Speed], pages: int, snippets: str) -> Table:
    """Word F1 of every extractor by part, its snippets in the part of that name, and its speed on so many pages."""
    title = f"word F1 on HTML, snippets of {snippets}, and speed on {pages:,} pages"
    heads = [f"{_head(part.part)}\n{part.pages:,}" for part in parts]
    table = _table(title, ["pages"], [*heads, "with\nfound", "without\nrejected", "pages per\nCPU second", "ratio"])
    by_name = {speed.system: speed for speed in speeds}
    for number, system in enumerate(_systems(parts)):
        figures = [part.systems[number] for part in parts]
        found = next(each for part, each in zip(parts, figures, strict=True) if part.part == snippets)
        speed = by_name.get(system)
        table.add_row(
            system,
            *(show(each.f1) for each in figures),
            show(found.with_found),
            show(found.without_rejected),
            f"{speed.pages_per_second:,.1f}" if speed else "-",
            f"{speed.ratio:,.2f}" if speed else "-",
        )
    for speed in speeds:
        if speed.system not in _systems(parts):
            none = ["-"] * (len(parts) + 2)
            table.add_row(speed.system, *none, f"{speed.pages_per_second:,.1f}", f"{speed.ratio:,.2f}")
    return table


def draw_shares(parts: Sequence[PartExtracted]) -> Table:
    """Precision and recall of words by part."""
    table = _table(
        "precision and recall of words", ["pages"], [f"{_head(part.part)}\n{part.pages:,}" for part in parts]
    )
    for number, system in enumerate(_systems(parts)):
        table.add_row(system, *(_shares(part.systems[number]) for part in parts))
    return table


def draw_failures(failures: Sequence[Failures]) -> Table:
    """How many pages each extractor failed on."""
    table = _table("pages that fail", [""], ["raised", f"over {SLOW:g} s", f"empty with {MUCH_TEXT} words"])
    for each in failures:
        table.add_row(each.system, *(f"{len(pages):,}" for pages in (each.raised, each.slow, each.empty)))
    return table


def _shares(figures: Extracted) -> str:
    return f"{show(figures.precision)} {show(figures.recall)}"


def _systems(parts: Sequence[PartExtracted]) -> list[str]:
    return [figures.system for figures in parts[0].systems]


def _head(part: str) -> str:
    """The name of a part, without its file where that is wcxb_dev, and on as many lines as it has words."""
    return part.removeprefix("wcxb_dev ").replace(" ", "\n")


def _table(title: str, names: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, vertical="bottom", no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", vertical="bottom")
    return table
