"""
From a name on the command line to the Prefect task runner that cleans shards.

The names can be read without importing Prefect, which takes more than a second.
"""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner


class RunnerName(StrEnum):
    """Where shards are cleaned."""

    THREAD = "thread"  # in this process: no warm-up, but not in parallel, and a record that hangs it stops the run
    PROCESS = "process"  # in worker processes that are watched: seconds of warm-up, then every core works


def make_runner(name: RunnerName, workers: int) -> "TaskRunner[Any]":
    """A new task runner with that many workers; where shards are cleaned in processes, its threads wait for those."""
    from prefect.task_runners import ThreadPoolTaskRunner  # noqa: PLC0415 - see the module

    match name:
        case RunnerName.THREAD | RunnerName.PROCESS:
            return ThreadPoolTaskRunner(max_workers=workers)


def usable_cores() -> int:
    """The cores this process may use, which in a container are often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
