"""Looking at the state: as one commit left it, without a lock, a write or a copy, whatever runs do meanwhile."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from pipeline.errors import StoreError
from pipeline.store import history, status, verify
from pipeline.store.layout import Layout
from pipeline.store.look import LOOKS, ask_state
from pipeline.store.state import STATE_VERSION, current_number, known_files, open_state
from tests.store_cases import run, story, write

MANY_PAGES = 3_000  # more than SQLite keeps in memory by itself


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write(folder, {"Ems.txt": story("Ems"), "Elbe.txt": story("Elbe")})
    return folder


@pytest.fixture
def clean(tmp_path: Path, raw: Path) -> Path:
    run(raw, tmp_path / "clean")
    return tmp_path / "clean"


def where(state: sqlite3.Connection) -> str:
    """The file a connection reads; empty for memory."""
    path: str = state.execute("PRAGMA database_list").fetchone()[2]
    return path


def committing(raw: Path, clean: Path, times: int) -> Callable[[sqlite3.Connection], tuple[int, int, str]]:
    """A question during which a run commits, the first few times it is asked."""
    left = [times]

    def question(state: sqlite3.Connection) -> tuple[int, int, str]:
        number = current_number(state)
        if left[0]:
            left[0] -= 1
            write(raw, {f"{left[0]}.txt": story(f"stream {left[0]}")})
            run(raw, clean)
        return number, len(known_files(state)), where(state)

    return question


def names(clean: Path) -> set[str]:
    return {path.name for path in Layout(clean).store.iterdir()}


def test_a_state_nobody_writes_is_read_in_place(clean: Path) -> None:
    """No copy is made, and no file of SQLite's appears."""
    before = names(clean)
    assert ask_state(Layout(clean), where) == str(Layout(clean).state)
    assert names(clean) == before


def test_a_look_takes_no_right_to_write(clean: Path) -> None:
    """Nothing is asked of the file but to be read, and temporary tables are no change."""

    def question(state: sqlite3.Connection) -> int:
        state.execute("CREATE TEMP TABLE mine AS SELECT * FROM raw_files")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            state.execute("DELETE FROM raw_files")
        count: int = state.execute("SELECT count(*) FROM mine").fetchone()[0]
        return count

    assert ask_state(Layout(clean), question) == 2


@pytest.mark.parametrize("times", [1, LOOKS - 1])
def test_a_run_that_commits_meanwhile_has_the_question_asked_again(raw: Path, clean: Path, times: int) -> None:
    """The answer is that of the last commit as a whole, never of two."""
    answer = ask_state(Layout(clean), committing(raw, clean, times))
    assert answer == (1 + times, 2 + times, str(Layout(clean).state))


def test_runs_that_commit_on_and_on_do_not_keep_a_look_waiting(raw: Path, clean: Path) -> None:
    """After a few of them the question is asked of a copy, which nothing changes."""
    number, files, place = ask_state(Layout(clean), committing(raw, clean, LOOKS + 1))
    assert (number, files, place) == (1 + LOOKS, 2 + LOOKS, "")


def test_a_question_that_fails_on_pages_of_two_commits_is_asked_again(raw: Path, clean: Path) -> None:
    """What a mixture leads to is no damage; whatever fails on a state at rest is told."""
    asked: list[int] = []

    def question(state: sqlite3.Connection) -> int:
        asked.append(current_number(state))
        if len(asked) == 1:
            write(raw, {"Oder.txt": story("Oder")})
            run(raw, clean)
            raise sqlite3.DatabaseError("database disk image is malformed")
        return asked[-1]

    assert ask_state(Layout(clean), question) == 2
    with pytest.raises(StoreError, match="no such table: tides"):
        ask_state(Layout(clean), lambda state: state.execute("SELECT * FROM tides"))


def test_the_log_of_a_run_at_work_is_part_of_the_state(clean: Path) -> None:
    """What is committed to it counts, what is not does not; and it is read from a copy that goes with the question."""
    layout = Layout(clean)
    with open_state(layout) as state:
        state.execute("DELETE FROM raw_files WHERE key = 'Ems.txt'")
        state.execute("BEGIN IMMEDIATE")
        state.execute("DELETE FROM raw_files")
        assert ask_state(layout, lambda seen: (list(known_files(seen)), where(seen))) == (["Elbe.txt"], "")
        state.execute("COMMIT")
    assert ask_state(layout, lambda seen: (list(known_files(seen)), where(seen))) == ([], str(layout.state))


def test_the_log_of_a_run_that_was_killed_is_part_of_the_state(clean: Path) -> None:
    """It died after its commit, before the log went back into the file."""
    script = (
        "import os, signal, sqlite3, sys\n"
        "state = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "state.execute(\"DELETE FROM raw_files WHERE key = 'Ems.txt'\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(Layout(clean).state)], check=False)
    assert (Layout(clean).store / "state.sqlite-wal").stat().st_size

    assert ask_state(Layout(clean), lambda state: list(known_files(state))) == ["Elbe.txt"]


def test_a_run_may_begin_and_commit_while_somebody_looks(raw: Path, clean: Path) -> None:
    """A look holds nothing that a run would have to wait for, not even with a reader in the middle of its rows."""
    layout = Layout(clean)

    def question(state: sqlite3.Connection) -> int:
        rows = state.execute("SELECT key FROM raw_files")
        rows.fetchone()
        if status(clean).snapshot == 1:
            write(raw, {"Oder.txt": story("Oder")})
            with patch("sqlite3.connect", _without_patience()):
                run(raw, clean)
            assert not (layout.store / "state.sqlite-wal").exists(), "the run cleared its log away"
        return current_number(state)

    assert ask_state(layout, question) == 2


def _without_patience() -> Callable[..., sqlite3.Connection]:
    connect = sqlite3.connect

    def at_once(*given: object, **options: object) -> sqlite3.Connection:
        return connect(*given, **{**options, "timeout": 0})  # type: ignore[arg-type, no-any-return]

    return at_once


def test_a_large_state_is_not_read_whole(clean: Path) -> None:
    """`status` and the dry run need a few rows of it."""
    with open_state(Layout(clean)) as state:
        state.execute("CREATE TABLE more (bytes BLOB)")
        state.executemany("INSERT INTO more VALUES (?)", ((os.urandom(4_000),) for _ in range(MANY_PAGES)))
    before = _bytes_read()
    assert status(clean).articles == 2
    assert len(history(clean)) == 1
    assert _bytes_read() - before < 1_000_000 < Layout(clean).state.stat().st_size


def _bytes_read() -> int:
    return int(dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["rchar"])


def test_what_is_no_database_is_a_store_error(clean: Path) -> None:
    """And a finding of `verify`."""
    Layout(clean).state.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="not a database"):
        status(clean)
    assert "not a database" in verify(clean)[0].what


def test_without_a_store_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    """Unless what would be asked of a new one is asked."""
    layout = Layout(tmp_path / "none")
    with pytest.raises(StoreError, match="no store here yet"):
        ask_state(layout, current_number)
    assert ask_state(layout, current_number, of_a_new_store=True) == 0
    assert not layout.clean.exists()


def test_a_state_of_an_older_version_is_read_from_a_copy(clean: Path) -> None:
    """Its tables are brought up to date there; the file waits for the next run."""
    layout = Layout(clean)
    with (
        patch("pipeline.store.look.STATE_VERSION", STATE_VERSION + 1),
        patch("pipeline.store.state.STATE_VERSION", STATE_VERSION + 1),
        patch.dict("pipeline.store.state._UPGRADES", {STATE_VERSION: "ALTER TABLE runs ADD COLUMN more TEXT;"}),
    ):
        assert ask_state(layout, lambda state: state.execute("SELECT more FROM runs").fetchall()) == [(None,)]
        assert status(clean).snapshot == 1
    assert ask_state(layout, lambda state: state.execute("PRAGMA user_version").fetchone()[0]) == STATE_VERSION
