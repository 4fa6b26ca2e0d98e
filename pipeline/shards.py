"""
Clean one shard: the step that workers run side by side, in threads, processes or on other machines.

A shard's outcome is a folder of Parquet pieces, renamed into place when it is whole: doing a shard twice does nothing the
second time, and what is finished outlives a run that dies. Records go through in batches as they are read, so a raw file
may be larger than the memory. What is done of a shard is written batch by batch, and a worker that dies at one leaves the
others to the next attempt.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pipeline.clean import clean_records
from pipeline.errors import StoreError
from pipeline.records import Article, Metadata, Quality, RawFile, RawRecord, Rejection
from pipeline.settings import Settings
from pipeline.steps import CAREFREE, START, Caution, Note, Place, Stage
from pipeline.store.pieces import Finished, Made, read_finished
from pipeline.store.stretches import Stretches
from pipeline.voices import Voices, load_voices
from pipeline.walk import End, Item, Pause, Progress, Walk
from pipeline.work import read_shard

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

    progress: Progress  # when all of it is done
    first: Place = START  # of the records
    records: list[RawRecord] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0  # bytes of the records

    @property
    def is_empty(self) -> bool:
        return not (self.records or self.rejections or self.files)

    def is_full(self, most_records: int) -> bool:
        many = len(self.records) >= most_records or len(self.records) + len(self.rejections) >= BATCH_RECORDS
        return many or self.size >= BATCH_BYTES

    def take(self, item: RawRecord | Rejection | End, progress: Progress) -> None:
        self.progress = progress
        match item:
            case RawRecord():
                if not self.records:
                    self.first = Place(progress.file, progress.record - 1)
                self.records.append(item)
                self.size += len(item.data)
            case Rejection():
                self.rejections.append(item)
            case End(file=file, sha256=sha256, rejection=rejection):
                self.rejections += [rejection] if rejection else []
                self.files.append(_file_row(file, sha256))


class _Clock:
    """Seconds by file: to read it, and its share of cleaning."""

    def __init__(self, known: Mapping[str, float]) -> None:
        self._seconds = defaultdict(float, known)

    def slowest(self) -> dict[str, float]:
        """The files that took longest, with their seconds."""
        slowest = nlargest(SLOWEST_TOLD, self._seconds.items(), key=itemgetter(1))
        return {key: round(seconds, 3) for key, seconds in slowest}

    def reading(self, items: Iterator[Item]) -> Iterator[Item]:
        """The same items; counts how long it takes to get them, not what is done with them in between."""
        started = time.perf_counter()
        for item in items:
            match item:
                case RawRecord(source=source) | Rejection(source=source):
                    self._seconds[source.rpartition("#")[0]] += time.perf_counter() - started
                case End(file=file):
                    self._seconds[file.key] += time.perf_counter() - started
            yield item
            started = time.perf_counter()

    def cleaned(self, batch: _Batch, seconds: float) -> None:
        """Share out the time of a batch, which can be told of the whole batch only, among its files by size."""
        for record in batch.records:
            self._seconds[record.source.rpartition("#")[0]] += seconds * len(record.data) / max(1, batch.size)


def clean_shard(shard_path: Path, cleaner: Cleaner = clean_records) -> ShardResult:
    """
    Read, clean and write one shard in this process; returns counts and the folder of its pieces.

    Nothing stops a record that hangs or takes all memory: `pipeline/isolation.py` does this in a worker that can be killed.
    """
    shard = read_shard(shard_path)
    finished = read_finished(shard.pieces)
    if finished is None:
        finished = attempt_shard(shard_path, new_folder(shard_path), cleaner, CAREFREE, Note())
    return result_of(shard_path, shard.pieces, finished)


def new_folder(shard_path: Path) -> Path:
    """A new folder for what is not finished of a shard; it goes with the run's own at the latest."""
    return Path(mkdtemp(prefix="unfinished-", dir=shard_path.parent))


def attempt_shard(shard_path: Path, folder: Path, cleaner: Cleaner, caution: Caution, note: Note) -> Finished:
    """Do what earlier attempts have left of a shard, by what `folder` holds of them, heeding what they met."""
    shard = read_shard(shard_path)
    voices = load_voices(shard.manner)
    settings = voices.settings_with(shard.reading.digest)
    if settings.digest != shard.settings_digest:
        raise StoreError(f"{shard_path}: planned with other rules, another model or version than this worker has")
    written = Stretches(folder)
    progress = written.progress or {"done": asdict(Progress(time.time_ns())), "slowest": {}}
    walk = Walk(shard.files, shard.reading, Progress.read(progress["done"]), caution, note)
    clock = _Clock(progress["slowest"])
    for batch in _batches(walk, caution, clock):
        outcomes = _cleaned(batch, lambda records: cleaner(records, voices), note, clock)
        rows = _rows(batch, outcomes, settings, written.rows["articles"])
        written.write(rows, {"done": asdict(batch.progress), "slowest": clock.slowest()})
    done = walk.progress
    made = Made(settings.digest, done.read_ns, done.vanished, done.skipped, clock.slowest())
    return written.finish(shard.pieces, made)


def _batches(walk: Walk, caution: Caution, clock: _Clock) -> Iterator[_Batch]:
    """What a walk gives, in batches that fit in the memory; a batch may span files, and a file batches."""
    careful = caution.careful
    batch = _Batch(walk.progress)
    for item in clock.reading(walk.items()):
        if isinstance(item, Pause):
            full = not batch.is_empty
        else:
            batch.take(item, walk.progress)
            careful -= isinstance(item, RawRecord)
            full = batch.is_full(caution.together if caution.together and careful >= 0 else BATCH_RECORDS)
        if full:
            yield batch
            batch = _Batch(walk.progress)
    batch.progress = walk.progress
    yield batch


def _cleaned(
    batch: _Batch, clean: Callable[[Sequence[RawRecord]], Sequence[Article | Rejection]], note: Note, clock: _Clock
) -> Sequence[Article | Rejection]:
    if not batch.records:
        return []
    note.begin(Stage.CLEANING, batch.first, len(batch.records), batch.size)
    started = time.perf_counter()
    outcomes = clean(batch.records)
    clock.cleaned(batch, time.perf_counter() - started)
    note.end()
    return outcomes


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


def result_of(shard: Path, pieces: Path, finished: Finished) -> ShardResult:
    """What a shard's description says, with where it is."""
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
        "begin": file.slice.begin if file.slice else None,
        "end": file.slice.end if file.slice else None,
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
