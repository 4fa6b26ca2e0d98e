"""`pipeline retry`: rejected records are tried again though nothing changed, and nothing else is."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, RawRecord, Rejection, RejectReason
from pipeline.report import RunReport
from pipeline.run import load_voices, run_directly
from pipeline.store import verify
from pipeline.voices import Voices
from tests.crash.world import clean_trivially, dump
from tests.store_cases import by_source, published_bytes, rows

Cleaner = Callable[[Sequence[RawRecord], Voices], Sequence[Article | Rejection]]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    lines = [{"text": dump(number).decode()} for number in range(4)]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "b.txt").write_bytes(dump(9))
    (folder / "empty.txt").write_bytes(b"")
    return folder


def clean_slowly(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
    """A cleaner that is too slow for the third record."""
    return [
        Rejection(record.source, "", RejectReason.TIMED_OUT, "why", len(record.data), offset=record.offset)
        if record.source == "a.jsonl#3"
        else outcome
        for record, outcome in zip(records, clean_trivially(records, voices), strict=True)
    ]


def run(raw: Path, clean: Path, cleaner: Cleaner, retry: tuple[RejectReason, ...] = ()) -> RunReport:
    return run_directly(raw, clean, options=PlanOptions(settle=0, retry=retry), cleaner=cleaner)


def test_a_record_that_succeeds_now_becomes_an_article(raw: Path, clean: Path) -> None:
    """In the next commit, beside the other records of its file, whose articles keep the time they came in."""
    run(raw, clean, clean_slowly)
    before = by_source(clean)
    assert run(raw, clean, clean_trivially).records == 0

    report = run(raw, clean, clean_trivially, retry=(RejectReason.TIMED_OUT,))

    assert (report.files.recleaned, report.records, report.articles, report.published) == (1, 4, 4, True)
    after = by_source(clean)
    assert after.keys() - before.keys() == {"a.jsonl#3"}
    assert {source: after[source] for source in before} == before
    assert [row["source"] for row in rows(clean, "rejected")] == ["empty.txt#1"]
    assert verify(clean, raw) == []


def test_a_record_that_fails_again_is_counted(raw: Path, clean: Path) -> None:
    """How often it was tried in a row, and when first and last."""
    run(raw, clean, clean_slowly)
    (first,) = [row for row in rows(clean, "rejected") if row["reason"] == "timed-out"]

    report = run(raw, clean, clean_slowly, retry=tuple(RejectReason))

    assert (report.files.recleaned, report.rejected_by_reason) == (2, {"timed-out": 1, "empty": 1})
    (again,) = [row for row in rows(clean, "rejected") if row["reason"] == "timed-out"]
    assert again == first | {"attempts": 2, "last_seen": again["last_seen"]}
    assert again["last_seen"] > first["last_seen"]


def test_what_is_gone_or_new_is_what_a_run_makes_of_it(raw: Path, clean: Path) -> None:
    """A file to try again that is not there is gone; others are taken as by any run."""
    run(raw, clean, clean_slowly)
    (raw / "empty.txt").unlink()
    (raw / "new.txt").write_bytes(dump(77))

    report = run(raw, clean, clean_trivially, retry=tuple(RejectReason))

    assert (report.files.new, report.files.removed, report.files.recleaned) == (1, 1, 1)
    assert len(rows(clean)) == 6
    assert verify(clean, raw) == []


def test_a_preview_counts_what_would_be_tried_again(raw: Path, clean: Path) -> None:
    """And leaves every byte alone."""
    run(raw, clean, clean_slowly)
    before = published_bytes(clean)

    found = preview(raw, clean, load_voices(), PlanOptions(settle=0, retry=(RejectReason.TIMED_OUT,)))

    assert (found.files.recleaned, found.to_clean) == (1, 1)
    assert published_bytes(clean) == before


def test_the_command_tries_what_it_is_told(raw: Path, clean: Path) -> None:
    """With the exit codes of `run`, for reasons of the closed list."""
    places = ["--raw", str(raw), "--clean", str(clean)]
    direct = [*places, "--no-prefect", "--runner", "thread", "--json"]
    command = CliRunner()
    assert command.invoke(app, ["run", *direct]).exit_code == 0

    every = command.invoke(app, ["retry", *direct, "--strict"])
    none = command.invoke(app, ["retry", *direct, "--reason", "crashed", "--reason", "timed-out"])
    told = command.invoke(app, ["retry", *places, "--dry-run"])

    assert (every.exit_code, json.loads(every.stdout)["rejected_by_reason"]) == (5, {"empty": 1})
    assert (none.exit_code, json.loads(none.stdout)["records"]) == (0, 0)
    assert "cleaned again: 1 unchanged files" in told.stdout
    assert command.invoke(app, ["retry", *places, "--reason", "bad luck"]).exit_code == 2
