"""
How a run grows with documents, workers and raw files: `python -m bench.scale [--documents N ...] [--planned N] [--json]`.

Made-up dumps of about 5 KB, one a file, are cleaned by the flow into new stores, with one worker and with two, on a Prefect
server of its own. The steps of `pipeline.run` that it calls are timed; what its workers do beside cleaning while it is neither
planning nor committing is Prefect's share, waiting for the last shard included. Last, a million tiny raw files are planned, in
a process of its own.

Two workers need two cores that nobody else uses.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from bench.made_up import make_dump
from bench.targets import Target, show_targets
from pipeline import run
from pipeline.plan import PlanOptions

DOCUMENTS = (20_000, 200_000)
WORKERS = (1, 2)
PLANNED = 1_000_000
FILES_A_FOLDER = 1_000
SETTLE = PlanOptions().settle
REPEATED = 60_000
"""Sizes are run in turns, until so many documents are cleaned by each number of workers: what disturbs a short run is most of it."""
STEPS = ("plan_run", "clean_isolated", "commit_run")
"""What the flow does by `pipeline.run`, from tasks in threads of its own process."""

LEAST_SPEED_UP = 1.7
MOST_UNEVEN = 0.15
MOST_OF_PREFECT = 0.05
MOST_PLAN_SECONDS, MOST_PLAN_MEGABYTES = 60.0, 1_000.0

console = Console(width=140)


@dataclass(frozen=True, slots=True)
class Run:
    """A first run over so many documents, by the flow; the server runs already."""

    documents: int
    workers: int
    seconds: float  # from its start to its end, of which:
    plan_seconds: float
    clean_seconds: float  # those of all shards, from start to end, over the number of workers
    commit_seconds: float

    @property
    def rate(self) -> float:
        """Documents a second."""
        return self.documents / self.seconds

    @property
    def shares(self) -> dict[str, float]:
        """Of the run's time: planning, cleaning (workers starting included), in the store, and the rest: Prefect and idle workers."""
        known = {"planning": self.plan_seconds, "cleaning": self.clean_seconds, "store": self.commit_seconds}
        rest = self.seconds - sum(known.values())
        return {name: spent / self.seconds for name, spent in {"Prefect": rest, **known}.items()}


@dataclass(frozen=True, slots=True)
class Planned:
    """The planning of a first run, in a process of its own."""

    raw_files: int
    seconds: float
    peak_megabytes: float


def measure(work: Path, documents: int, workers: Sequence[int], rounds: int) -> Iterator[Run]:
    """Clean so many documents with each number of workers, in turns; of the rounds the fastest counts."""
    raw = work / "raw"
    for number in range(documents):
        folder = raw / f"{number // FILES_A_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07d}.txt").write_text(make_dump(number), encoding="utf-8")
    time.sleep(SETTLE)  # files that were just written are left to the next run
    turns = [[_measure_once(work, raw, documents, count) for count in workers] for _ in range(rounds)]
    for runs in zip(*turns, strict=True):
        yield min(runs, key=lambda run: run.seconds)


def _measure_once(work: Path, raw: Path, documents: int, workers: int) -> Run:
    import flows.clean_raw  # noqa: PLC0415 - after the server's address is in the environment; takes a second

    with TemporaryDirectory(dir=work) as place, ExitStack() as stack:
        spent = {name: stack.enter_context(_timed(name)) for name in STEPS}
        began = time.perf_counter()
        report = flows.clean_raw.clean_raw(raw, Path(place) / "clean", workers, wait_for_settling=False)
        seconds = time.perf_counter() - began
    if report.records != documents or report.shards_failed:
        raise RuntimeError(f"a run over {documents:,} documents cleaned {report.records:,}: {report.summary()}")
    planning, cleaning, committing = (sum(spent[name]) for name in STEPS)
    return Run(documents, workers, seconds, planning, cleaning / workers, committing)


@contextmanager
def _timed(name: str) -> Iterator[list[float]]:
    """The seconds that a step of a run takes."""
    step, spent = getattr(run, name), []

    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return step(*arguments)
        finally:
            spent.append(time.perf_counter() - began)

    with patch.object(run, name, timed):
        yield spent


def measure_plan(work: Path, raw_files: int) -> Planned:
    """Plan a run over so many tiny files; those of a folder are names of one file, which takes the disk no room."""
    raw = work / "raw"
    for number in range(raw_files):
        folder, place = divmod(number, FILES_A_FOLDER)
        path = raw / f"{folder:04d}" / f"{place:04d}.txt"
        if place:
            os.link(path.with_name("0000.txt"), path)
        else:
            path.parent.mkdir(parents=True)
            path.write_text(f"Note {folder}: the ferry left the quay at six.\n", encoding="utf-8")
    command = [sys.executable, "-m", "bench.plan_once", str(raw), str(work / "clean")]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return Planned(**json.loads(done.stdout))


def targets(runs: Sequence[Run], planned: Planned) -> list[Target]:
    """What was aimed at, and what came of it."""
    by_size = {(each.documents, each.workers): each for each in runs}
    sizes, counts = (sorted(set(column)) for column in zip(*by_size, strict=True))
    reached = [
        Target(
            f"{size:,} documents: speed of 2 workers over 1",
            by_size[size, 2].rate / by_size[size, 1].rate,
            LEAST_SPEED_UP,
            least=True,
        )
        for size in sizes
        if {1, 2} <= set(counts)
    ]
    if len(sizes) > 1:
        for count in counts:
            small, large = by_size[sizes[0], count], by_size[sizes[-1], count]
            uneven = abs(small.rate / large.rate - 1)
            reached.append(
                Target(
                    f"{count} workers: time a document, {sizes[-1]:,} over {sizes[0]:,}, less 1", uneven, MOST_UNEVEN
                )
            )
    reached += [
        Target(
            f"{each.documents:,} documents, {each.workers} workers: share of Prefect",
            each.shares["Prefect"],
            MOST_OF_PREFECT,
        )
        for each in runs
    ]
    files = f"{planned.raw_files:,} raw files planned"
    return [
        *reached,
        Target(f"{files}: s", planned.seconds, MOST_PLAN_SECONDS),
        Target(f"{files}: MB of memory", planned.peak_megabytes, MOST_PLAN_MEGABYTES),
    ]


def draw(runs: Sequence[Run]) -> Table:
    """The runs, for people."""
    table = Table("documents", "workers", "s", "documents/s", *runs[0].shares, box=None)
    for each in runs:
        shares = (f"{share:.1%}" for share in each.shares.values())
        table.add_row(
            f"{each.documents:,}", str(each.workers), f"{each.seconds:,.1f}", f"{each.rate:,.0f}", *shares,
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=DOCUMENTS, help="sizes of the raw folder")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="numbers of workers")
    parser.add_argument("--rounds", type=int, help=f"of each size; by default as many as take {REPEATED:,} documents")
    parser.add_argument("--planned", type=int, default=PLANNED, help="tiny raw files to plan")
    parser.add_argument("--work", type=Path, help="folder to work in: 25 KB a document; what is made there is removed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    runs: list[Run] = []
    with TemporaryDirectory(dir=options.work) as home:
        from flows.connection import prefect_api  # noqa: PLC0415 - imports Prefect, which the options need not wait for
        from flows.environment import prepare  # noqa: PLC0415 - as above

        os.environ.setdefault("PREFECT_HOME", str(Path(home) / "prefect"))
        with prefect_api(prepare(Path(home) / "clean"), scheduler=False):
            for documents in options.documents:
                with TemporaryDirectory(dir=options.work) as work:
                    rounds = options.rounds or max(1, REPEATED // documents)
                    runs.extend(measure(Path(work), documents, options.workers, rounds))
    with TemporaryDirectory(dir=options.work) as work:
        planned = measure_plan(Path(work), options.planned)
    reached = targets(runs, planned)
    if options.json:
        rows = [asdict(each) | {"rate": each.rate, "shares": each.shares} for each in runs]
        print(json.dumps({"runs": rows, "planned": asdict(planned), "targets": list(map(asdict, reached))}))
    else:
        console.print(draw(runs))
        show_targets(reached, console)


if __name__ == "__main__":
    main()
