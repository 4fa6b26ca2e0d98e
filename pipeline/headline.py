"""
Find the title line of flat text.

A title is what stands above the first paragraph, is too long for a menu entry and too short for prose. No title is
better than a wrong one: a dump that starts with a paragraph has none.
"""

from collections.abc import Sequence

from pipeline.page import Line, Page, wraps_into

TITLE_WORDS = 4
"""Menu entries and kickers rarely have as many words; most titles do."""
MOST_TITLE_WORDS = 40
HEAD_LINES = 12
"""How far down a repeated title is looked for."""


def find_headline(page: Page) -> int | None:
    """Index of the title line, or None."""
    head = _head(page)
    candidates = [index for index in head if _may_be_title(page.lines[index])]
    if candidates and wraps_into_next(page, candidates[0]):
        return None
    repeated = _repeated(page.lines, candidates)
    if repeated is not None:
        return repeated
    if not page.article_prose:
        alone = [i for i in candidates[:1] if i + 1 < len(page.lines) and page.lines[i + 1].gap]
        return alone[0] if alone else None
    long_enough = [index for index in candidates if page.lines[index].words >= TITLE_WORDS]
    if long_enough:
        after_sidebar = any(page.lines[index].opens("teasers") for index in range(long_enough[0]))
        return long_enough[-1] if after_sidebar else long_enough[0]
    return max(candidates, key=lambda index: page.lines[index].words, default=None)


def _head(page: Page) -> range:
    """Everything above the first paragraph; a first line that asks or exclaims may be a title though it is a sentence."""
    first = page.first_prose
    if not page.article_prose:
        return range(len(page.lines))
    line = page.lines[first]
    if line.bare.endswith(("?", "!")) and line.words <= MOST_TITLE_WORDS and page.last_prose > first:
        unclaimed = not any(_may_be_title(page.lines[index]) for index in range(first))
        return range(first + 1 if unclaimed else first)
    return range(first)


def _may_be_title(line: Line) -> bool:
    return (
        line.rule is None
        and 2 <= line.words <= MOST_TITLE_WORDS
        and not line.ellipsis
        and not line.bare.endswith((",", ";"))
        and any(char.isalpha() for char in line.bare)
    )


def wraps_into_next(page: Page, index: int) -> bool:
    """Whether the next line goes on in the middle of a sentence."""
    return index + 1 < len(page.lines) and wraps_into(page.lines[index], page.lines[index + 1])


def _repeated(lines: Sequence[Line], candidates: Sequence[int]) -> int | None:
    """The candidate that stands twice near the top; one that a site's name follows counts as the same line."""
    folds = [line.fold for line in lines[: HEAD_LINES + len(candidates)]]
    for index in candidates:
        if lines[index].words < TITLE_WORDS:
            continue
        if folds.count(lines[index].fold) > 1 or any(
            is_title_with_site(fold, lines[index].fold) for fold in folds if fold != lines[index].fold
        ):
            return index
    return None


def is_title_with_site(fold: str, title: str) -> bool:
    """
    Whether a folded line is the folded title with a short name behind or before it.

    >>> is_title_with_site("harbour opens today | example news", "harbour opens today")
    True
    >>> is_title_with_site("harbour opens today, minister says", "harbour opens today")
    False
    """
    before, found, after = fold.partition(title)
    if not found or not (before or after):
        return False
    behind = not before and after.lstrip()[:1] in SITE_MARKS and len(after.split()) <= 7
    return behind or (not after and before.rstrip()[-1:] in SITE_MARKS and len(before.split()) <= 7)


SITE_MARKS = ("|", "-", "–", "—", "»", "›", ":", "·", "•", "::")
