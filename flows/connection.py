"""Which Prefect API this process talks to: the one the user configured or, on a bare machine, a server of our own."""

import contextlib
import logging
import os
import queue
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import prefect.context
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectException
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings

from flows.local_server import local_server
from pipeline.errors import PipelineError

log = logging.getLogger(__name__)

SEND_SECONDS = 10.0  # for the last log lines, and for the last events


class ApiError(PipelineError):
    """Prefect's API cannot be used, or no longer."""


@contextlib.contextmanager
def prefect_api(state: Path, *, scheduler: bool) -> Iterator[str]:
    """
    Make sure of an API while the block runs; give the address of its user interface.

    Whatever Prefect itself would take counts as configured: environment, profile, `prefect.toml`.
    """
    settings = get_current_settings()
    with contextlib.ExitStack() as stack:
        if settings.api.url is not None:
            _check(settings.api.url)
            address = settings.ui_url or settings.api.url.removesuffix("/api")
        else:
            address = stack.enter_context(local_server(state, scheduler=scheduler))
            _use(f"{address}/api")
            if not scheduler:
                # Nobody would miss them, and the thread that sends them keeps the end of a run waiting for up to a second.
                stack.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
                stack.callback(_keep_house)
        stack.callback(_send_what_is_queued, stays=settings.api.url is not None)
        yield address


@contextlib.contextmanager
def outage_told() -> Iterator[None]:
    """End the command with a message, not with Prefect's traceback, where its API goes away while the block runs."""
    try:
        yield
    except httpx.TransportError as error:
        raise ApiError(
            f"Prefect's API went away during the run: {error}. What was finished is kept; `pipeline status` tells, and "
            "the next run does the rest"
        ) from error


def _keep_house() -> None:
    """Forget runs of long ago, which a server that lives as long as one run does not do; another run may do it as well."""
    from flows.housekeeping import forget_old_runs  # noqa: PLC0415 - knows the flow, which needs no connection to be imported

    try:
        with get_client(sync_client=True) as client:
            forget_old_runs(client)
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("old runs could not be removed from Prefect: %s", error)


def _check(url: str) -> None:
    """Find out now, with a message, rather than later with a traceback."""
    problem = problem_of_api()
    if problem is not None:
        raise ApiError(f"the Prefect API configured as {url} does not answer: {problem}. Start it, or unset it")


def problem_of_api() -> Exception | None:
    """Why Prefect's API does not answer; None where it does."""
    with get_client(sync_client=True) as client:
        return client.api_healthcheck()


def _use(url: str) -> None:
    """Point the whole process, with its threads and later children, at this API: the command is this process's only job."""
    os.environ["PREFECT_API_URL"] = url
    prefect.context.refresh_global_settings_context()


def _send_what_is_queued(*, stays: bool) -> None:
    """
    Let Prefect's background threads send their last log lines and events while the server still listens.

    What is left is dropped, unless the server stays and answers: at exit each would be tried for some seconds.
    """
    workers: Sequence[Any] = (APILogWorker, EventsWorker)
    services = [service for worker in workers for service in worker._instances.values()]  # noqa: SLF001 - there is no other way to them
    for worker in workers:
        worker.drain_all(timeout=SEND_SECONDS, at_exit=False)
    if not stays or problem_of_api() is not None:
        for service in services:
            _drop(service._queue)  # noqa: SLF001 - as above


def _drop(items: queue.Queue[Any]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            items.get_nowait()
    items.put(None)  # which ends the service
