"""
CPU time of several extractors on the same pages, in one process.

They take turns page by page, each page beginning with another of them, so that whatever else the machine does meanwhile
slows all of them alike; and CPU time is taken, which a busy machine lengthens little. One that takes many pages at once
gets `TOGETHER` of them whenever so many have passed.
"""

import gc
import hashlib
import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.extractors import Extractor
from bench.outcomes import read_page, silence
from pipeline.score.gold import PageGold

TOGETHER = 25
"""Pages that an extractor which takes many is given at once."""


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
    Return the CPU seconds of each extractor on each page; of several at once, all with the last of them.

    Beforehand, a page of each language is read untimed: libraries load dictionaries when they first need them.
    """
    seconds = [[0.0] * len(pages) for _ in extractors]
    with silence():
        for page in {page.lang: page for page in pages}.values():
            for extractor in extractors:
                if extractor.extract_many is None:
                    read_page(extractor, page)
                else:
                    extractor.extract_many([page])
        gc.collect()
        gc.freeze()  # what is there already, gold pages above all, is no extractor's garbage
        for number, page in enumerate(pages):
            for turn in range(len(extractors)):
                which = (number + turn) % len(extractors)
                gc.collect()
                if extractors[which].extract_many is None:
                    seconds[which][number] = read_page(extractors[which], page).seconds
            if (number + 1) % TOGETHER == 0 or number + 1 == len(pages):
                first = number // TOGETHER * TOGETHER
                for which, extractor in enumerate(extractors):
                    if extractor.extract_many is not None:
                        gc.collect()
                        seconds[which][number] = _seconds_of(extractor.extract_many, pages[first : number + 1])
        gc.unfreeze()
    return seconds


def _seconds_of(extract: Callable[[Sequence[PageGold]], object], pages: Sequence[PageGold]) -> float:
    began = time.process_time()
    extract(pages)
    return time.process_time() - began
