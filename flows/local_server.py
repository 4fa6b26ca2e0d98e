"""
A Prefect server of our own, for machines where none is configured.

It listens on 127.0.0.1 only, keeps its SQLite file in Prefect's state folder, and lives exactly as long as the
process that started it: its standard input is a pipe from that process, and when the pipe closes, for whatever
reason (a clean end, a crash, a kill), the server ends. No process is left behind and none is searched for by name.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import PipelineError

USUAL_PORT = 4200  # where Prefect's documentation and its command line look
START_SECONDS = 120  # 10 to 18 s were measured on two busy cores, most of them for a fresh database
STOP_SECONDS = 15


class ServerError(PipelineError):
    """The local Prefect server did not start or did not stay."""


@contextlib.contextmanager
def local_server(state: Path, *, scheduler: bool) -> Iterator[str]:
    """
    Run a server while the block runs; give its address, such as `http://127.0.0.1:4200`.

    With `scheduler` it has the user interface and the services that make scheduled runs, and takes the usual port
    if that is free. Without, it only records one run, which starts faster.
    """
    state.mkdir(parents=True, exist_ok=True)
    log = state / "server.log"
    with _listen(USUAL_PORT if scheduler else 0) as listener, log.open("wb") as output:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            # -P: a folder named `flows` where the user happens to stand must not be imported
            [sys.executable, "-P", "-m", "flows.local_server", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us: the server is still needed to record how the run ended
            env=os.environ | _server_settings(address, scheduler=scheduler),
        )
    try:
        _wait_until_healthy(address, process, log)
        yield address
    finally:
        _end(process)


def _listen(preferred: int) -> socket.socket:
    """
    A socket that listens on the preferred port or, when that is taken, on a free one, before the server starts.

    To bind is not enough: until one of them listens, two servers that start at once may bind the same port, and the one
    that is late would take the other's answers for its own. Who connects meanwhile waits for the server.
    """
    for port in (preferred, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
            return listener
        listener.close()
    raise ServerError("no free port on 127.0.0.1 for the local Prefect server")


def _server_settings(address: str, *, scheduler: bool) -> dict[str, str]:
    settings = {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": address.rsplit(":", 1)[1],
        # Without this the page asks port 4200, whatever port it came from.
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
    }
    return settings if scheduler else settings | {"PREFECT__SERVER_EPHEMERAL": "1"}


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"the local Prefect server ended with code {process.returncode}; its log is {log}")
        with contextlib.suppress(urllib.error.URLError, OSError), direct.open(f"{address}/api/health", timeout=5):
            return
        time.sleep(0.1)
    raise ServerError(f"the local Prefect server did not answer within {START_SECONDS} s; its log is {log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end by closing the pipe it watches; insist after a while."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone, then ask ourselves to shut down."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # A server still in its start-up does not heed the signal at once; nobody is left to wait for it.
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _main() -> None:
    """The server process: serve Prefect's API on the socket we were given."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Only this process pays for importing the server.
    import uvicorn  # noqa: PLC0415
    from prefect.server.api.server import create_app  # noqa: PLC0415

    config = uvicorn.Config(create_app(final=True), log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _main()
