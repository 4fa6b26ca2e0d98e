"""
Rules that need to see the lines around a line. Each is one small function from a page to the lines it removes.

They are documented as the rules in the packs are: `why`, `hits` and `misses`, which run as tests. In a hit, the lines
that start with "- " are those the rule removes; from a miss it removes nothing. They are conservative between the
first and the last paragraph: subheads, speech turns, list items, quotations and short answers stay.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from pipeline.headline import TITLE_WORDS, is_title_with_site
from pipeline.page import Page
from pipeline.records import Reason

ARTICLE_WORDS = 100
"""So much prose must stand above "3 Comments" for what follows to be the readers'; a link to them stands higher up."""
RUN_LENGTH = 3
"""So many furniture lines in a row are a bar or a menu, even where each alone might be a subhead."""


class Drop(NamedTuple):
    """A line to remove: its index in the page, why, and which rule says so."""

    at: int
    reason: Reason
    rule: str


@dataclass(frozen=True)
class NeighbourRule:
    """A rule of this module."""

    id: str
    why: str
    find: Callable[[Page], Iterator[Drop]]
    hits: tuple[str, ...]
    misses: tuple[str, ...]


def certain_lines(page: Page) -> Iterator[Drop]:
    """Lines that a pack's rule calls furniture wherever they stand."""
    for index in page.matched:
        rule = page.lines[index].rule
        if rule is not None and rule.zone == "any":
            yield Drop(index, rule.reason, rule.id)


def title_lines(page: Page) -> Iterator[Drop]:
    """The title, its repeats, and the title with the site's name behind it."""
    if not page.title:
        return
    reason = Reason.TITLE
    for index, line in enumerate(page.lines):
        same = line.fold == page.title and (line.words >= TITLE_WORDS or page.on_edge(index))
        if same or (index < page.first_prose and is_title_with_site(line.fold, page.title)):
            yield Drop(index, reason if same else Reason.REPEATED_TITLE, "title-line")
            reason = Reason.REPEATED_TITLE if same else reason


def above_title(page: Page) -> Iterator[Drop]:
    """Everything above the title, where the title itself is still there."""
    title = next((i for i, line in enumerate(page.lines) if page.title and line.fold == page.title), 0)
    if title <= page.first_prose:
        for index, line in enumerate(page.lines[:title]):
            reason = line.rule.reason if line.rule else Reason.NAVIGATION
            yield Drop(index, reason, line.rule.id if line.rule else "above-title")


def teaser_blocks(page: Page) -> Iterator[Drop]:
    """Blocks of teasers for other articles; a title among them that is this article's own is left to `title_lines`."""
    for index, heading in page.teasers.items():
        line = page.lines[index]
        if page.title and line.fold == page.title:
            continue
        if heading.opens("teasers") and heading.rule is not None:
            yield Drop(index, heading.rule.reason, heading.rule.id if line is heading else "teaser-block")
        else:
            yield Drop(index, Reason.RELATED, "teaser-block")


def edge_lines(page: Page) -> Iterator[Drop]:
    """Lines that a pack's rule calls furniture outside the article's prose."""
    mostly_furniture = 2 * len(page.matched) >= len(page.lines)
    for index in page.matched:
        line = page.lines[index]
        if line.rule is None or line.rule.zone == "any" or (line.rule.zone == "tail" and index < page.last_prose):
            continue
        # Without prose there is no edge: numbers and dates may be a table of results.
        unclear = line.rule.zone == "tail" or line.has_reason(Reason.COUNTER, Reason.DATELINE, Reason.BYLINE)
        if unclear and not page.article_prose and not mostly_furniture:
            continue
        if page.on_edge(index):
            yield Drop(index, line.rule.reason, line.rule.id)


def furniture_runs(page: Page) -> Iterator[Drop]:
    """Bars and menus between two paragraphs: runs of furniture lines with a certain one among them, or a long run."""
    loose = (Reason.DATELINE, Reason.BYLINE, Reason.COUNTER)
    for _, group in groupby(enumerate(page.matched), key=lambda item: item[1] - item[0]):  # of lines in a row
        run = [(index, page.lines[index]) for _, index in group]
        firm = [item for item in run if not item[1].has_reason(*loose)]
        if len(run) > 1 and (len(firm) >= RUN_LENGTH or any(line.sure for _, line in run)):
            for index, line in firm:
                if line.rule is not None and line.rule.zone == "edge":
                    yield Drop(index, line.rule.reason, line.rule.id)


def after_last_paragraph(page: Page) -> Iterator[Drop]:
    """What follows the first line after the prose that closes an article: a login prompt, a list of headlines."""
    if page.last_prose < 0:
        return
    closed = False
    for index in range(page.last_prose + 1, len(page.lines)):
        line = page.lines[index]
        if closed and line.rule is None:
            yield Drop(index, Reason.SITE_FURNITURE, "after-last-paragraph")
        closed = closed or line.opens("tail", "teasers", "comments")


def comment_section(page: Page) -> Iterator[Drop]:
    """Readers' comments below a heading that says so, when the article stands above it."""
    heading = _comments_heading(page)
    if heading is None:
        return
    for index in range(heading, len(page.lines)):
        rule = page.lines[index].rule
        if rule is not None and (rule.zone == "any" or index == heading):
            yield Drop(index, rule.reason, rule.id)
        else:
            yield Drop(index, Reason.COMMENTS, "comment-section")


def _comments_heading(page: Page) -> int | None:
    """
    The first heading over comments that has an article above it.

    What stands below does not count: once it is removed, the same heading would have more of the page above it.
    """
    if not any(page.lines[index].opens("comments") for index in page.matched):
        return None
    prose = set(page.article_prose)
    above = 0
    for index, line in enumerate(page.lines):
        if line.opens("comments") and above >= ARTICLE_WORDS:
            return index
        above += line.words if index in prose else 0
    return None


_PARAGRAPH = "The ferry left the quay at six, as it has every morning since the war, with eleven people on board."
_SECOND = "Nobody expected it to come back with twelve, and least of all the captain, who counts twice."
_ARTICLE = "\n\n".join((_PARAGRAPH, _SECOND) * 3)
_BLURB = "The old bridge over the river was closed on Monday after a crack was found in one of its …"

NEIGHBOUR_RULES: tuple[NeighbourRule, ...] = (
    NeighbourRule(
        id="title-line",
        why="The title has a column of its own; scrapers print it once as the page's title and once as its heading.",
        find=title_lines,
        hits=(
            f"- Ferry returns with one more on board\n- Ferry returns with one more on board\n{_PARAGRAPH}",
            f"- Ferry returns with one more on board | Quay News\n- Ferry returns with one more on board\n{_PARAGRAPH}",
        ),
        misses=(f"{_PARAGRAPH}\n\nA quiet night\n\n{_SECOND}",),
    ),
    NeighbourRule(
        id="above-title",
        why="Above the title stand the site's name, its menu and the section, never the article.",
        find=above_title,
        hits=(f"- Quay News\n- Boats\n\nFerry returns with one more on board\n\n{_PARAGRAPH}",),
        misses=(f"Ferry returns with one more on board\n\nHow a count went wrong\n\n{_PARAGRAPH}",),
    ),
    NeighbourRule(
        id="teaser-block",
        why="Sidebars print other articles' titles, dates and first words; no line of them belongs to this article.",
        find=teaser_blocks,
        hits=(
            f"{_PARAGRAPH}\n\nLatest\n\n- Bridge closed\n- Bridge closed\n- March 3, 2021\n- {_BLURB}\n\nRead More",
            f"{_PARAGRAPH}\n\nRelated articles\n- Why the bridge was closed\n- Who pays for the ferry\n\n{_SECOND}",
        ),
        misses=(
            f"{_PARAGRAPH}\n\nThe latest count\n\n{_SECOND}",
            f"{_PARAGRAPH}\n\nWho was on board…\n\n{_SECOND}",
        ),
    ),
    NeighbourRule(
        id="after-last-paragraph",
        why="After the prompt that closes an article come tags, menus and headlines; none of them is prose.",
        find=after_last_paragraph,
        hits=(f"{_PARAGRAPH}\n\nPlease login with linkedin to comment\n\n- 2030 Harbour Games ferries",),
        misses=(f"{_PARAGRAPH}\n\nThe count went on\n\n{_SECOND}\n\nThe end",),
    ),
    NeighbourRule(
        id="comment-section",
        why="Below a heading with the number of comments stand the readers' words, which read like prose.",
        find=comment_section,
        hits=(f"{_ARTICLE}\n\n2 Comments\n\n- I was on that boat and nobody ever counted me, not once.",),
        misses=(f"12 Comments\n\n{_ARTICLE}", f"{_PARAGRAPH}\n\n12 Comments\n\n{_ARTICLE}"),
    ),
)
"""The rules with an id of their own, in the order in which they decide; the other functions apply the packs' rules."""

FINDERS: tuple[Callable[[Page], Iterator[Drop]], ...] = (
    title_lines,
    certain_lines,
    above_title,
    teaser_blocks,
    comment_section,
    edge_lines,
    furniture_runs,
    after_last_paragraph,
)
