"""
The shapes of flat text that people have, made from one gold page, so that a cleaner is not only good at one flattener.

    dump             main content, one paragraph a line, as a scraper of main content writes it
    dump_full        all visible text
    get_text         BeautifulSoup's `get_text`: every text node a line, so that a link splits a paragraph
    no_blank_lines   dump without its blank lines
    wrapped          dump, hard-wrapped at 78 columns
    stitched         dump between head and tail of a page of another site, as in a badly cut archive
    html             the page itself

`get_text` parses the page, which takes some 30 ms; a shape is only made when it is asked for.
"""

import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning

from pipeline.score.gold import PageGold, fold_of

WRAP = 78
STITCHED_HEAD = 8
STITCHED_TAIL = 25
"""Lines, blank ones not counted, of the other page."""


class Shape(StrEnum):
    """What is given to the cleaner."""

    HTML = "html"
    DUMP = "dump"
    DUMP_FULL = "dump_full"
    GET_TEXT = "get_text"
    NO_BLANK_LINES = "no_blank_lines"
    WRAPPED = "wrapped"
    STITCHED = "stitched"

    @property
    def columns(self) -> frozenset[str]:
        """The columns of page gold it is made of."""
        return _COLUMNS.get(self, frozenset({"dump"}))


_COLUMNS: Mapping[Shape, frozenset[str]] = {
    Shape.HTML: frozenset({"html", "dump_full"}),
    Shape.DUMP_FULL: frozenset({"dump_full"}),
    Shape.GET_TEXT: frozenset({"html"}),
    Shape.STITCHED: frozenset({"dump", "dump_full"}),
}

FLATTENINGS: tuple[Shape, ...] = tuple(shape for shape in Shape if shape is not Shape.HTML)
"""The six shapes of flat text."""


def flattenings(pages: Sequence[PageGold], shape: Shape) -> list[str]:
    """
    Return the flat text of every page in one shape, in order.

    `stitched` takes its other page from the same sequence (`foreign_pages`), so a text depends on the file it lies in;
    cut a sample after this, not before.
    """
    if shape is Shape.STITCHED:
        return [stitch(page, other) for page, other in zip(pages, foreign_pages(pages), strict=True)]
    return [_FLATTEN[shape](page) for page in pages]


def foreign_pages(pages: Sequence[PageGold]) -> list[PageGold | None]:
    """
    For each page the next one, in file order and from the start again, that is of another site and has visible text.

    If there is one it is of the same fold (`fold_of`): then no text mixes a site a model was trained on with one it is
    scored on. None where all pages are of one site.
    """
    found = _next_of_another_site(pages)
    folds = [fold_of(page.domain) for page in pages]
    for fold in set(folds):
        indices = [index for index, each in enumerate(folds) if each == fold]
        for index, other in zip(indices, _next_of_another_site([pages[index] for index in indices]), strict=True):
            found[index] = other or found[index]
    return found


def _next_of_another_site(pages: Sequence[PageGold]) -> list[PageGold | None]:
    domains = [page.domain for page in pages]
    found: list[int | None] = [None] * len(pages)
    nearest: int | None = None
    other: int | None = None  # the nearest of another site than `nearest`
    for index in [*reversed(range(len(pages)))] * 2:
        same = nearest is not None and domains[nearest] == domains[index]
        found[index] = other if same else nearest
        if pages[index].dump_full.strip():
            other = other if same else nearest
            nearest = index
    return [None if index is None else pages[index] for index in found]


def read_all_visible(page: PageGold) -> str:
    """All text nodes of the page that are not blank, a line each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML is parsed like any other page
        soup = BeautifulSoup(page.html, "lxml")
    for tag in soup(["script", "style", "noscript", "template"]):
        tag.decompose()
    lines = (line.strip() for line in soup.get_text("\n").split("\n"))
    return "\n".join(line for line in lines if line)


def wrap(page: PageGold) -> str:
    """Hard-wrap the dump, as mail and old terminals do; a CJK paragraph has no spaces to break at and is cut anywhere."""
    return "\n".join("\n".join(textwrap.wrap(line, WRAP)) for line in page.dump.split("\n"))


def stitch(page: PageGold, other: PageGold | None) -> str:
    """Put the dump between the first and the last lines of another page's visible text."""
    foreign = _lines(other.dump_full) if other else []
    return "\n\n".join(["\n".join(foreign[:STITCHED_HEAD]), page.dump, "\n".join(foreign[-STITCHED_TAIL:])])


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


_FLATTEN: Mapping[Shape, Callable[[PageGold], str]] = {
    Shape.DUMP: lambda page: page.dump,
    Shape.DUMP_FULL: lambda page: page.dump_full,
    Shape.GET_TEXT: read_all_visible,
    Shape.NO_BLANK_LINES: lambda page: "\n".join(_lines(page.dump)),
    Shape.WRAPPED: wrap,
}
