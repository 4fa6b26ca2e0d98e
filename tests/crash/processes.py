"""Processes of their own, for writers that are killed and for readers."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

WARM = get_context("forkserver")
"""Starts in hundredths of a second: forked from a process that has imported everything, and has used nothing of it."""
WARM.set_forkserver_preload(["tests.crash.world", "tests.crash.steps"])

COLD = get_context("spawn")
"""Starts in a second, with nothing imported: threads of polars do not live in a forked process."""


def process(task: Callable[..., None], *arguments: Any, context: Any = WARM) -> BaseProcess:
    """Start a process of its own, which ends with this one."""
    started: BaseProcess = context.Process(target=task, args=arguments, daemon=True)
    started.start()
    return started
