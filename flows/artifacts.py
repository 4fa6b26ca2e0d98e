"""What a run leaves in Prefect for people to read and for automations to act on."""

import contextvars
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple, cast
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event
from prefect.exceptions import PrefectException

from flows.environment import store_name
from flows.progress import Watcher
from pipeline.markdown import RejectedRecord, draw, draw_warnings, last_before, plain, rejections_of
from pipeline.report import RunReport

REPORT_KEY = "clean-raw-run"
REJECTIONS_KEY = "clean-raw-rejections"
WARNINGS_KEY = "clean-raw-warnings"
PROGRESS_KEY = "clean-raw-progress"

PROGRESS_SECONDS = 5.0  # between two updates: each takes some ten milliseconds, and nobody reads faster
LAST_NEWS_SECONDS = 5.0  # for the last of them to be sent before the run goes on

EVENT = "article-pipeline.site"
"""What the names of events begin with; the kind of change follows, as in `article-pipeline.site.more-removed`."""


def publish_report(report: RunReport, clean: Path, headline: str) -> None:
    """Show the run as one page, its first rejections as a table, and what is to be looked at by itself."""
    rejections = rejections_of(report, clean)
    page = draw(report, last_before(report, clean), rejections)
    create_markdown_artifact(page, key=REPORT_KEY, description=headline)
    if rejections:
        shown = f"{len(rejections):,} of {report.rejected:,} records rejected by run {report.run_id}"
        create_table_artifact(as_rows(rejections), key=REJECTIONS_KEY, description=shown)
    if report.sites.warnings:
        what = f"{report.sites.warning_count:,} warnings of run {report.run_id}"
        create_markdown_artifact(draw_warnings(report), key=WARNINGS_KEY, description=what)


@contextmanager
def progress_published(shards: int) -> Iterator[Watcher]:
    """
    A watcher that keeps a progress artifact of this run up to date; for a run without shards there is none.

    A thread sends it, since a server that is away has Prefect's client wait for a minute each time.
    """
    if not shards:
        yield lambda _done, _total, _records: None
        return
    news = queue.SimpleQueue[Progress | None]()
    news.put(Progress(0.0, f"0 of {shards:,} shards cleaned"))
    here = contextvars.copy_context()  # with the run that the artifact is of
    sender = threading.Thread(target=here.run, args=(_send_progress, news), daemon=True)
    sender.start()
    told = time.monotonic()

    def show(done: int, total: int, records: int) -> None:
        nonlocal told
        if done < total and time.monotonic() < told + PROGRESS_SECONDS:
            return
        told = time.monotonic()
        news.put(Progress(100 * done / total, f"{done:,} of {total:,} shards cleaned, {records:,} records"))

    try:
        yield show
    finally:
        news.put(None)
        sender.join(LAST_NEWS_SECONDS)


class Progress(NamedTuple):
    """How far a run is."""

    percent: float
    description: str


def _send_progress(news: queue.SimpleQueue[Progress | None]) -> None:
    """Show the news as they come; a server that is away is no reason to break a run off."""
    artifact: UUID | None = None
    for progress in _latest(news):
        try:
            artifact = _show_progress(artifact, progress)
        except (httpx.HTTPError, PrefectException) as error:
            get_run_logger().warning("progress could not be shown: %s", error)


def _latest(news: queue.SimpleQueue[Progress | None]) -> Iterator[Progress]:
    """The freshest of what has come meanwhile, each time it is asked for, until None ends it."""
    ended = False
    while not ended:
        waiting = [news.get()]
        while not news.empty():
            waiting.append(news.get())
        ended = waiting[-1] is None
        yield from [progress for progress in waiting if progress is not None][-1:]


def _show_progress(artifact: UUID | None, progress: Progress) -> UUID:
    if artifact is None:
        return cast("UUID", create_progress_artifact(progress.percent, PROGRESS_KEY, progress.description))
    update_progress_artifact(artifact, progress.percent, progress.description)
    return artifact


def emit_warnings(report: RunReport, clean: Path) -> None:
    """Send an event for each warning; Prefect relates it to the flow run by itself."""
    for warning in report.sites.warnings:
        site = warning.site or "none"
        emit_event(
            f"{EVENT}.{warning.what}",
            resource={
                "prefect.resource.id": f"{EVENT}.{site}",
                "prefect.resource.name": site,
                f"{EVENT}.store": store_name(clean),
            },
            payload={**asdict(warning), "message": str(warning), "run_id": report.run_id},
        )


def as_rows(rejections: Sequence[RejectedRecord]) -> list[dict[str, str | int]]:
    """Rejected records as rows of a table, whose cells Prefect's user interface reads as Markdown."""
    return [
        {name: plain(value) if isinstance(value, str) else value for name, value in asdict(row).items()}
        for row in rejections
    ]
