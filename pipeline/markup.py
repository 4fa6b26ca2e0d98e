"""
Markup made fit for parsers, whose time and silence depend on its shape.

A leaf like `records`: every stage that parses a page sends it through here first.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

# Parsers cut a page at a NUL or refuse control characters; in markup they mean nothing.
_CONTROLS = [chr(code) for code in [*range(0x20), 0x7F] if chr(code) not in "\t\n\f\r"]
_CONTROL = re.compile(f"[{''.join(map(re.escape, _CONTROLS))}]")

# The time of parsers grows with the square of one tag's attributes: 5 s for 50,000, over a minute for 200,000.
_LONG_TAG = re.compile(r"<([A-Za-z][\w:-]{0,40})[^<>]{20000,}>?")
_LONG = 20_000  # characters of a tag that is looked at
_MAX_ATTRIBUTES = 2_000

# What browsers read as plain text up to its end tag, and where that is missing, up to the end of the page. In `noscript`,
# which is such an element too where scripts run, all of them end with it.
_RAW_TEXT = ("iframe", "noembed", "noframes", "textarea", "title", "style", "script", "xmp")
_BORDER = re.compile(rf"<(?P<end>/?)(?P<name>{'|'.join(('noscript', *_RAW_TEXT))})\b|<!--(?!-?>)|--!?>", re.IGNORECASE)
_NOSCRIPT = re.compile(r"<noscript\b", re.IGNORECASE)
_NOSCRIPT_END = re.compile(r"</noscript\b", re.IGNORECASE)
_LONGEST_TAG = 2_000  # characters up to the end of a start tag

# trafilatura takes 44 s and 2.6 GB for a million paragraphs, and lxml drops text nodes above 10 MB without an error.
_MAX_CHARACTERS = 10_000_000
_MAX_TAGS = 100_000


@lru_cache(maxsize=1)  # a page is parsed for what it declares and then for its lines
def tame(markup: str) -> str:
    r"""
    Replace control characters by spaces, strip tags of an absurd number of attributes to their names, and end what would
    swallow the rest of the page.

        >>> tame("<p>he\0llo</p>")
        '<p>he llo</p>'
        >>> tame("<p " + "a=1 " * 5_000 + ">hello</p>")
        '<p>hello</p>'
        >>> tame("<noscript><iframe src=x></noscript><p>hello</p>")
        '<noscript><iframe src=x></iframe></noscript><p>hello</p>'
    """
    if any(control in markup for control in _CONTROLS):
        markup = _CONTROL.sub(" ", markup)
    if _has_long_tag(markup):
        markup = _LONG_TAG.sub(_shortened, markup)
    return _with_ends(markup) if _lacks_an_end(markup) else markup


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


def _lacks_an_end(markup: str) -> bool:
    """Tell whether an element of plain text may lack its end tag: .3 ms for a page of 300,000 characters that has all."""
    last = markup.rfind("<iframe")
    if last >= 0 and markup.find("</iframe", last) < 0:
        return True
    return any(map(_is_open, _noscripts(markup)))


def _noscripts(markup: str) -> Iterator[str]:
    """What stands between each start tag of `noscript` and the next end tag: together not more than the page."""
    begin = _NOSCRIPT.search(markup)
    while begin and (end := _NOSCRIPT_END.search(markup, begin.end())):
        yield markup[begin.end() : end.start()]
        begin = _NOSCRIPT.search(markup, end.end())


def _is_open(inside: str) -> bool:
    """Tell whether an element or a comment begins in a `noscript` and does not end there."""
    ends = {_name(border): _is_end(border) for border in _BORDER.finditer(inside)}  # of each name the last one counts
    return not all(ends.values())


def _name(border: re.Match[str]) -> str:
    return (border["name"] or "").lower()


def _is_end(border: re.Match[str]) -> bool:
    return border[0].startswith("--") or bool(border["end"])


def _with_ends(markup: str) -> str:
    """
    The page with the end tags that it lacks, at the place where browsers end the element.

    That is where the `noscript` around it ends. Elsewhere an `iframe` that nothing ends is closed where it begins: browsers
    show nothing of the rest of the page, parsers its code. Scripts and comments are passed over, whatever stands in them.
    """
    borders = list(_BORDER.finditer(markup))
    last_end = max((border.start() for border in borders if border["end"] and _name(border) == "iframe"), default=-1)
    pieces: list[str] = []
    done = 0
    raw: str | None = None  # the element or comment ("") that is open
    within = False  # a noscript
    for border in borders:
        name, is_end, at = _name(border), _is_end(border), border.start()
        if raw is not None and within and is_end and name == "noscript":
            pieces += [markup[done:at], f"</{raw}>" if raw else "-->"]
            done, raw, within = at, None, False
        elif raw is not None:
            raw = None if is_end and name == raw else raw
        elif name == "noscript":
            within = not is_end
        elif not is_end and not within and name == "iframe" and last_end < at:
            end = markup.find(">", at, at + _LONGEST_TAG) + 1
            if end > done:
                pieces += [markup[done:end], "</iframe>"]
                done = end
        elif not is_end and (within or not _is_empty(markup, border)):
            raw = name
    return "".join([*pieces, markup[done:]])


def _is_empty(markup: str, border: re.Match[str]) -> bool:
    """Tell whether a start tag ends in a slash, which libxml2 takes for its end."""
    end = markup.find(">", border.end(), border.end() + _LONGEST_TAG)
    return end > 0 and markup[end - 1] == "/" and bool(border["name"])
