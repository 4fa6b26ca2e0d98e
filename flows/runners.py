"""
From a name on the command line to the Prefect task runner that cleans shards.

The names can be read without importing Prefect, which takes more than a second.
"""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flows.terminal import keep_terminal_quiet
from pipeline.workers import end_with_parent

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner


class RunnerName(StrEnum):
    """Where shards are cleaned."""

    THREAD = "thread"  # in this process: no warm-up, but Python code does not run in parallel
    PROCESS = "process"  # in worker processes: 5 to 6 s of warm-up, then every core works


def make_runner(name: RunnerName, workers: int) -> "TaskRunner[Any]":
    """A new task runner with that many workers."""
    from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner  # noqa: PLC0415 - see the module

    match name:
        case RunnerName.THREAD:
            return ThreadPoolTaskRunner(max_workers=workers)
        case RunnerName.PROCESS:
            return ProcessPoolTaskRunner(max_workers=workers, initializer=prepare_worker)


def usable_cores() -> int:
    """The cores this process may use, which in a container are often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_worker() -> None:
    """Make this worker process end with the process that started it, and say no more than that one would."""
    import prefect.main  # noqa: F401, PLC0415 - sets up the logging that is then toned down; see the module

    keep_terminal_quiet()
    end_with_parent()
