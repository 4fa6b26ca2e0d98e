"""
Find the title line of flat text.

A title is what stands above the first paragraph, is too long for a menu entry and too short for prose. No title is
better than a wrong one: a dump that starts with a paragraph has none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from pipeline.page import PROSE_WORDS, Line, Page, wraps_into

TITLE_WORDS = 4
"""Menu entries and kickers rarely have as many words; most titles do."""
MOST_TITLE_WORDS = 40
USUAL_WORDS = 8
"""Titles have about so many words; more does not make a line more of a title."""
MARGIN = 0.4
"""Of lines that look alike the first is the title: captions and standfirsts below it say the same in more words."""
ARTICLE_LINES = 10
"""So many lines of prose are compared with what may be the title."""
HEAD_LINES = 12
"""How far down a repeated title is looked for."""
LONGEST_WITH_SITE = 1_000  # characters
MOST_MARKS = 20  # between a title and a site's name, from either end; names have few, and hostile lines thousands

_LONG_WORD = re.compile(r"\w{4,}")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2}|[^\W\u3040-\u30ff\u3400-\u9fff]+")


def find_headline(page: Page) -> int | None:
    """Index of the title line, or None."""
    head = _head(page)
    candidates = [index for index in head if _may_be_title(page.lines[index]) and not _is_sentence(page, index)]
    if candidates and wraps_into_next(page, candidates[0]):
        return None
    repeated = _repeated(page.lines, candidates)
    if repeated is not None:
        return repeated
    if not page.article_prose:
        alone = [i for i in candidates[:1] if i + 1 < len(page.lines) and page.lines[i + 1].gap]
        return alone[0] if alone else None
    if len(candidates) < 2:
        return next(iter(candidates), None)
    article = _article_words(page)
    scores = {index: _score(page.lines[index], article) for index in candidates}
    best = max(scores.values(), default=0.0)
    return next((index for index in candidates if scores[index] >= best - MARGIN), None)


def _score(line: Line, article: AbstractSet[str]) -> float:
    """
    How much a line looks like the article's title: its words come up in the article, and it has as many as titles have.

    The first lines of the article say most of what its title says; a menu entry or a slogan shares nothing with them.
    """
    words = _content_words(line.fold)
    overlap = sum(word in article for word in words) / len(words) if words else 0.0
    return overlap + min(line.words, USUAL_WORDS) / USUAL_WORDS


def _article_words(page: Page) -> set[str]:
    """The words of the article's first lines."""
    return {word for index in page.article_prose[:ARTICLE_LINES] for word in _content_words(page.lines[index].fold)}


def _content_words(fold: str) -> list[str]:
    """Words that carry meaning, guessed by their length; Chinese and Japanese are compared by pairs of characters."""
    if fold.isascii():  # the same words in a third of the time
        return _LONG_WORD.findall(fold)
    return [word for word in _WORD.findall(fold) if len(word) > 3 or not word.isascii()]


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


def _is_sentence(page: Page, index: int) -> bool:
    """Whether a line is prose: a sentence, and no question or exclamation, which titles may be; a bar may stand behind it."""
    line = page.lines[index]
    ended = line.words >= PROSE_WORDS and line.bare.endswith((".", "。"))
    return (page.prose[index] or ended) and not line.bare.endswith(("?", "!"))


def wraps_into_next(page: Page, index: int) -> bool:
    """Whether the next line goes on in the middle of a sentence."""
    return index + 1 < len(page.lines) and wraps_into(page.lines[index], page.lines[index + 1])


def _repeated(lines: Sequence[Line], candidates: Sequence[int]) -> int | None:
    """The candidate that stands twice near the top; one that a site's name follows counts as the same line."""
    times = Counter(line.fold for line in lines[: HEAD_LINES + len(candidates)])
    named = {title for fold in times for title in _titles_with_site(fold)}
    long_enough = (index for index in candidates if lines[index].words >= TITLE_WORDS)
    return next((i for i in long_enough if times[lines[i].fold] > 1 or lines[i].fold in named), None)


def _titles_with_site(fold: str) -> Iterator[str]:
    """Folded titles that a folded line may be, with a site's name: what stands before or after one of its marks."""
    if len(fold) > LONGEST_WITH_SITE:
        return
    places = [mark.start() for mark in _SITE_MARK.finditer(fold)]
    before = (fold[:place].rstrip() for place in places[-MOST_MARKS:])
    behind = (fold[place + 1 :].lstrip() for place in places[:MOST_MARKS])
    yield from (title for title in chain(before, behind) if title and is_title_with_site(fold, title))


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


SITE_MARKS = ("|", "-", "–", "—", "»", "›", ":", "·", "•")
_SITE_MARK = re.compile(f"[{re.escape(''.join(SITE_MARKS))}]")
