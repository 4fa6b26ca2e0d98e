r"""
A run's report as Markdown: for Prefect's user interface, for mails of a timer, and for the terminal.

Names of files and sites, and what is said of rejected records, come from strangers. `plain` keeps a reader of Markdown
from obeying them: no link, picture, tag or other table can be made of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import polars as pl

from pipeline.explain import visible
from pipeline.report import RunReport
from pipeline.store.drift import SiteCounts
from pipeline.store.layout import Layout
from pipeline.store.status import history

REJECTIONS_SHOWN = 50
LONGEST_CELL = 200  # characters
RUNS_LOOKED_BACK = 100

# All that starts something in CommonMark or in GitHub's dialect, with bare addresses: a backslash takes its meaning away.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&@$]|:(?=//)|(?<=www)\.|^[-+#]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that a run rejected, as the table `rejected` says it."""

    source: str
    reason: str
    detail: str
    size: int  # bytes
    attempts: int


def render_markdown(report: RunReport, clean: Path = Path("clean")) -> str:
    """A run of the store at `clean` as Markdown, with what the store knows of it and of the run before."""
    return draw(report, last_before(report, clean), rejections_of(report, clean))


def last_before(report: RunReport, clean: Path) -> RunReport | None:
    """The last run before that had anything to clean, if that is not long ago."""
    earlier = (run for run in history(clean, RUNS_LOOKED_BACK) if run.run_id < report.run_id)
    return next((run for run in earlier if run.records), None)


def rejections_of(report: RunReport, clean: Path, limit: int = REJECTIONS_SHOWN) -> list[RejectedRecord]:
    """
    The first records that a run rejected, by source; none where its snapshot is no longer kept.

    The run held the lock, so whatever its snapshot says was last seen since it began is its own.
    """
    parts = sorted((Layout(clean).snapshot(report.snapshot) / "rejected").glob("*.parquet")) if report.rejected else []
    if not parts:
        return []
    found = (
        pl.scan_parquet(parts)
        .filter(pl.col("last_seen") >= report.started_at)
        .select(*RejectedRecord.__slots__)
        .bottom_k(limit, by="source")
        .sort("source")
        .collect()
    )
    return [RejectedRecord(**row) for row in found.iter_rows(named=True)]


def draw(report: RunReport, before: RunReport | None, rejections: Sequence[RejectedRecord]) -> str:
    """A run beside the one before: counts by outcome and reason, sites, the slowest files, the first rejections."""
    started = report.started_at.astimezone(UTC)
    seconds = (report.finished_at - report.started_at).total_seconds()
    blocks = [
        f"# Run {plain(report.run_id)}",
        f"Started {started:%Y-%m-%d %H:%M:%S} UTC, took {seconds:.1f} s.",
        *_warnings(report),
        "\n".join(f"- {plain(line)}" for line in report.summary().splitlines()),
        *_counts(report, before),
        *_sites("Sites that changed most", report.sites.changed),
        *_sites(f"Sites with most articles, of {report.sites.count:,}", report.sites.largest),
        *_slowest(report),
        *_rejections(report, rejections),
    ]
    return "\n\n".join(blocks) + "\n"


def draw_warnings(report: RunReport) -> str:
    """What is to be looked at, by itself; empty where there is nothing."""
    return "\n\n".join(_warnings(report))


def plain(text: str) -> str:
    r"""
    Text from anywhere that Markdown shows as it is, on one line, and cut where it is long.

        >>> print(plain("![x](http://a.example/y.png) <b>|</b>"))
        !\[x\](http\://a.example/y.png) \<b\>\|\</b\>
        >>> print(plain("two\nlines\x1b[2J"))
        two lines\\x1b\[2J
    """
    line = visible(" ".join(text.split()))
    cut = line if len(line) <= LONGEST_CELL else f"{line[: LONGEST_CELL - 1]}…"
    return _MARKUP.sub(r"\\\g<0>", cut)


def _warnings(report: RunReport) -> Iterator[str]:
    sites = report.sites
    if not sites.warnings:
        return
    yield f"## To be looked at: {sites.warning_count:,} warnings"
    yield "\n".join(f"- {plain(str(warning))}" for warning in sites.warnings)
    if sites.warning_count > len(sites.warnings):
        yield f"{sites.warning_count - len(sites.warnings):,} more are not shown."


def _counts(report: RunReport, before: RunReport | None) -> Iterator[str]:
    """How records ended, and why lines and records were turned away."""
    tables = [
        ("Records", "outcome", _outcomes(report), _outcomes(before) if before else None),
        ("Lines removed", "reason", report.lines_by_reason, before.lines_by_reason if before else None),
        ("Records rejected", "reason", report.rejected_by_reason, before.rejected_by_reason if before else None),
    ]
    for title, column, now, then in tables:
        if any(now.values()):
            yield f"## {title}"
            yield _counted(column, now, then)
    if before and report.records:
        yield f"The run before is {plain(before.run_id)}, the last one that had records."


def _outcomes(report: RunReport) -> dict[str, int]:
    return {"article": report.articles, "exact duplicate": report.duplicates, "rejected": report.rejected}


def _counted(column: str, now: Mapping[str, int], before: Mapping[str, int] | None) -> str:
    names = sorted({**now, **(before or {})}, key=lambda name: (-now.get(name, 0), name))
    head = [column, "this run", *(["the run before"] if before is not None else [])]
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in (now, before) if counts is not None)] for name in names]
    return _table(head, rows)


def _sites(title: str, sites: Sequence[SiteCounts]) -> Iterator[str]:
    if not sites:
        return
    yield f"## {title}"
    yield _table(
        ["site", "articles", "removed", "removed before", "words", "words before"],
        [
            [
                site.site or "(none)",
                f"{site.articles:,}",
                f"{site.removed_share:.1%}",
                "" if site.past_removed_share is None else f"{site.past_removed_share:.1%}",
                f"{site.words:,}",
                "" if site.past_words is None else f"{site.past_words:,}",
            ]
            for site in sites
        ],
    )


def _slowest(report: RunReport) -> Iterator[str]:
    if report.slowest:
        yield "## Slowest files"
        yield _table(["file", "seconds"], [[key, f"{seconds:.2f}"] for key, seconds in report.slowest.items()])
        yield "Reading is timed file by file; the cleaning of a batch is shared out among its files by size."


def _rejections(report: RunReport, rejections: Sequence[RejectedRecord]) -> Iterator[str]:
    if not rejections:
        return
    yield f"## Records rejected in this run: {report.rejected:,}"
    yield _table(["source", "reason", "detail"], [[row.source, row.reason, row.detail] for row in rejections])
    if report.rejected > len(rejections):
        yield f"{report.rejected - len(rejections):,} more are in the table `rejected`."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
