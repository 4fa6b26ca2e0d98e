"""Read the tables, from the folder of a store or from where it is published."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from pipeline.addresses import is_address
from pipeline.errors import StoreError
from pipeline.store import snapshots
from pipeline.store.manifest import MANIFESTS, Manifest, Part, snapshot_number
from pipeline.store.remote import SIDE_BY_SIDE, load_manifest
from pipeline.store.target import Target, open_target
from pipeline.tables import SCHEMA_VERSION, TABLES


@dataclass(frozen=True, slots=True)
class RemoteSnapshot:
    """
    One published snapshot: the addresses of all parts of each table, for any Parquet reader.

    They never change, and stay for a day at least after another snapshot replaced this one. A table without rows has
    none.
    """

    target: Target
    manifest: Manifest

    @property
    def number(self) -> int:
        return self.manifest.snapshot

    @property
    def articles(self) -> list[str]:
        return self.files("articles")

    @property
    def removed_lines(self) -> list[str]:
        return self.files("removed_lines")

    @property
    def rejected(self) -> list[str]:
        return self.files("rejected")

    @property
    def filesystem(self) -> AbstractFileSystem:
        """For readers that want one beside the addresses, as pandas does."""
        return self.target.fs

    def files(self, table: str) -> list[str]:
        """The addresses of a table's parts."""
        return [self.target.address(part.key) for part in self.manifest.tables[table]]

    def read(self, table: str) -> pa.Table:
        """All rows of a table, checked against what was published."""
        schema = TABLES[table]
        parts = self.manifest.tables[table]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            rows = list(pool.map(lambda part: _read_part(self.target, part).cast(schema), parts))
        return pa.concat_tables(rows) if rows else schema.empty_table()


def remote_snapshot(url: str, *, storage_options: Mapping[str, Any] | None = None) -> RemoteSnapshot:
    """
    The latest snapshot published at an address such as `s3://bucket/news`: the manifest with the highest number.

    Resolve it once and read all tables from it, and they are of one commit, whatever is published meanwhile.
    """
    target = open_target(url, storage_options)
    manifests = [key for key in target.sizes(MANIFESTS) if snapshot_number(key) is not None]
    if not manifests:
        raise StoreError(f"{url}: nothing is published here yet; `pipeline publish` does that")
    manifest = load_manifest(target, max(manifests, key=lambda key: snapshot_number(key) or 0))
    if manifest.schema_version != SCHEMA_VERSION:
        raise StoreError(
            f"{url}: its tables have schema {manifest.schema_version}, this program reads {SCHEMA_VERSION}; install a"
            " version that does"
        )
    return RemoteSnapshot(target, manifest)


def read_table(
    name: str, clean: Path | str = Path("clean"), *, storage_options: Mapping[str, Any] | None = None
) -> pa.Table:
    """
    Read one table of the last commit; a table without rows comes back empty, with all its columns.

    `clean` is the folder of a store, or the address it is published to, for which fsspec takes `storage_options`.
    Without this, pandas fails on a table without rows, since its folder then holds no part.
    """
    if is_address(clean):
        return remote_snapshot(str(clean), storage_options=storage_options).read(name)
    return snapshots.read_table(name, Path(clean))


def read_articles(clean: Path | str = Path("clean"), *, storage_options: Mapping[str, Any] | None = None) -> pa.Table:
    """Read all articles of the last commit; see `read_table`."""
    return read_table("articles", clean, storage_options=storage_options)


def _read_part(target: Target, part: Part) -> pa.Table:
    address = target.address(part.key)
    content = target.read(part.key)
    if content is None:
        raise StoreError(f"{address}: belongs to the snapshot and is gone; `pipeline publish` uploads it again")
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise StoreError(f"{address}: its bytes are not those that were published; remove it and `pipeline publish`")
    rows = pq.ParquetFile(pa.BufferReader(content)).read()
    if rows.num_rows != part.rows:
        raise StoreError(f"{address}: holds {rows.num_rows} rows, not the {part.rows} of its manifest")
    return rows
