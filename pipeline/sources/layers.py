"""
Streams over streams: what comes out of compressed files and archive members, within an allowance.

Nothing is unpacked to the disk, and no more is held in memory than a buffer. What a stream cannot give is told by
`BrokenSource`, and remembered: some libraries take an error while reading for the end of the file, and a page that was
cut off must not pass for a whole one.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from pipeline.records import RejectReason
from pipeline.sources.formats import Compression
from pipeline.sources.found import BrokenSource
from pipeline.sources.reading import Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 256 * 1024
HEAD_BYTES = 16 * 1024
"""So much of a stream is looked at to tell what it is."""
_CHUNK = 64 * 1024
_LITTLE = 4 * 1024
_XZ_MEMORY = 256 * 1024 * 1024  # xz -9 needs 65 MB to unpack; the format allows 4 GB


class Allowance:
    """What may still come out of one raw file, and what broke while it was read."""

    def __init__(self, file_bytes: int, limits: Limits) -> None:
        self.most = max(int(limits.free_expansion), file_bytes * limits.expansion)
        self.file_bytes = file_bytes
        self.given = 0
        self.documents = 0  # bytes of those that were found
        self.broken: BrokenSource | None = None

    def give(self, count: int) -> None:
        """Take note of bytes that came out."""
        self.given += count
        if self.given > self.most:
            detail = f"more than {self.most:,} bytes came out of the {self.file_bytes:,} of the file"
            raise self.breaks(RejectReason.EXPANDS_TOO_MUCH, detail)

    def find(self, count: int) -> None:
        """
        Take note of a document of so many bytes.

        Some formats pack by themselves: a Parquet file names one text a million times, a page in a crawl is compressed.
        """
        self.documents += count
        if self.documents > self.most:
            detail = f"documents of more than {self.most:,} bytes came out of the {self.file_bytes:,} of the file"
            raise self.breaks(RejectReason.EXPANDS_TOO_MUCH, detail)

    def breaks(self, reason: RejectReason, detail: str) -> BrokenSource:
        """Remember that nothing more can be read, and why."""
        self.broken = self.broken or BrokenSource(reason, detail)
        return self.broken


class Layer(io.RawIOBase):
    """A stream that hands on what `read` returns, counts it, and fills whole buffers."""

    def __init__(self, read: Callable[[int], bytes], allowance: Allowance, name: str) -> None:
        self._read = read
        self._allowance = allowance
        self._name = name
        self._broken: BrokenSource | None = None
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        """How many bytes came out so far."""
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer; less only at the end, so that the first look at a stream sees all of its head."""
        if self._broken is not None:
            raise self._broken
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            data = self._next(min(len(view) - filled, _CHUNK))
            if not data:
                break
            view[filled : filled + len(data)] = data
            filled += len(data)
        if not filled and self._broken is not None:
            raise self._broken
        self._position += filled
        return filled

    def _next(self, count: int) -> bytes:
        """The next bytes, or none at the end and where the stream breaks: first what came before is handed on."""
        try:
            data = self._read(count)
            self._allowance.give(len(data))
        except BrokenSource as broken:
            self._broken = broken
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - what decompressors raise on hostile bytes is not written down
            self._broken = self._allowance.breaks(*_explain(error, self._name))
        else:
            return data
        return b""


def expand(stream: io.BufferedReader, compression: Compression, allowance: Allowance) -> io.BufferedReader:
    """The stream that a compressed one holds; members and frames that follow each other are one stream."""
    new = _STANDARD.get(compression)
    read = _Members(stream, new).read if new else _arrow_reader(stream, compression)
    return buffered(Layer(read, allowance, f"{compression} data"))


def member_stream(read: Callable[[int], bytes], allowance: Allowance, name: str) -> io.BufferedReader:
    """The stream of an archive's member."""
    return buffered(Layer(read, allowance, name))


def buffered(raw: io.RawIOBase) -> io.BufferedReader:
    """With the buffer that `peek` looks into."""
    return io.BufferedReader(raw, BUFFER_BYTES)


def head_of(stream: io.BufferedReader) -> bytes:
    """The first bytes of a stream that nothing was read of yet; they are still to be read."""
    return stream.peek(HEAD_BYTES)[:HEAD_BYTES]


def read_whole(stream: io.BufferedReader, most: int) -> bytes | None:
    """All that is left of a stream; None if that is more than so many bytes."""
    data = stream.read(most + 1)
    return None if len(data) > most else data


class _Decompressor(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Inflater:
    """The one for gzip, which alone keeps what it has not unpacked yet to be given again."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


class _Members:
    """Reads compressed data of one or many members; what came out before a cut is given out before it is told."""

    def __init__(self, stream: io.BufferedReader, new: Callable[[], _Decompressor]) -> None:
        self._stream = stream
        self._new = new
        self._decompressor = new()
        self._fresh = True  # nothing was read of the current member

    def read(self, count: int) -> bytes:
        """Up to so many bytes; none at the end, and `EOFError` where that is in the middle of a member."""
        while True:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data
                self._decompressor, self._fresh = self._new(), True
                data = (rest or self._stream.read1(_CHUNK)).lstrip(b"\0")  # padding between members
                if not data and rest:
                    data = self._stream.read1(_CHUNK).lstrip(b"\0")
            else:
                data = self._stream.read1(_CHUNK) if self._decompressor.needs_input else b""
            if not data and self._decompressor.needs_input:
                if self._fresh:
                    return b""
                raise EOFError("cut off")
            self._fresh = False
            found = self._decompressor.decompress(data, count)
            if found:
                return found


_STANDARD: Mapping[Compression, Callable[[], _Decompressor]] = {
    Compression.GZIP: _Inflater,
    Compression.BZ2: bz2.BZ2Decompressor,
    Compression.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}


def _arrow_reader(stream: io.BufferedReader, compression: Compression) -> Callable[[int], bytes]:
    """
    For what the standard library does not know. Arrow notices where data is cut off, which others do not.

    It keeps back what it was asked for together with the fault, so it is asked for little at a time; and for buffers, as
    `read` never frees the bytes that it could not fill.
    """
    source = pa.PythonFile(_Plain(stream), "r")  # type: ignore[arg-type]  # it has what is asked of it
    unpacked = pa.CompressedInputStream(source, str(compression))  # type: ignore[arg-type]  # these are its names
    return lambda count: unpacked.read_buffer(min(count, _LITTLE)).to_pybytes()


class _Plain:
    """Only what Arrow needs to read: it takes anything else for leave to seek."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, count: int = -1) -> bytes:
        data: bytes = self._stream.read(count)
        return data

    def close(self) -> None:
        """Leave the stream open: it is not ours."""


def _explain(error: Exception, name: str) -> tuple[RejectReason, str]:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    cut = isinstance(error, EOFError) or "truncated" in text.lower() or "unexpected end" in text
    return (
        (RejectReason.TRUNCATED, f"{name} ends before its end")
        if cut
        else (RejectReason.DAMAGED, f"{name} cannot be read on: {text}")
    )
