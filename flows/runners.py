"""
From a name on the command line to the Prefect task runner that cleans shards.

The names can be read without importing Prefect, which takes more than a second.
"""

import os
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pipeline.addresses import connect
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner


class RunnerName(StrEnum):
    """Where shards are cleaned."""

    THREAD = "thread"  # in this process: no warm-up, but not in parallel, and a record that hangs it stops the run
    PROCESS = "process"  # in worker processes that are watched: seconds of warm-up, then every core works
    DASK = "dask"  # in such processes of Dask's workers, here or on other machines
    RAY = "ray"  # in such processes of Ray's workers, here or on other machines


CLUSTERS = frozenset({RunnerName.DASK, RunnerName.RAY})
"""Runners that may use workers somebody else started."""


def make_runner(name: RunnerName, workers: int, cluster: str | None = None) -> "TaskRunner[Any]":
    """
    A new task runner with that many workers; each waits for a process of its own, unless shards are cleaned in threads.

    `cluster` is the address of a Dask scheduler ("tcp://10.0.0.5:8786") or Ray cluster ("auto", "ray://10.0.0.5:10001") to
    use, with as many workers as it has; without it, a cluster of this run's own is started on this machine.
    """
    from prefect.task_runners import ThreadPoolTaskRunner  # noqa: PLC0415 - see the module

    match name:
        case RunnerName.THREAD | RunnerName.PROCESS:
            return ThreadPoolTaskRunner(max_workers=workers)
        case RunnerName.DASK:
            return _dask(workers, cluster)
        case RunnerName.RAY:
            return _ray(workers, cluster)


def check_runner(name: RunnerName, cluster: str | None, scratch: str | None = None) -> None:
    """Refuse before the run what would fail in it: `UsageError`."""
    if scratch is not None:
        connect(scratch)
    if name in CLUSTERS and find_spec(f"prefect_{name}") is None:
        raise UsageError(f"--runner {name} needs more packages: pip install 'article-pipeline[{name}]'")
    for option, value in {"--cluster": cluster, "--scratch": scratch}.items():
        if value is not None and name not in CLUSTERS:
            raise UsageError(f"{option} is for {' and '.join(sorted(CLUSTERS))}, not for --runner {name}")


def _dask(workers: int, address: str | None) -> "TaskRunner[Any]":
    import dask.config  # noqa: PLC0415 - in the extra `dask`
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - as above

    if address is not None:
        return DaskTaskRunner(address=address)
    # Workers that are daemons may have no child processes, in which shards are cleaned.
    dask.config.set({"distributed.worker.daemon": False})
    # Without an address, the scheduler takes port 8787 for its pages, which that of another run may have.
    own = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    return DaskTaskRunner(cluster_kwargs=own)


def _ray(workers: int, address: str | None) -> "TaskRunner[Any]":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported
    from prefect_ray.task_runners import RayTaskRunner  # noqa: PLC0415 - in the extra `ray`

    own = {"num_cpus": workers, "include_dashboard": False}
    runner: TaskRunner[Any] = RayTaskRunner(address=address, init_kwargs={} if address is not None else own)
    return runner


def usable_cores() -> int:
    """The cores this process may use, which in a container are often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
