"""
Decide what goes: the one place where the voices meet.

1. A rule that holds anywhere decides: its evidence is a pattern that somebody has read and tested against near misses.
   So does a rule that removes a line for where it stands, unless the model, which knows of that verdict and sees the
   whole page, is very sure of the line.
2. The learned model decides the rest. It removes the paragraphs that it doubts, as many as make the expected F score of
   the document best: with probabilities in hand, the best choice keeps what lies above a threshold of the document's
   own (the plug-in rule; Lewis 1995; Ye et al. 2012, "Optimizing F-measure: a tale of two approaches"). So a document
   that the model finds strange throughout loses little, and one that it understands loses all that is furniture.
3. A short line between two paragraphs that stay is a subhead, an answer or an item more often than not, and weighs
   next to nothing in an F score over words: there the model must be surer.
4. The last line that the rules leave of a document stays, and of several at least one: the best choice is never empty.

A verdict names its voice: the rule's id with score 1, or "model" with the probability that the line is boilerplate; the
model's version stands in each row. The model gives no reasons of its own; see `_reasons`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from pipeline.records import Judgement, Mark, Reason, Removal

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Aim(StrEnum):
    """What the model is to care for more: that nothing foreign stays, or that nothing is lost."""

    PRECISION = "precision"
    BALANCED = "balanced"
    RECALL = "recall"


_BETA: Mapping[Aim, float] = {Aim.PRECISION: 0.5, Aim.BALANCED: 1.0, Aim.RECALL: 2.0}
"""Of the F score whose expectation is made best: how many times recall counts as much as precision."""
_EVEN: Mapping[Aim, float] = {Aim.PRECISION: 0.65, Aim.BALANCED: 0.5, Aim.RECALL: 0.3}
"""From this probability on a page's line stays, where the model finds its way."""
CLEAR = 0.65
"""It does where the best choice has this expected F score or a better one."""
MODEL = "model"
"""Stands for a rule's id in the ledger; the model's version is in the article's row."""
VERY_SURE = 0.8
"""From this probability on, the model keeps a line that a rule removed for where it stands."""
SHORT = 8
"""Lines of fewer words are short; longer ones make paragraphs between which a short line is protected."""
LEAST_OF_PARAGRAPHS = 0.4
"""From this probability on, a longer line stays: a lost paragraph costs a reader more than a caption that is left."""
LEAST_INSIDE = 0.1
"""From this probability on, a short line between paragraphs stays."""
REACH = 2
"""So many lines away, at most, stand the paragraphs that a short line is between."""
NEAR = 3
"""A removed line gives its reason to lines that the model removes no further away, in one run of removed lines."""


def decide_lines(judgements: Sequence[Judgement], kept: Sequence[Floats | None], aim: Aim) -> list[dict[int, Removal]]:
    """
    Why each line goes that goes, by number, for each document of a batch.

    `kept` holds, for each document, the model's probability for each line that it belongs to the article; None leaves
    the verdict to the rules.
    """
    return [_decide(judged, scores, aim) for judged, scores in zip(judgements, kept, strict=True)]


def _decide(judged: Judgement, kept: Floats | None, aim: Aim) -> dict[int, Removal]:
    if kept is None or not len(kept):
        return dict(judged.removed)
    words = np.array(judged.words, np.float64)
    sure = _EVEN[aim] if judged.is_page else VERY_SURE
    overruled = (np.array(judged.marks, np.int64) == Mark.RULED) & (kept >= sure)
    removals = dict(judged.removed)
    for place in np.flatnonzero(overruled).tolist():
        removals.pop(judged.numbers[place], None)
    left = np.array([number not in removals for number in judged.numbers], bool)
    if np.count_nonzero(left) < 2:
        return removals
    if judged.is_page:
        stays = left & _stays_of_page(words * left, kept * left, aim)
        inside = np.zeros_like(stays)
    else:
        stays = left & worth_keeping(words * left, kept * left, aim)
        if aim is not Aim.PRECISION:
            stays |= left & (words >= SHORT) & (kept >= LEAST_OF_PARAGRAPHS)
        inside = left & (words < SHORT) & (kept >= LEAST_INSIDE) & _between(stays & (words >= SHORT))
    doubted = np.flatnonzero(left & ~stays & ~inside).tolist()
    if doubted:
        reasons = _reasons(judged, removals, doubted)
        scores = (1 - kept).round(4).tolist()
        removals |= {judged.numbers[place]: Removal(reasons[place], MODEL, scores[place]) for place in doubted}
    return removals


def _stays_of_page(words: Floats, kept: Floats, aim: Aim) -> Bools:
    """
    Which of a page's lines stay.

    Of all that a page shows most is not its article. Where the model finds its way, a line stays that is rather the
    article's than not; where even the best choice promises little, as on lists and product pages, that choice is made.
    On held-out gold pages this is worth .004 of word F1 on articles, against the best choice everywhere, and .02 to .03
    on service pages and collections, against one half everywhere.
    """
    if expected_score(words, kept, aim) < CLEAR:
        return worth_keeping(words, kept, aim)
    return np.asarray(kept >= _EVEN[aim])


def _between(paragraphs: Bools) -> Bools:
    """Whether a paragraph stands at most `REACH` lines above and another at most as many below each line."""
    above, below = np.zeros_like(paragraphs), np.zeros_like(paragraphs)
    for step in range(1, REACH + 1):
        above[step:] |= paragraphs[:-step]
        below[:-step] |= paragraphs[step:]
    return above & below


def expected_score(words: Floats, kept: Floats, aim: Aim = Aim.BALANCED) -> float:
    """The expected F score of the best choice; 0 for nothing."""
    return float(_expected_scores(words, kept, aim)[1].max(initial=0.0))


def worth_keeping(words: Floats, kept: Floats, aim: Aim = Aim.BALANCED) -> Bools:
    """
    Which lines to keep for the best expected F score over words.

    >>> worth_keeping(np.array([30.0, 3.0, 2.0]), np.array([0.9, 0.5, 0.1])).tolist()
    [True, True, False]
    """
    order, score = _expected_scores(words, kept, aim)
    return np.asarray(kept >= kept[order[int(np.argmax(score))]]) if len(kept) else np.zeros(0, bool)


def _expected_scores(words: Floats, kept: Floats, aim: Aim) -> tuple[Ints, Floats]:
    """The lines from the surest on, and the expected F score of keeping each and all before it."""
    beta = _BETA[aim] ** 2
    order = np.argsort(-kept, kind="stable")
    right = np.cumsum((words * kept)[order])
    return order, (1 + beta) * right / np.maximum(np.cumsum(words[order]) + beta * right[-1:], 1e-9)


def _reasons(judged: Judgement, removals: Mapping[int, Removal], doubted: Sequence[int]) -> dict[int, Reason]:
    """
    The reasons for the lines that the model removes, by place.

    That of a rule that matches the line but holds only elsewhere; else that of the nearest line that a rule removed,
    in the same run of removed lines; else `other`.
    """
    doubts = set(doubted)
    gone = [place in doubts or number in removals for place, number in enumerate(judged.numbers)]
    near = [_of_neighbours(judged.removed.get(number)) for number in judged.numbers]
    return {
        place: judged.hints.get(judged.numbers[place]) or _nearest(near, gone, place) or Reason.OTHER
        for place in doubted
    }


def _of_neighbours(removal: Removal | None) -> Reason | None:
    """The reason that a removed line's neighbours share, if any."""
    return None if removal is None or removal.reason in _OF_ONE_LINE else removal.reason


def _nearest(reasons: Sequence[Reason | None], gone: Sequence[bool], place: int) -> Reason | None:
    """The first reason up to `NEAR` lines away, above before below, without a line between that stays."""
    above = below = True
    for step in range(1, NEAR + 1):
        above = above and place >= step and gone[place - step]
        below = below and place + step < len(gone) and gone[place + step]
        reason = (above and reasons[place - step]) or (below and reasons[place + step])
        if reason:
            return reason
    return None


_OF_ONE_LINE = (
    Reason.TITLE, Reason.REPEATED_TITLE, Reason.BYLINE, Reason.DATELINE, Reason.TAG_LINE, Reason.COUNTER, Reason.OTHER,
)  # fmt: skip
"""Reasons that say something about one line and nothing about its neighbours."""
