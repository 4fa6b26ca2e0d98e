"""
Publish the store to an object store, where others read it.

    s3://bucket/news/store.json                       the one store that publishes here
    s3://bucket/news/parts/articles/part-000017.00000124-<sha256>.parquet      immutable
    s3://bucket/news/snapshots/00000124.json          the manifest; putting it is the commit

The store below `clean/` stays the store of record; what is here is a copy of its snapshots. The parts that are missing
are uploaded, then the manifest is created, which fails if there is one of this number: readers see the snapshot before
or this one. So it may die anywhere and be repeated at will. A snapshot goes by the same rule as a local one, a day
after another replaced it at the earliest, and its parts go with the last manifest that lists them.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from pipeline.errors import StoreError, StoreRefused
from pipeline.store.layout import Layout, hold_publishing, public_name, sync
from pipeline.store.look import ask_state
from pipeline.store.manifest import MANIFESTS, Manifest, Part, Versions, part_key, read_manifest, snapshot_number
from pipeline.store.parts import digest_of
from pipeline.store.snapshots import KEPT_SECONDS, KEPT_SNAPSHOTS
from pipeline.store.state import current_number, published_schema
from pipeline.store.target import Target, check_exclusive, open_target
from pipeline.tables import TABLES

OWNER = "store.json"
SIDE_BY_SIDE = 8  # transfers at once; each holds one part in memory
_EPOCH = datetime.fromtimestamp(0, UTC)
_VERSIONS = ["cleaner_version", "rules_digest", "model_version"]


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did."""

    url: str
    snapshot: int
    new: bool  # whether this made the snapshot; otherwise it had been published before
    parts: int  # of all tables
    uploaded: int  # parts that were not there yet
    uploaded_bytes: int
    removed: int  # objects that no snapshot lists any more that may still be read


@dataclass(frozen=True, slots=True)
class Commit:
    """A snapshot of the local store, to be published."""

    manifest: Manifest
    files: Mapping[Part, Path]
    history: Mapping[int, datetime]  # when each snapshot was committed, this one and all before


def publish_to(
    url: str,
    clean: Path = Path("clean"),
    *,
    storage_options: Mapping[str, Any] | None = None,
    keep: int = KEPT_SNAPSHOTS,
    seconds: float = KEPT_SECONDS,
) -> Published:
    """
    Publish the last commit of the store below `clean`, such as to `s3://bucket/news`; nothing is done twice.

    Runs may go on meanwhile. Snapshots are removed that are neither among the last `keep` nor were the latest within
    the last `seconds`. `StoreRefused` where another store publishes, `StoreBusy` while this one is being published.
    """
    target = open_target(url, storage_options)
    layout = Layout(clean)
    if not layout.state.exists():
        raise StoreError(f"{clean}: no store here yet; `pipeline run` makes one")
    with hold_publishing(layout):
        commit = last_commit(layout)
        claim(target, commit.manifest.store)
        manifests = load_manifests(target)
        _check_history(target, manifests, commit)
        there = {key: size for table in TABLES for key, size in target.sizes(f"parts/{table}").items()}
        missing = {part: file for part, file in commit.files.items() if there.get(part.key) != part.bytes}
        upload(target, missing)
        new = put_manifest(target, commit.manifest)
        if commit.manifest not in manifests:
            manifests.append(commit.manifest)
        removed = remove_old(target, manifests, there, keep=keep, seconds=seconds)
    return Published(
        url=target.url,
        snapshot=commit.manifest.snapshot,
        new=new,
        parts=len(commit.files),
        uploaded=len(missing),
        uploaded_bytes=sum(part.bytes for part in missing),
        removed=removed,
    )


def last_commit(layout: Layout) -> Commit:
    """What the local store last committed; the files stay for a day at least, whatever runs do."""
    number, schema_version, rows, times = ask_state(layout, _parts_and_times)
    if schema_version is None:
        raise StoreError(f"{layout.clean}: nothing is committed yet; `pipeline run` does that")
    history = {snapshot: _EPOCH + timedelta(microseconds=committed_at) for snapshot, committed_at in times}
    tables: dict[str, list[Part]] = {table: [] for table in TABLES}
    files: dict[Part, Path] = {}
    for table, bucket, name, row_count, size, sha256 in rows:
        part = Part(part_key(table, name, sha256), row_count, size, sha256)
        tables[table].append(part)
        files[part] = layout.snapshot(number) / table / public_name(bucket)
    manifest = Manifest(
        store=identity(layout),
        snapshot=number,
        committed_at=history[number],
        schema_version=schema_version,
        versions=_versions([files[part] for part in tables["articles"]]),
        tables={table: tuple(parts) for table, parts in tables.items()},
        published_at=datetime.now(UTC),
    )
    return Commit(manifest, files, history)


def _parts_and_times(state: sqlite3.Connection) -> tuple[int, int | None, list[Any], list[tuple[int, int]]]:
    """Number and schema of the last snapshot, its parts, and when each snapshot was committed."""
    rows = state.execute("SELECT part_of, bucket, name, row_count, bytes, sha256 FROM parts ORDER BY part_of, bucket")
    times = state.execute("SELECT snapshot, committed_at FROM snapshots")
    return current_number(state), published_schema(state), rows.fetchall(), times.fetchall()


def claim(target: Target, store: str) -> None:
    """Make sure that this store, and no other, publishes to the target, and that it can commit there."""
    content = json.dumps({"store": store}).encode()
    held = target.read(OWNER)
    if held is None:
        target.create(OWNER, content)
        held = target.read(OWNER)
    if held != content:
        raise StoreRefused(
            f"{target.url}: another store publishes here, {target.address(OWNER)} says which; choose another address,"
            " or empty this one if that store is gone"
        )
    check_exclusive(target, OWNER, content)


def load_manifests(target: Target) -> list[Manifest]:
    """All manifests, the earliest snapshot first."""
    keys = [key for key in target.sizes(MANIFESTS) if snapshot_number(key) is not None]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(lambda key: load_manifest(target, key), keys))
    return sorted(found, key=lambda manifest: manifest.snapshot)


def load_manifest(target: Target, key: str) -> Manifest:
    """One manifest; `StoreError` where it is gone or damaged."""
    content = target.read(key)
    if content is None:
        raise StoreError(f"{target.address(key)}: is gone; only a snapshot that was replaced a day ago may go")
    return read_manifest(content, target.address(key))


def upload(target: Target, files: Mapping[Part, Path]) -> None:
    """Upload finished parts, whole; one that is not what was committed is not passed on."""

    def upload_one(part: Part, file: Path) -> None:
        if digest_of(file) != part.sha256:
            raise StoreError(f"{file}: its bytes are not those that were committed; `pipeline verify` says what to do")
        target.upload(file, part.key)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for _ in pool.map(upload_one, files.keys(), files.values()):
            pass


def put_manifest(target: Target, manifest: Manifest) -> bool:
    """
    Commit; returns whether this did it, or an earlier publication of the same snapshot.

    A client that lost the answer to its request repeats it, and is then told that the object exists: it may be ours.
    """
    if target.create(manifest.key, manifest.to_json()):
        return True
    there = load_manifest(target, manifest.key)
    if there != manifest:
        raise _refuse_copy(target, there)
    return there.published_at == manifest.published_at


def remove_old(
    target: Target, manifests: Sequence[Manifest], there: Mapping[str, int], *, keep: int, seconds: float
) -> int:
    """
    Remove what nobody may be reading any more, manifests first, so that none lists a part that is gone.

    Parts that no manifest lists are left for as long: they may be those of a publication under way.
    """
    now = datetime.now(UTC)
    kept_for = timedelta(seconds=seconds)
    replaced = list(pairwise(manifests))[: max(len(manifests) - keep, 0)]
    expired = [manifest for manifest, successor in replaced if now - successor.published_at > kept_for]
    for manifest in expired:
        target.remove(manifest.key)
    live = {key for manifest in manifests if manifest not in expired for key in manifest.keys}
    put = {key: target.modified(key) for key in there if key not in live}
    unlisted = [key for key, moment in put.items() if moment is not None and now - moment > kept_for]
    for key in unlisted:
        target.remove(key)
    return len(expired) + len(unlisted)


def _check_history(target: Target, manifests: Sequence[Manifest], commit: Commit) -> None:
    """Every snapshot there must be one that this store committed; a copy of it may have gone its own way."""
    for manifest in manifests:
        if commit.history.get(manifest.snapshot) != manifest.committed_at:
            raise _refuse_copy(target, manifest)


def _refuse_copy(target: Target, manifest: Manifest) -> StoreRefused:
    return StoreRefused(
        f"{target.address(manifest.key)}: was not committed by this store, but by a copy of it, or before it was set"
        " back; publish this one to another address, or empty this address if the other one is gone"
    )


def _versions(articles: Sequence[Path]) -> tuple[Versions, ...]:
    """The versions that the rows themselves name."""
    if not articles:
        return ()
    try:
        found = pl.scan_parquet(list(articles)).select(_VERSIONS).unique().sort(_VERSIONS).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{articles[0].parent}: cannot be read: {error}; `pipeline verify` says what to do") from error
    return tuple(Versions(*row) for row in found.iter_rows())


def identity(layout: Layout) -> str:
    """The id that tells this store from all others; made when it is first published."""
    if not layout.identity.exists():
        unfinished = layout.identity.with_name("id.new")
        unfinished.write_text(uuid4().hex, encoding="ascii")
        sync(unfinished)
        unfinished.replace(layout.identity)
        sync(layout.store)
    return layout.identity.read_text(encoding="ascii")
