"""Measures of finished texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.assess import assess_batch, count_words_batch
from pipeline.records import Quality
from pipeline.words import PYTHON_WORD

WORD = re.compile(r"[\u3040-\u30ff\u3400-\ufaff]|[^\W\u3040-\u30ff\u3400-\ufaff]+")
# Python and Polars know different versions of Unicode; characters of neither are left out.
KNOWN = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn"], codec="utf-8")


@given(st.lists(st.text(KNOWN), max_size=5))
def test_words_are_those_of_the_published_measure(texts: list[str]) -> None:
    """Counts agree with the token pattern that quality is measured with."""
    assert count_words_batch(texts) == [len(WORD.findall(text)) for text in texts]


def test_an_empty_batch_and_an_empty_text_have_no_measures() -> None:
    """Nothing divides by zero."""
    assert assess_batch([]) == []
    assert assess_batch(["", " \n\n"]) == [Quality(0.0, 0.0, 0.0, 0.0, 0.0)] * 2


@pytest.mark.parametrize(
    "line", ["It rained.", "Really?", "“It rained.”", "今天下雨。", "هل تمطر؟", "It rained…", "(It rained.)"]
)
def test_sentence_ends_of_many_scripts_count(line: str) -> None:
    """A line that ends a sentence is one whatever the script, with closing quotes after the mark."""
    assert assess_batch([line])[0].end_mark_share == 1.0


def test_furniture_lines_do_not_end_in_a_mark() -> None:
    """Menus and counters have none."""
    assert assess_batch(["Home\nNews\n12"])[0].end_mark_share == 0.0


def test_shares_are_of_lines_that_hold_something() -> None:
    """Blank lines are no short lines."""
    quality = assess_batch(["A line that is clearly longer than thirty characters.\n\n\nshort"])[0]

    assert quality.short_line_share == 0.5


def test_repetitions_count_from_the_second_time_and_within_one_text_only() -> None:
    """The same line in two texts of a batch is no repetition."""
    assert [q.duplicate_line_share for q in assess_batch(["abcd\nabcd", "abcd", "abcd\nefgh"])] == [0.5, 0.0, 0.0]


def test_words_without_letters_lower_the_letter_share() -> None:
    """Numbers are words without letters; mixed ones have some."""
    assert assess_batch(["covid19 2024 a1 7"])[0].letter_word_share == 0.5


@given(st.lists(st.text(), max_size=4))
def test_a_text_is_measured_alike_alone_and_in_a_batch(texts: list[str]) -> None:
    """Batches are only for speed; shares lie between 0 and 1."""
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    batch = assess_batch(texts)

    assert batch == [assess_batch([text])[0] for text in texts]
    assert all(0 <= getattr(q, name) <= 1 for q in batch for name in Quality.__slots__ if name.endswith("share"))


def test_a_word_is_the_same_in_python_and_in_polars() -> None:
    """Both patterns find the same words in any script."""
    texts = ["Don't stop, 2 of us.", "北京 now", "Färjan räknar", "하나 둘", "счёт_1", "ab\u0301c", "नमस्ते दुनिया", ""]

    assert count_words_batch(texts) == [len(PYTHON_WORD.findall(text)) for text in texts]
