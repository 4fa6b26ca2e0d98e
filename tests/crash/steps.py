"""
Every step by which a run changes the disk, named, so that a test can fail or kill it there.

Nothing in the product knows of this: the functions of Python, pyarrow and SQLite that it calls are watched.
"""

import errno
import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

CALLS = ("fsync", "rename", "replace", "link", "symlink", "unlink", "rmdir", "mkdir")
STATEMENTS = ("BEGIN", "COMMIT")
_RANDOM = re.compile(r"(?<=unfinished-).{8}|(?<=/tmp/)tmp.{8}|\d{8}T\d{6}\.\d+(?:-\w+)?")


@dataclass(frozen=True, slots=True)
class Step:
    """One call, before or after it is done."""

    moment: str  # "before" or "after"
    call: str
    paths: tuple[str, ...] = ()  # below the store's folder, where they are

    def __str__(self) -> str:
        """As `before rename .store/tmp/articles.part-000001.00000002.parquet .store/parts/articles/part-...`."""
        return " ".join((self.moment, self.call, *self.paths))


@contextmanager
def watched(clean: Path, notice: Callable[[Step], None]) -> Iterator[None]:
    """Call `notice` before and after each step; whatever it raises, the step raises."""

    def watch(call: str, function: Callable[..., Any], paths: Callable[..., tuple[str, ...]]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **options: Any) -> Any:
            where = paths(*arguments, **options)
            notice(Step("before", call, where))
            result = function(*arguments, **options)
            notice(Step("after", call, where))
            return result

        return stepping

    def below(path: Any) -> str:
        name = Path(f"/proc/self/fd/{path}").readlink() if isinstance(path, int) else path
        return _RANDOM.sub("*", os.fspath(name).removeprefix(f"{clean}/"))

    class Watched(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:  # type: ignore[override]
            if not statement.startswith(STATEMENTS):
                return super().execute(statement, *values)
            call = watch(statement.split(maxsplit=1)[0], super().execute, lambda *_: ())
            return call(statement, *values)  # type: ignore[no-any-return]

    with ExitStack() as stack:
        for name in CALLS:
            paths = (
                (lambda *found, **_: tuple(map(below, found[:2]))) if name in {"rename", "replace", "link"} else None
            )
            one = paths or (
                lambda *found, **_: (below(found[1 if len(found) > 1 and isinstance(found[1], str) else 0]),)
            )
            stack.enter_context(patch.object(os, name, watch(name, getattr(os, name), one)))
        write = watch("write", pq.write_table, lambda _table, path, **_: (below(path),))
        stack.enter_context(patch.object(pq, "write_table", write))
        text = watch("write", Path.write_text, lambda path, *_, **__: (below(path),))
        stack.enter_context(patch.object(Path, "write_text", text))
        connect = sqlite3.connect
        stack.enter_context(
            patch.object(sqlite3, "connect", lambda *given, **options: connect(*given, **options, factory=Watched))
        )
        yield


@dataclass(slots=True)
class Steps:
    """Notes steps, and at one of them does something: nothing, fail, or die."""

    at: int = -1  # from 0
    act: Callable[[Step], None] = field(default=lambda _step: None)
    seen: list[Step] = field(default_factory=list)

    def __call__(self, step: Step) -> None:
        self.seen.append(step)
        if len(self.seen) == self.at + 1:
            self.act(step)


def fail(step: Step) -> None:
    """As a disk does that can no longer be written; SQLite says it in its own words."""
    if step.call in STATEMENTS:
        raise sqlite3.OperationalError("disk I/O error")
    raise OSError(errno.EIO, "Input/output error", f"injected: {step}")


def die(_step: Step) -> None:
    """As `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
