"""
What WARC and ARC have in common: records one after the other, each with its length, and HTTP responses in them.

The framing is read here and not by FastWARC, which needs a stream it can seek in, says nothing where a file is cut off,
and gives up the rest of a file for one wrong length. Here each of these costs one record, and is told.
"""

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from pipeline.hosts import host_of
from pipeline.records import MediaType, Metadata, RejectReason
from pipeline.sources.formats import Format, recognise
from pipeline.sources.found import BrokenSource, Found, Refused
from pipeline.sources.reading import Limits

LINE_BYTES = 64 * 1024
HEADER_BYTES = 256 * 1024
_CHUNK = 1024 * 1024
_HTTP_HEADER_BYTES = 64 * 1024

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,100}\r\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_UNTOLD = frozenset({"", "application/octet-stream", "unk", "no-type", "application/x-unknown-content-type", "unknown"})


class Rewindable:
    """A stream that can take back what was read too far."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._back = io.BytesIO()
        self._left = 0  # bytes taken back
        self.offset = 0

    def read(self, count: int) -> bytes:
        data = self._back.read(min(count, self._left)) if self._left else b""
        self._left -= len(data)
        if len(data) < count:
            data += self._stream.read(count - len(data))
        self.offset += len(data)
        return data

    def readline(self, most: int = LINE_BYTES) -> bytes:
        data = self._back.readline(min(most, self._left)) if self._left else b""
        self._left -= len(data)
        if len(data) < most and not data.endswith(b"\n"):
            data += self._stream.readline(most - len(data))
        self.offset += len(data)
        return data

    def take_back(self, data: bytes) -> None:
        """Have these bytes, the last that were read, read again."""
        rest = self._back.read(self._left) if self._left else b""
        self._back = io.BytesIO(data + rest)
        self._left = len(data) + len(rest)
        self.offset -= len(data)


@dataclass(frozen=True, slots=True)
class Framed:
    """The length of a record, and how the next one begins."""

    length: int
    most: int  # bytes of it that are kept; of more, none
    next_record: re.Pattern[bytes]  # matches the end of a record with the first bytes of the next
    end: re.Pattern[bytes]  # matches what stands between two records


def read_block(source: Rewindable, framed: Framed) -> bytes | Refused:
    """
    Read a record's bytes, and what stands between it and the next one.

    A length that reaches into the next record, or ends before it, is told and not believed: reading goes on where the
    next record begins.
    """
    start = source.offset
    kept, seen = bytearray(), b""
    left = framed.length
    while left:
        data = source.read(min(left, _CHUNK))
        if not data:
            break
        left -= len(data)
        if framed.length <= framed.most:
            kept += data
            continue
        # Of a record that is not kept, only the last bytes are, to find the next one where the length is a lie.
        seen = seen[-100:] + data
        match = framed.next_record.search(seen)
        if match:
            source.take_back(seen[match.start(1) :])
            return _wrong_length(framed, source.offset - start)
    between = source.read(4)
    ended = framed.end.match(between)
    if not left and ended:
        source.take_back(between[ended.end() :])
        if framed.length > framed.most:
            return Refused(RejectReason.TOO_LARGE, f"a record of {framed.length:,} bytes", framed.length, start)
        return bytes(kept)
    return _mend(source, framed, start, bytes(kept) + between, left)


def _mend(source: Rewindable, framed: Framed, start: int, data: bytes, left: int) -> Refused:
    """Find where the next record begins, if its length was wrong or the file is cut off."""
    # Near the end of what was read a match may be cut, so a line more is looked at.
    data += source.readline()
    match = framed.next_record.search(data)
    if match:
        source.take_back(data[match.start(1) :])
        return _wrong_length(framed, source.offset - start)
    if left:
        return Refused(RejectReason.TRUNCATED, f"{left:,} bytes of a record are missing", framed.length - left, start)
    return find_next(source, framed.next_record, start) or Refused(
        RejectReason.TRUNCATED, "the file ends within a record", source.offset - start, start
    )


def find_next(source: Rewindable, next_record: re.Pattern[bytes], start: int) -> Refused | None:
    """Pass over what is no record; None where no other one follows."""
    seen = b"\n"
    while line := source.readline():
        seen = seen[-200:] + line
        match = next_record.search(seen)
        if match:
            source.take_back(seen[match.start(1) :])
            passed = source.offset - start
            return Refused(RejectReason.DAMAGED, f"{passed:,} bytes are no record", passed, start)
    return None


def _wrong_length(framed: Framed, size: int) -> Refused:
    return Refused(RejectReason.DAMAGED, f"said to be {framed.length:,} bytes long, and is not", size)


def read_response(
    block: bytes, url: str | None, fetched_at: datetime | None, limits: Limits
) -> Iterator[Found | Refused]:
    """Yield the page in an HTTP response, or why it is none."""
    match = _HEADER_END.search(block, 0, _HTTP_HEADER_BYTES)
    status = _STATUS.match(block)
    if match is None or status is None:
        yield from read_payload(block, "", url, fetched_at)
        return
    if not status[1].startswith(b"2"):
        yield Refused(RejectReason.NO_PAGE, f"HTTP {status[1].decode()}", len(block))
        return
    headers = parse_headers(block[: match.start()])
    body = _decoded(block[match.end() :], headers, int(limits.record_bytes))
    if body is None:
        yield Refused(RejectReason.TOO_LARGE, f"a page of more than {limits.record_bytes:,} bytes", len(block))
        return
    yield from read_payload(body, headers.get("content-type", ""), url, fetched_at)


def read_payload(
    body: bytes, content_type: str, url: str | None, fetched_at: datetime | None
) -> Iterator[Found | Refused]:
    """Yield the page or text, or why it is none; a type that says nothing is found out."""
    media_type = _media_type(body, content_type.partition(";")[0].strip().lower())
    if media_type is None:
        yield Refused(RejectReason.NO_PAGE, content_type[:100] or "of no known type", len(body))
        return
    charset = _CHARSET.search(content_type)
    known = Metadata(url=url, site=host_of(url))
    yield Found(body, media_type, known, charset[1] if charset else None, fetched_at)


def parse_headers(lines: bytes) -> dict[str, str]:
    """Named values by lower-case name; of several the first, and continued lines joined."""
    headers: dict[str, str] = {}
    text = re.sub(rb"\r?\n[ \t]+", b" ", lines).decode("utf-8", "replace")
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _media_type(body: bytes, declared: str) -> MediaType | None:
    if declared in _PAGES:
        return MediaType.HTML
    if declared == "text/plain":
        return MediaType.TEXT
    if declared in _UNTOLD:
        try:
            return MediaType.HTML if recognise(body[:4096], "") is Format.HTML else None
        except BrokenSource:
            return None
    return None


def _decoded(body: bytes, headers: dict[str, str], most: int) -> bytes | None:
    """
    A body without its transfer and content encodings; None if that is larger than allowed.

    Many crawlers undo them and keep the headers, so a body that is not encoded as they say is taken as it is.
    """
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _dechunked(body) or body
    encoding = headers.get("content-encoding", "").lower()
    try:
        if encoding in {"gzip", "x-gzip", "deflate"}:
            unpacked = zlib.decompressobj(47 if body.startswith((b"\x1f\x8b", b"\x78")) else -15).decompress(
                body, most + 1
            )
        elif encoding in {"br", "zstd"}:
            packed = pa.BufferReader(body)
            unpacked = pa.CompressedInputStream(packed, "brotli" if encoding == "br" else "zstd").read(most + 1)
        else:
            unpacked = body
    except (zlib.error, OSError):
        unpacked = body
    return None if len(unpacked) > most else unpacked


def _dechunked(body: bytes) -> bytes | None:
    """Undo chunked transfer (RFC 9112, 7.1); None where the body is not in chunks."""
    pieces: list[bytes] = []
    place = 0
    while match := _CHUNK_SIZE.match(body, place):
        size = int(match[1], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(body[match.end() : match.end() + size])
        place = match.end() + size + 2
    return b"".join(pieces) if pieces and place >= len(body) else None
