"""
The conservation law, checked against the raw files: what was kept and what was removed is together the dump.

Only flat text is checked: of a page, the lines are those of its main text, which is made and not read. Only files that
are still what they were can be compared.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.blank import is_blank
from pipeline.decode import decode_record
from pipeline.records import Document, MediaType, RawFile
from pipeline.sources.discover import RawBytes, path_of, read_bytes
from pipeline.sources.text import read_text
from pipeline.store.findings import RERUN, Finding

_COLUMNS = ["article_id", "source", "raw_sha256", "media_type", "text", "kept_lines"]


def check_conservation(raw: Path, articles: pa.Table, removed: pa.Table) -> Iterator[Finding]:
    """Compare the rows of flat texts with their raw files, where those are unchanged."""
    ledger: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in removed.to_pylist():
        ledger[entry["article_id"]].append(entry)
    for article in articles.select(_COLUMNS).to_pylist():
        if article["media_type"] == MediaType.TEXT:
            document = _document(raw, article["source"], article["raw_sha256"])
            wrong = document and _wrong(document, article, ledger[article["article_id"]])
            if wrong:
                yield Finding(f"article {article['article_id']} ({article['source']})", wrong, RERUN)


def _document(raw: Path, source: str, sha256: str) -> Document | None:
    """The source's text as it was cleaned; None where the file is gone or another one."""
    key, _, number = source.rpartition("#")
    file = RawFile(raw / os.fsdecode(path_of(key)), key, 0, 0, 0, 0)
    content = read_bytes(file)
    if not isinstance(content, RawBytes) or content.sha256 != sha256:
        return None
    records = list(read_text(content.file, content.data))
    decoded = decode_record(records[int(number) - 1])
    return decoded if isinstance(decoded, Document) else None


def _wrong(document: Document, article: dict[str, Any], entries: Sequence[dict[str, Any]]) -> str | None:
    """What breaks the law in one article, or None."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for entry in entries:
        if document.text[entry["start"] : entry["end"]] != entry["text"]:
            return f"the text removed from line {entry['line']} does not stand at its place in the raw file"
        spans[entry["line"]].append((entry["start"], entry["end"]))
    kept = set(article["kept_lines"])
    left: list[str] = []
    start = 0
    for number, line in enumerate(document.text.split("\n"), start=1):
        end = start + len(line)
        if any(not start <= first <= last <= end for first, last in spans[number]):
            return f"a span removed from line {number} stands outside it"
        rest = _without(document.text, start, end, spans[number])
        if number in kept:
            left.append(rest)
        elif not is_blank(rest):
            return f"line {number} of the raw file is neither kept nor removed"
        start = end + 1
    if kept - set(range(1, number + 1)):
        return "a kept line is not in the raw file"
    found = [line for line in article["text"].split("\n") if not is_blank(line)]
    return None if found == [line for line in left if not is_blank(line)] else "its text is not that of its kept lines"


def _without(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    """A line without its removed spans."""
    pieces = []
    for first, last in sorted(spans):
        pieces.append(text[start:first])
        start = last
    return "".join([*pieces, text[start:end]])
