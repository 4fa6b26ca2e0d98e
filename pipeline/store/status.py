"""What is in a store, at a glance, and what its runs did."""

import json
import os
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.report import RunReport
from pipeline.store.layout import Layout
from pipeline.store.look import ask_state
from pipeline.store.pieces import pieces_left
from pipeline.store.state import current_number, reports, store_counts


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """A snapshot that can still be read."""

    number: int
    committed_at: datetime
    bytes: int  # of its parts; most of them are shared with other snapshots


@dataclass(frozen=True, slots=True)
class Status:
    """The last commit of a store, and what stands beside it."""

    clean: Path
    snapshot: int
    raw_files: int
    articles: int
    sources: int  # of all articles; more than articles where raw records are exact duplicates
    rejected: int
    raw_bytes: int
    parquet_bytes: int  # of all tables, as readers see them
    store_bytes: int  # all that is below `.store`: the state, and parts of any snapshot, each counted once
    snapshots: tuple[KeptSnapshot, ...]
    waiting_shards: int  # finished by a run that is active or died before its commit
    last_run: RunReport | None

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False)


def status(clean: Path = Path("clean")) -> Status:
    """Count what the store below `clean` holds; `StoreError` where there is none."""
    layout = Layout(clean)
    return ask_state(layout, lambda state: _status(layout, state))


def history(clean: Path = Path("clean"), limit: int = 20) -> list[RunReport]:
    """The last runs, the latest first."""
    return [RunReport.from_json(report) for report in ask_state(Layout(clean), lambda state: reports(state, limit))]


def _status(layout: Layout, state: sqlite3.Connection) -> Status:
    raw_files, articles, sources, rejected = store_counts(state)
    raw_bytes = state.execute("SELECT coalesce(sum(size), 0) FROM raw_files").fetchone()[0]
    parquet_bytes = state.execute("SELECT coalesce(sum(bytes), 0) FROM parts").fetchone()[0]
    times = dict(state.execute("SELECT snapshot, committed_at FROM snapshots").fetchall())
    last = reports(state, 1)
    return Status(
        clean=layout.clean,
        snapshot=current_number(state),
        raw_files=raw_files,
        articles=articles,
        sources=sources,
        rejected=rejected,
        raw_bytes=raw_bytes,
        parquet_bytes=parquet_bytes,
        store_bytes=_bytes_below(layout.store),
        snapshots=tuple(
            KeptSnapshot(
                number,
                datetime.fromtimestamp(committed_at / 1e6, UTC),
                _bytes_below(layout.snapshot(number)),
            )
            for number, committed_at in sorted(times.items())
            if layout.snapshot(number).is_dir()
        ),
        waiting_shards=len(pieces_left(layout)),
        last_run=RunReport.from_json(last[0]) if last else None,
    )


def _bytes_below(folder: Path) -> int:
    """The size of all files below a folder, those with several names once; an active run may remove some meanwhile."""
    sizes: dict[int, int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                found = Path(parent, name).lstat()
                sizes[found.st_ino] = found.st_size
    return sum(sizes.values())
