"""Processes of a schedule: what starts them, how tests wait for what they do, and see that none is left."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from pipeline.store import read_articles

PATIENCE = 150.0  # a fresh database alone takes 10 to 18 s on two busy cores

BIN = Path(sys.executable).parent
README = Path(__file__).parents[2] / "README.md"

GONE = "http://127.0.0.1:9/api"
"""Where no server answers: the port is that of a service which nobody has run for decades."""

Process = subprocess.Popen[str]


def commands_of(section: str, instead: Mapping[str, str]) -> list[list[str]]:
    """The commands of a section of the README, word by word, of this environment; with what stands there for a test's own."""
    text = README.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    block = text.split("```")[1].strip()
    for shown, here in {".venv/bin/": f"{BIN}/", **instead}.items():
        assert shown in block, f"the section {section!r} no longer has {shown!r}"
        block = block.replace(shown, here)
    return [shlex.split(line) for line in block.splitlines()]


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Look every half second, for a generous while."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.5)


def titles(clean: Path) -> list[str]:
    """What readers find, once something is published."""
    if not (clean / "articles").exists():
        return []
    return sorted(read_articles(clean).column("title").to_pylist())


def descendants(pid: int) -> set[int]:
    """All processes below one, by id."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, set[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, set()).add(child)
    found, seen = set[int](), {pid}
    while seen:
        seen = set().union(*(children.get(parent, set()) for parent in seen))
        found |= seen
    return found


def processes_of(home: Path) -> set[int]:
    """All processes of the user with this home, by id, as a control group would tell, also those whose parent is gone."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def running(output: Path, environment: dict[str, str], folder: Path, *command: str | Path) -> Iterator[Process]:
    """A command in a session of its own; what is left of it at the end is killed, by its ids."""
    with output.open("w") as file:
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        for pid in {process.pid, *descendants(process.pid)} if process.poll() is None else ():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        sys.stdout.write(output.read_text(encoding="utf-8"))


def api_of(log: Path) -> str:
    """The API of the server that a `serve` with this output has started last."""
    *_, address = re.findall(r"user interface: (http://127\.0\.0\.1:\d+)", log.read_text(encoding="utf-8"))
    return f"{address}/api"


def all_runs(api: str) -> list[dict[str, Any]]:
    """All runs that the server knows, in the order they are due; 200 at most."""
    found = httpx.post(f"{api}/flow_runs/filter", json={"sort": "EXPECTED_START_TIME_ASC"}, timeout=30, trust_env=False)
    return list(found.json())


def runs_of(api: str) -> list[dict[str, Any]]:
    """Those that began or ended."""
    return [run for run in all_runs(api) if run["state_type"] != "SCHEDULED"]


def due(run: Mapping[str, Any]) -> datetime:
    """When a run was to begin."""
    return datetime.fromisoformat(run["expected_start_time"])


def completed(api: str) -> list[tuple[str, str]]:
    """When the runs began that completed, and when they ended."""
    return [(run["start_time"], run["end_time"]) for run in runs_of(api) if run["state_type"] == "COMPLETED"]


def holder(lock: Path) -> int | None:
    """The process that holds a lock, as the kernel tells: that of the run which is active."""
    inode = str(lock.stat().st_ino)
    held = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines() if "FLOCK" in line]
    return next((int(fields[4]) for fields in held if fields[5].rpartition(":")[2] == inode), None)


def verified(pipeline: Callable[..., subprocess.CompletedProcess[str]], clean: Path) -> bool:
    """Whether the store keeps all its promises; asked again while a run is active."""
    done = pipeline("verify", "--clean", clean)
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    return done.returncode == 0
