"""A run whose `serve` is killed: what it is at is finished, and its process does not stay for a server that is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.flows.processes import GONE, is_alive, wait_until

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 1.0
TWICE = 2 * PATIENCE_SECONDS + 1  # long enough to see that a process stays

SERVE = """
import multiprocessing, os, sys, time
from pathlib import Path
from flows import orphans

def run(folder):
    orphans.PATIENCE_SECONDS, orphans.POLL_SECONDS = {patience}, 0.1
    orphans.end_without_serve()
    (folder / "began").write_text(str(os.getpid()))
    while not (folder / "begin").exists():
        time.sleep(0.05)
    with orphans.work_to_finish():
        while not (folder / "finish").exists():
            time.sleep(0.05)
    time.sleep(600)  # as Prefect's client waits at exit

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=run, args=(Path(sys.argv[1]),))
    process.start()
    process.join()
"""


@contextmanager
def served_run(folder: Path, api: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A stand-in for `serve`, and the id of the process that it has started for a run, as Prefect's runner starts it."""
    script = folder / "serve.py"
    script.write_text(SERVE.format(patience=PATIENCE_SECONDS), encoding="utf-8")
    environment = os.environ | {"PREFECT_API_URL": api, "PYTHONPATH": str(ROOT)}
    serve = subprocess.Popen([sys.executable, script, folder], env=environment)
    began, run = folder / "began", 0
    try:
        wait_until(lambda: began.exists() and began.read_text(encoding="utf-8"), "the run")
        run = int(began.read_text(encoding="utf-8"))
        yield serve, run
    finally:
        serve.kill()
        serve.wait()
        if run and is_alive(run):
            os.kill(run, signal.SIGKILL)


def test_a_run_that_still_waits_for_its_server_ends(tmp_path: Path) -> None:
    """Prefect asks the server, without end, before it lets a flow begin."""
    with served_run(tmp_path, GONE) as (serve, run):
        serve.kill()
        serve.wait()
        wait_until(lambda: not is_alive(run), "the end of the run")


def test_work_is_finished_alone_and_then_the_process_ends(tmp_path: Path) -> None:
    """However long the work takes; what may not take long is what comes after it."""
    (tmp_path / "begin").touch()
    with served_run(tmp_path, GONE) as (serve, run):
        serve.kill()
        serve.wait()
        time.sleep(TWICE)
        assert is_alive(run)
        (tmp_path / "finish").touch()
        wait_until(lambda: not is_alive(run), "the end of the run")


def test_a_run_whose_serve_is_there_takes_its_time(tmp_path: Path) -> None:
    """Its server may be away for a while; Prefect's own patience counts."""
    with served_run(tmp_path, GONE) as (_, run):
        time.sleep(TWICE)
        assert is_alive(run)


def test_a_run_whose_server_answers_takes_its_time(tmp_path: Path, prefect_api: str) -> None:
    """A new `serve` has its server at the old address, or the server never went away: there is somebody to tell."""
    with served_run(tmp_path, prefect_api) as (serve, run):
        serve.kill()
        serve.wait()
        time.sleep(TWICE)
        assert is_alive(run)
