"""Where the voices meet: rules stand, the model decides the rest, and every verdict has its reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decide import MODEL, Aim, decide_lines, worth_keeping
from pipeline.records import Judgement, Mark, Reason, Removal

BETA = {Aim.PRECISION: 0.5, Aim.BALANCED: 1.0, Aim.RECALL: 2.0}


def judged(
    words: list[int], removed: dict[int, Removal] | None = None, hints: dict[int, Reason] | None = None
) -> Judgement:
    """A document with a line for each number of words; its lines are 1, 3, 5 and so on."""
    numbers = list(range(1, 2 * len(words), 2))
    return Judgement(
        numbers, words, removed or {}, [Mark.NONE] * len(words), hints or {}, title_line=None, first_prose=None
    )


def by_rule(reason: Reason, rule: str = "some-rule") -> Removal:
    return Removal(reason, rule, 1.0)


def decide(judgement: Judgement, kept: list[float], aim: Aim = Aim.BALANCED) -> dict[int, Removal]:
    (removals,) = decide_lines([judgement], [np.array(kept)], aim)
    return removals


def expected_score(keep: np.ndarray, words: np.ndarray, kept: np.ndarray, beta: float) -> float:
    """F score of the expected counts: of right words among those kept, and among those that are right."""
    right = (words * kept)[keep].sum()
    total = words[keep].sum() + beta**2 * (words * kept).sum()
    return float((1 + beta**2) * right / total) if total else 0.0


def test_rules_alone_decide_without_a_model() -> None:
    """Whatever they removed, and nothing else."""
    removed = {3: by_rule(Reason.SHARE)}

    assert decide_lines([judged([5, 5], removed), judged([1])], [None, None], Aim.BALANCED) == [removed, {}]


def test_a_rules_verdict_stands() -> None:
    """However sure the model is that the line belongs to the article; and it still says why."""
    removals = decide(judged([30, 4, 30], {3: by_rule(Reason.SHARE, "share-word")}), [0.99, 0.99, 0.99])

    assert removals == {3: Removal(Reason.SHARE, "share-word", 1.0)}


def test_what_rules_removed_does_not_count_for_the_rest() -> None:
    """The score that is made best is that of the lines that are left."""
    lines, kept = [50, 4, 4], [0.9, 0.45, 0.05]
    removed = {1: by_rule(Reason.COMMENTS)}

    assert decide(judged(lines, removed), kept) == removed | {5: Removal(Reason.OTHER, MODEL, 0.95)}
    assert set(decide(judged(lines), kept)) == {3, 5}


def test_the_score_is_the_probability_of_boilerplate() -> None:
    """With 4 decimals, as it stands in the ledger."""
    assert decide(judged([30, 3]), [0.9876, 0.0123])[3] == Removal(Reason.OTHER, MODEL, 0.9877)


def test_each_document_is_decided_by_itself() -> None:
    """Each takes its own scores; a document without lines has none, and one without scores is left to the rules."""
    documents = [judged([30, 3]), judged([]), judged([3, 30, 3]), judged([30, 3])]
    kept = [np.array([0.9, 0.1]), np.zeros(0), np.array([0.1, 0.9, 0.1]), None]

    assert [sorted(each) for each in decide_lines(documents, kept, Aim.BALANCED)] == [[3], [], [1, 5], []]


def test_a_model_that_is_very_sure_overrules_a_rule_of_place() -> None:
    """It keeps a line that was removed for where it stands, but none that is furniture wherever it stands."""
    removed = {3: by_rule(Reason.RELATED), 5: by_rule(Reason.SHARE)}
    marks = [Mark.NONE, Mark.RULED, Mark.SURE, Mark.NONE]
    judgement = judged([30, 30, 30, 30], removed)._replace(marks=marks)

    assert set(decide(judgement, [0.9, 0.8, 0.99, 0.9])) == {5}
    assert set(decide(judgement, [0.9, 0.79, 0.99, 0.9])) == {3, 5}


def test_a_short_line_between_paragraphs_needs_more_doubt() -> None:
    """A subhead that the model doubts a little stays between two paragraphs, and goes at the end of a text."""
    assert set(decide(judged([30, 3, 30, 3]), [0.9, 0.25, 0.9, 0.25])) == {7}
    assert set(decide(judged([30, 3, 30]), [0.9, 0.05, 0.9])) == {3}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20).map(lambda step: step / 20)), min_size=1, max_size=12),
       st.sampled_from(Aim))  # fmt: skip
def test_no_threshold_has_a_better_expected_score(lines: list[tuple[int, float]], aim: Aim) -> None:
    """The choice is the best of all that keep what is above some probability, and it is never empty."""
    words, kept = (np.array(column, float) for column in zip(*lines, strict=True))

    chosen = worth_keeping(words, kept, aim)

    best = max(expected_score(kept >= threshold, words, kept, BETA[aim]) for threshold in set(kept.tolist()))
    assert expected_score(chosen, words, kept, BETA[aim]) == pytest.approx(best)
    assert chosen.any()
    assert kept[chosen].min() >= kept[~chosen].max(initial=0)


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0.01, 0.99)), min_size=1, max_size=12))
def test_recall_keeps_what_precision_keeps(lines: list[tuple[int, float]]) -> None:
    """Who cares more for losing nothing loses no line that the others keep."""
    words, kept = (np.array(column, float) for column in zip(*lines, strict=True))
    precise, balanced, complete = (worth_keeping(words, kept, aim) for aim in Aim)

    assert not (precise & ~balanced).any()
    assert not (balanced & ~complete).any()


def test_a_strange_document_loses_little() -> None:
    """Where the model doubts everything alike, everything stays."""
    assert decide(judged([20, 20, 20]), [0.2, 0.2, 0.2]) == {}
    assert decide(judged([20, 20]), [0.0, 0.0]) == {}


def test_a_rule_that_matches_elsewhere_gives_the_reason() -> None:
    """The model says that a line goes; a rule that would have taken it at the edge says what it is."""
    removals = decide(judged([30, 2, 30], hints={3: Reason.LATEST}), [0.9, 0.01, 0.9])

    assert removals == {3: Removal(Reason.LATEST, MODEL, 0.99)}


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        (Reason.RELATED, Reason.RELATED),
        (Reason.COMMENTS, Reason.COMMENTS),
        (Reason.TITLE, Reason.OTHER),
        (Reason.BYLINE, Reason.OTHER),
        (Reason.COUNTER, Reason.OTHER),
    ],
)
def test_the_nearest_removed_line_gives_the_reason(reason: Reason, given: Reason) -> None:
    """A teaser below "Related" is one of them; what says something about one line only says nothing of the next."""
    removals = decide(judged([30, 1, 6, 6], {3: by_rule(reason)}), [0.9, 0.5, 0.01, 0.01])

    assert [removals[number].reason for number in (5, 7)] == [given, given]
    assert [removals[number].rule for number in (5, 7)] == [MODEL, MODEL]


def test_a_kept_line_between_ends_the_run() -> None:
    """Reasons do not reach over the article."""
    removals = decide(judged([1, 30, 6], {1: by_rule(Reason.SHARE)}), [0.5, 0.9, 0.01])

    assert removals[5].reason is Reason.OTHER


def test_a_reason_does_not_reach_far() -> None:
    """Some lines on, it is a guess."""
    removals = decide(judged([1, *[3] * 6, 60], {1: by_rule(Reason.SHARE)}), [0.5, *[0.01] * 6, 0.99])

    assert [removals[number].reason for number in (3, 5, 7, 9, 11, 13)] == [Reason.SHARE] * 3 + [Reason.OTHER] * 3
