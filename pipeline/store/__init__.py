"""The store below `clean/`: immutable Parquet parts, snapshots of them, and the state that ties them to the raw files."""

from pipeline.store.findings import Finding
from pipeline.store.snapshots import (
    Snapshot,
    articles_path,
    current_snapshot,
    read_articles,
    read_table,
    rejected_path,
    removed_lines_path,
)
from pipeline.store.status import Status, history, status
from pipeline.store.verify import verify

__all__ = [
    "Finding",
    "Snapshot",
    "Status",
    "articles_path",
    "current_snapshot",
    "history",
    "read_articles",
    "read_table",
    "rejected_path",
    "removed_lines_path",
    "status",
    "verify",
]
