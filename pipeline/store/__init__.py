"""The store below `clean/`: immutable Parquet parts, snapshots of them, and the state that ties them to the raw files."""

from pipeline.store.snapshots import (
    Snapshot,
    articles_path,
    current_snapshot,
    read_articles,
    read_table,
    rejected_path,
    removed_lines_path,
)

__all__ = [
    "Snapshot",
    "articles_path",
    "current_snapshot",
    "read_articles",
    "read_table",
    "rejected_path",
    "removed_lines_path",
]
