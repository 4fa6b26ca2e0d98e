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
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
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
        begin=pa.int64(),  # of the slice, null where the piece is made of the whole file
        end=pa.int64(),
    ),
    "articles": _joined(_PLACE, _schema(text_bytes=pa.int64()), ARTICLES),
    "removed_lines": _joined(_schema(row=pa.int64()), REMOVED_LINES),
    "rejected": _joined(
        _PLACE, _schema(reason=pa.string(), detail=pa.string(), size=pa.int64(), byte_offset=pa.int64())
    ),
}

ABOUT = "shard.json"
"""Describes a folder of pieces, and is written last."""
_OPEN_GROUPS = 4  # of each piece; buckets are filled in the order of the shards: one or two for each that is written
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Finished:
    """What a shard's folder says of its pieces."""

    settings_digest: str
    read_ns: int  # before the first of its files was read
    vanished: int  # files that were gone when their turn came
    rows: Mapping[str, int]  # by piece
    sha256: Mapping[str, str]  # of each piece's file
    skipped: Mapping[str, int] = field(default_factory=dict)  # what stood for no document, by what it was
    slowest: Mapping[str, float] = field(default_factory=dict)  # seconds that some files took, by key


@dataclass(frozen=True, slots=True)
class Made:
    """How a shard's pieces were made."""

    settings_digest: str
    read_ns: int  # before the first of its files was read
    vanished: int
    skipped: Mapping[str, int]
    slowest: Mapping[str, float]


def reveal(folder: Path, pieces: Path, made: Made, rows: Mapping[str, int]) -> Finished:
    """
    Describe the pieces in a folder and rename it to `pieces`, now that all is there.

    Files are synced before their folder, the folder before the rename, and the rename before this returns: a power
    cut, too, leaves whole pieces or none.
    """
    digests = {name: digest_of(folder / f"{name}.parquet") for name in PIECES}
    finished = Finished(
        made.settings_digest,
        made.read_ns,
        made.vanished,
        rows=rows,
        sha256=digests,
        skipped=dict(made.skipped),
        slowest=dict(made.slowest),
    )
    (folder / ABOUT).write_text(json.dumps(asdict(finished)), encoding="utf-8")
    appear(folder, pieces)
    return finished


def appear(folder: Path, pieces: Path) -> None:
    """Rename a folder of whole pieces to `pieces`, when all that is in it is on the disk."""
    for file in (*(f"{name}.parquet" for name in PIECES), ABOUT):
        sync(folder / file)
    sync(folder)
    try:
        folder.rename(pieces)
    except OSError as error:
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
            raise
        shutil.rmtree(folder)  # another worker was given the same shard and was first
    sync(pieces.parent)


def read_finished(pieces: Path) -> Finished | None:
    """What is said of a shard's pieces; None where the folder is none that this program wrote whole."""
    try:
        return Finished(**json.loads((pieces / ABOUT).read_text(encoding="utf-8")))
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
    except (OSError, ValueError, pa.ArrowException):
        return False


def read_files(pieces: Path, finished: Finished) -> list[tuple[KnownFile, tuple[int, int] | None]]:
    """
    The raw files of a finished shard, as they were read, and for a slice where it begins and ends.

    None if any of the shard's pieces is damaged or gone.
    """
    try:
        rows = list(_read_rows(pieces, "files")) if is_undamaged(pieces, finished) else []
    except OSError:  # taken in meanwhile by another run, where this one only looks
        rows = []
    found = []
    for row in rows:
        bounds = row.pop("begin"), row.pop("end")
        known = KnownFile(file_id=0, scanned_ns=finished.read_ns, settings=finished.settings_digest, **row)
        found.append((known, None if None in bounds else bounds))
    return found


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
    """Reads the pieces of a run's shards, a row group at a time, and keeps the last few in memory."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._group = lru_cache(maxsize=2 * _OPEN_GROUPS)(self._read_group)
        self._ends = lru_cache(maxsize=64)(self._read_ends)

    def batches(self, piece: int, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of a piece, a row group or less at a time."""
        with pq.ParquetFile(self._path(piece, name)) as file:
            yield from file.iter_batches(columns=columns)

    def values(self, piece: int, name: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
        """The same as `batches`, row by row: the values of these columns."""
        for batch in self.batches(piece, name, columns):
            yield from zip(*(batch[column].to_pylist() for column in columns), strict=True)

    def articles(self, piece: int, rows: Sequence[int]) -> pa.Table:
        """These rows of `articles`, by their place in the shard."""
        ends = self._ends(piece)
        wanted: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            wanted[bisect_right(ends, row)].append(row)
        tables = [
            self._group(piece, "articles", group).take([row - (ends[group - 1] if group else 0) for row in some])
            for group, some in wanted.items()
        ]
        return pa.concat_tables([PIECES["articles"].empty_table(), *tables]).select(ARTICLES.names)

    def removed_lines(self, piece: int, rows: Sequence[int]) -> pa.Table:
        """The rows of `removed_lines` of these articles, with the column `row`."""
        wanted = pa.array(sorted(rows), pa.int64())
        groups = self._groups_with(piece, min(rows), max(rows)) if rows else []
        tables = [self._group(piece, "removed_lines", group) for group in groups]
        some = [table.filter(pc.is_in(table["row"], value_set=wanted)) for table in tables]
        return pa.concat_tables([PIECES["removed_lines"].empty_table(), *some])

    def _path(self, piece: int, name: str) -> Path:
        return self.folders[piece] / f"{name}.parquet"

    def _read_group(self, piece: int, name: str, group: int) -> pa.Table:
        with pq.ParquetFile(self._path(piece, name)) as file:
            return file.read_row_group(group)

    def _read_ends(self, piece: int) -> list[int]:
        """The number of the row after each row group of `articles`."""
        metadata = pq.read_metadata(self._path(piece, "articles"))
        return list(accumulate(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)))

    def _groups_with(self, piece: int, first: int, last: int) -> list[int]:
        """The row groups of `removed_lines` that may hold lines of these articles; their rows ascend."""
        metadata = pq.read_metadata(self._path(piece, "removed_lines"))
        bounds = (metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups))
        spans = ((bound.min or 0, bound.max or 0) if bound else (first, last) for bound in bounds)
        return [group for group, (least, most) in enumerate(spans) if least <= last and most >= first]


def _read_rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(folder / f"{name}.parquet") as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()
