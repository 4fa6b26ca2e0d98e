"""
Which cleaner a document is scored with: the shipped one, or one trained without the document's site.

Sites are shared out to folds by name (`pipeline.score.gold.fold_of`), in all files alike. A fold's cleaner is trained on
the training files' pages of all other folds; whatever is scored, of any file, is cleaned by the cleaner of its own fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipeline.errors import UsageError
from pipeline.score.gold import PageGold, fold_of
from pipeline.score.shapes import Shape
from pipeline.score.systems import OURS, OURS_HTML, Result, System


class Voices(StrEnum):
    """What has a say in the verdict on a line."""

    RULES = "rules"
    MODEL = "model"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Example:
    """A page to train on, with its flat texts; no text holds a line of a page of another fold."""

    page: PageGold  # without its HTML
    texts: Mapping[Shape, str]  # its six flattenings; may be blank


@dataclass(frozen=True, slots=True)
class Cleaner:
    """One cleaner, for flat texts and for HTML pages."""

    texts: System
    pages: System

    def for_shape(self, shape: Shape) -> System:
        """The system that takes this shape."""
        return self.pages if shape is Shape.HTML else self.texts


class Sited(Protocol):
    """Whatever says which site it is of: page gold and line gold."""

    @property
    def domain(self) -> str: ...


Examples = Callable[[], Sequence[Example]]
"""The pages of all training files; a function, since only training needs their texts."""


def shipped_cleaner(voices: Voices) -> Cleaner:
    """The cleaner as it is installed."""
    if voices is Voices.RULES:
        return Cleaner(OURS, OURS_HTML)
    raise _no_model()


def cleaner_for_fold(train: Sequence[Example], voices: Voices) -> Cleaner:
    """
    Train a cleaner on these pages, which hold none of the sites it will be scored on.

    The seam for the learned model: what is trained here must depend on `train` and on nothing else.
    """
    del train, voices
    raise _no_model()


def cleaners_by_fold(examples: Examples, folds: int, voices: Voices) -> list[Cleaner]:
    """One cleaner a fold, trained on the other folds' pages; rules learn nothing, so theirs is the shipped one."""
    if voices is Voices.RULES:
        return [shipped_cleaner(voices)] * folds
    pages = examples()
    return [
        cleaner_for_fold([each for each in pages if fold_of(each.page.domain, folds) != fold], voices)
        for fold in range(folds)
    ]


def clean_by_fold(
    cleaners: Sequence[Cleaner], shape: Shape, documents: Sequence[Sited], texts: Sequence[str | bytes]
) -> list[Result]:
    """Clean each text by the cleaner of its document's fold; one result a text, in order."""
    folds = [fold_of(document.domain, len(cleaners)) for document in documents]
    results: dict[int, Result] = {}
    for fold, cleaner in enumerate(cleaners):
        indices = [index for index, each in enumerate(folds) if each == fold]
        cleaned = cleaner.for_shape(shape).run([texts[index] for index in indices])
        results.update(zip(indices, cleaned, strict=True))
    return [results[index] for index in range(len(texts))]


def _no_model() -> UsageError:
    return UsageError("there is no model to train yet; --voices rules needs none")
