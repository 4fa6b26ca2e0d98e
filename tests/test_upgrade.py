"""A new version of the program: other columns come as one snapshot, and an older state is brought up to date."""

import hashlib
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.clean import clean_records
from pipeline.errors import StoreError, StoreRefused
from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, RawRecord, Rejection
from pipeline.run import clean_shard, load_voices, open_store, plan_run, run_directly
from pipeline.settings import Settings
from pipeline.store import articles_path, current_snapshot, read_table, status, verify
from pipeline.store.layout import Layout
from pipeline.store.state import STATE_VERSION
from pipeline.tables import SCHEMA_VERSION, TABLES
from pipeline.voices import Voices
from tests.store_cases import by_source, lasting, rows, run, story, write

OLD = 1
"""The first version: no column `duplicate_line_share` but one named `score`, and no model in the footers."""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write(folder, {f"{name}.txt": story(name) for name in ("Ems", "Weser", "Elbe", "Aller", "Leine")})
    write(folder, {"void.txt": "", "copy.txt": story("Ems")})
    return folder


@pytest.fixture
def clean(raw: Path, tmp_path: Path) -> Path:
    """A store as the older version left it."""
    clean = tmp_path / "clean"
    run(raw, clean)
    layout = Layout(clean)
    settings = load_voices().settings
    older = Settings(settings.rules_digest, settings.cleaner_version, settings.model_version, OLD)
    with sqlite3.connect(layout.state) as state:
        for table, name in state.execute("SELECT part_of, name FROM parts").fetchall():
            path = layout.part(table, name)
            _write_old(path, table)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            state.execute(
                "UPDATE parts SET sha256 = ?, bytes = ? WHERE name = ? AND part_of = ?",
                (digest, path.stat().st_size, name, table),
            )
        state.execute("UPDATE raw_files SET settings = ?", (older.digest,))
        state.execute("ALTER TABLE snapshots DROP COLUMN schema_version")
        state.execute("ALTER TABLE rejections DROP COLUMN byte_offset")
        state.execute("ALTER TABLE parts DROP COLUMN sources")
        state.execute("DROP TABLE site_measures")
        state.execute("PRAGMA user_version = 1")
    state.close()
    return clean


def _write_old(path: Path, table: str) -> None:
    content = pq.ParquetFile(path).read()
    footer = {key: value for key, value in content.schema.metadata.items() if key != b"model_version"}
    if table == "articles":
        content = content.drop_columns(["duplicate_line_share"])
        content = content.append_column("score", pa.array([0.5] * len(content)))
    pq.write_table(content.replace_schema_metadata(footer | {b"schema_version": b"1"}), path, write_page_checksum=True)


def columns(clean: Path) -> set[tuple[str, ...]]:
    """The columns of every part of `articles` that readers of the plain path list."""
    return {tuple(pq.read_schema(part).names) for part in (clean / "articles").iterdir()}


def test_new_columns_come_in_one_snapshot(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Until the swap readers have all of the old rows, afterwards all of the new ones; times of arrival are kept."""
    before = current_snapshot(clean)
    old_rows = pl.read_parquet(before.articles)
    seen = []

    def look(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        seen.append((current_snapshot(clean), columns(clean)))
        return clean_records(records, voices)

    report = run_directly(raw, clean, options=PlanOptions(settle=0, shard_size=3), cleaner=look)

    (old_columns,) = {tuple(old_rows.columns)}
    assert seen == [(before, {old_columns})] * 3
    assert (report.files.recleaned, report.published, report.snapshot) == (7, True, before.number + 1)
    assert columns(clean) == {tuple(TABLES["articles"].names)} != {old_columns}
    assert pl.read_parquet(before.articles).equals(old_rows)
    times = {row["article_id"]: row["ingested_at"] for row in old_rows.to_dicts()}
    assert {row["article_id"]: row["ingested_at"] for row in rows(clean)} == times
    assert [row["attempts"] for row in rows(clean, "rejected")] == [2]
    assert verify(clean) == []
    assert not run(raw, clean).published
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def test_rows_that_cannot_be_made_anew_hold_all_back(raw: Path, clean: Path) -> None:
    """A file that fails keeps the old snapshot; the next run takes over what was cleaned and does the rest."""
    before = current_snapshot(clean)

    def fail(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        if any(b"Weser" in record.data for record in records):
            raise RuntimeError("a cleaner that cannot bear the Weser")
        return clean_records(records, voices)

    with pytest.raises(StoreRefused, match=re.escape("1 could not be cleaned again, the first is Weser.txt#1")):
        run_directly(raw, clean, options=PlanOptions(settle=0, shard_size=1), cleaner=fail)
    assert current_snapshot(clean) == before
    assert len(pl.read_parquet(articles_path(clean))) == 5

    report = run(raw, clean)

    assert (report.files.resumed, report.records, report.published) == (6, 7, True)
    assert verify(clean) == []


def test_articles_of_files_gone_by_accident_hold_all_back(raw: Path, clean: Path) -> None:
    """With most of the raw files gone, an upgrade would lose their articles: it has to be allowed."""
    for name in ("Ems", "Weser", "Elbe", "Aller"):
        (raw / f"{name}.txt").unlink()
    assert preview(raw, clean, load_voices()).exit_code == 4

    with pytest.raises(StoreRefused, match="--allow-mass-delete"):
        run(raw, clean)
    assert len(pl.read_parquet(clean / "articles")) == 5

    run(raw, clean, allow_mass_delete=True)

    assert set(by_source(clean)) == {"Leine.txt#1", "copy.txt#1"}
    assert verify(clean) == []


def test_tables_that_are_emptied_meanwhile_leave_no_old_part(raw: Path, clean: Path) -> None:
    """A bucket without rows has no part, neither of the new columns nor of the old."""
    (raw / "void.txt").unlink()

    run(raw, clean)

    assert list((clean / "rejected").iterdir()) == []
    assert {path.name.split(".")[1] for path in Layout(clean).parts.rglob("*.parquet")} == {"00000002"}
    assert verify(clean) == []


def test_an_upgrade_that_dies_goes_on(raw: Path, clean: Path) -> None:
    """The state is up to date, the published tables are the old ones, and both are whole."""
    with open_store(clean) as store:
        plan = plan_run(store, raw, load_voices(), PlanOptions(settle=0, shard_size=4))
        clean_shard(plan.shards[0])
    assert len(pl.read_parquet(clean / "articles")) == 5
    (finding,) = verify(clean)
    assert "schema 1" in finding.what
    assert "next run" in finding.remedy

    report = run(raw, clean)

    assert (report.files.resumed, report.records) == (4, 7)
    assert verify(clean) == []


def test_an_older_store_can_be_looked_at_without_being_changed(raw: Path, clean: Path) -> None:
    """Status, verify and a dry run leave the older state as it is, and say what the next run does."""
    before = Layout(clean).state.read_bytes()

    assert status(clean).articles == 5
    assert [finding.what for finding in verify(clean)] == [
        f"its tables have the columns of schema 1, this program writes {SCHEMA_VERSION}"
    ]
    assert preview(raw, clean, load_voices()).files.recleaned == 7
    with pytest.raises(StoreError, match="`pipeline run` makes it anew"):
        read_table("articles", clean)

    assert Layout(clean).state.read_bytes() == before


def test_a_store_of_a_newer_version_is_left_alone(raw: Path, clean: Path) -> None:
    """An older program would not know what it does not know."""
    run(raw, clean)
    with sqlite3.connect(Layout(clean).state) as state:
        state.execute(f"PRAGMA user_version = {STATE_VERSION + 1}")
    state.close()
    before = Layout(clean).state.read_bytes()

    for look in (lambda: run(raw, clean), lambda: status(clean), lambda: preview(raw, clean, load_voices())):
        with pytest.raises(StoreError, match="newer version"):
            look()

    assert Layout(clean).state.read_bytes() == before
    assert len(rows(clean)) == 5
