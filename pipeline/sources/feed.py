"""
Reader of RSS and Atom: one entry is one document, with the fullest text the feed has of it.

feedparser is given bytes and told to leave them as they are: it would fetch an address, and it would take elements out of
the pages that later stages judge.
"""

import calendar
import codecs
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

from pipeline.hosts import host_of
from pipeline.records import MediaType, Metadata, RejectReason
from pipeline.sources.columns import as_bytes
from pipeline.sources.dated import told_date
from pipeline.sources.found import Found, Refused
from pipeline.sources.layers import read_whole
from pipeline.sources.reading import FileReading, Limits

_ROOT = rb"(?:rss|(?:\w+:)?feed|rdf:RDF)"
_BEGIN = re.compile(rb"<%b\b" % _ROOT, re.IGNORECASE)
_END = re.compile(rb"</%b\s*>" % _ROOT, re.IGNORECASE)
_TAIL_BYTES = 4_096
_MOST_TAGS = 1_000_000
"""feedparser takes 15 s for three million; a feed of 5,000 entries has 100,000."""
_DECLARED = re.compile(rb"""\s+encoding\s*=\s*["']([\w.:-]{2,40})["']""")
_NO_CHARSETS = frozenset(
    {
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
        "unicode-escape",
        "raw_unicode_escape",
        "raw-unicode-escape",
        "utf-7",
        "utf7",
        "utf_7",
    }
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_feed(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """Yield the entries; of a feed that is cut off those before, and the rest is refused as one."""
    data = read_whole(stream, limits.record_bytes)
    if data is None:
        yield Refused(RejectReason.TOO_LARGE, f"a feed of more than {limits.record_bytes:,} bytes", offset=0)
        return
    if data.count(b"<") > _MOST_TAGS:
        yield Refused(RejectReason.TOO_LARGE, f"a feed of more than {_MOST_TAGS:,} tags", len(data), 0)
        return
    readable = _readable(data)
    feed = feedparser.parse(io.BytesIO(readable), sanitize_html=False, resolve_relative_uris=False)
    if not (feed.version or feed.entries or _BEGIN.search(readable[:_TAIL_BYTES])):
        yield Refused(RejectReason.UNSUPPORTED, "XML, but no feed", len(data), 0)
        return
    whole = _END.search(readable[-_TAIL_BYTES:]) is not None
    # feedparser mends what is wrong within; but of a feed that is cut off, the last entry is too.
    for entry in feed.entries if whole else feed.entries[:-1]:
        yield _document(entry, feed.feed)
    if not whole:
        yield Refused(RejectReason.TRUNCATED, "the feed ends within an entry, or after one", len(data))
    elif not feed.entries:
        yield Refused(RejectReason.EMPTY, "the feed has no entries", len(data), 0)


def _readable(data: bytes) -> bytes:
    """
    A feed that can be read in its encoding, as it is; any other in UTF-8, with a mark.

    feedparser would read it in any encoding that Python knows, of which some take for ever, and ask a detector, if one is
    installed, which takes minutes for some megabytes of nothing.
    """
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if marked:
        return _in_utf8(data.decode(marked, "replace"))
    declared = _DECLARED.search(data[:1_024])
    name = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    if name not in _NO_CHARSETS:
        try:
            data.decode(name)
        except (UnicodeError, LookupError):
            pass
        else:
            return data
    text = data.decode("utf-8", "replace")
    if text.count("\ufffd") * 20 > len(text) - len(text.encode("ascii", "ignore")):
        text = data.decode("cp1252", "replace")
    return _in_utf8(text)


def _in_utf8(text: str) -> bytes:
    return codecs.BOM_UTF8 + _DECLARED.sub(b"", text.removeprefix("\ufeff").encode("utf-8", "replace"), count=1)


def _document(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> Found:
    value, kind = max(_contents(entry), key=lambda content: len(content[0]), default=("", "text/plain"))
    published = _date(entry.get("published_parsed") or entry.get("updated_parsed"))
    url = entry.get("link") or None
    authors = [author.get("name") for author in entry.get("authors", ()) if author.get("name")]
    language = str(entry.get("language") or feed.get("language") or "")[:2].lower()
    return Found(
        data=as_bytes(value),
        media_type=MediaType.TEXT if kind == "text/plain" else MediaType.HTML,
        known=Metadata(
            title=" ".join(str(entry.get("title") or "").split()) or None,
            authors=tuple(dict.fromkeys(authors)),
            published=published,
            published_source="feed" if published else None,
            url=url,
            site=host_of(url) or host_of(feed.get("link")),
            language=language if language.isalpha() and len(language) == 2 else None,
            tags=tuple(dict.fromkeys(str(tag["term"]) for tag in entry.get("tags", ()) if tag.get("term"))),
        ),
        declared_encoding="utf-8",
    )


def _contents(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of an entry with their types: its content, and its summary, where many feeds have all of it."""
    for content in [*entry.get("content", ()), entry.get("summary_detail") or {}]:
        yield str(content.get("value") or ""), str(content.get("type") or "")


def _date(parsed: Any) -> datetime | None:
    try:
        return told_date(datetime.fromtimestamp(calendar.timegm(parsed), UTC)) if parsed else None
    except (ValueError, OverflowError, TypeError, OSError):
        return None
