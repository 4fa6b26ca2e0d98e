"""
Judge each line by the rules: keep it or remove it, with the reason and the rule that says so.

Whole-line rules are matched over the whole batch. Then each document is judged with its neighbours until nothing more
is removed: what a removal leaves behind is seen as a second cleaning would see it, so a second cleaning has nothing to
do.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise

import polars as pl

from pipeline.headline import find_headline
from pipeline.matching import match_rules
from pipeline.neighbours import FINDERS, Drop
from pipeline.page import Line, Page
from pipeline.records import Judgement, Mark, Reason, Removal
from pipeline.rules import Rules

MOST_PASSES = 50
"""A bound on the passes over one document; texts need two or three."""


def judge_lines(lines: pl.DataFrame, titles: Sequence[str | None], rules: Rules) -> list[Judgement]:
    """
    Judge the measured lines of a batch.

    `titles` holds, for each document, the folded title where it is known, "" where the document is known to have none,
    and None where it has to be found in the text.
    """
    columns = (lines[name].to_list() for name in ("line", "bare", "fold", "words", "ends", "ellipsis", "lower", "gap"))
    rows = zip(*columns, match_rules(lines, rules), strict=True)
    bounds = lines["doc"].search_sorted(pl.Series(range(len(titles) + 1), dtype=pl.UInt32)).to_list()
    # Lines are made for one document at a time: a hundred thousand at once keep the garbage collector busy.
    pages = (list(map(Line._make, islice(rows, end - start))) for start, end in pairwise(bounds))
    return [judge_page(page, title) for page, title in zip(pages, titles, strict=True)]


def judge_page(lines: Sequence[Line], title: str | None) -> Judgement:
    """Judge one document's lines; see `judge_lines` for `title`."""
    page = Page(lines, title)
    headline = None
    if title is None:
        index = find_headline(page)
        headline = None if index is None else lines[index].number
        page = page.titled("" if index is None else lines[index].fold)
    words = [line.words for line in lines]
    numbers = [line.number for line in lines]
    matched = {line.number: line.rule.reason for line in map(lines.__getitem__, page.matched) if line.rule}
    removed: dict[int, Removal] = {}
    for _ in range(MOST_PASSES):
        drops = _first_drops(page)
        if not drops:
            break
        removed |= {page.lines[drop.at].number: Removal(drop.reason, drop.rule, 1.0) for drop in drops.values()}
        page = Page(list(_without(page.lines, drops)), page.title)
    prose = page.article_prose
    hints = {number: reason for number, reason in matched.items() if number not in removed}
    first_prose = page.lines[prose[0]].number if prose else None
    marks = [_mark(line, removed) for line in lines]
    return Judgement(numbers, words, _one_title(removed), marks, hints, headline, first_prose)


def _mark(line: Line, removed: Mapping[int, Removal]) -> Mark:
    removal = removed.get(line.number)
    if removal is None:
        return Mark.NONE if line.rule is None else Mark.HINT
    if removal.reason in _TITLES:
        return Mark.TITLE
    return Mark.SURE if line.sure and line.rule is not None and line.rule.id == removal.rule else Mark.RULED


_TITLES = (Reason.TITLE, Reason.REPEATED_TITLE)


def _first_drops(page: Page) -> dict[int, Drop]:
    """For each line that goes, the first finder that says so."""
    drops: dict[int, Drop] = {}
    for find in FINDERS:
        for drop in find(page):
            drops.setdefault(drop.at, drop)
    return drops


def _without(lines: Sequence[Line], drops: dict[int, Drop]) -> Iterator[Line]:
    """The lines that stay; one below a removed line inherits the blank line above that."""
    gap = False
    for index, line in enumerate(lines):
        if index in drops:
            gap = gap or line.gap
        else:
            yield line._replace(gap=True) if gap and not line.gap else line
            gap = False


def _one_title(removed: dict[int, Removal]) -> dict[int, Removal]:
    """The first line with the title is the title; later ones, found in a later pass, repeat it."""
    titles = sorted(number for number, removal in removed.items() if removal.reason is Reason.TITLE)
    repeats = {number: removed[number]._replace(reason=Reason.REPEATED_TITLE) for number in titles[1:]}
    return removed | repeats
