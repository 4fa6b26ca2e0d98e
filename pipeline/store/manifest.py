"""
What a snapshot is in an object store: one JSON object that lists the parts of every table.

An object store has no folder that changes as a whole, so the list is the snapshot; whoever reads it reads exactly one.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import StoreError

FORMAT = 1
MANIFESTS = "snapshots"  # the folder of the manifests
_NAME = re.compile(r"(\d{8,})\.json")


@dataclass(frozen=True, slots=True)
class Part:
    """An immutable Parquet object; its key, below the address published to, is never used for other bytes."""

    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What rows were made with."""

    cleaner_version: str
    rules_digest: str
    model_version: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One commit of one store, and where its rows are."""

    store: str  # the id of the store that made it
    snapshot: int
    committed_at: datetime  # with the number, tells a commit from that of a copy of the store
    schema_version: int
    versions: tuple[Versions, ...]  # several where files could not be cleaned again with newer ones
    tables: dict[str, tuple[Part, ...]]
    published_at: datetime = field(compare=False)
    format: int = FORMAT

    @property
    def key(self) -> str:
        """Where it is put, below the address published to."""
        return f"{MANIFESTS}/{self.snapshot:08d}.json"

    @property
    def keys(self) -> set[str]:
        """The keys of all its parts."""
        return {part.key for parts in self.tables.values() for part in parts}

    def to_json(self) -> bytes:
        """All of it, for people too."""
        return _MANIFEST.dump_json(self, indent=1)


_MANIFEST = TypeAdapter(Manifest)


def part_key(table: str, name: str, sha256: str) -> str:
    """Name a part by its content: the same key is the same bytes, so there is nothing to overwrite."""
    return f"parts/{table}/{name.removesuffix('.parquet')}-{sha256[:16]}.parquet"


def snapshot_number(key: str) -> int | None:
    """The snapshot that a manifest's key names; None for any other object."""
    match = _NAME.fullmatch(key.rpartition("/")[2])
    return int(match[1]) if match else None


def read_manifest(content: bytes, where: str) -> Manifest:
    """Undo `Manifest.to_json`; `where` names it in errors."""
    try:
        made_as = json.loads(content)["format"]
        if made_as != FORMAT:
            raise StoreError(
                f"{where}: is of format {made_as}, this program reads {FORMAT}; install a version that does"
            )
        return _MANIFEST.validate_json(content)
    except (ValueError, TypeError, KeyError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise StoreError(f"{where}: is no manifest of a store: {told}") from error
