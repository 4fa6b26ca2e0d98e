"""
How good the cleaning is, on gold that people made: `python -m bench.quality [--gold DIR] [--cv] [--voices rules] ...`.

Prints, for every file of page gold and each of the six shapes of flat text, word F1 of the raw text, of the line oracle,
of ours and of the peers, the share of the gap closed and of pages made worse; the mean and the worst over the shapes,
which are the headline; the page types that are no articles; and macro F1 on labelled lines. `--inputs html` scores
pages as HTML beside trafilatura. With `--cv`, every document is cleaned by a model that saw nothing of its site; the
folds' models are trained once and kept in the cache.
"""

import argparse
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.folds import Cleaner, Voice, clean_by_fold, cleaners_by_fold, shipped_cleaner
from bench.models import Training
from bench.rows import Headline, Part, Plan, Row, headline, measure
from bench.tables import draw_headline, draw_lines, draw_shapes
from pipeline.errors import PipelineError
from pipeline.score.cache import CACHE
from pipeline.score.gold import read_lines
from pipeline.score.lines import LineGroup, keep_everything, summarise_lines
from pipeline.score.peers import PEERS
from pipeline.score.run import RAW
from pipeline.score.shapes import FLATTENINGS, Shape
from pipeline.score.table import round_figures
from pipeline.train.train import EPOCHS

GOLD = Path(__file__).resolve().parents[2] / "shared" / "gold"

PARTS = (
    Part("wcxb_dev articles", "wcxb_dev", "article"),
    Part("news", "news"),
    Part("multilingual", "multilingual"),
    Part("sites_ru_pl", "sites_ru_pl"),
)
OTHER_TYPES = tuple(
    Part(f"wcxb_dev {name}", "wcxb_dev", name)
    for name in ("collection", "documentation", "forum", "listing", "product", "service")
)
LINES = "line_labels"
WIDTH = 160


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything that is measured."""

    voices: Voice
    folds: int | None  # None for the cleaner as it is installed
    limit: int | None
    rows: tuple[Row, ...]
    headlines: tuple[Headline, ...]
    other_types: tuple[Row, ...]
    lines: tuple[LineGroup, ...]


def measure_all(plan: Plan, shapes: Sequence[Shape], voices: Voice, folds: int | None) -> Quality:
    """Measure every part in these shapes, other page types in the first of them, and labelled lines."""
    found = [measure(plan, part, shape) for part in PARTS for shape in shapes]
    rows = [row for row in found if row]
    types = [measure(plan, part, shapes[0]) for part in OTHER_TYPES]
    flat = [[row for row in rows if row.part == part.name and row.shape in FLATTENINGS] for part in PARTS]
    return Quality(
        voices=voices,
        folds=folds,
        limit=plan.limit,
        rows=tuple(rows),
        headlines=tuple(headline(chosen) for chosen in flat if len(chosen) > 1),
        other_types=tuple(row for row in types if row),
        lines=tuple(measure_lines(plan)) if set(shapes) & set(FLATTENINGS) else (),
    )


def measure_lines(plan: Plan) -> list[LineGroup]:
    """Score verdicts on the labelled lines, a title line counting as kept."""
    documents = read_lines(plan.path(LINES))[: plan.limit]
    texts = ["\n".join(document.lines) for document in documents]
    plan.tell(f"{LINES}: ours")
    ours = [result.keep or () for result in clean_by_fold(plan.cleaners, Shape.DUMP, documents, texts)]
    verdicts = [(RAW, keep_everything(documents)), ("ours", ours)]
    for peer in PEERS if plan.peers else ():
        plan.tell(f"{LINES}: {peer.name}")
        verdicts.append((peer.name, [result.keep or () for result in peer.run(texts)]))
    return summarise_lines(documents, verdicts)


def show(console: Console, quality: Quality) -> None:
    """Print every table that has rows."""
    if quality.rows:
        console.print(draw_shapes("word F1", quality.rows))
    if quality.headlines:
        console.print()
        console.print(draw_headline(quality.headlines))
    if quality.other_types:
        console.print()
        console.print(draw_shapes("page types that are no articles", quality.other_types))
    if quality.lines:
        console.print()
        console.print(draw_lines(quality.lines))


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done: a live line on a terminal, else nothing."""
    stderr = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("")
        yield lambda what: bar.update(task, description=what)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what benches of quality share: which gold, which cleaner, and where the figures go."""
    parser.add_argument("--gold", type=Path, default=GOLD, help="folder with the gold files")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help=f"folder for shapes and peers' scores (default {CACHE})"
    )
    parser.add_argument("--cv", action="store_true", help="clean each document by a model trained without its site")
    parser.add_argument("--folds", type=int, default=5, help="of --cv; stitched texts keep sites apart for 5 only")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of training, with --cv (default {EPOCHS})")
    parser.add_argument("--jobs", type=int, default=1, help="folds trained side by side; each takes gigabytes")
    parser.add_argument("--voices", type=Voice, choices=list(Voice), default=Voice.BOTH, help="what has a say")
    parser.add_argument("--limit", type=int, help="documents of each part")
    parser.add_argument("--json", type=Path, help="write all figures to this file, too")


def load_cleaners(options: argparse.Namespace, shapes: Collection[Shape], tell: Callable[[str], None]) -> list[Cleaner]:
    """Return the cleaner of these shapes that was asked for; with `--cv`, one a fold."""
    tell("training" if options.cv else "loading")
    if not options.cv:
        return [shipped_cleaner(options.voices)]
    training = Training(options.gold, options.cache, options.epochs, options.jobs, tell)
    return cleaners_by_fold(training, options.folds, options.voices, shapes)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument(
        "--inputs", type=Shape, nargs="+", choices=list(Shape), default=list(FLATTENINGS), metavar="SHAPE"
    )
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours alone")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = parse()
    folds = options.folds if options.cv else None
    try:
        with progress() as tell:
            cleaners = load_cleaners(options, options.inputs, tell)
            plan = Plan(options.gold, options.cache, cleaners, options.peers, options.limit, tell)
            quality = measure_all(plan, options.inputs, options.voices, folds)
    except PipelineError as error:
        raise SystemExit(f"error: {error}") from error
    show(Console(width=WIDTH), quality)
    if options.json:
        options.json.write_text(json.dumps(round_figures(asdict(quality)), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
