"""
Header blocks at the head of a text: `Title: ...` lines as many scrapers write them, and front matter.

A block is taken only where nothing else can be meant: from the first line on, only known names, at least two of them
or an address, and a blank line or a rule below. A dump that merely begins with "Date: ..." is left as it is.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from pipeline.hosts import host_of
from pipeline.records import Metadata
from pipeline.sources.columns import as_text, find_roles, read_row
from pipeline.sources.reading import FileReading

MOST_BYTES = 64 * 1024
"""Of a block; what is longer is text."""
_MOST_LINES = 40

_NAMES: Mapping[str, str] = {
    "title": "title",
    "headline": "title",
    "subject": "title",
    "url": "url",
    "link": "url",
    "source url": "url",
    "permalink": "url",
    "date": "date",
    "published": "date",
    "published at": "date",
    "publication date": "date",
    "author": "author",
    "authors": "author",
    "by": "author",
    "site": "site",
    "domain": "site",
    "language": "language",
    "lang": "language",
    "tags": "tags",
    "keywords": "tags",
    "fetched": "fetched",
    "crawled": "fetched",
    "retrieved": "fetched",
}
"""Names of header lines, in lower case, and the fields they are read as."""
_OTHER_NAMES = frozenset(
    {"source", "category", "section", "id", "publisher", "description", "summary", "slug", "type", "status"}
)
"""Names that stand in such blocks too, and are passed over with them."""

_LINE = re.compile(rb"([A-Za-z][A-Za-z _-]{0,30}):[ \t]*([^\r\n]*)\r?\n?")
_RULE = re.compile(rb"[ \t]*(?:[-=*_]{3,}[ \t]*)?\r?\n?")
_FRONT_MATTER = re.compile(
    rb"(?:\xef\xbb\xbf)?(---|\+\+\+)[ \t]*\r?\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


# Its parser takes 10 s and 3 GB for a key of 30,000 parts.
_DEEP_KEY = re.compile(rb"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){20}")


class HeaderBlock(NamedTuple):
    """What a block says, and how many bytes of the text it and the blank line below it are."""

    known: Metadata
    length: int


NONE = HeaderBlock(Metadata(), 0)


def read_header_block(text: bytes) -> HeaderBlock:
    r"""
    Read the block at the head of a text; of length 0 where there is none.

    >>> block = read_header_block(b"Title: Harbour wall\nURL: https://example.org/a\n\nThe council met.")
    >>> block.known.title, block.known.url, block.length
    ('Harbour wall', 'https://example.org/a', 48)
    >>> read_header_block(b"---\ntitle: Harbour wall\ntags: [sea, wall]\n---\nThe council met.").known.tags
    ('sea', 'wall')
    >>> read_header_block(b"Date: 3 May\nThe council met.").length
    0
    """
    head = text[:MOST_BYTES]
    return _front_matter(head) or _header_lines(head) or NONE


def _front_matter(head: bytes) -> HeaderBlock | None:
    match = _FRONT_MATTER.match(head)
    values = _parsed(match[1], match[2]) if match else None
    if match is None or not values or not any(_field(name) for name in values):
        return None
    return HeaderBlock(_known(values), match.end())


def _parsed(fence: bytes, body: bytes) -> dict[str, Any] | None:
    """YAML between dashes, TOML between pluses; None for what is neither, such as a text between two rules."""
    if _DEEP_KEY.search(body):
        return None
    try:
        values = tomllib.loads(as_text(body)) if fence == b"+++" else yaml.load(as_text(body), _PlainLoader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError, OverflowError):
        return None
    return values if isinstance(values, dict) and all(isinstance(name, str) for name in values) else None


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, of which a few lines make gigabytes, and with dates left as they are written."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


_PlainLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _header_lines(head: bytes) -> HeaderBlock | None:
    values: dict[str, Any] = {}
    place = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    known = 0
    for _ in range(_MOST_LINES):
        match = _LINE.match(head, place)
        name = match[1].decode().strip().lower().replace("_", " ").replace("-", " ") if match else ""
        if match is None or (name not in _NAMES and name not in _OTHER_NAMES):
            break
        if name in _NAMES:
            values.setdefault(_NAMES[name], as_text(match[2]))
            known += 1
        place = match.end()
    rule = _RULE.match(head, place)
    ended = rule is not None and rule.end() > place and rule[0].strip(b" \t-=*_") in {b"\n", b"\r\n"}
    told = _known(values) if ended else Metadata()
    if not ended or not (known >= 2 or told.url) or place >= len(head):
        return None
    return HeaderBlock(told, rule.end() if rule else place)


def _field(name: str) -> str | None:
    """The field that a name stands for."""
    return _NAMES.get(name.strip().lower().replace("_", " ").replace("-", " "))


def _known(values: Mapping[str, Any]) -> Metadata:
    """The metadata that named values tell, as in a row of a table."""
    lower = {_field(name) or name: value for name, value in values.items()}
    rows = find_roles(list(lower), FileReading())
    columns = {field: column for field, column in rows.columns.items() if field not in {"text", "html"}}
    known = read_row(lower, type(rows)(columns, rows.reading)).known
    url = known.url if host_of(known.url) else None
    return Metadata(
        title=known.title,
        authors=known.authors,
        published=known.published,
        published_source="header" if known.published else None,
        url=url,
        site=known.site,
        language=known.language,
        tags=known.tags,
    )
