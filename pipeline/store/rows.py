"""
The rows of one bucket, put together from its old part, the run's pieces, and what only the state knows.

The state fills in the columns that depend on the whole store: the sources, the file's hash, duplicates, and when the
article first came in.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StoreError
from pipeline.store.pieces import PieceReader
from pipeline.tables import ARTICLES, REJECTED, REMOVED_LINES

# What the state knows of the articles of a bucket: the columns, the same in SQL, and where they are found.
_KNOWN_NAMES = ("source", "sources", "raw_sha256", "duplicate_of", "ingested_at")
_KNOWN = "lower(hex(article_id)), key || '#' || record, sha256, lower(nullif(hex(duplicate_of), '')), ingested_at"
_IN_BUCKET = "articles JOIN raw_files USING (file_id) WHERE bucket = ? ORDER BY key, record"
_CHOSEN_IN_BUCKET = _IN_BUCKET.replace(" WHERE", " LEFT JOIN chosen USING (article_id) WHERE")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the row of one article comes from."""

    article_id: str
    piece: int | None  # None: its row is in the bucket's old part
    row: int | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What the state says of a bucket's articles, in the order of their rows."""

    places: Sequence[_Place]
    known: pa.Table  # the columns that it knows


def contents_of(state: sqlite3.Connection, bucket: int) -> Contents:
    """All that is asked of the state for a bucket, at once: to find its articles takes a while."""
    found = state.execute(
        f"SELECT {_KNOWN}, piece, row FROM {_CHOSEN_IN_BUCKET}",  # noqa: S608 - our own names
        (bucket,),
    ).fetchall()
    places = [_Place(article_id, piece, row) for article_id, *_, piece, row in found]
    return Contents(places, _known_columns([row[:-2] for row in found], _sources(state, bucket)))


def article_rows(contents: Contents, old: tuple[pa.Table, pa.Table], pieces: PieceReader) -> tuple[pa.Table, pa.Table]:
    """A bucket's rows of `articles` and of `removed_lines`, sorted by source and by line; in any thread."""
    old_articles, old_removed = old
    by_piece: dict[int, list[int]] = defaultdict(list)
    for place in contents.places:
        if place.piece is not None and place.row is not None:
            by_piece[place.piece].append(place.row)
    kept = _among(old_articles, "article_id", [place.article_id for place in contents.places if place.piece is None])
    articles = pa.concat_tables([kept, *(pieces.articles(piece, rows) for piece, rows in by_piece.items())])
    removed = pa.concat_tables(
        [
            _among(old_removed, "article_id", kept["article_id"].to_pylist()),
            *(pieces.removed_lines(piece, rows).select(REMOVED_LINES.names) for piece, rows in by_piece.items()),
        ]
    )
    order = [place.article_id for place in contents.places]
    return _complete(contents.known, _in_order(articles, order)), _sorted_lines(removed, order)


def rejected_rows(state: sqlite3.Connection, bucket: int) -> pa.Table:
    """The bucket's rows of `rejected`, sorted by source; the state holds all of them."""
    rows = state.execute(
        "SELECT key || '#' || record, sha256, reason, detail, rejections.size, byte_offset, attempts, first_seen, last_seen"
        " FROM rejections JOIN raw_files USING (file_id) WHERE bucket = ? ORDER BY key, record",
        (bucket,),
    ).fetchall()
    return pa.Table.from_pylist([dict(zip(REJECTED.names, row, strict=True)) for row in rows], schema=REJECTED)


def order_of(state: sqlite3.Connection, bucket: int) -> list[str]:
    """The ids of a bucket's articles, in the order of their rows."""
    rows = state.execute(
        "SELECT lower(hex(article_id)) FROM articles JOIN raw_files USING (file_id) WHERE bucket = ?"
        " ORDER BY key, record",
        (bucket,),
    )
    return [article_id for (article_id,) in rows]


def known_columns(state: sqlite3.Connection, bucket: int) -> pa.Table:
    """The columns of a bucket's articles that come from the state, in the order of the rows."""
    rows = state.execute(f"SELECT {_KNOWN} FROM {_IN_BUCKET}", (bucket,)).fetchall()  # noqa: S608 - our own names
    return _known_columns(rows, _sources(state, bucket))


def _known_columns(rows: Sequence[Sequence[Any]], sources: Mapping[str, list[str]]) -> pa.Table:
    ids, first, *others = zip(*rows, strict=True) if rows else ((),) * len(_KNOWN_NAMES)
    columns = [
        first,
        [sources.get(article_id, [source]) for article_id, source in zip(ids, first, strict=True)],
        *others,
    ]
    schema = pa.schema([ARTICLES.field(name) for name in _KNOWN_NAMES])
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _sources(state: sqlite3.Connection, bucket: int) -> dict[str, list[str]]:
    """All sources of those articles of a bucket that have several, by article."""
    rows = state.execute(
        "SELECT lower(hex(article_id)), key || '#' || record FROM records JOIN raw_files USING (file_id)"
        " WHERE article_id IN (SELECT article_id FROM articles JOIN records USING (article_id) WHERE bucket = ?"
        " GROUP BY article_id HAVING count(*) > 1) ORDER BY key, record",
        (bucket,),
    )
    sources: dict[str, list[str]] = defaultdict(list)
    for article_id, source in rows:
        sources[article_id].append(source)
    return sources


def _among(table: pa.Table, column: str, values: Sequence[object]) -> pa.Table:
    """The rows with one of these values; mostly that is all of them, and then no text is copied."""
    wanted = pa.array(values, table.schema.field(column).type)
    among = pc.is_in(table[column], value_set=wanted)
    return table if pc.all(among).as_py() else table.filter(among)


def _in_order(articles: pa.Table, order: Sequence[str]) -> pa.Table:
    """The rows of `articles` in the order of these ids; each must be there exactly once."""
    index = {article_id: row for row, article_id in enumerate(articles["article_id"].to_pylist())}
    missing = [article_id for article_id in order if article_id not in index]
    if missing or len(order) != len(articles):
        raise StoreError(
            f"{len(missing)} of {len(order)} articles of a part are not in it, the first is {missing[:1]};"
            " `pipeline verify` says what to do"
        )
    return articles.take(pa.array([index[article_id] for article_id in order], pa.int64()))


def _complete(known: pa.Table, articles: pa.Table) -> pa.Table:
    """Fill in the columns that the state knows."""
    columns = [(known if name in known.column_names else articles)[name] for name in ARTICLES.names]
    return pa.Table.from_arrays(columns, schema=ARTICLES).combine_chunks()


def _sorted_lines(removed: pa.Table, order: Sequence[str]) -> pa.Table:
    """Removed lines in the order of their articles, and within one as they stood in the document."""
    place = pc.index_in(removed["article_id"], value_set=pa.array(order, pa.string()))
    by: list[tuple[str, Literal["ascending", "descending"]]] = [
        ("place", "ascending"),
        ("line", "ascending"),
        ("start", "ascending"),
    ]
    return removed.append_column("place", place).sort_by(by).select(REMOVED_LINES.names).combine_chunks()
