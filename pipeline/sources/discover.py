"""
Find the raw files below `raw/`, name them without ambiguity, and read their bytes safely.

Only regular files are taken: a link could lead out of the folder or in circles, and a pipe would never end.
Half-copied files are recognised by the names that copying tools give them.
"""

import errno
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.records import MediaType, RawFile

SUFFIXES: Mapping[str, MediaType] = {".txt": MediaType.TEXT, ".html": MediaType.HTML, ".htm": MediaType.HTML}
_SIGNED = (1 << 63) - 1
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
PARTIAL_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart", "~")

# Escapes that our own keys use: an undecodable byte is 0x80 or more, and "%" itself.
_HIGH_ESCAPES = re.compile("(?:%[89A-F][0-9A-F])+")
_ANY_ESCAPE = re.compile(b"%([0-9A-F]{2})")
_SURROGATE = re.compile("[\udc80-\udcff]")
_HOST = re.compile(
    r"(?:www\.)?((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59}))(?::\d{1,5})?"
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one scan of `raw/` saw."""

    files: list[RawFile]  # sorted by key
    ignored: Mapping[str, int]  # why -> how many; "suffix .pdf" for a format we do not read
    unreadable: tuple[str, ...] = ()  # keys of folders that could not be listed: nothing below them is known to be gone


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A raw file whose bytes could not be had; `changed` when it was replaced or grew while we read it."""

    detail: str
    changed: bool = False
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class RawBytes:
    """A file's bytes together with the file status that held from the first byte to the last."""

    file: RawFile
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def discover(raw: Path) -> Discovery:
    """List the raw files at any depth below `raw`; everything else is counted by the reason it was ignored."""
    if not raw.is_dir():
        raise UsageError(f"{raw}: no such folder; name the folder of raw files with --raw")
    files: list[RawFile] = []
    ignored: Counter[str] = Counter()
    unreadable: list[str] = []
    root = os.fspath(raw)
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if folder == root:
                raise UsageError(f"{raw}: cannot be listed: {error.strerror}") from error
            if not isinstance(error, FileNotFoundError):  # it may also have been removed since its parent was listed
                unreadable.append(_key_below(root, folder))
            continue
        for entry in entries:
            why = _why_ignored(entry)
            if why is not None:
                ignored[why] += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                files.extend(_raw_file(root, entry))
    files.sort(key=lambda file: file.key)
    return Discovery(files, dict(sorted(ignored.items())), tuple(sorted(unreadable)))


def media_type_of(key: str) -> MediaType:
    """
    The format a file's name promises.

    >>> media_type_of("example.org/a.HTM")
    <MediaType.HTML: 'text/html'>
    """
    return SUFFIXES[_suffix(key.rpartition("/")[2])]


def key_of(path: bytes) -> str:
    r"""
    Name a file by its path below `raw/` as text, so that no two paths share a name.

    A path in UTF-8 is its own name. Bytes that are no UTF-8 become %XX, and then "%" becomes %25, also in the
    rare UTF-8 path that would otherwise look like the name of such a file. Escapes of whole characters, as in
    names taken from URLs, can never come from undecodable bytes and stay as they are.

    >>> key_of("café.txt".encode()), key_of(b"caf%C3%A9 100%.txt")
    ('café.txt', 'caf%C3%A9 100%.txt')
    >>> key_of(b"caf\xe9.txt"), key_of(b"caf%E9.txt")
    ('caf%E9.txt', 'caf%25E9.txt')
    """
    text = path.decode("utf-8", "surrogateescape")
    if not (_SURROGATE.search(text) or _reads_as_escaped(text)):
        return text
    return _SURROGATE.sub(lambda match: f"%{ord(match[0]) - 0xDC00:02X}", text.replace("%", "%25"))


def path_of(key: str) -> bytes:
    r"""
    Undo `key_of`: the path's bytes, as the file system knows them.

    >>> path_of("caf%E9.txt"), path_of("caf%25E9.txt")
    (b'caf\xe9.txt', b'caf%E9.txt')
    """
    path = key.encode()
    return _ANY_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), path) if _reads_as_escaped(key) else path


def read_bytes(file: RawFile) -> RawBytes | ReadFailure:
    """
    Read a whole file, sure that it is a regular one and that it held still meanwhile.

    The file status is the one seen by the open descriptor, so bytes and status belong together even when the
    file was replaced after the scan. Running out of descriptors or memory says nothing about the file: that is raised.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return ReadFailure(_explain(error), vanished=isinstance(error, FileNotFoundError))
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return ReadFailure("no regular file")
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as stream:
            data = stream.readall()
        after = os.fstat(descriptor)
    except OSError as error:
        return ReadFailure(_explain(error))
    finally:
        os.close(descriptor)
    seen = with_status(file, after)
    if with_status(file, before) != seen or len(data) != seen.size:
        return ReadFailure("changed while it was read", changed=True)
    return RawBytes(seen, data)


def with_status(file: RawFile, status: os.stat_result) -> RawFile:
    """The same file with the status just seen."""
    return RawFile(file.path, file.key, *_columns(status))


def _reads_as_escaped(text: str) -> bool:
    """Whether a name holds what only our own escaping writes: %25, or bytes that are no UTF-8."""
    return "%" in text and ("%25" in text or any(not _is_utf8(match[0]) for match in _HIGH_ESCAPES.finditer(text)))


def _is_utf8(escapes: str) -> bool:
    try:
        bytes.fromhex(escapes.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _why_ignored(entry: os.DirEntry[str]) -> str | None:  # noqa: PLR0911 - one return a reason reads best
    """Why an entry is no raw file; `None` for a raw file and for a folder to look into."""
    name = entry.name
    if name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return None
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    if name == "README.md":
        return "read-me"
    if name.lower().endswith(PARTIAL_SUFFIXES):
        return "partial copy"
    suffix = _suffix(name)
    if suffix in SUFFIXES:
        return None
    return f"suffix {key_of(os.fsencode(suffix))}" if suffix else "no suffix"


def _suffix(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f".{ending.lower()}" if stem else ""


def _raw_file(root: str, entry: os.DirEntry[str]) -> Iterator[RawFile]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # removed since its folder was listed
    yield RawFile(Path(entry.path), _key_below(root, entry.path), *_columns(status))


def _columns(status: os.stat_result) -> tuple[int, int, int, int]:
    """Size, times and inode; SQLite's integers are signed, so one bit of an inode number is given up."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & _SIGNED


def _key_below(root: str, path: str) -> str:
    return key_of(os.fsencode(path[len(os.path.join(root, "")) :]))  # noqa: PTH118 - paths by the million, as text


def _explain(error: OSError) -> str:
    if error.errno in _EXHAUSTED:
        raise error
    return (error.strerror or type(error).__name__).lower()
