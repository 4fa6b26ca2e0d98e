"""
Addresses: places that fsspec reaches, such as `s3://bucket/dumps`, where else a folder of this machine may be named.

What an object is known by: its size, when it was put, and its version, as far as its store tells them. Listings and looks
at a single object must tell the same, so times are whole seconds, and of versions only those count that both have.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, NamedTuple

from fsspec import AbstractFileSystem, url_to_fs

from pipeline.errors import AddressError, UsageError

Place = Path | str
"""A folder or file of this machine, or an address."""

STREAM_BYTES = 8 * 1024 * 1024
"""Of an object that are asked for at once where it is read on: some 0.1 s over a good network."""

# Under these names the file systems of fsspec tell them: of S3, Google, Azure, the memory and this machine.
_VERSIONS = ("ETag", "etag", "md5Hash", "ino")
_TIMES = ("LastModified", "updated", "last_modified", "modified", "created", "mtime")
_SIGNED = (1 << 63) - 1
_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"})


class ObjectStatus(NamedTuple):
    """What tells whether an object is still the one that it was, in the columns of a file's status."""

    size: int
    mtime_ns: int
    ctime_ns: int  # the same: nobody sets an object's time by hand
    inode: int  # of its version


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object below an address."""

    root: str
    name: str  # below the root; "" for the object that the root itself is

    def __str__(self) -> str:
        return f"{self.root}/{self.name}" if self.name else self.root


def is_address(place: Place) -> bool:
    """
    Whether a place is one that fsspec reaches, and no path.

    >>> is_address("s3://bucket/news"), is_address("clean")
    (True, False)
    """
    return isinstance(place, str) and "://" in place


def place_of(text: Place) -> Place:
    """
    What a user means by a path or an address.

    >>> place_of("s3://bucket/news/"), place_of("raw")
    ('s3://bucket/news', PosixPath('raw'))
    """
    return str(text).rstrip("/") if is_address(text) else Path(text)


def path_in(place: Place) -> PurePath:
    """
    The path that an address holds; its names are hints, as those of folders are.

    >>> path_in("s3://bucket/raw/news.example/a.txt")
    PurePosixPath('bucket/raw/news.example/a.txt')
    """
    return PurePosixPath(place.partition("://")[2]) if isinstance(place, str) else place


def absolute(place: Place) -> Place:
    """The same place for who stands in another folder."""
    return place if isinstance(place, str) else place.absolute()


def connect(url: str, storage_options: Mapping[str, Any] | None = None) -> tuple[AbstractFileSystem, str]:
    """The file system of an address, and the address as that knows it; `UsageError` if nothing that is installed can."""
    if not is_address(url):
        raise UsageError(f"{url}: is no address such as s3://bucket/news; a folder's begins with file://")
    try:
        fs, root = url_to_fs(url, **(storage_options or {}))
    except (ImportError, ValueError) as error:
        hint = (
            "; pip install 'article-pipeline[s3]'" if url.startswith("s3:") and isinstance(error, ImportError) else ""
        )
        raise UsageError(f"{url}: cannot be reached: {error}{hint}") from error
    if not root.strip("/"):
        raise UsageError(f"{url}: names no bucket or folder")
    return fs, root.rstrip("/")


def list_objects(url: str) -> Iterator[tuple[str, ObjectStatus]]:
    """
    The objects at any depth below an address, by name, in any order; those that stand for an empty folder are left out.

    `UsageError` where there is no such bucket or folder, or nobody may list it; `AddressError` where listing fails.
    """
    fs, root = connect(url)
    with _told(url):
        fs.invalidate_cache()
        found = fs.find(root, detail=True)
        if not found and not fs.exists(root):
            raise FileNotFoundError
        if root in found:
            raise NotADirectoryError
    for path, info in found.items():
        name = path[len(root) + 1 :]
        if info["type"] == "file" and not name.endswith("/"):
            yield name, _status(f"{url}/{name}", info)


def is_object(url: str) -> bool:
    """Whether an address is that of one object."""
    fs, root = connect(url)
    with _told(url):
        fs.invalidate_cache()
        return bool(fs.isfile(root))


def look_at(file: StoredObject) -> ObjectStatus:
    """An object as it is now; `FileNotFoundError`, `PermissionError`, or `ConnectionError` where that cannot be seen."""
    fs, path = _found(file)
    with _os_errors(file):
        fs.invalidate_cache()
        return _status(str(file), fs.info(path))


def read_range(file: StoredObject, begin: int, end: int) -> bytes:
    """Some bytes of an object; errors as of `look_at`."""
    fs, path = _found(file)
    with _os_errors(file):
        return bytes(fs.cat_file(path, start=begin, end=end))


def open_stream(file: StoredObject) -> IO[bytes]:
    """An object to be read on and sought in, nothing of it copied to the disk; errors as of `look_at`."""
    fs, path = _found(file)
    with _os_errors(file):
        stream: IO[bytes] = fs.open(path, "rb", block_size=STREAM_BYTES)
        return stream


def _found(file: StoredObject) -> tuple[AbstractFileSystem, str]:
    fs, root = connect(file.root)
    return fs, f"{root}/{file.name}" if file.name else root


def _status(address: str, info: Mapping[str, Any]) -> ObjectStatus:
    moment = next((info[name] for name in _TIMES if info.get(name)), None)
    version = next((info[name] for name in _VERSIONS if info.get(name)), None)
    if moment is None and version is None:
        raise UsageError(f"{address}: its store tells neither times nor versions, so nobody would see that it changed")
    digest = hashlib.sha256(str(version).strip('"').encode()).digest()
    mtime_ns = _seconds(moment) * 10**9
    return ObjectStatus(info["size"], mtime_ns, mtime_ns, int.from_bytes(digest[:8]) & _SIGNED)


def _seconds(moment: object) -> int:
    """Since 1970; 0 where no time is told."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return int(moment) if isinstance(moment, int | float) else 0


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Say of an address what is wrong with it; every kind has exceptions of its own, many of them no `OSError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"{url}: no such bucket or folder") from error
    except NotADirectoryError as error:
        raise UsageError(f"{url}: is an object; name the folder that it is in") from error
    except PermissionError as error:
        raise UsageError(f"{url}: may not be listed with these credentials: {error}") from error
    except Exception as error:
        if type(error).__name__ in _NO_CREDENTIALS:
            raise UsageError(f"{url}: no credentials were found: {error}") from error
        raise AddressError(f"{url}: cannot be listed: {str(error) or type(error).__name__}") from error


@contextmanager
def _os_errors(file: StoredObject) -> Iterator[None]:
    """What happens to one object, as it would to a file; a `ConnectionError` may pass by itself."""
    try:
        yield
    except (FileNotFoundError, PermissionError, UsageError):
        raise
    except Exception as error:
        raise ConnectionError(f"{file}: {str(error) or type(error).__name__}") from error


def close_quietly(stream: IO[bytes]) -> None:
    """Close what was read; whatever that says, the bytes are those that were given."""
    with suppress(Exception):
        stream.close()
