"""What the tests of the store and of runs share: raw folders, runs without waiting, and the rows they leave."""

from pathlib import Path
from typing import Any

from pipeline.plan import PlanOptions
from pipeline.report import RunReport
from pipeline.run import run_directly
from pipeline.store import read_table

RUN_DEPENDENT = ("ingested_at", "attempts", "first_seen", "last_seen")


def story(name: str) -> str:
    """A short flat article with a line of furniture at either end."""
    return (
        "Share this article\n\n"
        f"The council of {name} met on Monday evening to discuss the new harbour wall, and nobody left early.\n\n"
        f"Several members said that the plan for {name} would be put to a vote next week, after a second hearing.\n\n"
        "Read more\n"
    )


def page(name: str) -> str:
    """The same article as an HTML page."""
    paragraphs = "".join(f"<p>{line}</p>" for line in story(name).splitlines() if line)
    return f"<html><head><title>{name}</title></head><body><article>{paragraphs}</article></body></html>"


def write(raw: Path, files: dict[str, str]) -> None:
    for key, text in files.items():
        path = raw / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(raw: Path, clean: Path, **options: Any) -> RunReport:
    """One run that takes files as complete at once."""
    return run_directly(raw, clean, workers=2, options=PlanOptions(**{"settle": 0, **options}))


def rows(clean: Path, table: str = "articles") -> list[dict[str, Any]]:
    return read_table(table, clean).to_pylist()


def by_source(clean: Path, table: str = "articles") -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in rows(clean, table)}


def lasting(clean: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, but for what tells of runs rather than of the raw files."""
    return {
        table: sorted(
            ({name: value for name, value in row.items() if name not in RUN_DEPENDENT} for row in rows(clean, table)),
            key=repr,
        )
        for table in ("articles", "removed_lines", "rejected")
    }


def published_bytes(clean: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file that readers list, with its bytes, its time and its inode."""
    return {
        str(path.relative_to(clean)): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for table in ("articles", "removed_lines", "rejected")
        for path in sorted((clean / table).iterdir())
    }
