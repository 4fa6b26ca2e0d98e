"""The measures are the reference's, to the last digit."""

import random
from collections.abc import Iterator

import pytest

from pipeline.score.gold import read_lines, read_pages
from pipeline.score.measures import count_words, fold, gap_closed, macro_f1, oracle, tokens, word_f1
from tests.score.gold_cases import load_reference
from tests.shared_data import require_shared

WORDS = ["a", "b", "c", "Ferry", "ferry", "東", "京", "한국어", "naïve", "x_1", "“q”", "—", "٣", "e\u0301"]


def random_text(rng: random.Random) -> str:
    """Lines of a small vocabulary, so that words, lines and 4-grams repeat."""
    lines = [" ".join(rng.choices(WORDS, k=rng.choice([0, 1, 2, 4, 5, 9]))) for _ in range(rng.randrange(12))]
    return "\n".join(lines)


def texts_with_gold() -> Iterator[tuple[str, str]]:
    """Random texts, and dumps of real pages, each with a gold text."""
    rng = random.Random(7)
    yield from ((random_text(rng), random_text(rng)) for _ in range(300))
    for name in ("news", "multilingual"):
        pages = read_pages(require_shared() / "gold" / f"{name}.parquet", {"dump", "dump_full"})[::12]
        yield from ((text, page.gold) for page in pages for text in (page.dump, page.dump_full))


def test_words_and_lines_are_those_of_the_reference() -> None:
    """Tokens, word F1 and the oracle agree with the reference on random and on real texts."""
    reference = load_reference()
    for text, gold in texts_with_gold():
        assert tokens(text) == reference.tokens(text)
        assert tuple(word_f1(count_words(text), count_words(gold))) == reference.word_f1(text, gold)
        assert oracle(text, gold) == reference.oracle(text, gold)


def test_folding_is_that_of_the_reference() -> None:
    """Snippets and titles are compared as the reference compares them."""
    reference = load_reference()
    for text, _gold in texts_with_gold():
        assert fold(text) == reference.fold(text)
    assert fold("‘’‚‛“”„‟«»‹›–—− ß İ") == reference.fold("‘’‚‛“”„‟«»‹›–—− ß İ")


def test_macro_f1_is_that_of_the_reference() -> None:
    """Labels of all kinds, one-sided ones too, give the reference's macro F1."""
    reference = load_reference()
    rng = random.Random(11)
    documents = read_lines(require_shared() / "gold" / "line_labels.parquet")[::40]
    cases = [list(document.keep) for document in documents] + [[], [True], [False] * 3]
    for gold in cases:
        for predicted in ([True] * len(gold), [False] * len(gold), [rng.random() < 0.5 for _ in gold]):
            assert macro_f1(gold, predicted) == reference.macro_f1(gold, predicted)


def test_the_gap_is_undefined_where_there_is_none() -> None:
    """Where the raw text is as good as the oracle's choice there is nothing to close, and no division by zero."""
    assert load_reference().gap_closed(0.9, 0.8, 1.0) == gap_closed(0.9, 0.8, 1.0) == pytest.approx(0.5)
    assert gap_closed(0.7, 0.8, 1.0) == pytest.approx(-0.5)
    assert gap_closed(0.8, 0.8, 0.8) is None
