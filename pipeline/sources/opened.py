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
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING

from pipeline.addresses import STREAM_BYTES, StoredObject, close_quietly, look_at, open_stream, read_range
from pipeline.records import RawFile, Slice
from pipeline.sources.discover import look_again, seen_as, with_status
from pipeline.sources.layers import buffered

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_CHUNK = 1024 * 1024
AHEAD = 8
AHEAD_BYTES = 64 * 1024 * 1024
"""So many objects, and bytes of them, are copied before their turn. Each takes three requests, and so some 0.1 s."""


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


_Copied = tuple["OpenFile | ReadFailure", ExitStack]

CHANGED = ReadFailure("changed while it was read", changed=True)


class OpenFile:
    """A raw file that is being read."""

    def __init__(self, file: RawFile, content: "_HashedFile | _SlicedFile", look: Callable[[], RawFile | None]) -> None:
        self.file = file
        self._bytes = content
        self._look = look
        self.stream = buffered(content)

    def finish(self) -> Fingerprint | ReadFailure:
        """Read what is left, and say whether the bytes were those of one file that held still."""
        try:
            sha256, count = self._bytes.finish()
        except OSError as error:
            self._bytes.error = error
            count = 0
        seen = self._look()
        if seen != self.file:
            return CHANGED
        if self._bytes.error is not None:
            return ReadFailure(explain(self._bytes.error))
        return Fingerprint(self.file, sha256) if count == self.file.span else CHANGED


@contextmanager
def opened(file: RawFile) -> Iterator[OpenFile | ReadFailure]:
    """
    Open a raw file, or a slice of it, sure that it is a regular one, and that a slice is one of the file that was cut.

    An object is read as it comes. Running out of descriptors or memory says nothing about the file: that is raised.
    """
    with ExitStack() as stack:
        try:
            found = _stream(file, file.path, stack) if isinstance(file.path, StoredObject) else _file(file, stack)
        except FileNotFoundError as error:
            found = CHANGED if file.slice else ReadFailure(explain(error), vanished=True)
        except OSError as error:
            found = ReadFailure(explain(error))
        yield found


def opened_in_turn(files: Sequence[RawFile]) -> Generator[OpenFile | ReadFailure, None, None]:
    """
    Open files one after the other, each until the next one is asked for.

    Objects are copied before their turn, by threads, to temporary files that have no name: so no reader waits for a network,
    and small objects do not wait for each other. A network or a disk that fails says nothing about the object: that is raised.
    """
    rest, ahead = deque(files), deque[tuple[RawFile, Future[_Copied]]]()
    pool = ThreadPoolExecutor(AHEAD)
    try:
        while rest or ahead:
            while rest and isinstance(rest[0].path, StoredObject) and _has_room(ahead, rest[0]):
                ahead.append((rest[0], pool.submit(_copied, rest[0], rest[0].path)))
                rest.popleft()
            if ahead:
                found, stack = ahead.popleft()[1].result()
                with stack:
                    yield found
            else:
                with opened(rest.popleft()) as found:
                    yield found
    finally:
        pool.shutdown(cancel_futures=True)
        for _, future in ahead:
            if not future.cancelled() and future.exception() is None:
                future.result()[1].close()


def _has_room(ahead: Sequence[tuple[RawFile, object]], file: RawFile) -> bool:
    return not ahead or (len(ahead) < AHEAD and sum(other.span for other, _ in ahead) + file.span <= AHEAD_BYTES)


def _file(file: RawFile, stack: ExitStack) -> OpenFile | ReadFailure:
    """Open a file of this machine."""
    descriptor = os.open(str(file.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return ReadFailure("no regular file")
    seen = with_status(file, status)
    if file.slice and seen != file:
        return CHANGED
    os.lseek(descriptor, file.slice.begin if file.slice else 0, os.SEEK_SET)
    content = _content(file, io.FileIO(descriptor, closefd=False))
    return OpenFile(seen, content, lambda: with_status(file, os.fstat(descriptor)))


def _stream(file: RawFile, where: StoredObject, stack: ExitStack) -> OpenFile | ReadFailure:
    """Open an object, at the version that it has now, to be read as it comes."""
    seen = seen_as(file, look_at(where))
    if file.slice and seen != file:
        return CHANGED
    stream = open_stream(where)
    stack.callback(close_quietly, stream)
    stream.seek(file.slice.begin if file.slice else 0)
    return OpenFile(seen, _content(file, _ObjectFile(stream)), partial(look_again, file))


def _copied(file: RawFile, where: StoredObject) -> "_Copied":
    """Copy an object, or the slice that is meant, and be sure that it is all of one version; what to close comes with it."""
    with ExitStack() as stack:
        try:
            seen = seen_as(file, look_at(where))
        except (FileNotFoundError, PermissionError) as error:
            gone = isinstance(error, FileNotFoundError)
            return (CHANGED if gone and file.slice else ReadFailure(explain(error), vanished=gone)), stack
        if file.slice and seen != file:
            return CHANGED, stack
        begin, end = (file.slice.begin, file.slice.end) if file.slice else (0, seen.size)
        try:
            copy = _copy(where, begin, end, stack)
        except (ConnectionError, FileNotFoundError, PermissionError):
            if _look_again(file, where) == seen:
                raise
            return CHANGED, stack
        if _look_again(file, where) != seen:
            return CHANGED, stack
        return OpenFile(seen, _content(file, copy), lambda: seen), stack.pop_all()


def _look_again(file: RawFile, where: StoredObject) -> RawFile | None:
    """The object as it is now; None where it is gone."""
    try:
        return seen_as(file, look_at(where))
    except FileNotFoundError:
        return None


def _copy(where: StoredObject, begin: int, end: int, stack: ExitStack) -> io.RawIOBase:
    """Some bytes of an object in a temporary file, which is gone as soon as nobody has it open, even if killed."""
    try:
        copy = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
        for start in range(begin, end, STREAM_BYTES):
            copy.write(read_range(where, start, min(end, start + STREAM_BYTES)))
        copy.seek(0)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(error.errno, error.strerror, gettempdir()) from error
        raise
    return io.FileIO(copy.fileno(), closefd=False)


def _content(file: RawFile, raw: io.RawIOBase) -> "_HashedFile | _SlicedFile":
    return _SlicedFile(raw, file.slice) if file.slice else _HashedFile(raw)


def fingerprint(file: RawFile) -> Fingerprint | ReadFailure:
    """Read a whole file for its hash."""
    with opened(file) as content:
        return content.finish() if isinstance(content, OpenFile) else content


def explain(error: OSError) -> str:
    """Say why a file cannot be read."""
    if error.errno in _EXHAUSTED:
        raise error
    return error.strerror.lower() if error.strerror else str(error) or type(error).__name__.lower()


class _ObjectFile(io.RawIOBase):
    """An object's bytes as a raw file; what any store may raise is a `ConnectionError`, which is no fault of the bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except Exception as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        view[: len(data)] = data
        return len(data)


class _HashedFile(io.RawIOBase):
    """A file whose bytes are hashed in their order, however it is read: a gap waits until it is filled."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file
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

    def __init__(self, file: io.RawIOBase, part: Slice) -> None:
        self._file = file  # its next byte is the first of the slice
        self._slice = part
        self._left = part.end - part.begin
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        try:
            count = self._file.readinto(memoryview(buffer).cast("B")[: self._left]) or 0
        except OSError as error:
            self.error = error
            raise
        self._left -= count
        return count

    def finish(self) -> tuple[str, int]:
        """The digest of the whole file, which says what the bytes were if its status still holds, and the slice's size."""
        return self._slice.sha256, self._slice.end - self._slice.begin
