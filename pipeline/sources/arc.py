"""
Reader of ARC, the format of crawls before WARC (https://archive.org/web/researcher/ArcFileFormat.php).

A line of address, IP address, date, type and length stands before each record; version 2 has more between.
"""

import io
import re
from collections.abc import Iterator

from pipeline.sources.crawled import Framed, Record, Window, read_block, read_crawl, read_payload, read_response
from pipeline.sources.dated import told_date
from pipeline.sources.found import Found, Refused, Skipped
from pipeline.sources.reading import FileReading, Limits

_HEADER = re.compile(
    rb"(?P<url>[a-z][\w+.-]{1,20}:[^\s]{1,8000}) [\d.:a-fA-F-]{1,45} (?P<date>\d{14}) (?P<type>\S{1,200}) (?:[^\r\n]{1,1000} )?(?P<length>\d{1,18})\r?\n"
)
_NEXT = re.compile(rb"\n([a-z][\w+.-]{1,20}:[^\s]{1,8000} [\d.:a-fA-F-]{1,45} \d{14} \S{1,200} [^\r\n]{0,1000}\d\r?\n)")
_END = re.compile(rb"\r?\n|\Z")
_HTTP_BYTES = 64 * 1024


def read_arc(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Skipped]:
    """Yield documents and what is skipped, each with the offset of its record."""
    return read_crawl(stream, _NEXT, lambda line, source: _record(line, source, limits))


def _record(line: bytes, source: Window, limits: Limits) -> Record | None:
    """What is found in the record that begins with a line; None where none does."""
    header = _HEADER.fullmatch(line)
    return None if header is None else _read_record(source, header, limits)


def _read_record(source: Window, header: re.Match[bytes], limits: Limits) -> Iterator[Found | Refused | Skipped]:
    url = header["url"].decode("utf-8", "replace")
    block = read_block(source, Framed(int(header["length"]), int(limits.record_bytes) + _HTTP_BYTES, _NEXT, _END))
    if isinstance(block, Refused):
        yield block
    elif not url.startswith(("http://", "https://")):
        yield Skipped(f"ARC {url.partition(':')[0]}"[:60])
    elif block.startswith(b"HTTP/"):
        yield from read_response(block, url, told_date(header["date"].decode()), limits)
    else:
        yield from read_payload(
            block, header["type"].decode("utf-8", "replace"), url, told_date(header["date"].decode())
        )
