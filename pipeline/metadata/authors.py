"""Who wrote a page's article: the first place that names people is believed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.bylines import is_name, is_review, name_alone, names_after, names_in_head, people
from pipeline.dates import find_date, without_dates
from pipeline.declared import author_texts
from pipeline.head_lines import Part
from pipeline.metadata.page import DeclaredPage, name_of, types_of

_WRITTEN_BY = {"written by", "author", "authors", "by", "verfasst von", "écrit par", "escrito por", "scritto da"}
_BY = re.compile(r"^by:?\s+", re.IGNORECASE)
_AUTHOR_WORDS = re.compile(r"author|byline|writer|reporter|vcard", re.IGNORECASE)
_AUTHOR_LINK = re.compile(
    r"/(?:authors?|by|bylines?|people|profiles?|contributors?|writers?|reporters?|team|staff|autor(?:en|es|i)?|auteurs?)/[^/]",
    re.IGNORECASE,
)
_MOST_BYLINES = 3  # more are those of teasers or commenters


def find_authors(page: DeclaredPage, not_these: Sequence[str | None]) -> tuple[tuple[str, ...], str] | None:
    """Return the authors from the first place that names any."""
    sites = [name for name in not_these if not _is_person(page, name)]
    for source, find in _AUTHOR_PLACES:
        names = people(find(page), not_these=sites)
        if names:
            return names, source
    return None


def _is_person(page: DeclaredPage, site_name: str | None) -> bool:
    """Whether a site is called after a person, who then may be its author."""
    return site_name is not None and is_name(site_name) and page.has_only_names(site_name)


def _json_authors(page: DeclaredPage, types: frozenset[str] | None) -> Iterator[str]:
    """Yield the names of one node's authors of these types, the first that has any."""
    for node in page.nodes:
        names = list(_author_names(node.get("author") or node.get("creator"), page.declared.people, types))
        if names:
            yield from names
            return


def _meta_authors(*names: str) -> Callable[[DeclaredPage], Iterable[str]]:
    return lambda page: next((page.declared.metas[name] for name in names if page.declared.metas.get(name)), ())


def _scholars(page: DeclaredPage) -> Iterator[str]:
    """Authors of papers, whose family names stand first, before a comma."""
    for value in page.declared.metas.get("citation_author", ()):
        family, comma, given = value.partition(",")
        yield f"{given.strip()} {family}" if comma and "," not in given else value


def _twitter_author(page: DeclaredPage) -> Iterable[str]:
    for number in ("1", "2"):
        if (page.declared.first(f"twitter:label{number}") or "").strip().lower() in _WRITTEN_BY:
            return page.declared.metas.get(f"twitter:data{number}", ())
    return ()


def _marked_authors(page: DeclaredPage) -> Iterable[str]:
    return [mark.text or mark.value for mark in page.marks if mark.is_author][:_MOST_BYLINES]


def _printed_authors(page: DeclaredPage) -> Iterable[str]:
    """The names in the byline, the names that link to an author's page, or the name beside the date."""
    lines = page.head
    for line, above in zip(lines, [None, *lines], strict=False):
        names = names_in_head(without_dates(line.text)) or (names_after(above.text, line.text) if above else ())
        if names:
            return names
    for line in lines:
        linked = [part.text for part in line.parts if _is_author(part) and is_name(part.text)]
        if linked and not is_review(line.text):
            return linked
    return [*_beside_date(page)] or _one_name(page)


def _one_name(page: DeclaredPage) -> list[str]:
    """The name in elements or links of authors, wherever they stand, if the page has but one such."""
    texts = (_BY.sub("", found.text) for found in author_texts(page.tree) if not is_review(found.before))
    names = {text for text in texts if is_name(text) and name_alone(text)}
    return [*names] if len(names) == 1 else []


def _beside_date(page: DeclaredPage) -> Iterator[str]:
    """The name in a line with a date, or in the line above or below it, if its words are no words of the language."""
    lines = page.head
    for index, line in enumerate(lines):
        if find_date(line.text, page.declared.language):
            near = [*line.parts, *(part for other in lines[max(0, index - 2) : index + 3] for part in other.parts)]
            for part in near:
                name = name_alone(without_dates(part.text))
                if name and page.has_only_names(name):
                    yield name
                    return


def _is_author(part: Part) -> bool:
    return bool(_AUTHOR_WORDS.search(part.words) or _AUTHOR_LINK.search(part.href))


_PERSON = frozenset({"Person"})
_AUTHOR_PLACES: tuple[tuple[str, Callable[[DeclaredPage], Iterable[str]]], ...] = (
    ("json-ld", lambda page: _json_authors(page, _PERSON)),
    ("meta", _scholars),
    ("meta", _meta_authors("sailthru.author", "parsely-author", "byl")),
    ("meta", _twitter_author),
    ("json-ld", lambda page: _json_authors(page, None)),
    ("byline", _printed_authors),
    ("meta", _meta_authors("author")),
    ("opengraph", _meta_authors("article:author", "og:article:author")),
    ("microdata", _marked_authors),
    ("meta", _meta_authors("dc.creator", "dcterms.creator")),
)


def _author_names(value: Any, by_id: Mapping[str, Any], types: frozenset[str] | None) -> Iterator[str]:
    """Yield the names in an author field, of nodes of these types only, following references to other nodes."""
    for item in value if isinstance(value, list) else [value]:
        node = by_id.get(str(item.get("@id")), item) if isinstance(item, dict) and "name" not in item else item
        if types and not (isinstance(node, dict) and types.intersection(types_of(node))):
            continue
        name = name_of(node)
        for part in name if isinstance(name, list) else [name]:
            if isinstance(part, str):
                yield part
