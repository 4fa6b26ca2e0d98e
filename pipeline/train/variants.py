"""
More texts of the same pages, so that the judge learns no flattener's habits.

Users' dumps are cut in the middle, wrapped at other widths, without blank lines, already clean, or sprinkled with the
furniture of some other tool. Each page gets one text of each kind, drawn by a generator seeded with the page's name.
What is mixed in comes from a page of the same fold, so that cross-validation holds.
"""

import hashlib
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.blank import is_blank
from pipeline.score.gold import fold_of
from pipeline.score.measures import oracle
from pipeline.score.shapes import Shape
from pipeline.train.examples import Source

WIDTHS = (56, 110)
"""Other columns at which texts are wrapped."""
BLOCKS = (2, 5)
"""So many blocks of furniture are mixed in, of up to `BLOCK_LINES` lines each."""
BLOCK_LINES = 6
GOLD_AS_IT_IS = 0.5
"""Share of gold texts without blank lines between paragraphs."""

Random = np.random.Generator


def vary(sources: Sequence[Source], seed: int = 0) -> list[Source]:
    """The variants of every page that has a dump; `sources` hold the pages' plain shapes."""
    dumps = [source for source in sources if source.shape == Shape.DUMP and not is_blank(source.text)]
    full = {source.page: source for source in sources if source.shape == Shape.DUMP_FULL}
    kept = {dump.page: oracle(dump.text, dump.gold).split("\n") for dump in dumps}
    furniture = _furniture(full.values())
    return [variant for dump in dumps for variant in _of_page(dump, full[dump.page], kept, furniture, seed)]


def _of_page(
    dump: Source, full: Source, kept: Mapping[str, list[str]], furniture: Mapping[int, list[list[str]]], seed: int
) -> Iterator[Source]:
    random = np.random.default_rng(int(hashlib.sha256(f"{seed}/{dump.page}".encode()).hexdigest()[:16], 16))
    texts: Mapping[str, Callable[[], str]] = {
        "clean": lambda: "\n\n".join(kept[dump.page]),
        "gold": lambda: dump.gold if random.random() < GOLD_AS_IT_IS else dump.gold.replace("\n", "\n\n"),
        "cut": lambda: _cut(full.text.split("\n"), random),
        "full_wrapped": lambda: _wrap(full.text, random),
        "full_no_blank_lines": lambda: "\n".join(line for line in full.text.split("\n") if not is_blank(line)),
        "mixed": lambda: _mix(dump.text.split("\n"), furniture.get(fold_of(dump.site), ()), random),
    }
    for shape, make in texts.items():
        yield replace(dump, shape=shape, text=make())


def _furniture(pages: Iterable[Source]) -> Mapping[int, list[list[str]]]:
    """Runs of lines that are no article's, by fold."""
    runs: dict[int, list[list[str]]] = {}
    for page in pages:
        if is_blank(page.gold):
            continue
        own = Counter(oracle(page.text, page.gold).split("\n"))
        run: list[str] = []
        for line in page.text.split("\n"):
            if own[line] > 0:
                own[line] -= 1
                run = []
            elif not is_blank(line):
                if not run or len(run) == BLOCK_LINES:
                    run = []
                    runs.setdefault(fold_of(page.site), []).append(run)
                run.append(line)
    return runs


def _cut(lines: Sequence[str], random: Random) -> str:
    """Lose up to half of the head and up to half of the tail."""
    start = int(random.integers(0, len(lines) // 2 + 1))
    end = int(random.integers((len(lines) + 1) // 2, len(lines) + 1))
    return "\n".join(lines[start : max(end, start + 1)])


def _wrap(text: str, random: Random) -> str:
    width = int(random.integers(*WIDTHS))
    lines = ("\n".join(textwrap.wrap(line, width)) for line in text.split("\n"))
    return "\n".join(line for line in lines if line or width % 2)


def _mix(lines: Sequence[str], runs: Sequence[Sequence[str]], random: Random) -> str:
    mixed = list(lines)
    for _ in range(int(random.integers(*BLOCKS))):
        run = runs[int(random.integers(0, len(runs)))] if runs else ()
        at = int(random.integers(0, len(mixed) + 1))
        length = int(random.integers(1, BLOCK_LINES + 1))
        mixed[at:at] = ["", *run[:length], ""] if random.random() < 0.5 else run[:length]
    return "\n".join(mixed)
