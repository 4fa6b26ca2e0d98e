"""
The floors of quality: `python -m tests.floors [--lower REASON]` raises them to what is reached now.

`tests/quality_floors.json` holds, for every figure that is measured here, the least it may be; `test_quality.py` fails
when a figure falls below. All figures are shares of which more is better. A floor is lowered only with `--lower`, and
the reason is written beside it.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.clean import clean_text
from pipeline.score.gold import LineGold, read_lines, read_pages
from pipeline.score.lines import Keeps, summarise_lines
from pipeline.score.measures import count_words
from pipeline.score.pages import Sample, make_sample, make_samples, score_page, summarise
from pipeline.score.shapes import Shape, flattenings
from pipeline.score.systems import OURS, OURS_HTML, System
from tests.shared_data import SHARED

OWN = Path(__file__).parent / "gold"
FLOORS = Path(__file__).parent / "quality_floors.json"

SAMPLE = 60
"""Documents of each shared file: every n-th, so that all of a file is represented."""
SHARED_FILES = ("wcxb_dev", "news", "multilingual", "sites_ru_pl")
WITH_HTML = ("wcxb_dev", "news", "multilingual")
SHARED_SHAPES = (Shape.DUMP, Shape.DUMP_FULL, Shape.WRAPPED)

Figures = dict[str, float]
"""Figures by what they are of."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Floors:
    """What the file of floors holds."""

    floors: Figures
    lowered: tuple[Mapping[str, Any], ...]  # each with the reason, and the floors as they were before


def measure_own() -> Figures:
    """Measure on the gold written for this project."""
    pages = read_pages(OWN / "pages.jsonl")
    figures = _score_pages("own pages", [make_sample(page, page.dump, page.dump) for page in pages])
    return figures | _score_own_lines() | _score_clean()


def measure_shared(gold: Path) -> Figures:
    """Measure on a fixed sample of the shared gold."""
    figures: Figures = {}
    for name in SHARED_FILES:
        pages = _sample(read_pages(gold / f"{name}.parquet", {"dump", "dump_full"}))
        for shape in SHARED_SHAPES:
            texts = zip(pages, flattenings(pages, shape), strict=True)
            samples = [make_sample(page, text, text) for page, text in texts if text.strip()]
            figures |= _score_pages(f"shared {name} as {shape}", samples)
    for name in WITH_HTML:
        pages = _sample(read_pages(gold / f"{name}.parquet", {"html", "dump_full"}))
        figures |= _score_pages(f"shared {name} as html", make_samples(pages, Shape.HTML), OURS_HTML)
    documents = _sample(read_lines(gold / "line_labels.parquet"))
    results = OURS.run(["\n".join(document.lines) for document in documents])
    return figures | {"shared lines: macro F1": _macro_f1(documents, [result.keep or () for result in results])}


def find_fallen(figures: Figures, floors: Figures) -> list[str]:
    """Say of every figure that is below its floor, or has none, what it is and should be."""
    missing = [f"{name}: has no floor; run `make floors`" for name in figures if name not in floors]
    below = [
        f"{name}: {figure:.4f} is below its floor of {floors[name]:.3f}"
        for name, figure in figures.items()
        if figure < floors.get(name, 0.0)
    ]
    return missing + below


def raise_floors(old: Floors, figures: Figures, reason: str | None = None) -> Floors:
    """Return floors as high as the figures; one that is above its figure only comes down with a reason."""
    reached = {name: math.floor(figure * 1000) / 1000 for name, figure in figures.items()}
    too_high = {name: floor for name, floor in old.floors.items() if reached.get(name, floor) < floor}
    if not too_high:
        return Floors(old.floors | reached, old.lowered)
    if not reason:
        return Floors(old.floors | reached | too_high, old.lowered)
    return Floors(old.floors | reached, (*old.lowered, {"reason": reason, "before": too_high}))


def read_floors(path: Path = FLOORS) -> Floors:
    """Read the floors; there are none as long as there is no file."""
    if not path.exists():
        return Floors({}, ())
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Floors(fields["floors"], tuple(fields["lowered"]))


def write_floors(floors: Floors, path: Path = FLOORS) -> None:
    """Write the floors, sorted by name."""
    fields = {"floors": dict(sorted(floors.floors.items())), "lowered": list(floors.lowered)}
    path.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _sample(items: Sequence[Item]) -> list[Item]:
    return [items[index * len(items) // SAMPLE] for index in range(min(SAMPLE, len(items)))]


def _score_pages(name: str, samples: Sequence[Sample], system: System = OURS) -> Figures:
    """Word F1, titles, and how many pages are not made worse."""
    results = system.run([sample.given for sample in samples])
    scores = [score_page(sample, result, titles=True) for sample, result in zip(samples, results, strict=True)]
    figures = summarise("ours", samples, scores)
    titles = {} if figures.title_exact is None else {f"{name}: title exact": figures.title_exact}
    return {f"{name}: word F1": figures.f1, f"{name}: not made worse": 1 - figures.worse, **titles}


def _score_own_lines() -> Figures:
    """Macro F1 over the lines that have one right verdict: neither blank nor free, and no title line."""
    documents: list[LineGold] = []
    keeps: list[list[bool]] = []
    rows = [json.loads(row) for row in (OWN / "pages.jsonl").read_text(encoding="utf-8").splitlines()]
    for row, result in zip(rows, OURS.run([row["dump"] for row in rows]), strict=True):
        free = {*row["either"], *row["title_lines"]}
        lines = [(n, line) for n, line in enumerate(row["dump"].split("\n"), 1) if line.strip() and n not in free]
        labels = tuple(number in row["keep"] for number, _ in lines)
        documents.append(LineGold(row["id"], tuple(line for _, line in lines), labels, row["lang"]))
        keeps.append([(result.keep or ())[number - 1] for number, _ in lines])
    return {"own lines: macro F1": _macro_f1(documents, keeps)}


def _score_clean() -> Figures:
    """How much of articles without any furniture is left."""
    rows = [json.loads(row) for row in (OWN / "clean.jsonl").read_text(encoding="utf-8").splitlines()]
    cleaned = [clean_text(row["text"], title=row["title"]) for row in rows]
    before = sum(count_words(row["text"]).total() for row in rows)
    after = sum(count_words(each.text).total() for each in cleaned)
    untouched = sum(not each.removed for each in cleaned)
    return {"own clean texts: words kept": after / before, "own clean texts: untouched": untouched / len(rows)}


def _macro_f1(documents: Sequence[LineGold], keeps: Keeps) -> float:
    """Mean over languages."""
    return summarise_lines(documents, [("ours", keeps)])[-1].systems[0].macro_f1


def main() -> None:
    """Measure, and raise the floors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lower", metavar="REASON", help="also lower floors above what is reached, for this reason")
    reason = parser.parse_args().lower
    figures = measure_own() | (measure_shared(SHARED / "gold") if SHARED.is_dir() else {})
    old = read_floors()
    new = raise_floors(old, figures, reason)
    write_floors(new)
    for name, floor in sorted(new.floors.items()):
        before = old.floors.get(name)
        print(f"{name}: {floor:.3f}" + ("" if before == floor else f" (was {before})"))  # noqa: T201  # a command
    for complaint in find_fallen(figures, new.floors):
        print(f"NOT REACHED {complaint}; --lower REASON lowers it")  # noqa: T201  # as above


if __name__ == "__main__":
    main()
