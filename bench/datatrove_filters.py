"""
datatrove's own filters as peers; importing this needs the extra `bench`.

The filters are the library's, with their default settings, which are made for English. Only their tokenizer is ours:
the library's default for English is spaCy, tens of times slower, and words and sentences matter here only for counts (50
words, five sentences, shares of n-grams). On 314 news dumps Gopher drops 54 with ours and 50 with spaCy.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.word_tokenizers import WordTokenizer

from pipeline.score.systems import Result, System

_WORD = re.compile(r"\w+(?:['’.,-]\w+)*|[^\w\s]")
_SENTENCE = re.compile(r"[^.?!]*(?:[.?!]+[\"'”’)\]]*|$)")


class PlainTokenizer(WordTokenizer):  # type: ignore[misc]  # the library has no types
    """
    Words and sentences by punctuation, in the form that datatrove's filters take in place of a language.

    >>> PlainTokenizer().word_tokenize("It doesn't leave."), PlainTokenizer().sent_tokenize("It left. Why?")
    (['It', "doesn't", 'leave', '.'], ['It left.', ' Why?'])
    """

    def word_tokenize(self, text: str) -> list[str]:
        """Words, and each punctuation mark by itself."""
        return _WORD.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """Sentences with their end marks."""
        return [text[start:end] for start, end in self.span_tokenize(text)]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Where sentences start and end; at least one."""
        return [match.span() for match in _SENTENCE.finditer(text) if match.group().strip()] or [(0, len(text))]


def _in_turn(filters: Sequence[Any]) -> Callable[[Sequence[str]], list[Result]]:
    def clean(text: str) -> Result:
        document = Document(text=text, id="")
        kept = all(each.filter(document) is True for each in filters)
        return Result(document.text if kept else "")

    return lambda texts: [clean(text) for text in texts]


_TOKENIZER = PlainTokenizer()

DATATROVE_PEERS: tuple[System, ...] = (
    System("C4 (datatrove)", _in_turn([C4QualityFilter(language=_TOKENIZER)])),
    System(
        "Gopher (datatrove)",
        _in_turn([GopherQualityFilter(language=_TOKENIZER), GopherRepetitionFilter(language=_TOKENIZER)]),
    ),
)
"""C4's filter of lines, and Gopher's of documents: a document that is dropped is an empty text."""
