"""
A place to publish to: an object store or folder that fsspec reaches, and the few things that have to hold there.

Creating an object only where there is none is the commit, so it must be atomic. fsspec offers it as
`pipe_file(mode="create")`, for S3 with `If-None-Match: *`. `open(mode="xb")` is no substitute: s3fs overwrites with it.
Objects are uploaded whole from finished files: a Parquet writer that fails publishes what it has, footer and all.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from pipeline.addresses import connect
from pipeline.errors import StoreError, UsageError
from pipeline.store.layout import sync


@dataclass(frozen=True, slots=True)
class Target:
    """Objects below one address, by their keys."""

    url: str
    fs: AbstractFileSystem
    root: str  # the address as the file system knows it

    def address(self, key: str) -> str:
        """The whole address of an object."""
        return f"{self.url}/{key}"

    def read(self, key: str) -> bytes | None:
        """The object's bytes; None where there is none."""
        with self._named(key):
            try:
                return bytes(self.fs.cat_file(self._path(key)))
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """The objects right below a folder, by key, as they are now; fsspec would else answer from its memory."""
        with self._named(folder):
            self.fs.invalidate_cache()
            try:
                entries = self.fs.ls(self._path(folder), detail=True)
            except FileNotFoundError:
                return {}
        files = (entry for entry in entries if entry["type"] == "file")
        return {f"{folder}/{entry['name'].rpartition('/')[2]}": entry["size"] for entry in files}

    def modified(self, key: str) -> datetime | None:
        """When the object was put, by the clock of the store; None where there is none (anymore)."""
        with self._named(key):
            try:
                moment: datetime = self.fs.modified(self._path(key))
            except FileNotFoundError:
                return None
            return moment

    def create(self, key: str, content: bytes) -> bool:
        """Put an object in one step if there is none under this key; returns whether there was none."""
        with self._named(key):
            try:
                self._create(self._path(key), content)
            except FileExistsError:
                return False
            return True

    def upload(self, file: Path, key: str) -> None:
        """Put a finished file; the object is there as a whole or not at all."""
        with self._named(key):
            self._upload(file, self._path(key))

    def download(self, key: str, file: Path) -> None:
        """Get an object as a file."""
        with self._named(key):
            self.fs.get_file(self._path(key), str(file))

    def folders(self) -> list[str]:
        """The names of the folders right below the address, as they are now."""
        with self._named(""):
            self.fs.invalidate_cache()
            try:
                entries = self.fs.ls(self.root, detail=True)
            except FileNotFoundError:
                return []
        return sorted(entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory")

    def remove(self, key: str) -> None:
        """Remove an object that is there."""
        with self._named(key):
            self.fs.rm_file(self._path(key))

    def _path(self, key: str) -> str:
        return f"{self.root}/{key}"

    def _create(self, path: str, content: bytes) -> None:
        self.fs.pipe_file(path, content, mode="create")

    def _upload(self, file: Path, path: str) -> None:
        self.fs.put_file(str(file), path)

    @contextmanager
    def _named(self, key: str) -> Iterator[None]:
        """Say which object it was about: every kind of target has exceptions of its own, many of them no OSError."""
        try:
            yield
        except Exception as error:
            raise StoreError(f"{self.address(key)}: {str(error) or type(error).__name__}") from error


class Folder(Target):
    """A folder of this machine, or one mounted: what an object store does by itself takes a rename and a link here."""

    __slots__ = ()

    def _create(self, path: str, content: bytes) -> None:
        with _unfinished(Path(path)) as unfinished:
            unfinished.write_bytes(content)
            sync(unfinished)
            Path(path).hardlink_to(unfinished)

    def _upload(self, file: Path, path: str) -> None:
        with _unfinished(Path(path)) as unfinished:
            shutil.copyfile(file, unfinished)
            sync(unfinished)
            unfinished.replace(path)


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A file beside `path`, gone afterwards; what was made of it survives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid4().hex}")
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)


def open_target(url: str, storage_options: Mapping[str, Any] | None = None) -> Target:
    """Connect to an address such as `s3://bucket/news`; `UsageError` if nothing that is installed can."""
    fs, root = connect(url, storage_options)
    kind = Folder if isinstance(fs, LocalFileSystem) else Target
    return kind(url.rstrip("/"), fs, root)


def check_exclusive(target: Target, key: str, content: bytes) -> None:
    """
    Refuse a target that would put a second object under a key; `key` holds `content` already, and does so afterwards.

    Some file systems of fsspec look first and write then, and some servers ignore the condition.
    """
    fs = target.fs
    atomic = isinstance(target, Folder) or hasattr(fs, "_pipe_file") or type(fs).pipe_file is not _LOOK_THEN_WRITE
    if not atomic or target.create(key, content):
        raise UsageError(
            f"{target.url}: cannot create an object only where there is none, which is how a snapshot is committed;"
            " publish to a store that can, such as Amazon S3"
        )


_LOOK_THEN_WRITE = AbstractFileSystem.pipe_file
