"""
What short strings say about a paragraph, learned from sites: n-grams with the log odds that their paragraph is kept.

Only the upper halves of hashes are stored, no text. How the scores are learned: `pipeline/train/counts.py`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.features import Floats
from pipeline.model.text import Bools, Hashes, Ints

STEP = 1 / 16
"""Scores are stored in steps of this, as signed bytes."""
COLUMNS = ("lexicon_mean", "lexicon_sum", "lexicon_best", "lexicon_worst", "lexicon_known")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Known n-grams: `keys` (the upper half of their hashes, ascending) and `scores` (log odds in `STEP`s)."""

    keys: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.int8]

    def look_up(self, hashes: Hashes) -> tuple[Floats, Bools]:
        """The score of each n-gram, 0 where it is not known, and whether it is."""
        keys = (hashes >> np.uint64(32)).astype(np.uint32)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[place] == keys
        return np.where(known, self.scores[place] * STEP, 0.0), known


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
