"""
The state database: which raw files are known, what their records became, and which parts hold the rows.

Identifiers are stored as 16-byte blobs and in sorted batches: with a million articles, random text keys cost
gigabytes of log. Times are microseconds since 1970, UTC.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.records import RawFile, RejectReason
from pipeline.store.layout import Layout

KEPT_RUNS = 1_000
MOST_CACHE_KIB = 256 * 1024
"""
For SQLite's pages, taken as they are needed: so much for a million new articles in one run, little for a usual one.

Ids are random, so each insert touches other pages. Those that find no room are written to the log over and over: with
SQLite's own 2 MB, 300,000 articles at once write 3.6 GB for a database of 80 MB; like this, each page once.
"""
MOST_TEMPORARY_KIB = 64 * 1024
"""For the pages of a commit's temporary tables, 150 bytes an article; what finds no room goes to a file and back."""
RACY_NS = (
    2_000_000_000  # a file changed so shortly before its bytes were compared may change again under the same times
)

_SCHEMA = """
CREATE TABLE raw_files (
    file_id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,       -- below raw/, as the file system knows it
    key TEXT NOT NULL,               -- the same as text (`discover.key_of`); sorts the rows
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    scanned_ns INTEGER NOT NULL,     -- when the scan began that last compared the bytes
    sha256 TEXT NOT NULL,            -- empty when the file could not be read
    settings TEXT NOT NULL           -- digest it was cleaned with; empty: clean it again
);
CREATE TABLE records (
    file_id INTEGER NOT NULL REFERENCES raw_files,
    record INTEGER NOT NULL,
    article_id BLOB,                 -- null: rejected
    basis BLOB NOT NULL,             -- digest of the hints and the settings the record was cleaned with
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
CREATE INDEX records_by_article ON records (article_id) WHERE article_id IS NOT NULL;
CREATE TABLE articles (
    article_id BLOB PRIMARY KEY,
    file_id INTEGER NOT NULL,        -- its canonical source
    record INTEGER NOT NULL,
    basis BLOB NOT NULL,             -- of the cleaning that the row comes from
    bucket INTEGER NOT NULL,
    text_sha256 BLOB NOT NULL,
    text_bytes INTEGER NOT NULL,
    duplicate_of BLOB,
    ingested_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX articles_by_bucket ON articles (bucket);
CREATE INDEX articles_by_text ON articles (text_sha256);
CREATE TABLE rejections (
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    byte_offset INTEGER,             -- of the record, where it has one
    attempts INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
CREATE INDEX rejections_by_bucket ON rejections (bucket);
CREATE TABLE parts (
    part_of TEXT NOT NULL,           -- the table
    bucket INTEGER NOT NULL,
    name TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    sources INTEGER NOT NULL,        -- of all its articles; 0 in the other tables
    PRIMARY KEY (part_of, bucket)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    snapshot INTEGER PRIMARY KEY,
    committed_at INTEGER NOT NULL,
    schema_version INTEGER NOT NULL  -- of the published tables
);
CREATE TABLE runs (run_id TEXT PRIMARY KEY, finished_at INTEGER NOT NULL, report TEXT NOT NULL);
"""

_SITE_MEASURES = """
CREATE TABLE site_measures (         -- what the articles of a site look like; see `drift.py`
    site TEXT NOT NULL,              -- empty: articles of which no site is known
    is_past INTEGER NOT NULL,        -- 1: what new articles are compared with; 0: those that wait to be compared
    articles REAL NOT NULL,          -- how many, or as many as the past counts for
    share_sum REAL NOT NULL,         -- of the removed share
    share_squares REAL NOT NULL,
    length_sum REAL NOT NULL,        -- of the natural logarithm of the number of words
    length_squares REAL NOT NULL,
    PRIMARY KEY (site, is_past)
) WITHOUT ROWID;
"""

STATE_VERSION = 5
"""Of the tables above; those that are published have a version of their own in `pipeline/tables.py`."""

_UPGRADES = {
    1: "ALTER TABLE snapshots ADD COLUMN schema_version INTEGER NOT NULL DEFAULT 1;",
    2: "ALTER TABLE rejections ADD COLUMN byte_offset INTEGER;",
    3: "ALTER TABLE parts ADD COLUMN sources INTEGER NOT NULL DEFAULT 0; UPDATE parts SET sources ="
    " (SELECT count(*) FROM articles JOIN records USING (article_id) WHERE articles.bucket = parts.bucket)"
    " WHERE part_of = 'articles';",
    4: _SITE_MEASURES,
}
"""What makes a state of this version one of the next."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A raw file as the last commit left it."""

    file_id: int
    key: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    scanned_ns: int
    sha256: str
    settings: str

    def same_status(self, file: RawFile) -> bool:
        """Whether nothing the file system tells about it has changed; ctime betrays times set by hand."""
        return (self.size, self.mtime_ns, self.ctime_ns, self.inode) == (
            file.size,
            file.mtime_ns,
            file.ctime_ns,
            file.inode,
        )

    def proves_unchanged(self, file: RawFile) -> bool:
        """Whether the file status alone proves the bytes unchanged; of an unreadable file there is nothing else."""
        settled_ns = self.scanned_ns - RACY_NS
        return self.same_status(file) and (not self.sha256 or max(file.mtime_ns, file.ctime_ns) < settled_ns)


@contextmanager
def open_state(layout: Layout) -> Iterator[sqlite3.Connection]:
    """
    Connect to the state, made or brought up to date if need be. Transactions are begun and ended by hand.

    For runs, which hold the lock; whoever only looks does so by `ask_state`.
    """
    try:
        with closing(sqlite3.connect(layout.state, isolation_level=None, timeout=30)) as state:
            state.execute("PRAGMA journal_mode = WAL")
            state.execute("PRAGMA synchronous = FULL")
            state.execute(f"PRAGMA cache_size = -{MOST_CACHE_KIB}")
            state.execute(f"PRAGMA temp.cache_size = -{MOST_TEMPORARY_KIB}")
            bring_up_to_date(state, layout.state)
            yield state
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{layout.state}: {error}") from error


@contextmanager
def transaction(state: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any exception."""
    state.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        state.execute("ROLLBACK")
        raise
    state.execute("COMMIT")


def known_files(state: sqlite3.Connection) -> dict[str, KnownFile]:
    """Every raw file of the store by its key."""
    rows = state.execute(
        "SELECT file_id, key, size, mtime_ns, ctime_ns, inode, scanned_ns, sha256, settings FROM raw_files"
    )
    return {row[1]: KnownFile(*row) for row in rows}


def rejected_files(state: sqlite3.Connection, reasons: Collection[RejectReason]) -> list[str]:
    """Keys of the raw files with a record that was rejected for one of these reasons."""
    rows = state.execute(
        "SELECT DISTINCT key FROM rejections JOIN raw_files USING (file_id)"
        " WHERE reason IN (SELECT value FROM json_each(?)) ORDER BY key",
        (json.dumps([reason.value for reason in reasons]),),
    )
    return [key for (key,) in rows]


def current_number(state: sqlite3.Connection) -> int:
    """The last committed snapshot; 0 before the first."""
    number: int = state.execute("SELECT coalesce(max(snapshot), 0) FROM snapshots").fetchone()[0]
    return number


def published_schema(state: sqlite3.Connection) -> int | None:
    """The version of the tables' schema in the last committed snapshot; None before the first."""
    row = state.execute("SELECT schema_version FROM snapshots ORDER BY snapshot DESC LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def live_parts(state: sqlite3.Connection) -> dict[tuple[str, int], str]:
    """The part file of every bucket that holds rows, by table and bucket."""
    rows = state.execute("SELECT part_of, bucket, name FROM parts ORDER BY part_of, bucket")
    return {(table, bucket): name for table, bucket, name in rows}


def store_counts(state: sqlite3.Connection) -> tuple[int, int, int, int]:
    """
    How many raw files, articles, sources of articles, and rejected records there are.

    As the parts say, which hold all of them: to count a million rows takes as long as to add a hundred.
    """
    counts: tuple[int, int, int, int] = state.execute(
        "SELECT (SELECT count(*) FROM raw_files), coalesce(sum(row_count) FILTER (WHERE part_of = 'articles'), 0),"
        " coalesce(sum(sources), 0), coalesce(sum(row_count) FILTER (WHERE part_of = 'rejected'), 0) FROM parts"
    ).fetchone()
    return counts


def keep_report(state: sqlite3.Connection, run_id: str, finished_at: int, report: str) -> None:
    """Add a run to the history, which is cut to its last runs."""
    state.execute("INSERT INTO runs VALUES (?, ?, ?)", (run_id, finished_at, report))
    state.execute(
        "DELETE FROM runs WHERE run_id NOT IN (SELECT run_id FROM runs ORDER BY run_id DESC LIMIT ?)", (KEPT_RUNS,)
    )


def reports(state: sqlite3.Connection, limit: int) -> list[str]:
    """The reports of the last runs, the latest first."""
    rows = state.execute("SELECT report FROM runs ORDER BY run_id DESC LIMIT ?", (limit,))
    return [report for (report,) in rows]


def status_of(file: RawFile) -> tuple[int, int, int, int]:
    """The columns size, mtime_ns, ctime_ns, inode."""
    return file.size, file.mtime_ns, file.ctime_ns, file.inode


def bring_up_to_date(state: sqlite3.Connection, path: Path) -> None:
    """
    Make the tables of a new state, and change those of an older one to what this program knows; all or nothing.

    Only the state's own tables change here. Where the columns of the published tables are new, the settings are too:
    all raw files are cleaned again, and one commit replaces every part (`commit.py`).
    """
    version = state.execute("PRAGMA user_version").fetchone()[0]
    if version == STATE_VERSION:
        return
    if version > STATE_VERSION:
        raise StoreError(
            f"{path}: made by a newer version of this program (state {version}, this one knows {STATE_VERSION});"
            " use that version, or move the store away and run again: everything in it is made from the raw files"
        )
    steps = "".join(_UPGRADES[step] for step in range(version, STATE_VERSION)) if version else _SCHEMA + _SITE_MEASURES
    state.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {STATE_VERSION}; COMMIT;")
