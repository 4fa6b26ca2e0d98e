"""
What the store writes, and how long it takes: `python -m bench.store [--articles N ...] [--raw-files N] [--json]`.

Made-up articles of about 5 KB are taken into a store by real runs in which only the reader and the cleaner are
stand-ins: their time is left out, while all bytes count. Beside it, in the same run, a Parquet file that is written anew
and a Delta table hold the same articles. New articles go to the last part, which is written anew each time: so adding is
measured with that part empty, half full and nearly full. Last comes a run that finds nothing changed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench.lakes import DeltaLake, Lake, OneFile, rows_of
from bench.made_up import Batch, clean_trivially, make_note, read_batch, write_batch, write_old
from bench.meter import Cost, Meter
from bench.targets import Target, show_targets
from pipeline import walk
from pipeline.plan import PlanOptions
from pipeline.report import RunReport
from pipeline.run import clean_shard, commit_run, load_voices, open_store, plan_run, run_directly
from pipeline.store import articles_path
from pipeline.store.place import BUCKET_ROWS
from pipeline.tables import ARTICLES

SIZES = (100_000, 1_000_000)
RAW_FILES = 100_000
ROUNDS = 5
LARGE = 1_000  # articles of a raw file
SMALL = 100  # articles that are added, changed or deleted
TWO_COLUMNS = ["article_id", "word_count"]
FIRST, DELETE, READ_TWO, READ_ALL = "first run", f"delete {SMALL}", "read two columns", "read all columns"
ADDING = {
    f"add {SMALL}, last part empty": 0,
    f"add {SMALL}, last part half full": BUCKET_ROWS // 2,
    f"add {SMALL}, last part nearly full": BUCKET_ROWS - SMALL,
}
"""How many articles the part already holds that takes the new ones; a peer knows no such part, and adds once."""
# Two raw files of 1,000 articles make a shard of the usual size.
OPTIONS = PlanOptions(shard_size=2, settle=0, allow_mass_delete=True)
RACY_SECONDS = 4.0  # a file that changed shortly before a run is read again by the next one
OPTIONS_OF_NOTES = PlanOptions(settle=0)
OURS = "store"
MOST_MEGABYTES, MOST_SECONDS = 15.0, 0.5  # for adding
MOST_IDLE_SECONDS, MOST_IDLE_MEGABYTES = 10.0, 500.0

console = Console(width=140)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation, and what it took."""

    operation: str
    costs: dict[str, Cost]


@dataclass(frozen=True, slots=True)
class Sized:
    """All operations on so many articles."""

    articles: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Idle:
    """A run that found nothing changed, in a process of its own; seconds from its start to its end."""

    raw_files: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    megabytes: float


@dataclass(slots=True)
class OurStore:
    """A store and its raw folder."""

    raw: Path
    clean: Path
    made: int = 0  # articles so far: the number of the next one

    def put(self, key: str, articles: int) -> Batch:
        """Write a raw file of new articles."""
        batch = Batch(self.made, articles)
        self.made += articles
        write_batch(self.raw / key, batch)
        return batch

    def run(self, meter: Meter | None = None) -> RunReport:
        """One run, as `run_directly` does it, but for the reader and the cleaner."""
        meter = meter or Meter()
        voices = load_voices()
        with meter.measure(), open_store(self.clean) as store:
            plan = plan_run(store, self.raw, voices, OPTIONS)
            with meter.leave_out(), patch.object(walk, "read_records", read_batch):
                results = [clean_shard(shard, clean_trivially) for shard in plan.shards]
            return commit_run(store, plan, results)

    def remove(self, *keys: str, meter: Meter | None = None) -> None:
        """Delete raw files, and with them their articles."""
        for key in keys:
            (self.raw / key).unlink()
        self.run(meter)

    def dataset(self) -> ds.Dataset:
        return ds.dataset(articles_path(self.clean), schema=ARTICLES)

    def open_rows(self) -> int:
        """How many articles stand in the part that takes new ones."""
        last = max(articles_path(self.clean).iterdir())
        return pq.read_metadata(last).num_rows % BUCKET_ROWS


class Bench:
    """All operations, by the store first and then by each peer."""

    def __init__(self, work: Path, articles: int, rounds: int) -> None:
        self.store = OurStore(work / "raw", work / "clean")
        self.articles = articles
        self.large = max(min(LARGE, articles // 4), 2 * SMALL)
        self.rounds = min(rounds, self.large // SMALL - 1)
        self.peers: list[Lake] = [OneFile(work / "one.parquet")]
        if find_spec("deltalake"):
            self.peers.append(DeltaLake(work / "delta"))
        self.change = f"change {SMALL} of one raw file's {self.large:,}"
        self.added = self.changed = ARTICLES.empty_table()

    def measure(self) -> Sized:
        """What each operation took the store and its peers; the peers begin with what the store holds in the end."""
        ours = self._measure_store()
        costs = {OURS: ours} | {peer.name: self._measure_peer(peer) for peer in self.peers}
        return Sized(
            self.articles,
            [Row(name, {side: of[name] for side, of in costs.items() if name in of}) for name in ours],
        )

    def _measure_store(self) -> dict[str, Cost]:
        for key, articles in self._raw_files():
            self.store.put(key, articles)
        first = Meter()
        self.store.run(first)
        adding = {name: self._add(fill) for name, fill in ADDING.items()}
        return {
            FIRST: first.typical,
            **{name: meter.typical for name, meter in adding.items()},
            self.change: self._change().typical,
            DELETE: self._delete().typical,
            **self._read(self.store.dataset),
        }

    def _add(self, fill: int) -> Meter:
        """Add to a last part of so many rows; then the store is made what it was."""
        missing = (fill - self.store.open_rows()) % BUCKET_ROWS
        fillers = ["filler.txt"] if missing else []
        for key in fillers:
            self.store.put(key, missing)
            self.store.run()
        meter = Meter()
        for _ in range(self.rounds):
            self.store.put("added.txt", SMALL)
            self.store.run(meter)
            self.added = rows_of(self.store.dataset(), "added.txt")
            self.store.remove("added.txt")
        if fillers:
            self.store.remove(*fillers)
        return meter

    def _change(self) -> Meter:
        """Write some articles of one raw file anew, each time in other words."""
        meter = Meter()
        for number in range(self.rounds):
            write_batch(self.store.raw / self._key(0), Batch(0, self.large, SMALL, number + 1))
            self.store.run(meter)
        self.changed = rows_of(self.store.dataset(), self._key(0))
        return meter

    def _delete(self) -> Meter:
        """Delete raw files from amidst the others, one at a time."""
        meter = Meter()
        for number in range(self.rounds):
            self.store.remove(self._small_key(number), meter=meter)
        return meter

    def _measure_peer(self, peer: Lake) -> dict[str, Cost]:
        small = self._small_key(self.rounds)
        return {
            FIRST: _cost(lambda: peer.create(self.store.dataset().to_batches())),
            next(iter(ADDING)): _cost(lambda: peer.add(self.added)),
            self.change: _cost(lambda: peer.replace(self._key(0), self.changed)),
            DELETE: _cost(lambda: peer.replace(small, ARTICLES.empty_table())),
            **self._read(peer.dataset),
        }

    def _read(self, open_dataset: Callable[[], ds.Dataset]) -> dict[str, Cost]:
        """Read all articles, batch by batch, by the same reader from every side; all hold the same number of them."""
        expected = self.articles - self.rounds * SMALL
        return {
            READ_TWO: _cost(lambda: _read(open_dataset(), expected, TWO_COLUMNS)),
            READ_ALL: _cost(lambda: _read(open_dataset(), expected, ARTICLES.names)),
        }

    def _raw_files(self) -> Iterator[tuple[str, int]]:
        """Raw files of many articles each; one amidst them is cut up into small ones."""
        for number in range(-(-self.articles // self.large)):
            size = min(self.large, self.articles - number * self.large)
            if number == self.articles // self.large // 2:
                for part in range(-(-size // SMALL)):
                    yield self._small_key(part), min(SMALL, size - part * SMALL)
            else:
                yield self._key(number), size

    def _key(self, number: int) -> str:
        return f"{number // 100:03d}/{number:06d}.txt"

    def _small_key(self, part: int) -> str:
        return self._key(self.articles // self.large // 2).replace(".txt", f"-{part:02d}.txt")


def measure_idle(work: Path, raw_files: int) -> Idle:
    """Clean so many small raw files, trivially, and then let a new process find that nothing changed."""
    raw, clean = work / "notes", work / "clean-notes"
    for number in range(raw_files):
        write_old(raw / f"{number // 1000:03d}" / f"{number:06d}.txt", make_note(number))
    time.sleep(RACY_SECONDS)
    run_directly(raw, clean, options=OPTIONS_OF_NOTES, cleaner=clean_trivially)
    began = time.perf_counter()
    command = [sys.executable, "-m", "bench.no_change", str(raw), str(clean)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    seconds = time.perf_counter() - began
    return Idle(seconds=seconds, **json.loads(done.stdout))


def targets(sized: Sequence[Sized], idle: Idle) -> list[Target]:
    """What was aimed at, and what came of it."""
    adding = {
        f"{of.articles:,} articles, {row.operation}": row.costs[OURS]
        for of in sized
        for row in of.rows
        if row.operation.startswith("add")
    }
    nothing = f"nothing changed in {idle.raw_files:,} raw files"
    return [
        *(Target(f"{name}: MB written", cost.megabytes, MOST_MEGABYTES) for name, cost in adding.items()),
        *(Target(f"{name}: s", cost.seconds, MOST_SECONDS) for name, cost in adding.items()),
        Target(f"{nothing}: s", idle.seconds, MOST_IDLE_SECONDS),
        Target(f"{nothing}: MB of memory", idle.peak_megabytes, MOST_IDLE_MEGABYTES),
    ]


def show(sized: Sized) -> None:
    """Print one size for people."""
    lakes = list(sized.rows[0].costs)
    table = Table(title=f"{sized.articles:,} articles", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in lakes:
        for head in (f"{name}\nMB", "\ns", "\nCPU s"):
            table.add_column(head, justify="right")
    for row in sized.rows:
        costs = [row.costs.get(name) for name in lakes]
        table.add_row(row.operation, *(cell for cost in costs for cell in _cells(cost)))
    console.print(table)


def _cells(cost: Cost | None) -> tuple[str, str, str]:
    if cost is None:
        return "", "", ""
    return f"{cost.megabytes:,.1f}", f"{cost.seconds:,.2f}", f"{cost.cpu_seconds:,.2f}"


def _cost(operation: Callable[[], None]) -> Cost:
    meter = Meter()
    with meter.measure():
        operation()
    return meter.typical


def _read(dataset: ds.Dataset, expected: int, columns: list[str]) -> None:
    rows = sum(batch.num_rows for batch in dataset.to_batches(columns=columns))
    if rows != expected:
        raise RuntimeError(f"{rows:,} articles, not {expected:,}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="*", default=SIZES, help="sizes of the store, 400 at least")
    parser.add_argument("--raw-files", type=int, default=RAW_FILES, help="in the run that finds nothing changed")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each operation (default {ROUNDS})")
    parser.add_argument("--work", type=Path, help="folder to work in: 10 KB an article; what is made there is removed")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each size and one for the rest")
    options = parser.parse_args(arguments)
    sized = []
    for articles in options.articles:
        with TemporaryDirectory(dir=options.work) as work:
            sized.append(Bench(Path(work), articles, options.rounds).measure())
        if options.json:
            print(json.dumps(asdict(sized[-1])), flush=True)
        else:
            show(sized[-1])
    with TemporaryDirectory(dir=options.work) as work:
        idle = measure_idle(Path(work), options.raw_files)
    reached = targets(sized, idle)
    if options.json:
        print(json.dumps({"idle": asdict(idle), "targets": list(map(asdict, reached))}))
    else:
        show_targets(reached, console)


if __name__ == "__main__":
    main()
