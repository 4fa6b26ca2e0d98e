"""
What a page declares about its article: JSON-LD first, then OpenGraph and other meta tags, then the page itself.

JSON-LD comes first because it is written for machines and typed; meta tags are the next; trafilatura, which also
guesses from the looks of the page, fills what is left.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, SoupStrainer, Tag
from trafilatura.metadata import extract_metadata

from pipeline.bylines import people
from pipeline.dates import parse_date
from pipeline.hosts import host_of
from pipeline.markup import is_heavy, tame
from pipeline.records import Document, Metadata, merge

# Dates outside are mistakes: a template's year 1, a counter read as a date. The bounds are fixed, since with "today" as
# the last day the same page would give another row tomorrow.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2040, 1, 1, tzinfo=UTC)

# A change of the page is not its publication; a search through the running text finds the dates of other things.
_DATE_CONFIG = {
    "extensive_search": False,
    "original_date": True,
    "outputformat": "%Y-%m-%dT%H:%M:%S",
    "min_date": _EARLIEST.replace(tzinfo=None),
    "max_date": _LATEST.replace(tzinfo=None),
}
# Pages that call themselves a product or a list have no publication; a date found in their text is that of an item.
_UNDATED = frozenset({"product", "productgroup", "itemlist", "collectionpage", "searchresultspage", "offercatalog"})

_DECLARING = frozenset({"meta", "link", "script", "title", "h1", "time"})
_HTML_LANGUAGE = re.compile(r"""<html\b[^>]{0,2000}?\blang\s*=\s*["']?([\w-]{2,35})""", re.IGNORECASE)

_TITLE_TAGS = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "citation_title", "headline")
_AUTHOR_TAGS = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator", "byl", "citation_author",
)  # fmt: skip
_WRITTEN_BY = {"written by", "author", "authors", "by", "verfasst von", "écrit par", "escrito por", "scritto da"}
_MOST_BYLINES = 3  # more are those of teasers or commenters

_DATE_TAGS = (
    "article:published_time", "og:published_time", "article:published", "parsely-pub-date", "sailthru.date", "datepublished",
    "pubdate", "publishdate", "publish-date", "publication_date", "dc.date.issued", "dcterms.issued", "dcterms.created",
    "dc.date", "citation_publication_date", "citation_date", "date",
)  # fmt: skip
_URL_TAGS = ("og:url", "twitter:url")
_SITE_TAGS = ("og:site_name", "application-name", "apple-mobile-web-app-title", "publisher", "dc.publisher")
_TAG_TAGS = ("article:tag", "news_keywords", "parsely-tags", "keywords", "sailthru.tags")

_ARTICLE_TYPE = re.compile(
    r"(?:article|posting|report|review|story|recipe|webpage|creativework|question)$", re.IGNORECASE
)
_MAX_JSON_NODES = 5_000
_JSON_WRAPPING = re.compile(r"^\s*(?://\s*)?(?:<!\[CDATA\[|<!--)|(?://\s*)?(?:\]\]>|-->)\s*$|;\s*$")

_SEPARATOR = re.compile(r"\s+[|–—·•»«:/~-]+\s+|\s*[|｜]\s*|\s*::\s*|_(?=[^_]*$)")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_LONGEST_TITLE = 300
_LONGEST_TAG = 60
_MOST_TAGS = 30


@dataclass(frozen=True, slots=True)
class _Page:
    """The declarations of a page, in its order."""

    metas: dict[str, tuple[str, ...]]  # content by lower-case name or property
    json: tuple[dict[str, Any], ...]  # the nodes that describe the page, articles first
    kinds: frozenset[str]  # the JSON-LD types of the page's nodes, in lower case
    people: dict[str, Any]  # JSON-LD nodes by their @id
    headings: tuple[str, ...]  # the text of each h1
    title: str
    canonical: str | None
    language: str | None
    bylines: tuple[str, ...]  # the text of elements that are marked as the author
    times: tuple[str, ...]  # datetime attributes that are marked as the publication

    def first(self, names: tuple[str, ...]) -> str | None:
        return next((value for name in names for value in self.metas.get(name, ()) if value.strip()), None)


def read_markup(document: Document) -> Metadata:
    """
    Read what an HTML document declares, over what its path and headers told.

    The title is the headline as the page prints it, so that it can be found among the lines; without one it is the
    declared title without the site's name. Never raises on any markup.

        >>> from pipeline.decode import document_from_text
        >>> page = document_from_text("<title>Rain again | Example News</title><h1>Rain  again</h1>", url="https://example.org/")
        >>> read_markup(page).title, read_markup(page).site
        ('Rain again', 'example.org')
    """
    markup = tame(document.text)
    page = _read_page(markup)
    known = document.known
    url = _url(page, known.url)
    site_names = _site_names(page)
    declared = Metadata(
        title=_title(page, [*site_names, host_of(url) or ""]),
        authors=_authors(page, site_names),
        url=url,
        site=host_of(url) or known.site or next(iter(site_names), None),
        language=_language(page),
        tags=_tags(page),
    )
    published, source = _published(page, declared.language)
    dated = merge(declared, Metadata(published=published, published_source=source))
    guessed = _by_trafilatura(markup, dated, site_names)
    if page.kinds & _UNDATED:
        guessed = replace(guessed, published=None, published_source=None)
    return merge(replace(known, url=None, site=None), merge(dated, guessed))


class _Declarations(SoupStrainer):
    """Let through the elements that declare something, whole; the rest of the page is never built into a tree."""

    def allow_tag_creation(self, nsprefix: str | None, name: str, attrs: Mapping[str, Any] | None) -> bool:  # noqa: ARG002  # bs4's signature
        attributes = attrs or {}
        marked = "itemprop" in attributes or "author" in str(attributes.get("rel", ""))
        return name in _DECLARING or marked

    def allow_string_creation(self, string: str) -> bool:  # noqa: ARG002  # bs4's signature
        return False


def _read_page(markup: str) -> _Page:
    """
    Collect the declarations of a page.

    Python's own parser is asked, since lxml loses all of a deeply nested page; it builds the few elements that declare.
    """
    soup = BeautifulSoup(markup, "html.parser", parse_only=_Declarations())
    metas: dict[str, list[str]] = {}
    for meta in soup.select("meta[content]"):
        name = _attribute(meta, "property") or _attribute(meta, "name") or _attribute(meta, "itemprop")
        if name:
            metas.setdefault(name.strip().lower(), []).append(_attribute(meta, "content") or "")
    nodes = list(_json_nodes(script.get_text() for script in soup.select('script[type="application/ld+json" i]')))
    articles = [node for node in nodes if any(map(_ARTICLE_TYPE.search, _types(node)))]
    canonical = soup.select_one('link[rel~="canonical"][href]')
    language = _HTML_LANGUAGE.search(markup)
    bylines = soup.select('[itemprop="author"] [itemprop="name"], [rel~="author"], [itemprop="author"]')
    times = soup.select('time[pubdate], [itemprop="datePublished"], time.published, time.entry-date')
    title = soup.find("title")
    return _Page(
        metas={name: tuple(values) for name, values in metas.items()},
        json=tuple(sorted(articles, key=_is_plain_page)),
        kinds=frozenset(kind.lower() for node in nodes for kind in _types(node)),
        people={node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)},
        headings=tuple(filter(None, (_plain(heading.get_text()) for heading in soup.select("h1")))),
        title=_plain(title.get_text()) if title else "",
        canonical=_attribute(canonical, "href") if canonical else None,
        language=language[1] if language else None,
        bylines=tuple(filter(None, (_plain(element.get_text()) for element in bylines))),
        times=tuple(filter(None, (_attribute(time, "datetime") or _attribute(time, "content") for time in times))),
    )


def _attribute(tag: Tag, name: str) -> str | None:
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else value


def _json_nodes(scripts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """
    Yield the JSON-LD nodes that describe the page itself.

    Only the top level, graphs and main entities are entered: lists of other articles hang deeper.
    """
    pending: list[Any] = []
    for script in scripts:
        try:
            pending.append(json.loads(_JSON_WRAPPING.sub("", script), strict=False))
        except (ValueError, RecursionError):  # many pages break the syntax; the other sources then stand in
            continue
    for _ in range(_MAX_JSON_NODES):
        if not pending:
            return
        node = pending.pop(0)
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            yield node
            pending.extend(node[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in node)


def _types(node: dict[str, Any]) -> list[str]:
    types = node.get("@type")
    return [name for name in (types if isinstance(types, list) else [types]) if isinstance(name, str)]


def _is_plain_page(node: dict[str, Any]) -> bool:
    """Tell whether a node describes the page as a page rather than its article."""
    return all(name.lower().endswith("page") for name in _types(node))


def _title(page: _Page, site_names: list[str]) -> str | None:
    """Choose the headline the page prints if a declared title confirms it, else the declared title."""
    declared = [page.first(_TITLE_TAGS), *(_text(node.get("headline")) for node in page.json), page.title]
    titles = [_without_site(_plain(unescape(title)), site_names) for title in declared if title]
    titles = [title for title in titles if title and len(title) <= _LONGEST_TITLE]
    folded = {_fold(title) for title in titles} | {_fold(_SEPARATOR.split(title)[0]) for title in titles}
    printed = [heading for heading in page.headings if len(heading) <= _LONGEST_TITLE]
    for heading in printed:
        if _fold(heading) in folded:
            return heading
    for heading in printed:
        if len(heading.split()) > 2 and any(_fold(heading) in title for title in folded):
            return heading
    return next(iter([*titles, *printed]), None)


def _without_site(title: str, site_names: list[str]) -> str:
    """
    Take the site's name off the end or the start of a title.

        >>> _without_site("Rain again - Weather | Example News", ["Example News"])
        'Rain again - Weather'
        >>> _without_site("example.org: Rain", ["example.org"]), _without_site("Example News", ["Example News"])
        ('example.org: Rain', 'Example News')
    """
    names = {_letters(name) for name in site_names} | {
        _letters(name.split(".")[0]) for name in site_names if "." in name
    }
    names.discard("")
    marks = list(_SEPARATOR.finditer(title))
    if marks and _letters(title[marks[-1].end() :]) in names:
        return title[: marks[-1].start()].strip()
    if marks and _letters(title[: marks[0].start()]) in names:
        return title[marks[0].end() :].strip()
    return title


def _site_names(page: _Page) -> list[str]:
    """Return the names the site gives itself, the best first."""
    publishers = [_text(_named(node.get(key))) for node in page.json for key in ("publisher", "isPartOf")]
    names = [page.first((tag,)) for tag in _SITE_TAGS] + publishers
    return list(dict.fromkeys(_plain(unescape(name)) for name in names if name and "://" not in name))


def _authors(page: _Page, site_names: list[str]) -> tuple[str, ...]:
    """Return the declared authors from the first place that names any: people, then whoever else wrote it."""
    fields = [node.get("author") or node.get("creator") for node in page.json]
    places = [(people(_author_names(field, page.people, {"Person"}))) for field in fields]
    places.extend(people(page.metas.get(tag, ()), not_these=site_names) for tag in _AUTHOR_TAGS)
    if _text(next(iter(page.metas.get("twitter:label1", ())), "").lower()) in _WRITTEN_BY:
        places.append(people(page.metas.get("twitter:data1", ()), not_these=site_names))
    places.append(people(page.bylines[:_MOST_BYLINES], not_these=site_names))
    places.extend(people(_author_names(field, page.people, None), not_these=site_names) for field in fields)
    return next(filter(None, places), ())


def _author_names(value: Any, by_id: dict[str, Any], types: set[str] | None) -> Iterator[str]:
    """Yield the names in an author field, of nodes of these types only, following references to other nodes."""
    for item in value if isinstance(value, list) else [value]:
        node = by_id.get(str(item.get("@id")), item) if isinstance(item, dict) and "name" not in item else item
        if types and not (isinstance(node, dict) and types.intersection(_types(node))):
            continue
        name = _named(node)
        for part in name if isinstance(name, list) else [name]:
            if isinstance(part, str):
                yield part


def _named(node: Any) -> Any:
    """Return the name of a JSON-LD node, which may be given as a bare string or inside a list of one."""
    if isinstance(node, list) and len(node) == 1:
        node = node[0]
    return node.get("name") if isinstance(node, dict) else node


def _published(page: _Page, language: str | None) -> tuple[datetime | None, str | None]:
    """Return the declared time of publication and who declared it."""
    declared = [(_text(node.get("datePublished")), "json-ld") for node in page.json]
    for tag in _DATE_TAGS:
        source = "opengraph" if ":" in tag else "meta"
        declared.extend((value, source) for value in page.metas.get(tag, ()))
    declared.extend((value, "meta") for value in page.times)
    for value, source in declared:
        date = _date(value, language) if value else None
        if date:
            return date, source
    return None, None


def _date(value: str, language: str | None) -> datetime | None:
    """Read a declared date: ISO 8601 as it should be, or written out as it is on some pages."""
    text = value.strip()
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        written = parse_date(text, language)
        if written is None:
            return None
        date = written
    try:
        date = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # the first and last days of the calendar
        return None
    return date if _EARLIEST <= date < _LATEST else None


def _url(page: _Page, given: str | None) -> str | None:
    """Return the address the page calls its own, since copies and tracking links share it; else the one it came from."""
    declared = [page.canonical, page.first(_URL_TAGS), *(_text(node.get("url")) for node in page.json)]
    for url in declared:
        try:
            absolute = urljoin(given or "", (url or "").strip())
            parts = urlsplit(absolute)
        except ValueError:  # a bracket that no address may hold
            continue
        if parts.scheme in {"http", "https"} and host_of(absolute):
            return absolute
    return given


def _language(page: _Page) -> str | None:
    """Return the declared language as ISO 639-1."""
    declared = [page.language, page.first(("og:locale", "content-language", "language", "dc.language"))]
    declared.extend(_text(node.get("inLanguage")) for node in page.json)
    codes = (re.match(r"([a-z]{2})(?:$|[-_])", (value or "").strip().lower()) for value in declared)
    return next((code[1] for code in codes if code), None)


def _tags(page: _Page) -> tuple[str, ...]:
    """Return the keywords a page gives itself, from the first place that has any."""
    places = [page.metas.get(tag, ()) for tag in _TAG_TAGS[:1]]
    places.extend(_strings(node.get("keywords")) for node in page.json)
    places.extend(page.metas.get(tag, ()) for tag in _TAG_TAGS[1:])
    for values in places:
        tags = [_plain(unescape(tag)) for value in values for tag in re.split(r"[,;、，]", value)]
        kept: dict[str, str] = {}
        for tag in tags:
            if 1 < len(tag) <= _LONGEST_TAG and "://" not in tag:
                kept.setdefault(tag.casefold(), tag)
        if kept:
            return tuple(kept.values())[:_MOST_TAGS]
    return ()


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _by_trafilatura(markup: str, known: Metadata, site_names: list[str]) -> Metadata:
    """Ask trafilatura for the date and the authors that the page does not declare; it also reads bylines in the page."""
    if (known.authors and known.published) or is_heavy(markup):
        return Metadata()
    try:
        found = extract_metadata(markup, default_url=known.url, date_config=_DATE_CONFIG)
        date = _date(found.date, None) if found.date else None
        authors = people((found.author or "").split(";"), not_these=site_names)
    except Exception:  # noqa: BLE001 - three parsers' worth of errors; the page simply declares nothing then
        return Metadata()
    return Metadata(authors=authors, published=date, published_source="trafilatura" if date else None)


def _text(value: Any) -> str | None:
    """Return a JSON value if it is a text, or the first of a list of texts."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) and value.strip() else None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _fold(text: str) -> str:
    """Fold case and typographic marks, so that the same title in two places compares equal."""
    return _plain(_NOT_ALPHANUMERIC.sub(" ", text.casefold()))


def _letters(text: str) -> str:
    """Return only the letters and digits, so that "Example News" equals "ExampleNews"."""
    return _NOT_ALPHANUMERIC.sub("", text.casefold())
