"""How far a run is: on the terminal, and in Prefect's user interface."""

import io
import socket
import time
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from flows.progress import progress_shown
from flows.runners import RunnerName
from tests.flows.processes import GONE


def test_a_terminal_shows_rate_and_time_left() -> None:
    """Records a second, and how long the other shards take at the rate so far."""
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=160)

    with progress_shown(console) as show:
        show(1, 4, 1_000)
        show(2, 4, 2_500)

    assert "cleaning shards" in drawn.getvalue()
    assert "2/4" in drawn.getvalue()
    assert "records/s" in drawn.getvalue()


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    """A log file is no place for a bar."""
    drawn = io.StringIO()

    with progress_shown(Console(file=drawn)) as show:
        show(1, 4, 1_000)

    assert drawn.getvalue().strip() == ""


def test_the_user_interface_shows_how_far_a_run_is(
    prefect_api: str, dumps: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The artifact ends at 100%, and says how many records there were; between, it is updated now and then only."""
    from prefect.artifacts import Artifact

    from flows import artifacts
    from flows.clean_raw import clean_raw

    sent: list[float] = []

    def send(artifact: UUID | None, progress: artifacts.Progress) -> UUID:
        sent.append(progress.percent)
        return really_send(artifact, progress)

    really_send = artifacts._show_progress
    monkeypatch.setattr(artifacts, "_show_progress", send)
    monkeypatch.setattr(artifacts, "PROGRESS_SECONDS", 3600.0)

    clean_raw(dumps, clean, runner=RunnerName.THREAD, shard_size=3)

    shown = Artifact.get(artifacts.PROGRESS_KEY)
    assert shown is not None
    assert float(str(shown.data)) == 100.0
    assert sent in ([0.0, 100.0], [100.0])
    assert shown.description == "3 of 3 shards cleaned, 8 records"


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("server", ["gone", "hanging"])
def test_a_server_that_does_not_answer_does_not_hold_up_the_cleaning(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's client tries for a minute each time; the run neither waits for that nor fails by it."""
    from prefect import flow
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows import artifacts

    monkeypatch.setattr(artifacts, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(artifacts, "LAST_NEWS_SECONDS", 1.0)

    @flow
    def clean(address: str) -> float:
        with temporary_settings({PREFECT_API_URL: address}):
            began = time.monotonic()
            with artifacts.progress_published(20) as show:
                for done in range(20):
                    show(done + 1, 20, done)
            return time.monotonic() - began

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = GONE if server == "gone" else f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        assert clean(address) < 2 * artifacts.LAST_NEWS_SECONDS
