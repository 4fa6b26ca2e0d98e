r"""
What a word is, defined once: letters and digits in a row; a Chinese or Japanese character is a word of its own.

The patterns for Polars agree with the benchmark's reference measure: its range of characters takes in Hangul
syllables and Yi, and letters and digits are those of Python's `\w`, which unlike Rust's holds no combining marks.
"""

import re

_CJK = r"\u{3040}-\u{30FF}\u{3400}-\u{FAFF}"
_LETTER = rf"[\p{{L}}--[{_CJK}]]"
_NO_LETTER = rf"[[\p{{N}}_]--[{_CJK}]]"

CJK_CHARACTER = rf"[{_CJK}]"
"""A character that is a word."""
WORD_PART = rf"[[\p{{L}}\p{{N}}_]--[{_CJK}]]"
"""A character of any other word."""
NO_WORD_CHARACTER = rf"[^\p{{L}}\p{{N}}_{_CJK}]"
"""A character that is in no word."""
WORD = rf"{CJK_CHARACTER}|{WORD_PART}+"
_BEFORE_WORD = rf"(?:^|[^\p{{L}}\p{{N}}_]|{CJK_CHARACTER})"
DIGIT_FIRST = rf"{_BEFORE_WORD}{_NO_LETTER}"
"""The start of a word that starts with no letter, with what stands before it; twice as fast to count as words are."""
LETTER_LATER = rf"{DIGIT_FIRST}+{_LETTER}"
"""The same up to the first letter in it, if there is one."""

PYTHON_WORD = re.compile(r"[\u3040-\u30ff\u3400-\ufaff]|[^\W\u3040-\u30ff\u3400-\ufaff]+")
"""The same word for Python, where one text is looked at rather than a column."""
