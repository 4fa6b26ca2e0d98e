"""
Features of every paragraph: what it looks like, where it stands, how it fits its document.

None depends on a language; what words say comes from the lexicon. All are computed for a batch at once, and each from
its own document alone, so that a document gets the same features in any batch. Ratios lie between 0 and 1; lengths and
counts enter as log(1 + n). A CJK character counts three towards `size`, so that sentences are equally long everywhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.model.characters import KINDS, Kind
from pipeline.model.text import Bools, Hashes, Ints, Text, mix

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[np.generic]]

LONG_SIZE = 100
"""Characters from which a paragraph with an end mark counts as prose."""
SHORT_SIZE = 60
"""Characters below which a paragraph is short; runs of short ones are lists, menus, footers."""
MOST_LINKED = 0.5
"""Share in links up to which a paragraph can be prose."""
FEW_WORDS = 12
"""Of longer paragraphs, only words at both ends are looked up in the lexicon."""
HEAD_WORDS, TAIL_WORDS = 6, 4
_AT_ONCE = 1 << 20
"""Characters that are counted at a time, which takes 16 bytes each."""
FAR = 1000
"""Distance, in paragraphs, that stands for "there is none"."""

_SECRET = np.uint64(0x9E3779B97F4A7C15)
_PLACES = mix(np.arange(1, 65, dtype=np.uint64) * _SECRET) | np.uint64(1)


@dataclass(frozen=True)
class Layout:
    """
    What several groups of features need: sizes, and sums over documents and over what stands before and after.

    `linked`, where markup tells it, is the share of each paragraph in links: a list of teasers is no prose.
    """

    text: Text
    linked: Floats | None = None

    @cached_property
    def length(self) -> Ints:
        return np.asarray(self.text.end - self.text.start)

    @cached_property
    def counts(self) -> Floats:
        """Characters of each kind in each paragraph."""
        text = self.text
        bounds = np.append(text.start, len(text.codes))
        sums = np.zeros(len(text) * KINDS)
        for begin in range(int(bounds[0]), len(text.codes), _AT_ONCE):
            end = min(begin + _AT_ONCE, len(text.codes))
            first, last = np.searchsorted(bounds, [begin, end - 1], side="right") - 1
            spans = np.diff(np.clip(bounds[first : last + 2], begin, end))
            kind = np.repeat(np.arange(0, len(spans) * KINDS, KINDS), spans)
            kind += text.kinds[begin:end]
            sums[first * KINDS : (last + 1) * KINDS] += np.bincount(kind, minlength=len(spans) * KINDS)
        counts = sums.reshape(-1, KINDS)
        counts[:, Kind.SPACE] = 0
        counts[:, Kind.SPACE] = self.length - counts.sum(axis=1)
        return counts

    @cached_property
    def words(self) -> Ints:
        """Words in each paragraph."""
        return np.bincount(self.text.word_in, minlength=len(self.text))

    @cached_property
    def word_offset(self) -> Ints:
        return np.append(0, np.cumsum(self.words))

    @cached_property
    def word_place(self) -> Ints:
        """Position of each word in its paragraph, from 0."""
        return np.asarray(np.arange(len(self.text.word_in)) - self.word_offset[self.text.word_in])

    @cached_property
    def size(self) -> Floats:
        return np.asarray(self.length + 2 * self.counts[:, Kind.CJK])

    @cached_property
    def prose(self) -> Bools:
        prose = (self.size >= LONG_SIZE) & (self.counts[:, Kind.END] > 0)
        return np.asarray(prose if self.linked is None else prose & (self.linked < MOST_LINKED))

    @cached_property
    def heads(self) -> Ints:
        """Index of each document's first paragraph."""
        return np.flatnonzero(np.append(True, np.diff(self.text.doc) != 0))

    @cached_property
    def of_doc(self) -> Ints:
        """For each paragraph the index of its document in `heads`."""
        return np.cumsum(np.append(0, np.diff(self.text.doc) != 0))

    @cached_property
    def in_doc(self) -> Ints:
        """Paragraphs in its document."""
        return np.diff(np.append(self.heads, len(self.text)))[self.of_doc]

    @cached_property
    def index(self) -> Ints:
        """Position in its document, from 0."""
        return np.asarray(np.arange(len(self.text)) - self.heads[self.of_doc])

    def total(self, values: npt.NDArray[np.generic]) -> Floats:
        """The sum over each paragraph's document."""
        return np.add.reduceat(values.astype(np.float64), self.heads)[self.of_doc]

    def mean(self, values: npt.NDArray[np.generic]) -> Floats:
        return np.asarray(self.total(values) / self.in_doc)

    def before(self, values: npt.NDArray[np.generic]) -> Floats:
        """The sum over what stands above in the same document."""
        numbers = values.astype(np.float64)
        sums = np.cumsum(numbers) - numbers
        return np.asarray(sums - sums[self.heads][self.of_doc])


def shape_columns(layout: Layout) -> Columns:
    """Length, words, case, digits, marks."""
    text, counts, words = layout.text, layout.counts, np.maximum(layout.words, 1)
    kinds, start, end = text.kinds, text.start, text.end
    first, last = kinds[start], kinds[end - 1]
    before_last = kinds[np.maximum(end - 2, start)]
    final, before_final = text.codes[end - 1], text.codes[np.maximum(end - 2, start)]
    quoted = ((last == Kind.QUOTE) | (last == Kind.BRACKET)) & (before_last == Kind.END)
    word_kind = kinds[text.word_start]
    lengths = text.word_length
    columns: dict[str, npt.NDArray[np.generic]] = {
        "words": np.log1p(layout.words),
        "length": np.log1p(layout.length),
        "size": np.log1p(layout.size),
        "word_length": np.minimum(layout.length / words, 30),
        "longest_word": np.minimum(_largest(layout, lengths), 60),
        "capitalised": _share(layout, word_kind == Kind.UPPER),
        "numbers": _share(layout, word_kind == Kind.DIGIT),
        "small_words": _share(layout, (lengths <= 3) & (word_kind != Kind.DIGIT)),
        "years": np.minimum(_count(layout, _is_year(text)), 3),
        "sentences": np.log1p(_pairs(layout, (kinds[:-1] == Kind.END) & (kinds[1:] == Kind.SPACE))),
        "ends": (last == Kind.END) | quoted,
        "ellipsis": (final == 0x2026) | ((final == 0x2E) & (before_final == 0x2E)),
        "question": (final == 0x3F) | (final == 0xFF1F),
        "exclamation": final == 0x21,
        "address": np.minimum(_pairs(layout, (text.codes[:-1] == 0x2F) & (text.codes[1:] == 0x2F)), 2),
        "times": np.minimum(_pairs(layout, _is_time(text)), 2),
        "lines": np.log1p(text.lines),
        "one_word": layout.words == 1,
        "two_words": layout.words == 2,
        "no_words": layout.words == 0,
        "prose": layout.prose,
        "long": layout.size >= LONG_SIZE,
    }
    shares = counts / np.maximum(layout.length, 1)[:, None]
    columns |= {f"share_{kind.name.lower()}": shares[:, kind] for kind in Kind}
    columns |= {f"many_{kind.name.lower()}": np.log1p(counts[:, kind]) for kind in _COUNTED}
    columns |= {f"first_{kind.name.lower()}": first == kind for kind in _FIRST}
    columns |= {f"last_{kind.name.lower()}": last == kind for kind in _LAST}
    return columns


_COUNTED = (Kind.COLON, Kind.COMMA, Kind.QUOTE, Kind.PIPE, Kind.SIGN, Kind.DIGIT)
_FIRST = (
    Kind.LOWER, Kind.UPPER, Kind.CASELESS, Kind.CJK, Kind.DIGIT, Kind.QUOTE, Kind.BRACKET, Kind.DASH, Kind.ORNAMENT,
    Kind.SIGN, Kind.END, Kind.COMMA,
)  # fmt: skip
_LAST = (
    Kind.LOWER, Kind.UPPER, Kind.CASELESS, Kind.CJK, Kind.DIGIT, Kind.COMMA, Kind.COLON, Kind.QUOTE, Kind.BRACKET,
    Kind.ORNAMENT, Kind.PIPE,
)  # fmt: skip


def place_columns(layout: Layout) -> Columns:
    """Where it stands: from both ends, to the nearest prose, in runs of short paragraphs, between blank lines."""
    text, index, count = layout.text, layout.index, layout.in_doc
    size, gap = layout.size, text.gap
    total = np.maximum(layout.total(size), 1)
    above = layout.before(size)
    prose = np.where(layout.prose, size, 0.0)
    all_prose = np.maximum(layout.total(prose), 1)
    prose_above = layout.before(prose)
    prose_below = layout.total(prose) - prose_above - prose
    run, place = _runs(layout, size < SHORT_SIZE)
    block = np.cumsum(gap | (index == 0)) - 1
    gap_below = np.append(gap[1:], True) | (index == count - 1)
    return {
        "index": np.log1p(index),
        "index_from_end": np.log1p(count - 1 - index),
        "relative_index": index / np.maximum(count - 1, 1),
        "relative_start": above / total,
        "above": np.log1p(above),
        "below": np.log1p(np.maximum(total - above - size, 0)),
        "prose_above": np.log1p(prose_above),
        "prose_below": np.log1p(np.maximum(prose_below, 0)),
        "prose_share_above": prose_above / all_prose,
        "prose_share_below": np.maximum(prose_below, 0) / all_prose,
        "first_prose_below": prose_above == 0,
        "last_prose_above": prose_below <= 0,
        "to_prose_above": np.log1p(_distance(layout, layout.prose)),
        "to_prose_below": np.log1p(_distance_below(layout, layout.prose)),
        "gap": gap,
        "gap_below": gap_below,
        "run": np.log1p(run),
        "run_above": np.log1p(place),
        "run_below": np.log1p(run - place),
        "block_lines": np.log1p(np.bincount(block)[block]),
        "block_size": np.log1p(np.bincount(block, weights=size)[block]),
        "share_of_text": size / total,
        "relative_size": np.log1p(size) - np.log1p(layout.mean(size)),
    }


def document_columns(layout: Layout) -> Columns:
    """What kind of document it stands in."""
    text, size, counts = layout.text, layout.size, layout.counts
    total = np.maximum(layout.total(size), 1)
    first = text.kinds[text.start]
    shares = counts[:, Kind.CASELESS] / np.maximum(layout.length, 1)
    return {
        "text_paragraphs": np.log1p(layout.in_doc),
        "text_size": np.log1p(total),
        "text_prose": layout.mean(layout.prose),
        "text_prose_share": layout.total(np.where(layout.prose, size, 0.0)) / total,
        "text_gaps": layout.mean(text.gap),
        "text_ends": layout.mean(text.kinds[text.end - 1] == Kind.END),
        "text_lower": layout.mean(first == Kind.LOWER),
        "text_mean_size": np.log1p(layout.mean(size)),
        "text_cjk": np.log1p(layout.mean(counts[:, Kind.CJK])),
        "text_caseless": layout.mean(shares),
    }


def vocabulary_columns(layout: Layout) -> Columns:
    """
    Overlap with the words of the document's prose, and repetition.

    A paragraph of prose is compared with the rest of the prose: of each of its words one occurrence is left out.
    """
    text = layout.text
    key = text.word_hash ^ mix((text.doc[text.word_in] + 1).astype(np.uint64) * _SECRET)
    word, frequency = _grouped(key)
    in_prose = layout.prose[text.word_in]
    elsewhere = np.bincount(word, weights=in_prose, minlength=len(frequency))[word] - in_prose
    content = (text.word_length > 3) | (text.kinds[text.word_start] == Kind.CJK)
    contents = np.maximum(_count(layout, content), 1)
    words = np.maximum(layout.words, 1)
    signature = _signature(layout)
    alike = layout.text.doc * 4096 + signature
    return {
        "content_in_prose": _count(layout, content & (elsewhere > 0)) / contents,
        "content_frequency": _count(layout, content * np.log1p(elsewhere)) / contents,
        "frequency": _count(layout, np.log(frequency[word])) / words,
        "words_in_prose": _count(layout, elsewhere > 0) / words,
        "repeated": np.log(_occurrences(line_hashes(layout) ^ mix((text.doc + 1).astype(np.uint64) * _SECRET))),
        "alike": _occurrences(alike) / layout.in_doc,
    }


GROUPS: Mapping[str, Callable[[Layout], Columns]] = {
    "shape": shape_columns,
    "place": place_columns,
    "document": document_columns,
    "vocabulary": vocabulary_columns,
}
"""The groups of features, in the order of their columns; one more, `lexicon`, follows them."""


def line_hashes(layout: Layout) -> Hashes:
    """A hash of each paragraph's words in order; 0 for one without words."""
    hashes = np.zeros(len(layout.text), np.uint64)
    some = layout.words > 0
    if some.any():
        placed = layout.text.word_hash * _PLACES[layout.word_place & 63]
        hashes[some] = mix(np.add.reduceat(placed, layout.word_offset[:-1][some]))
    return hashes


def ngrams(layout: Layout) -> tuple[Ints, Hashes]:
    """
    What the lexicon knows paragraphs by: paragraph and hash of each n-gram, ordered by paragraph.

    Words and pairs of words (of longer paragraphs the first six and last four words), the first and the last word as
    such, and short paragraphs as a whole.
    """
    text, place = layout.text, layout.word_place
    owner = text.word_in
    count = layout.words[owner]
    looked_up = (count <= FEW_WORDS) | (place < HEAD_WORDS) | (place >= count - TAIL_WORDS)
    pair = np.flatnonzero(looked_up[:-1] & looked_up[1:] & (owner[:-1] == owner[1:]))
    first, last = np.flatnonzero(place == 0), np.flatnonzero(place == count - 1)
    whole = np.flatnonzero((layout.words > 0) & (layout.words <= FEW_WORDS))
    words = text.word_hash
    paragraphs = [owner[looked_up], owner[pair], whole, owner[first], owner[last]]
    hashes = [
        words[looked_up],
        mix(words[pair] * np.uint64(3) + words[pair + 1] * np.uint64(5) + np.uint64(1)),
        mix(line_hashes(layout)[whole] + np.uint64(17)),
        mix(words[first] + np.uint64(101)),
        mix(words[last] + np.uint64(202)),
    ]
    owners, grams = np.concatenate(paragraphs), np.concatenate(hashes)
    order = np.argsort(owners, kind="stable")
    return owners[order], grams[order]


def _count(layout: Layout, values: npt.NDArray[np.generic]) -> Floats:
    """The sum of a value over each paragraph's words."""
    return np.asarray(np.bincount(layout.text.word_in, weights=values, minlength=len(layout.text)), np.float64)


def _share(layout: Layout, flags: Bools) -> Floats:
    return np.asarray(_count(layout, flags) / np.maximum(layout.words, 1))


def _largest(layout: Layout, values: Ints) -> Ints:
    """The largest of each paragraph's words' values; 0 without words."""
    largest = np.zeros(len(layout.text), np.int64)
    some = layout.words > 0
    if some.any():
        largest[some] = np.maximum.reduceat(values, layout.word_offset[:-1][some])
    return largest


def _pairs(layout: Layout, flags: Bools) -> Floats:
    """How many adjacent pairs of characters with a property each paragraph has."""
    owner = np.searchsorted(layout.text.start, np.flatnonzero(flags), side="right") - 1
    return np.bincount(owner, minlength=len(layout.text)).astype(np.float64)


def _is_year(text: Text) -> Bools:
    start = text.word_start
    four = (text.word_length == 4) & (text.kinds[start] == Kind.DIGIT)
    first, second = text.codes[start], text.codes[np.minimum(start + 1, len(text.codes) - 1)]
    return np.asarray(four & (((first == 0x31) & (second == 0x39)) | ((first == 0x32) & (second == 0x30))))


def _is_time(text: Text) -> Bools:
    digit = text.kinds == Kind.DIGIT
    flags = np.zeros(len(digit) - 1, bool)
    flags[1:] = digit[:-2] & (text.codes[1:-1] == 0x3A) & digit[2:]
    return flags


def _runs(layout: Layout, flags: Bools) -> tuple[Ints, Ints]:
    """Length of the run of equal flags that each paragraph stands in, and its place there, from 0."""
    starts = np.append(True, (flags[1:] != flags[:-1]) | (layout.of_doc[1:] != layout.of_doc[:-1]))
    run = np.cumsum(starts) - 1
    return np.bincount(run)[run], np.asarray(np.arange(len(flags)) - np.flatnonzero(starts)[run])


def _distance(layout: Layout, flags: Bools) -> Ints:
    """Paragraphs up to the nearest flagged one above; `FAR` without one."""
    here = np.arange(len(flags))
    nearest = np.maximum.accumulate(np.where(flags, here, -1))
    above = np.append(-1, nearest[:-1])
    found = above >= layout.heads[layout.of_doc]
    return np.asarray(np.where(found, np.minimum(here - above, FAR), FAR))


def _distance_below(layout: Layout, flags: Bools) -> Ints:
    """Paragraphs down to the nearest flagged one below; `FAR` without one."""
    here, count = np.arange(len(flags)), len(flags)
    nearest = np.minimum.accumulate(np.where(flags, here, count)[::-1])[::-1]
    below = np.append(nearest[1:], count)
    found = below < (layout.heads[layout.of_doc] + layout.in_doc)
    return np.asarray(np.where(found, np.minimum(below - here, FAR), FAR))


def _signature(layout: Layout) -> Ints:
    """What a paragraph looks like from afar: its first and last kind of character and its length, halved or doubled."""
    text = layout.text
    ends = text.kinds[text.start].astype(np.int64) * KINDS + text.kinds[text.end - 1]
    return np.asarray(ends * 12 + np.minimum(np.log2(layout.length + 1).astype(np.int64), 11))


def _occurrences(keys: npt.NDArray[np.generic]) -> Floats:
    """How often each key occurs."""
    group, count = _grouped(keys)
    return np.asarray(count[group], np.float64)


def _grouped(keys: npt.NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Number equal keys alike, from 0; and how often each number occurs. By hashing: sorting takes ten times as long."""
    group = pa.array(keys).dictionary_encode().indices.to_numpy().astype(np.int64)
    return group, np.bincount(group)
