"""
Where everything of a store stands, and the lock that guards it.

    clean/articles -> .store/current/articles          the same for removed_lines and rejected
    clean/.store/lock                                   held by flock for the whole of a run; never deleted
    clean/.store/publishing                             the same for a publication to another place; runs go on
    clean/.store/id                                     who publishes, made by the first publication
    clean/.store/state.sqlite                           what is known; its transaction is the commit point
    clean/.store/tmp/                                   everything unfinished; wiped when a store is opened
    clean/.store/parts/articles/part-000017.00000124.parquet     immutable: bucket, and the snapshot that wrote it
    clean/.store/snapshots/00000124/articles/part-000017.parquet hard links under names that never change
    clean/.store/current -> snapshots/00000124          the one link whose swap publishes all tables at once

Readers list only the table folders of a snapshot, and those hold nothing but finished parts.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreBusy, StoreError
from pipeline.tables import TABLES


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the store below one `clean/` folder."""

    clean: Path

    @property
    def store(self) -> Path:
        return self.clean / ".store"

    @property
    def lock(self) -> Path:
        return self.store / "lock"

    @property
    def publishing(self) -> Path:
        return self.store / "publishing"

    @property
    def identity(self) -> Path:
        return self.store / "id"

    @property
    def state(self) -> Path:
        return self.store / "state.sqlite"

    @property
    def tmp(self) -> Path:
        return self.store / "tmp"

    @property
    def parts(self) -> Path:
        return self.store / "parts"

    @property
    def snapshots(self) -> Path:
        return self.store / "snapshots"

    @property
    def current(self) -> Path:
        return self.store / "current"

    def snapshot(self, number: int) -> Path:
        return self.snapshots / f"{number:08d}"

    def part(self, table: str, name: str) -> Path:
        return self.parts / table / name


def part_name(bucket: int, snapshot: int) -> str:
    """The immutable file of a bucket as one snapshot wrote it."""
    return f"part-{bucket:06d}.{snapshot:08d}.parquet"


def public_name(bucket: int) -> str:
    """The name readers see: a name that may be listed must never vanish, so it is the same in every snapshot."""
    return f"part-{bucket:06d}.parquet"


@contextmanager
def hold_lock(layout: Layout) -> Iterator[None]:
    """
    Hold the store's lock; `StoreBusy` when another run does.

    The kernel drops the lock when its process dies, however it dies, so it never goes stale. It is taken before
    anything else is touched: folders made or removed without it would race with another starter.
    """
    with _hold(layout.lock, f"{layout.clean}: another run is active; wait for it to end"):
        yield


@contextmanager
def hold_publishing(layout: Layout) -> Iterator[None]:
    """Hold the right to publish this store elsewhere; a lock of its own, so that a slow network stops no run."""
    with _hold(layout.publishing, f"{layout.clean}: is being published already; wait for that to end"):
        yield


@contextmanager
def _hold(lock: Path, busy: str) -> Iterator[None]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(f"{lock}: cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(busy) from error
        yield
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def empty_folder(folder: Path) -> None:
    """Remove a folder with all it holds and make it anew."""
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def make_folders(layout: Layout) -> None:
    """Make what a store stands in; the lock is held."""
    layout.snapshots.mkdir(exist_ok=True)
    for table in TABLES:
        (layout.parts / table).mkdir(parents=True, exist_ok=True)
    empty_folder(layout.tmp)
    sync(layout.parts)
    sync(layout.store)
