"""
The frozen values that travel through the pipeline, in the order in which they appear.

    RawFile -> RawRecord -> Document -> (line frames) -> Article | Rejection

A type proves that a step happened: only `decode` makes a `Document`, only `assemble` an `Article`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.addresses import StoredObject
from pipeline.elements import Rendering


class MediaType(StrEnum):
    """What a raw record is, decided by its reader."""

    TEXT = "text/plain"
    HTML = "text/html"


class Engine(StrEnum):
    """What can be asked to make lines of a page."""

    LINES = "lines"  # all that a page shows, which is then judged line by line
    TRAFILATURA = "trafilatura"  # what trafilatura takes for the main text


class Maker(StrEnum):
    """What made lines of a page: an engine, or the page itself."""

    LINES = Engine.LINES.value
    TRAFILATURA = Engine.TRAFILATURA.value
    DECLARED = "declared"  # the text that it declares as its article's, most of which it does not show


class Reason(StrEnum):
    """Why a line was removed. The list is closed: the table `removed_lines` knows no other."""

    TITLE = "title"
    REPEATED_TITLE = "repeated-title"
    BYLINE = "byline"
    DATELINE = "dateline"
    CHANNEL_HEADER = "channel-header"
    COUNTER = "counter"
    NEWSLETTER = "newsletter"
    SHARE = "share"
    FOLLOW = "follow"
    LOGIN_TO_COMMENT = "login-to-comment"
    COMMENTS = "comments"
    RELATED = "related"
    LATEST = "latest"
    TRENDING = "trending"
    READ_MORE = "read-more"
    TAG_LINE = "tag-line"
    NAVIGATION = "navigation"
    COOKIE_NOTICE = "cookie-notice"
    ADVERT = "advert"
    COPYRIGHT = "copyright"
    IMAGE_PLACEHOLDER = "image-placeholder"
    PAGINATION = "pagination"
    SITE_FURNITURE = "site-furniture"
    OTHER = "other"


class RejectReason(StrEnum):
    """Why a record became no article. The list is closed: the table `rejected` knows no other."""

    UNREADABLE = "unreadable"  # the file could not be opened or read
    CHANGED_WHILE_READ = "changed-while-read"  # it grew or was replaced while we read it
    EMPTY = "empty"  # no byte, or nothing but blank lines
    BINARY = "binary"  # not text in any encoding we know
    NO_MAIN_TEXT = "no-main-text"  # an HTML page without visible text
    FURNITURE_ONLY = "furniture-only"  # every line was judged boilerplate
    TRUNCATED = "truncated"  # the file or the record ends before its end
    DAMAGED = "damaged"  # the bytes are not what their format allows
    UNSUPPORTED = "unsupported"  # a format, or a kind of it, that no reader knows, such as an encrypted archive
    NO_PAGE = "no-page"  # a record of a crawl that is no page and no text: a picture, a redirect, an error
    NO_TEXT_COLUMN = "no-text-column"  # a table without a column that is known to hold text or HTML
    TOO_LARGE = "too-large"  # a record of more bytes than the settings allow
    TOO_MANY_RECORDS = "too-many-records"  # the rest of a file of more records than the settings allow
    EXPANDS_TOO_MUCH = "expands-too-much"  # compressed data that grows beyond what the settings allow
    TIMED_OUT = "timed-out"  # reading or cleaning it took longer than the settings allow
    OUT_OF_MEMORY = "out-of-memory"  # it took more memory than the settings allow
    CRASHED = "crashed"  # the worker process died of it
    FAILED = "failed"  # this program failed on it, which is a bug


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a large raw file that is read and cleaned by itself; it begins and ends between two records."""

    begin: int  # byte of the file
    end: int  # the byte after its last
    record: int  # number of its first record in the file
    format: str  # of the file, which a slice does not show as its beginning does
    sha256: str  # of the whole file, hex


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file below `raw/`, as the file system showed it, or an object below an address, as its store did."""

    path: Path | StoredObject
    key: str  # path relative to raw/, with "/" between folders; undecodable bytes percent-encoded
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int
    inode: int
    slice: Slice | None = None  # the part of it that is meant; None: all of it

    @property
    def span(self) -> int:
        """Bytes of the part that is meant."""
        return self.slice.end - self.slice.begin if self.slice else self.size

    def source(self, record: int) -> str:
        """The name of a record, by its number in the part that is meant."""
        return f"{self.key}#{record + (self.slice.record - 1 if self.slice else 0)}"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One document's bytes and where they came from."""

    source: str  # "path#record": the file's key and the record's number in it, from 1
    data: bytes
    media_type: MediaType
    raw_sha256: str = ""  # hex, of the whole file; empty while the file is still being read
    site: str | None = None  # host named by a folder on the path, such as raw/example.org/2024/a.txt
    url: str | None = None
    declared_encoding: str | None = None  # from a header outside the bytes, if any
    known: "Metadata" = field(default_factory=lambda: Metadata())  # noqa: PLW0108 - defined below; what else its container says of it
    fetched_at: datetime | None = None  # aware, UTC; when a crawler took it
    extra: str | None = None  # other columns of its row, as JSON
    offset: int | None = None  # of its first byte in the file or archive member it stands in, once decompressed

    @property
    def article_id(self) -> str:
        """
        Content address: hex of the first 16 bytes of SHA-256 over the record.

        The record is its bytes and, where it stood in a container, what that says of it: two rows with one text and
        two addresses are two records. When it was fetched says nothing about the article.
        """
        digest = hashlib.sha256(self.data)
        if self.is_told:
            digest.update(b"\0" + json.dumps(self.told(), default=str).encode())
        return digest.hexdigest()[:32]

    @property
    def is_told(self) -> bool:
        """Whether its container says anything about it."""
        return self.url is not None or self.extra is not None or self.known != _UNKNOWN

    def told(self) -> list[Any]:
        """What its container says of it, but for the time of the crawl; fit for JSON with `default=str`."""
        known = zip(Metadata.__slots__, _VALUES(self.known), strict=True)
        return [self.url, self.extra, *((name, value) for name, value in known if value)]


@dataclass(frozen=True, slots=True)
class Metadata:
    """
    What is known about an article besides its text. `None` and empty mean unknown.

    A field that ends in `_source` says where the one before it was read; `clean/README.md` lists the words for it.
    """

    title: str | None = None
    authors: tuple[str, ...] = ()
    published: datetime | None = None  # aware, UTC
    published_source: str | None = None
    url: str | None = None
    site: str | None = None  # host
    language: str | None = None  # ISO 639-1
    tags: tuple[str, ...] = ()
    title_source: str | None = None
    authors_source: str | None = None
    published_raw: str | None = None  # as it was written
    published_day: date | None = None  # of it, on the clock that the page gives
    modified: datetime | None = None  # aware, UTC
    modified_source: str | None = None
    url_source: str | None = None
    site_name: str | None = None  # what the site calls itself
    site_name_source: str | None = None
    language_source: str | None = None
    tags_source: str | None = None
    description: str | None = None
    description_source: str | None = None
    image: str | None = None  # address
    image_source: str | None = None


_UNKNOWN = Metadata()


_VALUES = attrgetter(*Metadata.__slots__)
_MAIN = [Metadata.__slots__.index(re.sub("_(source|raw|day)$", "", name)) for name in Metadata.__slots__]
"""For each field the place of the one it belongs to: itself, or the one beside which alone it means something."""


def merge(known: Metadata, found: Metadata) -> Metadata:
    """
    Fill what is unknown in the first from the second, field by field; a value comes with its own source.

        >>> merged = merge(Metadata(title="A"), Metadata(title="B", title_source="h1", language="en"))
        >>> merged.title, merged.title_source, merged.language
        ('A', None, 'en')
    """
    ours, theirs = _VALUES(known), _VALUES(found)
    return Metadata(*(own if ours[main] else other for own, other, main in zip(ours, theirs, _MAIN, strict=True)))


@dataclass(frozen=True, slots=True)
class Document:
    r"""A record decoded to text, with line ends made `\n` and nothing else changed."""

    source: str
    article_id: str
    raw_sha256: str
    media_type: MediaType
    text: str
    encoding: str  # Python's name of the codec
    encoding_source: str  # "bom", "nul-pattern", "utf-8", "declared", "detected", "repaired-mojibake", "given"
    known: Metadata = field(default_factory=Metadata)  # from the path, headers or markup, before judging
    fetched_at: datetime | None = None  # as `RawRecord`
    extra: str | None = None  # as `RawRecord`
    engine: Maker | None = None  # that made `text` from markup
    declared_body: str | None = None  # the article's text as its JSON-LD gives it, with entities and markup as there
    rendering: Rendering | None = field(default=None, compare=False, repr=False)  # where its lines stand in the markup


class Removal(NamedTuple):
    """Why one line goes."""

    reason: Reason
    rule: str  # the rule's id; "model" for the learned model
    score: float  # how sure: 1.0 for a rule, the probability of boilerplate for the model, with 4 decimals


class Mark(IntEnum):
    """How far the rules went with a line: what the learned model is told of them."""

    NONE = 0
    HINT = 1  # a rule matches, but holds only elsewhere
    RULED = 2  # removed for where it stands
    SURE = 3  # removed by a rule that holds anywhere
    TITLE = 4  # the title, or its repeat


class Judgement(NamedTuple):
    """What the rules say about one document's lines."""

    numbers: Sequence[int]  # of its non-blank lines, from 1, ascending
    words: Sequence[int]  # in each of them
    removed: Mapping[int, Removal]  # by line number
    marks: Sequence[Mark]  # one a line
    hints: Mapping[int, Reason]  # reason of a rule that matches a line but not where it stands, by line number
    title_line: int | None  # number of the title line found in the text
    first_prose: int | None  # number of the article's first line of prose
    is_page: bool = False  # whether these are all lines that a page shows


@dataclass(frozen=True, slots=True)
class RemovedLine:
    """
    One entry of the ledger: a whole line, or a span at the start or end of a kept line.

    `start` and `end` are character offsets (code points, end exclusive) into the document's text.
    """

    line: int  # from 1
    start: int
    end: int
    text: str
    reason: Reason
    rule: str  # the rule's id; "model" for the learned model, whose version stands in the article's row
    score: float  # how sure: 1.0 for a rule, the probability of boilerplate for the model, with 4 decimals


@dataclass(frozen=True, slots=True)
class Quality:
    """Document measures of the published filters, for users to decide with; nothing is rejected by them."""

    mean_word_length: float  # Gopher, Rae et al. 2021: 3 to 10
    letter_word_share: float  # Gopher: at least .80 of the words hold a letter
    end_mark_share: float  # FineWeb: more than .12 of the lines end in punctuation
    short_line_share: float  # FineWeb: less than .67 of the lines have 30 characters or fewer
    duplicate_line_share: float  # FineWeb: less than .1 of the characters stand in repeated lines


@dataclass(frozen=True, slots=True)
class Article:
    """A cleaned document: a row of `articles` with its rows of `removed_lines`."""

    document: Document
    metadata: Metadata
    text: str
    kept_lines: tuple[int, ...]  # 1-based numbers of the lines behind `text`
    removed: tuple[RemovedLine, ...]
    removed_share: float  # of the characters in non-blank lines
    word_count: int
    language_score: float | None
    quality: Quality
    comments: str | None = None  # what readers wrote below it; only where that was asked for


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that became no article, and why."""

    source: str
    raw_sha256: str
    reason: RejectReason
    detail: str
    size: int  # bytes of the record
    removed: tuple[RemovedLine, ...] = ()  # what was judged boilerplate, where that is why
    offset: int | None = None  # as `RawRecord`
