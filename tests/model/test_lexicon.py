"""The lexicon: what is known is found, what is not says nothing."""

import numpy as np

from pipeline.model.lexicon import STEP, Lexicon, score_columns

LEXICON = Lexicon(np.array([3, 70, 4_000_000_000], np.uint32), np.array([-16, 32, 127], np.int8))


def hashes(*keys: int) -> np.ndarray:
    """Hashes with these upper halves."""
    return (np.array(keys, np.uint64) << np.uint64(32)) + np.uint64(99)


def test_known_ngrams_have_their_score() -> None:
    """In steps, found by the upper half of the hash, between and beyond the known ones too."""
    scores, known = LEXICON.look_up(hashes(70, 3, 0, 4, 4_000_000_000, 2**32 - 1))

    assert known.tolist() == [True, True, False, False, True, False]
    assert scores.tolist() == [32 * STEP, -16 * STEP, 0, 0, 127 * STEP, 0]


def test_paragraphs_sum_up_their_ngrams() -> None:
    """Mean of the known ones, bounded sum, best, worst, and how many are known; nothing without n-grams."""
    owners = np.array([0, 0, 0, 2])
    scores, known = np.array([2.0, -1.0, 0.0, -3.0]), np.array([True, True, False, True])

    columns = score_columns(4, owners, scores, known)

    assert columns[0].tolist() == [0.5, 0.2, 2.0, -1.0, 2 / 3]
    assert columns[1].tolist() == columns[3].tolist() == [0, 0, 0, 0, 0]
    assert columns[2].tolist() == [-3.0, -0.6, 0.0, -3.0, 1.0]


def test_a_sum_is_bounded() -> None:
    """A long list of well-known strings does not drown everything else."""
    assert score_columns(1, np.zeros(100, np.int64), np.full(100, -7.0), np.ones(100, bool))[0, 1] == -6
