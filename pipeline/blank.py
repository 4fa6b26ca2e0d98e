r"""
What a blank line is, defined once for Python and Polars: Unicode white space, control and zero-width characters only.

The characters are spelt out, because `str.isspace`, Python's `\s` and Rust's `\s` disagree on U+001C to U+001F,
U+0085, U+180E and U+200B.
"""

import re

_INVISIBLE = (
    r"\x{0}-\x{20}\x{7f}-\x{a0}\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{1680}\x{17b4}\x{17b5}\x{180b}-\x{180e}"
    r"\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{3000}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}"
)
BLANK = rf"^[{_INVISIBLE}]*$"
"""A text without anything to see, as a pattern for Polars. `$` is the end of the text there, not of a line."""

_PYTHON_BLANK = re.compile("[" + re.sub(r"\\x\{(\w+)\}", lambda m: rf"\U{int(m[1], 16):08x}", _INVISIBLE) + "]*")


def is_blank(text: str) -> bool:
    r"""
    Whether a text holds nothing to see; the same set of characters as `BLANK`.

    >>> is_blank(" \u200b\ufeff\x1c"), is_blank(" - ")
    (True, False)
    """
    return _PYTHON_BLANK.fullmatch(text) is not None
