"""
What the removed lines tell about the article: its title, who wrote it, when, and under which tags it is filed.

What a path, a header or the markup declared comes first. In flat text, bylines and datelines are looked for between title
and prose, then among the removed lines just below the first paragraph, which is often a standfirst, and last just above
the title. A teaser's date, or the date of the visit at the top of a page, stands farther away and is not the article's.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from pipeline.bylines import name_alone, names_after, names_in_head
from pipeline.dates import PrintedDate, find_date, is_plausible, is_update, without_dates
from pipeline.records import Document, MediaType, Metadata, Reason, RemovedLine, merge

_LABEL = re.compile(
    r"^[\s•·*#|>»-]*(?:[\w .]{2,30}?\s?[:：|»]|(?:filed|tagged|posted|published) (?:under|in|with|as))\s*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[,;|•·/、，；#]\s*")
_JOINT = re.compile(r"(?<=[a-zà-ÿа-яё0-9])(?=[A-ZÀ-ÞА-ЯЁ][a-zà-ÿа-яё])")
_MOST_TAG_CHARACTERS = 50
_MOST_LINES = 40
_LINES_BELOW = 7  # of the first paragraph, itself included
_LINES_ABOVE = 3  # of the title
_BESIDE = 2  # lines
_PARAGRAPH = 90  # characters; a line of this length that stays is one
_FEW_WORDS = 8  # a line below the first paragraph with more is looked at if it is none of the article's
_LONGEST_LINE = 20_000  # characters; a text in one line has millions
_LABEL_WORDS = 3  # of a line that says what the date below it is


def describe(
    document: Document,
    title_line: int | None,
    first_prose: int | None,
    removed: Sequence[RemovedLine],
    language: str | None,
) -> Metadata:
    """
    Merge what is declared with what the lines say.

    `title_line` and `first_prose` are the numbers of the title's line and of the article's first line of prose.
    """
    known = document.known
    flat = document.media_type is MediaType.TEXT
    # Around the headline of a page `read_markup` has looked already; the lines above are those of menus.
    zones = list(_zones(document.text, title_line, first_prose, removed)) if flat else []
    authors = _authors([*zones, list(_texts(removed, Reason.BYLINE))], document.text, known.language or language)
    dated = _dated(zones, known.language or language, document.fetched_at)
    tags = tuple(dict.fromkeys(chain.from_iterable(map(parse_tags, _texts(removed, Reason.TAG_LINE)))))
    title = _title(document.text, title_line)
    found = Metadata(
        title=title,
        title_source="title-line" if title else None,
        authors=authors,
        authors_source="byline" if authors else None,
        published=dated.time.astimezone(UTC) if dated else None,
        published_source=("updated" if dated.updated else "dateline") if dated else None,
        published_raw=dated.raw if dated else None,
        published_day=dated.time.date() if dated else None,
        tags=tags,
        tags_source="tag-line" if tags else None,
    )
    if language:  # the words of the text tell its language better than a template's declaration does
        known = replace(known, language=language, language_source="text")
    metadata = merge(_given(known), found)
    if metadata.published is None or metadata.published_day:
        return metadata
    return replace(metadata, published_day=metadata.published.date())


def _given(known: Metadata) -> Metadata:
    """What came with the record and does not say where it was read, as by a table or a feed, was given."""
    unsourced = (name for name in _SOURCED if getattr(known, name) and not getattr(known, f"{name}_source"))
    sources: dict[str, Any] = {f"{name}_source": "given" for name in unsourced}
    return replace(known, **sources) if sources else known


_SOURCED = [name.removesuffix("_source") for name in Metadata.__slots__ if name.endswith("_source")]


def _texts(entries: Sequence[RemovedLine], *reasons: Reason) -> Iterator[str]:
    return (" ".join(entry.text.split()) for entry in entries if entry.reason in reasons)


def _title(text: str, line: int | None) -> str | None:
    return None if line is None else _folded(text.split("\n", line)[line - 1])


def _folded(line: str) -> str:
    """With single spaces; of a line too long to be a byline or a headline no more than its beginning."""
    return " ".join(line[:_LONGEST_LINE].split())


def _head(text: str, title_line: int | None, first_prose: int | None) -> list[str]:
    """The lines between the title and the article's prose, where bylines and datelines stand."""
    start = title_line or 0
    lines = text.split("\n", start + _MOST_LINES)[start : start + _MOST_LINES]
    head = lines[: max(0, (first_prose or start + 1) - 1 - start)]
    return [folded for line in head if (folded := _folded(line))]


def _zones(
    text: str, title_line: int | None, first_prose: int | None, removed: Sequence[RemovedLine]
) -> Iterator[list[str]]:
    """Where bylines and datelines stand, the surest first."""
    yield _head(text, title_line, first_prose)
    start = first_prose or title_line or 0
    lines = list(map(_folded, text.split("\n", start + _MOST_LINES)[: start + _MOST_LINES]))
    gone = {entry.line for entry in removed}
    below = list(_below(lines, max(start, 1), gone))
    yield [line for number, line in below if number in gone or len(line.split()) <= _FEW_WORDS]
    above = [line for line in lines[: max(0, (title_line or 1) - 1)] if line]
    yield above[-_LINES_ABOVE:]


def _below(lines: Sequence[str], first: int, gone: AbstractSet[int]) -> Iterator[tuple[int, str]]:
    """The lines from number `first` on, up to the story's second paragraph, since a first one may be a standfirst."""
    paragraphs = 0
    for number, line in islice(((n, lines[n - 1]) for n in range(first, len(lines) + 1) if lines[n - 1]), _LINES_BELOW):
        paragraphs += number not in gone and len(line) >= _PARAGRAPH
        if paragraphs == 2:
            return
        yield number, line


def _authors(zones: Sequence[Sequence[str]], text: str, language: str | None) -> tuple[str, ...]:
    """The names of the first line that reads as a byline, or a name beside the date, or else right below the title."""
    for lines in zones:
        for line, above in zip(lines, ["", *lines], strict=False):
            names = names_in_head(without_dates(line)) or names_after(above, line)
            if names:
                return names
    beside = next((names for lines in zones if (names := _beside_date(lines, text, language))), ())
    return beside or next((names for line in zones[0][:1] if (names := _stranger(line, text))), ())


def _beside_date(lines: Sequence[str], text: str, language: str | None) -> tuple[str, ...]:
    """The name in a line with a date, or in one above or below it, if its words are no words of the text."""
    for index, line in enumerate(lines):
        if find_date(line, language):
            for near in (
                line,
                *reversed(lines[max(0, index - _BESIDE) : index]),
                *lines[index + 1 : index + 1 + _BESIDE],
            ):
                names = _stranger(without_dates(near), text)
                if names:
                    return names
    return ()


def _stranger(line: str, text: str) -> tuple[str, ...]:
    """A line that is but a name whose words are no words of the text, as those of a section or company are."""
    name = name_alone(line)
    return (name,) if name and not any(f" {word.lower()} " in text for word in name.split()) else ()


def _dated(zones: Sequence[Sequence[str]], language: str | None, fetched_at: datetime | None) -> PrintedDate | None:
    """The first date that is not said to be that of a change, or else the first."""
    found: list[PrintedDate] = []
    for lines in zones:
        for line, above in zip(lines, ["", *lines], strict=False):
            dated = find_date(line, language)
            if dated and is_plausible(dated.time, fetched_at):
                label = above if len(above.split()) <= _LABEL_WORDS else ""
                found.append(dated._replace(updated=dated.updated or is_update(label)))
    return min(found, key=lambda dated: dated.updated, default=None)


def parse_tags(line: str) -> tuple[str, ...]:
    """
    The tags of a tag line; tags that lost the space between them are parted before a capital.

    >>> parse_tags("Tags: harbour, ferries"), parse_tags("#harbour #ferries"), parse_tags("CouncilBridgesCity Planning")
    (('harbour', 'ferries'), ('harbour', 'ferries'), ('Council', 'Bridges', 'City Planning'))
    """
    terms = _LABEL.sub("", line)
    if line.lstrip().startswith("#"):
        parts = re.findall(r"#([^\s#,;]+)", line)
    else:
        parts = _BETWEEN.split(terms) if _BETWEEN.search(terms) else _JOINT.split(terms)
    trimmed = (part.strip(" .#-–—") for part in parts)
    return tuple(dict.fromkeys(part for part in trimmed if 0 < len(part) <= _MOST_TAG_CHARACTERS))
