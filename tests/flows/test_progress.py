"""How far a run is: on the terminal, and in Prefect's user interface."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.progress import progress_shown
from flows.runners import RunnerName


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

    updates: list[float] = []

    def update(artifact: Any, percent: float, description: str) -> None:
        updates.append(percent)
        really_update(artifact, percent, description)

    really_update = artifacts._update_progress
    monkeypatch.setattr(artifacts, "_update_progress", update)
    monkeypatch.setattr(artifacts, "PROGRESS_SECONDS", 3600.0)

    clean_raw(dumps, clean, runner=RunnerName.THREAD, shard_size=3)

    shown = Artifact.get(artifacts.PROGRESS_KEY)
    assert shown is not None
    assert (float(str(shown.data)), updates) == (100.0, [100.0])
    assert shown.description == "3 of 3 shards cleaned, 8 records"
