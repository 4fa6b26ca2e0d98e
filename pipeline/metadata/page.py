"""A page under reading: what it declares, in one place for all fields."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from html import unescape
from typing import Any, NamedTuple

from resiliparse.parse.html import HTMLTree

from pipeline.declared import Declared, Mark, collect_declarations, collect_marks, plain
from pipeline.head_lines import HeadLine, read_head
from pipeline.markup import tame
from pipeline.records import Document
from pipeline.titles import Title

_ARTICLE = re.compile(r"(?:article|posting|report|review|story|recipe|creativework|question)$", re.IGNORECASE)
_PAGE = re.compile(r"page$", re.IGNORECASE)


class Found(NamedTuple):
    """A value as the page gives it, and where."""

    text: str
    source: str


class DeclaredPage:
    """A page under reading: its declarations, and its marked elements once they are asked for."""

    def __init__(self, document: Document) -> None:
        self.known = document.known
        self.fetched_at = document.fetched_at
        self.title: Title | None = None
        self.markup = tame(document.text)
        self.tree = HTMLTree.parse(self.markup)
        self.declared: Declared = collect_declarations(self.tree)
        kinds = [(node, [kind.lower() for kind in types_of(node)]) for node in self.declared.nodes]
        self.kinds = {kind for _, names in kinds for kind in names}
        self.articles = [node for node, names in kinds if any(map(_ARTICLE.search, names))]
        self.pages = [node for node, names in kinds if node not in self.articles and any(map(_PAGE.search, names))]

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """JSON-LD of the article, then of the page."""
        return [*self.articles, *self.pages]

    @cached_property
    def marks(self) -> list[Mark]:
        """Elements that are marked as author or date."""
        return list(collect_marks(self.tree))

    @cached_property
    def head(self) -> list[HeadLine]:
        """The lines below the headline, and then those above it."""
        below, above = read_head(self.markup, self.title.text if self.title else None)
        return [*below, *above]

    def has_only_names(self, name: str) -> bool:
        """Whether no word of a name also stands in small letters on the page, as the words of a section or company do."""
        return not any(f" {word.lower()} " in self.markup for word in name.split())

    def metas(self, names: Mapping[str, str]) -> Iterator[Found]:
        """The meta tags of a table, in its order."""
        for name, source in names.items():
            for value in self.declared.metas.get(name, ()):
                if value.strip():
                    yield Found(plain(unescape(value)), source)

    def json(self, key: str) -> Iterator[Found]:
        """The texts that JSON-LD gives for a property of the article or the page."""
        for node in self.nodes:
            text = text_in(node.get(key))
            if text:
                yield Found(plain(unescape(text)), "json-ld")


def types_of(node: dict[str, Any]) -> list[str]:
    """What a JSON-LD node says that it is."""
    types = node.get("@type")
    return [name for name in (types if isinstance(types, list) else [types]) if isinstance(name, str)]


def strings_in(value: Any) -> tuple[str, ...]:
    """The texts in a JSON value that is one, or a list of some."""
    return tuple(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def text_in(value: Any) -> str | None:
    """Return a JSON value if it is a text, or the first of a list of texts."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) and value.strip() else None


def name_of(node: Any) -> Any:
    """Return the name of a JSON-LD node, which may be given as a bare string or inside a list of one."""
    if isinstance(node, list) and len(node) == 1:
        node = node[0]
    return node.get("name") if isinstance(node, dict) else node
