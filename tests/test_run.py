"""Runs: what a change of the raw folder does to the tables, and what it leaves alone."""

import errno
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from pipeline.decide import Aim
from pipeline.errors import StoreBusy, StoreError, UsageError
from pipeline.markdown import render_markdown
from pipeline.plan import PlanOptions
from pipeline.records import Article, RawRecord, Rejection
from pipeline.report import RunReport
from pipeline.rules import Rules, load_rules
from pipeline.run import clean_records, commit_run, load_voices, open_store, plan_run, run_directly
from pipeline.shards import clean_shard
from pipeline.sources.opened import fingerprint
from pipeline.store import history, status, verify
from pipeline.store.layout import Layout
from pipeline.voices import Manner, Voices
from tests.store_cases import by_source, lasting, page, published_bytes, rows, run, story, write
from tests.stub_model import stub_voices

ROOT = Path(__file__).parent.parent


def test_every_record_ends_as_article_duplicate_or_rejected(raw: Path, clean: Path) -> None:
    """The counts of a run add up, and its tables hold what they say."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Ems"), "c.html": page("Aller"), "d.txt": "", "e.pdf": "x"})

    report = run(raw, clean)

    assert (report.records, report.articles, report.duplicates, report.rejected) == (4, 2, 1, 1)
    assert report.files.ignored == {"suffix .pdf": 1}
    assert report.exit_code == 0
    found = by_source(clean)
    assert found["a.txt#1"]["sources"] == ["a.txt#1", "b.txt#1"]
    assert set(found) == {"a.txt#1", "c.html#1"}
    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["reason"], rejected["attempts"]) == ("d.txt#1", "empty", 1)
    assert report.lines_removed == len(rows(clean, "removed_lines")) == sum(report.lines_by_reason.values())
    assert verify(clean) == []


def test_tables_hold_the_moment_of_publication_in_utc(raw: Path, clean: Path) -> None:
    """Whatever clock the page is dated by; its day and the words keep that."""
    dated = '<meta property="article:published_time" content="2024-03-03T22:22:07-05:00">'
    write(raw, {"a.html": page("Aller").replace("<head>", f"<head>{dated}")})

    run(raw, clean)

    (row,) = rows(clean)
    assert row["published"].isoformat() == "2024-03-04T03:22:07+00:00"
    assert row["published_day"].isoformat() == "2024-03-03"
    assert row["published_raw"] == "2024-03-03T22:22:07-05:00"
    assert verify(clean) == []


def test_a_second_run_leaves_every_byte_alone(raw: Path, clean: Path) -> None:
    """With nothing new, no published file changes, not even its time, and nothing is retried."""
    write(raw, {"a.txt": story("Ems"), "d.txt": ""})
    run(raw, clean)
    before = published_bytes(clean)

    report = run(raw, clean)

    assert published_bytes(clean) == before
    assert (report.published, report.records, report.files.unchanged) == (False, 0, 2)
    assert report.snapshot == 1
    assert history(clean)[0] == report
    assert len(history(clean)) == 2


def test_new_times_on_the_same_bytes_change_nothing(raw: Path, clean: Path) -> None:
    """A touched file is compared by its bytes and not cleaned again."""
    write(raw, {"a.txt": story("Ems")})
    run(raw, clean)
    before = published_bytes(clean)
    os.utime(raw / "a.txt", (1, 1))

    report = run(raw, clean)

    assert (report.files.unchanged, report.records) == (1, 0)
    assert published_bytes(clean) == before


def test_a_change_that_hides_its_time_is_seen(raw: Path, clean: Path) -> None:
    """Same size and the old modification time do not hide new bytes: the inode's own time tells."""
    write(raw, {"a.txt": story("Ems")})
    run(raw, clean)
    times = (raw / "a.txt").stat()
    write(raw, {"a.txt": story("Elb")})
    os.utime(raw / "a.txt", ns=(times.st_atime_ns, times.st_mtime_ns))

    report = run(raw, clean)

    assert report.files.changed == 1
    assert "Elb" in by_source(clean)["a.txt#1"]["text"]


@pytest.mark.parametrize("column", ["size", "mtime_ns", "ctime_ns", "inode"])
def test_whatever_differs_makes_the_bytes_decide(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    """Any part of the file status that is not as it was costs a look at the bytes, once; otherwise there is none."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    run(raw, clean)
    _tell_state(clean, "UPDATE raw_files SET scanned_ns = scanned_ns + 60000000000")  # as after a minute
    read: list[str] = []
    monkeypatch.setattr("pipeline.plan.fingerprint", lambda file: read.append(file.key) or fingerprint(file))
    assert run(raw, clean).files.unchanged == 2
    assert read == []
    _tell_state(clean, f"UPDATE raw_files SET {column} = {column} + 1 WHERE key = 'a.txt'")  # noqa: S608 - as listed

    report = run(raw, clean)

    # Another size is proof enough, and the file is cleaned again; the others are settled by its bytes.
    assert (report.files.changed, read) == ((1, []) if column == "size" else (0, ["a.txt"]))
    _tell_state(clean, "UPDATE raw_files SET scanned_ns = scanned_ns + 60000000000")
    read.clear()
    assert run(raw, clean).files.unchanged == 2
    assert read == []


@pytest.mark.parametrize("dated", [0, 3600], ids=["written just now", "with times set by hand"])
def test_a_change_within_a_clock_tick_is_seen(raw: Path, clean: Path, dated: float) -> None:
    """A file that changed shortly before it was read may change again under the same times, so its bytes are compared."""
    write(raw, {"a.txt": story("Ems")})
    os.utime(raw / "a.txt", (time.time() - dated,) * 2)
    run(raw, clean)
    write(raw, {"a.txt": story("Elb")})
    found = (raw / "a.txt").stat()
    os.utime(raw / "a.txt", ns=(found.st_atime_ns, found.st_mtime_ns - int(dated * 1e9)))
    found = (raw / "a.txt").stat()
    _tell_state(clean, "UPDATE raw_files SET mtime_ns = ?, ctime_ns = ?", found.st_mtime_ns, found.st_ctime_ns)

    assert run(raw, clean).files.changed == 1
    assert "Elb" in by_source(clean)["a.txt#1"]["text"]


def test_half_copied_and_hidden_files_are_not_taken(raw: Path, clean: Path) -> None:
    """Names that copying tools give to unfinished files are left out until they get their own."""
    names = ["a.txt.part", "b.txt.tmp", "c.txt.crdownload", "d.txt.filepart", "e.txt~", ".f.txt", ".git/g.txt"]
    write(raw, {name: story("Ems") for name in names})

    report = run(raw, clean)
    (raw / "a.txt.part").rename(raw / "a.txt")

    assert (report.files.seen, report.files.ignored) == (0, {"hidden": 2, "partial copy": 5})
    assert run(raw, clean).articles == 1


def test_a_changed_file_replaces_its_rows(raw: Path, clean: Path) -> None:
    """Rows of the old bytes go, others stay byte for byte the same rows."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    run(raw, clean)
    before = by_source(clean)
    write(raw, {"a.txt": story("Elbe and more")})

    report = run(raw, clean)

    after = by_source(clean)
    assert report.files.changed == 1
    assert after["b.txt#1"] == before["b.txt#1"]
    assert after["a.txt#1"]["article_id"] != before["a.txt#1"]["article_id"]
    assert after["a.txt#1"]["ingested_at"] > before["a.txt#1"]["ingested_at"]
    assert {row["article_id"] for row in rows(clean, "removed_lines")} == {row["article_id"] for row in after.values()}
    assert verify(clean) == []


def test_a_renamed_file_changes_nothing_but_its_source(raw: Path, clean: Path) -> None:
    """The same bytes under a new name are not cleaned again, and the row keeps its id and its time."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser"), "empty.txt": ""})
    run(raw, clean)
    before = by_source(clean)
    (raw / "a.txt").rename(raw / "z.txt")
    (raw / "empty.txt").rename(raw / "void.txt")

    report = run(raw, clean)

    after = by_source(clean)
    assert (report.files.renamed, report.files.new, report.files.removed, report.records) == (2, 0, 0, 0)
    assert after["z.txt#1"] == before["a.txt#1"] | {"source": "z.txt#1", "sources": ["z.txt#1"]}
    assert [row["source"] for row in rows(clean)] == ["b.txt#1", "z.txt#1"]
    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["attempts"]) == ("void.txt#1", 1)
    assert verify(clean) == []


@pytest.mark.parametrize("name", ["example.org/a.txt", "a.html"])
def test_a_rename_that_changes_a_hint_is_cleaned_again(raw: Path, clean: Path, name: str) -> None:
    """A new site folder or a new format makes other rows, but the article keeps the time it came in."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    run(raw, clean)
    before = by_source(clean)["a.txt#1"]
    (raw / name).parent.mkdir(exist_ok=True)
    (raw / "a.txt").rename(raw / name)

    report = run(raw, clean)

    after = by_source(clean)[f"{name}#1"]
    assert (report.files.renamed, report.files.new, report.files.removed) == (0, 1, 1)
    assert (after["site"], after["media_type"]) != (before["site"], before["media_type"])
    assert (after["article_id"], after["ingested_at"]) == (before["article_id"], before["ingested_at"])
    assert verify(clean) == []


def test_a_deleted_file_takes_its_rows_along(raw: Path, clean: Path) -> None:
    """Articles, their removed lines and rejected records go with their file; an emptied table has no part."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser"), "c.txt": story("Elbe"), "d.txt": ""})
    run(raw, clean)
    (raw / "a.txt").unlink()
    (raw / "d.txt").unlink()

    report = run(raw, clean)

    assert report.files.removed == 2
    assert set(by_source(clean)) == {"b.txt#1", "c.txt#1"}
    assert list((clean / "rejected").iterdir()) == []
    assert rows(clean, "rejected") == []
    assert verify(clean) == []


def test_a_new_file_has_no_past_of_a_deleted_one(raw: Path, clean: Path) -> None:
    """Even where both are rejected and the state gives it the same number, it is tried for the first time."""
    write(raw, {"a.txt": story("Ems"), "b.txt": ""})
    run(raw, clean)
    before = by_source(clean, "rejected")["b.txt#1"]
    (raw / "b.txt").unlink()
    write(raw, {"c.txt": "\n"})

    run(raw, clean)

    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["attempts"]) == ("c.txt#1", 1)
    assert rejected["first_seen"] > before["first_seen"]


def test_an_article_lives_as_long_as_its_last_source(raw: Path, clean: Path) -> None:
    """When the first of two equal files goes, the row goes on under the other."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Ems"), "c.txt": story("Weser")})
    run(raw, clean)
    before = by_source(clean)["a.txt#1"]
    (raw / "a.txt").unlink()

    report = run(raw, clean)

    assert report.records == 0
    assert by_source(clean)["b.txt#1"] == before | {"source": "b.txt#1", "sources": ["b.txt#1"]}
    assert verify(clean) == []


def test_a_new_first_source_with_other_hints_is_cleaned_again(raw: Path, clean: Path) -> None:
    """A row is always that of its first source, so its site changes with it, in the same run."""
    write(raw, {"a.example/x.txt": story("Ems"), "b.example/x.txt": story("Ems"), "c.txt": story("Weser")})
    run(raw, clean)
    assert by_source(clean)["a.example/x.txt#1"]["site"] == "a.example"
    (raw / "a.example/x.txt").unlink()

    report = run(raw, clean)

    assert report.files.recleaned == 1
    assert by_source(clean)["b.example/x.txt#1"]["site"] == "b.example"
    assert run(raw, clean).records == 0
    assert verify(clean) == []


def test_the_same_text_of_other_bytes_is_marked_as_duplicate(raw: Path, clean: Path) -> None:
    """Articles of one text point at the smallest id among them, which changes with the articles there are."""
    variants = {f"{name}.txt": story("Ems") + blank for name, blank in (("a", "\n"), ("b", "\n\n"), ("c", "\n\n\n"))}
    write(raw, variants)
    run(raw, clean)
    found = sorted(rows(clean), key=lambda row: row["article_id"])
    assert [row["duplicate_of"] for row in found] == [None, found[0]["article_id"], found[0]["article_id"]]
    (raw / found[0]["source"].removesuffix("#1")).unlink()

    run(raw, clean)

    left = sorted(rows(clean), key=lambda row: row["article_id"])
    assert [row["duplicate_of"] for row in left] == [None, left[0]["article_id"]]
    assert verify(clean) == []


def test_most_files_gone_at_once_is_refused(raw: Path, clean: Path) -> None:
    """A disk that is not mounted deletes nothing; what is new still comes in, and the exit code tells."""
    write(raw, {f"{number}.txt": story(f"Town {number}") for number in range(6)})
    run(raw, clean)
    for number in range(4):
        (raw / f"{number}.txt").unlink()
    write(raw, {"new.txt": story("Elbe")})

    report = run(raw, clean)

    assert (report.files.refused, report.files.removed, report.exit_code) == (4, 0, 4)
    assert len(rows(clean)) == 7
    assert "--allow-mass-delete" in report.summary()
    assert run(raw, clean, allow_mass_delete=True).files.removed == 4
    assert len(rows(clean)) == 3
    assert verify(clean) == []


def test_an_empty_raw_folder_is_refused_even_in_a_small_store(raw: Path, clean: Path) -> None:
    """In a store of one to three files, one or two may go; all of them look like an accident."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser"), "c.txt": story("Elbe")})
    run(raw, clean)
    (raw / "a.txt").unlink()
    (raw / "b.txt").unlink()
    assert run(raw, clean).files.removed == 2
    (raw / "c.txt").unlink()

    assert run(raw, clean).files.refused == 1
    assert len(rows(clean)) == 1


def test_a_missing_raw_folder_is_no_deletion(raw: Path, clean: Path) -> None:
    """A wrong path is a mistake in the command, and the store stays as it is."""
    write(raw, {"a.txt": story("Ems")})
    run(raw, clean)

    with pytest.raises(UsageError):
        run(raw / "typo", clean)

    assert len(rows(clean)) == 1


def test_files_below_a_folder_that_cannot_be_listed_are_not_gone(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of them, so their articles stay."""
    write(raw, {"shut/a.txt": story("Ems"), "b.txt": story("Weser"), "c.txt": story("Elbe")})
    run(raw, clean)
    scan = os.scandir

    def refuse(folder: str) -> object:
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        report = run(raw, clean)

    assert report.files.removed == 0
    assert len(rows(clean)) == 3


def test_other_settings_clean_every_file_again(raw: Path, clean: Path) -> None:
    """A new version or rule makes new rows of all files, retries the rejected, and keeps the times articles came in."""
    write(raw, {"a.txt": story("Ems"), "d.txt": ""})
    _run_with(raw, clean, Voices(Rules(load_rules().rules, digest="older")))
    before = by_source(clean)["a.txt#1"]

    report = run(raw, clean)

    after = by_source(clean)["a.txt#1"]
    assert (report.files.unchanged, report.files.recleaned, report.records) == (2, 2, 2)
    assert (before["rules_digest"], after["rules_digest"]) == ("older", load_rules().digest)
    assert after["ingested_at"] == before["ingested_at"]
    assert rows(clean, "rejected")[0]["attempts"] == 2
    assert run(raw, clean).records == 0
    assert verify(clean) == []


@pytest.mark.parametrize("part", ["cleaner_version", "rules_digest", "model_version", "schema_version"])
def test_every_version_is_part_of_the_settings(part: str) -> None:
    """Whatever a row depends on beside its record changes the digest that decides about cleaning again."""
    settings = load_voices().settings

    other = replace(settings, **{part: 99 if part == "schema_version" else "other"})

    assert other.digest != settings.digest


def test_only_files_cleaned_with_other_settings_are_cleaned_again(raw: Path, clean: Path) -> None:
    """A file that came in with the present rules is left alone by a run that has to clean the others again."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    _run_with(raw, clean, Voices(Rules(load_rules().rules, digest="older")))
    write(raw, {"c.txt": story("Elbe")})
    options = PlanOptions(settle=0, shard_size=1)
    run_directly(raw, clean, options=options, cleaner=_fail_on_weser)
    assert {source: row["rules_digest"] for source, row in by_source(clean).items()} == {
        "a.txt#1": load_rules().digest,
        "b.txt#1": "older",
        "c.txt#1": load_rules().digest,
    }
    assert verify(clean) == []

    report = run(raw, clean)

    assert (report.files.recleaned, report.records) == (1, 1)
    assert {row["rules_digest"] for row in rows(clean)} == {load_rules().digest}
    assert verify(clean) == []


def test_another_aim_cleans_every_file_again(raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The aim travels with the plan to the workers, and rows made for one aim are not left beside those of another."""
    doubt = "Several members said that the plan for Ems would be put to a vote next week, after a second hearing."
    for module in ("pipeline.run", "pipeline.shards"):
        monkeypatch.setattr(f"{module}.load_voices", lambda manner: stub_voices({doubt: 0.3}, manner))
    write(raw, {"a.txt": story("Ems")})

    reports, found = [], []
    for aim in (Aim.PRECISION, Aim.PRECISION, Aim.RECALL, Aim.BALANCED):
        reports.append(run_directly(raw, clean, manner=Manner(aim), options=PlanOptions(settle=0)))
        found.append(by_source(clean)["a.txt#1"])

    assert [report.records for report in reports] == [1, 0, 1, 1]
    assert [row["model_version"] for row in found] == ["stub-precision", "stub-precision", "stub-recall", "stub"]
    assert [doubt in row["text"] for row in found] == [False, False, True, False]
    assert verify(clean) == []


def test_a_worker_with_another_model_refuses_the_plan(raw: Path, clean: Path) -> None:
    """Rows never carry the version of a model that did not make them."""
    write(raw, {"a.txt": story("Ems")})
    with open_store(clean) as store:
        plan = plan_run(store, raw, stub_voices({}), PlanOptions(settle=0))

        with pytest.raises(StoreError, match="another model"):
            clean_shard(plan.shards[0])


def test_a_shard_that_fails_loses_only_itself(raw: Path, clean: Path) -> None:
    """The other shards are committed, and the next run tries the failed one again."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser"), "c.txt": story("Elbe")})
    options = PlanOptions(settle=0, shard_size=1)

    report = run_directly(raw, clean, options=options, cleaner=_fail_on_weser)

    assert (report.shards, report.shards_failed, report.exit_code) == (3, 1, 1)
    assert set(by_source(clean)) == {"a.txt#1", "c.txt#1"}
    assert verify(clean) == []
    assert run(raw, clean).files.new == 1
    assert set(by_source(clean)) == {"a.txt#1", "b.txt#1", "c.txt#1"}


def test_a_failed_recleaning_is_made_up_for_by_the_next_run(raw: Path, clean: Path) -> None:
    """The row of the old first source stays until its new first source could be cleaned."""
    write(raw, {"a.example/x.txt": story("Weser"), "b.example/x.txt": story("Weser"), "c.txt": story("Ems")})
    run(raw, clean)
    (raw / "a.example/x.txt").unlink()

    failed = run_directly(raw, clean, options=PlanOptions(settle=0), cleaner=_fail_on_weser)

    assert failed.shards_failed == 1
    assert by_source(clean)["b.example/x.txt#1"]["site"] == "a.example"
    run(raw, clean)
    assert by_source(clean)["b.example/x.txt#1"]["site"] == "b.example"
    assert verify(clean) == []


def test_a_shard_done_twice_is_done_once(raw: Path, clean: Path) -> None:
    """A worker that is given a shard again returns what is there, without cleaning."""
    write(raw, {"a.txt": story("Ems")})
    with open_store(clean) as store:
        plan = plan_run(store, raw, load_voices(), PlanOptions(settle=0))
        first = clean_shard(plan.shards[0])
        again = clean_shard(plan.shards[0], cleaner=_never)
        report = commit_run(store, plan, [again])

    assert first == again
    assert report.articles == 1


def test_processes_and_threads_make_the_same_rows(raw: Path, clean: Path, tmp_path: Path) -> None:
    """The runner does not show in the tables."""
    write(raw, {f"{number}.txt": story(f"Town {number}") for number in range(4)})
    options = PlanOptions(settle=0, shard_size=2)

    run_directly(raw, clean, workers=2, runner="process", options=options)
    run_directly(raw, tmp_path / "other", workers=2, runner="thread", options=options)

    assert lasting(clean) == lasting(tmp_path / "other")


def test_an_unreadable_file_is_rejected_and_tried_again_when_it_changes(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file that cannot be opened stops nothing, and is not retried for as long as nothing changes."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    opened = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if str(path).endswith("b.txt"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        run(raw, clean)
    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["reason"], rejected["raw_sha256"]) == ("b.txt#1", "unreadable", "")
    assert run(raw, clean).records == 0
    (raw / "b.txt").chmod(0o600)

    assert run(raw, clean).articles == 1
    assert rows(clean, "rejected") == []
    assert verify(clean) == []


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(errno.EIO, "Input/output error")])
def test_a_file_that_cannot_be_read_anymore_keeps_its_articles(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """Nothing says that they are gone. Each run tries it again and says so, and takes it once it can be read."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    run(raw, clean)
    before = lasting(clean)
    write(raw, {"b.txt": story("Elbe")})
    opened = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if str(path).endswith("b.txt"):
            raise error
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        reports = [run(raw, clean), run(raw, clean)]

    for report in reports:
        assert (report.files.unread, report.records, report.published, report.exit_code) == (1, 0, False, 0)
        assert "could not be read: 1 files" in report.summary()
    assert lasting(clean) == before
    assert verify(clean) == []
    after = run(raw, clean)
    assert (after.files.unread, after.articles, after.store.articles) == (0, 1, 2)
    assert rows(clean, "rejected") == []


def test_running_out_of_descriptors_is_no_fault_of_the_file(
    raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that can open nothing more fails its shard, so that the next run tries again; nothing is rejected."""
    write(raw, {"a.txt": story("Ems")})
    opened = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if str(path).endswith("a.txt"):
            raise OSError(errno.EMFILE, "Too many open files")
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        report = run(raw, clean)

    assert (report.shards_failed, report.rejected) == (1, 0)
    assert run(raw, clean).articles == 1


def test_files_still_being_written_are_waited_for(raw: Path, clean: Path) -> None:
    """A one-off run takes a file once it has held still for the settle time."""
    write(raw, {"a.txt": story("Ems")})

    report = run(raw, clean, settle=0.3)

    assert (report.files.left, report.articles) == (0, 1)


def test_files_still_being_written_can_be_left_to_the_next_run(raw: Path, clean: Path) -> None:
    """A service does not wait; a known file that is being rewritten keeps its old rows meanwhile."""
    write(raw, {"a.txt": story("Ems"), "b.txt": story("Weser")})
    run(raw, clean)
    write(raw, {"a.txt": story("Elbe"), "new.txt": story("Aller")})

    report = run(raw, clean, settle=60, wait=False)

    assert (report.files.left, report.files.unchanged, report.records) == (2, 1, 0)
    assert "Ems" in by_source(clean)["a.txt#1"]["text"]
    assert run(raw, clean).records == 2


def test_a_file_dated_in_the_future_is_not_waited_for_forever(raw: Path, clean: Path) -> None:
    """Times set by hand keep no file out: it counts as complete when it holds still."""
    write(raw, {"a.txt": story("Ems")})
    later = time.time() + 86_400
    os.utime(raw / "a.txt", (later, later))

    assert run(raw, clean, settle=0.1).articles == 1


def test_names_that_are_no_text_go_all_the_way(raw: Path, clean: Path) -> None:
    """A file whose name is in an old encoding has a source, and is found again by it."""
    Path(os.fsdecode(os.fsencode(raw) + b"/caf\xe9.txt")).write_text(story("Ems"), encoding="utf-8")

    run(raw, clean)

    assert set(by_source(clean)) == {"caf%E9.txt#1"}
    assert run(raw, clean).files.unchanged == 1
    assert verify(clean) == []


def test_a_second_run_at_the_same_time_is_turned_away(raw: Path, clean: Path) -> None:
    """While one process holds the store, another one is told so and touches nothing."""
    write(raw, {"a.txt": story("Ems")})
    script = (
        "import sys; from pathlib import Path; from pipeline.errors import StoreBusy; from pipeline.run import open_store\n"
        "try:\n with open_store(Path(sys.argv[1])): pass\n"
        "except StoreBusy as error: print(error); sys.exit(error.exit_code)"
    )
    with open_store(clean):
        other = subprocess.run(
            [sys.executable, "-c", script, str(clean)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        with pytest.raises(StoreBusy):
            run(raw, clean)

    assert other.returncode == 3
    assert "another run is active" in other.stdout
    assert run(raw, clean).articles == 1


@pytest.mark.parametrize(
    ("seed", "runner"),
    [
        (7, "thread"),
        pytest.param(8, "thread", marks=pytest.mark.long),
        pytest.param(9, "thread", marks=pytest.mark.long),
        pytest.param(10, "process", marks=pytest.mark.long),
    ],
)
def test_rows_do_not_depend_on_how_files_arrived(
    raw: Path, clean: Path, tmp_path: Path, seed: int, runner: Literal["thread", "process"]
) -> None:
    """
    One run over a folder, and many runs while it grew, changed and shrank, leave the same rows.

    Meanwhile files come in any order, share their bytes or their text, change, move to another site or name, go and
    come back, and runs die; shards have all sizes, and one to three workers clean them.
    """
    chance = random.Random(seed)
    final = _folder(chance)
    for step in _history(chance, final):
        step(raw)
        options = PlanOptions(settle=0, shard_size=chance.choice([1, 2, 5, 100]), allow_mass_delete=True)
        if chance.random() < 0.3:
            _die_in_the_middle(raw, clean, options)
        usual = runner if chance.random() < 0.4 else "thread"
        run_directly(raw, clean, workers=chance.randint(1, 3), runner=usual, options=options)
        assert verify(clean) == []

    run_directly(raw, tmp_path / "at once", workers=2, runner=runner, options=PlanOptions(settle=0, shard_size=4))

    left = {path.relative_to(raw).as_posix(): path for path in raw.rglob("*") if path.is_file()}
    assert {key: path.read_text(encoding="utf-8") for key, path in left.items()} == final
    assert lasting(clean) == lasting(tmp_path / "at once")
    assert len(rows(clean)) > 5


def test_a_report_says_what_happened_in_three_ways(raw: Path, clean: Path) -> None:
    """JSON leads back to the report, the summary ends with how to load, and the page lists what was rejected."""
    write(raw, {"a.txt": story("Ems"), "empty|pipe.txt": ""})

    report = run(raw, clean)

    assert RunReport.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["articles"] == 1
    assert report.summary().splitlines()[-1] == f'load: pd.read_parquet("{clean}/articles")'
    assert "| empty\\|pipe.txt#1 | empty |" in render_markdown(report, clean)
    assert status(clean).last_run == report


def _tell_state(clean: Path, statement: str, *values: int) -> None:
    with sqlite3.connect(Layout(clean).state) as state:
        state.execute(statement, values)
    state.close()


def _run_with(raw: Path, clean: Path, voices: Voices) -> None:
    """A run of another installation, which ships with these voices."""
    with open_store(clean) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.shards.load_voices", lambda manner: replace(voices, manner=manner))
        plan = plan_run(store, raw, voices, PlanOptions(settle=0))
        commit_run(store, plan, [clean_shard(shard) for shard in plan.shards])


def _fail_on_weser(records: list[RawRecord], voices: Voices) -> list[Article | Rejection]:
    if any(b"Weser" in record.data for record in records):
        raise RuntimeError("a cleaner that cannot bear the Weser")
    return clean_records(records, voices)


def _never(records: list[RawRecord], voices: Voices) -> list[Article | Rejection]:
    raise AssertionError("cleaned again")


def _die_in_the_middle(raw: Path, clean: Path, options: PlanOptions) -> None:
    """A run that ends when half of its shards are done."""
    with open_store(clean) as store:
        plan = plan_run(store, raw, load_voices(), options)
        for shard in plan.shards[: len(plan.shards) // 2 + 1]:
            clean_shard(shard)


def _history(chance: random.Random, final: dict[str, str]) -> Iterator[Callable[[Path], None]]:
    """What happens to a raw folder, step by step, until it is as in `final`."""
    waiting = list(final)
    chance.shuffle(waiting)
    strangers = {f"b.example/gone{number}.txt": story(f"Town {number % 6}") for number in range(6)}
    moved = {key: f"{chance.choice(['a.example/', 'c/', ''])}moved-{key.replace('/', '-')}" for key in waiting[:5]}
    older = {moved.get(key, key): final[key] if key in moved else story("an older version") for key in waiting[:9]}
    yield lambda raw: write(raw, strangers | older)
    while waiting:
        some, waiting = waiting[:6], waiting[6:]
        going = [key for key in strangers if chance.random() < 0.4]
        yield partial(_step, some=some, final=final, moved=moved, going=going)
        for key in going:
            del strangers[key]
        if going and chance.random() < 0.5:  # comes back
            strangers[going[0]] = story("Town 3")
            yield lambda raw, key=going[0]: write(raw, {key: story("Town 3")})  # type: ignore[misc]
    yield partial(_step, some=[], final=final, moved=moved, going=list(strangers))


def _step(raw: Path, some: list[str], final: dict[str, str], moved: dict[str, str], going: list[str]) -> None:
    """Some files get their final name and text, and others go."""
    for key in some:
        if key in moved and (raw / moved[key]).exists():
            (raw / key).parent.mkdir(parents=True, exist_ok=True)
            (raw / moved[key]).rename(raw / key)
    write(raw, {key: final[key] for key in some if key not in moved})
    for key in going:
        (raw / key).unlink()


def _folder(chance: random.Random) -> dict[str, str]:
    """A folder in which many files share their bytes or their text, under several sites and in both formats."""
    files = {}
    for number in range(24):
        folder = chance.choice(["", "a.example/", "b.example/", "plain/"])
        name = f"Town {chance.randrange(6)}"
        text = chance.choice([story(name), story(name), story(name) + "\n", page(name), ""])
        files[f"{folder}{number}.{chance.choice(['txt', 'txt', 'html'])}"] = text
    return files
