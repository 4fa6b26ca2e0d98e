"""
What the rules alone do to gold data: `python -m bench.rules [--gold DIR] [--pages N]`.

Prints, for labelled lines, the share of lines removed, the most frequent removed lines and the macro F1 by language;
for pages, word F1 of the raw dump, of ours and of the line oracle, and the share of the gap closed. The measures are
those of `reference.py` beside the gold files.
"""

import argparse
import importlib.util
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from pipeline import Cleaned, clean_batch
from pipeline.records import Reason

GOLD = Path(__file__).resolve().parents[2] / "shared" / "gold"
WORSE = 0.02
"""A document whose word F1 falls by more than this is made worse."""
BATCH = 500

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class PageScore:
    """Word F1 of one page's dump before and after cleaning, and at the line oracle's best."""

    raw: float
    ours: float
    oracle: float


def load_reference(gold: Path) -> ModuleType:
    """The module that defines the measures; it lies beside the gold files."""
    spec = importlib.util.spec_from_file_location("reference", gold / "reference.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{gold / 'reference.py'} is not there; name the folder of gold files with --gold")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clean_all(texts: Sequence[str]) -> list[Cleaned]:
    """Clean texts in batches, in order."""
    batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    return [cleaned for batch in batches for cleaned in clean_batch(batch)]


def keeps(cleaned: Cleaned) -> list[bool]:
    """Keep or drop for each line; the title counts as kept, since it has a column of its own."""
    return [verdict.keep or verdict.reason is Reason.TITLE for verdict in cleaned.verdicts]


def most_removed(results: Sequence[Cleaned], count: int = 20) -> list[tuple[str, int]]:
    """The lines removed most often, with their number; the title apart."""
    lines = Counter(
        " ".join(entry.text.split())
        for cleaned in results
        for entry in cleaned.removed
        if entry.reason not in (Reason.TITLE, Reason.REPEATED_TITLE)
    )
    return lines.most_common(count)


def score_lines(gold: Path, reference: ModuleType) -> None:
    """Score verdicts on the labelled lines."""
    rows = pq.read_table(gold / "line_labels.parquet").to_pylist()
    results = clean_all(["\n".join(row["lines"]) for row in rows])
    predicted = [keeps(cleaned) for cleaned in results]
    table = Table(
        "language", "lines", "removed", "macro F1, rules", "macro F1, nothing removed", title="labelled lines"
    )
    scores = []
    for language in sorted({row["lang"] for row in rows}):
        chosen = [index for index, row in enumerate(rows) if row["lang"] == language]
        labels = [label for index in chosen for label in rows[index]["keep"]]
        ours = [keep for index in chosen for keep in predicted[index]]
        score = reference.macro_f1(labels, ours)
        nothing = reference.macro_f1(labels, [True] * len(labels))
        scores.append((score, nothing))
        table.add_row(
            language, f"{len(labels):,}", f"{ours.count(False) / len(ours):.3f}", f"{score:.3f}", f"{nothing:.3f}"
        )
    every = [keep for each in predicted for keep in each]
    table.add_row(
        "mean", f"{len(every):,}", f"{every.count(False) / len(every):.3f}",
        f"{mean(score for score, _ in scores):.3f}", f"{mean(nothing for _, nothing in scores):.3f}",
    )  # fmt: skip
    console.print(table)
    show_removed(results)


def score_pages(gold: Path, reference: ModuleType, name: str, shape: str, limit: int | None = None) -> None:
    """Score the cleaned dumps of one gold file by word F1; without a limit, of `wcxb_dev` the articles only."""
    articles = name == "wcxb_dev" and limit is None
    columns = ["page_type", "gold", "title", shape]
    rows: list[dict[str, Any]] = pq.read_table(gold / f"{name}.parquet", columns=columns).to_pylist()
    rows = [row for row in rows if row[shape] and (not articles or row["page_type"] == "article")][:limit]
    results = clean_all([row[shape] for row in rows])
    scores = [
        score_page(reference, row[shape], row["gold"] or "", cleaned)
        for row, cleaned in zip(rows, results, strict=True)
    ]
    raw, ours, oracle = (mean(getattr(score, field) for score in scores) for field in ("raw", "ours", "oracle"))
    lines = [verdict for cleaned in results for verdict in cleaned.verdicts]
    titled = [(row, cleaned) for row, cleaned in zip(rows, results, strict=True) if row["title"]]
    right = sum(reference.fold(row["title"]) == reference.fold(cleaned.title or "") for row, cleaned in titled)
    console.print(
        f"{name} {shape}{' (articles)' if articles else ''}: {len(rows)} pages, raw {raw:.4f}, rules {ours:.4f}, "
        f"oracle {oracle:.4f}, gap closed {reference.gap_closed(ours, raw, oracle):.3f}, made worse by more than {WORSE}: "
        f"{mean(score.ours < score.raw - WORSE for score in scores):.3f}, titles exact {right}/{len(titled)}, "
        f"lines removed {sum(not verdict.keep for verdict in lines) / len(lines):.3f}"
    )
    if limit:
        show_removed(results)


def score_page(reference: ModuleType, dump: str, gold: str, cleaned: Cleaned) -> PageScore:
    """Word F1 of one page."""
    f1 = [reference.word_f1(text, gold)[0] for text in (dump, cleaned.text, reference.oracle(dump, gold))]
    return PageScore(*f1)


def show_removed(results: Sequence[Cleaned]) -> None:
    """Print the lines removed most often."""
    for line, count in most_removed(results):
        console.print(f"{count:6,}  {line[:100]}", markup=False, highlight=False)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD, help="folder with the gold files and reference.py")
    parser.add_argument("--pages", type=int, default=300, help="pages of the first sample (default 300)")
    options = parser.parse_args()
    reference = load_reference(options.gold)
    score_lines(options.gold, reference)
    score_pages(options.gold, reference, "wcxb_dev", "dump", options.pages)
    for name in ("wcxb_dev", "news", "multilingual", "sites_ru_pl"):
        for shape in ("dump", "dump_full"):
            score_pages(options.gold, reference, name, shape)


if __name__ == "__main__":
    main()
