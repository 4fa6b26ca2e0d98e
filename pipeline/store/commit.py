"""
The commit: state, parts and snapshot move from one consistent whole to the next.

The order is what makes it safe to die anywhere. A power cut is worse than a killed process: whatever was not synced may
be lost, in any order, so each step is on the disk before the next one relies on it. "Synced" is fsync, of a file for its
bytes and of a folder for the names in it.

 1. Opening. New folders are synced in the ones above them, and `.store` once the state's file is in it.
 2. Shards. Each piece is synced, its folder too, then the folder is renamed into `.store/pieces`, and that is synced
    (`pieces.py`). Nothing refers to pieces: the next run takes whole ones over, or removes them.
 3. Parts. Each is written below `.store/tmp`, synced, and renamed into `.store/parts/<table>` (`parts.py`); several at
    once, but all before the next step.
 4. Snapshot. The folders of parts are synced. Links to all live parts are made in a folder below `.store/tmp`; its
    folders of tables are synced, it itself, it is renamed into `.store/snapshots`, and that is synced
    (`snapshots.build`). Now everything the state is about to name is on the disk, and nobody sees it.
 5. The state's transaction commits: SQLite writes its log and syncs it (synchronous = FULL) before COMMIT returns. This
    is the moment the run has happened. Cut off before it, the state names the last snapshot, and opening removes what
    steps 3 and 4 left. Cut off after it, the state names the new one, and opening does step 6.
 6. Publication. `.store/current` is replaced by a link to the new snapshot in one rename; `.store` and `clean` are
    synced. Before, readers see the old snapshot, then the new one, each complete. The link never leads to a snapshot
    that was not committed, as step 5 is on the disk before it moves.
 7. Removal, of what only older commits needed: parts that the state no longer names (older snapshots have links of
    their own), snapshots nobody reads any more, and all pieces, but for slices that wait for others of their file. Lost
    half-way, the next opening or commit does the rest.

So every rename follows the sync of what it names, and is synced itself before the next step begins. Where a run adds
nothing, there is no snapshot: only the transaction of step 5, for the state.
"""

import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StoreRefused
from pipeline.settings import Settings
from pipeline.store.changes import Outcome, Touched, apply_changes, open_staging
from pipeline.store.drift import SiteFindings, take_sites
from pipeline.store.layout import Layout, check_file_system, disk_trouble_told, hold_lock, make_folders, sync
from pipeline.store.parts import PartWriter, digest_of, read_part
from pipeline.store.pieces import PieceReader, discard_pieces
from pipeline.store.rows import Contents, article_rows, contents_of, rejected_rows
from pipeline.store.settle import count_duplicates
from pipeline.store.snapshots import build, check_places, publish, recover, remove_old, remove_orphans
from pipeline.store.state import current_number, live_parts, open_state, published_schema, transaction
from pipeline.tables import SCHEMA_VERSION, TABLES


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit left."""

    snapshot: int
    published: bool  # whether it made the snapshot; no row changed otherwise
    articles: int  # records of this run that became articles, exact duplicates included
    duplicates: int  # of these, records that are not their article's canonical source
    rejected_by_reason: Mapping[str, int]  # records of this run
    unread: int  # files that could not be read to the end, and whose articles stay
    lines_by_reason: Mapping[str, int]  # removed from the articles whose rows this run made
    sites: SiteFindings  # of the same articles


class _Part(NamedTuple):
    """A row of the state's table `parts`."""

    part_of: str
    bucket: int
    name: str
    row_count: int
    bytes: int
    sha256: str
    sources: int


class _Change(NamedTuple):
    """What has become of a bucket's part of one table."""

    part_of: str
    bucket: int
    part: _Part | None  # None where no row is left: some readers fail on a part without rows


_PartNames = Mapping[tuple[str, int], str]  # by table and bucket

WRITERS = 3
"""Threads that make parts: unpacking and packing keep cores busy, syncs wait for the disk. Each holds a part's rows."""


@contextmanager
def open_store(clean: Path) -> Iterator[Layout]:
    """
    Lock the store below `clean`, made if need be, and mend what a run that died left; for the whole of a run.

    `StoreError` where the disk refuses anything, here or in the body.
    """
    layout = Layout(clean)
    with hold_lock(layout), disk_trouble_told(layout):
        check_places(layout)
        make_folders(layout)
        check_file_system(layout)
        with open_state(layout) as state:
            sync(layout.store)
            recover(layout, current_number(state), live_parts(state))
        yield layout


@contextmanager
def commit(layout: Layout, outcome: Outcome, settings: Settings) -> Iterator[tuple[sqlite3.Connection, Committed]]:
    """
    Commit a run; the body may still write to the state within the transaction, such as the run's report.

    A run that changes no row makes no snapshot and leaves every published byte alone. `StoreRefused` where the tables
    got other columns and not all of their rows could be made anew.
    """
    with open_state(layout) as state:
        open_staging(state)
        with transaction(state):
            number = current_number(state)
            touched = apply_changes(state, outcome)
            is_outdated = published_schema(state) not in {None, SCHEMA_VERSION}
            if is_outdated:
                _replace_all(state, touched)
            parts_changed = _write_buckets(state, PartWriter(layout, number + 1, settings), outcome.pieces, touched)
            published = parts_changed or is_outdated or number == 0
            if published:
                number += 1
                build(layout, number, live_parts(state))
                state.execute("INSERT INTO snapshots VALUES (?, ?, ?)", (number, outcome.now, SCHEMA_VERSION))
            yield (
                state,
                Committed(
                    snapshot=number,
                    published=published,
                    articles=_became_articles(state),
                    duplicates=count_duplicates(state),
                    rejected_by_reason=dict(sorted(touched.rejected_by_reason.items())),
                    unread=touched.unread,
                    lines_by_reason=_lines_by_reason(state, outcome.pieces),
                    sites=take_sites(state, outcome.pieces),
                ),
            )
        if published:
            publish(layout, number)
            remove_orphans(layout, live_parts(state))
            remove_old(layout)
        waiting = [layout.pieces / outcome.pieces.folders[piece].name for piece in touched.waiting]
        discard_pieces(layout, waiting)


def _write_buckets(state: sqlite3.Connection, writer: PartWriter, pieces: PieceReader, touched: Touched) -> bool:
    """
    Write the parts that the changes touch; returns whether any part differs from before.

    The state is asked here, bucket after bucket; rows are put together, packed, written and synced in threads meanwhile.
    """
    changed = False
    unfinished: deque[Future[list[_Change]]] = deque()
    with ThreadPoolExecutor(WRITERS) as pool:
        for bucket_written in _buckets(state, writer, pieces, touched):
            unfinished.append(pool.submit(bucket_written))
            while len(unfinished) > WRITERS:
                changed |= _take_changes(state, unfinished.popleft().result())
        for last in unfinished:
            changed |= _take_changes(state, last.result())
    return changed


def _buckets(
    state: sqlite3.Connection, writer: PartWriter, pieces: PieceReader, touched: Touched
) -> Iterator[Callable[[], list[_Change]]]:
    """For each bucket that the changes touch what writes its parts, in any thread."""
    parts = live_parts(state)
    for bucket in sorted(touched.article_buckets):
        yield partial(_write_articles, writer, parts, bucket, contents_of(state, bucket), pieces)
    for bucket in sorted(touched.rejected_buckets):
        old = _old(writer.layout, "rejected", bucket, parts)
        yield partial(_write_changed, writer, "rejected", bucket, old, rejected_rows(state, bucket))


def _write_articles(
    writer: PartWriter, parts: _PartNames, bucket: int, contents: Contents, pieces: PieceReader
) -> list[_Change]:
    old = (_old(writer.layout, "articles", bucket, parts), _old(writer.layout, "removed_lines", bucket, parts))
    articles, removed = article_rows(contents, old, pieces)
    return [
        *_write_changed(writer, "articles", bucket, old[0], articles),
        *_write_changed(writer, "removed_lines", bucket, old[1], removed),
    ]


def _write_changed(writer: PartWriter, table: str, bucket: int, old: pa.Table, new: pa.Table) -> list[_Change]:
    """Write a bucket's rows in one table, unless they are what they were."""
    if new.equals(old):
        return []
    return [_Change(table, bucket, _write(writer, table, bucket, new) if new.num_rows else None)]


def _take_changes(state: sqlite3.Connection, changes: Sequence[_Change]) -> bool:
    """Let the state name the new parts instead of the old ones; returns whether there are any changes."""
    for change in changes:
        state.execute("DELETE FROM parts WHERE part_of = ? AND bucket = ?", (change.part_of, change.bucket))
        if change.part:
            state.execute("INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", change.part)
    return bool(changes)


def _replace_all(state: sqlite3.Connection, touched: Touched) -> None:
    """
    Let go of all parts, to write every bucket with the tables' new columns in one snapshot.

    Readers take the columns from the first part of a folder, so old and new parts never stand side by side. An article
    that this run did not clean, as its file failed, is still being written or is gone by accident, cannot get a new
    row; then nothing is published, and the old snapshot stays. What was cleaned is kept for the next run.
    """
    left = state.execute(
        "SELECT key || '#' || record FROM articles JOIN raw_files USING (file_id)"
        " WHERE article_id NOT IN (SELECT article_id FROM chosen) ORDER BY key, record"
    ).fetchall()
    if left:
        raise StoreRefused(
            f"the tables got other columns, which takes a new row of every article, and {len(left):,} could not be"
            f" cleaned again, the first is {left[0][0]}; nothing was published. See to their raw files and run again, or"
            " allow that articles of raw files that are gone go too with --allow-mass-delete"
        )
    state.execute("DELETE FROM parts")
    touched.article_buckets.update(bucket for (bucket,) in state.execute("SELECT DISTINCT bucket FROM articles"))
    touched.rejected_buckets.update(bucket for (bucket,) in state.execute("SELECT DISTINCT bucket FROM rejections"))


def _old(layout: Layout, table: str, bucket: int, parts: _PartNames) -> pa.Table:
    name = parts.get((table, bucket))
    return TABLES[table].empty_table() if name is None else read_part(layout.part(table, name), table)


def _write(writer: PartWriter, table: str, bucket: int, rows: pa.Table) -> _Part:
    path = writer.write(table, bucket, rows)
    sources = pc.sum(pc.list_value_length(rows["sources"])).as_py() if table == "articles" else 0
    return _Part(table, bucket, path.name, rows.num_rows, path.stat().st_size, digest_of(path), sources)


def _became_articles(state: sqlite3.Connection) -> int:
    count: int = state.execute("SELECT count(*) FROM staged").fetchone()[0]
    return count


def _lines_by_reason(state: sqlite3.Connection, pieces: PieceReader) -> dict[str, int]:
    """How many lines were removed, by reason; those of exact duplicates are not counted again."""
    total: Counter[str] = Counter()
    chosen = state.execute("SELECT piece, row FROM chosen ORDER BY piece")
    for piece, places in groupby(chosen, key=itemgetter(0)):
        rows = pa.array([row for _, row in places], pa.int64())
        for lines in pieces.batches(piece, "removed_lines", ["row", "reason"]):
            reasons = lines.filter(pc.is_in(lines["row"], value_set=rows))["reason"]
            total.update(map(str, reasons.to_pylist()))
    return dict(sorted(total.items()))
