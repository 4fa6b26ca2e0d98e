"""
Open raw files safely, and know their bytes' hash and whether they held still, without a second reading.

The file status is the one seen by the open descriptor, so bytes and status belong together even when the file was
replaced after the scan. Bytes are hashed as they pass; what a reader left out is read at the end. A slice of a file was
hashed with all of it when the file was cut; it counts as long as the file's status is what it was then.
"""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.records import RawFile, Slice
from pipeline.sources.discover import with_status
from pipeline.sources.layers import buffered

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A raw file whose bytes could not be had; `changed` when it was replaced or grew while we read it."""

    detail: str
    changed: bool = False
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The status that held from the first byte to the last, and the SHA-256 of the bytes, hex."""

    file: RawFile
    sha256: str


CHANGED = ReadFailure("changed while it was read", changed=True)


class OpenFile:
    """A raw file that is being read."""

    def __init__(self, file: RawFile, descriptor: int, status: os.stat_result) -> None:
        self.file = with_status(file, status)
        self._descriptor = descriptor
        self._bytes = _HashedFile(descriptor) if file.slice is None else _SlicedFile(descriptor, file.slice)
        self.stream = buffered(self._bytes)

    def finish(self) -> Fingerprint | ReadFailure:
        """Read what is left, and say whether the bytes were those of one file that held still."""
        try:
            sha256, count = self._bytes.finish()
            after = os.fstat(self._descriptor)
        except OSError as error:
            return ReadFailure(explain(error))
        if self._bytes.error is not None:
            return ReadFailure(explain(self._bytes.error))
        seen = with_status(self.file, after)
        if seen != self.file or count != seen.span:
            return CHANGED
        return Fingerprint(seen, sha256)


@contextmanager
def opened(file: RawFile) -> Iterator[OpenFile | ReadFailure]:
    """
    Open a raw file, or a slice of it, sure that it is a regular one, and that a slice is one of the file that was cut.

    Running out of descriptors or memory says nothing about the file: that is raised.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        yield CHANGED if gone and file.slice else ReadFailure(explain(error), vanished=gone)
        return
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            yield ReadFailure("no regular file")
        elif file.slice and with_status(file, status) != file:
            yield CHANGED
        else:
            yield OpenFile(file, descriptor, status)
    finally:
        os.close(descriptor)


def fingerprint(file: RawFile) -> Fingerprint | ReadFailure:
    """Read a whole file for its hash."""
    with opened(file) as content:
        return content.finish() if isinstance(content, OpenFile) else content


def explain(error: OSError) -> str:
    """Say why a file cannot be read."""
    if error.errno in _EXHAUSTED:
        raise error
    return (error.strerror or type(error).__name__).lower()


class _HashedFile(io.RawIOBase):
    """A file whose bytes are hashed in their order, however it is read: a gap waits until it is filled."""

    def __init__(self, descriptor: int) -> None:
        self._file = io.FileIO(descriptor, closefd=False)
        self._digest = hashlib.sha256()
        self._hashed = 0  # bytes
        self._position = 0
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        try:
            count = self._file.readinto(buffer) or 0
        except OSError as error:
            self.error = error
            raise
        end = self._position + count
        if self._position <= self._hashed < end:
            self._digest.update(memoryview(buffer).cast("B")[self._hashed - self._position : count])
            self._hashed = end
        self._position = end
        return count

    def finish(self) -> tuple[str, int]:
        """Hash what is left; the digest and how many bytes there are."""
        self.seek(self._hashed)
        buffer = bytearray(_CHUNK)
        while self.readinto(buffer):
            pass
        return self._digest.hexdigest(), self._hashed


class _SlicedFile(io.RawIOBase):
    """The bytes of a slice, as if there were no others."""

    def __init__(self, descriptor: int, part: Slice) -> None:
        self._descriptor = descriptor
        self._slice = part
        self._position = part.begin
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = os.pread(self._descriptor, min(len(view), self._slice.end - self._position), self._position)
        except OSError as error:
            self.error = error
            raise
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def finish(self) -> tuple[str, int]:
        """The digest of the whole file, and how many bytes the slice has, read or not."""
        size = os.fstat(self._descriptor).st_size
        return self._slice.sha256, max(0, min(size, self._slice.end) - self._slice.begin)
