"""
Sticky buckets: a row is assigned to a bucket once and never moves, so a change rewrites only the parts it touches.

New rows fill the last bucket. The articles of one raw file stay together, and those of a changed file go where its
former ones stood: buckets keep their size over many changes, and a later change of the file touches one part.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

BUCKET_ROWS = 2_000
BUCKET_BYTES = 24 * 1024 * 1024
"""
Of text: what a part takes that is written anew for each addition. Packed by zstd it is some 9 MB, so that an addition
writes less than 15 MB in all also where articles are long; those of 12 KB and less fill a part by their number.
"""


class NewArticle(NamedTuple):
    """What of an article that the store did not know decides about its place."""

    file_id: int
    text_bytes: int


class Room(NamedTuple):
    """The bucket that takes new rows; when it is full, others follow it."""

    bucket: int
    rows: int  # that it holds
    most: int  # that each may hold


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
    state: sqlite3.Connection, articles: Iterable[NewArticle], former_bucket: Mapping[int, int]
) -> Iterator[int]:
    """
    Give the bucket of each new article; they come in the order of their sources.

    A bucket is looked at in the state before the first time it is given, so articles may be inserted meanwhile.
    """
    fills: dict[int, _Fill] = {}
    last = _last_bucket(state, "articles")
    for file_id, group in groupby(articles, key=attrgetter("file_id")):
        rows = list(group)
        bucket = _bucket_for(state, rows, [former_bucket.get(file_id), last], fills)
        for article in rows:
            if bucket is None or not _fill(state, bucket, fills).has_room(1, article.text_bytes):
                last += 1
                bucket = last
            fill = _fill(state, bucket, fills)
            fill.rows += 1
            fill.text_bytes += article.text_bytes
            yield bucket


def rejected_room(state: sqlite3.Connection) -> Room:
    """Where newly rejected records go."""
    last = _last_bucket(state, "rejections")
    rows: int = state.execute("SELECT count(*) FROM rejections WHERE bucket = ?", (last,)).fetchone()[0]
    return Room(last, rows, BUCKET_ROWS)


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
