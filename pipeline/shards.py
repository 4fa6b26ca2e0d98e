"""
Clean one shard: the step that workers run side by side, in threads, processes or on other machines.

A shard's outcome is a folder of Parquet pieces, renamed into place when it is whole: doing a shard twice does nothing the
second time, and what is finished outlives a run that dies.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.clean import clean_records
from pipeline.errors import StoreError
from pipeline.records import Article, MediaType, Quality, RawFile, RawRecord, Rejection, RejectReason
from pipeline.settings import Settings
from pipeline.sources.discover import RawBytes, ReadFailure, media_type_of, read_bytes
from pipeline.sources.html import read_html
from pipeline.sources.text import read_text
from pipeline.store.pieces import Finished, read_finished, write_pieces
from pipeline.voices import Voices, load_voices
from pipeline.work import read_shard

Cleaner = Callable[[Sequence[RawRecord], Voices], Sequence[Article | Rejection]]

READERS: Mapping[MediaType, Callable[[RawFile, bytes], Iterator[RawRecord]]] = {
    MediaType.TEXT: read_text,
    MediaType.HTML: read_html,
}

_MEASURES = tuple(measure.name for measure in fields(Quality))


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of one shard's records, and where the rows are."""

    shard: Path
    pieces: Path
    files: int
    articles: int  # records that became articles, exact duplicates of others included
    rejected: int
    vanished: int = 0  # files that were gone when their turn came


@dataclass(slots=True)
class _Batch:
    """The files of a shard as they were read, and the records in them."""

    files: list[dict[str, Any]] = field(default_factory=list)
    records: list[tuple[str, RawRecord]] = field(default_factory=list)  # with the key of the file
    failures: list[tuple[str, Rejection]] = field(default_factory=list)
    vanished: int = 0
    read_ns: int = field(default_factory=time.time_ns)  # before any of them was read


def clean_shard(shard_path: Path, cleaner: Cleaner = clean_records) -> ShardResult:
    """Read, clean and write one shard; returns counts and the folder of its pieces."""
    shard = read_shard(shard_path)
    finished = read_finished(shard.pieces)
    if finished is None:
        voices = load_voices(shard.aim)
        settings = voices.settings
        if settings.digest != shard.settings_digest:
            raise StoreError(f"{shard_path}: planned with other rules, another model or version than this worker has")
        batch = _read(shard.files)
        outcomes = cleaner([record for _, record in batch.records], voices)
        made = (settings.digest, batch.read_ns, batch.vanished)
        finished = write_pieces(shard_path.parent, shard.pieces, _rows(batch, outcomes, settings), made)
    return _result(shard_path, shard.pieces, finished)


def _read(files: Sequence[RawFile]) -> _Batch:
    """Read every file of a shard; one that cannot be read is rejected, one that is gone is left to the next run."""
    batch = _Batch()
    for file in files:
        match read_bytes(file):
            case RawBytes() as content:
                records = list(READERS[media_type_of(file.key)](content.file, content.data))
                batch.files.append(_file_row(content.file, content.sha256))
                batch.records.extend((file.key, record) for record in records)
                if not records:
                    empty = Rejection(f"{file.key}#1", content.sha256, RejectReason.EMPTY, "no record", file.size)
                    batch.failures.append((file.key, empty))
            case ReadFailure(vanished=True):
                batch.vanished += 1
            case ReadFailure() as failure:
                why = RejectReason.CHANGED_WHILE_READ if failure.changed else RejectReason.UNREADABLE
                batch.files.append(_file_row(file, ""))
                batch.failures.append((file.key, Rejection(f"{file.key}#1", "", why, failure.detail, file.size)))
    return batch


def _rows(
    batch: _Batch, outcomes: Sequence[Article | Rejection], settings: Settings
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a shard's pieces, by piece."""
    articles: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    rejected = [_rejected_row(key, rejection, b"") for key, rejection in batch.failures]
    for (key, record), outcome in zip(batch.records, outcomes, strict=True):
        basis = _basis(record, settings)
        if isinstance(outcome, Rejection):
            rejected.append(_rejected_row(key, outcome, basis))
        else:
            removed.extend(_removed_rows(outcome, len(articles)))
            articles.append(_article_row(key, outcome, basis, settings))
    return {"files": batch.files, "articles": articles, "removed_lines": removed, "rejected": rejected}


def _result(shard: Path, pieces: Path, finished: Finished) -> ShardResult:
    rows = finished.rows
    return ShardResult(shard, pieces, rows["files"], rows["articles"], rows["rejected"], finished.vanished)


def _basis(record: RawRecord, settings: Settings) -> bytes:
    """All that a row depends on besides the record's bytes; two sources with the same basis make the same row."""
    hints = [record.media_type, record.site, record.url, record.declared_encoding, settings.digest]
    return hashlib.sha256(json.dumps(hints).encode()).digest()[:16]


def _number(source: str) -> int:
    return int(source.rpartition("#")[2])


def _file_row(file: RawFile, sha256: str) -> dict[str, Any]:
    return {
        "key": file.key,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "ctime_ns": file.ctime_ns,
        "inode": file.inode,
        "sha256": sha256,
    }


def _rejected_row(key: str, rejection: Rejection, basis: bytes) -> dict[str, Any]:
    return {
        "key": key,
        "record": _number(rejection.source),
        "basis": basis,
        "reason": rejection.reason.value,
        "detail": rejection.detail,
        "size": rejection.size,
    }


def _removed_rows(article: Article, row: int) -> Iterator[dict[str, Any]]:
    for line in article.removed:
        yield {
            "row": row,
            "article_id": article.document.article_id,
            "line": line.line,
            "start": line.start,
            "end": line.end,
            "text": line.text,
            "reason": line.reason.value,
            "rule": line.rule,
            "score": line.score,
        }


def _article_row(key: str, article: Article, basis: bytes, settings: Settings) -> dict[str, Any]:
    """A row of `articles`; what only the whole store knows (all sources, duplicates, times) is filled in on commit."""
    document, metadata = article.document, article.metadata
    text = article.text.encode()
    return {
        **{name: getattr(article.quality, name) for name in _MEASURES},
        "key": key,
        "record": _number(document.source),
        "basis": basis,
        "text_bytes": len(text),
        "article_id": document.article_id,
        "source": document.source,
        "sources": [document.source],
        "url": metadata.url,
        "site": metadata.site,
        "title": metadata.title,
        "authors": list(metadata.authors),
        "published": metadata.published,
        "published_source": metadata.published_source,
        "tags": list(metadata.tags),
        "language": metadata.language,
        "language_score": article.language_score,
        "text": article.text,
        "kept_lines": list(article.kept_lines),
        "word_count": article.word_count,
        "removed_lines": len(article.removed),
        "removed_share": article.removed_share,
        "media_type": document.media_type.value,
        "encoding": document.encoding,
        "encoding_source": document.encoding_source,
        "raw_sha256": document.raw_sha256,
        "text_sha256": hashlib.sha256(text).hexdigest(),
        "cleaner_version": settings.cleaner_version,
        "rules_digest": settings.rules_digest,
        "model_version": settings.model_version,
        "ingested_at": 0,
    }
