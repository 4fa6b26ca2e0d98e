"""Worker processes that start fast, do not outlive the run they work for, and do not take its machine along."""

import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection

import pyarrow as pa

RESERVED = 1536 * 1024 * 1024
RESERVED_A_THREAD = 64 * 1024 * 1024
"""Bytes that libraries ask for and do not use: arenas and stacks."""


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


class _NoPandas:
    """A finder of modules that says of pandas that it is not installed."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """None for all others, which are then looked for as usual."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def leave_pandas_out() -> None:
    """
    Have pyarrow do without pandas in this process, unless somebody converts to it.

    Where pandas is installed, pyarrow imports it with the first array it makes, to know its types when it meets them: 0.2 s
    and 40 MB of each worker. It looks twice, and never again.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)
        try:
            pa.array([0])  # looked for in Python, and once more where a type is inferred
        finally:
            sys.meta_path.remove(_NoPandas)


_starting = threading.Lock()


ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""What Polars, Arrow and NumPy read when they are imported: how many threads each starts for itself."""


@contextmanager
def spawned_lean() -> Iterator[None]:
    """
    Let processes that are spawned in the block leave this program's main module alone, and be one thread each.

    `multiprocessing` has each of them import that module again, to find there what is sent to them: nothing of ours. Where a
    schedule runs us it is Prefect's, which takes more than a second; for `pipeline run` it is the command line, 0.3 s.

    Libraries start a thread a core in each process, and with a worker a core these are in each other's way: on two cores two
    workers lose 3% by it, while one alone gains 2% from the core that is free. What the user has set stays.
    """
    main = sys.modules["__main__"]
    with _starting:
        known = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
        unset = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
        try:
            os.environ.update(unset)
            for name in known:
                setattr(main, name, None)
            yield
        finally:
            for name, value in known.items():
                setattr(main, name, value)
            for name in unset:
                del os.environ[name]


def limit_memory(most: int) -> None:
    """
    Let this worker process fail before it takes many times the memory that its watcher allows it, in bytes.

    The watcher sees what is really in memory, but only now and then. The system counts what is asked for, which is far
    more: measured, an idle worker has 250 MB in memory and 1.4 GB asked for, as allocators reserve 1 GiB at once. Where an
    allocation is refused, libraries abort, or take it for the end of their input. So this is only for what is too fast to
    be watched. `RLIMIT_DATA` rather than `RLIMIT_AS`, which counts files and shared memory too.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # gigabytes on the disk, for somebody who does not debug
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = 2 * most + RESERVED + (os.cpu_count() or 1) * RESERVED_A_THREAD
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def _wait_and_exit(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
