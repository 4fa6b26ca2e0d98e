"""
A run whose `serve` was killed: it finishes its work alone, and then does not wait long for the server that went with it.

Prefect's client would: three times a minute to publish what the run did, another to say how it ended, and at exit, for
events that nobody takes, more than five (measured with 3.8.8).
"""

import contextlib
import contextvars
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

from prefect.client.orchestration import get_client

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0  # for a new `serve` to have its server at the old address: 10 to 18 s once somebody starts it
POLL_SECONDS = 5.0


@contextlib.contextmanager
def work_to_finish() -> Iterator[None]:
    """Do the work of the block whoever is gone meanwhile; after it, end this process when its `serve` and that one's server are."""
    try:
        yield
    finally:
        serve = multiprocessing.parent_process()
        if serve is not None:
            here = contextvars.copy_context()  # with the address of Prefect's API
            threading.Thread(target=here.run, args=(_end_without, serve), daemon=True).start()


def _end_without(serve: BaseProcess) -> None:
    """Wait for the end of `serve`; then end as soon as no server has answered for a while. A normal end comes before that."""
    serve.join()
    answered = time.monotonic()
    while time.monotonic() < answered + PATIENCE_SECONDS:
        time.sleep(POLL_SECONDS)
        if _has_server():
            answered = time.monotonic()
    log.warning("serve and its server are gone: this run ends without saying so to Prefect; the store has what it did")
    os._exit(1)  # an exit of the usual kind would wait for that server


def _has_server() -> bool:
    with get_client(sync_client=True) as client:
        return client.api_healthcheck() is None
