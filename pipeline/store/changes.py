"""
Take a run's outcome into the state, and note which buckets it touches.

Everything here happens inside the one transaction that is the commit. What is touched is found from the state alone,
so the rows come out the same whatever the order in which files arrived and however many runs they took. Each piece is taken
in by a few statements over all of its rows; `settle.py` then sees to the articles that have other sources now.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.records import RawFile
from pipeline.sources.discover import path_of
from pipeline.store.pieces import PieceReader
from pipeline.store.place import rejected_room
from pipeline.store.settle import SETTLING, settle_articles
from pipeline.store.state import status_of
from pipeline.work import Deltas

_STAGING = """
DROP TABLE IF EXISTS temp.taken;
DROP TABLE IF EXISTS temp.forgotten;
DROP TABLE IF EXISTS temp.refused;
DROP TABLE IF EXISTS temp.former;
CREATE TEMP TABLE taken (       -- the files of a piece, as it has them
    path BLOB PRIMARY KEY,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE forgotten (   -- files whose records are taken out of the state
    file_id INTEGER PRIMARY KEY
);
CREATE TEMP TABLE refused (     -- every record that was rejected in this run
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    basis BLOB NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    byte_offset INTEGER,
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
CREATE TEMP TABLE former (      -- what a rejected record keeps when its file is cleaned again and it is rejected again
    file_id INTEGER NOT NULL,
    record INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (file_id, record)
) WITHOUT ROWID;
"""
_FILE = ["key", "sha256", "begin", "end", "size", "mtime_ns", "ctime_ns", "inode"]
_ARTICLE = ["key", "record", "article_id", "basis", "text_sha256", "text_bytes"]
_REFUSED = ["key", "record", "basis", "reason", "detail", "size", "byte_offset"]
_STAGE = "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REFUSE = "INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)"
_LEAVE_UNREAD = """
DELETE FROM taken WHERE sha256 = '' AND EXISTS (
    SELECT 1 FROM raw_files JOIN records USING (file_id) WHERE path = taken.path AND article_id IS NOT NULL
)
"""
# Of these files alone: a new one may get the number of one that was removed.
_KEEP_FORMER = """
INSERT INTO former SELECT file_id, record, bucket, attempts, first_seen
FROM taken CROSS JOIN raw_files USING (path) CROSS JOIN rejections USING (file_id)
"""
# A file's number stays the same for as long as it is known.
_MAKE_KNOWN = """
INSERT INTO raw_files (path, key, size, mtime_ns, ctime_ns, inode, scanned_ns, sha256, settings)
SELECT path, key, size, mtime_ns, ctime_ns, inode, ?, sha256, ? FROM taken WHERE true
ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns,
    inode = excluded.inode, scanned_ns = excluded.scanned_ns, sha256 = excluded.sha256, settings = excluded.settings
"""
_REFUSE_AGAIN = """
INSERT INTO rejections
    (file_id, record, bucket, reason, detail, size, byte_offset, attempts, first_seen, last_seen)
SELECT file_id, record, bucket, reason, detail, size, byte_offset, attempts + 1, first_seen, ?
FROM refused CROSS JOIN former USING (file_id, record)
"""
_REFUSE_NEW = """
INSERT INTO rejections
    (file_id, record, bucket, reason, detail, size, byte_offset, attempts, first_seen, last_seen)
SELECT file_id, record, :bucket + (:rows - 1 + row_number() OVER (ORDER BY key, record)) / :most,
    reason, detail, refused.size, byte_offset, 1, :now, :now
FROM refused LEFT JOIN former USING (file_id, record) JOIN raw_files USING (file_id) WHERE former.bucket IS NULL
"""


@dataclass(slots=True)
class Touched:
    """What a commit has to look at again."""

    article_buckets: set[int] = field(default_factory=set)
    rejected_buckets: set[int] = field(default_factory=set)
    former_bucket: dict[int, int] = field(default_factory=dict)  # of a changed file's articles, by file number
    rejected_by_reason: Counter[str] = field(default_factory=Counter)  # records of this run
    waiting: set[int] = field(default_factory=set)  # pieces of files of which slices are missing; for the next run
    unread: int = 0  # files that could not be read to the end and stay what they were


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found out, on its way into the state."""

    deltas: Deltas
    pieces: PieceReader
    resumed: Mapping[int, Sequence[RawFile]]  # by piece, for pieces of a run that died: the files to take from it
    settings_digest: str
    scanned_ns: int
    now: int  # microseconds since 1970


class _ReadFile(NamedTuple):
    """A raw file, or a slice of one, as a piece has it."""

    piece: int
    key: str
    status: tuple[int, int, int, int]  # as by `status_of`
    sha256: str  # empty: it could not be read to the end
    bounds: tuple[int, int] | None  # where the slice begins and ends

    @property
    def size(self) -> int:
        return self.status[0]


def open_staging(state: sqlite3.Connection) -> None:
    """Make the temporary tables of a commit; before its transaction, which a script would end."""
    state.executescript(_STAGING + SETTLING)


def apply_changes(state: sqlite3.Connection, outcome: Outcome) -> Touched:
    """Bring the state up to date with the raw folder; the touched buckets are then to be written."""
    touched = Touched()
    removed = [(file_id,) for file_id in outcome.deltas.removed]
    _forget_records(state, removed, touched)
    state.executemany("DELETE FROM raw_files WHERE file_id = ?", removed)
    _rename(state, outcome, touched)
    _refresh(state, (*outcome.deltas.renamed, *outcome.deltas.refreshed), outcome.scanned_ns)
    slices: dict[str, list[_ReadFile]] = defaultdict(list)
    for piece in range(len(outcome.pieces.folders)):
        files = list(_files_to_take(piece, outcome))
        if any(file.bounds for file in files):  # then there is no other
            slices[files[0].key] += files
        else:
            _take_files(state, files, [piece], outcome, touched)
    for key in sorted(slices):
        _take_slices(state, slices[key], outcome, touched)
    state.execute("INSERT INTO records SELECT file_id, record, article_id, basis FROM staged")
    state.execute("INSERT INTO records SELECT file_id, record, NULL, basis FROM refused")
    _keep_rejections(state, outcome.now, touched)
    touched.article_buckets |= settle_articles(state, touched.former_bucket, outcome.now)
    return touched


def _forget_records(state: sqlite3.Connection, files: Iterable[tuple[int]], touched: Touched) -> None:
    """Take the records of files, by their numbers, out of the state."""
    state.execute("DELETE FROM forgotten")
    state.executemany("INSERT INTO forgotten VALUES (?)", files)
    state.execute(
        "INSERT OR IGNORE INTO touched"
        " SELECT article_id FROM forgotten CROSS JOIN records USING (file_id) WHERE article_id IS NOT NULL"
    )
    buckets = state.execute(
        "SELECT file_id, min(bucket) FROM forgotten CROSS JOIN records USING (file_id)"
        " CROSS JOIN articles USING (article_id, file_id) GROUP BY file_id"
    )
    touched.former_bucket.update(buckets)
    rejected = state.execute("SELECT DISTINCT bucket FROM forgotten CROSS JOIN rejections USING (file_id)")
    touched.rejected_buckets.update(bucket for (bucket,) in rejected)
    state.execute("DELETE FROM records WHERE file_id IN (SELECT file_id FROM forgotten)")
    state.execute("DELETE FROM rejections WHERE file_id IN (SELECT file_id FROM forgotten)")


def _rename(state: sqlite3.Connection, outcome: Outcome, touched: Touched) -> None:
    """Move files to their new keys: their records stay what they are, only sources change."""
    renamed = outcome.deltas.renamed
    names = ((path_of(file.key), file.key, file_id) for file_id, file in renamed)
    state.executemany("UPDATE raw_files SET path = ?, key = ? WHERE file_id = ?", names)
    for file_id, _ in renamed:
        state.execute(
            "INSERT OR IGNORE INTO touched SELECT article_id FROM records WHERE file_id = ? AND article_id IS NOT NULL",
            (file_id,),
        )
        buckets = state.execute("SELECT DISTINCT bucket FROM rejections WHERE file_id = ?", (file_id,))
        touched.rejected_buckets.update(bucket for (bucket,) in buckets)


def _refresh(state: sqlite3.Connection, files: Iterable[tuple[int, RawFile]], scanned_ns: int) -> None:
    state.executemany(
        "UPDATE raw_files SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, scanned_ns = ? WHERE file_id = ?",
        ((*status_of(file), scanned_ns, file_id) for file_id, file in files),
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
    return [*(begin for begin, _ in bounds), slices[0].size] == ends and len({part.sha256 for part in slices}) == 1


def _take_files(
    state: sqlite3.Connection, files: Iterable[_ReadFile], pieces: Iterable[int], outcome: Outcome, touched: Touched
) -> None:
    """
    Replace the records of files by what stands of them in pieces, whose other rows are passed over.

    A file that could not be read to the end is not known to have lost anything: if it gave articles before, they stay, and the
    next run tries again. If not, what was read of it before is void.
    """
    state.execute("DELETE FROM taken")
    rows = ((path_of(read.key), read.key, *read.status, read.sha256) for read in files)
    state.executemany("INSERT INTO taken VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    touched.unread += state.execute(_LEAVE_UNREAD).rowcount
    state.execute(_KEEP_FORMER)
    known = state.execute("SELECT file_id FROM taken CROSS JOIN raw_files USING (path)").fetchall()
    _forget_records(state, known, touched)
    state.execute(_MAKE_KNOWN, (outcome.scanned_ns, outcome.settings_digest))
    numbered = state.execute("SELECT taken.key, file_id, taken.sha256 FROM taken CROSS JOIN raw_files USING (path)")
    whole: dict[str, int] = {}
    unread: dict[str, int] = {}
    for key, file_id, sha256 in numbered:
        (whole if sha256 else unread)[key] = file_id
    for piece in pieces:
        state.executemany(_STAGE, _articles_to_take(piece, outcome, whole))
        state.executemany(_REFUSE, _rejections_to_take(piece, outcome, whole, unread))


def _articles_to_take(piece: int, outcome: Outcome, numbers: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    """The rows of `staged` for a piece's articles of these files."""
    for row, (key, record, article_id, basis, text, size) in enumerate(
        outcome.pieces.values(piece, "articles", _ARTICLE)
    ):
        if key in numbers:
            yield numbers[key], record, bytes.fromhex(article_id), basis, piece, row, bytes.fromhex(text), size


def _rejections_to_take(
    piece: int, outcome: Outcome, whole: Mapping[str, int], unread: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    """The rows of `refused` for a piece's files; for one that could not be read to the end only the last, which says so."""
    last: dict[int, tuple[Any, ...]] = {}
    for key, *rest in outcome.pieces.values(piece, "rejected", _REFUSED):
        if key in whole:
            yield whole[key], *rest
        elif key in unread:
            last[unread[key]] = (unread[key], *rest)
    yield from last.values()


def _keep_rejections(state: sqlite3.Connection, now: int, touched: Touched) -> None:
    """Note what was rejected: a record that was tried before keeps its bucket, others go where there is room."""
    state.execute(_REFUSE_AGAIN, (now,))
    state.execute(_REFUSE_NEW, {**rejected_room(state)._asdict(), "now": now})
    buckets = state.execute("SELECT DISTINCT bucket FROM refused CROSS JOIN rejections USING (file_id, record)")
    touched.rejected_buckets.update(bucket for (bucket,) in buckets)
    touched.rejected_by_reason.update(dict(state.execute("SELECT reason, count(*) FROM refused GROUP BY reason")))


def _files_to_take(piece: int, outcome: Outcome) -> Iterator[_ReadFile]:
    """The files of a piece: all of them, or what of them is taken over, as they are now."""
    now = {file.key: status_of(file) for file in outcome.resumed.get(piece, ())}
    for key, sha256, begin, end, *status in outcome.pieces.values(piece, "files", _FILE):
        if piece not in outcome.resumed or key in now:
            size, mtime_ns, ctime_ns, inode = now.get(key, status)
            bounds = None if begin is None else (begin, end)
            yield _ReadFile(piece, key, (size, mtime_ns, ctime_ns, inode), sha256, bounds)
