"""
CPU time of several extractors on the same pages, in one process.

They take turns page by page, each page beginning with another of them, so that whatever else the machine does meanwhile
slows all of them alike; and CPU time is taken, which a busy machine lengthens little.
"""

import gc
import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.extractors import Extractor
from bench.outcomes import read_page, silence
from pipeline.score.gold import PageGold


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast an extractor was."""

    system: str
    pages_per_second: float  # of CPU
    ratio: float  # to the extractor that speed is compared with


def sample_pages(pages: Iterable[PageGold], count: int) -> list[PageGold]:
    """Return so many of the pages, the same in every run, and of each part about its share."""
    return heapq.nsmallest(count, pages, key=lambda page: hashlib.sha256(page.id.encode()).digest())


def compare_speed(extractors: Sequence[Extractor], reference: Extractor, pages: Sequence[PageGold]) -> list[Speed]:
    """Measure each extractor over all pages; `reference` is one of them."""
    seconds = take_turns(extractors, pages)
    totals = {extractor.name: sum(each) for extractor, each in zip(extractors, seconds, strict=True)}
    return [Speed(name, len(pages) / total, totals[reference.name] / total) for name, total in totals.items()]


def take_turns(extractors: Sequence[Extractor], pages: Sequence[PageGold]) -> list[list[float]]:
    """
    Return the CPU seconds of each extractor on each page.

    Beforehand, a page of each language is read untimed: libraries load dictionaries when they first need them.
    """
    seconds = [[0.0] * len(pages) for _ in extractors]
    with silence():
        for page in {page.lang: page for page in pages}.values():
            for extractor in extractors:
                read_page(extractor, page)
        gc.collect()
        gc.freeze()  # what is there already, gold pages above all, is no extractor's garbage
        for number, page in enumerate(pages):
            for turn in range(len(extractors)):
                which = (number + turn) % len(extractors)
                gc.collect()
                seconds[which][number] = read_page(extractors[which], page).seconds
        gc.unfreeze()
    return seconds
