r"""
What every match of a pattern must start with or contain, so that most lines need not be shown to it.

A pattern is read with Python's parser, which knows nearly all of the syntax that rules use; a pattern that it cannot
read has no clues, and is tried on every line. The result is never too narrow: a line without a clue is matched by no
engine. Clues are folded: small letters, "0" for any digits in a row, " " for white space.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from re import _constants as op  # type: ignore[attr-defined]  # private, and the same in Python 3.11 to 3.14
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import polars as pl

LONGEST = 8
"""A longer clue is cut. Of short lines, one in four starts with 5 letters as a match of some rule does, one in five
with 6, one in seven with 8; but then there are twice as many clues to hold."""
MOST_HEADS = 300
"""A piece of a pattern that can start in more ways is taken for one that can start in any way."""

_ZEROS = re.compile("00+")
_NOT_PYTHON = re.compile(r"\\[<>]|\\b\{")
_CLASS = re.compile(r"\\[pP]\{\w+\}")

# Letters whose small form is not that of the letters they equal without regard to case, as Unicode folds them.
_SAME_LETTER = {
    "ſ": "s", "ς": "σ", "ϐ": "β", "ϑ": "θ", "ϕ": "φ", "ϖ": "π", "ϰ": "κ", "ϱ": "ρ", "ϵ": "ε", "ẛ": "ṡ", "ι": "ι", "ͅ": "ι",
    "µ": "μ", "ᲀ": "в", "ᲁ": "д", "ᲂ": "о", "ᲃ": "с", "ᲄ": "т", "ᲅ": "т", "ᲆ": "ъ", "ᲇ": "ѣ", "ᲈ": "ꙋ",
}  # fmt: skip
# Asked of the engine, which may know a newer Unicode than Python does.
_CHARACTERS = "".join(map(chr, chain(range(0xD800), range(0xE000, 0x20000))))
_DIGITS = pl.Series([_CHARACTERS]).str.extract_all(r"\d").explode()
FOLDED: dict[str, str] = _SAME_LETTER | dict.fromkeys(_DIGITS, "0")
"""What small letters and digits are in a folded text, where zeros in a row are made one."""


class Head(NamedTuple):
    """How a match may start, folded."""

    text: str
    whole: bool = False  # the match is this and nothing more


class _Starts(NamedTuple):
    """The same for many ways at once, which is faster: matches that end here, and those that go on in any way."""

    whole: frozenset[str]
    going_on: frozenset[str]

    @property
    def texts(self) -> frozenset[str]:
        """All of them."""
        return self.whole | self.going_on


_NOTHING: frozenset[str] = frozenset()
_EMPTY: frozenset[str] = frozenset([""])
_ANYTHING = _Starts(_NOTHING, _EMPTY)
_DIGIT = _Starts(frozenset("0"), _NOTHING)


class Clues(NamedTuple):
    """A match has one of the heads, or one of the pieces inside it."""

    heads: frozenset[Head]
    inside: frozenset[str]


def clues_of(pattern: str) -> Clues | None:
    """
    What a whole line that the pattern matches starts with or contains, or None where nothing is known.

    >>> sorted(clues_of("tweets?|read .*").heads)
    [Head(text='read ', whole=False), Head(text='read ', whole=True), Head(text='tweet', whole=True), Head(text='tweets', whole=True)]
    >>> sorted(clues_of(".* reserved|.*©").inside), clues_of(".*")
    ([' reserve', '©'], None)
    """
    tree = _parse(pattern)
    heads: set[Head] = set()
    inside: set[str] = set()
    for alternative in _alternatives(tree):
        starts = _heads(alternative)
        strength = min(map(_strength, starts))
        pieces = _inside(alternative) if strength < 2 else set()
        if _worth(pieces) > (4 if strength else 0):
            inside |= pieces
        elif strength:
            heads |= starts
        else:
            return None
    return Clues(frozenset(heads), frozenset(inside))


def shortest(pieces: Iterable[str]) -> list[str]:
    """
    Those pieces that do not contain another.

    >>> shortest(["see more", "more", "read"])
    ['more', 'read']
    """
    found = set(pieces)
    return sorted(piece for piece in found if not any(other != piece and other in piece for other in found))


def starts_like(patterns: Iterable[str]) -> str:
    """A pattern for Polars that matches where a match of one of the patterns may start."""
    starts = {text for pattern in patterns for text in _starts(_parse(pattern)).texts}
    return f"(?i:{'|'.join(map(_as_pattern, sorted(starts)))})"


def _as_pattern(folded: str) -> str:
    return "".join({"0": r"\d+", " ": r"\s"}.get(char, re.escape(char)) for char in folded)


def fold_letter(char: str) -> str:
    """A character as clues hold it."""
    small = char.lower()
    return FOLDED.get(small, small)


def _parse(pattern: str) -> list[Any]:
    """The parsed pattern; one that means something else to Python, or nothing, is read as "anything"."""
    if not _NOT_PYTHON.search(pattern):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of nested classes, which it does not know
            try:
                return list(_parser.parse(_CLASS.sub(r"\\w", pattern.replace("(?-i)", ""))))
            except (re.error, Warning):
                pass
    return [(op.ANY, None)]


def _alternatives(tree: list[Any]) -> list[list[Any]]:
    """The outermost alternatives."""
    if len(tree) == 1 and tree[0][0] is op.BRANCH:
        return [each for branch in tree[0][1][1] for each in _alternatives(list(branch))]
    if len(tree) == 1 and tree[0][0] is op.SUBPATTERN:
        return _alternatives(list(tree[0][1][3]))
    return [tree]


def _heads(tree: Sequence[Any]) -> set[Head]:
    """Every way in which a match can start; an empty head that is not whole stands for any."""
    starts = _starts(tree)
    return {Head(text, whole=True) for text in starts.whole} | {Head(text) for text in starts.going_on}


def _starts(tree: Sequence[Any]) -> _Starts:
    """Every way in which a match can start."""
    whole, going_on = _EMPTY, _NOTHING
    for node in tree:
        if not whole:
            break
        after = _starts_of_node(node)
        grown = {_folded(text + more) for text in whole for more in after.whole}
        cut = {_folded(text + more) for text in whole for more in after.going_on}
        longer = {text for text in grown if len(text) > LONGEST}
        begun = going_on.union(text[:LONGEST] for text in chain(cut, longer))
        ended = frozenset(grown - longer)
        if len(ended) + len(begun) > MOST_HEADS:
            return _Starts(_NOTHING, whole | going_on)
        whole, going_on = ended, begun
    return _Starts(whole, going_on)


def _folded(text: str) -> str:
    return _ZEROS.sub("0", text) if "00" in text else text  # a pattern takes most of the time, and few have any


def _starts_of_node(node: Any) -> _Starts:  # noqa: PLR0911  # one return a kind of node
    match node:
        case op.LITERAL, value:
            return _Starts(frozenset([fold_letter(chr(value))]), _NOTHING)
        case op.AT, _:
            return _Starts(_EMPTY, _NOTHING)
        case op.IN, items:
            return _starts_of_class(items)
        case op.SUBPATTERN, (*_, tree):
            return _starts(tree)
        case op.BRANCH, (_, branches):
            ended, begun = zip(*map(_starts, branches), strict=True)
            return _Starts(_NOTHING.union(*ended), _NOTHING.union(*begun))
        case ((op.MAX_REPEAT | op.MIN_REPEAT), (least, most, tree)):
            starts = _starts(tree)
            if most != 1 and starts != _DIGIT:
                starts = _Starts(_NOTHING, starts.texts)
            return starts if least else _Starts(starts.whole | _EMPTY, starts.going_on)
    return _ANYTHING


def _starts_of_class(items: Sequence[Any]) -> _Starts:
    """The characters of a class of single characters, digits and white space; any character for other classes."""
    found = set()
    for kind, value in items:
        if kind is op.LITERAL:
            found.add(fold_letter(chr(value)))
        elif kind is op.CATEGORY and value in (op.CATEGORY_DIGIT, op.CATEGORY_SPACE):
            found.add("0" if value is op.CATEGORY_DIGIT else " ")
        else:
            return _ANYTHING
    return _Starts(frozenset(found), _NOTHING)


def _inside(tree: Sequence[Any]) -> frozenset[str]:
    """Pieces of which every match contains one, the longest there are; none where nothing is known."""
    best: frozenset[str] = _NOTHING
    within_word = False
    for index, (kind, value) in enumerate(tree):
        if _worth(best) == LONGEST:
            break
        if kind is op.SUBPATTERN:
            best = max(best, _inside(value[3]), key=_worth)
        elif kind is op.BRANCH:
            branches = [_inside(branch) for branch in value[1]]
            best = max(best, _NOTHING.union(*branches) if all(branches) else _NOTHING, key=_worth)
        if not within_word:  # what starts there is no longer than what starts at its first letter
            best = max(best, _starts(tree[index:]).texts, key=_worth)
        within_word = kind is op.LITERAL
    return best if _worth(best) else _NOTHING


def _worth(pieces: Iterable[str]) -> int:
    return min(map(len, pieces), default=0)


def _strength(head: Head) -> int:
    """How few lines have a head: many start with a certain letter or with digits, few with a certain mark."""
    return len(head.text) + head.whole + (not head.text[:1].isalnum() and head.text != "")
