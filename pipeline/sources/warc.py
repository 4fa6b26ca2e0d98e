"""
Reader of WARC and of WET, which is WARC with text (ISO 28500, https://iipc.github.io/warc-specifications/).

Responses and texts are documents; requests, metadata and the like are only counted. A record that is cut off or has a
wrong length is refused, and the next one is read.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator

from pipeline.records import MediaType, RejectReason
from pipeline.sources.crawled import (
    HEADER_BYTES,
    Framed,
    Record,
    Window,
    parse_headers,
    read_block,
    read_crawl,
    read_payload,
    read_response,
)
from pipeline.sources.dated import told_date
from pipeline.sources.found import Found, Refused, Skipped
from pipeline.sources.reading import FileReading, Limits

_NEXT = re.compile(rb"\n(WARC/[01]\.\d{1,2}\r?\n[A-Za-z-]{2,40}:)")
_END = re.compile(rb"\r\n\r\n|\n\n")
_VERSION = re.compile(rb"WARC/[01]\.\d{1,2}[ \t]*\r?\n")
_BEGUN = re.compile(rb"W(?:A(?:R(?:C(?:/(?:[01](?:\.(?:\d{1,2}\r?)?)?)?)?)?)?)?")  # and nothing follows
_KIND = re.compile("[a-z][a-z-]{0,40}")  # anything else could be meant for the terminal that shows it
_DOCUMENTS = frozenset({"response", "resource", "conversion"})
_HTTP_BYTES = 64 * 1024  # of headers, beside the page


def read_warc(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Skipped]:
    """Yield documents and what is skipped, each with the offset of its record."""
    return read_crawl(stream, _NEXT, lambda line, source: _record(line, source, limits, _read_document))


def frame_warc(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Skipped]:
    """The same without a look into documents, of which each is found, and empty."""
    return read_crawl(stream, _NEXT, lambda line, source: _record(line, source, limits, _find_document))


_Look = Callable[[bytes, dict[str, str], Limits], Iterable[Found | Refused]]


def _record(line: bytes, source: Window, limits: Limits, look: _Look) -> Record | None:
    """What is found in the record that begins with a line; None where none does."""
    if _VERSION.fullmatch(line):
        header = _read_header(source)
        return [header] if isinstance(header, Refused) else _read_record(source, header, limits, look)
    if _BEGUN.fullmatch(line):
        return [Refused(RejectReason.TRUNCATED, "the file ends where a record begins", len(line))]
    return None


def _read_header(source: Window) -> dict[str, str] | Refused:
    """The named values up to the blank line."""
    lines = bytearray()
    while line := source.line():
        if not line.strip(b"\r\n"):
            return parse_headers(bytes(lines))
        lines += line
        if len(lines) > HEADER_BYTES:
            return Refused(RejectReason.DAMAGED, f"a header of more than {HEADER_BYTES:,} bytes", len(lines))
    return Refused(RejectReason.TRUNCATED, "the file ends within the header of a record", len(lines))


def _read_record(
    source: Window, header: dict[str, str], limits: Limits, look: _Look
) -> Iterator[Found | Refused | Skipped]:
    length = header.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        yield Refused(RejectReason.DAMAGED, f"a record of {length[:40]!r} bytes")
        return
    kind = header.get("warc-type", "").lower()
    wanted = kind in _DOCUMENTS and not header.get("warc-target-uri", "").startswith(("dns:", "metadata:"))
    most = limits.record_bytes + _HTTP_BYTES if wanted else _HTTP_BYTES
    block = read_block(source, Framed(int(length), int(most), _NEXT, _END))
    if not wanted:
        if isinstance(block, Refused) and block.reason is not RejectReason.TOO_LARGE:
            yield block
        else:
            yield Skipped(f"WARC {kind if _KIND.fullmatch(kind) else 'record of no known type'}")
    elif isinstance(block, Refused):
        yield block
    else:
        yield from look(block, header, limits)


def _find_document(_block: bytes, _header: dict[str, str], _limits: Limits) -> list[Found]:
    return [Found(b"", MediaType.TEXT)]


def _read_document(block: bytes, header: dict[str, str], limits: Limits) -> Iterator[Found | Refused]:
    url = header.get("warc-target-uri", "").strip("<>") or None
    fetched_at = told_date(header.get("warc-date"))
    content_type = header.get("content-type", "")
    if content_type.startswith("application/http"):
        yield from read_response(block, url, fetched_at, limits)
    elif len(block) > limits.record_bytes:
        yield Refused(RejectReason.TOO_LARGE, f"a text of {len(block):,} bytes", len(block))
    else:
        yield from read_payload(block, content_type, url, fetched_at)
