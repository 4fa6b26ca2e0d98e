"""
Tables to documents: which columns hold the text, the page, and what is known of it.

Names are compared without case and without anything but letters and digits, so "articleBody", "article_body" and
"Article Body" are one. Of several columns for a field the first in the list wins; columns named in the settings come
before all.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.hosts import host_of
from pipeline.records import MediaType, Metadata, RejectReason
from pipeline.sources.dated import told_date
from pipeline.sources.found import Found, Refused
from pipeline.sources.reading import FileReading

USUAL_NAMES: Mapping[str, Sequence[str]] = {
    "text": (
        "text", "article_text", "article_body", "main_text", "plain_text", "full_text", "raw_text", "clean_text", "content_text",
        "text_content", "content", "body", "article", "story", "document", "selftext",
    ),
    "html": ("html", "raw_html", "html_content", "content_html", "body_html", "article_html", "page_html", "markup"),
    "title": ("title", "headline", "article_title", "page_title", "heading", "subject"),
    "author": ("author", "authors", "byline", "creator", "writer", "author_name"),
    "date": (
        "published", "published_at", "date_published", "publish_date", "published_date", "publication_date", "pub_date", "date",
        "datetime", "created_at", "created_utc", "timestamp",
    ),
    "url": ("url", "link", "uri", "source_url", "page_url", "article_url", "canonical_url", "original_url", "web_url", "permalink",
            "target_uri", "warc_target_uri"),
    "site": ("site", "host", "hostname", "domain", "source_domain", "netloc"),
    "language": ("language", "lang", "language_code"),
    "tags": ("tags", "keywords", "categories"),
    "fetched": ("fetched_at", "fetch_time", "crawl_date", "crawled_at", "date_crawled", "scraped_at", "retrieved_at", "date_download",
                "download_date", "warc_date"),
}  # fmt: skip
"""By field: JSON Feed, schema.org, news-please, CC-News, FineWeb, Reddit and WordPress exports among them."""

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKUP = re.compile(
    r"\s*<(?:!doctype|html|head|body|p|div|article|section|h[1-6]|ul|table|figure|span|img|!--)\b", re.IGNORECASE
)
_END_TAG = re.compile(r"</[a-z]|/>|<br>", re.IGNORECASE)
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_]|$)", re.IGNORECASE)
MOST_COLUMNS = 10_000
"""Of a table; the widest exports have some hundred."""
_MOST_NAMES = 50
_MOST_WRAPPED = 5  # objects and lists around a name
_LOOKED_AT = 20_000  # characters of a name or title
_MOST_LAYOUTS = 1_000
_MOST_KEPT = 200  # columns of a layout that is kept in mind


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column of a table has which field."""

    columns: Mapping[str, str]  # field -> column
    reading: FileReading

    @property
    def has_content(self) -> bool:
        return "text" in self.columns or "html" in self.columns


def find_roles(names: Sequence[str], reading: FileReading) -> Roles:
    """
    Find the columns of the fields among a table's columns, of which the first `MOST_COLUMNS` are looked at.

    >>> find_roles(["id", "articleBody", "Headline"], FileReading()).columns
    {'text': 'articleBody', 'title': 'Headline'}
    """
    by_plain = {_plain(name): name for name in reversed(names[:MOST_COLUMNS])}
    columns: dict[str, str] = {}
    for field, usual in USUAL_NAMES.items():
        given: tuple[str, ...] = getattr(reading.columns, field)
        wanted = [*map(_plain, given), *(() if given else map(_plain, usual))]
        column = next((by_plain[name] for name in wanted if name in by_plain), None)
        if column is not None and column not in columns.values():
            columns[field] = column
    return Roles(columns, reading)


class RolesByKeys:
    """Finds the roles of rows whose keys differ; what a row becomes depends on its own keys alone."""

    def __init__(self, reading: FileReading) -> None:
        self._reading = reading
        self._found: dict[tuple[str, ...], Roles] = {}

    def __call__(self, row: Mapping[str, Any]) -> Roles:
        if len(row) > _MOST_KEPT:
            return find_roles(list(row), self._reading)
        keys = tuple(row)
        if keys not in self._found:
            if len(self._found) >= _MOST_LAYOUTS:
                self._found.clear()
            self._found[keys] = find_roles(keys, self._reading)
        return self._found[keys]


def no_content(names: Sequence[str]) -> Refused:
    """A table or row without a column for text or HTML."""
    shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
    return Refused(RejectReason.NO_TEXT_COLUMN, f"no column for text or HTML among {shown or 'none'}"[:1000])


def read_row(row: Mapping[str, Any], roles: Roles, offset: int | None = None) -> Found:
    """The document of one row; empty where it has no text."""
    data, media_type = _content(row, roles)
    value = {field: row.get(column) for field, column in roles.columns.items()}
    published = told_date(value.get("date"))
    url = _string(value.get("url"))
    site = _string(value.get("site"))
    known = Metadata(
        title=_string(value.get("title")),
        authors=_names(value.get("author")),
        published=published,
        published_source="column" if published else None,
        url=url,
        site=host_of(site) or host_of(url),
        language=_language(value.get("language")),
        tags=_names(value.get("tags"), between=r"[;,|]"),
    )
    return Found(
        data=data,
        media_type=media_type,
        known=known,
        fetched_at=told_date(value.get("fetched")),
        extra=_extra(row, roles) if roles.reading.keep_extra else None,
        offset=offset,
    )


def as_bytes(text: str) -> bytes:
    r"""
    A string's bytes. Bytes that were no UTF-8 and were kept as surrogates come back as they were.

    >>> as_bytes(b"caf\xe9".decode("utf-8", "surrogateescape")), as_bytes("\ud83d\ude00").decode(), as_bytes("a\ud83d").decode()
    (b'caf\xe9', '😀', 'a\ufffd')
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def as_text(data: bytes) -> str:
    r"""
    A short string such as a title: in UTF-8, or else Western European, as browsers have it.

    >>> as_text(b"caf\xe9"), as_text("café".encode())
    ('café', 'café')
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _plain(name: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", name).lower()


def _content(row: Mapping[str, Any], roles: Roles) -> tuple[bytes, MediaType]:
    """The text or page of a row: of both the preferred one, unless it is blank."""
    fields = ["text", "html"] if roles.reading.prefer == "text" else ["html", "text"]
    for field in fields:
        data = _bytes(row.get(roles.columns.get(field, "")) if field in roles.columns else None)
        if data.strip():
            is_page = field == "html" or _is_markup(data)
            return data, MediaType.HTML if is_page else MediaType.TEXT
    return b"", MediaType.TEXT


def _is_markup(data: bytes) -> bool:
    """Whether what stands in a text column is a page or a piece of one: it begins with a tag, and closes some."""
    head = data[:4096].decode("utf-8", "replace")
    return bool(_MARKUP.match(head)) and bool(_END_TAG.search(head))


def _bytes(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return as_bytes(value)
        case [str(), *_] as paragraphs:
            return as_bytes("\n\n".join(item for item in paragraphs if isinstance(item, str)))
        case _:
            return b""


def _string(value: object) -> str | None:
    """A value as one line of text; of objects their name, of lists the first, through a few of them."""
    for _ in range(_MOST_WRAPPED):
        match value:
            case bool() | None:
                return None
            case {"name": inner} | {"url": inner} | [inner, *_]:
                value = inner
            case bytes():
                return _one_line(as_text(value[:_LOOKED_AT]))
            case str():
                head = value[:_LOOKED_AT]
                return _one_line(as_text(as_bytes(head)) if _SURROGATE.search(head) else head)
            case int() | float():
                return str(value)
            case _:
                return None
    return None


def _one_line(text: str) -> str | None:
    return " ".join(text.replace("\0", " ").split())[:2_000] or None


def _names(value: object, between: str = r"[;|]") -> tuple[str, ...]:
    """Names in a list or a string."""
    match value:
        case None:
            return ()
        case list() | tuple():
            found = [_string(item) for item in value[:_MOST_NAMES]]
        case _:
            found = [_string(part) for part in re.split(between, _string(value) or "")[:_MOST_NAMES]]
    return tuple(dict.fromkeys(name for name in found if name))


def _language(value: object) -> str | None:
    match = _LANGUAGE.match(_string(value) or "")
    return match[1].lower() if match else None


def _extra(row: Mapping[str, Any], roles: Roles) -> str | None:
    """The columns that no field was read from, as JSON."""
    used = set(roles.columns.values())
    rest = {str(name): value for name, value in row.items() if name not in used and value is not None}
    if not rest:
        return None
    try:
        return _SURROGATE.sub("\ufffd", json.dumps(rest, ensure_ascii=False, sort_keys=True, default=_printed))
    except (ValueError, RecursionError):  # nested beyond what any reader of JSON takes
        return None


def _printed(value: object) -> str:
    return as_text(value) if isinstance(value, bytes) else str(value)
