"""
What a worker is at, noted so that it outlives the worker, and what later attempts at a shard are told of earlier ones.

A worker may hang in C code, or be killed by the system: it can say nothing then, and nothing in it can be asked. So it
notes each step before it takes it, in a page of memory that it shares with a file: two millionths of a second each.
"""

import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from pipeline.records import RejectReason


class Stage(IntEnum):
    """What a record can be to blame for, and the rest."""

    ELSEWHERE = 0  # starting, writing, hashing what no reader wanted
    READING = 1
    CLEANING = 2


class Place(NamedTuple):
    """A record of a shard."""

    file: int  # from 0
    record: int  # from 1, of the file or of the slice that the shard has of it


START = Place(0, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """What a worker is at."""

    number: int  # of the steps so far
    worker: int  # process id; 0 before there is one
    stage: Stage
    place: Place  # of the record that is read, or of the first that is cleaned
    records: int  # that are cleaned together
    size: int  # bytes of them


_STEP = struct.Struct("=7q")


class Note:
    """Where a worker writes its step and its watcher reads it; nobody reads where no file is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._number = 0
        self._page: mmap.mmap | bytearray = bytearray(_STEP.size)
        if path is not None:
            with path.open("r+b") as file:
                self._page = mmap.mmap(file.fileno(), _STEP.size)

    @classmethod
    def new(cls, path: Path) -> "Note":
        """An empty note in a new file, written rather than left sparse: a page without room on the disk cannot be noted in."""
        path.write_bytes(bytes(_STEP.size))
        return cls(path)

    def begin(self, stage: Stage, place: Place, records: int = 1, size: int = 0) -> None:
        """Note the step that comes now."""
        self._number += 1
        self._page[:] = _STEP.pack(self._number, os.getpid(), stage, *place, records, size)

    def clear(self) -> None:
        """Forget what a worker noted that is gone."""
        self._page[:] = bytes(_STEP.size)

    def end(self) -> None:
        """Note that no record is to blame for what comes now."""
        self.begin(Stage.ELSEWHERE, START)

    def read(self) -> Step:
        """The step that was noted last."""
        number, worker, stage, file, record, records, size = _STEP.unpack(bytes(self._page))
        return Step(number, worker, Stage(stage), Place(file, record), records, size)


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a record is given up; one that cannot be read takes the rest of its file along."""

    stage: Stage
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class Caution:
    """What an attempt at a shard is to heed, for what happened to those before it."""

    given_up: Mapping[Place, Blame] = field(default_factory=dict)
    together: int | None = None  # so many records are cleaned at once at most,
    careful: int = 0  # for so many records from where the attempt begins
    alone: Place | None = None  # what was read before this record is cleaned and written before it is read


CAREFREE = Caution()
