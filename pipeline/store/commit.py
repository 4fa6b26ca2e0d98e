"""
The commit: state, parts and snapshot move from one consistent whole to the next.

The order is what makes it safe to die anywhere: parts are written, synced and renamed into place; the snapshot's
folder of links is built and synced; the state's transaction commits, and that is the moment the run has happened;
one link is swapped. What a death leaves before that moment is forgotten on the next opening, after it finished.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.settings import Settings
from pipeline.store.changes import Outcome, apply_changes, open_staging
from pipeline.store.layout import Layout, hold_lock, make_folders
from pipeline.store.parts import PartWriter, digest_of, read_part
from pipeline.store.pieces import PieceReader
from pipeline.store.rows import article_rows, rejected_rows
from pipeline.store.snapshots import build, check_places, publish, recover, remove_old, remove_orphans
from pipeline.store.state import current_number, live_parts, open_state, transaction
from pipeline.tables import TABLES


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit left."""

    snapshot: int
    published: bool  # whether it made the snapshot; no row changed otherwise
    duplicates: int  # records of this run that are not their article's canonical source
    lines_by_reason: Mapping[str, int]  # removed from the articles whose rows this run made


@contextmanager
def open_store(clean: Path) -> Iterator[Layout]:
    """Lock the store below `clean`, made if need be, and mend what a run that died left; for the whole of a run."""
    layout = Layout(clean)
    with hold_lock(layout):
        check_places(layout)
        make_folders(layout)
        with open_state(layout) as state:
            recover(layout, current_number(state), live_parts(state))
        yield layout


@contextmanager
def commit(layout: Layout, outcome: Outcome, settings: Settings) -> Iterator[tuple[sqlite3.Connection, Committed]]:
    """
    Commit a run; the body may still write to the state within the transaction, such as the run's report.

    A run that changes no row makes no snapshot and leaves every published byte alone.
    """
    with open_state(layout) as state:
        open_staging(state)
        with transaction(state):
            number = current_number(state)
            parts_changed = _write_buckets(state, PartWriter(layout, number + 1, settings), outcome)
            published = parts_changed or number == 0
            if published:
                number += 1
                build(layout, number, live_parts(state))
                state.execute("INSERT INTO snapshots VALUES (?, ?)", (number, outcome.now))
            yield state, Committed(number, published, _duplicates(state), _lines_by_reason(state, outcome.pieces))
        if published:
            publish(layout, number)
            remove_orphans(layout, live_parts(state))
            remove_old(layout)


def _write_buckets(state: sqlite3.Connection, writer: PartWriter, outcome: Outcome) -> bool:
    """Apply the changes and write the parts they touch; returns whether any part differs from before."""
    touched = apply_changes(state, outcome)
    parts = live_parts(state)
    changed = False
    for bucket in sorted(touched.article_buckets):
        old = (_old(writer.layout, "articles", bucket, parts), _old(writer.layout, "removed_lines", bucket, parts))
        articles, removed = article_rows(state, bucket, old, outcome.pieces)
        changed |= _replace(state, writer, ("articles", bucket), old[0], articles)
        changed |= _replace(state, writer, ("removed_lines", bucket), old[1], removed)
    for bucket in sorted(touched.rejected_buckets):
        before = _old(writer.layout, "rejected", bucket, parts)
        changed |= _replace(state, writer, ("rejected", bucket), before, rejected_rows(state, bucket))
    return changed


def _old(layout: Layout, table: str, bucket: int, parts: dict[tuple[str, int], str]) -> pa.Table:
    name = parts.get((table, bucket))
    return TABLES[table].empty_table() if name is None else read_part(layout.part(table, name), table)


def _replace(
    state: sqlite3.Connection, writer: PartWriter, place: tuple[str, int], old: pa.Table, new: pa.Table
) -> bool:
    """Write a bucket's part if its rows differ from before; a bucket without rows has no part, some readers fail on it."""
    table, bucket = place
    if new.equals(old):
        return False
    state.execute("DELETE FROM parts WHERE part_of = ? AND bucket = ?", place)
    if new.num_rows:
        path = writer.write(table, bucket, new)
        row = (table, bucket, path.name, new.num_rows, path.stat().st_size, digest_of(path))
        state.execute("INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?)", row)
    return True


def _duplicates(state: sqlite3.Connection) -> int:
    """Records of this run that became articles whose canonical source is another one."""
    count: int = state.execute(
        "SELECT count(*) FROM staged JOIN records USING (file_id, record) JOIN articles USING (article_id)"
        " WHERE (articles.file_id, articles.record) <> (staged.file_id, staged.record)"
    ).fetchone()[0]
    return count


def _lines_by_reason(state: sqlite3.Connection, pieces: PieceReader) -> dict[str, int]:
    """How many lines were removed, by reason; those of exact duplicates are not counted again."""
    total: Counter[str] = Counter()
    for piece in range(len(pieces.folders)):
        rows = {row for (row,) in state.execute("SELECT row FROM chosen WHERE piece = ?", (piece,))}
        lines = pieces.rows(piece, "removed_lines", ["row", "reason"])
        total.update(line["reason"] for line in lines if line["row"] in rows)
    return dict(sorted(total.items()))
