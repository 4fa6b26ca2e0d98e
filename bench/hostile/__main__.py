"""
What happens to hostile and broken input: each case in a run of its own, with honest articles beside it.

    python -m bench.hostile                      all cases at full size; some minutes, and 4 GB of disk for a while
    python -m bench.hostile --case bombs --case names
    python -m bench.hostile --short              the sizes of the tests

Seconds are those of CPU of the whole run, its start and all its processes included, as other work on the machine does not
add to them; memory is that of all its processes together. A run that takes more than either bound is told, and one of ten
minutes is ended. The exit code is 1 where a bound is passed, an honest article
is lost, a record ends as none of what it may, a file is made outside the store, or a run fails.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.hostile import CASES
from bench.hostile.case import LEFT, PASSED_OVER, Case
from bench.hostile.outcome import Outcome, contents, judge, lay_out
from bench.memory import MemoryMeter, family
from pipeline.explain import visible
from pipeline.plan import PlanOptions
from pipeline.run import run_directly

MOST_SECONDS = 30.0
MOST_BYTES = 1_500_000_000
PATIENCE = 600.0
"""Seconds by the clock after which a run is ended."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run over one case, and what it took."""

    case: Case
    outcome: Outcome | None  # None where the run failed
    failure: str
    seconds: float  # by the clock
    cpu_seconds: float
    bytes: int

    @property
    def is_right(self) -> bool:
        """Whether it kept every promise."""
        in_bounds = self.cpu_seconds <= MOST_SECONDS and self.bytes <= MOST_BYTES
        return not self.failure and in_bounds and self.outcome is not None and self.outcome.is_right


def measure(case: Case, folder: Path, size: int) -> Measured:
    """Make the files of a case, and run over them in a process of its own."""
    raw, clean = folder / "raw", folder / "clean"
    lay_out(raw, case, size)
    before = contents(folder)
    command = [sys.executable, "-m", "bench.hostile", "--inside", str(raw), str(clean)]
    began, cpu_began = time.monotonic(), _cpu_seconds()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:  # noqa: S603 - ourselves
        meter = MemoryMeter(run.pid)
        meter.start()
        with _meddled(case, raw / case.name):
            told, failure = _wait(run)
        seconds, cpu_seconds = time.monotonic() - began, _cpu_seconds() - cpu_began
        most = meter.end()
    made = {path for path in contents(folder) - before if not path.startswith(str(clean))}
    if made and case.meddle is None:
        failure = f"made {sorted(made)[:3]}"
    if run.returncode and not failure:
        failure = f"exit {run.returncode}: {told.strip().splitlines()[-1:]}"
    outcome = None if run.returncode else judge(clean, [case])[0]
    return Measured(case, outcome, failure, seconds, cpu_seconds, most)


def _cpu_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait(run: "subprocess.Popen[bytes]") -> tuple[str, str]:
    """What a run says on stderr, and what is wrong with it, if it does not end."""
    try:
        return run.communicate(timeout=PATIENCE)[1].decode(errors="replace"), ""
    except subprocess.TimeoutExpired:
        for process in reversed([*family(run.pid)]):
            os.kill(process, signal.SIGKILL)
        run.communicate()
        return "", f"ended after {PATIENCE:.0f} s"


@contextmanager
def _meddled(case: Case, folder: Path) -> Iterator[None]:
    """Let a case do in its folder what it does, until the run has ended."""
    ended = threading.Event()
    meddler = threading.Thread(target=case.meddle, args=(folder, ended)) if case.meddle else None
    if meddler:
        meddler.start()
    try:
        yield
    finally:
        ended.set()
        if meddler:
            meddler.join()


def draw(measured: Measured) -> list[str]:
    """One row of the table."""
    outcome = measured.outcome
    ends = _shown(outcome.ends) if outcome else "-"
    lost = f"{outcome.honest_lost}" if outcome else "all"
    remarks = [measured.failure] if measured.failure else []
    if outcome and not set(outcome.ends) <= measured.case.ends:
        remarks.append(f"none of: {', '.join(sorted(measured.case.ends))}")
    if outcome and outcome.told:
        remarks.append("tells what no raw file says")
    detail = "; ".join(remarks) or (outcome.detail if outcome else "")
    return [
        measured.case.name,
        ends,
        lost,
        f"{measured.cpu_seconds:.1f}",
        f"{measured.seconds:.1f}",
        f"{measured.bytes / 1e6:,.0f}",
        visible(detail)[:160],
    ]


def _shown(ends: Mapping[str, int]) -> str:
    return ", ".join(end if end in {PASSED_OVER, LEFT} else f"{count:,} {end}" for end, count in ends.items())


def main() -> int:
    options = _parse()
    if options.inside:
        raw, clean = options.inside
        run_directly(raw, clean, workers=2, runner="process", options=PlanOptions(settle=0))
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=200)
    table = Table(title="hostile cases", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for head in ("case", "outcome", "honest lost", "CPU s", "seconds", "MB", "first rejection, or what is wrong"):
        table.add_column(
            head, overflow="fold", justify="right" if head in {"honest lost", "CPU s", "seconds", "MB"} else "left"
        )
    wrong = 0
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            measured = measure(case, Path(folder), case.short if options.short else case.full)
        wrong += not measured.is_right
        table.add_row(*draw(measured), style="" if measured.is_right else "red")
        Console(stderr=True).print("  ".join(draw(measured)), markup=False, highlight=False)
    console.print(table)
    return 1 if wrong else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description="Run over hostile and broken input.")
    parser.add_argument(
        "--case", action="append", choices=[case.name for case in CASES], help="only this; may be repeated"
    )
    parser.add_argument("--short", action="store_true", help="the sizes of the tests")
    parser.add_argument("--work", type=Path, default=None, help="where files are made; by default a temporary folder")
    parser.add_argument("--inside", type=Path, nargs=2, metavar=("RAW", "CLEAN"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
