"""
Put the kept lines together again, and write the removed ones into the ledger.

Kept lines stand in `text` verbatim and in order. Two of them are joined by an empty line when at least one blank line
stood between them in the dump, else by a line end. The ledger holds the rest, so that both together are the dump.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import polars as pl

from pipeline.records import Reason, RemovedLine


@dataclass(frozen=True, slots=True)
class Draft:
    """A cleaned text with its ledger, before metadata and measures join it."""

    text: str
    kept_lines: tuple[int, ...]
    removed: tuple[RemovedLine, ...]
    removed_share: float  # of the characters in non-blank lines, 0 to 1


def assemble_drafts(
    count: int, lines: pl.DataFrame, removed: Sequence[Mapping[int, tuple[Reason, str]]], reasons: Mapping[str, Reason]
) -> list[Draft]:
    """
    One draft for each of `count` documents.

    `lines` is the batch's frame after `trim_prompts`; `removed` gives, for each document, reason and rule of each
    removed line by its number; `reasons` the reason of each rule that cuts spans.
    """
    columns = lines.select(
        "doc", "line", "start", "text", "gap", "left", "right", "left_rule", "right_rule"
    ).iter_rows()
    rows = {doc: list(group) for doc, group in groupby(columns, key=itemgetter(0))}
    return [_draft(rows.get(doc, []), removed[doc], reasons) for doc in range(count)]


def _draft(rows: list[tuple], removed: Mapping[int, tuple[Reason, str]], reasons: Mapping[str, Reason]) -> Draft:  # type: ignore[type-arg]  # rows of a frame
    parts: list[str] = []
    kept: list[int] = []
    ledger: list[RemovedLine] = []
    blank_above = False
    for _, number, start, text, gap, left, right, left_rule, right_rule in rows:
        blank_above = blank_above or gap
        end = start + len(text)
        if number in removed:
            reason, rule = removed[number]
            ledger.append(RemovedLine(number, start, end, text, reason, rule, 1.0))
            continue
        if parts:
            parts.append("\n\n" if blank_above else "\n")
        parts.append(text[left : len(text) - right])
        kept.append(number)
        blank_above = False
        if left:
            ledger.append(RemovedLine(number, start, start + left, text[:left], reasons[left_rule], left_rule, 1.0))
        if right:
            cut = text[len(text) - right :]
            ledger.append(RemovedLine(number, end - right, end, cut, reasons[right_rule], right_rule, 1.0))
    whole = sum(len(row[3]) for row in rows)
    lost = sum(entry.end - entry.start for entry in ledger)
    return Draft("".join(parts), tuple(kept), tuple(ledger), round(lost / whole, 4) if whole else 0.0)
