"""
A raw folder that changes at random, real runs over it, and what its tables must be, worked out from the raw files alone.

Only the cleaner is a stand-in, so that a run takes hundredths of a second: a line is furniture or it is not.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

from pipeline.plan import PlanOptions
from pipeline.records import (
    Article,
    Document,
    MediaType,
    Metadata,
    Quality,
    RawRecord,
    Reason,
    Rejection,
    RejectReason,
    RemovedLine,
)
from pipeline.report import RunReport
from pipeline.rules import Rules
from pipeline.run import run_directly
from pipeline.store import current_snapshot
from pipeline.store.snapshots import Snapshot, read_snapshot_table, remove_old
from pipeline.voices import Voices
from tests.stub_model import StubModel

FURNITURE = "Share this"
QUALITY = Quality(4.5, 1.0, 1.0, 0.0, 0.0)
PLAIN = Voices(Rules((), "rules-1"))
BUCKET_ROWS = 8  # few, so that tables have several parts
SHARD_FILES = 6
ANCHORS = 4  # files that are changed, but never deleted: some readers fail on a folder without parts
KINDS = ("add", "change", "delete", "rename", "duplicate")


def dump(town: int, furniture: int = 0) -> bytes:
    """A raw file: with other numbers of furniture lines, other bytes of the same text."""
    return (f"{FURNITURE}\n" * furniture + f"The ferry to town {town} left at six.\n").encode()


def clean_trivially(records: Sequence[RawRecord], voices: Voices) -> list[Article | Rejection]:
    """A cleaner that keeps every line but furniture, and rejects what holds no text."""
    return [_clean(record) for record in records]


def _clean(record: RawRecord) -> Article | Rejection:
    text, kept, removed = read_dump(record.data)
    if not kept:
        return Rejection(record.source, record.raw_sha256, RejectReason.EMPTY, "no text", len(record.data))
    return Article(
        Document(
            record.source,
            record.article_id,
            record.raw_sha256,
            MediaType.TEXT,
            record.data.decode(),
            encoding="utf-8",
            encoding_source="utf-8",
        ),
        Metadata(site=record.site),
        text,
        kept_lines=kept,
        removed=tuple(RemovedLine(*line, FURNITURE, Reason.SHARE, "furniture", 1.0) for line in removed),
        removed_share=0.0,
        word_count=len(text.split()),
        language_score=None,
        quality=QUALITY,
    )


def read_dump(data: bytes) -> tuple[str, tuple[int, ...], list[tuple[int, int, int]]]:
    """A dump's text, the numbers of its lines, and number, start and end of each line of furniture."""
    kept: list[tuple[int, str]] = []
    removed: list[tuple[int, int, int]] = []
    start = 0
    for number, line in enumerate(data.decode().split("\n"), start=1):
        if line == FURNITURE:
            removed.append((number, start, start + len(line)))
        elif line:
            kept.append((number, line))
        start += len(line) + 1
    return "\n".join(line for _, line in kept), tuple(number for number, _ in kept), removed


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of all tables, sorted; a row that is there twice stands here twice."""

    articles: tuple[tuple[object, ...], ...]
    removed_lines: tuple[tuple[object, ...], ...]
    rejected: tuple[tuple[object, ...], ...]

    @property
    def digest(self) -> str:
        """Names the rows of `articles`, without who made them."""
        return digest_of_rows(row[:5] for row in self.articles)


SEEN = ["article_id", "source", "sources", "text", "duplicate_of"]
"""What readers look at."""


def digest_of_rows(rows: Iterator[tuple[object, ...]]) -> str:
    """One value for rows of the columns `SEEN`, whatever their order."""
    return hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()[:16]


def expected(raw: Mapping[str, bytes], voices: Voices = PLAIN) -> Tables:
    """What the tables must hold for raw files with these names and bytes, without any of the store's code."""
    sources: dict[bytes, list[str]] = defaultdict(list)
    for key, data in raw.items():
        sources[data].append(f"{key}#1")
    ids = {data: hashlib.sha256(data).hexdigest()[:32] for data in sources if read_dump(data)[1]}
    first: dict[str, str] = {}
    for data, article_id in sorted(ids.items(), key=lambda item: item[1]):
        first.setdefault(read_dump(data)[0], article_id)
    articles = []
    for data, article_id in ids.items():
        text = read_dump(data)[0]
        names = tuple(sorted(sources[data]))
        duplicate_of = None if first[text] == article_id else first[text]
        made_with = (voices.rules.digest, voices.model_version)
        articles.append((article_id, names[0], names, text, duplicate_of, made_with))
    removed = [(ids[data], *line) for data in ids for line in read_dump(data)[2]]
    rejected = [(source,) for data in sources if data not in ids for source in sources[data]]
    return Tables(tuple(sorted(articles)), tuple(sorted(removed)), tuple(sorted(rejected)))


def found(clean: Path, snapshot: Snapshot | None = None) -> Tables:
    """What the tables hold, of the published snapshot unless another is given."""
    snapshot = snapshot or current_snapshot(clean)
    articles = [
        (*(tuple(row[name]) if name == "sources" else row[name] for name in SEEN), _made_with(row))
        for row in read_snapshot_table(snapshot, "articles").to_pylist()
    ]
    removed = [
        (row["article_id"], row["line"], row["start"], row["end"])
        for row in read_snapshot_table(snapshot, "removed_lines").to_pylist()
    ]
    rejected = [(row["source"],) for row in read_snapshot_table(snapshot, "rejected").to_pylist()]
    return Tables(tuple(sorted(articles)), tuple(sorted(removed)), tuple(sorted(rejected)))


def _made_with(row: Mapping[str, object]) -> tuple[object, object]:
    return row["rules_digest"], row["model_version"]


def raw_bytes(raw: Path) -> dict[str, bytes]:
    """All raw files by their keys."""
    return {path.relative_to(raw).as_posix(): path.read_bytes() for path in raw.rglob("*.txt")}


def begin(raw: Path) -> Path:
    """A raw folder with enough files for several shards and parts."""
    (raw / "more").mkdir(parents=True)
    for number in range(ANCHORS):
        (raw / f"{number}.txt").write_bytes(dump(number))
    for number in range(ANCHORS, 20):
        (raw / "more" / f"{number}.txt").write_bytes(dump(number % 15, number % 3))
    (raw / "empty.txt").write_bytes(b"")
    return raw


def change(raw: Path, chance: Random) -> None:
    """Add, change, delete, rename or copy a few raw files."""
    for _ in range(chance.randint(1, 4)):
        files = sorted(raw.joinpath("more").iterdir())
        kind = chance.choice(KINDS) if files else "add"
        fresh = raw / "more" / f"{chance.randrange(40)}.txt"
        data = dump(chance.randrange(15), chance.randrange(3)) if chance.random() < 0.9 else b""
        match kind:
            case "add":
                fresh.write_bytes(data)
            case "change":
                anchor = raw / f"{chance.randrange(ANCHORS)}.txt"
                (chance.choice(files) if chance.random() < 0.7 else anchor).write_bytes(data or dump(0))
            case "delete":
                chance.choice(files).unlink()
            case "rename":
                chance.choice(files).replace(fresh)
            case "duplicate":
                fresh.write_bytes(chance.choice(files).read_bytes())


def change_alike(raw: Path, number: int) -> Tables:
    """Change files of two parts, and one that is rejected, so that each run takes the same steps; what is to come."""
    (raw / "0.txt").write_bytes(dump(100 + number, furniture=number % 2 + 1))
    (raw / "more/17.txt").write_bytes(dump(10_000 + number))
    (raw / "empty.txt").write_bytes(b"\n" * (number + 1))
    return expected(raw_bytes(raw))


@contextmanager
def small_parts(keep: int = 3, seconds: float = 60.0) -> Iterator[None]:
    """Parts of few rows, and replaced snapshots that go after seconds, not after a day."""
    with ExitStack() as stack:
        stack.enter_context(patch("pipeline.store.place.BUCKET_ROWS", BUCKET_ROWS))
        stack.enter_context(patch("pipeline.store.commit.remove_old", partial(remove_old, keep=keep, seconds=seconds)))
        yield


def run(raw: Path, clean: Path, voices: Voices = PLAIN, workers: int = 1) -> RunReport:
    """One real run, but for the cleaner."""
    options = PlanOptions(shard_size=SHARD_FILES, settle=0, allow_mass_delete=True)
    with (
        patch("pipeline.run.load_voices", lambda _manner: voices),
        patch("pipeline.shards.load_voices", lambda _manner: voices),
    ):
        return run_directly(raw, clean, workers=workers, options=options, cleaner=clean_trivially)


def voices_of(rules: int, model: int) -> Voices:
    """Voices of other versions; the trivial cleaner heeds none of them."""
    return Voices(Rules((), f"rules-{rules}"), StubModel({}, f"model-{model}") if model else None)  # type: ignore[arg-type]
