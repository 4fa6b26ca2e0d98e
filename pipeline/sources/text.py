"""
Reader of flat text and Markdown: one file is one document, or many with a separator between them.

What stands in a header block or in front matter (`headers.py`) is read as metadata, and the text begins below it.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

from pipeline.records import MediaType, RejectReason
from pipeline.sources.found import Found, Refused
from pipeline.sources.headers import NONE, read_header_block
from pipeline.sources.layers import read_whole
from pipeline.sources.lines import Lines, StreamLine
from pipeline.sources.reading import FileReading, Limits
from pipeline.sources.separators import find_separators

_LINES_AT_ONCE = 1_000


def read_text(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """Yield the text, an empty one too, so that it is counted; with a separator, each text that is not blank."""
    if reading.separator is not None:
        yield from _read_parts(_marked(stream, reading, limits), reading, limits)
        return
    data = read_whole(stream, limits.record_bytes)
    if data is None:
        yield Refused(RejectReason.TOO_LARGE, f"a text of more than {limits.record_bytes:,} bytes", offset=0)
    else:
        yield _document(data, 0, reading)


def frame_text(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """
    Yield the texts between separators without a look at what heads them.

    Up to a line that may fence front matter, and so part nothing: to tell takes long.
    """
    marked = _marked(stream, reading, limits)
    told = takewhile(lambda pair: not (pair[1] and _is_fence(pair[0])), marked) if reading.header_blocks else marked
    return _read_parts(told, reading.model_copy(update={"header_blocks": False}), limits)


def _document(data: bytes, offset: int, reading: FileReading) -> Found:
    block = read_header_block(data) if reading.header_blocks else NONE
    return Found(data[block.length :], MediaType.TEXT, block.known, offset=offset)


def _read_parts(
    marked: Iterable[tuple[StreamLine, bool]], reading: FileReading, limits: Limits
) -> Iterator[Found | Refused]:
    """The texts between separators; one that is too large is refused, and the next one is read."""
    part: list[bytes] = []
    size = offset = found = 0
    for line, is_separator in marked:
        if is_separator and _is_front_matter(part, line, reading):
            part = [b"---\n", *part, b"---\n"]  # of the text below
            continue
        if is_separator:
            for item in _part(part, size, offset, reading, limits):
                yield item
                found += 1
            part, size, offset = [], 0, line.offset + line.size
            continue
        size += line.size
        if line.data is not None and size <= limits.record_bytes:
            part.append(line.data)
        else:
            part.clear()
    last = list(_part(part, size, offset, reading, limits))
    yield from last or ([] if found else [Found(b"", MediaType.TEXT, offset=0)])


def _part(
    lines: list[bytes], size: int, offset: int, reading: FileReading, limits: Limits
) -> Iterator[Found | Refused]:
    if size > limits.record_bytes:
        yield Refused(RejectReason.TOO_LARGE, f"a text of {size:,} bytes", size, offset)
    elif any(line.strip() for line in lines):
        yield _document(b"".join(lines), offset, reading)


def _is_front_matter(part: list[bytes], line: StreamLine, reading: FileReading) -> bool:
    """Whether what stands between two lines of dashes is the front matter of the next text, and no text."""
    if not reading.header_blocks or not _is_fence(line) or not any(map(bytes.strip, part)):
        return False
    return part[0].strip() != b"---" and read_header_block(b"".join([b"---\n", *part, b"---\n"])).length > 0


def _is_fence(line: StreamLine) -> bool:
    return line.data is not None and line.data.strip() == b"---"


def _marked(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[tuple[StreamLine, bool]]:
    """Lines with whether they separate; many are asked about at once, but never more than fit in the memory."""
    rest, separator = Lines(stream, limits.record_bytes), reading.separator or ""
    while first := list(islice(rest, 1)):
        some = first + (list(islice(rest, _LINES_AT_ONCE - 1)) if first[0].size < 10_000 else [])
        yield from zip(some, find_separators(separator, [line.data or b"" for line in some]), strict=True)
