"""
What is scored: ours, and whatever stands beside it. A system is a name and a function from texts to results.

Anything else can be scored the same way: a model trained without the pages it is scored on, the rules alone, a peer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline import clean
from pipeline.clean import Cleaned, clean_batch
from pipeline.records import Reason
from pipeline.voices import Voices

BATCH = 200
"""Texts that a system is given at once."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a system made of one text."""

    text: str
    title: str | None = None
    keep: tuple[bool, ...] | None = None  # one a line of the input; None where a system does not work by lines


Clean = Callable[[Sequence[str]], list[Result]]
"""One result a text, in order."""


@dataclass(frozen=True, slots=True)
class System:
    """Something that cleans."""

    name: str
    clean: Callable[[Sequence[Any]], list[Result]]  # of texts; of pages as bytes when HTML is scored
    titles: bool = False  # whether it looks for titles: if not, none is counted as missed

    def run(self, texts: Sequence[str | bytes]) -> Iterator[Result]:
        """Clean texts in batches, so that a caller can follow."""
        for start in range(0, len(texts), BATCH):
            yield from self.clean(texts[start : start + BATCH])


def clean_texts(texts: Sequence[str], voices: Voices | None = None) -> list[Result]:
    """Clean flat texts as `clean_batch` does."""
    return [Result(cleaned.text, cleaned.title, keeps(cleaned)) for cleaned in clean_batch(texts, voices=voices)]


def clean_pages(pages: Sequence[bytes], voices: Voices | None = None) -> list[Result]:
    """Clean HTML pages as `clean_html` does."""
    return [Result(page.text, page.title) for page in clean.clean_pages(pages, voices=voices)]


def keeps(cleaned: Cleaned) -> tuple[bool, ...]:
    """Keep or drop for each line; the title counts as kept, since it has a column of its own."""
    return tuple(verdict.keep or verdict.reason is Reason.TITLE for verdict in cleaned.verdicts)


def ours(voices: Voices | None = None) -> tuple[System, System]:
    """Ours for flat texts and for HTML pages, with these voices; without, with those that ship with the package."""
    return (
        System("ours", partial(clean_texts, voices=voices), titles=True),
        System("ours", partial(clean_pages, voices=voices), titles=True),
    )


OURS, OURS_HTML = ours()
