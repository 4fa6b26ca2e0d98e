"""A scheduled run really fires, on a bare machine, and nothing is left of it afterwards."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.flows.processes import PATIENCE, commands_of, descendants, is_alive, running, titles, wait_until

# Runs in every Python process below: writes down each name looked up and each address connected to.
SPY = """
import os, sys
def spy(event, args):
    if event == "socket.getaddrinfo":
        where = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple):
        where = args[1][0]
    else:
        return
    where = where.decode() if isinstance(where, bytes) else where
    with open(os.environ["SPY_LOG"], "a") as log:
        log.write(f"{where}\\n")
sys.addaudithook(spy)
"""

LOOPBACK = {"127.0.0.1", "localhost", "::1", "None"}


@pytest.fixture
def spied(tmp_path: Path, user: dict[str, str]) -> dict[str, str]:
    """The user's environment, with an audit hook in all Python processes."""
    folder = tmp_path / "spy"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SPY, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), user.get("PYTHONPATH", "")]))
    return user | {"PYTHONPATH": path, "SPY_LOG": str(folder / "log")}


@pytest.mark.timeout(400)
def test_a_scheduled_run_fires_and_serve_ends_cleanly(
    clean: Path, write_story: Callable[[str], Path], spied: dict[str, str], tmp_path: Path
) -> None:
    """
    The README's first command for a schedule, from a folder that is not the repository, but every 5 s.

    Whatever lies in the raw folder is cleaned on schedule, what comes later too, and SIGTERM ends all processes. Meanwhile
    nobody looks up a name or connects to an address outside this machine, and the state is where it belongs.
    """
    every, _ = commands_of("Schedule", {"15m": "5s"})
    log = tmp_path / "output"
    with running(log, spied, tmp_path, *every) as served:
        write_story("mill")
        wait_until(lambda: titles(clean) == ["Ferry to mill"], "the first article")
        write_story("pier")
        wait_until(lambda: titles(clean) == ["Ferry to mill", "Ferry to pier"], "the second article")
        others = descendants(served.pid)
        assert others

        served.send_signal(signal.SIGTERM)

        assert served.wait(PATIENCE) == 0
        wait_until(lambda: not any(map(is_alive, others)), "the end of all processes")
    assert set(Path(spied["SPY_LOG"]).read_text(encoding="utf-8").split()) <= LOOPBACK
    assert list(tmp_path.glob(".local/share/article-pipeline/prefect/*/prefect.db"))
    output = log.read_text(encoding="utf-8")
    assert "Prefect's user interface: http://127.0.0.1:" in output
    assert "1 new, 0 changed and 0 removed raw files: 1 articles" in output
    assert output.endswith("Stopped.\n")
    assert "Traceback" not in output


@pytest.mark.timeout(200)
def test_serve_clears_what_a_dead_serve_left(prefect_api: str, raw: Path, clean: Path) -> None:
    """
    After a power cut a run says "Running" for ever and holds the only slot; the next serve frees it.

    The runs that were missed meanwhile go too, since one run does the work of all.
    """
    from prefect.client.orchestration import PrefectClient, get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.schedules import Interval
    from prefect.states import Running
    from prefect.types.entrypoint import EntrypointType

    from flows.clean_raw import clean_raw
    from flows.serve import ONE_AT_A_TIME, clear_the_past

    async def scheduled(client: PrefectClient, deployment: UUID) -> int:
        runs = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
        )
        return len(runs)

    async def die_and_clear() -> tuple[str, int, bool, int, int]:
        deployment = await clean_raw.ato_deployment(
            name="dead",
            schedule=Interval(timedelta(hours=1)),
            parameters={"raw": str(raw), "clean": str(clean)},
            concurrency_limit=ONE_AT_A_TIME,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        deployment_id = await deployment.aapply()
        async with get_client() as client:
            run = await client.create_flow_run_from_deployment(deployment_id)
            await client.set_flow_run_state(run.id, Running(), force=True)
            limit = f"deployment:{deployment_id}"
            await client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(active_slots=1))
            outage = {"start_time": str(datetime.now(UTC) - timedelta(hours=5)), "end_time": str(datetime.now(UTC))}
            await client.request("POST", f"/deployments/{deployment_id}/schedule", json=outage)
            missed = await scheduled(client, deployment_id)

            await clear_the_past(client, "clean-raw/dead")

            left = await scheduled(client, deployment_id)

            state = (await client.read_flow_run(run.id)).state
            slots = await client.read_global_concurrency_limit_by_name(limit)
            paused = (await client.read_deployment(deployment_id)).paused
        assert state is not None
        return state.type.value, slots.active_slots, paused, missed, left

    assert asyncio.run(die_and_clear()) == ("CRASHED", 0, True, 3, 0)


def test_one_store_is_served_once(
    pipeline: Callable[..., subprocess.CompletedProcess[str]],
    raw: Path,
    clean: Path,
    user: dict[str, str],
    tmp_path: Path,
) -> None:
    """A second serve of the same store would fight over the schedule; it says so and ends."""
    from flows.serve import hold_the_right_to_serve

    state = tmp_path / "state"
    with hold_the_right_to_serve(state, clean):
        done = pipeline("serve", "--every", "1h", "--raw", raw, "--clean", clean, PREFECT_HOME=str(state))

    assert done.returncode == 3
    assert "served already" in done.stderr
