"""
Gold files: pages with the text a person would keep, and texts whose lines a person labelled.

Parquet, or one JSON object a line (`.jsonl`). Page gold needs the columns `id`, `gold` and whatever the text to clean is
made of (`dump`, `dump_full`, `html`); line gold needs `id`, `lines` and `keep`. All other columns may be missing or null.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
from tld import get_fld

from pipeline.errors import GoldError
from pipeline.hosts import host_of

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())

PAGE_COLUMNS: Mapping[str, pa.DataType] = {
    "id": _TEXT,
    "dataset": _TEXT,
    "url": _TEXT,
    "host": _TEXT,
    "lang": _TEXT,
    "page_type": _TEXT,
    "html": pa.binary(),
    "dump": _TEXT,
    "dump_full": _TEXT,
    "gold": _TEXT,
    "title": _TEXT,
    "authors": _TEXTS,
    "date": _TEXT,
    "with_": _TEXTS,
    "without": _TEXTS,
}
LINE_COLUMNS: Mapping[str, pa.DataType] = {"id": _TEXT, "lang": _TEXT, "lines": _TEXTS, "keep": pa.list_(pa.bool_())}


@dataclass(frozen=True, slots=True)
class PageGold:
    """One page and what a person made of it; None where the file does not say."""

    id: str
    gold: str  # the article as a person would have it, one paragraph a line
    dump: str = ""  # main content as a scraper flattens it
    dump_full: str = ""  # all visible text
    html: bytes = b""  # empty unless it was asked for
    dataset: str | None = None
    url: str | None = None
    host: str | None = None
    lang: str | None = None  # ISO 639-1
    page_type: str | None = None
    title: str | None = None
    authors: tuple[str, ...] | None = None
    date: str | None = None  # as the set has it: a day, with or without a time
    with_: tuple[str, ...] | None = None  # snippets that must stay
    without: tuple[str, ...] | None = None  # snippets that must go

    @property
    def domain(self) -> str:
        """The site: pages of one site never stand on both sides of a split. A page without a host is its own site."""
        host = self.host or host_of(self.url)
        return registered_domain(host) if host else self.id


@dataclass(frozen=True, slots=True)
class LineGold:
    """One flat text, each line labelled by a person."""

    id: str
    lines: tuple[str, ...]
    keep: tuple[bool, ...]  # one a line; true for main text
    lang: str | None = None  # ISO 639-1

    @property
    def domain(self) -> str:
        """Line gold does not say where a text was published; each text counts as a site of its own."""
        return self.id


def registered_domain(host: str) -> str:
    """
    Return the domain somebody registered, by the public suffix list: `www.` and other subdomains are folded.

    A name without a public suffix is returned as it is.

        >>> registered_domain("www.example.co.uk"), registered_domain("News.Example.com:8080")
        ('example.co.uk', 'example.com')
        >>> registered_domain("127.0.0.1")
        '127.0.0.1'
    """
    name = host.strip().lower().rstrip(".")
    domain = get_fld(name, fix_protocol=True, fail_silently=True)
    return domain or name.removeprefix("www.")


def fold_of(domain: str, folds: int = 5) -> int:
    """
    Return the cross-validation fold of a site: from its name alone, so it is the same in every file and every run.

    >>> [fold_of(domain) for domain in ("example.org", "example.com", "example.net")]
    [2, 4, 0]
    """
    digest = hashlib.sha256(domain.encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def is_line_gold(path: Path) -> bool:
    """Line gold is told from page gold by its columns."""
    return set(LINE_COLUMNS) - {"lang"} <= set(_read(path, None).column_names)


def read_pages(path: Path, needs: Collection[str] = ("dump",)) -> list[PageGold]:
    """
    Read page gold; `needs` names the columns that must be there beside `id` and `gold`.

    `html` is many times the size of all other columns together, and is only read when it is needed.
    """
    columns = [name for name in PAGE_COLUMNS if name != "html" or name in needs]
    table = _typed(path, _read(path, columns), PAGE_COLUMNS, {"id", "gold", *needs})
    return [_page(row) for row in table.to_pylist()]


def read_lines(path: Path) -> list[LineGold]:
    """Read line gold."""
    table = _typed(path, _read(path, list(LINE_COLUMNS)), LINE_COLUMNS, {"id", "lines", "keep"})
    documents = [
        LineGold(row["id"], tuple(row["lines"]), tuple(row["keep"]), row.get("lang")) for row in table.to_pylist()
    ]
    for document in documents:
        if len(document.lines) != len(document.keep):
            raise GoldError(
                f"{path}: {document.id}: column 'keep' has {len(document.keep)} labels for {len(document.lines)} lines"
            )
    return documents


def _page(row: Mapping[str, Any]) -> PageGold:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    for name in ("gold", "dump", "dump_full"):
        given[name] = given.get(name) or ""
    given["html"] = given.get("html") or b""
    return PageGold(**given)


def _read(path: Path, columns: Collection[str] | None) -> pa.Table:
    """Those of the columns that the file has; with None, all of a JSON file and no row of a Parquet file."""
    try:
        if path.suffix == ".jsonl":
            table = pj.read_json(path)
            return table if columns is None else table.select([name for name in table.column_names if name in columns])
        schema = pq.read_schema(path)
        if columns is None:
            return schema.empty_table()
        return pq.read_table(path, columns=[name for name in schema.names if name in columns])
    except (OSError, pa.ArrowInvalid) as error:
        raise GoldError(f"{path}: cannot be read as gold: {error}") from error


def _typed(path: Path, table: pa.Table, types: Mapping[str, pa.DataType], needs: Collection[str]) -> pa.Table:
    """The table with our column types; an error names the column that is missing, null or of another type."""
    missing = [name for name in types if name in needs and name not in table.column_names]
    if missing:
        raise GoldError(
            f"{path}: has no column {', '.join(map(repr, missing))}; it has {', '.join(table.column_names)}"
        )
    for index, name in enumerate(table.column_names):
        try:
            column = table.column(name).cast(types[name])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise GoldError(f"{path}: column {name!r} is {table.schema.field(name).type}, not {types[name]}") from error
        if name in {"id", "lines", "keep"} & set(needs) and column.null_count:
            raise GoldError(f"{path}: column {name!r} has {column.null_count} empty values; every row needs one")
        table = table.set_column(index, name, column)
    return table
