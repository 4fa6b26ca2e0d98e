"""
Open raw files safely, and know their bytes' hash and whether they held still, without a second reading.

The file status is the one seen by the open descriptor, so bytes and status belong together even when the file was
replaced after the scan. Bytes are hashed as they pass; what a reader left out is read at the end.
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

from pipeline.records import RawFile
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


class OpenFile:
    """A raw file that is being read."""

    def __init__(self, file: RawFile, descriptor: int, status: os.stat_result) -> None:
        self.file = with_status(file, status)
        self._descriptor = descriptor
        self._hashed = _HashedFile(descriptor)
        self.stream = buffered(self._hashed)

    def finish(self) -> Fingerprint | ReadFailure:
        """Read what is left, and say whether the bytes were those of one file that held still."""
        try:
            sha256, count = self._hashed.finish()
            after = os.fstat(self._descriptor)
        except OSError as error:
            return ReadFailure(explain(error))
        if self._hashed.error is not None:
            return ReadFailure(explain(self._hashed.error))
        seen = with_status(self.file, after)
        if seen != self.file or count != seen.size:
            return ReadFailure("changed while it was read", changed=True)
        return Fingerprint(seen, sha256)


@contextmanager
def opened(file: RawFile) -> Iterator[OpenFile | ReadFailure]:
    """
    Open a raw file, sure that it is a regular one.

    Running out of descriptors or memory says nothing about the file: that is raised.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        yield ReadFailure(explain(error), vanished=isinstance(error, FileNotFoundError))
        return
    try:
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode)
        yield OpenFile(file, descriptor, status) if regular else ReadFailure("no regular file")
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
