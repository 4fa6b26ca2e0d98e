"""
The published tables: one fixed pyarrow schema each, under one version number.

Readers take the first file's schema for all (STORAGE facts: a column missing from one part is silently dropped
or an error, by reader), so every part of a table is written with exactly these fields, never with inferred types.
`clean/README.md` says what each column means; a test holds the two together.
"""

from typing import Any

import pyarrow as pa

SCHEMA_VERSION = 5
"""To be raised with every change of a table's columns or of what a part's footer says: one commit then replaces all."""

_UTC = pa.timestamp("us", tz="UTC")
_STRINGS = pa.list_(pa.string())


def _schema(*fields: "pa.Field[Any]") -> pa.Schema:
    return pa.schema(list(fields))


ARTICLES = _schema(
    pa.field("article_id", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("sources", _STRINGS, nullable=False),
    pa.field("url", pa.string()),
    pa.field("url_source", pa.string()),
    pa.field("site", pa.string()),
    pa.field("site_name", pa.string()),
    pa.field("site_name_source", pa.string()),
    pa.field("title", pa.string()),
    pa.field("title_source", pa.string()),
    pa.field("authors", _STRINGS, nullable=False),
    pa.field("authors_source", pa.string()),
    pa.field("published", _UTC),
    pa.field("published_day", pa.date32()),
    pa.field("published_source", pa.string()),
    pa.field("published_raw", pa.string()),
    pa.field("modified", _UTC),
    pa.field("modified_source", pa.string()),
    pa.field("tags", _STRINGS, nullable=False),
    pa.field("tags_source", pa.string()),
    pa.field("language", pa.string()),
    pa.field("language_source", pa.string()),
    pa.field("language_score", pa.float64()),
    pa.field("description", pa.string()),
    pa.field("description_source", pa.string()),
    pa.field("image", pa.string()),
    pa.field("image_source", pa.string()),
    pa.field("text", pa.string(), nullable=False),
    pa.field("comments", pa.string()),
    pa.field("kept_lines", pa.list_(pa.int32()), nullable=False),
    pa.field("word_count", pa.int32(), nullable=False),
    pa.field("removed_lines", pa.int32(), nullable=False),
    pa.field("removed_share", pa.float64(), nullable=False),
    pa.field("mean_word_length", pa.float64(), nullable=False),
    pa.field("letter_word_share", pa.float64(), nullable=False),
    pa.field("end_mark_share", pa.float64(), nullable=False),
    pa.field("short_line_share", pa.float64(), nullable=False),
    pa.field("duplicate_line_share", pa.float64(), nullable=False),
    pa.field("duplicate_of", pa.string()),
    pa.field("media_type", pa.string(), nullable=False),
    pa.field("html_engine", pa.string()),
    pa.field("encoding", pa.string(), nullable=False),
    pa.field("encoding_source", pa.string(), nullable=False),
    pa.field("extra", pa.string()),
    pa.field("fetched_at", _UTC),
    pa.field("raw_sha256", pa.string(), nullable=False),
    pa.field("text_sha256", pa.string(), nullable=False),
    pa.field("cleaner_version", pa.string(), nullable=False),
    pa.field("rules_digest", pa.string(), nullable=False),
    pa.field("model_version", pa.string()),
    pa.field("html_settings", pa.string(), nullable=False),
    pa.field("reading_digest", pa.string()),
    pa.field("ingested_at", _UTC, nullable=False),
)

REMOVED_LINES = _schema(
    pa.field("article_id", pa.string(), nullable=False),
    pa.field("line", pa.int32(), nullable=False),
    pa.field("start", pa.int32(), nullable=False),
    pa.field("end", pa.int32(), nullable=False),
    pa.field("text", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("rule", pa.string(), nullable=False),
    pa.field("score", pa.float64(), nullable=False),
)

REJECTED = _schema(
    pa.field("source", pa.string(), nullable=False),
    pa.field("raw_sha256", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("detail", pa.string(), nullable=False),
    pa.field("size", pa.int64(), nullable=False),
    pa.field("byte_offset", pa.int64()),
    pa.field("attempts", pa.int32(), nullable=False),
    pa.field("first_seen", _UTC, nullable=False),
    pa.field("last_seen", _UTC, nullable=False),
)

TABLES: dict[str, pa.Schema] = {"articles": ARTICLES, "removed_lines": REMOVED_LINES, "rejected": REJECTED}
