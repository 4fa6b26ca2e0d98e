"""A schedule left to itself while files keep coming: nothing is lost, and what runs all the time does not grow."""

import gzip
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

import psutil
import pytest

from pipeline.store import history, read_table, status, verify
from tests.conftest import COUNTS
from tests.flows.conftest import STORY
from tests.flows.processes import PATIENCE, descendants, is_alive, running, titles, wait_until

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))

pytestmark = [pytest.mark.long, pytest.mark.timeout(60 * MINUTES + 900)]

EVERY = 20  # seconds: a run takes about six on two cores
ARRIVAL_SECONDS = 3.0
SAMPLE_SECONDS = 5.0
TOLD_SECONDS = 4 * MINUTES  # between two lines of figures: there are fifteen of them
WARM = 1 / 6  # of the time, until caches are full: five of thirty minutes
GROWTH = {"serve": 10, "server": 30}
"""
Most megabytes that may be added after the fifth minute, by the medians of a sixth of the time there and at the end.
"""

BROKEN = ("empty", "binary", "truncated")


@dataclass(slots=True)
class Memory:
    """Resident megabytes by role: when they were seen, and how many."""

    seen: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def look(self, pid: int, minute: float) -> None:
        """Note what `serve`, its server, and the run in flight with its workers take; a run that is over takes nothing."""
        sums = Counter[str]()
        for each in {pid, *descendants(pid)}:
            try:
                process = psutil.Process(each)
                sums[role(process, pid)] += process.memory_info().rss
            except psutil.Error:
                continue  # it ended meanwhile
        for name, total in sums.items():
            self.seen.setdefault(name, []).append((minute, total / 1e6))

    def between(self, name: str, first: float, last: float) -> list[float]:
        """Megabytes seen from one minute to another."""
        return [size for minute, size in self.seen.get(name, []) if first <= minute <= last]

    def line(self, first: float, last: float) -> str:
        """The largest figure of each role, for a person."""
        shown = (f"{name} {max(found):,.0f}" for name in self.seen if (found := self.between(name, first, last)))
        return f"minute {last:4.1f}: {', '.join(shown)} MB"


def role(process: psutil.Process, serve: int) -> str:
    """What a process is there for."""
    if process.pid == serve:
        return "serve"
    return "server" if "flows.local_server" in process.cmdline() else "run and workers"


def is_worker(pid: int) -> bool:
    """Whether a process cleans shards."""
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return "--multiprocessing-fork" in command


def bring(raw: Path, number: int, random: Random) -> str:
    """Put the next file into the raw folder, and say what is to become of it."""
    path = raw / f"{number // 100:03d}" / f"{number:05d}.txt"
    path.parent.mkdir(exist_ok=True)
    story = STORY.format(title=f"Ferry to landing {number}")
    match number % 10:
        case 3:
            path.touch()
            return "empty"
        case 6:
            path.write_bytes(random.randbytes(4_000))
            return "binary"
        case 8:
            whole = gzip.compress(story.encode())
            path.with_suffix(".txt.gz").write_bytes(whole[:12])
            return "truncated"
        case 9:
            path.write_text(STORY.format(title="Ferry to landing 0"), encoding="utf-8")
            return "copy"
        case _:
            path.write_text(story, encoding="utf-8")
            return "article"


def kill_a_worker(serve: int) -> bool:
    """Kill a worker process of the run in flight, if there is one."""
    for pid in descendants(serve):
        if is_worker(pid):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def test_a_schedule_left_to_itself_loses_nothing_and_stays_flat(
    tmp_path: Path, raw: Path, clean: Path, user: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    """
    A file every three seconds, four in ten of them broken or a copy, and in the middle a worker is killed.

    At the end `verify` finds nothing, every file ended as what it had to, and `serve` and its server are as large as before.
    """
    output = tmp_path / "serve.log"
    arguments = ("serve", "--every", f"{EVERY}s", "--raw", raw, "--clean", clean, "--workers", "2")
    random, brought, memory, figures = Random(30), Counter[str](), Memory(), list[str]()
    is_killed = False
    with running(output, user, tmp_path, "pipeline", *arguments) as served:
        bring(raw, 0, random)
        wait_until(lambda: titles(clean), "the first article")
        brought["article"] = 1
        began = time.monotonic()
        next_file = next_sample = 0.0
        next_line = TOLD_SECONDS
        while (now := time.monotonic() - began) < 60 * MINUTES:
            if now >= next_file:
                brought[bring(raw, brought.total(), random)] += 1
                next_file += ARRIVAL_SECONDS
            if now >= next_sample:
                memory.look(served.pid, now / 60)
                next_sample += SAMPLE_SECONDS
            if now >= next_line:
                figures.append(memory.line((now - TOLD_SECONDS) / 60, now / 60))
                print(figures[-1], flush=True)  # noqa: T201 - for who runs it by hand
                next_line += TOLD_SECONDS
            if not is_killed and now >= 30 * MINUTES:
                is_killed = kill_a_worker(served.pid)
            time.sleep(0.2)
        wait_until(lambda: status(clean).raw_files == brought.total(), "a run that takes in the last file")
        others = descendants(served.pid)
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 0
        wait_until(lambda: not any(map(is_alive, others)), "the end of all processes")

    told = output.read_text(encoding="utf-8")
    runs = history(clean, limit=10_000)
    growth = {name: _growth(memory, name) for name in GROWTH}
    for line in [
        *figures,
        f"{brought.total()} files ({dict(brought)}), {len(runs)} runs, {sum(run.published for run in runs)} published",
        f"growth since minute {MINUTES * WARM:.0f}: "
        + ", ".join(f"{name} {growth[name]:+.1f} MB (at most {most})" for name, most in GROWTH.items()),
    ]:
        record_property(COUNTS, line)

    assert is_killed
    assert verify(clean, raw) == []
    assert Counter(read_table("rejected", clean)["reason"].to_pylist()) == Counter(
        {reason: brought[reason] for reason in BROKEN}
    )
    assert titles(clean) == sorted(set(titles(clean)))
    assert len(titles(clean)) == brought["article"]
    assert sum(map(len, read_table("articles", clean)["sources"].to_pylist())) == brought["article"] + brought["copy"]
    assert all(run.records == run.articles + run.duplicates + run.rejected for run in runs)
    assert sum(run.files.new for run in runs) == sum(run.records for run in runs) == brought.total()
    assert "Traceback" not in told
    assert all(growth[name] <= most for name, most in GROWTH.items()), growth


def _growth(memory: Memory, name: str) -> float:
    """Megabytes that were added between the first and the last part of the time after the start."""
    part = MINUTES * WARM
    early = memory.between(name, part, 2 * part)
    late = memory.between(name, MINUTES - part, MINUTES)
    return median(late) - median(early)
