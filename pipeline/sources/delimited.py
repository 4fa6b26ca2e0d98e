"""
Reader of CSV and TSV: the first row names the columns, every other row is one document.

Fields are cut while their bytes are still undecoded (as surrogates, where they are no UTF-8), so each text's encoding is
found later, by the bytes of that text alone.
"""

import csv
import io
from collections.abc import Iterator

from pipeline.records import RejectReason
from pipeline.sources.columns import MOST_COLUMNS, Roles, find_roles, no_content, read_row
from pipeline.sources.found import Chosen, Found, Refused
from pipeline.sources.lines import Lines
from pipeline.sources.reading import FileReading, Limits

_DELIMITERS = ",;\t|"


def read_delimited(
    stream: io.BufferedReader, reading: FileReading, limits: Limits
) -> Iterator[Found | Refused | Chosen]:
    """Yield the documents; a row whose quotes do not end is refused, and reading goes on with the line after it."""
    most = int(limits.record_bytes)
    csv.field_size_limit(max(csv.field_size_limit(), most))
    lines = _Lines(stream, most)
    header = lines.first()
    if not header.strip():
        yield Refused(RejectReason.EMPTY, "no line that names the columns", offset=0)
        return
    delimiter = max(_DELIMITERS, key=header.count)
    if header.count(delimiter) >= MOST_COLUMNS:
        yield Refused(RejectReason.TOO_LARGE, f"a table of more than {MOST_COLUMNS:,} columns", lines.offset, 0)
        return
    names = next(csv.reader([header], delimiter=delimiter), [])
    roles = find_roles(names, reading)
    if not roles.has_content:
        yield no_content(names)
        return
    yield Chosen(roles.columns)
    while not lines.ended:
        yield from _read_rows(lines, delimiter, names, roles)


def _read_rows(lines: "_Lines", delimiter: str, names: list[str], roles: Roles) -> Iterator[Found | Refused]:
    """Rows up to the end, or up to one that cannot be read."""
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        offset = lines.begin()
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            size = lines.offset - offset
            reason = RejectReason.TOO_LARGE if lines.too_large else RejectReason.DAMAGED
            yield Refused(reason, f"no row in {size:,} bytes: {error}", size, offset)
            return
        if fields:
            yield read_row(dict(zip(names, fields, strict=False)), roles, offset)


class _Lines(Iterator[str]):
    """The lines of a file for the `csv` module, up to the size of one row."""

    def __init__(self, stream: io.BufferedReader, most: int) -> None:
        self._lines = Lines(stream, most)
        self._most = most
        self._row_began = 0
        self.offset = 0
        self.ended = False
        self.too_large = False

    def first(self) -> str:
        """The line that names the columns; empty where the file is."""
        line = next(self._lines, None)
        self.ended = line is None
        self.offset = 0 if line is None else line.size
        return "" if line is None else (line.data or b"").decode("utf-8", "surrogateescape").removeprefix("\ufeff")

    def begin(self) -> int:
        """A row begins; returns its offset."""
        self._row_began = self.offset
        self.too_large = False
        return self.offset

    def __next__(self) -> str:
        """The next line of the row; `csv.Error` where that makes it too large."""
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.offset = line.offset + line.size
        self.too_large = self.too_large or line.data is None or self.offset - self._row_began > self._most
        if self.too_large or line.data is None:
            raise csv.Error(f"longer than {self._most:,} bytes, perhaps since a quote does not end")
        return line.data.decode("utf-8", "surrogateescape")
