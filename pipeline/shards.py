"""
Clean one shard: the step that workers run side by side, in threads, processes or on other machines.

A shard's outcome is a folder of Parquet pieces, renamed into place when it is whole: doing a shard twice does nothing the
second time, and what is finished outlives a run that dies. Records go through in batches as they are read, so a raw file
may be larger than the memory.
"""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from pipeline.clean import clean_records
from pipeline.errors import StoreError
from pipeline.records import Article, Metadata, Quality, RawFile, RawRecord, Rejection, RejectReason
from pipeline.settings import Settings
from pipeline.sources.found import Skipped
from pipeline.sources.opened import Fingerprint, OpenFile, ReadFailure, opened
from pipeline.sources.read import read_records
from pipeline.sources.reading import Reading
from pipeline.store.pieces import Finished, Made, PieceWriter, read_finished
from pipeline.voices import Voices, load_voices
from pipeline.work import Shard, read_shard

T = TypeVar("T")

Cleaner = Callable[[Sequence[RawRecord], Voices], Sequence[Article | Rejection]]

BATCH_RECORDS = 2_000
BATCH_BYTES = 16 * 1024 * 1024
"""Of records that are cleaned together: a batch takes some 25 times its size while it is cleaned."""

SLOWEST_TOLD = 10

_MEASURES = tuple(measure.name for measure in fields(Quality))
_KNOWN = tuple(known.name for known in fields(Metadata))


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of one shard's records, and where the rows are."""

    shard: Path
    pieces: Path
    files: int
    articles: int  # records that became articles, exact duplicates of others included
    rejected: int
    vanished: int = 0  # files that were gone when their turn came
    skipped: Mapping[str, int] = field(default_factory=dict)  # what stood for no document, by what it was
    slowest: Mapping[str, float] = field(default_factory=dict)  # seconds of the files that took longest, by key


@dataclass(slots=True)
class _Batch:
    """Records that are cleaned together, and what else goes into the pieces with them."""

    records: list[RawRecord] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0  # bytes of the records

    @property
    def is_full(self) -> bool:
        return self.size >= BATCH_BYTES or len(self.records) + len(self.rejections) >= BATCH_RECORDS


@dataclass(slots=True)
class _Tally:
    """What is counted and makes no row."""

    vanished: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # by file: to read it, and its share of cleaning

    def slowest(self) -> dict[str, float]:
        """The files that took longest, with their seconds."""
        slowest = nlargest(SLOWEST_TOLD, self.seconds.items(), key=itemgetter(1))
        return {key: round(seconds, 3) for key, seconds in slowest}


def clean_shard(shard_path: Path, cleaner: Cleaner = clean_records) -> ShardResult:
    """Read, clean and write one shard; returns counts and the folder of its pieces."""
    shard = read_shard(shard_path)
    finished = read_finished(shard.pieces)
    if finished is None:
        voices = load_voices(shard.manner)
        settings = voices.settings_with(shard.reading.digest)
        if settings.digest != shard.settings_digest:
            raise StoreError(f"{shard_path}: planned with other rules, another model or version than this worker has")
        finished = _clean(shard, shard_path.parent, settings, lambda records: cleaner(records, voices))
    return _result(shard_path, shard.pieces, finished)


def _clean(
    shard: Shard,
    unfinished: Path,
    settings: Settings,
    clean: Callable[[Sequence[RawRecord]], Sequence[Article | Rejection]],
) -> Finished:
    """Read all files of a shard, clean their records batch by batch, and write the pieces."""
    read_ns = time.time_ns()  # before any of them was read
    tally = _Tally()
    with closing(PieceWriter(unfinished)) as writer:
        for batch in _batches(shard.files, shard.reading, tally):
            outcomes = _clean_timed(batch, clean, tally) if batch.records else []
            writer.write(_rows(batch, outcomes, settings, writer.rows["articles"]))
        return writer.finish(
            shard.pieces, Made(settings.digest, read_ns, tally.vanished, tally.skipped, tally.slowest())
        )


def _clean_timed(
    batch: _Batch, clean: Callable[[Sequence[RawRecord]], Sequence[Article | Rejection]], tally: _Tally
) -> Sequence[Article | Rejection]:
    """Clean a batch; the time, which can be told of the whole batch only, is shared out among its files by size."""
    started = time.perf_counter()
    outcomes = clean(batch.records)
    seconds = time.perf_counter() - started
    for record in batch.records:
        tally.seconds[record.source.rpartition("#")[0]] += seconds * len(record.data) / max(1, batch.size)
    return outcomes


def _timed(items: Iterator[T], key: str, tally: _Tally) -> Iterator[T]:
    """The same items; counts for the file how long it takes to get them, not what is done with them in between."""
    started = time.perf_counter()
    for item in items:
        tally.seconds[key] += time.perf_counter() - started
        yield item
        started = time.perf_counter()
    tally.seconds[key] += time.perf_counter() - started


def _batches(files: Sequence[RawFile], reading: Reading, tally: _Tally) -> Iterator[_Batch]:
    """What is in a shard's files, in batches that fit in the memory; a batch may span files, and a file batches."""
    batch = _Batch()
    for file in files:
        for item in _timed(_read(file, reading, tally), file.key, tally):
            match item:
                case RawRecord():
                    batch.records.append(item)
                    batch.size += len(item.data)
                case Rejection():
                    batch.rejections.append(item)
                case row:
                    batch.files.append(row)
            if batch.is_full:
                yield batch
                batch = _Batch()
    yield batch


def _read(file: RawFile, reading: Reading, tally: _Tally) -> Iterator[RawRecord | Rejection | dict[str, Any]]:
    """
    Yield what is in a file, and then its row; one that is gone is left to the next run.

    That a file changed while it was read shows at its end. Its last rejection then says so, and without a hash in its row
    the commit passes over everything that was read of it before.
    """
    with opened(file) as content:
        if isinstance(content, ReadFailure):
            if content.vanished:
                tally.vanished += 1
            else:
                yield from _unread(file, content)
            return
        yield from _numbered(content, reading, tally)
        match content.finish():
            case Fingerprint(file=seen, sha256=sha256):
                yield _file_row(seen, sha256)
            case ReadFailure() as failure:
                yield from _unread(file, failure)


def _numbered(content: OpenFile, reading: Reading, tally: _Tally) -> Iterator[RawRecord | Rejection]:
    """The records and rejections of a file; a file without any is one rejection, so that each is accounted for."""
    skipped: Counter[str] = Counter()
    empty = True
    for outcome in read_records(content, reading):
        match outcome:
            case RawRecord() | Rejection():
                empty = False
                yield outcome
            case Skipped(what=what):
                skipped[what] += 1
    tally.skipped += skipped
    if empty:
        what = ", ".join(f"{count:,} {what}" for what, count in sorted(skipped.items()))
        detail = f"no document, only {what}"[:300] if skipped else "no record"
        yield Rejection(f"{content.file.key}#1", "", RejectReason.EMPTY, detail, content.file.size)


def _unread(file: RawFile, failure: ReadFailure) -> Iterator[Rejection | dict[str, Any]]:
    why = RejectReason.CHANGED_WHILE_READ if failure.changed else RejectReason.UNREADABLE
    yield Rejection(f"{file.key}#1", "", why, failure.detail, file.size)
    yield _file_row(file, "")


def _rows(
    batch: _Batch, outcomes: Sequence[Article | Rejection], settings: Settings, first: int
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a batch, by piece; `first` is the number of the shard's next article."""
    articles: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for record, outcome in zip(batch.records, outcomes, strict=True):
        basis = _basis(record, settings)
        if isinstance(outcome, Rejection):
            rejected.append(_rejected_row(outcome, basis))
        else:
            removed.extend(_removed_rows(outcome, first + len(articles)))
            articles.append(_article_row(outcome, basis, settings))
    rejected.extend(_rejected_row(rejection, b"") for rejection in batch.rejections)
    return {"files": batch.files, "articles": articles, "removed_lines": removed, "rejected": rejected}


def _result(shard: Path, pieces: Path, finished: Finished) -> ShardResult:
    rows = finished.rows
    return ShardResult(
        shard,
        pieces,
        rows["files"],
        rows["articles"],
        rows["rejected"],
        finished.vanished,
        finished.skipped,
        finished.slowest,
    )


def _basis(record: RawRecord, settings: Settings) -> bytes:
    """All that a row depends on besides the record's bytes; two sources with the same basis make the same row."""
    hints: list[Any] = [record.media_type, record.site, record.url, record.declared_encoding, settings.digest]
    if record.is_told or record.fetched_at:
        hints += [record.fetched_at, *record.told()]
    return hashlib.sha256(json.dumps(hints, default=str).encode()).digest()[:16]


def _place(source: str) -> dict[str, Any]:
    """The file's key and the record's number in it."""
    key, _, number = source.rpartition("#")
    return {"key": key, "record": int(number)}


def _file_row(file: RawFile, sha256: str) -> dict[str, Any]:
    return {
        "key": file.key,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "ctime_ns": file.ctime_ns,
        "inode": file.inode,
        "sha256": sha256,
    }


def _rejected_row(rejection: Rejection, basis: bytes) -> dict[str, Any]:
    return {
        **_place(rejection.source),
        "basis": basis,
        "reason": rejection.reason.value,
        "detail": rejection.detail,
        "size": rejection.size,
        "byte_offset": rejection.offset,
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


def _article_row(article: Article, basis: bytes, settings: Settings) -> dict[str, Any]:
    """A row of `articles`; what only the whole store knows (all sources, duplicates, times) is filled in on commit."""
    document, metadata = article.document, article.metadata
    text = article.text.encode()
    return {
        **{name: getattr(article.quality, name) for name in _MEASURES},
        **{name: getattr(metadata, name) for name in _KNOWN},
        **_place(document.source),
        "basis": basis,
        "text_bytes": len(text),
        "article_id": document.article_id,
        "source": document.source,
        "sources": [document.source],
        "language_score": article.language_score,
        "text": article.text,
        "comments": article.comments,
        "kept_lines": list(article.kept_lines),
        "word_count": article.word_count,
        "removed_lines": len(article.removed),
        "removed_share": article.removed_share,
        "media_type": document.media_type.value,
        "html_engine": document.engine.value if document.engine else None,
        "encoding": document.encoding,
        "encoding_source": document.encoding_source,
        "extra": document.extra,
        "fetched_at": document.fetched_at,
        "raw_sha256": document.raw_sha256,
        "text_sha256": hashlib.sha256(text).hexdigest(),
        "cleaner_version": settings.cleaner_version,
        "rules_digest": settings.rules_digest,
        "model_version": settings.model_version,
        "html_settings": settings.html_settings,
        "reading_digest": settings.reading_digest,
        "ingested_at": 0,
    }
