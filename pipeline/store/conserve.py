"""
The conservation law, checked against the raw files: what was kept and what was removed is together the dump.

Flat text is checked, and pages of which all lines were judged; of what trafilatura finds on a page, or a page holds as
data, nobody knows what it left out. Only files that are still what they were can be compared.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from pipeline.addresses import Place
from pipeline.blank import is_blank
from pipeline.decode import decode_record
from pipeline.extract import extract_lines
from pipeline.records import Document, Maker, MediaType, RawRecord
from pipeline.sources.discover import file_at
from pipeline.sources.opened import Fingerprint, OpenFile, fingerprint, opened
from pipeline.sources.read import read_records
from pipeline.sources.reading import Reading
from pipeline.store.findings import RERUN, Finding

_COLUMNS = ["article_id", "source", "raw_sha256", "media_type", "text", "kept_lines", "reading_digest", "html_engine"]


class Conservation:
    """Checks rows against the raw files, which it reads forwards: rows stand in the order of their sources."""

    def __init__(self, raw: Place, reading: Reading) -> None:
        self._raw = raw
        self._reading = reading
        self._key: str | None = None
        self._records: Iterator[RawRecord] = iter(())
        self._last = 0  # number of the last record that was read

    def check(self, articles: pa.Table, removed: pa.Table) -> Iterator[Finding]:
        """Compare rows with their raw files, where those and how they are read are unchanged."""
        ledger: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in removed.to_pylist():
            ledger[entry["article_id"]].append(entry)
        for article in articles.select(_COLUMNS).to_pylist():
            has_all_lines = article["media_type"] == MediaType.TEXT or article["html_engine"] == Maker.LINES
            if has_all_lines and article["reading_digest"] == self._reading.digest:
                document = self._document(article["source"], article["raw_sha256"])
                wrong = document and _wrong(document, article, ledger[article["article_id"]])
                if wrong:
                    yield Finding(f"article {article['article_id']} ({article['source']})", wrong, RERUN)

    def _document(self, source: str, sha256: str) -> Document | None:
        """The source's text as it was cleaned; None where the file is gone or another one."""
        key, _, number = source.rpartition("#")
        if key != self._key or int(number) <= self._last:
            self._key, self._last = key, 0
            self._records = self._read(key, sha256)
        for record in self._records:
            self._last = int(record.source.rpartition("#")[2])
            if self._last >= int(number):
                decoded = decode_record(record) if record.source == source else None
                if isinstance(decoded, Document) and decoded.media_type is MediaType.HTML:
                    decoded = extract_lines(decoded)
                return decoded if isinstance(decoded, Document) else None
        return None

    def _read(self, key: str, sha256: str) -> Iterator[RawRecord]:
        file = file_at(self._raw, key)
        found = fingerprint(file)
        if not isinstance(found, Fingerprint) or found.sha256 != sha256:
            return
        with opened(file) as content:
            if isinstance(content, OpenFile):
                for outcome in read_records(content, self._reading):
                    if isinstance(outcome, RawRecord):
                        yield outcome


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
