"""
What the store is measured against: one Parquet file that is written anew, and Delta Lake, both with our compression.

Both hold the rows of `articles` alone: no ledger, and no state to tell which raw files changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.store.layout import sync
from pipeline.store.parts import ROW_GROUP_ROWS
from pipeline.tables import ARTICLES


class Lake(Protocol):
    """Rows of `articles` that somebody keeps."""

    @property
    def name(self) -> str:
        """As people know it."""

    def create(self, rows: Iterable[pa.RecordBatch]) -> None:
        """Begin with these rows."""

    def add(self, rows: pa.Table) -> None:
        """Take in the rows of a new raw file."""

    def replace(self, key: str, rows: pa.Table) -> None:
        """Put these rows in the place of those of a raw file; none when the file is gone."""

    def dataset(self) -> ds.Dataset:
        """All rows, to be read."""


@dataclass(frozen=True, slots=True)
class OneFile:
    """A single Parquet file: every change copies it, row group by row group, and replaces it."""

    path: Path
    name: str = "one Parquet file"

    def create(self, rows: Iterable[pa.RecordBatch]) -> None:
        """Write the file anew, synced before it takes the place of the old one."""
        unfinished = self.path.with_suffix(".new")
        with pq.ParquetWriter(unfinished, ARTICLES, compression="zstd", compression_level=3) as writer:
            for batch in rows:
                writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)
        sync(unfinished)
        unfinished.replace(self.path)

    def add(self, rows: pa.Table) -> None:
        self.create(chain(self._batches(), rows.to_batches()))

    def replace(self, key: str, rows: pa.Table) -> None:
        others = ~_is_from(key)
        self.create(chain((batch.filter(others) for batch in self._batches()), rows.to_batches()))

    def dataset(self) -> ds.Dataset:
        return ds.dataset(self.path, schema=ARTICLES)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        return pq.ParquetFile(self.path).iter_batches(ROW_GROUP_ROWS)


@dataclass(frozen=True, slots=True)
class DeltaLake:
    """A Delta table: rows of a raw file are replaced in one commit of its log, without a merge, which costs more."""

    path: Path
    name: str = "Delta Lake"

    def create(self, rows: Iterable[pa.RecordBatch]) -> None:
        """Make the table."""
        self._append(pa.RecordBatchReader.from_batches(ARTICLES, rows))

    def add(self, rows: pa.Table) -> None:
        self._append(rows)

    def replace(self, key: str, rows: pa.Table) -> None:
        from deltalake import DeltaTable, write_deltalake  # noqa: PLC0415 - in the extra `bench`

        low, high = _bounds(key)
        of_file = f"source >= '{low}' AND source < '{high}'"
        properties = _delta_properties()
        if rows.num_rows:
            write_deltalake(self.path, rows, mode="overwrite", predicate=of_file, writer_properties=properties)
        else:
            DeltaTable(self.path).delete(of_file, writer_properties=properties)

    def dataset(self) -> ds.Dataset:
        from deltalake import DeltaTable  # noqa: PLC0415 - as above

        dataset: ds.Dataset = DeltaTable(self.path).to_pyarrow_dataset()
        return dataset

    def _append(self, rows: pa.Table | pa.RecordBatchReader) -> None:
        from deltalake import write_deltalake  # noqa: PLC0415 - as above

        write_deltalake(self.path, rows, mode="append", writer_properties=_delta_properties())


def rows_of(dataset: ds.Dataset, key: str) -> pa.Table:
    """The rows of one raw file."""
    return dataset.to_table(filter=_is_from(key))


def _is_from(key: str) -> pc.Expression:
    low, high = _bounds(key)
    return (pc.field("source") >= low) & (pc.field("source") < high)


def _bounds(key: str) -> tuple[str, str]:
    """Every `source` of a raw file, "key#1" and so on, is at or above the first and below the second."""
    return f"{key}#", f"{key}{chr(ord('#') + 1)}"


def _delta_properties() -> Any:
    from deltalake import WriterProperties  # noqa: PLC0415 - as above

    return WriterProperties(compression="ZSTD", compression_level=3)
