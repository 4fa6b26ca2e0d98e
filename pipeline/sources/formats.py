"""
What a stream of bytes is: by its content first, by its name second.

Names lie (pages saved as `.txt`, compressed files without a suffix), and content can be ambiguous (a CSV file is a text).
So what only one format begins with decides; what is left is what the name says; and what has no name is a text.
"""

import codecs
import json
import re
from collections.abc import Mapping
from enum import StrEnum

from pipeline.records import RejectReason
from pipeline.sources.found import BrokenSource


class Format(StrEnum):
    """What a reader reads."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    MHTML = "mhtml"
    MAIL = "eml"
    JSON_LINES = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    WARC = "warc"
    ARC = "arc"
    FEED = "feed"
    ZIP = "zip"
    TAR = "tar"


class Compression(StrEnum):
    """What a stream is packed with; the values are those of pyarrow, but for xz, which it does not know."""

    GZIP = "gzip"
    BZ2 = "bz2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"


SUFFIXES: Mapping[str, Format] = {
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".mhtml": Format.MHTML,
    ".mht": Format.MHTML,
    ".eml": Format.MAIL,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".parquet": Format.PARQUET,
    ".warc": Format.WARC,
    ".wet": Format.WARC,
    ".arc": Format.ARC,
    ".rss": Format.FEED,
    ".atom": Format.FEED,
    ".xml": Format.FEED,
    ".zip": Format.ZIP,
    ".tar": Format.TAR,
}
PACKED_SUFFIXES: Mapping[str, str] = {
    ".gz": "",
    ".bz2": "",
    ".xz": "",
    ".zst": "",
    ".zstd": "",
    ".lz4": "",
    ".tgz": ".tar",
    ".tbz2": ".tar",
    ".txz": ".tar",
    ".tzst": ".tar",
}
"""Suffixes of compressed files, and the suffix that is left when they are unpacked."""

NO_ARTICLES = frozenset(
    (  # noqa: SIM905 - a table of words reads better
        # pictures, sound, films, fonts
        ".avif .bmp .gif .heic .ico .jpeg .jpg .png .psd .svg .tif .tiff .webp .aac .flac .m4a .mp3 .oga .ogg .opus .wav .wma"
        " .avi .m4v .mkv .mov .mp4 .mpeg .mpg .ogv .webm .wmv .eot .otf .ttf .woff .woff2"
        # documents that take a reader of their own
        " .doc .docx .epub .key .mobi .numbers .odp .ods .odt .pages .pdf .ppt .pptx .ps .rtf .xls .xlsx"
        # programs and what belongs to them
        " .bat .bin .c .class .cfg .cpp .cs .css .deb .dll .dmg .exe .go .h .ini .ipynb .iso .jar .java .js .lock .log .map .mjs"
        " .pl .ps1 .py .pyc .rb .rpm .rs .scss .sh .so .sql .swf .toml .ts .wasm .whl .yaml .yml"
        # data, indexes, checksums
        " .7z .arrow .avro .cdx .cdxj .db .feather .h5 .idx .md5 .npy .npz .orc .pickle .pkl .pt .rar .sha1 .sha256 .sig .sqlite"
        " .torrent"
    ).split()
)
"""Files of these suffixes lie beside scraped articles and are none: they are passed over and counted."""

_MAGIC: tuple[tuple[bytes, Format | Compression], ...] = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\x04\x22\x4d\x18", Compression.LZ4),
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),  # without members
    (b"PAR1", Format.PARQUET),
    (b"WARC/", Format.WARC),
    (b"filedesc://", Format.ARC),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # RFC 8878, 3.1.2: pzstd begins files with such a frame
_TAR_MAGIC = slice(257, 262)

_BINARY = frozenset({Format.PARQUET, Format.WARC, Format.ARC, Format.ZIP, Format.TAR})
_PROSE = frozenset({None, Format.TEXT, Format.MARKDOWN})
_WIDE_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# Possessive and atomic, so that no file can make these try twice.
_XML_PREFACE = rb"(?>\s|<\?[\w-]+[^>]{0,500}\?>|<!--(?>(?!-->).){0,4000}-->|<!DOCTYPE\s+(?:rss|rdf)[^>\[]{0,500}>)*+"
_FEED = re.compile(_XML_PREFACE + rb"<(?:rss|(?:\w+:)?feed|rdf:RDF)[\s>]", re.DOTALL | re.IGNORECASE)
_PAGE = re.compile(
    _XML_PREFACE
    + rb"<(?:!doctype\s+html|html|head|body)(?=[\s>\[])|"
    + _XML_PREFACE
    + rb"<(?:meta|title)[\s>][^<]{0,500}<",
    re.DOTALL | re.IGNORECASE,
)
_MAIL_HEADER = re.compile(rb"(?:From |[!-9;-~]{1,76}:[ \t\r\n])")
_SURE_MAIL = re.compile(
    rb"(?:[!-9;-~]{1,76}:[^\n]*+\n(?:[ \t][^\n]*+\n)*+){0,60}?(?:Received|Message-ID|MIME-Version):", re.IGNORECASE
)
_SAVED_PAGE = re.compile(
    rb"^(?:Snapshot-Content-Location:|From: <?Saved by|Content-Type:\s*multipart/related)", re.IGNORECASE | re.MULTILINE
)


def suffix_of(name: str) -> str:
    """
    The last suffix of a file's name, in lower case, or "".

    >>> suffix_of("a/b.d/news.HTM"), suffix_of("a.b/readme"), suffix_of(".hidden")
    ('.htm', '', '')
    """
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem else ""


def unpacked_name(name: str) -> str:
    """
    The name of what a compressed file holds.

    >>> unpacked_name("news.jsonl.zst"), unpacked_name("pages.tgz"), unpacked_name("page.html")
    ('news.jsonl', 'pages.tar', 'page.html')
    """
    suffix = suffix_of(name)
    return name[: -len(suffix)] + PACKED_SUFFIXES[suffix] if suffix in PACKED_SUFFIXES else name


def promised_format(name: str) -> Format | None:
    """
    The format that a name promises, through suffixes of compression.

    >>> promised_format("news.jsonl.zst"), promised_format("index.php")
    (<Format.JSON_LINES: 'jsonl'>, None)
    """
    return SUFFIXES.get(suffix_of(unpacked_name(unpacked_name(name))))


def recognise(head: bytes, name: str) -> Format | Compression:
    """
    Say what a stream is that begins with these bytes; `BrokenSource` where a name promises what the bytes are not.

    >>> recognise(b"<!DOCTYPE html><p>Hello", "page.txt"), recognise(b"Hello", "page.txt")
    (<Format.HTML: 'html'>, <Format.TEXT: 'text'>)
    """
    found = _by_magic(head)
    if found is not None:
        return found
    promised = promised_format(name)
    if promised in _BINARY and head:
        raise BrokenSource(RejectReason.DAMAGED, f"named {suffix_of(name)}, but does not begin as {promised} does")
    return _by_text(_as_ascii(head), promised)


def _by_magic(head: bytes) -> Format | Compression | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _BZIP2.match(head):
        return Compression.BZ2
    if _ZSTD_SKIPPABLE.match(head):
        return Compression.ZSTD
    return Format.TAR if head[_TAR_MAGIC] == b"ustar" else None


def _as_ascii(head: bytes) -> bytes:
    """The first bytes without a mark, and those of UTF-16 and UTF-32 in one byte each, as far as that can be."""
    for mark, encoding in _WIDE_MARKS:
        if head.startswith(mark):
            return head.decode(encoding, "replace").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def _by_text(head: bytes, promised: Format | None) -> Format:
    body = head.lstrip()
    if body.startswith(b"<"):
        if _FEED.match(body):
            return Format.FEED
        return Format.HTML if _PAGE.match(body) else promised or Format.TEXT
    if body.startswith((b"{", b"[")):
        return _json_format(body, promised)
    if _MAIL_HEADER.match(body):
        return _mail_format(body, promised)
    return promised or Format.TEXT


def _json_format(body: bytes, promised: Format | None) -> Format:
    """JSON Lines or one JSON value; a text that begins with a bracket is JSON only if its first line is an object."""
    if promised not in {Format.JSON, Format.JSON_LINES, *_PROSE}:
        return promised or Format.TEXT
    line, end, rest = body.partition(b"\n")
    is_line = line.startswith(b"{") and _is_object(line)
    if promised in _PROSE:
        return Format.JSON_LINES if is_line else promised or Format.TEXT
    if body.startswith(b"["):
        return Format.JSON
    if promised is Format.JSON_LINES:
        # Pretty-printed objects are no lines; nothing else ends a line right after its bracket.
        return Format.JSON if line.strip() == b"{" else Format.JSON_LINES
    return Format.JSON_LINES if is_line and end and rest.strip() else Format.JSON


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _mail_format(body: bytes, promised: Format | None) -> Format:
    """A mail or a saved page; a text that begins with `Title: ...` is neither, unless it has the headers of a mail."""
    is_mail = promised in {Format.MAIL, Format.MHTML} or (promised in _PROSE and _SURE_MAIL.match(body))
    if not is_mail:
        return promised or Format.TEXT
    return Format.MHTML if _SAVED_PAGE.search(body) and b"multipart/related" in body.lower() else Format.MAIL
