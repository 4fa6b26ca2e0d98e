"""Figures of extractors over groups of pages, from their outcomes on single pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.outcomes import Outcome

SLOW = 5.0
"""Seconds of CPU; a page that takes longer counts as hanging."""
MUCH_TEXT = 200
"""Words that a page shows; an extractor that finds no text there has lost it without a word."""

Outcomes = Mapping[str, Sequence[Outcome]]
"""By extractor, one a page, all for the same pages in the same order."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extractor made of a group of pages: means over pages, and shares of all snippets."""

    system: str
    f1: float
    precision: float
    recall: float
    with_found: float | None  # None where gold has no snippets
    without_rejected: float | None


@dataclass(frozen=True, slots=True)
class PartExtracted:
    """What each extractor made of one part of the gold."""

    part: str
    pages: int
    systems: tuple[Extracted, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """The pages on which an extractor failed, by their ids."""

    system: str
    raised: tuple[str, ...]
    slow: tuple[str, ...]  # took longer than SLOW
    empty: tuple[str, ...]  # no word came out although the page shows MUCH_TEXT


def summarise(outcomes: Outcomes) -> tuple[Extracted, ...]:
    """Return the figures of every extractor."""
    return tuple(_summarise(system, each) for system, each in outcomes.items())


def _summarise(system: str, outcomes: Sequence[Outcome]) -> Extracted:
    return Extracted(
        system=system,
        f1=fmean(outcome.f1 for outcome in outcomes),
        precision=fmean(outcome.precision for outcome in outcomes),
        recall=fmean(outcome.recall for outcome in outcomes),
        with_found=_share(sum(each.found for each in outcomes), sum(each.wanted for each in outcomes)),
        without_rejected=_share(sum(each.gone for each in outcomes), sum(each.unwanted for each in outcomes)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def find_failures(outcomes: Outcomes, visible: Sequence[Outcome]) -> tuple[Failures, ...]:
    """Return the pages on which each extractor failed; `visible` says how many words the pages show."""
    return tuple(
        Failures(
            system=system,
            raised=_ids(outcome for outcome in each if outcome.error),
            slow=_ids(outcome for outcome in each if outcome.seconds > SLOW),
            empty=_ids(
                outcome
                for outcome, shown in zip(each, visible, strict=True)
                if not outcome.words and shown.words >= MUCH_TEXT
            ),
        )
        for system, each in outcomes.items()
    )


def _ids(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(outcome.page for outcome in outcomes)
