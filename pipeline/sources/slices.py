"""
Cut large raw files into slices, so that many workers clean one file.

Only files whose bytes are read as they are, neither compressed nor in UTF-16 or UTF-32, and whose records can be read from
where they begin, whatever stands before them: JSON Lines, WARC, and texts with a separator. All of the file is read once, by
the very functions that find records for the readers. So slices know the number of their first record, and with the hash of
the whole file also whether the file is the one that was cut. Measured for JSON Lines: 1.2 s of CPU time for each GB in lines of
5 KB, two thirds of it for the hash, where cleaning takes minutes; for WARC 6 s, for texts 8 s. The same bytes are always cut at
the same places.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from pipeline.records import RawFile, Slice
from pipeline.sources.formats import Format
from pipeline.sources.found import Found, Refused
from pipeline.sources.json_lines import record_lines
from pipeline.sources.lines import StreamLine
from pipeline.sources.opened import Fingerprint, ReadFailure, opened
from pipeline.sources.read import Reader, plain_format
from pipeline.sources.reading import FileReading, Limits, Reading
from pipeline.sources.separators import find_separators
from pipeline.sources.text import frame_text
from pipeline.sources.warc import frame_warc

SLICE_BYTES = 64 * 1024 * 1024
"""A slice has no more, but for the rest of its last record. As large as a shard of many files: some 20 s of work."""


class Start(NamedTuple):
    """The byte at which a record begins, and whether a slice may begin there too."""

    offset: int
    may_begin: bool


def slices_of(file: RawFile, reading: Reading) -> list[RawFile]:
    """The file in slices of about the same size; the file itself where it is too small, or cannot be cut or read."""
    count = -(-file.size // SLICE_BYTES)
    found = _format_to_cut(file, reading) if count > 1 else None
    if found is None:
        return [file]
    with opened(file) as content:
        if isinstance(content, ReadFailure):
            return [file]
        starts = _STARTS[found](content.stream, reading.of(file.key), reading.limits)
        try:
            cuts = list(_cuts(starts, file.size // count + 1, reading.limits.records))
        except ConnectionError:
            raise  # a network that fails says nothing about the file
        except OSError:
            return [file]  # what breaks here breaks where it is read, and is told there
        seen = content.finish()
    if not cuts or not isinstance(seen, Fingerprint):
        return [file]
    bounds = [(0, 1), *cuts, (seen.file.size, 0)]
    return [
        replace(seen.file, slice=Slice(begin, end, record, found.value, seen.sha256))
        for (begin, record), (end, _) in pairwise(bounds)
    ]


def count_slices(file: RawFile, reading: Reading) -> int:
    """How many slices a file is cut into, if all goes well; only its first bytes are looked at."""
    count = -(-file.size // SLICE_BYTES)
    return count if count > 1 and _format_to_cut(file, reading) else 1


def _format_to_cut(file: RawFile, reading: Reading) -> Format | None:
    """The format of a file that can be cut."""
    with opened(file) as content:
        found = None if isinstance(content, ReadFailure) else plain_format(content.stream, file.key, reading)
    if found in _ONE_DOCUMENT and not _has_plain_separator(reading.of(file.key)):
        return None
    return found if found in _STARTS else None


def _has_plain_separator(reading: FileReading) -> bool:
    """Whether a separator may part many texts before a line that may fence front matter; see `frame_text`."""
    if reading.separator is None:
        return False
    return not (reading.header_blocks and find_separators(reading.separator, [b"---"])[0])


def _cuts(starts: Iterable[Start], step: int, most: int) -> Iterator[tuple[int, int]]:
    """
    Where slices begin after the first, about so many bytes apart, and the numbers of their first records.

    Not behind the last record that a file may have; and none is without a record.
    """
    due = step
    for number, start in enumerate(starts, start=1):
        if number > most:
            return
        if number > 1 and start.offset >= due and start.may_begin:
            yield start.offset, number
            due = (start.offset // step + 1) * step


def _json_lines(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Start]:
    """Between two lines that look like whole objects."""
    before = StreamLine(0, None, 0)
    for line in record_lines(stream, limits):
        yield Start(line.offset, _is_between_objects(before, line))
        before = line


def _is_between_objects(before: StreamLine, line: StreamLine) -> bool:
    adjoin = before.offset + before.size == line.offset
    ends = before.data is not None and before.data.endswith((b"}\n", b"}\r\n"))
    return adjoin and ends and line.data is not None and line.data.startswith(b"{")


Starts = Callable[[io.BufferedReader, FileReading, Limits], Iterator[Start]]


def _found_by(read: Reader) -> Starts:
    """At documents before which nothing was refused, as a reader finds them."""

    def starts(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Start]:
        is_sound = False
        for item in read(stream, reading, limits):
            if isinstance(item, Found | Refused):
                yield Start(item.offset or 0, is_sound and isinstance(item, Found))
            is_sound = not isinstance(item, Refused)

    return starts


_ONE_DOCUMENT = frozenset({Format.TEXT, Format.MARKDOWN})
"""Formats of one document a file, unless there is a separator."""
_STARTS: Mapping[Format, Starts] = {
    Format.JSON_LINES: _json_lines,
    Format.WARC: _found_by(frame_warc),
    Format.TEXT: _found_by(frame_text),
    Format.MARKDOWN: _found_by(frame_text),
}
"""Formats that can be cut, and what finds their records."""
