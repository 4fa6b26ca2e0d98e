"""
A run whose `serve` was killed: it finishes its work alone, and does not wait long for the server that went with it.

Prefect's client would: before the flow begins for ever, and after it three times a minute to publish what the run did,
another to say how it ended, and at exit more than five for events that nobody takes (seen with 3.8.8).
"""

import contextlib
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

from flows.connection import problem_of_api

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0  # for a new `serve` to have its server at the old address: 10 to 18 s once somebody starts it
POLL_SECONDS = 5.0

_at_work = threading.Event()


@contextlib.contextmanager
def work_to_finish() -> Iterator[None]:
    """Do the work of the block, whoever is gone meanwhile."""
    _at_work.set()
    try:
        yield
    finally:
        _at_work.clear()


def end_without_serve() -> None:
    """
    End this process, unless it is at work, some time after the `serve` that has started it for a run and that one's server.

    Nothing happens in a process that was not started by another one of Python.
    """
    serve = multiprocessing.parent_process()
    if serve is not None:
        threading.Thread(target=_end_without, args=(serve,), daemon=True).start()


def _end_without(serve: BaseProcess) -> None:
    serve.join()
    needed = time.monotonic()
    while time.monotonic() < needed + PATIENCE_SECONDS:
        time.sleep(POLL_SECONDS)
        if _at_work.is_set() or problem_of_api() is None:
            needed = time.monotonic()
    log.warning("serve and its server are gone: its run ends without telling Prefect; the store has what it did")
    os._exit(1)  # an exit of the usual kind would wait for that server
