"""Shards cleaned by Dask and Ray give the rows that any other runner gives, also when a worker dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from socket import socket

import pyarrow as pa
import pytest

from bench.made_up import make_dump
from flows.runners import RunnerName, check_runner
from pipeline import run
from pipeline.errors import UsageError
from pipeline.store import read_table, verify
from tests.flows.processes import commands_of
from tests.flows.test_clean_raw import run_flow, tables

STARTED = 180.0  # seconds for Dask's processes to find each other, and to clean a first shard

pytestmark = pytest.mark.usefixtures("prefect_api")


@contextmanager
def ended(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask that does not outlive the block."""
    process = subprocess.Popen([sys.executable, "-m", *map(str, command)], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler with two workers, on loopback, and the workers."""
    import distributed

    place = tmp_path / "scheduler.json"
    here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", place)
    with ExitStack() as stack:
        stack.enter_context(ended("distributed.cli.dask_scheduler", *here, "--port", "0"))
        wait_until(place.exists)
        worker = ("distributed.cli.dask_worker", *here, "--nthreads", "1", "--no-nanny", "--local-directory", tmp_path)
        workers = [stack.enter_context(ended(*worker)) for _ in range(2)]
        with distributed.Client(scheduler_file=str(place)) as client:
            client.wait_for_workers(2, timeout=STARTED)
            address = client.scheduler_info()["address"]
        yield address, workers


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTED
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_dask_gives_the_same_rows(dumps: Path, tmp_path: Path) -> None:
    """On workers of this machine that come and go with the run."""
    run.run_directly(dumps, tmp_path / "directly")

    report = run_flow(dumps, tmp_path / "dask", workers=2, runner=RunnerName.DASK, shard_size=4)

    assert (report.shards, report.shards_failed, report.articles) == (2, 0, 6)
    assert tables(tmp_path / "dask") == tables(tmp_path / "directly")


def test_a_cluster_that_loses_a_worker_gives_the_same_rows(
    raw: Path,
    write_story: Callable[[str], Path],
    tmp_path: Path,
    dask_cluster: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    """What the dead worker was at is done by the other one; no shard is lost, and none is taken in twice."""
    for number in range(24):
        write_story(f"landing-{number}")
    run.run_directly(raw, tmp_path / "directly")
    address, workers = dask_cluster
    clean = tmp_path / "clean"
    killer = threading.Thread(target=kill_when_busy, args=(clean, workers[0]))
    killer.start()

    report = run_flow(raw, clean, runner=RunnerName.DASK, cluster=address, shard_size=3)

    killer.join()
    assert workers[0].wait() == -signal.SIGKILL
    assert (report.shards, report.shards_failed, report.articles) == (8, 0, 24)
    assert tables(clean) == tables(tmp_path / "directly")
    assert verify(clean, raw) == []


def kill_when_busy(clean: Path, worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker when the first shard is done."""
    pieces = clean / ".store" / "pieces"
    wait_until(lambda: pieces.is_dir() and any(pieces.iterdir()))
    os.kill(worker.pid, signal.SIGKILL)


@pytest.mark.long
def test_the_readme_says_how(dumps: Path, clean: Path, tmp_path: Path, user: dict[str, str], prefect_api: str) -> None:
    """The commands of the section on more than one machine, as they stand there, on this machine alone."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    scheduler, worker, the_run = commands_of("More than one machine", {"10.0.0.5": "127.0.0.1", "8786": port})
    beside = user | {"PREFECT_API_URL": prefect_api}
    with ExitStack() as stack:
        for command in (scheduler, worker):
            process = subprocess.Popen(command, cwd=tmp_path, env=beside, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        done = subprocess.run(
            [*the_run, "--raw", dumps, "--clean", clean], cwd=tmp_path, env=beside, check=True, timeout=200
        )

    assert done.returncode == 0
    assert read_table("articles", clean).num_rows == 6


def test_what_cannot_be_used_is_refused() -> None:
    """Before anything is done, with what to do about it."""
    with pytest.raises(UsageError, match="--cluster is for dask and ray, not for --runner process"):
        check_runner(RunnerName.PROCESS, "tcp://127.0.0.1:8786")
    check_runner(RunnerName.DASK, "tcp://127.0.0.1:8786")
    if find_spec("prefect_ray") is None:
        with pytest.raises(UsageError, match=r"pip install 'article-pipeline\[ray\]'"):
            check_runner(RunnerName.RAY, None)


MANY = 20_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pa.Table]]:
    """A raw folder of many dumps, and the rows that a run without Prefect makes of it."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(MANY):
        path = folder / "raw" / f"{number // 1000:02d}" / f"{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make_dump(number % (MANY - 100)), encoding="utf-8")  # the last hundred are copies
    run.run_directly(folder / "raw", folder / "clean")
    return folder / "raw", tables(folder / "clean")


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("runner", list(RunnerName))
def test_many_documents_give_the_same_rows(
    many: tuple[Path, dict[str, pa.Table]], tmp_path: Path, runner: RunnerName
) -> None:
    """Column by column, times aside, with workers of the run's own."""
    if runner is RunnerName.RAY and find_spec("prefect_ray") is None:
        pytest.skip("the extra `ray` is not installed")
    raw, rows = many

    report = run_flow(raw, tmp_path / "clean", workers=2, runner=runner)

    assert (report.records, report.duplicates, report.shards_failed) == (MANY, 100, 0)
    assert tables(tmp_path / "clean") == rows


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("killed", [False, True])
def test_many_documents_give_the_same_rows_on_a_cluster(
    many: tuple[Path, dict[str, pa.Table]],
    tmp_path: Path,
    dask_cluster: tuple[str, list[subprocess.Popen[bytes]]],
    killed: bool,  # noqa: FBT001 - as pytest passes it
) -> None:
    """On two workers that somebody else started, of which one may die in the middle."""
    raw, rows = many
    address, workers = dask_cluster
    clean = tmp_path / "clean"
    killer = threading.Thread(target=kill_when_busy, args=(clean, workers[0]))
    if killed:
        killer.start()

    report = run_flow(raw, clean, runner=RunnerName.DASK, cluster=address)

    if killed:
        killer.join()
        assert workers[0].wait() == -signal.SIGKILL
    assert (report.records, report.duplicates, report.shards_failed) == (MANY, 100, 0)
    assert tables(clean) == rows
    assert verify(clean, raw) == []
