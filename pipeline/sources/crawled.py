"""
What WARC and ARC have in common: records one after the other, each with its length, and HTTP responses in them.

The framing is read here and not by FastWARC, which needs a stream it can seek in, says nothing where a file is cut off,
and gives up the rest of a file for one wrong length. Here each of these costs one record, and is told.
"""

import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from pipeline.hosts import host_of
from pipeline.records import MediaType, Metadata, RejectReason
from pipeline.sources.formats import Format, recognise
from pipeline.sources.found import BrokenSource, Found, Refused, Skipped
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


class Window:
    """
    A stream that is looked at before it is taken: a record's length is believed when what follows it is no lie.

    What is looked at stays at hand, so a thousand records that all claim to be 16 MB long cost no more than their bytes.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._held = bytearray()
        self._at = 0  # of the next byte, in what is held; the byte before it is held too
        self._ended = False
        self._broken: BrokenSource | None = None
        self.offset = 0

    def look(self, count: int) -> int:
        """Have so many bytes at hand; how many there are, up to that number."""
        while len(self._held) - self._at < count and not self._ended:
            self._more()
        return min(count, len(self._held) - self._at)

    def ahead(self, start: int, count: int) -> bytes:
        """Some of the bytes at hand, counted from the next one."""
        return bytes(self._held[self._at + start : self._at + start + count])

    def take(self, count: int) -> bytes:
        """The next bytes, which must be at hand."""
        data = self.ahead(0, count)
        self.skip(count)
        return data

    def skip(self, count: int) -> None:
        """Pass over bytes that are at hand."""
        self._at += count
        self.offset += count

    def line(self) -> bytes:
        """The next line with its end, or as much of it as a line may have; nothing at the end."""
        searched = 0
        while (end := self._held.find(b"\n", self._at + searched, self._at + LINE_BYTES)) < 0:
            searched = len(self._held) - self._at
            if searched >= LINE_BYTES or self._ended:
                break
            self._more()
        if end < 0 and searched < LINE_BYTES:
            self.check()
        return self.take(min(LINE_BYTES, len(self._held) - self._at) if end < 0 else end + 1 - self._at)

    def pass_to(self, next_record: re.Pattern[bytes], most: int | None = None) -> bool:
        """Pass over bytes until the next record begins, at most so many; whether one begins here then."""
        left = most
        while step := self.look(_CHUNK if left is None else min(left, _CHUNK)):
            self.look(step + LINE_BYTES)  # a match may reach beyond
            match = next_record.search(self._held, max(0, self._at - 1), self._at + step + LINE_BYTES)
            begins = match.start(1) - self._at if match else step
            self.skip(min(begins, step))
            if begins < step:
                return True
            left = None if left is None else left - step
        return False

    def check(self) -> None:
        """`BrokenSource` where the stream did not end, but broke, and all before that is at hand."""
        if self._broken is not None:
            raise self._broken

    def _more(self) -> None:
        """Have more bytes at hand; what is passed is let go, but for the last byte."""
        gone = max(0, self._at - 1)
        del self._held[:gone]
        self._at -= gone
        try:
            data = self._stream.read1(_CHUNK)
        except BrokenSource as broken:
            self._broken, data = broken, b""
        self._held += data
        self._ended = not data


Record = Iterable[Found | Refused | Skipped]


def read_crawl(
    stream: io.BufferedReader, next_record: re.Pattern[bytes], read_record: Callable[[bytes, Window], Record | None]
) -> Iterator[Found | Refused | Skipped]:
    """
    Yield documents and what is skipped, each with the offset of its record.

    `read_record` is given a line and the stream behind it, and says what is found in the record that begins there; None
    where none does. Then all is passed over up to the next one.
    """
    source = Window(stream)
    while True:
        start = source.offset
        line = source.line()
        if not line:
            return
        if not line.strip(b"\r\n"):
            continue
        items = read_record(line, source)
        if items is None:
            source.pass_to(next_record)
            passed = source.offset - start
            items = [Refused(RejectReason.DAMAGED, f"{passed:,} bytes are no record", passed)]
        for item in items:
            yield item if isinstance(item, Skipped) else replace(item, offset=start)


@dataclass(frozen=True, slots=True)
class Framed:
    """The length of a record, and how the next one begins."""

    length: int
    most: int  # bytes of it that are kept; of more, none
    next_record: re.Pattern[bytes]  # matches the end of a line and the first bytes of a record, which are its group 1
    end: re.Pattern[bytes]  # matches what stands between two records


def read_block(source: Window, framed: Framed) -> bytes | Refused:
    """
    Read a record's bytes, and what stands between it and the next one.

    A length that reaches into the next record, or ends before it, is told and not believed: reading goes on where the
    next record begins.
    """
    start = source.offset
    kept = framed.length <= framed.most
    if not kept and source.pass_to(framed.next_record, framed.length):
        return _wrong_length(framed, source.offset - start)
    rest = framed.length if kept else 0  # still to be taken, at the end of the record
    have = source.look(rest + 4)
    ended = framed.end.match(source.ahead(rest, 4)) if source.offset + have >= start + framed.length else None
    if ended:
        block = source.take(rest)
        source.skip(ended.end())
        too_large = Refused(RejectReason.TOO_LARGE, f"a record of {framed.length:,} bytes", framed.length)
        return block if kept else too_large
    missing = max(0, start + framed.length - source.offset - have)
    if source.pass_to(framed.next_record):
        return _wrong_length(framed, source.offset - start)
    source.check()
    detail = f"{missing:,} bytes of a record are missing" if missing else "the file ends within a record"
    return Refused(RejectReason.TRUNCATED, detail, source.offset - start)


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
            stream = pa.CompressedInputStream(packed, "brotli" if encoding == "br" else "zstd")
            unpacked = stream.read_buffer(most + 1).to_pybytes()  # `read` never frees what it could not fill
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
