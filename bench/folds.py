"""
Which cleaner a document is scored with: the shipped one, or one trained without the document's site.

Sites are shared out to folds by name (`pipeline.score.gold.fold_of`), in all files alike. A fold's cleaner is trained on
the training files' pages of all other folds; whatever is scored, of any file, is cleaned by the cleaner of its own fold.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bench.models import Training, fold_models
from pipeline.model import LineModel
from pipeline.rules import Rules, load_rules
from pipeline.score.gold import fold_of
from pipeline.score.shapes import Shape
from pipeline.score.systems import Result, System, ours
from pipeline.voices import Voices, load_voices


class Voice(StrEnum):
    """What has a say in the verdict on a line."""

    RULES = "rules"
    MODEL = "model"  # no rule pack; titles are still found, as they have a column of their own
    BOTH = "both"


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


NO_RULES = Rules((), digest="none")


def choose_voices(voice: Voice, model: LineModel | None, page_model: LineModel | None) -> Voices:
    """The rules, these models of texts and of pages, or both."""
    if voice is Voice.RULES:
        return Voices(load_rules())
    return Voices(NO_RULES if voice is Voice.MODEL else load_rules(), model, page_model=page_model)


def shipped_cleaner(voice: Voice) -> Cleaner:
    """The cleaner as it is installed, or one of its voices alone."""
    return Cleaner(*ours(choose_voices(voice, load_voices().model, load_voices().page_model)))


def cleaners_by_fold(training: Training, folds: int, voice: Voice, shapes: Collection[Shape]) -> list[Cleaner]:
    """
    One cleaner a fold, for these shapes, its models trained on the other folds' sites.

    Rules learn nothing, so theirs is the shipped one.
    """
    if voice is Voice.RULES:
        return [shipped_cleaner(voice)] * folds
    nothing: list[LineModel | None] = [None] * folds
    texts = fold_models(training, folds) if set(shapes) - {Shape.HTML} else nothing
    pages = fold_models(training, folds, pages=True) if Shape.HTML in shapes else nothing
    return [Cleaner(*ours(choose_voices(voice, *models))) for models in zip(texts, pages, strict=True)]


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
