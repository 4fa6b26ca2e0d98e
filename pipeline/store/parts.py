"""
Parts: immutable Parquet files of one table and one bucket, all written with the fixed schema.

zstd 3 is a third smaller than snappy and reads as fast; statistics and dictionaries over whole texts only cost.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.settings import Settings
from pipeline.store.layout import Layout, part_name, sync
from pipeline.tables import ARTICLES, SCHEMA_VERSION, TABLES

ROW_GROUP_ROWS = 2_000
FOOTER_KEYS = (b"schema_version", b"cleaner_version", b"rules_digest", b"model_version", b"snapshot")

# Few distinct values, or the same one many times in a row.
_REPEATING = {
    "articles": [
        "site",
        "site_name",
        "language",
        "media_type",
        "encoding",
        *(name for name in ARTICLES.names if name.endswith("_source")),
        "cleaner_version",
        "rules_digest",
        "model_version",
    ],
    "removed_lines": ["article_id", "reason", "rule"],
    "rejected": ["reason", "detail"],
}
_UNMEASURED = frozenset(
    {"text", "title", "description", "detail"}
)  # long strings: their minimum and maximum help no filter


def write_table(table: pa.Table, name: str, path: Path, footer: Mapping[str, str]) -> None:
    """Write one finished, synced Parquet file of the table `name`; whoever calls renames it into place."""
    rows = table.replace_schema_metadata(dict(footer))
    try:
        pq.write_table(
            rows,
            path,
            row_group_size=ROW_GROUP_ROWS,
            compression="zstd",
            compression_level=3,
            use_dictionary=_REPEATING[name],  # type: ignore[arg-type]  # the stubs know only bool
            write_statistics=[column for column in table.column_names if column not in _UNMEASURED],
            write_page_checksum=True,
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error
    sync(path)


@dataclass(frozen=True, slots=True)
class PartWriter:
    """Writes the parts of one snapshot."""

    layout: Layout
    snapshot: int
    settings: Settings

    def write(self, name: str, bucket: int, table: pa.Table) -> Path:
        """Write a bucket's rows: finished and synced below tmp/, then renamed into parts/."""
        file_name = part_name(bucket, self.snapshot)
        unfinished = self.layout.tmp / f"{name}.{file_name}"
        write_table(table, name, unfinished, self._footer())
        return unfinished.replace(self.layout.part(name, file_name))

    def _footer(self) -> dict[str, str]:
        return {
            "schema_version": str(SCHEMA_VERSION),
            "cleaner_version": self.settings.cleaner_version,
            "rules_digest": self.settings.rules_digest,
            "model_version": self.settings.model_version or "",
            "snapshot": str(self.snapshot),
        }


def read_part(path: Path, name: str) -> pa.Table:
    """Read a part with its page checksums verified; its rows have the table's schema and no footer."""
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"{path}: damaged or gone: {error}; `pipeline verify` says what to do") from error
    table = table.replace_schema_metadata(None)
    if not table.schema.equals(TABLES[name]):
        raise StoreError(f"{path}: its columns are not those of the table {name}; `pipeline verify` says what to do")
    return table


def digest_of(path: Path) -> str:
    """SHA-256 of a part's bytes: page checksums do not cover the footer."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
