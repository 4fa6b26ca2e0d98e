"""
A run's work, written down: shard files for the workers, and what else a commit has to do.

Only paths and counts travel between the steps of a run, so any runner can carry them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.addresses import ObjectStatus, Place, place_of
from pipeline.decide import Aim
from pipeline.limits import WorkLimits
from pipeline.records import Engine, RawFile, Slice
from pipeline.settings import Settings
from pipeline.sources.discover import file_at, seen_as
from pipeline.sources.reading import Reading
from pipeline.store.state import status_of
from pipeline.voices import Manner, Voices

SHARD_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How the raw files of a run divide: seen = new + changed + renamed + unchanged + left."""

    seen: int
    new: int
    changed: int
    renamed: int
    unchanged: int
    left: int  # still being written; left to the next run
    removed: int
    recleaned: int  # of the unchanged: cleaned again, for new settings or as the new first source of an article
    refused: int  # gone, but so many at once that their articles stay
    ignored: Mapping[str, int]
    resumed: int = 0  # of those to clean: finished by a run that died before its commit, and taken over
    resumed_slices: int = 0  # taken over of other files, of which slices are still to be cleaned
    vanished: int = 0  # gone between the scan and their turn; left to the next run


@dataclass(frozen=True, slots=True)
class Plan:
    """One run's work: paths and counts only, so that it can be handed to any worker."""

    run_id: str
    raw: Place
    clean: Path
    settings: Settings
    started_at: float  # seconds since 1970
    scanned_ns: int
    deltas: Path  # what changes without cleaning
    shards: tuple[Path, ...]
    counts: FileCounts


@dataclass(frozen=True, slots=True)
class Leftover:
    """A finished shard of a run that died, as far as this run takes it over."""

    pieces: Path
    files: tuple[RawFile, ...]  # as they are now; their bytes are those that were cleaned


@dataclass(frozen=True, slots=True)
class Deltas:
    """What a commit does besides taking in the plan's shards."""

    removed: tuple[int, ...] = ()  # file numbers
    renamed: tuple[tuple[int, RawFile], ...] = ()
    refreshed: tuple[tuple[int, RawFile], ...] = ()  # same bytes, other times
    leftovers: tuple[Leftover, ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard file's content: raw files to clean together, by what, and where their rows go."""

    files: tuple[RawFile, ...]
    pieces: Path
    manner: Manner
    settings_digest: str
    reading: Reading
    limits: WorkLimits


def read_shard(path: Path) -> Shard:
    """Read a shard file back."""
    content = json.loads(path.read_text(encoding="utf-8"))
    raw, manner = place_of(content["raw"]), content["manner"]
    files = tuple(_file_from(raw, row) for row in content["files"])
    return Shard(
        files,
        Path(content["pieces"]),
        Manner(Aim(manner["aim"]), Engine(manner["engine"]), manner["comments"]),
        content["settings_digest"],
        Reading.model_validate(content["reading"]),
        WorkLimits.model_validate(content["limits"]),
    )


def read_deltas(path: Path, raw: Place) -> Deltas:
    """Read the deltas of a plan back."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Deltas(
        tuple(content["removed"]),
        tuple((file_id, _file_from(raw, row)) for file_id, row in content["renamed"]),
        tuple((file_id, _file_from(raw, row)) for file_id, row in content["refreshed"]),
        tuple(
            Leftover(Path(pieces), tuple(_file_from(raw, row) for row in rows)) for pieces, rows in content["leftovers"]
        ),
    )


def write_shards(  # noqa: PLR0913, PLR0917 - what a shard file says, one by one
    folder: Path,
    pieces: Path,
    raw: Place,
    shards: Iterable[Sequence[RawFile]],
    voices: Voices,
    reading: Reading,
    limits: WorkLimits,
) -> Iterator[Path]:
    """Write shard files into the run's `folder`; the rows of each go to a folder of its own below `pieces`."""
    settings = voices.settings_with(reading.digest)
    for number, files in enumerate(shards, start=1):
        path = folder / f"shard-{number:06d}.json"
        content = {
            "raw": str(raw),
            "pieces": str(pieces / f"{folder.name}.{path.stem}"),  # of this run alone: nothing older is taken for it
            "manner": asdict(voices.manner),
            "settings_digest": settings.digest,
            "reading": reading.model_dump(mode="json"),
            "limits": limits.model_dump(mode="json"),
            "files": [_row_of(file) for file in files],
        }
        path.write_text(json.dumps(content), encoding="utf-8")
        yield path


def cut(work: Iterable[RawFile], shard_size: int) -> Iterator[list[RawFile]]:
    """
    Cut the work into shards of at most `shard_size` files and, unless one file is larger, `SHARD_BYTES`.

    A slice is a shard by itself: the commit takes all slices of a file or none.
    """
    shard: list[RawFile] = []
    size = 0
    for file in work:
        is_full = len(shard) == shard_size or size + file.span > SHARD_BYTES
        if shard and (is_full or file.slice or shard[-1].slice):
            yield shard
            shard, size = [], 0
        shard.append(file)
        size += file.span
    if shard:
        yield shard


def write_deltas(path: Path, deltas: Deltas) -> Path:
    content = {
        "removed": deltas.removed,
        "renamed": [(file_id, _row_of(file)) for file_id, file in deltas.renamed],
        "refreshed": [(file_id, _row_of(file)) for file_id, file in deltas.refreshed],
        "leftovers": [(str(left.pieces), [_row_of(file) for file in left.files]) for left in deltas.leftovers],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _row_of(file: RawFile) -> tuple[Any, ...]:
    return file.key, *status_of(file), astuple(file.slice) if file.slice else None


def _file_from(raw: Place, row: Sequence[Any]) -> RawFile:
    key, *status, part = row
    return replace(seen_as(file_at(raw, key), ObjectStatus(*status)), slice=Slice(*part) if part else None)
