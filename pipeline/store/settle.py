"""
Settle the articles whose sources a run changed: which of them live, which source is canonical, and whose row they have.

The canonical source of an article is the smallest by path, then by record number, and its row is that of this source.

All of it is said of sets, in SQL, for a run's articles at once, be they new, changed or gone: 200,000 new ones take less
than half the time that they take one after the other. What a run touches is little beside a large store, so each statement
has to begin there. SQLite's planner knows no sizes, and is told by `CROSS JOIN`, which keeps the order of the tables, and by
`+`, which keeps it from the index on that side.
"""

import sqlite3
from collections.abc import Mapping
from itertools import groupby, starmap

from pipeline.errors import StoreError
from pipeline.store.place import NewArticle, place_articles

SETTLING = """
DROP TABLE IF EXISTS temp.staged;
DROP TABLE IF EXISTS temp.touched;
DROP TABLE IF EXISTS temp.settled;
DROP VIEW IF EXISTS temp.chosen;
DROP TABLE IF EXISTS temp.newcomers;
DROP TABLE IF EXISTS temp.texts;
DROP TABLE IF EXISTS temp.marks;
CREATE TEMP TABLE staged (      -- every record that became an article in this run
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    article_id BLOB NOT NULL,
    basis BLOB NOT NULL,
    piece INTEGER NOT NULL,
    row INTEGER NOT NULL,
    text_sha256 BLOB NOT NULL,
    text_bytes INTEGER NOT NULL,
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
CREATE TEMP TABLE touched (     -- articles whose sources or rows changed
    article_id BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TEMP TABLE settled (     -- those that have a source: the canonical one, and the row of this run, if it made one
    article_id BLOB PRIMARY KEY,
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    basis BLOB NOT NULL,
    piece INTEGER,
    row INTEGER,
    text_sha256 BLOB,
    text_bytes INTEGER
) WITHOUT ROWID;
CREATE TEMP VIEW chosen AS      -- those whose row comes from this run
    SELECT article_id, piece, row, text_sha256, text_bytes FROM settled WHERE piece IS NOT NULL;
CREATE TEMP TABLE newcomers (   -- those that the store did not know, numbered in the order of their sources
    number INTEGER PRIMARY KEY,
    article_id BLOB NOT NULL,
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    basis BLOB NOT NULL,
    bucket INTEGER,
    text_sha256 BLOB NOT NULL,
    text_bytes INTEGER NOT NULL
);
CREATE TEMP TABLE texts (       -- texts of which another group of articles has become
    text_sha256 BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TEMP TABLE marks (       -- articles that have become, or ceased to be, a duplicate of another
    article_id BLOB PRIMARY KEY,
    bucket INTEGER NOT NULL,
    duplicate_of BLOB
) WITHOUT ROWID;
"""
"""Temporary tables of a commit, empty. Whoever takes in a run fills `staged`, and `touched` with all that lost a source."""

# The bare columns of an aggregate are those of the row with its minimum. Both groups are in the order of an index, so
# nothing is sorted. A row that this run made of another source with the same hints is the same row.
_SETTLE = """
INSERT INTO settled
SELECT first.article_id, file_id, record, first.basis, piece, row, text_sha256, text_bytes FROM (
    SELECT article_id, file_id, record, basis, min(key) FROM (
        SELECT article_id, file_id, min(record) AS record, basis
        FROM touched CROSS JOIN records USING (article_id) GROUP BY article_id, file_id
    ) CROSS JOIN raw_files USING (file_id) GROUP BY article_id
) AS first LEFT JOIN staged USING (file_id, record)
"""
_CHOOSE_ANOTHER = """
UPDATE settled SET piece = other.piece, row = other.row, text_sha256 = other.text_sha256, text_bytes = other.text_bytes
FROM (
    SELECT settled.article_id, staged.piece, staged.row, staged.text_sha256, staged.text_bytes, min(key)
    FROM settled CROSS JOIN records ON records.article_id = settled.article_id AND records.basis = settled.basis
    CROSS JOIN staged ON staged.file_id = records.file_id AND staged.record = records.record
    CROSS JOIN raw_files ON raw_files.file_id = records.file_id
    WHERE settled.piece IS NULL GROUP BY settled.article_id
) AS other WHERE settled.article_id = +other.article_id
"""
_UNKNOWN = "settled LEFT JOIN articles ON articles.article_id = settled.article_id WHERE articles.article_id IS NULL"
_WITHOUT_ROW = f"SELECT settled.article_id FROM {_UNKNOWN} AND piece IS NULL LIMIT 1"  # noqa: S608 - our own words
_LEAVE_TO_NEXT_RUN = """
UPDATE raw_files SET settings = '' WHERE file_id IN (
    SELECT settled.file_id FROM settled CROSS JOIN articles USING (article_id)
    WHERE piece IS NULL AND articles.basis <> settled.basis
)
"""
_FIND_NEWCOMERS = f"""
INSERT INTO newcomers (article_id, file_id, record, basis, text_sha256, text_bytes)
SELECT article_id, file_id, record, basis, text_sha256, text_bytes
FROM (SELECT settled.* FROM {_UNKNOWN}) CROSS JOIN raw_files USING (file_id) ORDER BY key, record
"""  # noqa: S608 - as above
_PLACE_NEWCOMERS = "UPDATE newcomers SET bucket = ? WHERE number BETWEEN ? AND ?"
# In the order of their ids, so that the tree of articles is gone through once.
_INSERT_NEWCOMERS = """
INSERT INTO articles (article_id, file_id, record, basis, bucket, text_sha256, text_bytes, ingested_at)
SELECT article_id, file_id, record, basis, bucket, text_sha256, text_bytes, ? FROM newcomers ORDER BY article_id
"""
# Of newcomers, nearly all of which have a text of their own, only the others are looked at.
_SHARED_TEXTS = """
INSERT OR IGNORE INTO texts SELECT text_sha256 FROM newcomers WHERE EXISTS (
    SELECT 1 FROM articles WHERE articles.text_sha256 = newcomers.text_sha256 AND article_id <> newcomers.article_id
)
"""
_MARK = """
INSERT INTO marks
SELECT article_id, bucket, first FROM (
    SELECT article_id, bucket, duplicate_of,
        nullif(min(article_id) OVER (PARTITION BY text_sha256), article_id) AS first
    FROM texts CROSS JOIN articles USING (text_sha256)
) WHERE duplicate_of IS NOT first
"""


def settle_articles(state: sqlite3.Connection, former_bucket: Mapping[int, int], now: int) -> set[int]:
    """
    Bring `articles` in line with the sources in `records`; returns the buckets to be written.

    `former_bucket` says where a changed file's articles stood, by its number; `now` is when new ones come in, in
    microseconds since 1970.
    """
    state.execute("INSERT OR IGNORE INTO touched SELECT article_id FROM staged")
    state.execute(_SETTLE)
    state.execute(_CHOOSE_ANOTHER)
    buckets = set(_numbers(state, "SELECT DISTINCT bucket FROM touched CROSS JOIN articles USING (article_id)"))
    _note_texts(state)  # that they had
    _remove_sourceless(state)
    _update_known(state)
    _note_texts(state)  # that they have
    buckets |= _insert_newcomers(state, former_bucket, now)
    state.execute(_SHARED_TEXTS)
    state.execute(_MARK)
    state.execute(
        "UPDATE articles SET duplicate_of = marks.duplicate_of FROM marks WHERE articles.article_id = +marks.article_id"
    )
    return buckets.union(_numbers(state, "SELECT bucket FROM marks"))


def count_duplicates(state: sqlite3.Connection) -> int:
    """Records of this run that became articles whose canonical source is another one."""
    count: int = state.execute(
        "SELECT count(*) FROM staged CROSS JOIN settled USING (article_id)"
        " WHERE (settled.file_id, settled.record) <> (staged.file_id, staged.record)"
    ).fetchone()[0]
    return count


def _note_texts(state: sqlite3.Connection) -> None:
    """Note the texts of the known articles."""
    state.execute("INSERT OR IGNORE INTO texts SELECT text_sha256 FROM touched CROSS JOIN articles USING (article_id)")


def _remove_sourceless(state: sqlite3.Connection) -> None:
    """An article dies with its last source."""
    state.execute(
        "DELETE FROM articles WHERE article_id IN (SELECT article_id FROM touched EXCEPT SELECT article_id FROM settled)"
    )


def _update_known(state: sqlite3.Connection) -> None:
    """
    Let the known articles have the row of this run, where there is one, and their canonical source.

    Where the canonical source has other hints than the row, its file was to be cleaned again, but that failed: the old row
    stays until the next run does it.
    """
    missing = state.execute(_WITHOUT_ROW).fetchone()
    if missing is not None:
        raise StoreError(f"article {missing[0].hex()}: has sources, but no row; `pipeline verify` says what to do")
    state.execute(_LEAVE_TO_NEXT_RUN)
    state.execute(
        "UPDATE articles SET basis = settled.basis, text_sha256 = settled.text_sha256, text_bytes = settled.text_bytes"
        " FROM settled WHERE articles.article_id = +settled.article_id AND piece IS NOT NULL"
    )
    state.execute(
        "UPDATE articles SET file_id = settled.file_id, record = settled.record"
        " FROM settled WHERE articles.article_id = +settled.article_id"
    )


def _insert_newcomers(state: sqlite3.Connection, former_bucket: Mapping[int, int], now: int) -> set[int]:
    """Place what is new in buckets, in the order of its sources; returns the buckets."""
    state.execute(_FIND_NEWCOMERS)
    found = state.execute("SELECT file_id, text_bytes FROM newcomers ORDER BY number").fetchall()
    used: set[int] = set()
    number = 1
    for bucket, run in groupby(place_articles(state, starmap(NewArticle, found), former_bucket)):
        following = number + sum(1 for _ in run)
        state.execute(_PLACE_NEWCOMERS, (bucket, number, following - 1))
        used.add(bucket)
        number = following
    state.execute(_INSERT_NEWCOMERS, (now,))
    return used


def _numbers(state: sqlite3.Connection, query: str) -> list[int]:
    return [number for (number,) in state.execute(query)]
