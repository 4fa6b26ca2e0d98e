"""How a run tells whoever watches it how far it has come; nobody has to watch, and several may."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pipeline.logs import LogFormat, log_format

log = logging.getLogger(__name__)

SPEED_SECONDS = 600
"""The rate is that of so long: a shard takes some ten seconds, and rich's own half a minute would see three of them."""

Watcher = Callable[[int, int, int], None]  # shards done, shards in all, records in those done


def _nobody(_done: int, _total: int, _records: int) -> None:
    pass


# A flow's parameters are stored and shown, so a function cannot be one of them.
_watcher: ContextVar[Watcher] = ContextVar("watcher", default=_nobody)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` be told while the block runs, beside who watches already."""
    others = _watcher.get()

    def tell_all(done: int, total: int, records: int) -> None:
        others(done, total, records)
        watcher(done, total, records)

    token = _watcher.set(tell_all)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell(done: int, total: int, records: int) -> None:
    """Tell who watches, if anybody does."""
    _watcher.get()(done, total, records)


@contextmanager
def progress_shown(console: Console | None = None) -> Iterator[Watcher]:
    """
    A bar on the terminal with rate and time left; on stderr, so that stdout stays for the counts.

    Where there is no terminal nothing is drawn, and with `--log-format json` each step is a line of the log instead.
    """
    if log_format() is LogFormat.JSON:
        yield _log_progress
        return
    console = console or Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=SPEED_SECONDS,
    ) as progress:
        bar = progress.add_task("starting", total=None, records=0)

        def show(done: int, total: int, records: int) -> None:
            progress.update(bar, description="cleaning shards", completed=done, total=total, records=records)

        yield show


class RateColumn(ProgressColumn):
    """Records a second since the run began; shards differ in how many they hold."""

    def render(self, task: Task) -> Text:
        """Draw it, once there is anything to tell."""
        records = task.fields.get("records", 0)
        return Text(f"{records / task.elapsed:,.0f} records/s" if records and task.elapsed else "")


def _log_progress(done: int, total: int, records: int) -> None:
    log.info(
        "cleaned %s of %s shards", done, total, extra={"shards_done": done, "shards": total, "records_done": records}
    )
