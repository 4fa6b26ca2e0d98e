"""
The rows of one bucket, put together from its old part, the run's pieces, and what only the state knows.

The state fills in the columns that depend on the whole store: the sources, the file's hash, duplicates, and when the
article first came in.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StoreError
from pipeline.store.pieces import PieceReader
from pipeline.tables import ARTICLES, REJECTED, REMOVED_LINES

# What the state knows of the articles of a bucket: the columns, the same in SQL, and where they are found.
_KNOWN_NAMES = ("source", "sources", "raw_sha256", "duplicate_of", "ingested_at")
_KNOWN = "key || '#' || record, sha256, lower(nullif(hex(duplicate_of), '')), ingested_at"
_IN_BUCKET = "articles JOIN raw_files USING (file_id) WHERE bucket = ? ORDER BY key, record"
_CHOSEN_IN_BUCKET = _IN_BUCKET.replace(" WHERE", " LEFT JOIN chosen USING (article_id) WHERE")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the state says of a bucket's articles, in the order of their rows."""

    article_ids: Sequence[str]
    pieces: Sequence[int | None]  # where the row of each comes from; None: it is in the bucket's old part
    rows: Sequence[int | None]
    known: pa.Table  # the columns that the state knows


def contents_of(state: sqlite3.Connection, bucket: int) -> Contents:
    """All that is asked of the state for a bucket, at once: to find its articles takes a while."""
    found = state.execute(
        f"SELECT lower(hex(article_id)), piece, row, {_KNOWN} FROM {_CHOSEN_IN_BUCKET}",  # noqa: S608 - our own names
        (bucket,),
    )
    ids, pieces, rows, *known = _columns(found, 2 + len(_KNOWN_NAMES))
    return Contents(ids, pieces, rows, _known_columns(ids, known, _further_sources(state, bucket)))


def article_rows(contents: Contents, old: tuple[pa.Table, pa.Table], pieces: PieceReader) -> tuple[pa.Table, pa.Table]:
    """A bucket's rows of `articles` and of `removed_lines`, sorted by source and by line; in any thread."""
    old_articles, old_removed = old
    by_piece: dict[int, list[int]] = defaultdict(list)
    for piece, row in zip(contents.pieces, contents.rows, strict=True):
        if piece is not None and row is not None:
            by_piece[piece].append(row)
    places = zip(contents.article_ids, contents.pieces, strict=True)
    kept = _among(old_articles, [article_id for article_id, piece in places if piece is None])
    articles = pa.concat_tables([kept, *(pieces.articles(piece, rows) for piece, rows in by_piece.items())])
    removed = pa.concat_tables(
        [
            _among(old_removed, kept["article_id"].to_pylist()),
            *(pieces.removed_lines(piece, rows).select(REMOVED_LINES.names) for piece, rows in by_piece.items()),
        ]
    )
    order = pa.array(contents.article_ids, pa.string())
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
    found = state.execute(f"SELECT lower(hex(article_id)), {_KNOWN} FROM {_IN_BUCKET}", (bucket,))  # noqa: S608 - our own names
    ids, *known = _columns(found, len(_KNOWN_NAMES))
    return _known_columns(ids, known, _further_sources(state, bucket))


def _columns(rows: Iterable[Sequence[Any]], count: int) -> Sequence[Sequence[Any]]:
    """So many columns of rows, of which there may be none."""
    return list(zip(*rows, strict=True)) or [()] * count


def _known_columns(
    ids: Sequence[str], known: Sequence[Sequence[Any]], further: Mapping[str, Sequence[str]]
) -> pa.Table:
    first, *others = known
    sources = [[source, *further.get(article_id, ())] for article_id, source in zip(ids, first, strict=True)]
    schema = pa.schema([ARTICLES.field(name) for name in _KNOWN_NAMES])
    columns = zip([first, sources, *others], schema, strict=True)
    return pa.Table.from_arrays([pa.array(column, field.type) for column, field in columns], schema=schema)


def _further_sources(state: sqlite3.Connection, bucket: int) -> dict[str, list[str]]:
    """The sources of a bucket's articles besides the canonical ones, in order, by article."""
    rows = state.execute(
        "SELECT lower(hex(article_id)), key || '#' || records.record FROM articles CROSS JOIN records USING (article_id)"
        " CROSS JOIN raw_files ON raw_files.file_id = records.file_id"
        " WHERE bucket = ? AND (records.file_id, records.record) <> (articles.file_id, articles.record)"
        " ORDER BY key, records.record",
        (bucket,),
    )
    further: dict[str, list[str]] = defaultdict(list)
    for article_id, source in rows:
        further[article_id].append(source)
    return further


def _among(table: pa.Table, article_ids: Sequence[str | None]) -> pa.Table:
    """The rows of these articles; mostly that is all of them, and then no text is copied."""
    among = pc.is_in(table["article_id"], value_set=pa.array(article_ids, pa.string()))
    return table if pc.all(among).as_py() else table.filter(among)


def _in_order(articles: pa.Table, article_ids: pa.StringArray) -> pa.Table:
    """The rows of these articles, in their order, without copying texts that are; each must be there exactly once."""
    at = pc.index_in(article_ids, value_set=articles["article_id"])
    if at.null_count or len(at) != len(articles):
        missing = article_ids.filter(pc.is_null(at)).to_pylist()
        raise StoreError(
            f"{len(missing)} of {len(article_ids)} articles of a part are not in it, the first is {missing[:1]};"
            " `pipeline verify` says what to do"
        )
    return articles if at.equals(pa.array(range(len(at)), at.type)) else articles.take(at)


def _complete(known: pa.Table, articles: pa.Table) -> pa.Table:
    """Fill in the columns that the state knows."""
    columns = [(known if name in known.column_names else articles)[name] for name in ARTICLES.names]
    return pa.Table.from_arrays(columns, schema=ARTICLES).combine_chunks()


def _sorted_lines(removed: pa.Table, article_ids: pa.StringArray) -> pa.Table:
    """Removed lines in the order of their articles, and within one as they stood in the document."""
    place = pc.index_in(removed["article_id"], value_set=article_ids)
    by: list[tuple[str, Literal["ascending", "descending"]]] = [
        ("place", "ascending"),
        ("line", "ascending"),
        ("start", "ascending"),
    ]
    return removed.append_column("place", place).sort_by(by).select(REMOVED_LINES.names).combine_chunks()
