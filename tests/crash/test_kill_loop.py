"""Writers are killed over and over while readers read: nothing is lost, nothing is there twice, no read is torn."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.errors import StoreBusy
from pipeline.store import articles_path, current_snapshot, verify
from pipeline.store.commit import open_store
from pipeline.store.layout import Layout, hold_lock
from pipeline.store.look import ask_state
from pipeline.store.state import current_number
from tests.crash.processes import COLD, WARM, process
from tests.crash.steps import Steps, die, watched
from tests.crash.world import (
    SEEN,
    begin,
    change,
    digest_of_rows,
    expected,
    found,
    raw_bytes,
    run,
    small_parts,
)

READERS = ("pandas", "polars", "duckdb")
WRITER = len(READERS)  # its place on the board
NAMED, BUSY = 0.5, 0.3  # shares of the rounds: killed at a step, and while a second writer tries
MOST_STEPS = 900  # of about five runs
MOST_COMMITS = 5
READ_PAUSE = 0.02  # seconds; without it, three readers take both cores of a small machine
PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """Where a loop takes place, and what its processes tell each other."""

    folder: Path
    board: Any  # the latest snapshot that each reader saw, and that the writer has published

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def clean(self) -> Path:
        return self.folder / "clean"

    @property
    def announced(self) -> Path:
        """Lines of snapshot and digest: what a run is to publish. The last line of a snapshot is what was committed."""
        return self.folder / "announced"

    def reads(self, reader: str) -> Path:
        """Lines of what a reader saw: the latest snapshot known before, the snapshot it read, and the digest."""
        return self.folder / f"reads-{reader}"

    def commits(self) -> dict[int, str]:
        """What each snapshot must hold."""
        return {int(number): digest for number, digest in map(str.split, self.announced.read_text().splitlines())}


@dataclass(slots=True)
class Count:
    """What happened in a loop; the last four must stay 0."""

    kills: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    commits: int = 0
    reads: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    torn: int = 0
    older: int = 0

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {how}" for how, count in sorted(self.kills.items()))
        reads = ", ".join(f"{count:,} by {reader}" for reader, count in sorted(self.reads.items()))
        return (
            f"{self.kills.total()} kills ({kills}) over {self.commits} commits, {self.busy} second writers refused;"
            f" reads: {reads}; rows lost: {self.lost}, duplicated: {self.duplicated},"
            f" reads torn: {self.torn}, older than the last commit: {self.older}"
        )


def write_commits(place: Place, seed: int, die_at: int | None, holding: Any, killing: Any) -> None:
    """
    Change the raw folder and run, until killed.

    With `die_at` it kills itself at that step, and before, where it holds the lock, says so and waits, for a second
    writer to try. It does not while it changes the raw folder, nor before it has the lock.
    """

    def stop_and_die(step: object) -> None:
        if is_locked(Layout(place.clean)):
            holding.set()
            killing.wait(PATIENCE)
        die(step)  # type: ignore[arg-type]

    chance = Random(seed)
    steps = Steps() if die_at is None else Steps(die_at, stop_and_die)
    with small_parts(), watched(place.clean, steps):
        while True:
            announce(place)
            report = run(place.raw, place.clean)
            place.board[WRITER] = report.snapshot
            change(place.raw, chance)


def announce(place: Place) -> None:
    """Write down what the next snapshot will have to hold, should it be committed."""
    number = ask_state(Layout(place.clean), current_number, of_a_new_store=True) + 1
    line = f"{number} {expected(raw_bytes(place.raw)).digest}\n"
    descriptor = os.open(place.announced, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())  # in one piece, also when killed
    os.close(descriptor)


def is_locked(layout: Layout) -> bool:
    try:
        with hold_lock(layout):
            return False
    except StoreBusy:
        return True


def write_beside(place: Place) -> None:
    """A second writer: exits with 3, as the command does, when it finds the first at work."""
    try:
        run(place.raw, place.clean)
    except StoreBusy as busy:
        sys.exit(busy.exit_code)


def read_for_ever(place: Place, reader: str) -> None:
    """Read the articles again and again, and write down what was seen."""
    read = {"pandas": read_pandas, "polars": read_polars, "duckdb": read_duckdb}[reader]
    own = READERS.index(reader)
    with place.reads(reader).open("a", encoding="utf-8", buffering=1) as log:
        while True:
            latest = max(place.board)
            folder = articles_path(place.clean)
            number = int(folder.parent.name)
            place.board[own] = number
            try:
                seen = digest_of_rows(read(folder))
            except BaseException as error:  # noqa: BLE001 - a panic of polars is no Exception
                seen = f"{type(error).__name__}:{error}".replace("\n", " ").replace(" ", "_")
            log.write(f"{latest} {number} {seen}\n")
            time.sleep(READ_PAUSE)


def read_pandas(folder: Path) -> Iterator[tuple[object, ...]]:
    import pandas as pd

    rows = pd.read_parquet(folder, columns=SEEN)
    for row in rows.astype(object).where(rows.notna(), None).itertuples(index=False):
        yield (row[0], row[1], tuple(row[2]), row[3], row[4])


def read_polars(folder: Path) -> Iterator[tuple[object, ...]]:
    import polars as pl

    for row in pl.read_parquet(folder, columns=SEEN).iter_rows():
        yield (row[0], row[1], tuple(row[2]), row[3], row[4])


def read_duckdb(folder: Path) -> Iterator[tuple[object, ...]]:
    import duckdb

    with duckdb.connect() as connection:
        for row in connection.read_parquet(f"{folder}/*.parquet").project(", ".join(SEEN)).fetchall():
            yield (row[0], row[1], tuple(row[2]), row[3], row[4])


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.002)


def kill_a_writer(place: Place, chance: Random, count: Count) -> None:
    """One round: a writer at work, perhaps a second one, and the kill."""
    die_at = chance.randrange(MOST_STEPS) if chance.random() < NAMED else None
    holding, killing = WARM.Event(), WARM.Event()
    busy = die_at is not None and chance.random() < BUSY / NAMED
    if not busy:
        killing.set()
    writer = process(write_commits, place, chance.randrange(1 << 30), die_at, holding, killing)
    if die_at is None:
        enough = current_snapshot(place.clean).number + chance.randrange(MOST_COMMITS)
        wait_until(lambda: current_snapshot(place.clean).number >= enough)
        time.sleep(chance.uniform(0, 0.3))
        writer.kill()
    elif busy:
        wait_until(lambda: holding.is_set() or not writer.is_alive())
        if holding.is_set():
            second = process(write_beside, place)
            second.join(PATIENCE)
            assert second.exitcode == StoreBusy.exit_code
            count.busy += 1
        killing.set()
    writer.join(PATIENCE)
    assert writer.exitcode == -signal.SIGKILL
    count.kills["at random" if die_at is None else "at a step"] += 1


def check_recovery(place: Place, count: Count) -> None:
    """Open the store as the next run does; then every promise must hold, and the tables be those of a whole commit."""
    before = current_snapshot(place.clean).number
    with small_parts(), open_store(place.clean):
        pass
    assert verify(place.clean, place.raw) == []
    number = current_snapshot(place.clean).number
    commits = place.commits()
    tables = found(place.clean)
    ids = Counter(row[0] for row in tables.articles)
    count.duplicated += ids.total() - len(ids)
    count.lost += tables.digest != commits[number]
    count.older += number < max(before, *place.board)


def check_reads(place: Place, count: Count) -> list[str]:
    """Compare each read with the commit it says it is of; returns those that are wrong."""
    commits = place.commits()
    wrong = []
    for reader in READERS:
        for line in place.reads(reader).read_text(encoding="utf-8").splitlines():
            latest, number, seen = line.split()
            count.reads[reader] += 1
            count.torn += commits[int(number)] != seen
            count.older += int(number) < int(latest)
            if commits[int(number)] != seen or int(number) < int(latest):
                wrong.append(f"{reader}: {line}")
    return wrong


def check_rebuild(place: Place) -> None:
    """After all of it, the tables are those of one run over the raw folder as it is now."""
    with small_parts():
        run(place.raw, place.clean)
        run(place.raw, place.folder / "rebuilt")
    assert found(place.clean) == found(place.folder / "rebuilt") == expected(raw_bytes(place.raw))


def kill_loop(folder: Path, seed: int, *, kills: int, commits: int) -> tuple[Count, list[str]]:
    """Kill writers until there were so many kills, over so many commits; returns counts, and the reads that were wrong."""
    chance = Random(seed)
    count = Count()
    place = Place(folder, WARM.RawArray("q", len(READERS) + 1))
    begin(place.raw)
    announce(place)
    with small_parts():
        run(place.raw, place.clean)
    readers: list[BaseProcess] = [process(read_for_ever, place, reader, context=COLD) for reader in READERS]
    try:
        wait_until(
            lambda: all(place.reads(reader).exists() and place.reads(reader).stat().st_size for reader in READERS)
        )
        while count.kills.total() < kills or current_snapshot(place.clean).number < commits:
            kill_a_writer(place, chance, count)
            check_recovery(place, count)
            assert all(reader.is_alive() for reader in readers)
    finally:
        for reader in readers:
            reader.kill()
            reader.join()
    check_rebuild(place)
    count.commits = current_snapshot(place.clean).number
    return count, check_reads(place, count)


def check(folder: Path, seed: int, tell: Callable[[str], None], *, kills: int, commits: int) -> None:
    count, wrong = kill_loop(folder, seed, kills=kills, commits=commits)
    tell(f"seed {seed}: {count}")
    assert wrong == []
    assert (count.lost, count.duplicated, count.torn, count.older) == (0, 0, 0, 0)
    assert min(count.reads[reader] for reader in READERS) > kills
    assert min(count.busy, *count.kills.values()) > 0


def test_killed_writers_lose_nothing(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """A short loop, always of the same seed."""
    check(tmp_path, 7, tell, kills=6, commits=10)


@pytest.mark.long
def test_hundreds_of_killed_writers_lose_nothing(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """The long loop; of another seed each time, which is printed."""
    check(tmp_path, time.time_ns() % 1_000_000, tell, kills=200, commits=400)
