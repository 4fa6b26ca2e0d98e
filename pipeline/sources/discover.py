"""
Find the raw files below `raw/`, and name them without ambiguity.

Only regular files are taken: a link could lead out of the folder or in circles, and a pipe would never end. Half-copied
files are recognised by the names that copying tools give them, and what is no article (pictures, programs) by its suffix;
what the others are, their content says when they are read.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.addresses import ObjectStatus, Place, StoredObject, list_objects, look_at, path_in
from pipeline.errors import UsageError
from pipeline.records import RawFile
from pipeline.sources.formats import NO_ARTICLES, suffix_of
from pipeline.sources.reading import Reading

_SIGNED = (1 << 63) - 1
PARTIAL_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart", "~")

DEFAULT_READING = Reading()

# Escapes that our own keys use: an undecodable byte is 0x80 or more, and "%" itself.
_HIGH_ESCAPES = re.compile("(?:%[89A-F][0-9A-F])+")
_ANY_ESCAPE = re.compile(b"%([0-9A-F]{2})")
_SURROGATE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one scan of `raw/` saw."""

    files: list[RawFile]  # sorted by key
    ignored: Mapping[str, int]  # why -> how many; "suffix .pdf" for a format we do not read
    unreadable: tuple[str, ...] = ()  # keys of folders that could not be listed: nothing below them is known to be gone


def discover(raw: Place, reading: Reading = DEFAULT_READING) -> Discovery:
    """List the raw files at any depth below `raw`; everything else is counted by the reason it was ignored."""
    return _discover_objects(raw, reading) if isinstance(raw, str) else _discover_files(raw, reading)


def _discover_files(raw: Path, reading: Reading) -> Discovery:
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
            elif reading.ignore and reading.ignores(_key_below(root, entry.path)):
                ignored["by the settings"] += 1
            else:
                files.extend(_raw_file(root, entry))
    files.sort(key=lambda file: file.key)
    return Discovery(files, dict(sorted(ignored.items())), tuple(sorted(unreadable)))


def file_at(raw: Place, key: str) -> RawFile:
    """The raw file of a key, of which nothing is known yet."""
    path = path_of(key)
    where = StoredObject(raw, os.fsdecode(path)) if isinstance(raw, str) else raw / os.fsdecode(path)
    return RawFile(where, key, 0, 0, 0, 0)


def file_alone(place: Place) -> RawFile:
    """A file or object that is read by itself, below no raw folder."""
    where = StoredObject(place, "") if isinstance(place, str) else place
    return RawFile(where, path_in(place).as_posix(), 0, 0, 0, 0)


def look_again(file: RawFile) -> RawFile | None:
    """The file as it is now; None where that cannot be seen."""
    with suppress(OSError):
        return (
            seen_as(file, look_at(file.path))
            if isinstance(file.path, StoredObject)
            else with_status(file, file.path.lstat())
        )
    return None


def why_passed_over(path: str) -> str | None:
    """
    Why a file of this name is no raw file, in a folder or an archive; None for one that is.

    >>> why_passed_over("a/b.txt"), why_passed_over("a/.b.txt"), why_passed_over("a/b.PNG"), why_passed_over("__MACOSX/a.txt")
    (None, 'hidden', 'suffix .png', 'hidden')
    """
    *folders, name = path.split("/")
    hidden = any((folder.startswith(".") and folder.strip(".")) or folder == "__MACOSX" for folder in folders)
    if name.startswith(".") or hidden:
        return "hidden"
    if name == "README.md":
        return "read-me"
    if name.lower().endswith(PARTIAL_SUFFIXES):
        return "partial copy"
    suffix = suffix_of(name)
    return f"suffix {suffix}" if suffix in NO_ARTICLES else None


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


def with_status(file: RawFile, status: os.stat_result) -> RawFile:
    """The same file with the status just seen."""
    return seen_as(file, ObjectStatus(*_columns(status)))


def seen_as(file: RawFile, status: ObjectStatus) -> RawFile:
    """The same for an object."""
    return replace(file, **status._asdict())


def _discover_objects(url: str, reading: Reading) -> Discovery:
    """The same for what is below an address; links, pipes and the like are unknown there."""
    files: list[RawFile] = []
    ignored: Counter[str] = Counter()
    for name, status in list_objects(url):
        key = key_of(os.fsencode(name))
        why = why_passed_over(name)
        if why is None and reading.ignores(key):
            why = "by the settings"
        if why is None:
            files.append(seen_as(file_at(url, key), status))
        else:
            ignored[why] += 1
    files.sort(key=lambda file: file.key)
    return Discovery(files, dict(sorted(ignored.items())))


def _reads_as_escaped(text: str) -> bool:
    """Whether a name holds what only our own escaping writes: %25, or bytes that are no UTF-8."""
    return "%" in text and ("%25" in text or any(not _is_utf8(match[0]) for match in _HIGH_ESCAPES.finditer(text)))


def _is_utf8(escapes: str) -> bool:
    try:
        bytes.fromhex(escapes.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _why_ignored(entry: os.DirEntry[str]) -> str | None:
    """Why an entry is no raw file; `None` for a raw file and for a folder to look into."""
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return None
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    return why_passed_over(entry.name)


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
