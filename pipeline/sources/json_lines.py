"""Reader of JSON Lines: one object a line is one document."""

import io
import json
from collections.abc import Iterator
from typing import Any

from pipeline.records import RejectReason
from pipeline.sources.columns import RolesByKeys, no_content, read_row
from pipeline.sources.found import Chosen, Found, Refused
from pipeline.sources.lines import Lines, StreamLine
from pipeline.sources.reading import FileReading, Limits

_BLANK = b" \t\r\n\v\f\0\x1e\xef\xbb\xbf"


def read_json_lines(
    stream: io.BufferedReader, reading: FileReading, limits: Limits
) -> Iterator[Found | Refused | Chosen]:
    """
    Yield the documents; a line that is no object, or has no text, is refused by itself.

    Lines end at a line feed alone: other separators are part of strings. Bytes that are no UTF-8 are kept as they are,
    and the encoding is found later, for each text by itself.
    """
    roles_of = RolesByKeys(reading)
    told = False
    for line in record_lines(stream, limits):
        if line.data is None:
            yield Refused(RejectReason.TOO_LARGE, f"a line of {line.size:,} bytes", line.size, line.offset)
            continue
        row = _parse(line)
        if isinstance(row, Refused):
            yield row
            continue
        roles = roles_of(row)
        if not roles.has_content:
            yield _at(no_content(list(row)), line)
            continue
        if not told:
            yield Chosen(roles.columns)
            told = True
        yield read_row(row, roles, line.offset)


def record_lines(stream: io.BufferedReader, limits: Limits) -> Iterator[StreamLine]:
    """The lines that stand for a record each, those that are too long among them; blank ones stand for none."""
    lines = Lines(stream, limits.record_bytes)
    for line in lines:
        if line.data is None or line.data.strip(_BLANK):
            yield line
        else:
            lines.skip_blank()


def _parse(line: StreamLine) -> dict[str, Any] | Refused:
    text = (line.data or b"").decode("utf-8", "surrogateescape").removeprefix("\ufeff").lstrip("\x1e")  # RFC 7464
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _at(Refused(RejectReason.DAMAGED, f"no JSON: {why}"[:300]), line)
    if not isinstance(row, dict):
        return _at(Refused(RejectReason.DAMAGED, "the line is JSON, but no object"), line)
    return row


def _at(refused: Refused, line: StreamLine) -> Refused:
    return Refused(refused.reason, refused.detail, line.size, line.offset)
