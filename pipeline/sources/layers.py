"""
Streams over streams: what comes out of compressed files and archive members, within an allowance.

Nothing is unpacked to the disk, and no more is held in memory than a buffer. What a stream cannot give is told by
`BrokenSource`, and remembered: some libraries take an error while reading for the end of the file, and a page that was
cut off must not pass for a whole one.
"""

import io
import lzma
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
_XZ_MEMORY = 256 * 1024 * 1024  # xz -9 needs 65 MB to unpack; the format allows 4 GB


class Allowance:
    """What may still come out of one raw file, and what broke while it was read."""

    def __init__(self, file_bytes: int, limits: Limits) -> None:
        self.most = max(int(limits.free_expansion), file_bytes * limits.expansion)
        self.file_bytes = file_bytes
        self.given = 0
        self.broken: BrokenSource | None = None

    def give(self, count: int) -> None:
        """Take note of bytes that came out."""
        self.given += count
        if self.given > self.most:
            detail = f"more than {self.most:,} bytes came out of the {self.file_bytes:,} of the file"
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
        except Exception as error:  # noqa: BLE001 - what decompressors raise on hostile bytes is not written down
            self._broken = self._allowance.breaks(*_explain(error, self._name))
        else:
            return data
        return b""


def expand(stream: io.BufferedReader, compression: Compression, allowance: Allowance) -> io.BufferedReader:
    """The stream that a compressed one holds; members and frames that follow each other are one stream."""
    read = _Xz(stream).read if compression is Compression.XZ else _arrow_reader(stream, compression)
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


class _Xz:
    """Reads .xz: the standard library's file object has no limit of memory, and a header may ask for 4 GB."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._decompressor = self._new()
        self._fresh = True  # nothing was read of the current stream

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read(self, count: int) -> bytes:
        while True:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data
                self._decompressor, self._fresh = self._new(), True
                data = rest or self._stream.read1(_CHUNK)
                data = data.lstrip(b"\0") if self._fresh else data  # padding between streams, in groups of four
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


def _arrow_reader(stream: io.BufferedReader, compression: Compression) -> Callable[[int], bytes]:
    """Arrow's decompressors notice where data is cut off, which those of other libraries do not."""
    source = pa.PythonFile(_Plain(stream), "r")  # type: ignore[arg-type]  # it has what is asked of it
    read: Callable[[int], bytes] = pa.CompressedInputStream(source, str(compression)).read  # type: ignore[arg-type]  # names
    return read


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
    cut = isinstance(error, EOFError) or "truncated" in text.lower()
    return (
        (RejectReason.TRUNCATED, f"{name} ends before its end")
        if cut
        else (RejectReason.DAMAGED, f"{name} cannot be read on: {text}")
    )
