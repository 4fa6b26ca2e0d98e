"""
Put the kept lines together again, and write the removed ones into the ledger.

Kept lines stand in `text` verbatim and in order. Two of them are joined by an empty line when at least one blank line
stood between them in the dump, else by a line end. The ledger holds the rest, so that both together are the dump.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import polars as pl

from pipeline.records import Reason, Removal, RemovedLine

COLUMNS = ("line", "start", "text", "gap", "left", "right", "left_rule", "right_rule", "words")


@dataclass(frozen=True, slots=True)
class Draft:
    """A cleaned text with its ledger, before metadata and measures join it."""

    text: str
    word_count: int
    kept_lines: tuple[int, ...]
    removed: tuple[RemovedLine, ...]
    removed_share: float  # of the characters in non-blank lines, 0 to 1


def assemble_drafts(
    count: int, lines: pl.DataFrame, removed: Sequence[Mapping[int, Removal]], reasons: Mapping[str, Reason]
) -> list[Draft]:
    """
    One draft for each of `count` documents.

    `lines` is the batch's measured frame; `removed` gives, for each document, why each removed line goes,
    by its number; `reasons` the reason of each rule that cuts spans.
    """
    rows = zip(*(lines[name].to_list() for name in COLUMNS), strict=True)
    bounds = lines["doc"].search_sorted(pl.Series(range(count + 1), dtype=pl.UInt32)).to_list()
    return [
        _draft(islice(rows, end - start), removed[doc], reasons) for doc, (start, end) in enumerate(pairwise(bounds))
    ]


def _draft(rows: Iterable[tuple], removed: Mapping[int, Removal], reasons: Mapping[str, Reason]) -> Draft:  # type: ignore[type-arg]  # rows of a frame
    parts: list[str] = []
    kept: list[int] = []
    ledger: list[RemovedLine] = []
    blank_above = False
    whole = words = 0
    for number, start, text, gap, left, right, left_rule, right_rule, words_in_line in rows:
        blank_above = blank_above or gap
        end = start + len(text)
        whole += len(text)
        if number in removed:
            ledger.append(RemovedLine(number, start, end, text, *removed[number]))
            continue
        if parts:
            parts.append("\n\n" if blank_above else "\n")
        parts.append(text[left : len(text) - right] if left or right else text)
        kept.append(number)
        words += words_in_line
        blank_above = False
        if left:
            ledger.append(RemovedLine(number, start, start + left, text[:left], reasons[left_rule], left_rule, 1.0))
        if right:
            cut = text[len(text) - right :]
            ledger.append(RemovedLine(number, end - right, end, cut, reasons[right_rule], right_rule, 1.0))
    lost = sum(entry.end - entry.start for entry in ledger)
    return Draft("".join(parts), words, tuple(kept), tuple(ledger), round(lost / whole, 4) if whole else 0.0)
