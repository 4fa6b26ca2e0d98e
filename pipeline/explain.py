"""
Show what the cleaner did to one document: every line with its verdict, and why.

A view of an outcome, for people (`render`) and for programs (`as_json`); nothing is decided here.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.blank import is_blank
from pipeline.records import RemovedLine

Verdict = Literal["keep", "cut", "drop", "blank"]

_STYLES: Mapping[Verdict, str] = {"keep": "green", "cut": "yellow", "drop": "red", "blank": "dim"}
_GONE = "dim strike"

# Left-to-right and right-to-left embeddings, overrides and isolates: they can make a terminal show another order.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line of the document as it was judged, with its ledger entries."""

    number: int  # from 1
    start: int  # character offset in the document's text
    text: str
    removed: tuple[RemovedLine, ...]  # the whole line, or spans at its start and end

    @property
    def verdict(self) -> Verdict:
        """What became of the line; "cut" means that a part of it stays."""
        if not self.removed:
            return "blank" if is_blank(self.text) else "keep"
        whole = any(entry.end - entry.start == len(self.text) for entry in self.removed)
        return "drop" if whole else "cut"

    def spans(self) -> Iterator[tuple[str, bool]]:
        """The line in pieces, each with whether it was removed."""
        at = 0
        for entry in self.removed:
            begin, end = entry.start - self.start, entry.end - self.start
            if begin > at:
                yield self.text[at:begin], False
            yield self.text[begin:end], True
            at = end
        if at < len(self.text):
            yield self.text[at:], False


def explain_lines(text: str, removed: Sequence[RemovedLine]) -> list[ExplainedLine]:
    r"""
    All lines of a document's text, blank ones too, each with what the ledger says about it.

        >>> [(line.number, line.verdict) for line in explain_lines("A\n\nB", ())]
        [(1, 'keep'), (2, 'blank'), (3, 'keep')]
    """
    ledger = {
        number: tuple(sorted(entries, key=attrgetter("start")))
        for number, entries in groupby(sorted(removed, key=attrgetter("line")), key=attrgetter("line"))
    }
    lines: list[ExplainedLine] = []
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        lines.append(ExplainedLine(number, start, line, ledger.get(number, ())))
        start += len(line) + 1
    return lines


def count_reasons(lines: Sequence[ExplainedLine]) -> dict[str, int]:
    """Ledger entries by reason, the most frequent first."""
    counts = Counter(str(entry.reason) for line in lines for entry in line.removed)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def as_json(lines: Sequence[ExplainedLine]) -> list[dict[str, Any]]:
    """Every line that is not blank, for programs."""
    return [
        {
            "line": line.number,
            "verdict": line.verdict,
            "text": line.text,
            "removed": [
                {
                    "start": entry.start,
                    "end": entry.end,
                    "text": entry.text,
                    "reason": str(entry.reason),
                    "rule": entry.rule,
                    "score": entry.score,
                }
                for entry in line.removed
            ],
        }
        for line in lines
        if line.verdict != "blank"
    ]


def render(lines: Sequence[ExplainedLine]) -> RenderableType:
    """Draw the lines as a table with a summary below; safe to print whatever the text holds."""
    return Group(_draw_lines(lines), Text(), _draw_summary(lines))


def visible(text: str) -> str:
    r"""
    Make characters that a terminal would obey, or hide, visible as escapes.

    Scraped text may hold ANSI sequences that colour, move or rename, and marks that reverse the reading order.

        >>> print(visible("\x1b[31mred\x07 caf\u00e9\u202e"))
        \x1b[31mred\x07 café\u202e
    """
    return "".join(_escape(char) if _is_unsafe(char) else char for char in text)


def _is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in _UNSAFE_CATEGORIES or char in _BIDI_CONTROLS


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def _draw_lines(lines: Sequence[ExplainedLine]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(max_width=44, overflow="fold")
    last = max((line.number for line in lines if line.verdict != "blank"), default=0)
    for line in lines[:last]:
        if line.verdict == "blank":
            table.add_row()
        else:
            verdict = Text(line.verdict, style=_STYLES[line.verdict])
            table.add_row(str(line.number), verdict, _draw_text(line), _draw_reasons(line))
    return table


def _draw_text(line: ExplainedLine) -> Text:
    """The line; what was cut from it stands in marks too, for output without styles."""
    text = Text()
    for span, gone in line.spans():
        cut = gone and line.verdict == "cut"
        text.append(f"[-{visible(span)}-]" if cut else visible(span), style=_GONE if gone else "")
    return text


def _draw_reasons(line: ExplainedLine) -> Text:
    return Text("\n").join(
        Text.assemble((str(entry.reason), "bold"), (f" {visible(entry.rule)} {entry.score:.2f}", "dim"))
        for entry in line.removed
    )


def _draw_summary(lines: Sequence[ExplainedLine]) -> RenderableType:
    verdicts = Counter(line.verdict for line in lines)
    counts = Text(f"{verdicts['keep'] + verdicts['cut']} lines kept, {verdicts['drop']} dropped")
    if verdicts["cut"]:
        counts.append(f"; {verdicts['cut']} of the kept ones cut, shown as [-...-]")
    reasons = Table.grid(padding=(0, 2, 0, 0))
    reasons.add_column(justify="right")
    reasons.add_column()
    for reason, count in count_reasons(lines).items():
        reasons.add_row(str(count), Text(reason, style="bold"))
    return Group(counts, reasons)
