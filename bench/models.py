"""
The models of cross-validation: one a fold, trained without the fold's sites, and kept in the cache.

A model's file is named after a digest of all that decides it: the gold files, the rules, the code that measures and
trains, and the numbers of folds and epochs. So it is trained once, whatever voices are compared. Pages are measured and
labelled once for all folds.
"""

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import pipeline
from pipeline.model import LineModel, read_model
from pipeline.rules import load_rules
from pipeline.score.cache import digest_file
from pipeline.score.gold import fold_of
from pipeline.train.examples import Example
from pipeline.train.gold import TRAINING, load_examples, load_page_examples, save_model
from pipeline.train.train import EPOCHS, train_model

UNCONCERNED = (
    "cli.py", "run.py", "plan.py", "shards.py", "work.py", "report.py", "explain.py", "voices.py", "decide.py", "settings.py",
    "tables.py", "assemble.py", "assess.py", "describe.py", "language.py", "bylines.py", "dates.py", "metadata",
    "extract.py", "markup.py", "render.py", "regions.py", "store", "sources",
    "score/run.py", "score/pages.py", "score/lines.py", "score/peers.py", "score/systems.py", "score/table.py",
)  # fmt: skip
"""Code that no model of texts hangs on; any other change of the package has the models trained again."""
READING = ("extract.py", "markup.py", "render.py")
"""Of that, what models of pages do hang on. A page's declared title, too, but that is one line of each."""


def tell_nobody(_what: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the folds' models are trained on, and how."""

    gold: Path
    cache: Path
    epochs: int = EPOCHS
    jobs: int = 1  # folds trained side by side, each in a process of about the memory of all examples
    tell: Callable[[str], None] = field(default=tell_nobody)  # called with what is being done


def fold_models(training: Training, folds: int, *, pages: bool = False) -> list[LineModel]:
    """
    One model a fold, each trained on the examples of all other folds' sites; from the cache, or put there.

    With `pages` models of pages, which start from those of flat texts; else of flat texts.
    """
    folder = training.cache / "models"
    folder.mkdir(parents=True, exist_ok=True)
    kind = "pages" if pages else "fold"
    key = _digest(training, folds, READING if pages else ())
    paths = {fold: folder / f"{kind}{fold}-{key}.npz" for fold in range(folds)}
    missing = {fold: path for fold, path in paths.items() if not path.exists()}
    if missing:
        training.tell("measuring pages to train on")
        examples = load_page_examples(training.gold) if pages else load_examples(training.gold, training.cache)
        starts = fold_models(training, folds) if pages else [None] * folds
        jobs = [
            _Job(path, train_on(examples, fold, folds), training.epochs, starts[fold]) for fold, path in missing.items()
        ]
        training.tell(f"training {len(jobs)} folds")
        for done, _ in enumerate(_run(jobs, training.jobs), start=1):
            training.tell(f"training, {done} of {len(jobs)} folds done")
    return [read_model(path) for path in paths.values()]


def train_on(examples: Sequence[Example], fold: int, folds: int) -> list[Example]:
    """The examples that a fold's model may see: those of sites of all other folds."""
    return [example for example in examples if fold_of(example.source.site, folds) != fold]


@dataclass(frozen=True, slots=True)
class _Job:
    path: Path
    examples: Sequence[Example]
    epochs: int
    start: LineModel | None


_jobs: list[_Job] = []
"""What the processes of `_run` have to do: a forked process finds it here, and gigabytes need not be sent to it."""


def _run(jobs: Sequence[_Job], side_by_side: int) -> Iterator[None]:
    """Do all jobs; yields after each, so that a caller can follow."""
    if side_by_side == 1:
        for job in jobs:
            _train(job)
            yield
        return
    _jobs[:] = jobs
    try:
        with ProcessPoolExecutor(side_by_side, mp_context=multiprocessing.get_context("fork")) as executor:
            for future in as_completed(executor.submit(_train_at, at) for at in range(len(jobs))):
                future.result()
                yield
    finally:
        _jobs.clear()


def _train_at(place: int) -> None:
    _train(_jobs[place])


def _train(job: _Job) -> None:
    save_model(train_model(job.examples, epochs=job.epochs, start=job.start), job.path)


def _digest(training: Training, folds: int, concerned: Sequence[str]) -> str:
    """All that decides the models, as one value."""
    parts = [
        *(digest_file(training.gold / f"{name}.parquet") for name in TRAINING),
        *(hashlib.sha256(file.read_bytes()).hexdigest() for file in _code(concerned)),
        load_rules().digest,
        np.__version__,
        str(training.epochs),
        str(folds),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _code(concerned: Sequence[str]) -> list[Path]:
    """The files of the package that a model may hang on, and these."""
    folder = Path(pipeline.__path__[0])
    left_out = tuple(folder / name for name in UNCONCERNED if name not in concerned)
    return sorted(file for file in folder.rglob("*.py") if not {file, *file.parents}.intersection(left_out))
