"""
What the removed lines tell about the article: its title, who wrote it, when, and under which tags it is filed.

What a path, a header or the markup declared comes first. Only lines of the head count for the date: a teaser's date
or the date of the visit, above the title, is not the article's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from pipeline.bylines import parse_byline
from pipeline.dates import parse_date
from pipeline.records import Document, Metadata, Reason, RemovedLine, merge

_LABEL = re.compile(
    r"^[\s•·*#|>»-]*(?:[\w .]{2,30}?\s?[:：|»]|(?:filed|tagged|posted|published) (?:under|in|with|as))\s*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[,;|•·/、，；#]\s*")
_JOINT = re.compile(r"(?<=[a-zà-ÿа-яё0-9])(?=[A-ZÀ-ÞА-ЯЁ][a-zà-ÿа-яё])")
_MOST_TAG_CHARACTERS = 50


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
    head = [entry for entry in removed if (title_line or 0) < entry.line < (first_prose or 0)]
    published = _published(head, known.language or language)
    found = Metadata(
        title=_title(document.text, title_line),
        authors=_authors([*head, *removed]),
        published=published,
        published_source="dateline" if published else None,
        language=language,
        tags=tuple(dict.fromkeys(chain.from_iterable(map(parse_tags, _texts(removed, Reason.TAG_LINE))))),
    )
    # The words of the text tell its language better than a template's declaration does.
    return merge(replace(known, language=language or known.language), found)


def _texts(entries: Sequence[RemovedLine], *reasons: Reason) -> Iterator[str]:
    return (" ".join(entry.text.split()) for entry in entries if entry.reason in reasons)


def _title(text: str, line: int | None) -> str | None:
    return None if line is None else " ".join(text.split("\n")[line - 1].split())


def _authors(entries: Sequence[RemovedLine]) -> tuple[str, ...]:
    return next((names for names in map(parse_byline, _texts(entries, Reason.BYLINE)) if names), ())


def _published(entries: Sequence[RemovedLine], language: str | None) -> datetime | None:
    lines = _texts(entries, Reason.DATELINE, Reason.BYLINE)
    return next((date for date in (parse_date(line, language) for line in lines) if date), None)


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
