"""Worker processes that do not outlive the run they work for."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Collection
from multiprocessing import connection
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """
    Make this worker process end as soon as the process that started it is gone; for a pool's initializer.

    A pool's workers wait for work on a pipe whose other end they hold themselves, so they would outlive a killed run.
    Ctrl-C reaches them too; they leave it to that process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_exit, args=(parent.sentinel,), daemon=True).start()


def end_workers(spare: Collection[BaseProcess] = ()) -> None:
    """
    End all worker processes of this one at once, but for those to spare.

    A pool that is closed waits for what its workers have before them, minutes perhaps. Nothing is lost: what a shard
    gave appears only when it is whole.
    """
    for worker in multiprocessing.active_children():
        if worker not in spare:
            worker.terminate()


def _wait_and_exit(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
