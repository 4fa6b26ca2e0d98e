"""
Articles that a page holds as a tree of rich text in the JSON that its scripts start from.

Pages that scripts build print the beginning of an article, or nothing, and keep the rest as data. Editors of content
systems write such trees alike: blocks with a `type` (`nodeType`), their parts below `content` (`children`), and at the
leaves the `text` (`value`), as in ProseMirror, Slate, Contentful's rich text and what is made after them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_BLOCK = re.compile(r"(?:paragraph|heading|header|list-?item|block-?quote|quote)(?:-?[1-6])?", re.IGNORECASE)
_PARAGRAPH = '"paragraph"'
_TYPES, _PARTS, _TEXTS = ("type", "nodeType"), ("content", "children"), ("text", "value")
_LEAST_BLOCKS = 3
_LONGEST_TAG = 1_000  # characters of a script's start tag
_DEEPEST = 100  # nodes inside each other; trees of articles have ten
_LISTS = "[", "{"


def rich_text(markup: str) -> str:
    r"""
    The longest text that a page holds as blocks of rich text in one list, a block a line; "" where there is none.

    Reads JSON in scripts that hold nothing else. Never raises on any markup.

        >>> block = '{"type": "paragraph", "content": [{"type": "text", "value": "Rain %s"}, {"type": "text", "text": "!"}]}'
        >>> state = f'{{"body": {{"content": [{", ".join(block % day for day in (1, 2, 3))}]}}}}'
        >>> rich_text(f"<script id=state type=application/json>{state}</script>")
        'Rain 1!\nRain 2!\nRain 3!'
    """
    return max(("\n".join(lines) for state in _states(markup) for lines in _bodies(state)), key=len, default="")


def _states(markup: str) -> Iterator[Any]:
    """What scripts that are nothing but JSON hold, where it has paragraphs."""
    end = 0
    while (found := markup.find(_PARAGRAPH, end)) >= 0:
        start = markup.rfind("<script", end, found)
        end = markup.find("</script", found)
        begin = markup.find(">", start, start + _LONGEST_TAG) + 1 if start >= 0 else 0
        if end < 0:
            return
        if begin and markup[begin : begin + 1] in _LISTS:
            try:
                yield json.loads(markup[begin:end], strict=False)
            except (ValueError, RecursionError):  # a script of another language, or broken
                continue


def _bodies(state: Any) -> Iterator[list[str]]:
    """The lines of every list that holds blocks, outermost first."""
    pending: list[tuple[Any, int]] = [(state, 0)]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, list):
            blocks = [child for child in node if isinstance(child, dict)]
            if sum(map(_is_block, blocks)) >= _LEAST_BLOCKS:  # else it may be a list of articles
                yield [line for block in blocks for line in _lines(block, 0)]
                continue
        if depth < _DEEPEST:
            inner = node if isinstance(node, list) else node.values() if isinstance(node, dict) else ()
            pending.extend((child, depth + 1) for child in inner if isinstance(child, (list, dict)))


def _lines(node: dict[str, Any], depth: int) -> Iterator[str]:
    """A block's lines: its own where it has no blocks in it, else theirs."""
    inner = [line for part in _parts(node) for line in _lines(part, depth + 1)] if depth < _DEEPEST else []
    if inner or not _is_block(node):
        yield from inner
        return
    line = " ".join("".join(_texts(node, depth)).split())
    if line:
        yield line


def _is_block(node: dict[str, Any]) -> bool:
    return any(isinstance(node.get(name), str) and _BLOCK.fullmatch(node[name]) for name in _TYPES)


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[Any] = next((node[name] for name in _PARTS if isinstance(node.get(name), list)), [])
    return [part for part in found if isinstance(part, dict)]


def _texts(node: dict[str, Any], depth: int) -> Iterator[str]:
    """The texts at the leaves, in order."""
    parts = _parts(node)
    if parts and depth < _DEEPEST:
        for part in parts:
            yield from _texts(part, depth + 1)
        return
    yield next((node[name] for name in _TEXTS if isinstance(node.get(name), str)), "")
