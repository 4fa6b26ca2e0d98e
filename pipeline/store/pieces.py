"""
Pieces: what a worker hands to the commit, one folder a shard.

They are the published tables' rows with the columns by which the commit finds them: the file's key, the record's
number, the basis of the cleaning, and for a removed line the row of its article within the piece.

A folder appears under its name when it is whole and synced, never before, so a run that dies loses only the shards that
were being worked on. `shard.json` says what the pieces were made with; `pipeline/resume.py` decides what may be used.
"""

import errno
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.layout import Layout, sync
from pipeline.store.parts import digest_of
from pipeline.store.state import KnownFile
from pipeline.tables import ARTICLES, REMOVED_LINES


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


def _joined(*schemas: pa.Schema) -> pa.Schema:
    return pa.schema([field for schema in schemas for field in schema])


_PLACE = _schema(key=pa.string(), record=pa.int64(), basis=pa.binary())

PIECES: Mapping[str, pa.Schema] = {
    "files": _schema(
        key=pa.string(),
        size=pa.int64(),
        mtime_ns=pa.int64(),
        ctime_ns=pa.int64(),
        inode=pa.int64(),
        sha256=pa.string(),
    ),
    "articles": _joined(_PLACE, _schema(text_bytes=pa.int64()), ARTICLES),
    "removed_lines": _joined(_schema(row=pa.int64()), REMOVED_LINES),
    "rejected": _joined(_PLACE, _schema(reason=pa.string(), detail=pa.string(), size=pa.int64())),
}

_ABOUT = "shard.json"
_OPEN_PIECES = 4  # buckets are filled in the order of the shards, so few are needed at a time


@dataclass(frozen=True, slots=True)
class Finished:
    """What a shard's folder says of its pieces."""

    settings_digest: str
    read_ns: int  # before the first of its files was read
    vanished: int  # files that were gone when their turn came
    rows: Mapping[str, int]  # by piece
    sha256: Mapping[str, str]  # of each piece's file


def write_pieces(
    unfinished: Path, pieces: Path, rows: Mapping[str, Sequence[dict[str, Any]]], made: tuple[str, int, int]
) -> Finished:
    """
    Write a shard's pieces into a new folder below `unfinished`, and rename it to `pieces` when all are there.

    `made` is settings digest, time before reading, and vanished files. Files are synced before their folder, the
    folder before the rename, and the rename before this returns: a power cut, too, leaves whole pieces or none.
    """
    folder = Path(mkdtemp(prefix="unfinished-", dir=unfinished))
    for name, schema in PIECES.items():
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows[name]), schema=schema), path, compression="lz4")
        sync(path)
    digests = {name: digest_of(folder / f"{name}.parquet") for name in PIECES}
    finished = Finished(*made, rows={name: len(rows[name]) for name in PIECES}, sha256=digests)
    (folder / _ABOUT).write_text(json.dumps(asdict(finished)), encoding="utf-8")
    sync(folder / _ABOUT)
    sync(folder)
    try:
        folder.rename(pieces)
    except OSError as error:
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
            raise
        shutil.rmtree(folder)  # another worker was given the same shard and was first
    sync(pieces.parent)
    return finished


def read_finished(pieces: Path) -> Finished | None:
    """What is said of a shard's pieces; None where the folder is none that this program wrote whole."""
    try:
        return Finished(**json.loads((pieces / _ABOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_undamaged(pieces: Path, finished: Finished) -> bool:
    """Whether the pieces are, byte for byte and column for column, what was written."""
    try:
        return all(
            digest_of(pieces / f"{name}.parquet") == finished.sha256.get(name)
            and pq.read_schema(pieces / f"{name}.parquet").equals(schema)
            for name, schema in PIECES.items()
        )
    except (OSError, pa.ArrowException):
        return False


def read_files(pieces: Path, finished: Finished) -> list[KnownFile]:
    """The raw files of a finished shard, as they were read; none if any of its pieces is damaged or gone."""
    try:
        rows = _read_rows(pieces, "files") if is_undamaged(pieces, finished) else []
    except OSError:  # taken in meanwhile by another run, where this one only looks
        rows = []
    return [KnownFile(file_id=0, scanned_ns=finished.read_ns, settings=finished.settings_digest, **row) for row in rows]


def pieces_left(layout: Layout) -> list[Path]:
    """The folders of finished shards that no commit has taken in."""
    return sorted(layout.pieces.iterdir()) if layout.pieces.is_dir() else []


def discard_pieces(layout: Layout, keep: Sequence[Path] = ()) -> None:
    """Remove all pieces but those to keep; moved away first, so that dying here leaves whole ones or none."""
    for entry in pieces_left(layout):
        if entry not in keep:
            removed = entry.rename(layout.tmp / f"removed-{entry.name}")
            shutil.rmtree(removed) if removed.is_dir() else removed.unlink()


class PieceReader:
    """Reads the pieces of a run's shards, and keeps the last few in memory."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._load = lru_cache(maxsize=2 * _OPEN_PIECES)(self._read)

    def rows(self, piece: int, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
        """Some columns of a piece as rows, not kept in memory; None for all columns."""
        return _read_rows(self.folders[piece], name, columns)

    def articles(self, piece: int) -> pa.Table:
        """Rows of `articles`, in the order in which the shard gave them."""
        return self._load(piece, "articles").select(ARTICLES.names)

    def removed_lines(self, piece: int) -> pa.Table:
        """Rows of `removed_lines` with the column `row`."""
        return self._load(piece, "removed_lines")

    def _read(self, piece: int, name: str) -> pa.Table:
        return pq.ParquetFile(self.folders[piece] / f"{name}.parquet").read()


def _read_rows(folder: Path, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    return pq.ParquetFile(folder / f"{name}.parquet").read(columns).to_pylist()
