"""PostgreSQL as the database of the Prefect server: for many workers or tight schedules, as docs/operations.md says."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.flows.conftest import Command
from tests.flows.processes import PATIENCE, running, titles, wait_until
from tests.tools import missing

pytestmark = pytest.mark.timeout(900)


def programs() -> Path | None:
    """Where PostgreSQL's server is: Debian keeps it off the path, one folder a version."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture
def postgres() -> Iterator[str]:
    """A PostgreSQL of the test's own, on loopback, with an empty database; gives its address."""
    folder = programs()
    if folder is None:
        missing("PostgreSQL is not installed (Debian: postgresql)")
    home = Path(tempfile.mkdtemp(prefix="postgres-"))  # its user may not look into pytest's folders
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        shutil.chown(home, user)
    password = secrets.token_hex(16)
    (home / "password").write_text(password, encoding="ascii")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(*command: str | Path) -> None:
        subprocess.run(command, cwd=home, check=True, capture_output=True, user=user, timeout=120)

    call(folder / "initdb", "-D", home / "data", "-U", "prefect", "-A", "scram-sha-256", "--pwfile", home / "password")
    options = ["-D", home / "data", "-p", str(port), "-k", home, "-c", "listen_addresses=127.0.0.1"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen([folder / "postgres", *options], cwd=home, user=user, stdout=log, stderr=log)
    try:
        wait_until((home / f".s.PGSQL.{port}").exists, "PostgreSQL")
        yield f"postgresql+asyncpg://prefect:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # an end without waiting for those who are connected
        server.wait(60)
        shutil.rmtree(home)


def states(postgres: str) -> list[str]:
    """The states of all flow runs that are recorded in this database."""

    async def ask() -> list[str]:
        connection = await asyncpg.connect(postgres.replace("+asyncpg", ""))
        try:
            return [row["state_type"] for row in await connection.fetch("SELECT state_type FROM flow_run")]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_run_is_recorded_in_postgresql(
    tmp_path: Path, write_story: Callable[[str], Path], postgres: str, pipeline: Command
) -> None:
    """A server on an empty database makes its tables and takes the run, and no SQLite file of Prefect's is made."""
    write_story("mill")

    done = pipeline("run", "--runner", "thread", PREFECT_SERVER_DATABASE_CONNECTION_URL=postgres)

    assert done.returncode == 0, done.stderr
    assert states(postgres) == ["COMPLETED"]
    assert titles(tmp_path / "clean") == ["Ferry to mill"]
    assert not list(tmp_path.rglob("prefect.db"))


@pytest.mark.long
def test_a_schedule_is_kept_in_postgresql(
    tmp_path: Path, user: dict[str, str], write_story: Callable[[str], Path], postgres: str
) -> None:
    """Scheduled runs fire and are recorded there."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write_story("mill")
    environment = user | {"PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres}
    arguments = ("serve", "--every", "5s", "--raw", raw, "--clean", clean, "--runner", "thread")
    with running(tmp_path / "serve.log", environment, tmp_path, "pipeline", *arguments) as served:
        wait_until(lambda: titles(clean) == ["Ferry to mill"], "the first article")
        write_story("pier")
        wait_until(lambda: titles(clean) == ["Ferry to mill", "Ferry to pier"], "the second article")
        served.send_signal(signal.SIGTERM)
        assert served.wait(PATIENCE) == 0

    assert states(postgres).count("COMPLETED") >= 2
    assert not list(tmp_path.rglob("prefect.db"))
