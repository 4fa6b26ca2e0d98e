"""
What the removed lines tell about the article: its title, who wrote it, when, and under which tags it is filed.

What a path, a header or the markup declared comes first. Only lines between title and prose count for the date: a
teaser's date, or the date of the visit above the title, is not the article's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from pipeline.bylines import names_after, names_in_head
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
    head = _head(document.text, title_line, first_prose) if flat else []
    authors = _authors(head) or _authors(list(_texts(removed, Reason.BYLINE)))
    dated = _dated(head, known.language or language, document.fetched_at)
    tags = tuple(dict.fromkeys(chain.from_iterable(map(parse_tags, _texts(removed, Reason.TAG_LINE)))))
    title = _title(document.text, title_line)
    found = Metadata(
        title=title,
        title_source="title-line" if title else None,
        authors=authors,
        authors_source="byline" if authors else None,
        published=dated.time if dated else None,
        published_source=("updated" if dated.updated else "dateline") if dated else None,
        published_raw=dated.raw if dated else None,
        tags=tags,
        tags_source="tag-line" if tags else None,
    )
    if language:  # the words of the text tell its language better than a template's declaration does
        known = replace(known, language=language, language_source="text")
    return merge(_given(known), found)


def _given(known: Metadata) -> Metadata:
    """What came with the record and does not say where it was read, as by a table or a feed, was given."""
    unsourced = (name for name in _SOURCED if getattr(known, name) and not getattr(known, f"{name}_source"))
    sources: dict[str, Any] = {f"{name}_source": "given" for name in unsourced}
    return replace(known, **sources)


_SOURCED = [name.removesuffix("_source") for name in Metadata.__slots__ if name.endswith("_source")]


def _texts(entries: Sequence[RemovedLine], *reasons: Reason) -> Iterator[str]:
    return (" ".join(entry.text.split()) for entry in entries if entry.reason in reasons)


def _title(text: str, line: int | None) -> str | None:
    return None if line is None else " ".join(text.split("\n")[line - 1].split())


def _head(text: str, title_line: int | None, first_prose: int | None) -> list[str]:
    """The lines between the title and the article's prose, where bylines and datelines stand."""
    start = title_line or 0
    lines = text.split("\n", start + _MOST_LINES)[start : start + _MOST_LINES]
    head = lines[: max(0, (first_prose or start + 1) - 1 - start)]
    return [" ".join(line.split()) for line in head if line.strip()]


def _authors(lines: Sequence[str]) -> tuple[str, ...]:
    """The names of the first line that reads as a byline."""
    for line, above in zip(lines, ["", *lines], strict=False):
        names = names_in_head(without_dates(line)) or names_after(above, line)
        if names:
            return names
    return ()


def _dated(lines: Sequence[str], language: str | None, fetched_at: datetime | None) -> PrintedDate | None:
    """The first date that is not said to be that of a change, or else the first."""
    found: list[PrintedDate] = []
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
