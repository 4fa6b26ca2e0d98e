"""
The flow on a schedule, never two runs at once.

Prefect's `flow.serve` leaves three things open that a machine in a corner needs: a server where there is none, an end
that waits for the run in flight and pauses the schedule, and a start that clears what a power cut left behind (a run
that stays "Running" for ever would hold the only slot, and every missed run would be made up for, one by one).
"""

import asyncio
import contextlib
import fcntl
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import (
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
    FlowRun,
    State,
    StateType,
)
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow
from prefect.runner import Runner
from prefect.schedules import Cron, Interval
from prefect.schedules import Schedule as PrefectSchedule
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType
from pydantic import ValidationError
from rich.console import Console

from flows.clean_raw import clean_raw
from flows.connection import prefect_api
from flows.environment import store_name
from flows.orphans import end_without_serve
from flows.runners import RunnerName
from flows.schedule import Schedule
from flows.terminal import keep_terminal_quiet
from pipeline.addresses import Place
from pipeline.errors import StoreBusy, UsageError
from pipeline.limits import DEFAULT_LIMITS, WorkLimits
from pipeline.logs import LogFormat, log_format
from pipeline.sources.discover import DEFAULT_READING
from pipeline.sources.reading import Reading
from pipeline.voices import Manner

log = logging.getLogger(__name__)

ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
ACTIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
ENDED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
LATEST = 3  # runs whose process may not be gone yet; there is one at a time
PATIENCE_SECONDS = 60  # for the run in flight when we are asked to stop; systemd kills after 90 s
POLL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and when."""

    raw: Place
    clean: Path
    workers: int
    runner: RunnerName
    manner: Manner
    schedule: Schedule
    publish: str | None = None  # the address to publish to after each run
    reading: Reading = DEFAULT_READING
    limits: WorkLimits = DEFAULT_LIMITS
    cluster: str | None = None  # the address of a Dask or Ray cluster
    scratch: str | None = None  # where its workers put what they made

    @property
    def name(self) -> str:
        """The deployment's name: one a store, so that the limit of one run at a time is the store's."""
        return store_name(self.clean)

    @property
    def parameters(self) -> dict[str, Any]:
        """Absolute paths, since a flow run may start in another folder."""
        return {
            "raw": str(self.raw.resolve() if isinstance(self.raw, Path) else self.raw),
            "clean": str(self.clean.resolve()),
            "workers": self.workers,
            "runner": self.runner.value,
            "cluster": self.cluster,
            "scratch": self.scratch,
            "aim": self.manner.aim.value,
            "html_engine": self.manner.engine.value,
            "comments": self.manner.comments,
            "address": self.publish,
            "reading": self.reading.model_dump(mode="json"),
            "limits": self.limits.model_dump(mode="json"),
            "wait_for_settling": False,
        }


def serve(served: Served, state: Path, console: Console) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    schedule = make_prefect_schedule(served.schedule)
    keep_terminal_quiet()
    with hold_the_right_to_serve(state, served.clean), prefect_api(state, scheduler=True) as address:
        asyncio.run(_serve(served, schedule, address, console))


def make_prefect_schedule(schedule: Schedule) -> PrefectSchedule:
    """Translate, and let Prefect check the fields of a cron expression."""
    if schedule.every is not None:
        return Interval(schedule.every)
    try:
        CronSchedule(cron=str(schedule.cron), timezone=schedule.timezone)
    except ValidationError as error:
        raise UsageError(f"--cron {schedule.cron!r}: {error.errors()[0]['msg']}") from error
    return Cron(str(schedule.cron), timezone=schedule.timezone)


@contextlib.contextmanager
def hold_the_right_to_serve(state: Path, clean: Path) -> Iterator[None]:
    """Hold the right to serve this store; what is unfinished while we hold it was left behind by someone gone."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / f"serve-{store_name(clean)}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(f"{clean} is being served already; stop that first") from None
        yield


async def _serve(served: Served, schedule: PrefectSchedule, address: str, console: Console) -> None:
    async with get_client() as client:
        await clear_the_past(client, f"{clean_raw.name}/{served.name}")
        runner = Runner(name=served.name, pause_on_shutdown=False, query_seconds=_poll_seconds(served.schedule))
        deployment = await runner.aadd_flow(
            clean_raw.with_options(
                on_running=[_be_quiet], on_completion=[_say_what_was_done], on_failure=[_say_what_was_done]
            ),
            name=served.name,
            schedule=schedule,
            paused=False,
            parameters=served.parameters,
            concurrency_limit=ONE_AT_A_TIME,
            entrypoint_type=EntrypointType.MODULE_PATH,  # importable from any folder, unlike a relative file name
        )
        running = asyncio.create_task(runner.start())
        await asyncio.sleep(0)  # let it install its signal handler first, which ours replaces
        stop = _stop_signals()
        _say(console, f"Cleaning {served.raw} into {served.clean} {served.schedule}.")
        _say(console, f"Prefect's user interface: {address}. Stop with Ctrl-C.")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
        stop.clear()
        if not running.done():
            await client.pause_deployment(deployment)  # before anything else: nothing new may start
            await _wait_for_runs(client, deployment, stop, console)
            ended = await _runs(client, deployment, ENDED)
            await runner.astop()  # ends the run that is still in flight, if any, and records it as cancelled
            await running
            await _keep_states(client, ended)
        await running
    _say(console, "Stopped.")


def _poll_seconds(schedule: Schedule) -> float:
    """Look for due runs often enough for the schedule, but not more often than every second."""
    every = POLL_SECONDS if schedule.every is None else schedule.every.total_seconds() / 2
    return min(POLL_SECONDS, max(1.0, every))


def _stop_signals() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set; once cleared, a second signal sets it again."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def clear_the_past(client: PrefectClient, full_name: str) -> None:
    """
    Drop what an earlier `serve` of this store left unfinished.

    Missed runs go, since one run works through whatever is new; one that somebody asked for stays. A run still marked
    active has no process that we would wait for, and gives its slot back.
    """
    try:
        deployment = await client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return
    await client.pause_deployment(deployment.id)
    while missed := [run for run in await _runs(client, deployment.id, [StateType.SCHEDULED]) if run.auto_scheduled]:
        for run in missed:
            await client.delete_flow_run(run.id)
    for run in await _runs(client, deployment.id, ACTIVE):
        crashed: State[Any] = Crashed(message="The process that served this run is gone.")
        await client.set_flow_run_state(run.id, crashed, force=True)
    limit = deployment.global_concurrency_limit
    if limit is not None:
        await client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))


async def _runs(client: PrefectClient, deployment: UUID, states: list[StateType]) -> list[FlowRun]:
    """The runs of a deployment that are in one of these states, the latest first; 200 at most."""
    return await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states))),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )


async def _keep_states(client: PrefectClient, ended: list[FlowRun]) -> None:
    """Undo what the runner did to runs that had ended: it calls cancelled whatever process is not gone yet."""
    for run in ended[:LATEST]:
        now = (await client.read_flow_run(run.id)).state
        if run.state is not None and now is not None and now.type is not run.state.type:
            await client.set_flow_run_state(run.id, run.state, force=True)


async def _wait_for_runs(client: PrefectClient, deployment: UUID, hurry: asyncio.Event, console: Console) -> None:
    """Let the run in flight finish, for a while and until a second signal."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    told = False
    while not hurry.is_set() and asyncio.get_running_loop().time() < deadline:
        if not await _runs(client, deployment, ACTIVE):
            return
        if not told:
            _say(console, f"Waiting up to {PATIENCE_SECONDS} s for the run in flight; Ctrl-C ends it now.")
            told = True
        await asyncio.sleep(0.5)


# Prefect calls hooks with these three names. They are called in the process of the run, which imports this module for them: it
# is what comes before all of Prefect's waiting there.
end_without_serve()


def _be_quiet(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    keep_terminal_quiet()


def _say_what_was_done(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - as above
    _say(Console(stderr=True), f"{datetime.now().astimezone():%F %T} {flow_run.name}: {state.message}")


def _say(console: Console, message: str) -> None:
    if log_format() is LogFormat.JSON:
        log.info("%s", message)
    else:
        console.print(message, soft_wrap=True, markup=False, highlight=False)
