"""
What an extractor makes of a page: how close its text comes to gold, what that takes, and whether it fails.

A peer makes the same of the same page until its version changes, so its outcomes are kept in the cache; not its CPU
time, which hangs on the machine and is measured anew where it is compared (`bench/turns.py`).
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bench import extractors
from bench.extractors import Extractor
from pipeline.score import measures
from pipeline.score.cache import cache_path, digest_code, write_table
from pipeline.score.gold import PageGold
from pipeline.score.measures import count_found, count_words, word_f1
from pipeline.score.shapes import Shape
from pipeline.words import PYTHON_WORD

BATCH = 100
"""Pages after which a peer's outcomes are put into the cache: slow ones take minutes, and a run may be broken off."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An extractor's text for one page."""

    text: str  # empty when it failed
    seconds: float  # of CPU
    error: str | None  # what it raised


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reading, scored; snippets are compared with quotes and dashes made plain."""

    page: str  # its id
    f1: float
    precision: float
    recall: float
    found: int  # snippets that must stay and did
    wanted: int  # snippets that must stay
    gone: int  # snippets that must go and did
    unwanted: int  # snippets that must go
    words: int
    seconds: float
    error: str | None


def read_page(extractor: Extractor, page: PageGold) -> Reading:
    """Run an extractor on one page; nothing it raises gets out."""
    began = time.process_time()
    try:
        text, error = extractor.extract(page), None
    except Exception as raised:  # noqa: BLE001  # what a page makes an extractor raise is a figure of the bench
        text, error = "", f"{type(raised).__name__}: {raised}"
    return Reading(text, time.process_time() - began, error)


def score(page: PageGold, reading: Reading) -> Outcome:
    """Compare a text with gold."""
    words = count_words(reading.text)
    shares = word_f1(words, count_words(page.gold))
    wanted, unwanted = page.with_ or (), page.without or ()
    return Outcome(
        page=page.id,
        f1=shares.f1,
        precision=shares.precision,
        recall=shares.recall,
        found=count_found(reading.text, wanted),
        wanted=len(wanted),
        gone=len(unwanted) - count_found(reading.text, unwanted),
        unwanted=len(unwanted),
        words=words.total(),
        seconds=reading.seconds,
        error=reading.error,
    )


def measure_pages(extractor: Extractor, pages: Sequence[PageGold]) -> list[Outcome]:
    """
    Run an extractor on pages and score what comes out; one outcome a page, in order.

    The first page is read once more beforehand: whatever an extractor loads is not that page's time.
    """
    with silence():
        for page in pages[:1]:
            read_page(extractor, page)
        return [score(page, read_page(extractor, page)) for page in pages]


def measure_peer(extractor: Extractor, path: Path, pages: Sequence[PageGold], folder: Path) -> list[Outcome]:
    """Do the same with pages of a gold file for a peer: from the cache, or measured and put there."""
    code = digest_code(extractors, measures)
    target = cache_path(
        folder / "extractors", path, Shape.HTML, extractor.name, code, PYTHON_WORD.pattern, *extractor.versions
    )
    known = _read(target)
    missing = [page for page in pages if page.id not in known]
    for start in range(0, len(missing), BATCH):
        outcomes = measure_pages(extractor, missing[start : start + BATCH])
        known |= _read(target) | {outcome.page: outcome for outcome in outcomes}
        _write(target, list(known.values()))
    return [known[page.id] for page in pages]


def _read(target: Path) -> dict[str, Outcome]:
    rows = pq.read_table(target).to_pylist() if target.exists() else []
    return {row["page"]: Outcome(**row) for row in rows}


def _write(target: Path, outcomes: Sequence[Outcome]) -> None:
    """Replace a file of the cache; other benches may read and write it at the same time."""
    rows = [asdict(outcome) for outcome in outcomes]
    own = target.with_stem(f"{target.stem}-{os.getpid()}")
    write_table(own, {name: [row[name] for row in rows] for name in rows[0]})
    own.replace(target)


@contextmanager
def silence() -> Iterator[None]:
    """Keep libraries from telling what they think of each page, by warnings or by logs."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable()
        try:
            yield
        finally:
            logging.disable(before)
