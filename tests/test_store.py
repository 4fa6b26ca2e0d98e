"""The store: what readers see, what survives a killed run, and what `verify` finds."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import StoreError
from pipeline.store import (
    articles_path,
    current_snapshot,
    place,
    read_articles,
    read_table,
    rejected_path,
    removed_lines_path,
    status,
    verify,
)
from pipeline.store.findings import NEXT_RUN, NOT_CURRENT, REMOVE, RERUN
from pipeline.store.layout import Layout, hold_lock
from pipeline.store.snapshots import remove_old
from pipeline.tables import ARTICLES, REJECTED, SCHEMA_VERSION, TABLES
from pipeline.voices import load_voices
from tests.store_cases import by_source, published_bytes, rows, run, story, write

ROOT = Path(__file__).parent.parent


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write(folder, {"a.txt": story("Ems"), "b.txt": story("Weser"), "site.example/c.txt": story("Elbe"), "d.txt": ""})
    return folder


@pytest.fixture
def clean(raw: Path, tmp_path: Path) -> Path:
    """A store after one run over `raw`."""
    run(raw, tmp_path / "clean")
    return tmp_path / "clean"


def test_every_reader_opens_the_tables(clean: Path) -> None:
    """pandas, polars, DuckDB and pyarrow read the same articles from the plain folder."""
    folder = clean / "articles"
    sources = ["a.txt#1", "b.txt#1", "site.example/c.txt#1"]

    assert pd.read_parquet(folder)["source"].tolist() == sources
    assert pl.read_parquet(folder)["source"].to_list() == sources
    assert duckdb.read_parquet(f"{folder}/*.parquet").order("source").project("source").fetchall() == [
        (source,) for source in sources
    ]
    assert read_articles(clean)["source"].to_pylist() == sources
    assert str(pd.read_parquet(folder)["ingested_at"].dtype) == "datetime64[us, UTC]"


def test_hugging_face_datasets_opens_the_tables(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_dataset` takes the published folder as it is, without a network."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))  # read when datasets is imported, which is here
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    for table, wanted in TABLES.items():
        loaded = load_dataset("parquet", data_dir=str(clean / table), cache_dir=str(tmp_path / "cache"), split="train")

        assert loaded.column_names == wanted.names
        assert loaded.to_list() == rows(clean, table)


def test_parts_are_written_as_the_measurements_say(clean: Path) -> None:
    """Fixed schema, zstd, page checksums that verify, no statistics over texts, and versions in the footer."""
    (part,) = articles_path(clean).iterdir()
    file = pq.ParquetFile(part, page_checksum_verification=True)
    column = file.metadata.row_group(0).column(ARTICLES.names.index("text"))

    assert part.name == "part-000001.parquet"
    assert file.schema_arrow.remove_metadata().equals(ARTICLES)
    assert (column.compression, column.is_stats_set, "DICTIONARY" in str(column.encodings)) == ("ZSTD", False, False)
    footer = {key.decode(): value.decode() for key, value in pq.read_schema(part).metadata.items()}
    settings = load_voices().settings
    assert footer == {
        "schema_version": str(SCHEMA_VERSION),
        "cleaner_version": settings.cleaner_version,
        "rules_digest": settings.rules_digest,
        "model_version": settings.model_version,
        "snapshot": "1",
    }
    assert file.read().num_rows == 3


def test_listed_folders_hold_nothing_but_parts(clean: Path) -> None:
    """No reader is ever shown a lock, a temporary file or a read-me."""
    names = [path.name for table in TABLES for path in (clean / table).iterdir()]

    assert names == ["part-000001.parquet"] * 3


def test_a_table_without_rows_reads_as_empty(raw: Path, clean: Path) -> None:
    """With nothing rejected there is no part, and the library still gives a table with its columns."""
    (raw / "d.txt").unlink()
    run(raw, clean)

    assert list(rejected_path(clean).iterdir()) == []
    assert read_table("rejected", clean).equals(REJECTED.empty_table())


def test_paths_of_one_resolution_are_one_commit(raw: Path, clean: Path) -> None:
    """Paths taken before a run still read as they did after it; fresh ones show the new commit."""
    before = current_snapshot(clean)
    seen = pl.read_parquet(before.articles)
    write(raw, {"a.txt": story("Aller")})
    run(raw, clean)

    assert pl.read_parquet(before.articles).equals(seen)
    assert current_snapshot(clean).number == before.number + 1
    assert articles_path(clean) != before.articles
    assert removed_lines_path(clean).parent == articles_path(clean).parent


def test_a_folder_without_a_store_says_so(tmp_path: Path) -> None:
    """Readers, status and verify name the command that makes a store; looking makes nothing."""
    for look in (articles_path, read_articles, status, verify):
        with pytest.raises(StoreError, match="pipeline run"):
            look(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_stands_in_the_place_of_a_table_is_not_overwritten(raw: Path, tmp_path: Path) -> None:
    """A user's own file or folder is never replaced by a link of the store."""
    write(tmp_path, {"other/articles/mine.txt": "mine"})

    with pytest.raises(StoreError, match="move it away"):
        run(raw, tmp_path / "other")

    assert (tmp_path / "other/articles/mine.txt").read_text(encoding="utf-8") == "mine"
    assert not Layout(tmp_path / "other").state.exists()


def test_untouched_parts_are_not_written_again(raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of one file among many leaves the parts of the others as they are on disk."""
    monkeypatch.setattr(place, "BUCKET_ROWS", 20)
    write(raw, {f"many/{number:04}.txt": story(f"Town {number}") for number in range(20)})
    run(raw, clean)
    before = published_bytes(clean)
    assert {key for key in before if key.startswith("articles")} == {
        "articles/part-000001.parquet",
        "articles/part-000002.parquet",
    }
    write(raw, {"many/0001.txt": story("a place renamed")})

    run(raw, clean)

    after = published_bytes(clean)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"articles/part-000001.parquet", "removed_lines/part-000001.parquet"}
    assert len(rows(clean)) == 23
    assert verify(clean) == []


def sizes(clean: Path) -> list[int]:
    """How many articles each part holds."""
    return [pq.read_metadata(part).num_rows for part in sorted(articles_path(clean).iterdir())]


def test_long_articles_fill_a_part_by_their_bytes(raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few they are; one that is longer than a part may be has one to itself."""
    write(raw, {f"many/{number:04}.txt": story(f"Town {number}") for number in range(7)})
    write(raw, {"many/0007.txt": story("Endless" * 1_000), "many/0008.txt": story("Town 8")})
    monkeypatch.setattr(place, "BUCKET_BYTES", 4 * len(story("Town 0")))

    run(raw, clean)

    texts = [pl.read_parquet(part)["text"].to_list() for part in sorted(articles_path(clean).iterdir())]
    assert list(map(len, texts)) == [4, 4, 2, 1, 1]
    assert [len(text) > place.BUCKET_BYTES for part in texts for text in part] == [False] * 10 + [True, False]
    assert verify(clean) == []


def test_parts_fuller_than_they_may_be_now_stay_as_they_are(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version filled them; they take nothing more, and what changes in them moves out."""
    run(raw, clean)
    before = published_bytes(clean)
    (held,) = sizes(clean)
    monkeypatch.setattr(place, "BUCKET_BYTES", len(story("")))

    write(raw, {"new.txt": story("Neuwerk")})
    run(raw, clean)
    assert sizes(clean) == [held, 1]
    assert before.items() <= published_bytes(clean).items()

    write(raw, {"a.txt": story("a place that is renamed")})
    run(raw, clean)
    assert sizes(clean) == [held - 1, 1, 1]
    assert verify(clean, raw) == []


def test_readers_see_whole_commits_while_runs_go_on(raw: Path, clean: Path) -> None:
    """Each read of a resolved path is one commit: all rows of one generation, never a torn file."""
    wrong: list[object] = []
    reads = 0
    done = threading.Event()

    def read() -> None:
        nonlocal reads
        while not done.is_set():
            snapshot = current_snapshot(clean)
            texts = pl.read_parquet(snapshot.articles)["text"].to_list()
            generations = {text.rpartition("generation ")[2][:2] for text in texts}
            if len(texts) != 4 or len(generations) != 1:
                wrong.append(texts)
            if pd.read_parquet(snapshot.removed_lines)["article_id"].nunique() > 4:
                wrong.append(snapshot)
            reads += 1

    def generation(number: int) -> dict[str, str]:
        return {f"{name}.txt": story(f"{name} of generation {number:02}") for name in ("a", "b", "e", "f")}

    (raw / "site.example/c.txt").unlink()
    write(raw, generation(0))
    run(raw, clean)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 7):
        write(raw, generation(number))
        run(raw, clean)
    done.set()
    for reader in readers:
        reader.join()

    assert wrong == []
    assert reads > 6


KILLED_AT = {
    "parts-written": ("pipeline.store.commit.build", "before"),
    "snapshot-built": ("pipeline.store.commit.build", "after"),
    "committed": ("pipeline.store.commit.publish", "before"),
    "published": ("pipeline.store.commit.remove_orphans", "before"),
}
_KILL = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
module, _, name = sys.argv[3].rpartition(".")
real = getattr(import_module(module), name)
def dying(*arguments):
    if sys.argv[4] == "after":
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(import_module(module), name, dying)
from tests.store_cases import run
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_killed_run_is_finished_or_forgotten(raw: Path, clean: Path, point: str) -> None:
    """Readers see the old commit or the new one, nothing between; the next run goes on from there."""
    before = by_source(clean)
    write(raw, {"a.txt": story("Aller"), "new.txt": story("Leine")})
    (raw / "b.txt").unlink()
    arguments = [sys.executable, "-c", _KILL, str(raw), str(clean), *KILLED_AT[point]]
    killed = subprocess.run(arguments, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL

    seen = by_source(clean)
    if point == "published":
        assert set(seen) == {"a.txt#1", "new.txt#1", "site.example/c.txt#1"}
    else:
        assert seen == before
    report = run(raw, clean)

    assert report.records == (2 if point in {"parts-written", "snapshot-built"} else 0)
    assert set(by_source(clean)) == {"a.txt#1", "new.txt#1", "site.example/c.txt#1"}
    assert "Aller" in by_source(clean)["a.txt#1"]["text"]
    assert verify(clean) == []


def test_a_lost_snapshot_folder_is_linked_again(raw: Path, clean: Path) -> None:
    """Snapshots are but links to parts: the next run makes the current one anew."""
    shutil.rmtree(Layout(clean).snapshots / "00000001")
    assert any("is gone from the snapshot" in finding.what for finding in verify(clean))

    report = run(raw, clean)

    assert (report.published, report.snapshot, len(rows(clean))) == (False, 1, 3)
    assert verify(clean) == []


def test_old_snapshots_go_but_not_while_they_may_be_read(raw: Path, clean: Path) -> None:
    """The last few are kept, and all that were current within the keeping time."""
    layout = Layout(clean)
    for number in range(5):
        write(raw, {"a.txt": story(f"Town {number}")})
        run(raw, clean)
    assert len(list(layout.snapshots.iterdir())) == 6

    with hold_lock(layout):
        remove_old(layout, keep=3, seconds=3600)
        assert len(list(layout.snapshots.iterdir())) == 6
        remove_old(layout, keep=3, seconds=0)

    assert sorted(path.name for path in layout.snapshots.iterdir()) == ["00000004", "00000005", "00000006"]
    assert verify(clean) == []


def test_status_tells_what_the_store_holds(clean: Path) -> None:
    """Counts and sizes are those of the last commit."""
    found = status(clean)

    assert (found.snapshot, found.raw_files, found.articles, found.sources, found.rejected) == (1, 4, 3, 3, 1)
    assert found.raw_bytes == sum(len(story(name)) for name in ("Ems", "Weser", "Elbe"))
    assert found.parquet_bytes == sum(len(content) for content, _, _ in published_bytes(clean).values())
    assert found.store_bytes > found.parquet_bytes
    assert [(kept.number, kept.bytes) for kept in found.snapshots] == [(1, found.parquet_bytes)]
    assert found.last_run is not None
    assert found.last_run.articles == 3


def _part(clean: Path, table: str = "articles") -> Path:
    (part,) = (Layout(clean).parts / table).iterdir()
    return part


def _flip_a_byte(clean: Path) -> None:
    part = _part(clean)
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 0xFF
    part.write_bytes(content)


def _edit(table: str, column: str, value: object, footer: dict[bytes, bytes] | None = None) -> Callable[[Path], None]:
    """Give the first row of a table another value, as a faulty program would have committed it."""

    def edit(clean: Path) -> None:
        part = _part(clean, table)
        found = pq.read_schema(part).metadata | (footer or {})
        content = pq.read_table(part).to_pylist()
        content[0][column] = value
        changed = pa.Table.from_pylist(content, schema=TABLES[table].with_metadata(found))
        pq.write_table(changed, part, write_page_checksum=True)
        _tell_state(clean, "UPDATE parts SET sha256 = ? WHERE part_of = ?", _digest(part), table)

    return edit


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tell_state(clean: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(Layout(clean).state) as state:
        state.execute(statement, values)
    state.close()


def _state(statement: str) -> Callable[[Path], None]:
    return lambda clean: _tell_state(clean, statement)


def _point_elsewhere(clean: Path) -> None:
    Layout(clean).current.unlink()
    Layout(clean).current.symlink_to("snapshots")


def _other_text(clean: Path) -> None:
    """A text whose hash agrees with it, but which is not what was committed."""
    text = "Something else, of the same lines."
    _edit("articles", "text", text)(clean)
    _edit("articles", "text_sha256", hashlib.sha256(text.encode()).hexdigest())(clean)


def _replace_link(clean: Path) -> None:
    target = (clean / "articles").resolve()
    (clean / "articles").unlink()
    shutil.copytree(target, clean / "articles")


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "flipped byte": (_flip_a_byte, "part-000001.00000001.parquet: (its bytes|cannot be read)"),
    "part truncated": (lambda clean: os.truncate(_part(clean), 100), "cannot be read"),
    "part deleted": (lambda clean: _part(clean).unlink(), "cannot be read"),
    "part gone from the snapshot": (
        lambda clean: next(articles_path(clean).iterdir()).unlink(),
        "is gone from the snapshot",
    ),
    "part replaced by a copy": (
        lambda clean: shutil.move(shutil.copy(_part(clean), clean / "copy"), next(articles_path(clean).iterdir())),
        "is not the part that was committed",
    ),
    "foreign file": (
        lambda clean: (articles_path(clean) / ".notes").write_text("x", encoding="utf-8"),
        "readers see it",
    ),
    "orphan": (lambda clean: (Layout(clean).parts / "articles" / "x.parquet").touch(), "belongs to no commit"),
    "link elsewhere": (_point_elsewhere, "points at"),
    "link replaced": (_replace_link, "is no symbolic link"),
    "state damaged": (lambda clean: Layout(clean).state.write_bytes(b"SQLite?" * 600), "state.sqlite"),
    "text edited": (_edit("articles", "text", "Something else."), "text_sha256"),
    "lines out of order": (_edit("articles", "kept_lines", [5, 3]), "do not ascend"),
    "count edited": (_edit("articles", "removed_lines", 7), "counts 7 removed lines"),
    "id edited": (_edit("articles", "article_id", "0" * 32), "the place the state says"),
    "id twice": (
        lambda clean: _edit("articles", "article_id", by_source(clean)["b.txt#1"]["article_id"])(clean),
        "more than once",
    ),
    "source edited": (_edit("articles", "source", "x.txt#1"), "its source is not what the state says"),
    "sources edited": (_edit("articles", "sources", ["x.txt#1"]), "its sources is not what the state says"),
    "unknown reason": (_edit("removed_lines", "reason", "whim"), "unknown reason, 'whim'"),
    "ledger of nobody": (_edit("removed_lines", "article_id", "0" * 32), "not in their part of articles"),
    "ledger text edited": (_edit("removed_lines", "text", "x" * 18), "does not stand at its place in the raw file"),
    "ledger span edited": (_edit("removed_lines", "end", 3), "is not as long as its text"),
    "another text": (_other_text, "its text is not the one the state knows"),
    "versions edited": (_edit("articles", "rules_digest", "other"), "not those its raw file was cleaned with"),
    "footer edited": (
        _edit("rejected", "reason", "empty", {b"snapshot": b"7"}),
        "footer does not name the versions",
    ),
    "snapshot of no commit": (
        lambda clean: (Layout(clean).snapshots / "00000009").mkdir(),
        "00000009: belongs to no commit",
    ),
    "sources miscounted": (_state("UPDATE parts SET sources = sources + 1"), "sources are counted wrongly"),
    "part forgotten": (_state("DELETE FROM parts WHERE part_of = 'articles'"), "its rows have no part"),
    "raw file forgotten": (_state("DELETE FROM raw_files WHERE file_id = 1"), "belongs to no raw file"),
    "part of nothing": (
        _state("INSERT INTO parts SELECT part_of, 99, name, row_count, bytes, sha256, sources FROM parts"),
        "a part without rows, or of no bucket",
    ),
    "stray shard": (lambda clean: (Layout(clean).pieces / "x").mkdir(), "is no whole shard"),
    "rejected edited": (_edit("rejected", "attempts", 9), "its rows are not what the state says"),
    "rejection lost": (_state("DELETE FROM rejections"), "not in exactly one table"),
    "record lost": (_state("DELETE FROM records WHERE article_id IS NULL"), "belongs to no record"),
    "article lost": (_state("DELETE FROM articles WHERE file_id = 1"), "not in exactly one table"),
    "duplicate made up": (
        _state("UPDATE articles SET duplicate_of = article_id WHERE file_id = 1"),
        "duplicate_of is not the smallest id",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_finds_every_kind_of_damage(clean: Path, damage: str) -> None:
    """Whatever is planted, a finding names it and says what to do, and nothing is changed by looking."""
    plant, what = DAMAGE[damage]
    assert verify(clean) == []
    plant(clean)

    findings = verify(clean)

    assert any(re.search(what, str(finding)) for finding in findings), findings
    assert all(finding.remedy for finding in findings)
    assert verify(clean) == findings


def test_a_damaged_older_snapshot_is_found(raw: Path, clean: Path) -> None:
    """A snapshot that was replaced is promised to be readable for a day."""
    before = current_snapshot(clean)
    write(raw, {"a.txt": story("Aller")})
    run(raw, clean)
    assert verify(clean) == []
    os.truncate(before.articles / "part-000001.parquet", 100)

    (finding,) = verify(clean)

    assert str(before.articles) in finding.where
    assert "goes by itself" in finding.remedy


def test_every_remedy_is_explained() -> None:
    """README.md says more about what to do than fits into a line of `verify`."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())

    for remedy in (NEXT_RUN, RERUN, REMOVE, NOT_CURRENT):
        assert f"`{remedy}`" in readme


@pytest.mark.parametrize(("call", "missing"), [("link", "hard links"), ("symlink", "symbolic links")])
def test_a_file_system_without_links_is_refused_at_once(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, missing: str
) -> None:
    """FAT answers so on Linux; the error says what is missing and where, before any work is done."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, call, refuse)

    with pytest.raises(StoreError, match=rf"{re.escape(str(tmp_path / 'usb'))}.*cannot make {missing} here.*ext4"):
        run(raw, tmp_path / "usb")
    assert not Layout(tmp_path / "usb").state.exists()


def test_a_system_without_file_locks_is_refused_at_once(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has no flock, and some network folders answer with an error; neither ends in a traceback."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.layout.fcntl.flock", refuse)
        with pytest.raises(StoreError, match="cannot be locked with flock: No locks available"):
            run(raw, tmp_path / "network")
    monkeypatch.setattr("pipeline.store.layout.fcntl", None)
    with pytest.raises(StoreError, match=r"this system has no file locks \(flock\)"):
        run(raw, tmp_path / "windows")
    assert not (tmp_path / "windows").exists()


def test_a_lost_line_is_found_by_the_raw_file(clean: Path) -> None:
    """A line that is neither kept nor removed breaks the conservation law, though the tables agree with each other."""
    text = by_source(clean)["a.txt#1"]["text"].split("\n\n")[0]
    _edit("articles", "text", text)(clean)
    _edit("articles", "text_sha256", hashlib.sha256(text.encode()).hexdigest())(clean)
    _edit("articles", "kept_lines", [3])(clean)

    assert "neither kept nor removed" in "\n".join(map(str, verify(clean)))


def test_whatever_byte_of_a_part_is_flipped_the_part_is_named(clean: Path) -> None:
    """Arrow has no exception of its own for some damage of a footer, such as a name that is no UTF-8."""
    part = _part(clean)
    content = part.read_bytes()
    for at in range(0, len(content), max(len(content) // 150, 1)):
        part.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])

        assert any(str(part) in finding.where for finding in verify(clean)), at


def test_a_page_that_hides_its_text_is_in_order(tmp_path: Path) -> None:
    """A row made of what a page declares says so, and `verify` does not look for its lines on the page."""
    raw, clean = tmp_path / "pages", tmp_path / "clean"
    data = json.dumps({"@type": "NewsArticle", "articleBody": story("Ems") + "\n\n" + story("Elbe")})
    write(raw, {"page.html": f'<script type="application/ld+json">{data}</script><p>Subscribe to read this story.</p>'})
    run(raw, clean)

    assert by_source(clean)["page.html#1"]["html_engine"] == "declared"
    assert verify(clean) == []


def test_a_lost_line_of_a_page_is_found_too(tmp_path: Path) -> None:
    """The law holds for all that a page shows: menus are in the ledger, not left out."""
    paragraphs = "".join(f"<p>{line}</p>" for line in story("Ems").split("\n") if line)
    raw, clean = tmp_path / "pages", tmp_path / "clean"
    write(raw, {"page.html": f"<nav><a href=/>Home</a></nav><article>{paragraphs}</article>"})
    run(raw, clean)
    row = by_source(clean)["page.html#1"]

    assert row["html_engine"] == "lines"
    assert len(row["kept_lines"]) + row["removed_lines"] > len(row["kept_lines"])
    assert verify(clean) == []
    lines = row["text"].split("\n\n")
    _edit("articles", "text", lines[0])(clean)
    _edit("articles", "text_sha256", hashlib.sha256(lines[0].encode()).hexdigest())(clean)
    _edit("articles", "kept_lines", row["kept_lines"][:1])(clean)
    assert "neither kept nor removed" in "\n".join(map(str, verify(clean)))
