"""
Look at the state as one commit left it, beside whatever a run does.

Nothing is locked and nothing is written, so a look neither holds up a run nor waits for one, and needs no right to write.
Mostly no process has the state open. Then all of it is in its one file, and that is read in place, as much of it as a
question needs. SQLite is told that the file does not change, or it would make files of its own beside it. Whether that
was true is seen afterwards: a run writes to its log first, and only when it has committed into this file, which gives it
another time. Then the question is asked again.

Where a log stands beside the file, a run is at work or died there. Then a copy is made in memory, which takes all of the
file: to read in place for long, from a log, would keep the run from clearing it away.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from pipeline.errors import StoreError
from pipeline.store.layout import Layout
from pipeline.store.state import STATE_VERSION, bring_up_to_date

Answer = TypeVar("Answer")

LOOKS = 3  # runs that commit, one after the other, while a question is asked, before it is asked of a copy


def ask_state(
    layout: Layout, question: Callable[[sqlite3.Connection], Answer], *, of_a_new_store: bool = False
) -> Answer:
    """
    Answer a question from the state of the last commit; it may be asked more than once, until no run came between.

    `StoreError` where there is no store yet, unless it is to be answered as that of a new store.
    """
    if not of_a_new_store and not layout.state.exists():
        raise StoreError(f"{layout.clean}: no store here yet; `pipeline run` makes one")
    try:
        for _ in range(LOOKS):
            before = _status(layout.state)
            if before is None or not _is_in_one_file(layout.state):
                break
            with closing(_in_place(layout.state)) as state:
                try:
                    answer = question(state)
                except Exception:
                    if _status(layout.state) == before:
                        raise
                    continue  # pages of two commits may well not fit together
            if _status(layout.state) == before:
                return answer
        with _copy_of(layout.state) as copy:
            return question(copy)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{layout.state}: {error}") from error


def _is_in_one_file(path: Path) -> bool:
    """Whether the file is all of the state, with the tables this program knows: they cannot be changed in place."""
    if _log(path).exists():
        return False
    with closing(_in_place(path)) as state:
        version: int = state.execute("PRAGMA user_version").fetchone()[0]
    return version == STATE_VERSION


def _in_place(path: Path) -> sqlite3.Connection:
    return _connect(path, "mode=ro&immutable=1")


@contextmanager
def _copy_of(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy in memory, brought up to date; that of a new store where there is none."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        before = None
        while before != (before := _status(path)):
            with closing(_connect(path, "mode=ro" if _log(path).exists() else "mode=ro&immutable=1")) as state:
                state.backup(copy)
        bring_up_to_date(copy, path)
        yield copy


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=30)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _status(path: Path) -> tuple[int, int, int, int] | None:
    """What shows that a file was written: its number, size and times; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
