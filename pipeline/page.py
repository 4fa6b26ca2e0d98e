"""
A document as the neighbour rules see it: its lines in order, which of them are prose, and where the article stands.

Everything here is a function of the lines still kept and of the title, so that judging a cleaned text again, with the
title known, meets the same facts and removes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from pipeline.records import Reason
from pipeline.rules import Rule

PROSE_WORDS = 8
"""A sentence of at least this many words is prose; shorter ones may be a prompt, a subhead, an answer."""
LONG_WORDS = 30
"""A line of at least this many words is prose even without an end mark; headlines and menu lines are shorter."""
QUESTION_WORDS = 15
"""A question of at most this many words below a heading of teasers is a title."""
LIST_ITEMS = 8
"""A list of links under a heading in the middle of an article is not longer than this."""


class Line(NamedTuple):
    """One non-blank line with its facts (`measure.py`) and the whole-line rule that matches it, if any."""

    number: int
    bare: str
    fold: str
    words: int
    ends: bool
    ellipsis: bool
    lower: bool
    gap: bool
    rule: Rule | None

    @property
    def sure(self) -> bool:
        """A rule calls it furniture wherever it stands."""
        return self.rule is not None and self.rule.zone == "any"

    def has_reason(self, *reasons: Reason) -> bool:
        """Whether the rule that matches it gives one of these reasons."""
        return self.rule is not None and self.rule.reason in reasons

    def opens(self, *what: str) -> bool:
        """Whether it sets off a block of one of these kinds."""
        return self.rule is not None and self.rule.opens in what


@dataclass(frozen=True)
class Page:
    """The lines still kept of one document, and its title, folded, where it is known."""

    lines: Sequence[Line]
    title: str | None

    def titled(self, title: str) -> "Page":
        """The same lines with a title, and all that is known of them: nothing below depends on the title."""
        page = Page(self.lines, title)
        vars(page).update({name: value for name, value in vars(self).items() if name != "title"})
        return page

    @cached_property
    def prose(self) -> Sequence[bool]:
        """Which lines are running text: sentences, long lines, and the lines of a hard-wrapped paragraph."""
        prose = [
            line.rule is None and ((line.ends and line.words >= PROSE_WORDS) or line.words >= LONG_WORDS)
            for line in self.lines
        ]
        for index, (line, following) in enumerate(pairwise(self.lines)):
            if following.lower and line.rule is None and wraps_into(line, following):
                prose[index] = True
                prose[index + 1] = following.rule is None
        return prose

    @cached_property
    def matched(self) -> Sequence[int]:
        """Indices of the lines that a rule matches."""
        return [index for index, line in enumerate(self.lines) if line.rule is not None]

    @cached_property
    def teasers(self) -> dict[int, Line]:
        """
        Indices of the lines in blocks of teasers for other articles, each with the heading or first line above it.

        Blocks that would take all the prose there is, sentences not cut short among it, are the article.
        """
        headings = {}
        for block in _teaser_blocks(self):
            heading = self.lines[block.start]
            for index in block:
                heading = self.lines[index] if self.lines[index].opens("teasers") else heading
                headings[index] = heading
        prose = [index for index, prose in enumerate(self.prose) if prose]
        whole = any(not self.lines[index].ellipsis for index in prose)
        return {} if whole and all(index in headings for index in prose) else headings

    @cached_property
    def article_prose(self) -> Sequence[int]:
        """Indices of the lines of prose that are no teasers."""
        return [index for index, prose in enumerate(self.prose) if prose and index not in self.teasers]

    @cached_property
    def first_prose(self) -> int:
        """Index of the article's first line of prose; the number of lines where there is none."""
        return self.article_prose[0] if self.article_prose else len(self.lines)

    @cached_property
    def last_prose(self) -> int:
        """Index of the article's last line of prose; -1 where there is none."""
        return self.article_prose[-1] if self.article_prose else -1

    def on_edge(self, index: int) -> bool:
        """Whether a line stands before the first or after the last line of prose."""
        return not self.first_prose <= index <= self.last_prose


def wraps_into(line: Line, following: Line) -> bool:
    """Whether a line looks hard-wrapped: no end mark, and the next one goes on with a small letter."""
    return following.lower and not following.gap and not line.ends and line.words >= 4


def _teaser_blocks(page: Page) -> Iterator[range]:
    """
    Runs of teasers: title, perhaps repeated, date, blurb ending in an ellipsis, "Read more".

    A heading ("Latest", "Related articles") starts a block. Where no prose of the article follows, the block reaches
    to the end; where the article goes on, it ends with the last line that is a teaser beyond doubt. Two or more
    teasers at the end of a dump are a block even without a heading.
    """
    taken = 0
    for block in _headed_blocks(page):
        yield block
        taken = block.stop
    start = _headless_start(page, taken)
    if start is not None:
        yield range(start, len(page.lines))


def _headed_blocks(page: Page) -> Iterator[range]:
    if not any(page.lines[index].opens("teasers") for index in page.matched):
        return
    taken = 0
    for run in _teaser_runs(page):
        last_certain = max((index for index in run if _is_certain(page.lines[index])), default=-1)
        for index in run:
            if index >= taken and page.lines[index].opens("teasers"):
                end = _block_end(page, run, index, last_certain)
                if end > index + 1 or end == len(page.lines):
                    yield range(index, end)
                    taken = end


def _block_end(page: Page, run: range, heading: int, last_certain: int) -> int:
    """Where the block below a heading ends, within its run of possible teasers."""
    if run.stop == len(page.lines):
        return run.stop
    if last_certain > heading:
        return last_certain + 1
    return heading + 1 + _listed(page, range(heading + 1, run.stop))


def _teaser_runs(page: Page) -> Iterator[range]:
    """Stretches of lines each of which may belong to a teaser, headings included."""
    start = 0
    for index in range(len(page.lines) + 1):
        if index == len(page.lines) or not _may_be_teaser(page, index):
            if start < index:
                yield range(start, index)
            start = index + 1


def _may_be_teaser(page: Page, index: int) -> bool:
    line = page.lines[index]
    before = page.lines[index - 1] if index else None
    after = page.lines[index + 1] if index + 1 < len(page.lines) else None
    return (
        not page.prose[index]
        or line.ellipsis
        or (line.bare.endswith("?") and line.words <= QUESTION_WORDS)
        or (before is not None and before.has_reason(Reason.DATELINE))
        or (after is not None and after.has_reason(Reason.READ_MORE))
    )


def _is_certain(line: Line) -> bool:
    """Whether a line is a teaser beyond doubt: a blurb cut short, its date, or the link to its rest."""
    cut_short = line.ellipsis and line.words >= PROSE_WORDS
    return cut_short or line.has_reason(Reason.DATELINE, Reason.READ_MORE)


def _listed(page: Page, below: range) -> int:
    """
    How many lines below a heading, closed by a blank line, are a list of links.

    A single line that blank lines part from the heading and from the text may be a subhead.
    """
    body = [page.lines[index] for index in below[: LIST_ITEMS + 1]]
    length = next((offset for offset, line in enumerate(body) if line.gap and offset), len(body))
    closed = length < len(body) or page.lines[below.start + length].gap
    alone = length == 1 and body[0].gap
    links = all(line.words >= 3 and not line.ends for line in body[:length])
    return length if closed and links and not alone and length <= LIST_ITEMS else 0


def _headless_start(page: Page, taken: int) -> int | None:
    """Where two or more teasers without a heading begin, after everything else the article has."""
    blurbs = [
        index
        for index in range(max(taken, 1), len(page.lines))
        if page.lines[index].ellipsis
        and page.prose[index]
        and (
            page.lines[index - 1].has_reason(Reason.DATELINE)
            or (index + 1 < len(page.lines) and page.lines[index + 1].has_reason(Reason.READ_MORE))
        )
    ]
    if len(blurbs) < 2:
        return None
    cut_short = set(blurbs)
    solid = (
        index for index in range(len(page.lines) - 1, taken - 1, -1) if page.prose[index] and index not in cut_short
    )
    last = next(solid, taken - 1)
    trailing = [index for index in blurbs if index > last]
    if last < 0 or len(trailing) < 2 or any(b - a > 6 for a, b in pairwise(trailing)):
        return None
    start = trailing[0]
    above = 3 if page.lines[start - 1].has_reason(Reason.DATELINE) else 1
    return max(last + 1, start - above)
