"""
What a page says about itself, as it stands there: meta tags, JSON-LD, headings, and elements marked as byline or date.

lexbor parses the page, and only the few elements that declare something are touched: a fifth of what Beautiful Soup
takes for the same. `metadata/` decides what of it to believe.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from resiliparse.parse.html import DocumentNode, DOMNode, HTMLTree

_MARKED = "[rel~=author], [itemprop~=author], [itemprop~=datePublished], time[pubdate], time.published, time.entry-date"
_AUTHORS = (
    "[class*=author], [class*=Author], [class*=byline], [class*=Byline], [class*=writer], a[href*='/author/'],"
    " a[href*='/authors/'], a[href*='/contributor'], a[href*='/writer'], a[href*='/autor'], a[href*='/auteur']"
)
_BEFORE = 60  # characters
_DEEPEST_NAME = 4  # elements
_MOST_AUTHORS = 50  # elements; more are those of teasers and comments
LONGEST_MARK = 300
"""Characters of such an element; longer ones hold more than a name or a date."""

_SILENT = frozenset({"script", "style", "template", "svg", "button"})
_INLINE = frozenset({"b", "i", "em", "strong", "span", "font", "a", "u", "mark", "sup", "sub", "small", "wbr", "abbr"})
_MAX_JSON_NODES = 5_000
_JSON_WRAPPING = re.compile(r"^\s*(?://\s*)?(?:<!\[CDATA\[|<!--)|(?://\s*)?(?:\]\]>|-->)\s*$|;\s*$")


class Mark(NamedTuple):
    """An element that is marked as the author or the time of publication."""

    is_author: bool
    text: str  # with a space between any two elements
    value: str  # its `datetime`, or else its `content`, or empty


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations of a page, in its order."""

    metas: dict[str, tuple[str, ...]]  # content by lower-case name, property or itemprop
    nodes: tuple[dict[str, Any], ...]  # JSON-LD: top level, graphs and main entities
    people: dict[str, Any]  # JSON-LD nodes by their @id
    title: str
    canonical: str | None
    language: str | None  # of the html element
    headings: tuple[str, ...]  # the text of each h1, as a browser would join it

    def first(self, name: str) -> str | None:
        """The first content of a meta tag that is not blank."""
        return next((value for value in self.metas.get(name, ()) if value.strip()), None)


_NOTHING = Declared({}, (), {}, "", None, None, ())


def collect_declarations(tree: HTMLTree) -> Declared:
    """Collect the declarations of a parsed page."""
    document = tree.document
    if document is None:  # of no page that was parsed; the library's types allow for it
        return _NOTHING
    nodes = tuple(_json_nodes(node.text or "" for node in document.query_selector_all('script[type*="ld+json"]')[:]))
    canonical = document.query_selector("link[rel~=canonical][href]")
    root = document.query_selector("html[lang]")
    title = document.query_selector("title")
    return Declared(
        metas=_metas(document),
        nodes=nodes,
        people={node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)},
        title=plain(title.text or "") if title else "",
        canonical=canonical.getattr("href") if canonical else None,
        language=root.getattr("lang") if root else None,
        headings=tuple(filter(None, (node_text(node, "") for node in document.query_selector_all("h1")[:]))),
    )


def _metas(document: DocumentNode) -> dict[str, tuple[str, ...]]:
    metas: dict[str, list[str]] = {}
    for meta in document.query_selector_all("meta[content]")[:]:
        name = meta.getattr("property") or meta.getattr("name") or meta.getattr("itemprop")
        if name:
            metas.setdefault(name.strip().lower(), []).append(meta.getattr("content") or "")
    return {name: tuple(values) for name, values in metas.items()}


def collect_marks(tree: HTMLTree) -> Iterator[Mark]:
    """Yield the marked elements of a page, in its order."""
    for node in tree.document.query_selector_all(_MARKED)[:] if tree.document else ():
        name = node.query_selector("[itemprop~=name]") or node
        is_author = "author" in f"{node.getattr('rel')} {node.getattr('itemprop')}".split()
        value = name.getattr("datetime") or name.getattr("content") or ""
        if len(name.text or "") <= LONGEST_MARK:
            yield Mark(is_author, node_text(name, " "), value)


class AuthorText(NamedTuple):
    """The first text of an element or link that is an author's by its class or address, and the text right before it."""

    text: str
    before: str


def author_texts(tree: HTMLTree) -> Iterator[AuthorText]:
    """
    Yield what elements and links of authors begin with, wherever they stand.

        >>> next(author_texts(HTMLTree.parse("<p>Checked by <a class=author><b>Jane Doe</b>, MD</a></p>")))
        AuthorText(text='Jane Doe', before='Checked by')
    """
    for node in tree.document.query_selector_all(_AUTHORS)[:_MOST_AUTHORS] if tree.document else ():
        before = node.prev.text if node.prev else None
        yield AuthorText(_first_text(node), plain((before or "")[-_BEFORE:]))


def _first_text(node: DOMNode) -> str:
    """The first text inside an element, or "" where it stands deep, as in a box that holds more than a name."""
    inner: DOMNode | None = node
    for _ in range(_DEEPEST_NAME):
        inner = next((child for child in _children(inner) if (child.text or "").strip()), None) if inner else None
        if inner is not None and inner.tag == "#text":
            return plain(inner.text or "")
    return ""


def node_text(node: DOMNode, between: str) -> str:
    """
    The text of an element, white space collapsed, with `between` at the borders of inline elements; "" is what browsers do.

        >>> heading = HTMLTree.parse("<h1>He<b>ll</b>o<br>world<script>x</script></h1>").document.query_selector("h1")
        >>> node_text(heading, ""), node_text(heading, " ")
        ('Hello world', 'He ll o world')
    """
    parts: list[str] = []
    pending = [(node, False)]
    while pending:
        each, done = pending.pop()
        if each.tag == "#text":
            parts.append(each.value or "")
            continue
        if each.tag in _SILENT or each.tag == "#comment":
            continue
        parts.append(between if each.tag in _INLINE else " ")
        if not done:
            pending.append((each, True))
            pending.extend((child, False) for child in reversed(list(_children(each))))
    return plain("".join(parts))


def _children(node: DOMNode) -> Iterator[DOMNode]:
    """The children in their order; iterating over the library's own list of them takes quadratic time."""
    child = node.first_child
    while child is not None:
        yield child
        child = child.next_sibling


def _json_nodes(scripts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """
    Yield the JSON-LD nodes that describe the page itself.

    Only the top level, graphs and main entities are entered: lists of other articles hang deeper.
    """
    pending: list[Any] = []
    for script in scripts:
        try:
            pending.append(json.loads(_JSON_WRAPPING.sub("", script), strict=False))
        except (ValueError, RecursionError):  # many pages break the syntax; the other sources then stand in
            continue
    for _ in range(_MAX_JSON_NODES):
        if not pending:
            return
        node = pending.pop(0)
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            yield node
            pending.extend(node[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in node)


def plain(text: str) -> str:
    """The text with white space collapsed."""
    return " ".join(text.split())
