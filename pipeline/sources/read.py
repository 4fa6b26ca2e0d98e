"""
From an open raw file to its records: what it is, through which layers it is read, and what became of each document.

    bytes -> layers (gz, bz2, xz, zst, lz4) -> archive (zip, tar) -> layers -> archive -> layers -> one reader

Every document that is met ends as a record or as a rejection, numbered in the order of the file; so the same bytes, name
and settings always give the same sources. Nothing a file holds raises here: what breaks is rejected, with what was read
before it kept.
"""

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipeline.hosts import site_of
from pipeline.records import RawRecord, Rejection, RejectReason, Slice
from pipeline.sources.arc import read_arc
from pipeline.sources.archives import Member, Members, shown, tar_members, zip_members
from pipeline.sources.delimited import read_delimited
from pipeline.sources.feed import read_feed
from pipeline.sources.formats import Compression, Format, recognise, unpacked_name
from pipeline.sources.found import BrokenSource, Chosen, Found, Item, Recognised, Refused, Skipped
from pipeline.sources.html import read_html
from pipeline.sources.json_lines import read_json_lines
from pipeline.sources.json_value import read_json
from pipeline.sources.layers import Allowance, buffered, expand, head_of, member_stream, read_whole
from pipeline.sources.mail import read_mail, read_saved_page
from pipeline.sources.opened import OpenFile
from pipeline.sources.parquet import read_parquet
from pipeline.sources.reading import FileReading, Limits, Reading
from pipeline.sources.text import read_text
from pipeline.sources.warc import read_warc

Reader = Callable[[io.BufferedReader, FileReading, Limits], Iterator[Item]]
Outcome = RawRecord | Rejection | Skipped | Recognised | Chosen

READERS: Mapping[Format, Reader] = {
    Format.TEXT: read_text,
    Format.MARKDOWN: read_text,
    Format.HTML: read_html,
    Format.MHTML: read_saved_page,
    Format.MAIL: read_mail,
    Format.JSON_LINES: read_json_lines,
    Format.JSON: read_json,
    Format.CSV: read_delimited,
    Format.TSV: read_delimited,
    Format.PARQUET: read_parquet,
    Format.WARC: read_warc,
    Format.ARC: read_arc,
    Format.FEED: read_feed,
}

_ARCHIVES = frozenset({Format.ZIP, Format.TAR})
_FROM_THEIR_END = frozenset({Format.ZIP, Format.PARQUET})
_RECODED = frozenset({Format.JSON_LINES, Format.JSON, Format.CSV, Format.TSV})
_WIDE_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MOST_LAYERS = 2  # of compression on each other; a file that unpacks to itself never ends
_MOST_ARCHIVES = 2  # within each other


def read_records(file: OpenFile, reading: Reading) -> Iterator[Outcome]:
    """Yield the records and rejections of a raw file, and what else there is to say of it, in its order."""
    yield from read_stream(file.stream, file.file.key, file.file.size, reading, file.file.slice)


def read_stream(
    stream: io.BufferedReader, key: str, size: int, reading: Reading, part: Slice | None = None
) -> Iterator[Outcome]:
    """
    The same for any stream that can be sought in, of so many bytes, as a file of this key.

    The stream of a slice need not be sought in; its records have the numbers and offsets that they have in the file.
    """
    allowance = Allowance(size, reading.limits)
    settings = reading.of(key)
    site = site_of(key) if settings.site is None else settings.site or None
    whole = _Source(stream, key, settings, reading.limits, allowance, site, seekable=True)
    number = 0
    if part is not None:
        whole, number = replace(whole, format=Format(part.format), begin=part.begin), part.record - 1
    for item, source in _guarded(whole):
        if not isinstance(item, Found | Refused):
            yield item
            continue
        number += 1
        if number > reading.limits.records:
            detail = f"the rest of a file of more than {reading.limits.records:,} records"
            yield Rejection(f"{key}#{number}", "", RejectReason.TOO_MANY_RECORDS, detail, size)
            return
        yield _outcome(item, f"{key}#{number}", source)


def plain_format(stream: io.BufferedReader, key: str, reading: Reading) -> Format | None:
    """The format that a file is read as, where its bytes are read as they are, neither unpacked nor recoded."""
    head = head_of(stream)
    try:
        kind = recognise(head, key)
    except BrokenSource:
        return None
    recoded = any(head.startswith(mark) for mark, _ in _WIDE_MARKS)
    return None if recoded or isinstance(kind, Compression) else reading.of(key).format or kind


@dataclass(frozen=True, slots=True)
class _Source:
    """A stream to be read, and what is known of it."""

    stream: io.BufferedReader
    name: str
    reading: FileReading
    limits: Limits
    allowance: Allowance
    site: str | None  # host named by a folder on its path
    seekable: bool
    member: str | None = None
    archives: int = 0  # around it
    format: Format | None = None  # where it is known, of a slice; otherwise it shows in the first bytes
    begin: int = 0  # byte of the file at which the stream begins


def _outcome(item: Found | Refused, name: str, source: _Source) -> RawRecord | Rejection:
    """A record, or its rejection, under its name."""
    offset = None if item.offset is None else source.begin + item.offset
    if isinstance(item, Refused):
        detail = item.detail if source.member is None else f"{shown(source.member)}: {item.detail}"
        return Rejection(name, "", item.reason, detail, item.size, offset=offset)
    known = item.known
    return RawRecord(
        source=name,
        data=item.data,
        media_type=item.media_type,
        site=known.site or source.site,
        url=known.url,
        declared_encoding=item.declared_encoding,
        known=replace(known, url=None, site=None) if known.url or known.site else known,
        fetched_at=item.fetched_at,
        extra=item.extra,
        offset=offset,
    )


def _guarded(source: _Source) -> Iterator[tuple[Item, _Source]]:
    """What is found in a stream, with the member it stands in; what breaks ends this stream and no other."""
    known = source.allowance.broken
    told = False
    try:
        for item, where in _read(source):
            told = told or isinstance(item, Refused)
            yield item, where
    except BrokenSource as error:
        yield error.refused(), source
        return
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - what libraries raise on hostile bytes; it must not take the shard along
        if source.allowance.broken is None:
            detail = f"cannot be read on: {type(error).__name__}: {' '.join(str(error).split())}"[:300]
            yield Refused(RejectReason.DAMAGED, detail), source
            return
    # A library that takes an error for the end of the file has given less than there was.
    broken = source.allowance.broken
    if broken is not None and broken is not known and not told:
        yield broken.refused(), source


def _read(source: _Source) -> Iterator[tuple[Item, _Source]]:
    stream, name = source.stream, source.name
    layers: list[str] = []
    kind = source.format or recognise(head_of(stream), name)
    while isinstance(kind, Compression):
        if len(layers) == _MOST_LAYERS:
            raise BrokenSource(RejectReason.UNSUPPORTED, f"compressed more than {_MOST_LAYERS} times")
        layers.append(str(kind))
        stream, name = expand(stream, kind, source.allowance), unpacked_name(name)
        kind = recognise(head_of(stream), name)
    found = source.format or source.reading.format or kind
    yield Recognised(str(found), tuple(layers), source.member), source
    if found in _FROM_THEIR_END and (layers or not source.seekable):
        stream = _in_memory(stream, source.limits)
    if found in _ARCHIVES:
        yield from _read_archive(replace(source, stream=stream, name=name), found)
        return
    if found in _RECODED:
        stream = _in_utf8(stream, source.allowance)
    for item in READERS[found](stream, source.reading, source.limits):
        if isinstance(item, Found):
            source.allowance.find(len(item.data))
        yield item, source


def _read_archive(source: _Source, kind: Format) -> Iterator[tuple[Item, _Source]]:
    if source.archives == _MOST_ARCHIVES:
        raise BrokenSource(RejectReason.UNSUPPORTED, f"more than {_MOST_ARCHIVES} archives within each other")
    members: Members = (zip_members if kind is Format.ZIP else tar_members)(source.stream, source.allowance)
    empty = True
    for member in members:
        empty = False
        if not isinstance(member, Member):
            yield member, source
            continue
        path = member.name if source.member is None else f"{source.member}/{member.name}"
        site = source.site if source.reading.site is not None else source.site or site_of(member.name)
        inner = replace(
            source,
            stream=member.stream,
            name=member.name,
            site=site,
            seekable=False,
            member=path,
            archives=source.archives + 1,
        )
        yield from _guarded(inner)
        broken = source.allowance.broken
        if broken is not None and broken.reason is RejectReason.EXPANDS_TOO_MUCH:
            return
    if empty:
        yield Refused(RejectReason.EMPTY, "an archive without files", offset=0), source


def _in_memory(stream: io.BufferedReader, limits: Limits) -> io.BufferedReader:
    """What is read from its end, and stands within something that is read from its beginning."""
    data = read_whole(stream, limits.nested_bytes)
    if data is None:
        detail = f"more than {limits.nested_bytes:,} bytes that are read from their end, within something compressed"
        raise BrokenSource(RejectReason.TOO_LARGE, detail)
    return buffered(io.BytesIO(data))  # type: ignore[arg-type]  # it has all that is asked of a raw stream


def _in_utf8(stream: io.BufferedReader, allowance: Allowance) -> io.BufferedReader:
    """Tables in UTF-16, as spreadsheets write them, in UTF-8: their commas and line ends are no single bytes."""
    head = stream.peek(4)[:4]
    encoding = next((encoding for mark, encoding in _WIDE_MARKS if head.startswith(mark)), None)
    if encoding is None:
        return stream
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(count: int) -> bytes:
        while data := stream.read(max(4, count // 2)):
            if text := decoder.decode(data):
                return text.encode("utf-8", "replace")
        return decoder.decode(b"", final=True).encode("utf-8", "replace")

    return member_stream(read, allowance, f"{encoding} text")
