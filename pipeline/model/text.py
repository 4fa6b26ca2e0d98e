r"""
A batch of documents as one array of characters, cut into lines, paragraphs and words.

A paragraph is what is judged: a line, or several that belong together because the scraper broke one paragraph into
them. Two habits are undone: a hard wrap at a fixed width, and a break at every link or bold word (`get_text("\n")` of
many scrapers). The text itself is never changed; a verdict on a paragraph holds for each of its lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.characters import BMP, FOLDED, KIND, WORD_KINDS, Kind

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

WIDTHS = (40, 140)
"""Texts whose longest line lies between these may be hard-wrapped; in others some paragraph is longer."""
FULL_LINES = 4
"""So many lines must come near the longest one, and `FULL_SHARE` of all lines, before a wrap is undone."""
FULL_SHARE = 0.12
NEAR_WIDTH = 12
"""A line within so many characters of the longest is full."""

HASHED = 1 << 19
"""Characters whose words are hashed at a time: that takes 40 bytes a character."""

_BASE = 0x9E3779B97F4A7C15 | 1
_MIX = np.uint64(0x9E3779B97F4A7C15)


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit values over all bits; multiplication wraps."""
    values = (values ^ (values >> np.uint64(32))) * _MIX
    return values ^ (values >> np.uint64(29))


class _Powers:
    """Powers of an odd base modulo 2**64 and of its inverse, made when they are first asked for."""

    def __init__(self) -> None:
        self._made: tuple[Hashes, Hashes] = (np.ones(1, np.uint64), np.ones(1, np.uint64))

    def up_to(self, count: int) -> tuple[Hashes, Hashes]:
        """So many of both; threads that come at once may make them twice, but each gets two of one length."""
        if count > HASHED:
            return _powers(count)  # for one word of a megabyte, which need not be kept in mind
        made = self._made
        if len(made[0]) < count:
            made = self._made = _powers(HASHED)
        return made[0][:count], made[1][:count]


def _powers(count: int) -> tuple[Hashes, Hashes]:
    return _geometric(_BASE, count), _geometric(pow(_BASE, -1, 1 << 64), count)


def _geometric(base: int, count: int) -> Hashes:
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


_POWERS = _Powers()


@dataclass(frozen=True, slots=True)
class Text:
    """
    Paragraphs of a batch and the words in them, all as arrays.

    Characters: `codes` (code points, at most U+FFFF), `kinds`. Paragraphs, one entry each: `start` and `end` (positions
    in `codes`, `end` at the line end behind it), `doc`, `gap` (a blank line above), `lines` (how many it has).
    `paragraph_of` gives the paragraph of each line. Words, one entry each: `word_start`, `word_length` (characters),
    `word_hash` (of the lower-case form, digits made one), `word_in` (its paragraph).
    """

    codes: npt.NDArray[np.uint16]
    kinds: npt.NDArray[np.uint8]
    start: Ints
    end: Ints
    doc: Ints
    gap: Bools
    lines: Ints
    paragraph_of: Ints
    word_start: Ints
    word_length: Ints
    word_hash: Hashes
    word_in: Ints

    def __len__(self) -> int:
        return len(self.start)


def read_text(lines: Sequence[str], doc: Ints, gap: Bools, *, broken: bool = True) -> Text:
    """
    Cut lines into paragraphs and words.

    `lines` are non-blank, without line ends, at least one; `doc` (ascending) and `gap` have one entry a line. Without
    `broken` every line is a paragraph: a page's markup says where those end.
    """
    bare = [line.strip() or "?" for line in lines]
    wide = np.frombuffer("\n".join([*bare, ""]).encode("utf-32-le"), np.uint32)
    codes = np.minimum(wide, BMP - 1).astype(np.uint16)
    kinds = KIND[codes]
    end = np.cumsum(np.fromiter(map(len, bare), np.int64, len(bare)) + 1) - 1
    start = np.append(0, end[:-1] + 1)
    first = ~_joins(codes, kinds, start, end, doc, gap) if broken else np.ones(len(lines), bool)
    paragraph_of = np.cumsum(first) - 1
    heads = np.flatnonzero(first)
    last = np.append(heads[1:], len(lines)) - 1
    words = _words(codes, kinds, start[heads])
    return Text(codes, kinds, start[heads], end[last], doc[heads], gap[heads], last - heads + 1, paragraph_of, *words)


def _joins(  # noqa: PLR0913, PLR0917 - arrays that describe the same lines
    codes: npt.NDArray[np.uint16], kinds: npt.NDArray[np.uint8], start: Ints, end: Ints, doc: Ints, gap: Bools
) -> Bools:
    """Which lines go on with the paragraph of the line above."""
    follows = np.append(False, doc[1:] == doc[:-1]) & ~gap
    return follows & (_wrapped(kinds, start, end, doc) | _broken(codes, kinds, start, end, follows))


def _wrapped(kinds: npt.NDArray[np.uint8], start: Ints, end: Ints, doc: Ints) -> Bools:
    """Lines whose first word would not have fit into the line above, in texts wrapped at a fixed width."""
    length = end - start
    heads = np.flatnonzero(np.append(True, doc[1:] != doc[:-1]))
    of_doc = np.cumsum(np.append(False, doc[1:] != doc[:-1]))
    width = np.maximum.reduceat(length, heads)
    full = np.add.reduceat((length >= width[of_doc] - NEAR_WIDTH).astype(np.int64), heads)
    count = np.diff(np.append(heads, len(doc)))
    wraps = (width >= WIDTHS[0]) & (width <= WIDTHS[1]) & (full >= FULL_LINES) & (full >= FULL_SHARE * count)
    if not wraps.any():
        return np.zeros(len(doc), bool)
    breaks = np.flatnonzero((kinds == Kind.SPACE) | (kinds == Kind.DASH))
    found = np.minimum(np.searchsorted(breaks, start), len(breaks) - 1)
    dash = kinds[breaks[found]] == Kind.DASH
    first_word = np.minimum(np.maximum(breaks[found] - start, 0) + dash, length)
    above = np.append(0, length[:-1])
    limit = width[of_doc]
    return np.asarray(wraps[of_doc] & ((above + 1 + first_word > limit) | (above == limit)))


def _broken(
    codes: npt.NDArray[np.uint16], kinds: npt.NDArray[np.uint8], start: Ints, end: Ints, follows: Bools
) -> Bools:
    """
    Lines that go on in the middle of a sentence.

    They start with a small letter below a line without an end mark, or with a mark that closes something; or they are
    a link or a name between two such pieces.
    """
    opening, opening_kind = codes[start], kinds[start]
    second = codes[np.minimum(start + 1, end - 1)]
    closed = _ends_sentence(kinds, start, end)
    lower = opening_kind == Kind.LOWER
    doubled = (second == opening) & np.isin(opening, _DOUBLED)
    closes = np.isin(opening, _CLOSING) & ~doubled
    above_closed = np.append(True, closed[:-1])
    above_length = np.append(0, (end - start)[:-1])
    goes_on = (lower & ~above_closed & (above_length > 1)) | closes
    next_goes_on = np.append((lower | np.isin(opening, _CONTINUING))[1:] & follows[1:], False)
    above_last = np.append(0, codes[np.maximum(end - 1, 0)][:-1])
    heading = np.isin(above_last, _INTRODUCING)
    above_spaces = np.append(0, _count_spaces(kinds, start, end)[:-1])
    between = ~above_closed & (above_spaces >= 2) & next_goes_on & ~closed & (end - start < 80) & ~heading
    return np.asarray(goes_on | between)


_CLOSING = np.array([ord(character) for character in ",.;:)!?%'’”»]…、。，；：）」』】"], np.uint16)
_DOUBLED = np.array([ord(character) for character in "'.…"], np.uint16)
_CONTINUING = np.array([ord(character) for character in ",.;)"], np.uint16)
_INTRODUCING = np.array([ord(character) for character in ":|"], np.uint16)


def _ends_sentence(kinds: npt.NDArray[np.uint8], start: Ints, end: Ints) -> Bools:
    """Whether a line's last character, quotes and brackets apart, is an end mark; two of those are looked through."""
    last = kinds[end - 1]
    before = kinds[np.maximum(end - 2, start)]
    third = kinds[np.maximum(end - 3, start)]
    wraps_last = (last == Kind.QUOTE) | (last == Kind.BRACKET)
    wraps_before = (before == Kind.QUOTE) | (before == Kind.BRACKET)
    end_mark = int(Kind.END)
    return np.asarray((last == end_mark) | (wraps_last & ((before == end_mark) | (wraps_before & (third == end_mark)))))


def _count_spaces(kinds: npt.NDArray[np.uint8], start: Ints, end: Ints) -> Ints:
    spaces = np.flatnonzero(kinds == Kind.SPACE)
    return np.asarray(np.searchsorted(spaces, end) - np.searchsorted(spaces, start), np.int64)


def _words(
    codes: npt.NDArray[np.uint16], kinds: npt.NDArray[np.uint8], paragraph_start: Ints
) -> tuple[Ints, Ints, Hashes, Ints]:
    """Start, length, hash and paragraph of every word; a CJK character is a word, as in the measures of the gold."""
    in_word = kinds < WORD_KINDS
    cjk = kinds == Kind.CJK
    before = np.append(False, in_word[:-1] & ~cjk[:-1])
    begins = in_word & (~before | cjk)
    after = np.append(in_word[1:] & ~cjk[1:], False)
    finishes = in_word & (~after | cjk)
    start = np.flatnonzero(begins)
    end = np.flatnonzero(finishes) + 1
    hashes = _hash_words(codes, start, end)
    first = np.searchsorted(start, paragraph_start)
    paragraph = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(start))))
    return start, end - start, hashes, paragraph


def _hash_words(codes: npt.NDArray[np.uint16], start: Ints, end: Ints) -> Hashes:
    """The hash of each word, a stretch of the text at a time; where a word stands does not change it."""
    hashes = np.zeros(len(start), np.uint64)
    first = 0
    while first < len(start):
        begin = int(start[first])
        last = max(first + 1, int(np.searchsorted(end, begin + HASHED)))
        length = int(end[last - 1]) - begin
        powers, inverse = _POWERS.up_to(length)
        terms = FOLDED[codes[begin : begin + length]]
        terms *= powers
        sums = np.append(np.uint64(0), np.cumsum(terms, dtype=np.uint64))
        starts, ends = start[first:last] - begin, end[first:last] - begin
        hashes[first:last] = mix((sums[ends] - sums[starts]) * inverse[starts])
        first = last
    return hashes
