"""
The lines that a page prints around its headline: kicker, byline, dateline, standfirst.

They are cut out of the markup as it stands, some thousand characters on both sides of the headline. That takes a tenth of
a millisecond, where finding the same place in a tree takes several.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from itertools import islice
from typing import NamedTuple

ABOVE = 4_000
BELOW = 20_000
"""Characters of markup before and after the headline that are read; pages of components need many for few words."""
LINES_ABOVE = 4
"""Higher up stand the menu and the date of the visit."""
LINES_BELOW = 25
PARAGRAPH = 200
"""Characters from which a line is one of the article's paragraphs."""
MOST_HEADINGS = 30
PARAGRAPHS = 2
"""After so many the head is over: a first one is often a standfirst."""

_LABEL = re.compile(
    r">\s*(?:published|posted|publish date|date published|veröffentlicht|publié|publicado|pubblicato)(?:\s+(?:on|am|le|el|il)(?:\s+the)?)?\b[\s:]*",
    re.IGNORECASE,
)
_MOST_LABELS = 10
_AFTER_LABEL = 400  # characters of markup
_LABELLED = 40  # characters of text: a date has no more

_ALONE = re.compile(r">\s*([^<>\s][^<>]{0,30}\b20\d\d\b[^<>]{0,24})<")

_SILENT = re.compile(
    r"<(?:(script|style|svg|template|noscript|button|select)\b[^<]*+(?:<(?!/\1\s*>)[^<]*+)*+(?:</\1\s*>)?"
    r"|!--[^-]*+(?:-(?!->)[^-]*+)*+(?:-->)?)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "cite",
        "em",
        "font",
        "i",
        "mark",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "img",
        "wbr",
    }
)
_HEADING = re.compile(r"<h([1-3])\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?:^|\s)(class|id|itemprop|rel|datetime|href|content|data-testid)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)


class Part(NamedTuple):
    """A piece of a line with the attributes of the element it stands in."""

    text: str
    words: str  # class, id, itemprop, rel and test id
    href: str
    datetime: str


class HeadLine(NamedTuple):
    """A line of the head."""

    text: str
    parts: tuple[Part, ...]


def read_head(markup: str, title: str | None) -> tuple[list[HeadLine], list[HeadLine]]:
    """
    Read the lines below the headline and those above it, the nearest first.

        >>> below, above = read_head("<p>Ferries</p><h1>Rain again</h1><div>By <a class=author>Jane Doe</a></div><p>Text", "Rain again")
        >>> below[0].text, below[0].parts[1].words, above[0].text
        ('By Jane Doe', 'author', 'Ferries')
    """
    place = _headline(markup, title)
    if place is None:
        return [], []
    above = list(_lines(markup[max(0, place - ABOVE) : place]))[::-1]
    below = islice(_lines(markup[place : place + BELOW]), 1, 1 + LINES_BELOW)
    return list(_until_article(below)), above[:LINES_ABOVE]


def find_labelled(markup: str) -> Iterator[str]:
    """
    Yield what stands after a label such as "Published on:", wherever the page prints one.

        >>> list(find_labelled("<h4>Published</h4> <b>3 March 2024</b><p>Next"))
        ['3 March 2024 Next']
    """
    for match in islice(_LABEL.finditer(markup), _MOST_LABELS):
        text = _TAG.sub(" ", markup[match.end() : match.end() + _AFTER_LABEL]).partition("<")[0]
        yield " ".join(unescape(text).split())[:_LABELLED]


def find_alone(markup: str) -> Iterator[str]:
    """
    Yield the lines with a year that may be dates and nothing else, in the upper half: farther down are notices and hours.

        >>> list(find_alone("<p>Feb 16, 2026</p><p>In 2026 many more people will want to take the ferry, we hear." + "<br>" * 40))
        ['Feb 16, 2026']
    """
    return (match[1] for match in _ALONE.finditer(markup, 0, len(markup) // 2))


def _headline(markup: str, title: str | None) -> int | None:
    """Where the headline begins: at the heading that is the title, at the first h1, or where the title stands in the body."""
    headings = list(_HEADING.finditer(markup))
    if title:
        start = "".join(title[:30].split())
        first_word = title.split(maxsplit=1)[0]
        sure = first_word if first_word.isascii() and first_word.isalnum() else ""  # others may be written as entities
        for heading in sorted(headings[:MOST_HEADINGS], key=lambda heading: heading[1]):
            around = markup[heading.start() : heading.start() + 1_500]
            if sure not in around:
                continue
            text = _TAG.sub("", _SILENT.sub("", around))
            if "".join(unescape(text[:500]).split()).startswith(start):
                return heading.start()
    first = next((heading.start() for heading in headings if heading[1] == "1"), None)
    if first is not None:
        return first
    body = markup.find("<body")
    found = markup.find(f">{title}<", max(0, body)) if title else -1
    return None if found < 0 else found + 1


def _until_article(lines: Iterable[HeadLine]) -> Iterator[HeadLine]:
    paragraphs = 0
    for line in lines:
        paragraphs += len(line.text) >= PARAGRAPH
        if paragraphs == PARAGRAPHS:
            return
        if len(line.text) < PARAGRAPH:
            yield line


def _lines(markup: str) -> Iterator[HeadLine]:
    """Cut markup into lines where blocks begin and end; inline elements are parted by a space."""
    markup = _SILENT.sub(" ", markup)
    parts: list[Part] = []
    words = href = datetime = ""
    place = 0
    for tag in _TAG.finditer(markup):
        _add(parts, markup[place : tag.start()], words, href, datetime)
        place = tag.end()
        if tag[2].lower() not in _INLINE:
            if parts:
                yield _line(parts)
            parts = []
        words = href = datetime = ""
        if not tag[1] and "=" in tag[3]:
            found = {name.lower(): unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag[3])}
            words = " ".join(found[name] for name in ("class", "id", "itemprop", "rel", "data-testid") if name in found)
            href, datetime = found.get("href", ""), found.get("datetime", "")
            if found.get("content") and found.get("itemprop"):
                parts.append(Part("", words, "", found["content"]))
    _add(parts, markup[place:] if "<" not in markup[place:] else "", words, href, datetime)
    if parts:
        yield _line(parts)


def _add(parts: list[Part], text: str, words: str, href: str, datetime: str) -> None:
    plain = " ".join(unescape(text).split()) if text else ""
    if plain:
        parts.append(Part(plain, words, href, datetime))


def _line(parts: Sequence[Part]) -> HeadLine:
    return HeadLine(" ".join(part.text for part in parts if part.text), tuple(parts))
