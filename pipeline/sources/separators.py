"""
What parts the articles of one text file from each other.

Patterns are tried on whole lines in linear time (RE2), since the lines come from anywhere.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

NAMED = {"form-feed": r"[ \t]*\f[ \t]*", "---": r"[ \t]*-{3,}[ \t]*"}
"""The separators that have a name, as patterns."""
LONGEST = 1_000
"""Bytes of a line that may be a separator; a longer one is text."""


def check_separator(separator: str) -> None:
    """`ValueError` where it is neither a name nor a pattern that RE2 can read."""
    try:
        find_separators(separator, [b""])
    except pa.ArrowInvalid as error:
        raise ValueError(f"neither one of {', '.join(NAMED)} nor a pattern: {error}") from error


def find_separators(separator: str, lines: Sequence[bytes]) -> list[bool]:
    r"""
    Say of each line whether it parts articles.

    >>> find_separators("---", [b"One\n", b"-----\n", b"--- two\n"])
    [False, True, False]
    >>> find_separators("={5,} \\d+ =+", [b"===== 12 =====\r\n"])
    [True]
    """
    pattern = rf"\A(?:{NAMED.get(separator, separator)})\z"
    bare = [line.rstrip(b"\r\n") if len(line) <= LONGEST else b"" for line in lines]
    matches = pc.match_substring_regex(pa.array(bare, pa.binary()), pattern)
    return [bool(line and hit) for line, hit in zip(bare, matches.to_pylist(), strict=True)]
