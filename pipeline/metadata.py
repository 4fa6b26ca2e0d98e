"""
What a page declares about its article, and which of its declarations is believed.

Pages say the same thing in several places: JSON-LD, OpenGraph and other meta tags, marked elements, the printed headline
and byline, the address. Each field has a table of the places it is looked for, in the order of how often they were right
on pages whose metadata people wrote down. Dates are voted on, since their places often contradict each other.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cached_property
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from resiliparse.parse.html import HTMLTree

from pipeline.bylines import is_name, is_review, name_alone, names_after, names_in_head, people
from pipeline.dates import find_date, is_plausible, is_publication, is_update, read_date, without_dates
from pipeline.declared import Declared, Mark, author_texts, collect_declarations, collect_marks, plain
from pipeline.head_lines import HeadLine, Part, find_alone, find_labelled, read_head
from pipeline.hosts import host_of
from pipeline.markup import tame
from pipeline.records import Document, Metadata, merge
from pipeline.titles import Title, choose_title

_ARTICLE = re.compile(r"(?:article|posting|report|review|story|recipe|creativework|question)$", re.IGNORECASE)
_PAGE = re.compile(r"page$", re.IGNORECASE)
# Pages that call themselves a product or a list have no publication; a date found in their text is that of an item.
_UNDATED = frozenset({"product", "productgroup", "itemlist", "collectionpage", "searchresultspage", "offercatalog"})

_TITLE_TAGS = {
    "og:title": "opengraph", "twitter:title": "meta", "parsely-title": "meta", "sailthru.title": "meta", "dc.title": "meta",
    "citation_title": "meta", "headline": "microdata",
}  # fmt: skip
_SITE_TAGS = {
    "og:site_name": "opengraph", "application-name": "meta", "apple-mobile-web-app-title": "meta", "publisher": "meta",
    "dc.publisher": "meta",
}  # fmt: skip
_TAG_TAGS = {
    "article:tag": "opengraph",
    "news_keywords": "meta",
    "parsely-tags": "meta",
    "keywords": "meta",
    "sailthru.tags": "meta",
}
_DESCRIPTION_TAGS = {
    "og:description": "opengraph",
    "description": "meta",
    "twitter:description": "meta",
    "dc.description": "meta",
}
_IMAGE_TAGS = {
    "og:image": "opengraph",
    "og:image:url": "opengraph",
    "twitter:image": "meta",
    "twitter:image:src": "meta",
}
_URL_TAGS = {"og:url": "opengraph", "twitter:url": "meta"}
_LANGUAGE_TAGS = {"og:locale": "opengraph", "content-language": "meta", "language": "meta", "dc.language": "meta"}

_MODIFIED_TAGS = {
    "article:modified_time": "opengraph", "og:updated_time": "opengraph", "article:modified": "opengraph",
    "datemodified": "microdata", "last-modified": "meta", "lastmod": "meta", "revised": "meta", "dcterms.modified": "meta",
    "dc.date.modified": "meta",
}  # fmt: skip

_WRITTEN_BY = {"written by", "author", "authors", "by", "verfasst von", "écrit par", "escrito por", "scritto da"}
_BY = re.compile(r"^by:?\s+", re.IGNORECASE)
_AUTHOR_WORDS = re.compile(r"author|byline|writer|reporter|vcard", re.IGNORECASE)
_AUTHOR_LINK = re.compile(
    r"/(?:authors?|by|bylines?|people|profiles?|contributors?|writers?|reporters?|team|staff|autor(?:en|es|i)?|auteurs?)/[^/]",
    re.IGNORECASE,
)
_MIDNIGHT = time(tzinfo=UTC)
_LABEL_WORDS = 3
_A_DAY, _A_MINUTE = timedelta(days=1), timedelta(minutes=1)
_FARTHEST_CLOCKS, _ZONE_STEP = 14 * 60, 15  # minutes
_MOST_BYLINES = 3  # more are those of teasers or commenters

_URL_DATE = re.compile(r"/(?P<year>19[9]\d|20\d\d)[/-](?P<month>[01]?\d)[/-](?P<day>[0-3]?\d)(?:[/-]|$)")
_LONGEST_TAG = 60
_LONGEST_RAW = 100
_MOST_TAGS = 30


class Found(NamedTuple):
    """A value as the page gives it, and where."""

    text: str
    source: str


class Witness(NamedTuple):
    """A time the page gives for its publication."""

    time: datetime  # on the clock it is given in, or else UTC
    raw: str
    source: str
    weight: float


class _Reader:
    """A page under reading: its declarations, and its marked elements once they are asked for."""

    def __init__(self, document: Document) -> None:
        self.known = document.known
        self.fetched_at = document.fetched_at
        self.title: Title | None = None
        self.markup = tame(document.text)
        self.tree = HTMLTree.parse(self.markup)
        self.declared: Declared = collect_declarations(self.tree)
        kinds = [(node, [kind.lower() for kind in _types(node)]) for node in self.declared.nodes]
        self.kinds = {kind for _, names in kinds for kind in names}
        self.articles = [node for node, names in kinds if any(map(_ARTICLE.search, names))]
        self.pages = [node for node, names in kinds if node not in self.articles and any(map(_PAGE.search, names))]

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """JSON-LD of the article, then of the page."""
        return [*self.articles, *self.pages]

    @cached_property
    def marks(self) -> list[Mark]:
        """Elements that are marked as author or date."""
        return list(collect_marks(self.tree))

    @cached_property
    def head(self) -> list[HeadLine]:
        """The lines below the headline, and then those above it."""
        below, above = read_head(self.markup, self.title.text if self.title else None)
        return [*below, *above]

    def has_only_names(self, name: str) -> bool:
        """Whether no word of a name also stands in small letters on the page, as the words of a section or company do."""
        return not any(f" {word.lower()} " in self.markup for word in name.split())

    def metas(self, names: Mapping[str, str]) -> Iterator[Found]:
        """The meta tags of a table, in its order."""
        for name, source in names.items():
            for value in self.declared.metas.get(name, ()):
                if value.strip():
                    yield Found(plain(unescape(value)), source)

    def json(self, key: str) -> Iterator[Found]:
        """The texts that JSON-LD gives for a property of the article or the page."""
        for node in self.nodes:
            text = _text(node.get(key))
            if text:
                yield Found(plain(unescape(text)), "json-ld")


def read_declared(document: Document) -> Document:
    """The document with what its markup declares of its article: metadata as `read_markup`, and its text where that is given."""
    page = _Reader(document)
    return replace(document, known=_metadata(page), declared_body=_body(page))


def _body(page: _Reader) -> str | None:
    """The article's text in JSON-LD; of pages that give several, as lists of articles do, none is the page's own."""
    bodies = {body for node in page.articles if isinstance(body := node.get("articleBody"), str) and body.strip()}
    return bodies.pop() if len(bodies) == 1 else None


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
    return _metadata(_Reader(document))


def _metadata(page: _Reader) -> Metadata:
    """What a page declares, over what is known of it."""
    url = _url(page)
    names = [found.text for found in _site_names(page)]
    address = host_of(url.text if url else None) or page.known.site
    title = page.title = _title(page, names, address)
    authors = _authors(page, [*names, address])
    published, modified = _published(page, url), _modified(page)
    declared = Metadata(
        site=address,
        published_raw=published.raw if published else None,
        published_day=published.time.date() if published else None,
        **_columns(
            title=title,
            authors=authors,
            published=(published.time.astimezone(UTC), published.source) if published else None,
            modified=(modified.time.astimezone(UTC), modified.source) if modified else None,
            url=url,
            site_name=next(_site_names(page), None),
            language=_language(page),
            tags=next(_tags(page), None),
            description=next(page.metas(_DESCRIPTION_TAGS), None) or next(page.json("description"), None),
            image=next(_images(page, url), None),
        ),
    )
    return merge(replace(page.known, url=None, url_source=None, site=None), declared)


def _columns(**found: tuple[Any, str] | None) -> dict[str, Any]:
    """What was found, each value with where it was read, by the names of their columns."""
    known = {name: value for name, value in found.items() if value}
    return {name: value for name, (value, _) in known.items()} | {
        f"{name}_source": source for name, (_, source) in known.items()
    }


def _title(page: _Reader, names: Sequence[str], host: str | None) -> Title | None:
    articles = (_text(node.get("headline")) or _text(node.get("name")) for node in page.articles)
    pages = (_text(node.get("headline")) for node in page.pages)
    declared = [
        *(Title(plain(unescape(text)), "json-ld") for text in articles if text),
        *(Title(found.text, found.source) for found in page.metas(_TITLE_TAGS)),
        *(Title(plain(unescape(text)), "json-ld") for text in pages if text),
        Title(page.declared.title, "title"),
    ]
    labels = (host or "").split(".")
    hosts = [host or "", *(label for label in labels[:-1] if len(label) > 3)]
    return choose_title([plain(unescape(heading)) for heading in page.declared.headings], declared, [*names, *hosts])


def _site_names(page: _Reader) -> Iterator[Found]:
    """Yield the names the site gives itself, the best first."""
    yield from (found for found in page.metas(_SITE_TAGS) if "://" not in found.text)
    for key in ("publisher", "isPartOf"):
        for node in page.nodes:
            name = _text(_named(node.get(key)))
            if name and "://" not in name:
                yield Found(plain(unescape(name)), "json-ld")


def _authors(page: _Reader, not_these: Sequence[str | None]) -> tuple[tuple[str, ...], str] | None:
    """Return the authors from the first place that names any."""
    sites = [name for name in not_these if not _is_person(page, name)]
    for source, find in _AUTHOR_PLACES:
        names = people(find(page), not_these=sites)
        if names:
            return names, source
    return None


def _is_person(page: _Reader, site_name: str | None) -> bool:
    """Whether a site is called after a person, who then may be its author."""
    return site_name is not None and is_name(site_name) and page.has_only_names(site_name)


def _json_authors(page: _Reader, types: frozenset[str] | None) -> Iterator[str]:
    """Yield the names of one node's authors of these types, the first that has any."""
    for node in page.nodes:
        names = list(_author_names(node.get("author") or node.get("creator"), page.declared.people, types))
        if names:
            yield from names
            return


def _meta_authors(*names: str) -> Callable[[_Reader], Iterable[str]]:
    return lambda page: next((page.declared.metas[name] for name in names if page.declared.metas.get(name)), ())


def _scholars(page: _Reader) -> Iterator[str]:
    """Authors of papers, whose family names stand first, before a comma."""
    for value in page.declared.metas.get("citation_author", ()):
        family, comma, given = value.partition(",")
        yield f"{given.strip()} {family}" if comma and "," not in given else value


def _twitter_author(page: _Reader) -> Iterable[str]:
    for number in ("1", "2"):
        if (page.declared.first(f"twitter:label{number}") or "").strip().lower() in _WRITTEN_BY:
            return page.declared.metas.get(f"twitter:data{number}", ())
    return ()


def _marked_authors(page: _Reader) -> Iterable[str]:
    return [mark.text or mark.value for mark in page.marks if mark.is_author][:_MOST_BYLINES]


def _printed_authors(page: _Reader) -> Iterable[str]:
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


def _one_name(page: _Reader) -> list[str]:
    """The name in elements or links of authors, wherever they stand, if the page has but one such."""
    texts = (_BY.sub("", found.text) for found in author_texts(page.tree) if not is_review(found.before))
    names = {text for text in texts if is_name(text) and name_alone(text)}
    return [*names] if len(names) == 1 else []


def _beside_date(page: _Reader) -> Iterator[str]:
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
_AUTHOR_PLACES: tuple[tuple[str, Callable[[_Reader], Iterable[str]]], ...] = (
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


def _published(page: _Reader, url: Found | None) -> Witness | None:
    """Return the time of publication that most places agree on by the day, as the best of them gives it."""
    declared = [*_declared_dates(page)]
    if _is_front_page(page, url) or (page.kinds & _UNDATED and not page.articles and not declared):
        return None
    printed = [*_printed_dates(page)]
    witnesses = declared if _agree(declared) else [*declared, *printed, *_dates_of_url(page, url)]
    votes: dict[date, float] = {}
    for witness in witnesses:
        day = witness.time.date()
        votes[day] = votes.get(day, 0.0) + witness.weight
    winner = max(votes, key=votes.__getitem__, default=None)
    if winner is None or votes[winner] < _ENOUGH:
        return _only_labelled(page) or _only_updated(page) or _only_one(page)
    of_day = [witness for witness in witnesses if witness.time.date() == winner]
    best = max(of_day, key=lambda witness: (witness.time.timetz() != _MIDNIGHT, witness.weight))  # a time tells more
    line = next((witness for witness in printed if witness.source == "dateline"), None)
    return _as_printed(best, line) if line else best


def _as_printed(best: Witness, line: Witness) -> Witness:
    """
    Hold what was voted for against the dateline, which people wrote for people.

    On gold pages that print a date two days or more before what they declare, the printed one was right 8 times of 8.
    """
    if line.time.date() < best.time.date() - _A_DAY:
        return line  # a system that took the article over, or made it anew, declares the day on which it did
    if best.source == "url" and line.time < best.time + 2 * _A_DAY:
        return line  # the server's clock made the address
    return best._replace(time=_on_clock(best.time, line.time))


def _is_front_page(page: _Reader, url: Found | None) -> bool:
    """Whether the address, given and declared, is that of a whole site: its dates are those of what is new there."""
    addresses = [url.text, page.known.url or url.text] if url and url.source != "given" else []
    return bool(addresses) and all(urlsplit(address).path in {"", "/"} for address in addresses)


def _on_clock(moment: datetime, printed: datetime) -> datetime:
    """
    A moment on the clock of a printed time, if that may be the same one: zones are quarters of an hour apart.

        >>> _on_clock(datetime(2024, 3, 4, 3, 22, 7, tzinfo=UTC), datetime(2024, 3, 3, 22, 22, tzinfo=UTC)).isoformat()
        '2024-03-03T22:22:07-05:00'
    """
    if printed.tzinfo is not UTC and abs(printed - moment) < _A_MINUTE:
        return moment.astimezone(printed.tzinfo)
    apart = round((printed.replace(second=0, microsecond=0) - moment.replace(second=0, microsecond=0)) / _A_MINUTE)
    is_zone = apart % _ZONE_STEP == 0 and abs(apart) <= _FARTHEST_CLOCKS and printed.timetz() != _MIDNIGHT
    return moment.astimezone(timezone(timedelta(minutes=apart))) if is_zone and moment.tzinfo is UTC else moment


def _only_labelled(page: _Reader) -> Witness | None:
    """Return the date that the page calls that of its publication anywhere, if it calls but one day so: teasers differ."""
    return _if_one_day(page, find_labelled(page.markup))


def _only_one(page: _Reader) -> Witness | None:
    """Return the date that stands by itself in the upper half of the page, if there is but one day: teasers differ."""
    return _if_one_day(page, find_alone(page.markup))


def _if_one_day(page: _Reader, raws: Iterable[str]) -> Witness | None:
    found = [witness for raw in raws for witness in _witness(page, raw, "dateline", _ENOUGH)]
    return found[0] if len({witness.time.date() for witness in found}) == 1 else None


def _only_updated(page: _Reader) -> Witness | None:
    """Return the printed day of the last update: of a page that tells of no other, this text was published then."""
    for raw, updated in _dates_in_head(page):
        if updated and not is_publication(raw):
            return next(_witness(page, raw, "updated", _ENOUGH), None)
    return None


def _agree(witnesses: Sequence[Witness]) -> bool:
    """Whether two sources name one day and none another; the rest of the page need not be asked."""
    return (
        len({witness.source for witness in witnesses}) > 1 and len({witness.time.date() for witness in witnesses}) == 1
    )


# How much a place counts, by how often it was right on gold pages: the address 96%, OpenGraph 93%, JSON-LD 90%, others less.
_WEIGHTS = {"json-ld": 3.0, "opengraph": 3.0, "meta": 2.0, "microdata": 2.0, "dateline": 1.9, "url": 2.5}
_REBUILT = 1.5
"""JSON-LD that gives one time for publication and change may give that of the page's making."""
_PAGE_WEIGHT = 0.5
"""Systems for web sites give every page a date, also those that are about a company or a product."""
_ENOUGH = 1.0
"""A day with fewer votes is none."""
_MOST_NODES = 3
_LIST_OF_DATES = 4
"""So many days around a headline are those of a list of articles."""


def _declared_dates(page: _Reader) -> Iterator[Witness]:
    for nodes in (page.articles, page.pages):
        for node in nodes[:_MOST_NODES]:
            raw = _text(node.get("datePublished"))
            weight = _REBUILT if raw == _text(node.get("dateModified")) else _WEIGHTS["json-ld"]
            yield from _witness(page, raw, "json-ld", weight if nodes is page.articles else _PAGE_WEIGHT)
    others = {name: "meta" for name in page.declared.metas if name not in _DATE_TAGS and _PUBLISHED_TAG.search(name)}
    for name, source in (_DATE_TAGS | others).items():
        for raw in page.declared.metas.get(name, ())[:1]:
            yield from _witness(page, raw, source, _WEIGHTS[source])


def _printed_dates(page: _Reader) -> Iterator[Witness]:
    """The date that the page is marked or printed with, unless it is that of a change."""
    marked = (mark.value or mark.text for mark in page.marks if not mark.is_author)
    yield from (
        witness for raw in list(marked)[:1] for witness in _witness(page, raw, "microdata", _WEIGHTS["microdata"])
    )
    plain_ones = (raw for raw, updated in _dates_in_head(page) if not updated)
    lines = [found for raw in plain_ones for found in _witness(page, raw, "dateline", _WEIGHTS["dateline"])]
    if len({line.time.date() for line in lines}) < _LIST_OF_DATES:
        yield from lines[:1]


def _dates_in_head(page: _Reader) -> Iterator[tuple[str, bool]]:
    """Dates around the headline, and whether each is that of a change."""
    for line, above in zip(page.head, [None, *page.head], strict=False):
        found = find_date(line.text, page.declared.language)
        coded = next((part.datetime for part in line.parts if read_date(part.datetime, page.declared.language)), None)
        if found or coded:
            label = above.text if above and len(above.text.split()) <= _LABEL_WORDS else ""
            updated = found.updated if found else is_update(line.text)
            is_local = found is not None and found.time.tzinfo is not UTC
            yield line.text if is_local else coded or line.text, updated or is_update(label)


def _dates_of_url(page: _Reader, url: Found | None) -> Iterator[Witness]:
    match = _URL_DATE.search(url.text) if url else None
    if match:
        yield from _witness(page, f"{match['year']}-{match['month']:0>2}-{match['day']:0>2}", "url", _WEIGHTS["url"])


def _witness(page: _Reader, raw: str | None, source: str, weight: float) -> Iterator[Witness]:
    time = _time(page, raw)
    if time and raw:
        yield Witness(time, plain(raw)[:_LONGEST_RAW], source, weight)


def _time(page: _Reader, raw: str | None) -> datetime | None:
    time = read_date(raw, page.declared.language) if raw else None
    return time if time and is_plausible(time, page.fetched_at) else None


_DATE_TAGS = {
    "article:published_time": "opengraph", "og:published_time": "opengraph", "article:published": "opengraph",
    "parsely-pub-date": "meta", "sailthru.date": "meta", "datepublished": "microdata", "pubdate": "meta",
    "publishdate": "meta", "publish-date": "meta", "publication_date": "meta", "dc.date.issued": "meta",
    "published": "meta", "dcterms.issued": "meta", "dcterms.created": "meta", "dc.date": "meta", "citation_publication_date": "meta",
    "citation_date": "meta", "date": "meta",
}  # fmt: skip


_PUBLISHED_TAG = re.compile(
    r"(?:publish|publication|posted?)\w*[-_.:]?(?:date|time|on)|date[-_.:]?publish|pub[-_.]?date", re.IGNORECASE
)


def _modified(page: _Reader) -> Witness | None:
    """Return the time of the last change, from the first place that gives one."""
    declared = [*page.json("dateModified"), *page.metas(_MODIFIED_TAGS)]
    for raw, source in declared:
        for witness in _witness(page, raw, source, 1.0):
            return witness
    return None


def _url(page: _Reader) -> Found | None:
    """Return the address the page calls its own, since copies and tracking links share it; else the one it came from."""
    given = page.known.url
    canonical = [Found(page.declared.canonical, "canonical")] if page.declared.canonical else []
    for found in (*canonical, *page.metas(_URL_TAGS), *page.json("url")):
        address = _absolute(found.text, given)
        if address:
            return Found(address, found.source)
    return Found(given, page.known.url_source or "given") if given else None


def _absolute(address: str, base: str | None) -> str | None:
    """Return an absolute web address with a public host, or None."""
    try:
        absolute = urljoin(base or "", address.strip())
        parts = urlsplit(absolute)
    except ValueError:  # a bracket that no address may hold
        return None
    return absolute if parts.scheme in {"http", "https"} and host_of(absolute) else None


def _language(page: _Reader) -> Found | None:
    """Return the declared language as ISO 639-1."""
    root = [Found(page.declared.language, "html")] if page.declared.language else []
    for found in (*root, *page.metas(_LANGUAGE_TAGS), *page.json("inLanguage")):
        code = re.match(r"([a-z]{2})(?:$|[-_])", found.text.strip().lower())
        if code:
            return Found(code[1], found.source)
    return None


def _tags(page: _Reader) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keywords a page gives itself, place by place."""
    places = [(page.declared.metas.get(name, ()), source) for name, source in _TAG_TAGS.items()]
    places[1:1] = [(_strings(node.get("keywords")), "json-ld") for node in page.nodes]
    for values, source in places:
        kept: dict[str, str] = {}
        for tag in (plain(unescape(tag)) for value in values for tag in re.split(r"[,;、，]", value)):
            if 1 < len(tag) <= _LONGEST_TAG and "://" not in tag:
                kept.setdefault(tag.casefold(), tag)
        if kept:
            yield tuple(kept.values())[:_MOST_TAGS], source


def _images(page: _Reader, url: Found | None) -> Iterator[Found]:
    """Yield the addresses of the pictures the page is shown with elsewhere."""
    declared = [*page.metas(_IMAGE_TAGS)]
    for node in page.nodes:
        image = node.get("image")
        first = image[0] if isinstance(image, list) and image else image
        address = _text(first.get("url") if isinstance(first, dict) else first)
        if address:
            declared.append(Found(address, "json-ld"))
    for found in declared:
        address = _absolute(found.text, url.text if url else None)
        if address:
            yield Found(address, found.source)


def _types(node: dict[str, Any]) -> list[str]:
    types = node.get("@type")
    return [name for name in (types if isinstance(types, list) else [types]) if isinstance(name, str)]


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _text(value: Any) -> str | None:
    """Return a JSON value if it is a text, or the first of a list of texts."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) and value.strip() else None
