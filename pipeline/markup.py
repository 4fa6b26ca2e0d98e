"""
Markup made fit for parsers, whose time and silence depend on its shape.

A leaf like `records`: every stage that parses a page sends it through here first.
"""

import re
from functools import lru_cache

# Parsers cut a page at a NUL or refuse control characters; in markup they mean nothing.
_CONTROLS = [chr(code) for code in [*range(0x20), 0x7F] if chr(code) not in "\t\n\f\r"]
_CONTROL = re.compile(f"[{''.join(map(re.escape, _CONTROLS))}]")

# The time of parsers grows with the square of one tag's attributes: 5 s for 50,000, over a minute for 200,000.
_LONG_TAG = re.compile(r"<([A-Za-z][\w:-]{0,40})[^<>]{20000,}>?")
_LONG = 20_000  # characters of a tag that is looked at
_MAX_ATTRIBUTES = 2_000

# trafilatura takes 44 s and 2.6 GB for a million paragraphs, and lxml drops text nodes above 10 MB without an error.
_MAX_CHARACTERS = 10_000_000
_MAX_TAGS = 100_000


@lru_cache(maxsize=1)  # a page is parsed for what it declares and then for its lines
def tame(markup: str) -> str:
    r"""
    Replace control characters by spaces, and strip tags of an absurd number of attributes to their names.

        >>> tame("<p>he\0llo</p>")
        '<p>he llo</p>'
        >>> tame("<p " + "a=1 " * 5_000 + ">hello</p>")
        '<p>hello</p>'
    """
    if any(control in markup for control in _CONTROLS):
        markup = _CONTROL.sub(" ", markup)
    return _LONG_TAG.sub(_shortened, markup) if _has_long_tag(markup) else markup


def _has_long_tag(markup: str) -> bool:
    """
    Tell whether a tag is long enough to be looked at; most pages have none, and the pattern would take ms to say so.

    From one `<` to the last one within reach: what stands between them is short, and never looked at.
    """
    start = -1
    while len(markup) - start - 1 > _LONG:
        reach = start + _LONG + 2
        following = markup.rfind("<", start + 1, reach)
        if following < 0:
            if start >= 0 and markup[start + 1].isalpha() and markup.find(">", start + 1, reach - 1) < 0:
                return True
            following = markup.find("<", reach)
            if following < 0:
                return False
        start = following
    return False


def is_heavy(markup: str) -> bool:
    """Tell whether a page is of a size for which trafilatura needs minutes or lxml loses text."""
    return len(markup) > _MAX_CHARACTERS or markup.count("<") > _MAX_TAGS


def _shortened(tag: re.Match[str]) -> str:
    """Return the bare tag if it has too many attributes; long data addresses of images are left alone."""
    return f"<{tag[1]}>" if tag[0].count("=") > _MAX_ATTRIBUTES else tag[0]
