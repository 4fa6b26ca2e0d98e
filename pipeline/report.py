"""What a run did, or would do: counts, as JSON and as a few lines for people; `markdown.py` draws a page of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.addresses import Place, place_of
from pipeline.store.drift import Drift, SiteCounts, SiteFindings, SiteWarning
from pipeline.work import FileCounts

WARNINGS_IN_SUMMARY = 5


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What the store holds after a run."""

    raw_files: int
    articles: int
    sources: int  # of all articles; more than articles where raw records are exact duplicates
    rejected: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do now."""

    raw: Place
    clean: Path
    files: FileCounts
    to_clean: int  # raw files
    bytes_to_clean: int
    shards: int

    @property
    def exit_code(self) -> int:
        """4 when the run would refuse deletions, else 0."""
        return 4 if self.files.refused else 0

    def to_json(self) -> str:
        """All counts as one line of JSON."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False)

    def summary(self) -> str:
        """The same counts as a run's, and how much there is to clean."""
        lines = [
            _seen(self.files),
            *_remarks(self.files),
            f"to clean: {self.to_clean:,} raw files of {self.bytes_to_clean:,} bytes, in {self.shards:,} shards",
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run: records = articles + duplicates + rejected, all of this run."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    raw: Place
    articles_path: Path  # where readers find the articles
    snapshot: int
    published: bool  # whether the run made this snapshot; a run that changes no row makes none
    files: FileCounts
    records: int
    articles: int
    duplicates: int  # records that another source of the same bytes stands for
    rejected: int
    lines_removed: int
    lines_by_reason: Mapping[str, int]
    rejected_by_reason: Mapping[str, int]
    shards: int
    shards_failed: int
    store: StoreCounts
    skipped: Mapping[str, int] = field(default_factory=dict)  # what stood for no document, such as requests of a crawl
    slowest: Mapping[str, float] = field(default_factory=dict)  # seconds of the files that took longest, by key
    sites: SiteFindings = field(default_factory=SiteFindings)  # of the articles whose rows the run made

    @property
    def exit_code(self) -> int:
        """4 when deletions were refused, 1 when shards failed, else 0; rejected records are no failure."""
        if self.files.refused:
            return 4
        return 1 if self.shards_failed else 0

    def to_json(self) -> str:
        """All counts as one line of JSON."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "RunReport":
        """Undo `to_json`."""
        content: dict[str, Any] = json.loads(text)
        content["files"] = FileCounts(**content["files"])
        content["store"] = StoreCounts(**content["store"])
        content["raw"] = place_of(content["raw"])
        content["articles_path"] = Path(content["articles_path"])
        for moment in ("started_at", "finished_at"):
            content[moment] = datetime.fromisoformat(content[moment])
        if "sites" in content:  # a report of before there was one stays readable
            content["sites"] = _findings_from(content["sites"])
        return RunReport(**content)

    def summary(self) -> str:
        """The last lines of a run: what came in, what became of it, and how to load it."""
        became = f"{self.articles:,} articles + {self.duplicates:,} exact duplicates + {self.rejected:,} rejected"
        nothing = "" if self.published else " (nothing changed)"
        lines = [
            _seen(self.files),
            f"records: {self.records:,} = {became}; {self.lines_removed:,} lines removed",
            *_remarks(self.files),
            *self._passed_over(),
            *self._failures(),
            *self._warnings(),
            f"store: {self.store.articles:,} articles in snapshot {self.snapshot}{nothing}",
        ]
        if self.store.articles:
            lines.append(f'load: pd.read_parquet("{self.articles_path}")')
        return "\n".join(lines)

    def _passed_over(self) -> list[str]:
        what = ", ".join(f"{count:,} {name}" for name, count in self.skipped.items())
        return [f"no documents: {what}"] if what else []

    def _failures(self) -> list[str]:
        failed = f"failed: {self.shards_failed:,} of {self.shards:,} shards; the next run tries them again"
        return [failed] if self.shards_failed else []

    def _warnings(self) -> list[str]:
        shown = [f"warning: {warning}" for warning in self.sites.warnings[:WARNINGS_IN_SUMMARY]]
        more = self.sites.warning_count - len(shown)
        return [*shown, *([f"{more:,} more warnings; `pipeline report` shows them"] if more else [])]


def _findings_from(content: Mapping[str, Any]) -> SiteFindings:
    return SiteFindings(
        count=content["count"],
        largest=tuple(SiteCounts(**site) for site in content["largest"]),
        changed=tuple(SiteCounts(**site) for site in content["changed"]),
        warning_count=content["warning_count"],
        warnings=tuple(SiteWarning(**{**warning, "what": Drift(warning["what"])}) for warning in content["warnings"]),
    )


def _seen(files: FileCounts) -> str:
    return (
        f"raw files: {files.seen:,} seen, {files.new:,} new, {files.changed:,} changed, {files.renamed:,} renamed,"
        f" {files.removed:,} removed, {files.unchanged:,} unchanged"
    )


def _remarks(files: FileCounts) -> list[str]:
    """Lines for what does not happen in most runs."""
    ignored = ", ".join(f"{count:,} {why}" for why, count in files.ignored.items())
    remarks = {
        f"ignored: {ignored}": bool(files.ignored),
        f"cleaned again: {files.recleaned:,} unchanged files": files.recleaned > 0,
        f"taken over: {files.resumed:,} files that a run which did not end had cleaned": files.resumed > 0,
        f"taken over: {files.resumed_slices:,} slices of other files, of which the rest is cleaned now": (
            files.resumed_slices > 0
        ),
        f"left to the next run: {files.left + files.vanished:,} files that changed or went meanwhile": (
            files.left + files.vanished > 0
        ),
        f"refused: {files.refused:,} raw files are gone at once, their articles stay;"
        " allow it with --allow-mass-delete": files.refused > 0,
    }
    return [remark for remark, holds in remarks.items() if holds]
