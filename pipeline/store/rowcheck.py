"""Checks of rows: an article against the state and against itself, its removed lines, and rejected records."""

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pyarrow as pa

from pipeline.records import Reason, RejectReason
from pipeline.settings import Settings
from pipeline.store.findings import RERUN, Finding
from pipeline.store.rows import known_columns, order_of, rejected_rows

_REASONS = frozenset(Reason)
_REJECT_REASONS = frozenset(RejectReason)


def check_articles(state: sqlite3.Connection, bucket: int, articles: pa.Table, seen: set[str]) -> Iterator[Finding]:
    """The part holds the bucket's articles, each once and in order, with what the state knows of them."""
    ids = list(map(str, articles["article_id"].to_pylist()))
    for article_id in ids:
        if article_id in seen:
            yield Finding(f"article {article_id}", "stands in the table more than once", RERUN)
        seen.add(article_id)
    wanted = order_of(state, bucket)
    if ids != wanted:
        for article_id in sorted(set(wanted) ^ set(ids))[:100] or [f"of bucket {bucket}"]:
            yield Finding(f"article {article_id}", "is not in the part and the place the state says", RERUN)
        return
    known = known_columns(state, bucket)
    for name in known.column_names:
        if not known[name].equals(articles[name]):
            wrong = next(
                article_id
                for article_id, ours, theirs in zip(
                    ids, known[name].to_pylist(), articles[name].to_pylist(), strict=True
                )
                if ours != theirs
            )
            yield Finding(f"article {wrong}", f"its {name} is not what the state says", RERUN)
    yield from _check_origin(state, bucket, articles)


def check_ledger(articles: pa.Table, removed: pa.Table) -> Iterator[Finding]:
    """Kept lines, removed lines, counts and the text's hash agree with each other."""
    ledger: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in removed.to_pylist():
        ledger[entry["article_id"]].append(entry)
    columns = ["article_id", "text", "text_sha256", "kept_lines", "removed_lines"]
    for article in articles.select(columns).to_pylist():
        where = f"article {article['article_id']}"
        entries = ledger.pop(article["article_id"], [])
        for what in _wrong_article(article, entries):
            yield Finding(where, what, RERUN)
    for article_id in ledger:
        yield Finding(f"article {article_id}", "has removed lines, but is not in their part of articles", RERUN)


def check_rejected(state: sqlite3.Connection, bucket: int, rejected: pa.Table) -> Iterator[Finding]:
    """The part holds what the state says, with reasons of the closed list."""
    if not rejected.equals(rejected_rows(state, bucket)):
        yield Finding(f"rejected, bucket {bucket}", "its rows are not what the state says", RERUN)
    for row in rejected.to_pylist():
        if row["reason"] not in _REJECT_REASONS:
            yield Finding(row["source"], f"was rejected for an unknown reason, {row['reason']!r}", RERUN)


def _check_origin(state: sqlite3.Connection, bucket: int, articles: pa.Table) -> Iterator[Finding]:
    """The rows have the text the state knows, made with the settings by which their raw file was cleaned."""
    known = state.execute(
        "SELECT lower(hex(text_sha256)), text_bytes, settings FROM articles JOIN raw_files USING (file_id)"
        " WHERE bucket = ? ORDER BY key, record",
        (bucket,),
    ).fetchall()
    versions = ["rules_digest", "cleaner_version", "model_version", "html_settings", "reading_digest"]
    columns = ["article_id", "text", "text_sha256", *versions]
    for row, (text_sha256, text_bytes, settings) in zip(articles.select(columns).to_pylist(), known, strict=True):
        where = f"article {row['article_id']}"
        if (row["text_sha256"], len(row["text"].encode())) != (text_sha256, text_bytes):
            yield Finding(where, "its text is not the one the state knows", RERUN)
        made_with = _digest(*(row[name] for name in versions))
        if settings not in {"", made_with}:  # empty: to be cleaned again by the next run
            yield Finding(where, "the versions in its row are not those its raw file was cleaned with", RERUN)


@cache
def _digest(
    rules_digest: str, cleaner_version: str, model_version: str | None, html_settings: str, reading_digest: str | None
) -> str:
    return Settings(
        rules_digest, cleaner_version, model_version, html_settings=html_settings, reading_digest=reading_digest
    ).digest


def _wrong_article(article: dict[str, Any], entries: list[dict[str, Any]]) -> Iterator[str]:
    kept = article["kept_lines"]
    if hashlib.sha256(article["text"].encode()).hexdigest() != article["text_sha256"]:
        yield "its text_sha256 is not that of its text"
    if not kept or kept[0] < 1 or any(after <= before for before, after in pairwise(kept)):
        yield "its kept_lines do not ascend"
    if article["removed_lines"] != len(entries):
        yield f"it counts {article['removed_lines']} removed lines, the ledger has {len(entries)}"
    for entry in entries:
        if entry["reason"] not in _REASONS:
            yield f"line {entry['line']} was removed for an unknown reason, {entry['reason']!r}"
        if entry["line"] < 1 or entry["end"] - entry["start"] != len(entry["text"]) or not entry["text"]:
            yield f"the span removed from line {entry['line']} is not as long as its text"
    for before, after in pairwise(entries):
        if (after["line"], after["start"]) < (before["line"], before["end"]) or after["start"] < before["end"]:
            yield f"removed spans overlap or are out of order at line {after['line']}"
    removed = Counter(entry["line"] for entry in entries)
    for line in sorted({line for line, spans in removed.items() if spans > 1} - set(kept)):
        yield f"line {line} is removed more than once"
