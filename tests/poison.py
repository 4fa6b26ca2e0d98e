"""Cleaners for workers that are to hang, die or fill the memory at records that say so, and clean all others trivially."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.records import Article, RawRecord, Rejection
from pipeline.voices import Voices
from tests.crash.world import clean_trivially


def _hang() -> None:
    while True:
        pass


def _die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _fail() -> None:
    raise ValueError("no such town")


def _eat() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(b"x") * (16 << 20))


EFFECTS: dict[bytes, Callable[[], None]] = {
    b"poison: hang": _hang,
    b"poison: die": _die,
    b"poison: fail": _fail,
    b"poison: eat": _eat,
}


def clean_poisoned(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
    """A poisonous record takes its whole batch along, as it would in the columns of a frame."""
    for record in records:
        for mark, act in EFFECTS.items():
            if mark in record.data:
                act()
    return clean_trivially(records, voices)


@dataclass(frozen=True)
class DawdleOnce:
    """Notes its process in a file, the first time that it is called anywhere, and waits there to be killed."""

    path: Path

    def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        if not self.path.exists():
            self.path.write_text(str(os.getpid()))
            time.sleep(600)
        return clean_trivially(records, voices)


class PoisonedReader:
    """A cleaner that, when it comes to a worker, replaces what reads there by what dies of a poisonous record."""

    def __init__(self) -> None:
        self.is_here = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        from pipeline import walk
        from pipeline.sources.read import read_records

        def read(*given: Any) -> Iterator[Any]:
            for outcome in read_records(*given):
                if isinstance(outcome, RawRecord) and b"poison" in outcome.data:
                    _die()
                yield outcome

        walk.read_records = read

    def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        return clean_trivially(records, voices)
