"""What a run leaves in Prefect for people to read and for automations to act on."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import cast
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
    """A watcher that keeps a progress artifact of this run up to date; for a run without shards there is none."""
    if not shards:
        yield lambda _done, _total, _records: None
        return
    description = f"0 of {shards:,} shards cleaned"
    artifact = cast("UUID", create_progress_artifact(0.0, key=PROGRESS_KEY, description=description))
    told = time.monotonic()

    def show(done: int, total: int, records: int) -> None:
        nonlocal told
        if done < total and time.monotonic() < told + PROGRESS_SECONDS:
            return
        told = time.monotonic()
        _update_progress(artifact, 100 * done / total, f"{done:,} of {total:,} shards cleaned, {records:,} records")

    yield show


def _update_progress(artifact: UUID, percent: float, description: str) -> None:
    """Show how far the run is; a server that hiccups here is no reason to break a run off."""
    try:
        update_progress_artifact(artifact, percent, description=description)
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("progress could not be shown: %s", error)


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
