"""A schedule that is tighter than its runs, and processes that are killed in the middle: no article is lost or doubled."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from flows.local_server import USUAL_PORT, _listen
from pipeline.store import history, verify
from tests.conftest import COUNTS
from tests.flows.processes import (
    PATIENCE,
    all_runs,
    api_of,
    commands_of,
    completed,
    descendants,
    due,
    holder,
    is_alive,
    processes_of,
    running,
    runs_of,
    titles,
    verified,
    wait_until,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_500)]

ROOT = Path(__file__).parents[2]
SLOW_SECONDS = 12
ONE_NEW = "1 new, 0 changed and 0 removed raw files: 1 articles, 0 exact duplicates, 0 rejected"
WATCHED_SECONDS = 60
ENDED = {"CRASHED", "COMPLETED", "CANCELLED"}
MISSED = 6  # runs of an outage
NOTHING_SECONDS = 2.0  # that a run takes at most which finds nothing new: Prefect alone takes one
USUAL = 'cron: "*/15 * * * *"'  # the schedule in prefect.yaml
START = ("prefect", "worker", "start", "--pool", "articles", "--name")

# Runs in every Python process below: a disk that takes so long to read what a run is to commit.
SLOW_DISK = """
import sys, time
def slow(event, args):
    if event == "open" and str(args[0]).endswith("deltas.json") and args[1] == "r":
        time.sleep({seconds})
sys.addaudithook(slow)
"""


@pytest.fixture
def slow(tmp_path: Path, user: dict[str, str]) -> dict[str, str]:
    """The user's environment, with that disk."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SLOW_DISK.format(seconds=SLOW_SECONDS), encoding="utf-8")
    return user | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def restart_seconds() -> int:
    """How long systemd waits before it starts a service again that ended, as its unit says."""
    unit = (ROOT / "deploy" / "article-pipeline-serve.service").read_text(encoding="utf-8")
    return int(unit.partition("RestartSec=")[2].split()[0])


def is_at_work(clean: Path) -> bool:
    """Whether a run has cleaned what there is and is about to commit."""
    return any((clean / ".store" / "pieces").glob("*.shard-*"))


def test_a_cron_expression_fires_at_its_minute(
    tmp_path: Path, clean: Path, user: dict[str, str], write_story: Callable[[str], Path]
) -> None:
    """The README's other command for a schedule, but each minute: its run starts with the minute, and only then."""
    _, cron = commands_of("Schedule", {"0 6 * * *": "* * * * *", "15m": "5s"})
    write_story("mill")
    with running(tmp_path / "serve.log", user, tmp_path, *cron) as served:
        wait_until(lambda: titles(clean) == ["Ferry to mill"], "the article")
        api = api_of(tmp_path / "serve.log")
        seconds = {due(run).second for run in runs_of(api)}
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 0

    assert seconds == {0}
    assert "at * * * * * (" in (tmp_path / "serve.log").read_text(encoding="utf-8")


def test_runs_never_overlap_and_a_killed_one_is_made_up_for(
    tmp_path: Path,
    slow: dict[str, str],
    write_story: Callable[[str], Path],
    pipeline: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """
    Due every 5 s and taking 12 s: those that come due meanwhile are cancelled and say why.

    Then the flow's process is killed in the middle, and later `serve` is asked to end in the middle of a run.
    """
    output, raw, clean = tmp_path / "serve.log", tmp_path / "raw", tmp_path / "clean"
    write_story("mill")
    arguments = ("serve", "--every", "5s", "--raw", raw, "--clean", clean, "--runner", "thread")
    with running(output, slow, tmp_path, "pipeline", *arguments) as served:
        wait_until(lambda: titles(clean) == ["Ferry to mill"], "the first article")
        api = api_of(output)
        time.sleep(WATCHED_SECONDS)
        spans = completed(api)
        cancelled = [run["state"]["message"] for run in runs_of(api) if run["state_type"] == "CANCELLED"]

        write_story("pier")
        wait_until(lambda: is_at_work(clean), "a run in the middle")
        victim = holder(clean / ".store" / "lock")
        assert victim in descendants(served.pid)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: titles(clean) == ["Ferry to mill", "Ferry to pier"], "the article of the killed run")
        wait_until(lambda: verified(pipeline, clean), "a pause between runs")

        write_story("quay")
        wait_until(lambda: is_at_work(clean), "another run in the middle")
        others = descendants(served.pid)
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 0
        wait_until(lambda: not any(map(is_alive, others)), "the end of all processes")

    assert len(spans) >= 2
    assert all(ended < began for (_, ended), (began, _) in pairwise(spans)), spans
    assert cancelled
    assert all("concurrency limit" in message for message in cancelled), cancelled
    assert verified(pipeline, clean)
    assert titles(clean) == ["Ferry to mill", "Ferry to pier", "Ferry to quay"]


@pytest.mark.parametrize("supervisor", ["systemd", "none", "none, and another address"])
def test_a_killed_serve_is_made_up_for_by_the_next(
    tmp_path: Path,
    slow: dict[str, str],
    write_story: Callable[[str], Path],
    pipeline: Callable[..., subprocess.CompletedProcess[str]],
    supervisor: str,
) -> None:
    """
    Serve itself is killed in the middle of a run, and started again, as the unit in `deploy/` has systemd do it.

    systemd also kills what is left of the service, and waits before it starts it again; what was due meanwhile is not made up
    for. Elsewhere the run goes on alone and commits: it says so to the new server if that has the old address, and otherwise is
    known as crashed, and ends by itself.
    """
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    command = ("pipeline", "serve", "--every", "5s", "--raw", raw, "--clean", clean)
    write_story("mill")
    with (
        _listen(USUAL_PORT) if supervisor.endswith("another address") else nullcontext(),
        running(tmp_path / "first.log", slow, tmp_path, *command) as first,
    ):
        wait_until(lambda: titles(clean) == ["Ferry to mill"], "the first article")
        write_story("pier")
        wait_until(lambda: is_at_work(clean), "a run in the middle")
        (active,) = [run["id"] for run in runs_of(api_of(tmp_path / "first.log")) if run["state_type"] == "RUNNING"]
        first.kill()
        first.wait()
        gone, orphans = datetime.now(UTC), processes_of(tmp_path)
        assert orphans
        if supervisor == "systemd":
            for orphan in filter(is_alive, orphans):
                os.kill(orphan, signal.SIGKILL)
            time.sleep(restart_seconds())
    write_story("quay")
    back = datetime.now(UTC)
    with running(tmp_path / "second.log", slow, tmp_path, *command) as second:
        wait_until(lambda: titles(clean) == ["Ferry to mill", "Ferry to pier", "Ferry to quay"], "all articles")
        wait_until(lambda: not any(map(is_alive, orphans)), "the end of what the first one left")
        wait_until(lambda: verified(pipeline, clean), "a pause between runs")
        runs = runs_of(api_of(tmp_path / "second.log"))
        moved = api_of(tmp_path / "second.log") != api_of(tmp_path / "first.log")
        second.send_signal(signal.SIGTERM)
        assert second.wait(PATIENCE) == 0
        wait_until(lambda: not processes_of(tmp_path), "the end of all processes")

    # Prefect cancels some seconds ahead, or when its server comes back and finds a run late before `serve` has dropped it.
    missed = [run for run in runs if gone < due(run) < back]
    told = {(run["state_type"], run["state"]["message"], run["run_count"]) for run in missed}
    assert told <= {("CANCELLED", "Deployment concurrency limit reached.", 0)}
    (state,) = [run["state"] for run in runs if run["id"] == active]
    ends = {("CRASHED", "The process that served this run is gone.")}
    assert moved or not supervisor.endswith("another address")
    if supervisor != "systemd" and not moved:
        ends.add(("COMPLETED", f"{ONE_NEW}; the store holds 2 articles"))
    assert (state["type"], state["message"]) in ends
    assert titles(clean) == ["Ferry to mill", "Ferry to pier", "Ferry to quay"]
    assert verify(clean, raw) == []


def test_a_run_whose_server_is_killed_commits_and_says_so(
    tmp_path: Path,
    slow: dict[str, str],
    write_story: Callable[[str], Path],
    pipeline: Callable[..., subprocess.CompletedProcess[str]],
    record_property: Callable[[str, object], None],
) -> None:
    """It cannot tell Prefect how it ended, but tells the user, in a line; and it does not try for as long as it has events."""
    output, raw, clean = tmp_path / "run.log", tmp_path / "raw", tmp_path / "clean"
    write_story("mill")
    with running(output, slow, tmp_path, "pipeline", "run", "--raw", raw, "--clean", clean) as run:
        wait_until(lambda: is_at_work(clean), "a run in the middle")
        (server,) = [pid for pid in descendants(run.pid) if "flows.local_server" in psutil.Process(pid).cmdline()]
        os.kill(server, signal.SIGKILL)
        killed = time.monotonic()
        assert run.wait(2 * PATIENCE) == 1
        record_property(COUNTS, f"ended {time.monotonic() - killed:.0f} s after its server")
    told = [line for line in output.read_text(encoding="utf-8").splitlines() if line.startswith("error: ")]

    assert len(told) == 1
    assert told[0].startswith("error: Prefect's API went away during the run")
    assert titles(clean) == ["Ferry to mill"]
    assert verified(pipeline, clean)


@contextmanager
def work_pool(folder: Path, user: dict[str, str], schedule: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A Prefect server with the deployment of `prefect.yaml`: its API, and the environment of workers in this folder."""
    from flows import environment
    from flows.local_server import local_server

    home = folder / "prefect"
    settings = environment.missing_settings({}, home, folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)  # the session's server, if there is one, schedules nothing
        for name, value in settings.items():
            patch.setenv(name, value)
        with local_server(home, scheduler=True) as address:
            api = f"{address}/api"
            worker = user | settings | {"PREFECT_API_URL": api, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
            text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
            for shown, here in {
                "/srv/articles": str(folder),
                "/opt/article-pipeline": str(ROOT),
                USUAL: schedule,
            }.items():
                assert shown in text
                text = text.replace(shown, here)
            (folder / "prefect.yaml").write_text(text, encoding="utf-8")
            (folder / "flows").symlink_to(ROOT / "flows")
            for command in (
                ("prefect", "work-pool", "create", "--type", "process", "articles"),
                ("prefect", "--no-prompt", "deploy", "--all"),
                ("pipeline", "watch-runs"),
            ):
                with running(folder / "command.log", worker, folder, *command) as done:
                    assert done.wait(PATIENCE) == 0
            yield api, worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "kill -9"])
def test_a_worker_that_ends_in_the_middle_loses_nothing(
    tmp_path: Path,
    slow: dict[str, str],
    write_story: Callable[[str], Path],
    pipeline: Callable[..., subprocess.CompletedProcess[str]],
    number: signal.Signals,
) -> None:
    """
    With a work pool: the run ends in a state that is true, and the next one, of another worker, does the rest.

    Prefect's worker leaves its run "Running" when it is asked to end; the automation of `watch-runs` frees its slot.
    """
    clean = tmp_path / "clean"
    with work_pool(tmp_path, slow, 'cron: "0 0 1 1 *"') as (api, worker):
        deployment = httpx.get(f"{api}/deployments/name/clean-raw/articles", trust_env=False).json()["id"]

        def ask_for_a_run() -> None:
            url = f"{api}/deployments/{deployment}/create_flow_run"
            # With SQLite a busy server answers 503 now and then: "database is locked".
            wait_until(lambda: httpx.post(url, json={}, timeout=30, trust_env=False).is_success, "a run")

        write_story("mill")
        ask_for_a_run()
        with running(tmp_path / "first.log", worker, tmp_path, *START, "first") as first:
            wait_until(lambda: is_at_work(clean), "a run in the middle")
            others = descendants(first.pid)
            first.send_signal(number)
            first.wait(PATIENCE)
            wait_until(lambda: not any(map(is_alive, others)), "the end of the worker's processes")
        wait_until(lambda: {run["state_type"] for run in runs_of(api)} <= ENDED, "an end that the server knows of")
        write_story("pier")
        with running(tmp_path / "second.log", worker, tmp_path, *START, "second") as second:
            ask_for_a_run()
            wait_until(lambda: titles(clean) == ["Ferry to mill", "Ferry to pier"], "the articles of both runs")
            second.send_signal(signal.SIGTERM)
            second.wait(PATIENCE)

    assert verified(pipeline, clean)


def test_after_an_outage_one_run_does_the_work_of_all(
    tmp_path: Path,
    user: dict[str, str],
    write_story: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    """
    Nobody was there to start the runs of a work pool, which are late: when a worker comes back, Prefect has it start them all.

    Those beside the first are cancelled, and any that come after it find nothing new, and say so at once.
    """
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write_story("mill")
    with work_pool(tmp_path, user | {"PYTHONPATH": str(ROOT)}, "interval: 5") as (api, worker):

        def late() -> set[str]:
            return {run["id"] for run in all_runs(api) if run["state_name"] == "Late"}

        def ended() -> list[dict[str, Any]]:
            return [run for run in runs_of(api) if run["state_type"] in ENDED]

        def idle() -> list[dict[str, Any]]:
            return [run for run in ended() if run["state"]["message"].startswith("0 new")]

        wait_until(lambda: len(late()) >= MISSED, "runs that nobody started")
        missed = late()
        with running(tmp_path / "worker.log", worker, tmp_path, *START, "back") as back:
            wait_until(lambda: titles(clean) == ["Ferry to mill"], "the article")
            wait_until(lambda: missed <= {run["id"] for run in ended()}, "the end of all runs that were late")
            wait_until(idle, "a run that has nothing to do")
            runs, at_once = ended(), idle()
            back.send_signal(signal.SIGTERM)
            back.wait(PATIENCE)

    for run in runs:
        outcome = f"{run['state_name']} after {run['total_run_time']:.1f} s: {run['state']['message']}"
        record_property(COUNTS, f"{'late' if run['id'] in missed else 'then'}, due {due(run):%T}: {outcome}")
    cancelled = [run for run in runs if run["state_type"] == "CANCELLED"]
    working = [run for run in runs if run["state"]["message"].startswith("1 new")]

    assert len([report for report in history(clean, limit=10_000) if report.records]) == 1
    assert len(working) == 1
    assert len(working) + len(at_once) + len(cancelled) == len(runs)
    assert max(run["total_run_time"] for run in at_once) < NOTHING_SECONDS
    assert all("concurrency limit" in run["state"]["message"] for run in cancelled)
    assert verify(clean, raw) == []
