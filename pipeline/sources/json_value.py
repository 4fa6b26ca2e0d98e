"""
Reader of JSON files: an array of objects, an object that holds one, or a single object.

Parsed as it streams, so an array may be larger than the memory. Of an object the array is taken that has one of the usual
names ("articles", "items"); an object without is one document.
"""

import codecs
import io
from collections.abc import Iterator
from typing import Any

import ijson

from pipeline.records import RejectReason
from pipeline.sources.columns import RolesByKeys, no_content, read_row
from pipeline.sources.found import BrokenSource, Chosen, Found, Refused
from pipeline.sources.reading import FileReading, Limits

LISTS = (
    "articles", "items", "entries", "posts", "stories", "documents", "docs", "pages", "news", "records", "rows", "results", "data",
    "hits", "response",
)  # fmt: skip
"""Keys of the arrays of documents in an object: JSON Feed, news APIs, exports."""

Events = Iterator[tuple[str, Any]]

_CHUNK = 64 * 1024  # bytes the parser takes at a time
_MOST_DEPTH = 200
"""Levels of arrays and objects within each other; articles have a handful."""


def read_json(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Chosen]:
    """Yield the documents; where the JSON breaks, what came before it stays, and the rest is refused as one."""
    roles_of = RolesByKeys(reading)
    told = False
    source = _Metered(stream, limits.record_bytes)
    try:
        for row in _rows(source):
            if not isinstance(row, dict):
                yield Refused(RejectReason.DAMAGED, "an element of the array is no object")
                continue
            roles = roles_of(row)
            if not roles.has_content:
                yield no_content(list(row))
                continue
            if not told:
                yield Chosen(roles.columns)
                told = True
            yield read_row(row, roles)
    except (ijson.JSONError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        reason = RejectReason.TRUNCATED if "premature EOF" in why else RejectReason.DAMAGED
        yield Refused(reason, f"no JSON: {why}", offset=source.position)


class _Metered:
    """What the parser reads; it is stopped where one document takes more bytes than allowed."""

    def __init__(self, stream: io.BufferedReader, most: int) -> None:
        self._stream = stream
        self._most = most
        self._began = 0
        self.position = 0
        if stream.peek(3)[:3] == codecs.BOM_UTF8:
            self.position = len(stream.read(3))

    def begin(self) -> None:
        """A document begins; where exactly nobody knows, as the parser reads ahead."""
        self._began = self.position

    def read(self, count: int = -1) -> bytes:
        if count and self.position - self._began > self._most:
            raise BrokenSource(RejectReason.TOO_LARGE, f"a document of more than {self._most:,} bytes", self._began)
        data = self._stream.read(count)
        self.position += len(data)
        return data


def _rows(source: _Metered) -> Iterator[Any]:
    """The elements of the array of documents, or the one document."""
    events = _events(source)
    first, value = next(events)
    if first == "start_array":
        yield from _elements(events, source)
    elif first == "start_map":
        yield from _object(events, source)
    else:
        yield value
    for _ in events:  # what follows is a fault, which the parser tells
        pass


def _events(source: _Metered) -> Events:
    """What the parser meets; also what it met just before a fault, which its own iterator keeps back."""
    met = ijson.sendable_list()
    parser = ijson.basic_parse_coro(met, use_float=True)
    data = b"-"
    while data:
        data = source.read(_CHUNK)
        try:
            parser.send(data) if data else parser.close()
        except ijson.JSONError:
            yield from met
            raise
        yield from met
        met.clear()


def _object(events: Events, source: _Metered) -> Iterator[Any]:
    """What an object holds in an array of a usual name; without one, the object itself."""
    row: dict[str, Any] = {}
    listed = False
    for event, name in events:
        if event == "end_map":
            break
        start, value = next(events)
        if start == "start_array" and name in LISTS and not isinstance(row.get("text"), str):
            some = _elements(events, source)
            first: Any = next(some, {})
            if isinstance(first, dict):
                listed = True
                yield from [first] if first else []
                yield from some
            else:
                row[name] = [first, *some]
            continue
        row[name] = _value(start, value, events)
    if not listed:
        yield row


def _elements(events: Events, source: _Metered) -> Iterator[Any]:
    """The elements of an array whose start was read."""
    for event, value in events:
        if event == "end_array":
            return
        source.begin()
        yield _value(event, value, events)


def _value(event: str, value: Any, events: Events, depth: int = 0) -> Any:
    """A whole value whose first event was read."""
    if depth > _MOST_DEPTH:
        raise ValueError(f"more than {_MOST_DEPTH} levels within each other")
    if event == "start_map":
        row: dict[str, Any] = {}
        for inner, name in events:
            if inner == "end_map":
                break
            row[name] = _value(*next(events), events, depth + 1)
        return row
    if event == "start_array":
        return [_value(inner, item, events, depth + 1) for inner, item in _until_end(events)]
    return value


def _until_end(events: Events) -> Events:
    """The first event of each element of an array; the rest of an element is read by who takes it."""
    for event, value in events:
        if event == "end_array":
            return
        yield event, value
