"""
What kind of character each code point is, and its lower-case form: two tables, built once.

Features and hashes are computed over a whole batch of text as one array of code points; a table look-up a character
replaces a regular expression a feature, which is what makes measuring cheap.
"""

import unicodedata
from enum import IntEnum

import numpy as np
import numpy.typing as npt

BMP = 0x10000
"""Code points above are looked up as U+FFFF: emoji for the most part, so they count as ornaments."""


class Kind(IntEnum):
    """Kinds of characters. Those of words come first, so that one comparison finds them."""

    LOWER = 0
    UPPER = 1
    CASELESS = 2  # letters without case, and marks
    DIGIT = 3
    CJK = 4  # a word of its own each
    SPACE = 5
    END = 6  # of a sentence
    COMMA = 7
    COLON = 8
    QUOTE = 9
    BRACKET = 10
    DASH = 11
    ORNAMENT = 12  # bullets, arrows, stars, emoji
    PIPE = 13  # and slashes, and ">" of breadcrumbs
    SIGN = 14  # @ # & © ® ™ _
    MONEY = 15  # currencies, per cent, "="
    OTHER = 16


KINDS = len(Kind)
WORD_KINDS = 5
"""Kinds below this number make words."""

_LISTED = {
    Kind.END: ".!?…。！？؟।॥։",
    Kind.COMMA: ",;、，；،",
    Kind.COLON: ":：",
    Kind.QUOTE: "'\"‘’‚‛“”„‟«»‹›「」『』`´",
    Kind.BRACKET: "()[]{}（）【】《》〈〉",
    Kind.PIPE: "|/\\>｜¦",
    Kind.SIGN: "@#©®™_&",
    Kind.ORNAMENT: "•·‣▪◦●○■□▶►▸▼▾▲▴△◀◄*+~←→↑↓⟶★☆✓✔✉×",
    Kind.DASH: "-−",
    Kind.MONEY: "%=",
}
_BY_CHARACTER = {character: kind for kind, characters in _LISTED.items() for character in characters}
_BY_CATEGORY = {
    "Ll": Kind.LOWER, "Lu": Kind.UPPER, "Lt": Kind.UPPER, "Lo": Kind.CASELESS, "Lm": Kind.CASELESS,
    "Mn": Kind.CASELESS, "Mc": Kind.CASELESS, "Nd": Kind.DIGIT, "No": Kind.DIGIT, "Nl": Kind.DIGIT,
    "Zs": Kind.SPACE, "Zl": Kind.SPACE, "Zp": Kind.SPACE, "Cc": Kind.SPACE, "Cf": Kind.SPACE,
    "Pd": Kind.DASH, "Sc": Kind.MONEY, "So": Kind.ORNAMENT,
}  # fmt: skip
_CJK = (range(0x3040, 0x3100), range(0x3400, 0xA000), range(0xF900, 0xFB00))


def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64]]:
    characters = list(map(chr, range(BMP)))
    categories = map(unicodedata.category, characters)
    kinds = np.fromiter((_BY_CATEGORY.get(category, Kind.OTHER) for category in categories), np.uint8, BMP)
    for block in _CJK:
        kinds[block.start : block.stop] = Kind.CJK
    for character, kind in _BY_CHARACTER.items():
        kinds[ord(character)] = kind
    kinds[BMP - 1] = Kind.ORNAMENT
    small = map(str.lower, characters)
    lower = "".join(low if len(low) == 1 else character for low, character in zip(small, characters, strict=True))
    folded = np.frombuffer(lower.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    folded[kinds == Kind.DIGIT] = ord("0")
    return kinds, folded


KIND, FOLDED = _tables()
"""
The kind of each code point; and its lower-case form, with all digits made one.

>>> [Kind(KIND[ord(character)]).name for character in "aÄ7語。"], chr(FOLDED[ord("Ä")])
(['LOWER', 'UPPER', 'DIGIT', 'CJK', 'END'], 'ä')
"""
