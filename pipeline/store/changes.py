"""
Take a run's outcome into the state, and note which buckets it touches.

Everything here happens inside the one transaction that is the commit. What is touched is found from the state alone,
so the rows come out the same whatever the order in which files arrived and however many runs they took.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.records import RawFile
from pipeline.sources.discover import path_of
from pipeline.store.pieces import PieceReader
from pipeline.store.place import NewArticle, place_articles, roomy_rejected_bucket
from pipeline.store.sources import sources_of
from pipeline.store.state import insert_file, status_of
from pipeline.work import Deltas

_IDENTITY = ["key", "record", "basis", "article_id", "text_sha256", "text_bytes"]
_STAGING = """
DROP TABLE IF EXISTS temp.staged;
DROP TABLE IF EXISTS temp.chosen;
CREATE TEMP TABLE staged (      -- every record that became an article in this run
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    row INTEGER NOT NULL,
    text_sha256 BLOB NOT NULL,
    text_bytes INTEGER NOT NULL,
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
CREATE TEMP TABLE chosen (      -- the articles whose row comes from this run
    article_id BLOB PRIMARY KEY,
    piece INTEGER NOT NULL,
    row INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Touched:
    """What a commit has to look at again."""

    articles: set[bytes] = field(default_factory=set)  # ids whose sources or rows changed
    texts: set[bytes] = field(default_factory=set)  # text_sha256 whose group of articles changed
    article_buckets: set[int] = field(default_factory=set)
    rejected_buckets: set[int] = field(default_factory=set)
    former_bucket: dict[int, int] = field(default_factory=dict)  # of a changed file's articles, by file number
    rejected_by_reason: Counter[str] = field(default_factory=Counter)  # records of this run
    waiting: set[int] = field(default_factory=set)  # pieces of files of which slices are missing; for the next run
    unread: int = 0  # files that could not be read to the end and stay what they were


@dataclass(frozen=True, slots=True)
class FormerRejection:
    """What a rejected record keeps when it is tried again."""

    bucket: int
    attempts: int
    first_seen: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found out, on its way into the state."""

    deltas: Deltas
    pieces: PieceReader
    resumed: Mapping[int, Sequence[RawFile]]  # by piece, for pieces of a run that died: the files to take from it
    settings_digest: str
    scanned_ns: int
    now: int  # microseconds since 1970


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """A raw file, or a slice of one, as a piece has it."""

    piece: int
    file: RawFile
    sha256: str  # empty: it could not be read to the end
    bounds: tuple[int, int] | None  # where the slice begins and ends


def open_staging(state: sqlite3.Connection) -> None:
    """Make the temporary tables of a commit; before its transaction, which a script would end."""
    state.executescript(_STAGING)


def apply_changes(state: sqlite3.Connection, outcome: Outcome) -> Touched:
    """Bring the state up to date with the raw folder; the touched buckets are then to be written."""
    touched = Touched()
    for file_id in outcome.deltas.removed:
        _forget_records(state, file_id, touched)
        state.execute("DELETE FROM raw_files WHERE file_id = ?", (file_id,))
    for file_id, file in outcome.deltas.renamed:
        _rename(state, file_id, file, outcome.scanned_ns, touched)
    for file_id, file in outcome.deltas.refreshed:
        _refresh(state, file_id, file, outcome.scanned_ns)
    slices: dict[str, list[_ReadFile]] = defaultdict(list)
    for piece in range(len(outcome.pieces.folders)):
        files = list(_files_to_take(piece, outcome))
        if any(file.bounds for file in files):  # then there is no other
            slices[files[0].file.key] += files
        else:
            _take_files(state, files, [piece], outcome, touched)
    for key in sorted(slices):
        _take_slices(state, slices[key], outcome, touched)
    new = [article for article_id in sorted(touched.articles) for article in _resolve(state, article_id, touched)]
    touched.article_buckets |= place_articles(state, new, touched.former_bucket, outcome.now)
    for text in sorted(touched.texts):
        _mark_duplicates(state, text, touched)
    return touched


def _forget_records(state: sqlite3.Connection, file_id: int, touched: Touched) -> dict[int, FormerRejection]:
    """Take a file's records out of the state; returns what is kept of its rejections for another attempt."""
    articles = state.execute(
        "SELECT article_id, bucket, articles.file_id = records.file_id FROM records JOIN articles USING (article_id)"
        " WHERE records.file_id = ?",
        (file_id,),
    ).fetchall()
    touched.articles.update(article_id for article_id, _, _ in articles)
    buckets = [bucket for _, bucket, canonical in articles if canonical]
    if buckets:
        touched.former_bucket[file_id] = min(buckets)
    rejections = state.execute(
        "SELECT record, bucket, attempts, first_seen FROM rejections WHERE file_id = ?", (file_id,)
    ).fetchall()
    former = {record: FormerRejection(*rest) for record, *rest in rejections}
    touched.rejected_buckets.update(rejection.bucket for rejection in former.values())
    state.execute("DELETE FROM records WHERE file_id = ?", (file_id,))
    state.execute("DELETE FROM rejections WHERE file_id = ?", (file_id,))
    return former


def _rename(state: sqlite3.Connection, file_id: int, file: RawFile, scanned_ns: int, touched: Touched) -> None:
    """Move a file to its new key: its records stay what they are, only sources change."""
    state.execute("UPDATE raw_files SET path = ?, key = ? WHERE file_id = ?", (path_of(file.key), file.key, file_id))
    _refresh(state, file_id, file, scanned_ns)
    articles = state.execute("SELECT article_id FROM records WHERE file_id = ?", (file_id,)).fetchall()
    touched.articles.update(article_id for (article_id,) in articles if article_id is not None)
    buckets = state.execute("SELECT DISTINCT bucket FROM rejections WHERE file_id = ?", (file_id,)).fetchall()
    touched.rejected_buckets.update(bucket for (bucket,) in buckets)


def _refresh(state: sqlite3.Connection, file_id: int, file: RawFile, scanned_ns: int) -> None:
    state.execute(
        "UPDATE raw_files SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, scanned_ns = ? WHERE file_id = ?",
        (*status_of(file), scanned_ns, file_id),
    )


def _take_slices(state: sqlite3.Connection, slices: Sequence[_ReadFile], outcome: Outcome, touched: Touched) -> None:
    """
    Take in a file that was cut, if all of its slices are there.

    One that could not be read to the end stands for the whole file. Where one is missing, as its shard failed, the file
    stays what it was, and the others wait for the next run.
    """
    unread = [part for part in slices if not part.sha256]
    if unread:
        _take_files(state, unread[:1], [unread[0].piece], outcome, touched)
    elif _is_whole(slices):
        _take_files(state, slices[:1], [part.piece for part in slices], outcome, touched)
    else:
        touched.waiting.update(part.piece for part in slices)


def _is_whole(slices: Sequence[_ReadFile]) -> bool:
    """Whether slices follow each other from the beginning of one file to its end."""
    bounds = sorted(part.bounds for part in slices if part.bounds)
    ends = [0, *(end for _, end in bounds)]
    return [*(begin for begin, _ in bounds), slices[0].file.size] == ends and len({part.sha256 for part in slices}) == 1


def _take_files(
    state: sqlite3.Connection, files: Iterable[_ReadFile], pieces: Iterable[int], outcome: Outcome, touched: Touched
) -> None:
    """
    Replace the records of files by what stands of them in pieces, whose other rows are passed over.

    A file that could not be read to the end is not known to have lost anything: if it gave articles before, they stay, and the
    next run tries again.
    """
    numbers: dict[str, int] = {}
    unread: set[str] = set()  # could not be read to the end: what was read of them before is void
    former: dict[int, dict[int, FormerRejection]] = {}
    (last,) = state.execute("SELECT coalesce(max(file_id), 0) FROM raw_files").fetchone()
    for read in files:
        if not read.sha256 and _gave_articles(state, read.file.key):
            touched.unread += 1
            continue
        file_id = insert_file(state, read.file, outcome.scanned_ns, read.sha256, outcome.settings_digest)
        numbers[read.file.key] = file_id
        former[file_id] = _forget_records(state, file_id, touched) if file_id <= last else {}  # a new one has none
        if not read.sha256:
            unread.add(read.file.key)
    for piece in pieces:
        for index, row in enumerate(outcome.pieces.rows(piece, "articles", _IDENTITY)):
            if row["key"] in numbers and row["key"] not in unread:
                _take_article(state, (numbers[row["key"]], piece, index), row, touched)
        for row in _rejections_to_take(piece, outcome, unread):
            if row["key"] in numbers:
                file_id = numbers[row["key"]]
                bucket = _take_rejection(state, file_id, row, former[file_id].get(row["record"]), outcome.now)
                touched.rejected_buckets.add(bucket)
                touched.rejected_by_reason[row["reason"]] += 1


def _gave_articles(state: sqlite3.Connection, key: str) -> bool:
    found = state.execute(
        "SELECT 1 FROM raw_files JOIN records USING (file_id) WHERE path = ? AND article_id IS NOT NULL LIMIT 1",
        (path_of(key),),
    )
    return found.fetchone() is not None


def _rejections_to_take(piece: int, outcome: Outcome, unread: set[str]) -> Iterator[dict[str, Any]]:
    """The rejected records of a piece; of a file that could not be read to the end only the last, which says so."""
    last: dict[str, dict[str, Any]] = {}
    for row in outcome.pieces.rows(piece, "rejected"):
        if row["key"] in unread:
            last[row["key"]] = row
        else:
            yield row
    yield from last.values()


def _files_to_take(piece: int, outcome: Outcome) -> Iterator[_ReadFile]:
    """The files of a piece: all of them, or what of them is taken over, as they are now."""
    now = {file.key: file for file in outcome.resumed.get(piece, ())}
    for row in outcome.pieces.rows(piece, "files"):
        sha256, begin, end = row.pop("sha256"), row.pop("begin"), row.pop("end")
        if piece not in outcome.resumed or row["key"] in now:
            file = now.get(row["key"]) or RawFile(path=Path(row["key"]), **row)
            yield _ReadFile(piece, file, sha256, None if begin is None else (begin, end))


def _take_article(
    state: sqlite3.Connection, place: tuple[int, int, int], row: dict[str, Any], touched: Touched
) -> None:
    file_id, piece, index = place
    article_id = bytes.fromhex(row["article_id"])
    state.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (file_id, row["record"], article_id, row["basis"]))
    state.execute(
        "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)",
        (file_id, row["record"], piece, index, bytes.fromhex(row["text_sha256"]), row["text_bytes"]),
    )
    touched.articles.add(article_id)


def _take_rejection(
    state: sqlite3.Connection, file_id: int, row: dict[str, Any], former: FormerRejection | None, now: int
) -> int:
    """Note one rejected record; returns the bucket its row stands in."""
    state.execute("INSERT INTO records VALUES (?, ?, NULL, ?)", (file_id, row["record"], row["basis"]))
    bucket = former.bucket if former else roomy_rejected_bucket(state)
    attempts, first_seen = (former.attempts + 1, former.first_seen) if former else (1, now)
    state.execute(
        "INSERT INTO rejections"
        " (file_id, record, bucket, reason, detail, size, byte_offset, attempts, first_seen, last_seen)"
        " VALUES (:file_id, :record, :bucket, :reason, :detail, :size, :byte_offset, :attempts, :first_seen, :now)",
        {**row, "file_id": file_id, "bucket": bucket, "attempts": attempts, "first_seen": first_seen, "now": now},
    )
    return bucket


def _resolve(state: sqlite3.Connection, article_id: bytes, touched: Touched) -> Iterator[NewArticle]:
    """
    Settle one article whose sources changed: does it live, which source is canonical, where does its row come from.

    Yields the article if it is new, to be placed in a bucket with the others.
    """
    row = state.execute(
        "SELECT bucket, basis, text_sha256 FROM articles WHERE article_id = ?", (article_id,)
    ).fetchone()
    sources = sources_of(state, article_id)
    if row is not None:
        bucket, basis, text = row
        touched.article_buckets.add(bucket)
        touched.texts.add(text)
    if not sources:
        state.execute("DELETE FROM articles WHERE article_id = ?", (article_id,))
        return
    file_id, record, wanted = sources[0]
    fresh = _staged_row(state, [source for source in sources if source[2] == wanted])
    if fresh is not None:
        piece, index, text, text_bytes = fresh
        state.execute("INSERT INTO chosen VALUES (?, ?, ?)", (article_id, piece, index))
        touched.texts.add(text)
        if row is None:
            yield NewArticle(article_id, file_id, record, wanted, text, text_bytes)
            return
        state.execute(
            "UPDATE articles SET basis = ?, text_sha256 = ?, text_bytes = ? WHERE article_id = ?",
            (wanted, text, text_bytes, article_id),
        )
    elif row is None:
        raise StoreError(f"article {article_id.hex()}: has sources, but no row; `pipeline verify` says what to do")
    elif basis != wanted:
        # Its file was to be cleaned again, but that failed: the old row stays until the next run does it.
        state.execute("UPDATE raw_files SET settings = '' WHERE file_id = ?", (file_id,))
    state.execute("UPDATE articles SET file_id = ?, record = ? WHERE article_id = ?", (file_id, record, article_id))


def _staged_row(
    state: sqlite3.Connection, sources: Iterable[tuple[int, int, bytes]]
) -> tuple[int, int, bytes, int] | None:
    """Where this run wrote a row for the first of these sources that it cleaned."""
    for file_id, record, _ in sources:
        row: tuple[int, int, bytes, int] | None = state.execute(
            "SELECT piece, row, text_sha256, text_bytes FROM staged WHERE file_id = ? AND record = ?", (file_id, record)
        ).fetchone()
        if row is not None:
            return row
    return None


def _mark_duplicates(state: sqlite3.Connection, text: bytes, touched: Touched) -> None:
    """Point the articles of one text at the one with the smallest id, which points at none."""
    group = state.execute(
        "SELECT article_id, duplicate_of, bucket FROM articles WHERE text_sha256 = ? ORDER BY article_id", (text,)
    ).fetchall()
    for article_id, duplicate_of, bucket in group:
        first = None if article_id == group[0][0] else group[0][0]
        if duplicate_of != first:
            state.execute("UPDATE articles SET duplicate_of = ? WHERE article_id = ?", (first, article_id))
            touched.article_buckets.add(bucket)
