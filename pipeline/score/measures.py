"""
The measures, over one document or a list of values: the same figures as the reference beside the shared gold, faster.

All are shares between 0 and 1, and more is better, except where a docstring says otherwise.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.words import PYTHON_WORD

GRAM = 4
"""Words in a row by which a line is recognised in gold; a shorter line must equal a line of gold."""
WORSE = 0.02
"""A document whose word F1 falls by more than this is made worse."""

_PLAIN = str.maketrans("‘’‚‛“”„‟«»‹›–—−", "''''\"\"\"\"\"\"''---")

Bag = Counter[str]
"""How often each word occurs in a text."""


class WordScore(NamedTuple):
    """How well one bag of words agrees with another."""

    f1: float
    precision: float  # of the words there, those that are in gold
    recall: float  # of gold's words, those that are there


def tokens(text: str) -> list[str]:
    """
    Return the words of a text in lower case; a Chinese or Japanese character is a word of its own.

    >>> tokens("Don't go to 東京.")
    ['don', 't', 'go', 'to', '東', '京']
    """
    return PYTHON_WORD.findall(text.lower())


def count_words(text: str) -> Bag:
    """Count each word of a text."""
    return Counter(tokens(text))


def word_f1(predicted: Bag, gold: Bag) -> WordScore:
    """
    Return F1, precision and recall of bags of words, as WCXB defines them for scripts with spaces.

    >>> word_f1(count_words("Menu. The ferry left."), count_words("The ferry left"))
    WordScore(f1=0.8571428571428571, precision=0.75, recall=1.0)
    """
    if not gold:
        return WordScore(0.0, 0.0, 0.0) if predicted else WordScore(1.0, 1.0, 1.0)
    if not predicted:
        return WordScore(0.0, 0.0, 0.0)
    hits = sum(min(count, gold[word]) for word, count in predicted.items() if word in gold)
    precision, recall = hits / predicted.total(), hits / gold.total()
    return WordScore(2 * precision * recall / (precision + recall) if hits else 0.0, precision, recall)


def oracle(dump: str, gold: str) -> str:
    r"""
    Return the lines of a dump that a perfect judge of lines keeps; each bit of gold can be claimed once.

    A line of four words or more is kept when at least half of its 4-grams are still unclaimed in gold; a shorter one
    when an equal line of gold is unclaimed.

        >>> oracle("Ferry\nThe ferry left at six.\nFerry\nRead more", "Ferry\nThe ferry left at six.")
        'Ferry\nThe ferry left at six.'
    """
    grams = Counter(ngrams_of(tokens(gold)))
    lines = Counter(" ".join(tokens(line)) for line in gold.split("\n"))
    return "\n".join(line for line in dump.split("\n") if _claim(tokens(line), grams, lines))


_Gram = tuple[str, ...]


def ngrams_of(words: Sequence[str]) -> Iterator[_Gram]:
    """The n-grams of `GRAM` words that the oracle compares."""
    return zip(*(words[start:] for start in range(GRAM)), strict=False)


def _claim(words: Sequence[str], grams: Counter[_Gram], lines: Counter[str]) -> bool:
    """Whether gold still has the line; takes it from `grams` or `lines` if so."""
    own = Counter(ngrams_of(words))
    if own and 2 * sum(min(count, grams[gram]) for gram, count in own.items() if gram in grams) >= own.total():
        for gram, count in own.items():
            if gram in grams:
                grams[gram] = max(0, grams[gram] - count)
        return True
    line = " ".join(words)
    if not line or lines[line] <= 0:
        return False
    lines[line] -= 1
    return True


def gap_closed(cleaned: float, raw: float, best: float) -> float | None:
    """
    Return the share of the way from the raw text to the oracle; negative when cleaning did harm.

    All three are means of word F1 over the same documents. None where the oracle is no better than the raw text.
    """
    return (cleaned - raw) / (best - raw) if best > raw else None


def fold(text: str) -> str:
    """
    Return a snippet or title as it is compared: case folded, white space collapsed, quotes and dashes made plain.

    >>> fold("The “Long”  Ferry – Again")
    'the "long" ferry - again'
    """
    return " ".join(text.translate(_PLAIN).casefold().split())


def count_found(text: str, snippets: Sequence[str]) -> int:
    """Count the snippets that occur in a text."""
    folded = fold(text)
    return sum(fold(snippet) in folded for snippet in snippets)


def macro_f1(gold: Sequence[bool], predicted: Sequence[bool]) -> float:
    """
    Return the mean of the F1 of keep and the F1 of drop, over all lines of one language pooled.

    >>> macro_f1([True, True, False], [True, True, True])
    0.4
    """
    scores = []
    for label in (True, False):
        hits = sum(given is label and found is label for given, found in zip(gold, predicted, strict=True))
        total = sum(given is label for given in gold) + sum(found is label for found in predicted)
        scores.append(2 * hits / total if total else 1.0)
    return sum(scores) / len(scores)
