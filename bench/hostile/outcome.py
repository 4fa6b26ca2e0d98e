"""Lay out cases with honest articles beside them, and read from a store what became of each."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.hostile.case import PASSED_OVER, Case, honest, is_honest
from bench.hostile.pages import SECRET
from pipeline.store import read_table

BESIDE = 3
"""Honest articles in files of their own, beside the files of a case."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    case: Case
    ends: Mapping[str, int]  # "article" or the reason of a rejection -> how many
    honest_lost: int
    told: bool  # whether the store holds what no raw file says
    detail: str  # of the first rejection

    @property
    def is_right(self) -> bool:
        """Whether everything ended as it may, and nothing honest was lost."""
        return set(self.ends) <= self.case.ends and not self.honest_lost and not self.told


def lay_out(raw: Path, case: Case, size: int) -> None:
    """Make a case's files in the folder of its name, and honest ones in `honest-<name>`."""
    for folder in (raw / case.name, raw / f"honest-{case.name}"):
        folder.mkdir(parents=True)
    case.make(raw / case.name, size)
    for number in range(BESIDE):
        (raw / f"honest-{case.name}" / f"{number}.txt").write_text(honest(f"beside-{case.name}", number))


def judge(clean: Path, cases: Sequence[Case]) -> list[Outcome]:
    """What the tables say of each case."""
    articles = _by_folder((source, row) for row in _rows("articles", clean) for source in row["sources"])
    rejected = _by_folder((row["source"], row) for row in _rows("rejected", clean))
    return [
        _outcome(
            case, articles.get(case.name, []), articles.get(f"honest-{case.name}", []), rejected.get(case.name, [])
        )
        for case in cases
    ]


def _rows(table: str, clean: Path) -> list[dict[str, Any]]:
    columns = {"articles": ["sources", "text", "title"], "rejected": ["source", "reason", "detail"]}[table]
    return read_table(table, clean).select(columns).to_pylist()


def _by_folder(rows: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    folders: dict[str, list[dict[str, Any]]] = {}
    for source, row in rows:
        folders.setdefault(source.partition("/")[0], []).append(row)
    return folders


def _outcome(
    case: Case, articles: list[dict[str, Any]], beside: list[dict[str, Any]], rejected: list[dict[str, Any]]
) -> Outcome:
    inside = [_kept(case.name, number, articles) for number in range(case.inside)]
    kept = inside + [_kept(f"beside-{case.name}", number, beside) for number in range(BESIDE)]
    ends = Counter(row["reason"] for row in rejected)
    ends["article"] += len(articles) - sum(inside)
    found = {end: count for end, count in sorted(ends.items()) if count}
    return Outcome(
        case,
        found or {PASSED_OVER: 1},
        len(kept) - sum(kept),
        any(SECRET in f"{row['text']} {row['title']}" for row in articles),
        next((row["detail"] for row in rejected), ""),
    )


def _kept(name: str, number: int, articles: list[dict[str, Any]]) -> bool:
    return any(is_honest(name, number, row["text"]) for row in articles)


def contents(folder: Path) -> set[str]:
    """All paths below a folder, links not followed: whatever a run makes outside of its store shows."""
    return {
        os.path.join(root, name)  # noqa: PTH118 - names may be of any bytes
        for root, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }
