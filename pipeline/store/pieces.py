"""
Pieces: what a worker hands to the commit, one folder a shard.

They are the published tables' rows with the columns by which the commit finds them: the file's key, the record's
number, the basis of the cleaning, and for a removed line the row of its article within the piece.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.tables import ARTICLES, REMOVED_LINES


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


def _joined(*schemas: pa.Schema) -> pa.Schema:
    return pa.schema([field for schema in schemas for field in schema])


_PLACE = _schema(key=pa.string(), record=pa.int64(), basis=pa.binary())

ARTICLE_PIECE = _joined(_PLACE, _schema(text_bytes=pa.int64()), ARTICLES)
REMOVED_PIECE = _joined(_schema(row=pa.int64()), REMOVED_LINES)
REJECTED_PIECE = _joined(_PLACE, _schema(reason=pa.string(), detail=pa.string(), size=pa.int64()))
FILE_PIECE = _schema(
    key=pa.string(),
    size=pa.int64(),
    mtime_ns=pa.int64(),
    ctime_ns=pa.int64(),
    inode=pa.int64(),
    sha256=pa.string(),
)

_OPEN_PIECES = 4  # buckets are filled in the order of the shards, so few are needed at a time


class PieceReader:
    """Reads the pieces of a run's shards, and keeps the last few in memory."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._load = lru_cache(maxsize=2 * _OPEN_PIECES)(self._read)

    def rows(self, piece: int, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
        """Some columns of a piece as rows, not kept in memory; None for all columns."""
        return pq.ParquetFile(self.folders[piece] / f"{name}.parquet").read(columns).to_pylist()

    def articles(self, piece: int) -> pa.Table:
        """Rows of `articles`, in the order in which the shard gave them."""
        return self._load(piece, "articles").select(ARTICLES.names)

    def removed_lines(self, piece: int) -> pa.Table:
        """Rows of `removed_lines` with the column `row`."""
        return self._load(piece, "removed_lines")

    def _read(self, piece: int, name: str) -> pa.Table:
        return pq.ParquetFile(self.folders[piece] / f"{name}.parquet").read()
