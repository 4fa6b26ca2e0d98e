"""The store below `clean/`: immutable Parquet parts, snapshots of them, and the state that ties them to the raw files."""

from pipeline.store.findings import Finding
from pipeline.store.reading import RemoteSnapshot, read_articles, read_table, remote_snapshot
from pipeline.store.remote import Published, publish_to
from pipeline.store.snapshots import Snapshot, articles_path, current_snapshot, rejected_path, removed_lines_path
from pipeline.store.status import Status, history, status
from pipeline.store.verify import verify

__all__ = [
    "Finding",
    "Published",
    "RemoteSnapshot",
    "Snapshot",
    "Status",
    "articles_path",
    "current_snapshot",
    "history",
    "publish_to",
    "read_articles",
    "read_table",
    "rejected_path",
    "remote_snapshot",
    "removed_lines_path",
    "status",
    "verify",
]
