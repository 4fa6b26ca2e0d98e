"""What a run leaves in Prefect for people to read and for automations to act on."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from flows.environment import store_name
from pipeline.explain import visible
from pipeline.markdown import LONGEST_CELL, RejectedRecord, draw, draw_warnings, last_before, rejections_of
from pipeline.report import RunReport
from pipeline.store.drift import SiteWarning

REPORT_KEY = "clean-raw-run"
REJECTIONS_KEY = "clean-raw-rejections"
WARNINGS_KEY = "clean-raw-warnings"

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


def emit_warnings(warnings: Sequence[SiteWarning], clean: Path) -> None:
    """Send an event for each warning; Prefect relates it to the flow run by itself."""
    for warning in warnings:
        site = warning.site or "none"
        emit_event(
            f"{EVENT}.{warning.what}",
            resource={
                "prefect.resource.id": f"{EVENT}.{site}",
                "prefect.resource.name": site,
                f"{EVENT}.store": store_name(clean),
            },
            payload={**asdict(warning), "message": str(warning)},
        )


def as_rows(rejections: Sequence[RejectedRecord]) -> list[dict[str, str | int]]:
    """Rejected records as rows of a table; text from outside is made harmless to look at, and cut."""
    return [
        {
            name: visible(value)[:LONGEST_CELL] if isinstance(value, str) else value
            for name, value in asdict(row).items()
        }
        for row in rejections
    ]
