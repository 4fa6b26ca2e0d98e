"""A disk that is full, or that fails: the run says so, nothing is lost, and the next run completes."""

import json
import re
import resource
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from pipeline.errors import PipelineError
from pipeline.store import verify
from tests.crash.processes import WARM, process
from tests.crash.world import change_alike, found, run, small_parts
from tests.tools import require_small_disk, require_strace

ROOT = Path(__file__).parents[2]
LIMITS = [0, 33_000, 300_000, 450_000, 10_000_000]  # bytes a file
LARGE = 400_000  # random bytes in a raw file, so that rows need more room than the state does
TROUBLE = r"^StoreError: .*(No space|disk is full|disk I/O|Input/output|File too large)"

pytestmark = pytest.mark.usefixtures("parts_of_few_rows")


def run_limited(raw: Path, clean: Path, limit: int, says: Connection) -> None:
    """Run where no file may grow beyond so many bytes, and say how it ended."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with small_parts(keep=2, seconds=0):
        try:
            run(raw, clean)
            says.send("completed")
        except PipelineError as error:
            says.send(f"{type(error).__name__}: {error}")


def test_files_that_may_not_grow_lose_nothing(raw: Path, clean: Path, tell: Callable[[str], None]) -> None:
    """Whichever file meets the limit first, the run ends with a StoreError that names it, and the old rows stay."""
    run(raw, clean)
    outcome: Counter[str] = Counter()
    for number, limit in enumerate(LIMITS):
        (raw / "large.txt").write_text(f"{Random(number).randbytes(LARGE).hex()}\n", encoding="ascii")
        old, new = found(clean), change_alike(raw, number)
        hears, says = WARM.Pipe(duplex=False)
        limited = process(run_limited, raw, clean, limit, says)
        says.close()
        said = hears.recv()
        limited.join()

        if said == "completed":
            assert found(clean) == new
        else:
            assert re.search(TROUBLE, said), said
            assert str(clean) in said
            assert found(clean) == old
        outcome[kind(said)] += 1
        run(raw, clean)
        assert found(clean) == new
    assert verify(clean, raw) == []
    assert outcome["completed"]
    assert len(outcome) > 2, outcome  # several kinds of files met the limit
    tell(f"files of at most 0 to {LIMITS[-1]:,} bytes: {dict(outcome)}")


def kind(said: str) -> str:
    """What a run met, without names that differ."""
    where, _, what = said.partition(";")[0].rpartition(": ")
    return f"{what} ({re.sub('[0-9]+', '#', where.rpartition('/')[2])})" if where else said


def test_a_full_disk_loses_nothing(raw: Path, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """On a disk of its own, with less and less room: a StoreError, the old rows, and with room again the new ones."""
    disk = tmp_path / "disk"
    disk.mkdir()
    begin = require_small_disk(disk)
    python = shlex.join([sys.executable, "-m", "tests.crash.small_disk", str(raw), str(disk)])
    script = f"mount -t tmpfs -o size=4m tmpfs {shlex.quote(str(disk))} && exec {python}"

    done = subprocess.run([*begin, "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line)["said"] for line in done.stdout.splitlines()]
    failed = [said for said in outcomes if said != "completed"]
    assert outcomes[0] != "completed"
    assert outcomes[-1] == "completed"
    assert all(re.search("No space|disk is full|disk I/O", said) for said in failed), failed
    tell(f"a full disk, {len(outcomes)} rooms: {len(failed)} runs failed, {dict(Counter(map(kind, failed)))}")


def traced(strace: str, options: list[str], raw: Path, clean: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """One run under strace; its calls are written to `folder / "trace"`."""
    command = [strace, "-f", "-y", "-o", str(folder / "trace"), *options]
    command += [sys.executable, "-m", "tests.crash.run_once", str(raw), str(clean)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def syncs(trace: Path, call: str) -> int:
    """How many calls of a kind a run made, in the thread that made most: strace counts them by thread."""
    made = re.findall(rf"^(\d+) +{call}\(", trace.read_text(encoding="utf-8"), re.MULTILINE)
    return max(Counter(made).values())


@pytest.mark.parametrize(("call", "when"), [("fsync", 12), ("fdatasync", 1)])
def test_a_sync_that_fails_loses_nothing(raw: Path, clean: Path, tmp_path: Path, call: str, when: int) -> None:
    """The kernel answers EIO to one sync, of ours (fsync) or of SQLite's (fdatasync)."""
    prepare(raw, clean)
    assert fail_syncs(raw, clean, tmp_path, call, [when]) == {"failed, old tables": 1}


@pytest.mark.long
@pytest.mark.parametrize("call", ["fsync", "fdatasync"])
def test_every_sync_that_fails_loses_nothing(
    raw: Path, clean: Path, tmp_path: Path, call: str, tell: Callable[[str], None]
) -> None:
    """The same for every sync of a run."""
    strace = require_strace(tmp_path)
    prepare(raw, clean)
    change_alike(raw, 3)
    assert traced(strace, ["-e", f"trace={call}"], raw, clean, tmp_path).returncode == 0
    count = syncs(tmp_path / "trace", call)
    tell(f"EIO at each of {count} {call}: {fail_syncs(raw, clean, tmp_path, call, range(1, count + 1))}")


def prepare(raw: Path, clean: Path) -> None:
    """Runs after which each further one takes the same steps."""
    for number in range(3):
        change_alike(raw, number)
        run(raw, clean)


def fail_syncs(raw: Path, clean: Path, folder: Path, call: str, whens: Iterable[int]) -> dict[str, int]:
    """Let single syncs of runs fail, each in a run of its own, and let the next run complete; returns what happened."""
    strace = require_strace(folder)
    outcome: Counter[str] = Counter()
    for number, when in enumerate(whens, start=4):
        old, new = found(clean), change_alike(raw, number)
        options = ["-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={when}"]
        done = traced(strace, options, raw, clean, folder)

        assert "INJECTED" in (folder / "trace").read_text(encoding="utf-8")
        now = found(clean)
        assert now in (old, new)
        if done.returncode:
            assert re.search(TROUBLE, done.stderr), done.stderr
        else:  # SQLite tries again what it does when it closes
            assert now == new
        outcome[f"{'failed' if done.returncode else 'completed'}, {'new' if now == new else 'old'} tables"] += 1
        run(raw, clean)
        assert found(clean) == new
    assert verify(clean, raw) == []
    assert outcome["failed, old tables"] > 0
    return dict(outcome)
