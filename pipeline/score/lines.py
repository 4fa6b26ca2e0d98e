"""Score line gold: macro F1 of keep and drop, over all lines of one language pooled, then the mean over languages."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pipeline.score.gold import LineGold
from pipeline.score.measures import macro_f1

MEAN = "mean"
"""The value of the group that holds the means over languages."""


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What a system did to the lines of a language."""

    system: str
    macro_f1: float
    lines_removed: float  # share of all lines


@dataclass(frozen=True, slots=True)
class LineGroup:
    """The figures of one language, or the means over all of them."""

    lang: str
    documents: int
    lines: int
    systems: tuple[LineFigures, ...]  # the raw text, of which every line is kept, first


Keeps = Sequence[Sequence[bool]]
"""For each document, keep or drop of each line."""


def keep_everything(documents: Sequence[LineGold]) -> Keeps:
    """Return the verdicts of a cleaner that removes nothing."""
    return [[True] * len(document.lines) for document in documents]


def summarise_lines(documents: Sequence[LineGold], verdicts: Sequence[tuple[str, Keeps]]) -> list[LineGroup]:
    """Return the figures of every system by language, then their means; `verdicts` are a system's name and its keeps."""
    groups = []
    for language in sorted({document.lang or "-" for document in documents}):
        chosen = [index for index, document in enumerate(documents) if (document.lang or "-") == language]
        gold = [label for index in chosen for label in documents[index].keep]
        figures = [
            _figures(name, gold, [keep for index in chosen for keep in keeps[index]]) for name, keeps in verdicts
        ]
        groups.append(LineGroup(language, len(chosen), len(gold), tuple(figures)))
    return [*groups, _mean(groups)] if len(groups) > 1 else groups


def _figures(system: str, gold: Sequence[bool], keeps: Sequence[bool]) -> LineFigures:
    removed = sum(not keep for keep in keeps) / len(keeps) if keeps else 0.0
    return LineFigures(system, macro_f1(gold, keeps), removed)


def _mean(groups: Sequence[LineGroup]) -> LineGroup:
    columns = zip(*(group.systems for group in groups), strict=True)
    figures = tuple(
        LineFigures(
            column[0].system,
            fmean(figures.macro_f1 for figures in column),
            fmean(figures.lines_removed for figures in column),
        )
        for column in columns
    )
    return LineGroup(MEAN, sum(group.documents for group in groups), sum(group.lines for group in groups), figures)
