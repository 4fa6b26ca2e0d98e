"""
What short strings say about a paragraph, learned from sites: n-grams with the log odds that their paragraph is kept.

Only the upper halves of hashes are stored, no text. How the scores are learned: `pipeline/train/counts.py`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.model.features import Floats
from pipeline.model.text import Bools, Hashes, Ints

STEP = 1 / 16
"""Scores are stored in steps of this, as signed bytes."""
COLUMNS = ("lexicon_mean", "lexicon_sum", "lexicon_best", "lexicon_worst", "lexicon_known")


BUCKET_BITS = 20
"""Look-up starts at a table of so many leading bits: a binary search over all keys takes several times as long."""


@dataclass(frozen=True)
class Lexicon:
    """Known n-grams: `keys` (the upper half of their hashes, ascending) and `scores` (log odds in `STEP`s)."""

    keys: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.int8]

    def look_up(self, hashes: Hashes) -> tuple[Floats, Bools]:
        """The score of each n-gram, 0 where it is not known, and whether it is."""
        keys = (hashes >> np.uint64(32)).astype(np.uint32)
        place = self._first[keys >> np.uint32(32 - BUCKET_BITS)]
        for _ in range(self._deepest):
            place += self.keys[np.minimum(place, len(self.keys) - 1)] < keys
        np.minimum(place, len(self.keys) - 1, out=place)
        known = self.keys[place] == keys
        return np.where(known, self.scores[place] * STEP, 0.0), known

    @cached_property
    def _first(self) -> npt.NDArray[np.int32]:
        """Index of the first key of each bucket."""
        starts = np.arange(1 << BUCKET_BITS, dtype=np.uint32) << np.uint32(32 - BUCKET_BITS)
        return np.searchsorted(self.keys, starts).astype(np.int32)

    @cached_property
    def _deepest(self) -> int:
        """How many keys the fullest bucket has."""
        return int(np.diff(np.append(self._first, len(self.keys))).max())


def score_columns(paragraphs: int, owners: Ints, scores: Floats, known: Bools) -> Floats:
    """
    The features that n-grams give their paragraphs, one row each, as in `COLUMNS`.

    Mean over the known ones, sum (bounded), highest, lowest, and the share that is known.
    """
    count = np.bincount(owners, minlength=paragraphs)
    found = np.bincount(owners, weights=known, minlength=paragraphs)
    total = np.bincount(owners, weights=scores, minlength=paragraphs)
    best, worst = np.zeros(paragraphs), np.zeros(paragraphs)
    some = count > 0
    if some.any():
        starts = (np.cumsum(count) - count)[some]
        best[some] = np.maximum(np.maximum.reduceat(scores, starts), 0)
        worst[some] = np.minimum(np.minimum.reduceat(scores, starts), 0)
    columns = (
        total / np.maximum(found, 1),
        np.clip(total, -30, 30) / 5,
        best,
        worst,
        found / np.maximum(count, 1),
    )
    return np.stack(columns, axis=1)
