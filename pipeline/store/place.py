"""
Sticky buckets: a row is assigned to a bucket once and never moves, so a change rewrites only the parts it touches.

New rows fill the last bucket. The articles of one raw file stay together, and those of a changed file go where its
former ones stood: buckets keep their size over many changes, and a later change of the file touches one part.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.store.state import key_of_file

BUCKET_ROWS = 2_000
BUCKET_BYTES = 24 * 1024 * 1024
"""
Of text: what a part takes that is written anew for each addition. Packed by zstd it is some 9 MB, so that an addition
writes less than 15 MB in all also where articles are long; those of 12 KB and less fill a part by their number.
"""


@dataclass(frozen=True, slots=True)
class NewArticle:
    """An article that the store did not know."""

    article_id: bytes
    file_id: int
    record: int
    basis: bytes
    text_sha256: bytes
    text_bytes: int


@dataclass(slots=True)
class _Fill:
    """How full a bucket is."""

    rows: int = 0
    text_bytes: int = 0

    def has_room(self, rows: int, text_bytes: int) -> bool:
        """An empty bucket takes anything: one text may be larger than a part should be."""
        if not self.rows:
            return True
        return self.rows + rows <= BUCKET_ROWS and self.text_bytes + text_bytes <= BUCKET_BYTES


def place_articles(
    state: sqlite3.Connection, articles: Iterable[NewArticle], former_bucket: Mapping[int, int], now: int
) -> set[int]:
    """Insert new articles, each in its bucket, in the order of their sources; returns the buckets used."""
    new = list(articles)
    keys = {file_id: key_of_file(state, file_id) for file_id in {article.file_id for article in new}}
    new.sort(key=lambda article: (keys[article.file_id], article.record))
    fills: dict[int, _Fill] = {}
    last = _last_bucket(state, "articles")
    used: set[int] = set()
    for file_id, group in groupby(new, key=lambda article: article.file_id):
        rows = list(group)
        bucket = _bucket_for(state, rows, [former_bucket.get(file_id), last], fills)
        for article in rows:
            if bucket is None or not _fill(state, bucket, fills).has_room(1, article.text_bytes):
                last += 1
                bucket = last
            fill = _fill(state, bucket, fills)
            fill.rows += 1
            fill.text_bytes += article.text_bytes
            used.add(bucket)
            _insert(state, article, bucket, now)
    return used


def roomy_rejected_bucket(state: sqlite3.Connection) -> int:
    """The bucket for a newly rejected record."""
    last = _last_bucket(state, "rejections")
    rows: int = state.execute("SELECT count(*) FROM rejections WHERE bucket = ?", (last,)).fetchone()[0]
    return last if rows < BUCKET_ROWS else last + 1


def _bucket_for(
    state: sqlite3.Connection, rows: Sequence[NewArticle], candidates: Iterable[int | None], fills: dict[int, _Fill]
) -> int | None:
    """The first candidate that takes all rows of a file; None when they need a bucket of their own."""
    text_bytes = sum(row.text_bytes for row in rows)
    for bucket in candidates:
        if bucket and _fill(state, bucket, fills).has_room(len(rows), text_bytes):
            return bucket
    return None


def _fill(state: sqlite3.Connection, bucket: int, fills: dict[int, _Fill]) -> _Fill:
    if bucket not in fills:
        rows, text_bytes = state.execute(
            "SELECT count(*), coalesce(sum(text_bytes), 0) FROM articles WHERE bucket = ?", (bucket,)
        ).fetchone()
        fills[bucket] = _Fill(rows, text_bytes)
    return fills[bucket]


def _last_bucket(state: sqlite3.Connection, table: str) -> int:
    """The bucket with the highest number; numbers start at 1."""
    last: int = state.execute(f"SELECT coalesce(max(bucket), 1) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
    return last


def _insert(state: sqlite3.Connection, article: NewArticle, bucket: int, now: int) -> None:
    state.execute(
        "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        (
            article.article_id,
            article.file_id,
            article.record,
            article.basis,
            bucket,
            article.text_sha256,
            article.text_bytes,
            now,
        ),
    )
