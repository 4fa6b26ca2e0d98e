"""
Examples to learn from: texts of gold pages in many shapes, with a label for each paragraph.

A paragraph is to be kept when the line oracle keeps it (`pipeline.score.measures.oracle`), or when it is a short piece
of a paragraph that the scraper broke up: its neighbours are kept and it continues their n-grams as gold does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.clean import judge_documents, seen_lines
from pipeline.decode import document_from_text
from pipeline.elements import Rendering
from pipeline.model.dom import names_around
from pipeline.model.features import ngrams
from pipeline.model.line_model import chunks, lay_out, mark_columns, measured
from pipeline.model.text import Hashes, Ints
from pipeline.records import Document
from pipeline.rules import Rules
from pipeline.score.measures import GRAM, ngrams_of, tokens

MOST_PARAGRAPHS = 3000
"""Of a longer document, only so many are learned from."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text to learn from, or one page as markup shows it."""

    page: str  # of which page; texts of one page are shapes of each other
    site: str
    shape: str
    text: str
    gold: str
    rendering: Rendering | None = None  # of `text`, if it was a page
    title: str | None = None  # where it is known; None has it looked for, as in `Metadata`


@dataclass(frozen=True, slots=True)
class Example:
    """
    A text's paragraphs: features, marks of the rules, n-grams, labels (0 or 1) and number of words.

    Of a page also the names around its lines, one entry a pair of line and name.
    """

    source: Source
    features: npt.NDArray[np.float16]
    marks: npt.NDArray[np.float16]
    owners: npt.NDArray[np.int32]
    hashes: Hashes
    labels: npt.NDArray[np.int8]
    words: Ints
    named: Ints
    names: Hashes

    def __len__(self) -> int:
        return len(self.labels)


def make_examples(sources: Sequence[Source], rules: Rules) -> Iterator[Example]:
    """One example for each text that has a line, in order; all are texts, or all are pages."""
    lines, judgements = judge_documents([_document(source) for source in sources], rules)
    pages = [source.rendering for source in sources if source.rendering is not None]
    seen = seen_lines(lines, judgements)
    for part in chunks(replace(seen, pages=pages) if pages else seen):
        layout = lay_out(part)
        text = layout.text
        features = measured(layout, part.pages).astype(np.float16)
        marks = mark_columns(text, part.marks).astype(np.float16)
        owners, hashes = ngrams(layout)
        words = _words_of(part.texts, text.paragraph_of)
        for start, end in pairwise(np.append(layout.heads, len(text))):
            stop = min(end, start + MOST_PARAGRAPHS)
            source = sources[text.doc[start]]
            grams = slice(*np.searchsorted(owners, [start, stop]))
            own = words[start:end]
            named, names = names_around(source.rendering) if source.rendering else (_NONE, _NO_NAMES)
            yield Example(
                source=source,
                features=features[start:stop],
                marks=marks[start:stop],
                owners=(owners[grams] - start).astype(np.int32),
                hashes=hashes[grams],
                labels=np.array(label(own, source.gold)[: stop - start], np.int8),
                words=np.array([len(each) for each in own[: stop - start]], np.int64),
                named=named[named < stop - start],
                names=names[named < stop - start],
            )


_NONE, _NO_NAMES = np.zeros(0, np.int64), np.zeros(0, np.uint64)


def _document(source: Source) -> Document:
    document = document_from_text(source.text)
    return replace(document, known=replace(document.known, title=source.title))


def _words_of(lines: Sequence[str], paragraph_of: Ints) -> list[list[str]]:
    words: list[list[str]] = []
    for line, paragraph in zip(lines, paragraph_of, strict=True):
        if paragraph == len(words):
            words.append([])
        words[paragraph].extend(tokens(line))
    return words


def label(paragraphs: Sequence[Sequence[str]], gold: str) -> list[int]:
    """1 for each paragraph (its words) that belongs to gold, else 0; every bit of gold is claimed once."""
    gold_words = tokens(gold)
    free = Counter(ngrams_of(gold_words))
    every = frozenset(free)
    whole = Counter(" ".join(tokens(line)) for line in gold.split("\n"))
    labels = [_claim(words, free, whole) for words in paragraphs]
    return [
        int(kept or (0 < len(words) < GRAM and _continues(paragraphs, labels, place, every)))
        for place, (words, kept) in enumerate(zip(paragraphs, labels, strict=True))
    ]


def _claim(words: Sequence[str], free: Counter[tuple[str, ...]], whole: Counter[str]) -> bool:
    """As the line oracle claims it, but that the second copy of a long paragraph is furniture, even if gold has the line."""
    own = Counter(ngrams_of(words))
    if own:
        if 2 * sum((own & free).values()) < sum(own.values()):
            return False
        free.subtract(own & free)
        return True
    text = " ".join(words)
    if not words or whole[text] <= 0:
        return False
    whole[text] -= 1
    return True


def _continues(
    paragraphs: Sequence[Sequence[str]], labels: Sequence[bool], place: int, every: frozenset[tuple[str, ...]]
) -> bool:
    """Whether a short paragraph goes on with a kept neighbour as gold does."""
    words = list(paragraphs[place])
    missing = GRAM - len(words)
    above = place > 0 and labels[place - 1] and (*paragraphs[place - 1][-missing:], *words) in every
    below = place + 1 < len(labels) and labels[place + 1] and (*words, *paragraphs[place + 1][:missing]) in every
    return above or below


def group_by_page(examples: Sequence[Example]) -> Mapping[str, list[Example]]:
    """The texts of each page, in order."""
    pages: dict[str, list[Example]] = {}
    for example in examples:
        pages.setdefault(example.source.page, []).append(example)
    return pages
