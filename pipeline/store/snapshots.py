"""
Snapshots: folders of hard links that readers list, published by the swap of one symbolic link.

A snapshot is built and synced before the state's transaction commits, and published after it. A run that dies in
between is finished (if it had committed) or forgotten (if not) by whoever opens the store next.
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.store.layout import Layout, empty_folder, public_name, sync
from pipeline.tables import TABLES

KEPT_SNAPSHOTS = 3
KEPT_SECONDS = 24 * 3600.0  # longer than anybody reads


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The real folders of all tables of one commit; what they hold never changes while they are kept."""

    number: int
    articles: Path
    removed_lines: Path
    rejected: Path

    def table(self, name: str) -> Path:
        return {"articles": self.articles, "removed_lines": self.removed_lines, "rejected": self.rejected}[name]


def current_snapshot(clean: Path = Path("clean")) -> Snapshot:
    """
    Resolve the published snapshot once, for all tables.

    Reading these paths is exact whatever a run does meanwhile; the snapshot is kept for a day at least.
    """
    link = Layout(clean).current
    try:
        folder = link.resolve(strict=True)
        number = int(folder.name)
    except (OSError, ValueError) as error:
        raise StoreError(f"{clean}: nothing is published here yet; `pipeline run` does that") from error
    return Snapshot(number, *(folder / table for table in TABLES))


def articles_path(clean: Path = Path("clean")) -> Path:
    """The folder of the `articles` parts of the last commit, for any Parquet reader."""
    return current_snapshot(clean).articles


def removed_lines_path(clean: Path = Path("clean")) -> Path:
    """The folder of the `removed_lines` parts of the last commit."""
    return current_snapshot(clean).removed_lines


def rejected_path(clean: Path = Path("clean")) -> Path:
    """The folder of the `rejected` parts of the last commit."""
    return current_snapshot(clean).rejected


def read_table(name: str, clean: Path = Path("clean")) -> pa.Table:
    """
    Read one table of the last commit; a table without rows comes back empty, with all its columns.

    Without this, pandas fails on a table without rows, since its folder then holds no part.
    """
    return read_snapshot_table(current_snapshot(clean), name)


def read_articles(clean: Path = Path("clean")) -> pa.Table:
    """Read all articles of the last commit."""
    return read_table("articles", clean)


def read_snapshot_table(snapshot: Snapshot, name: str) -> pa.Table:
    """Read one table of a snapshot that was resolved before, to read several tables of the same commit."""
    schema = TABLES[name]
    parts = sorted(snapshot.table(name).glob("part-*.parquet"))
    try:
        tables = [pq.ParquetFile(part).read().cast(schema) for part in parts]
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{snapshot.table(name)}: cannot be read as the table {name}: {error};"
            " if another version of this program made it, `pipeline run` makes it anew"
        ) from error
    return pa.concat_tables(tables) if tables else schema.empty_table()


def build(layout: Layout, number: int, parts: Mapping[tuple[str, int], str]) -> None:
    """Link all live parts under their public names into the folder of a snapshot that nobody sees yet."""
    folder = layout.tmp / f"snapshot-{number:08d}"
    empty_folder(folder)
    for table in TABLES:
        (folder / table).mkdir()
    _link_parts(layout, parts, folder)
    for table in TABLES:
        sync(layout.parts / table)
        sync(folder / table)
    sync(folder)
    folder.rename(layout.snapshot(number))
    sync(layout.snapshots)


def _link_parts(layout: Layout, parts: Mapping[tuple[str, int], str], folder: Path) -> None:
    """Paths are text here: to join them as `Path` takes twice as long as to link, and a large store has thousands."""
    origin, place = os.fspath(layout.parts), os.fspath(folder)
    for (table, bucket), name in parts.items():
        os.link(f"{origin}/{table}/{name}", f"{place}/{table}/{public_name(bucket)}")


def publish(layout: Layout, number: int) -> None:
    """Point `.store/current` at a committed snapshot, and the tables' links at `.store/current`. Safe to repeat."""
    _point(layout.current, f"{layout.snapshots.name}/{number:08d}", layout.tmp)
    for table in TABLES:
        _point(layout.clean / table, f"{layout.store.name}/{layout.current.name}/{table}", layout.tmp)
    sync(layout.store)
    sync(layout.clean)


def recover(layout: Layout, number: int, parts: Mapping[tuple[str, int], str]) -> None:
    """Bring the folders in line with the state after a run that may have died anywhere; `number` is committed."""
    for folder in list(layout.snapshots.iterdir()):
        if folder.name > f"{number:08d}":
            shutil.rmtree(folder)
    if number:
        if not layout.snapshot(number).is_dir():
            build(layout, number, parts)
        publish(layout, number)
    remove_orphans(layout, parts)


def check_places(layout: Layout) -> None:
    """Refuse at once, not after all the work, where something else stands in the place of a table."""
    for table in TABLES:
        link = layout.clean / table
        if link.exists() and not link.is_symlink():
            raise StoreError(f"{link}: is no symbolic link of this store; move it away and run again")


def remove_orphans(layout: Layout, parts: Mapping[tuple[str, int], str]) -> None:
    """Remove part files that the state no longer names; older snapshots hold their own links to them."""
    for path in orphans(layout, parts):
        path.unlink()


def orphans(layout: Layout, parts: Mapping[tuple[str, int], str]) -> list[Path]:
    """Part files that the state does not name."""
    live = {(table, name) for (table, _), name in parts.items()}
    return sorted(
        path for table in TABLES for path in (layout.parts / table).iterdir() if (table, path.name) not in live
    )


def remove_old(layout: Layout, *, keep: int = KEPT_SNAPSHOTS, seconds: float = KEPT_SECONDS) -> None:
    """
    Remove snapshots that are neither among the last `keep` nor were current within the last `seconds`.

    A snapshot is current until the next one is made, however old it is: somebody may just have begun to read it.
    """
    now = time.time()
    folders = sorted(layout.snapshots.iterdir())
    for folder, successor in list(pairwise(folders))[: max(len(folders) - keep, 0)]:
        if now - successor.stat().st_mtime > seconds:
            removed = folder.rename(layout.tmp / f"removed-{folder.name}")
            sync(layout.snapshots)
            shutil.rmtree(removed)


def _point(link: Path, target: str, tmp: Path) -> None:
    """Make a symbolic link say `target` in one step."""
    if link.is_symlink() and link.readlink() == Path(target):
        return
    fresh = tmp / f"link-{link.name}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
