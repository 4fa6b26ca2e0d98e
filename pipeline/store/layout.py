"""
Where everything of a store stands, and the lock that guards it.

    clean/articles -> .store/current/articles          the same for removed_lines and rejected
    clean/.store/lock                                   held by flock for the whole of a run; never deleted
    clean/.store/publishing                             the same for a publication to another place; runs go on
    clean/.store/id                                     who publishes, made by the first publication
    clean/.store/state.sqlite                           what is known; its transaction is the commit point
    clean/.store/tmp/                                   everything unfinished; wiped when a store is opened
    clean/.store/pieces/20260101T060000.000000001.shard-000003/   a finished shard that no commit has taken in yet
    clean/.store/parts/articles/part-000017.00000124.parquet     immutable: bucket, and the snapshot that wrote it
    clean/.store/snapshots/00000124/articles/part-000017.parquet hard links under names that never change
    clean/.store/current -> snapshots/00000124          the one link whose swap publishes all tables at once

Readers list only the table folders of a snapshot, and those hold nothing but finished parts.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.errors import StoreBusy, StoreError
from pipeline.tables import TABLES

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ELSEWHERE = (
    "put the store (--clean) on a local disk with ext4, XFS, Btrfs, ZFS or APFS; `pipeline clean` needs no store"
)

_DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})


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
    def pieces(self) -> Path:
        return self.store / "pieces"

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
    if fcntl is None:
        raise StoreError(f"{lock}: this system has no file locks (flock), as Linux and macOS do; {ELSEWHERE}")
    try:
        make_lasting(lock.parent)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(f"{lock}: cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(busy) from error
        except OSError as error:
            raise StoreError(f"{lock}: cannot be locked with flock: {error.strerror}; {ELSEWHERE}") from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def disk_trouble_told(layout: Layout) -> Iterator[None]:
    """Turn what the disk refuses in a run, such as room, into a `StoreError` that says where and what to do."""
    try:
        yield
    except OSError as error:
        what = os.strerror(error.errno) if error.errno else error  # pyarrow's errors tell the rest in their own words
        raise StoreError(
            f"{error.filename or layout.clean}: {what}; the run was broken off, and what readers see is whole. See to the"
            " disk and run again: what was finished is taken over"
        ) from error


def is_disk_trouble(error: BaseException) -> bool:
    """Whether an error is one that whatever is written next will meet too: no room, or a disk that fails."""
    return isinstance(error, OSError) and error.errno in _DISK_TROUBLE


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_lasting(folder: Path) -> None:
    """Make a folder, and those above it, such that they survive a power cut."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync(made.parent)


def check_file_system(layout: Layout) -> None:
    """
    Try, where the store stands, what it is built on; `StoreError` names what is missing and where it was tried.

    Better at once than after hours of cleaning: FAT, exFAT and some network folders have neither kind of link.
    """
    with TemporaryDirectory(dir=layout.tmp) as folder:
        file = Path(folder, "file")
        file.touch()
        attempts: dict[str, Callable[[Path], None]] = {
            "hard links": lambda link: link.hardlink_to(file),
            "symbolic links": lambda link: link.symlink_to(file.name),
        }
        for what, make_link in attempts.items():
            try:
                make_link(Path(folder, what))
            except (OSError, NotImplementedError) as error:
                raise StoreError(f"{layout.tmp}: cannot make {what} here ({error}); {ELSEWHERE}") from error


def empty_folder(folder: Path) -> None:
    """Remove a folder with all it holds and make it anew."""
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def make_folders(layout: Layout) -> None:
    """Make what a store stands in; the lock is held."""
    for folder in (layout.snapshots, layout.pieces, layout.tmp, *(layout.parts / table for table in TABLES)):
        folder.mkdir(parents=True, exist_ok=True)
    for entry in layout.tmp.iterdir():
        # A worker that outlived its run for a moment may still write here; what it leaves, the next opening removes.
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    sync(layout.parts)
    sync(layout.store)
