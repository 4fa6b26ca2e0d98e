"""The flow does what `run_directly` does, whatever the runner, and one bad shard does not spoil a run."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.runners import RunnerName
from pipeline import run
from pipeline.errors import StoreBusy
from pipeline.records import RejectReason
from pipeline.report import RunReport
from pipeline.store import read_table
from tests.poison import clean_poisoned

pytestmark = pytest.mark.usefixtures("prefect_api")

TIMES = ["ingested_at", "first_seen", "last_seen"]


def run_flow(raw: Path, clean: Path, **options: Any) -> RunReport:
    """One run of the flow, with its report."""
    from flows.clean_raw import clean_raw

    report = clean_raw(raw, clean, **options)
    assert isinstance(report, RunReport)
    return report


def tables(clean: Path) -> dict[str, pa.Table]:
    """All rows of a store but for the times of the run, in an order that does not depend on parts."""
    found = {name: read_table(name, clean) for name in ("articles", "removed_lines", "rejected")}
    plain = {
        name: table.drop_columns([time for time in TIMES if time in table.column_names])
        for name, table in found.items()
    }
    keys = {"articles": ["article_id"], "removed_lines": ["article_id", "line", "start"], "rejected": ["source"]}
    return {name: table.sort_by([(key, "ascending") for key in keys[name]]) for name, table in plain.items()}


@pytest.mark.parametrize("runner", [RunnerName.THREAD, RunnerName.PROCESS])
def test_rows_do_not_depend_on_the_runner(dumps: Path, tmp_path: Path, runner: RunnerName) -> None:
    """Threads, processes and no Prefect at all give the same rows and counts."""
    directly = run.run_directly(dumps, tmp_path / "directly")

    report = run_flow(dumps, tmp_path / "flow", workers=2, runner=runner, shard_size=3)

    assert report.shards == 3
    assert (report.records, report.articles, report.duplicates, report.rejected) == (8, 6, 1, 1)
    assert report.lines_removed == directly.lines_removed > 0
    assert tables(tmp_path / "flow") == tables(tmp_path / "directly")


def test_the_flow_takes_over_what_a_dead_run_had_finished(dumps: Path, clean: Path, tmp_path: Path) -> None:
    """A shard that was cleaned before a run died is not cleaned by the flow again, and its rows are in the tables."""
    with run.open_store(clean) as store:
        plan = run.plan_run(store, dumps, run.load_voices(), run.PlanOptions(shard_size=3))
        run.clean_shard(plan.shards[0])

    report = run_flow(dumps, clean, runner=RunnerName.THREAD, shard_size=3)

    assert (report.files.resumed, report.shards, report.records) == (3, 2, 8)
    run.run_directly(dumps, tmp_path / "undisturbed")
    assert tables(clean) == tables(tmp_path / "undisturbed")


def test_a_second_run_finds_nothing_new(dumps: Path, clean: Path) -> None:
    """Raw files are cleaned once; a run without news publishes nothing."""
    run_flow(dumps, clean, runner=RunnerName.THREAD)

    second = run_flow(dumps, clean)

    assert (second.files.seen, second.files.new, second.records, second.shards) == (8, 0, 0, 0)
    assert not second.published


def test_a_run_leaves_one_artifact_with_its_counts(dumps: Path, clean: Path) -> None:
    """The user interface shows the counts of a run and why records were rejected."""
    from prefect.artifacts import Artifact

    from flows.artifacts import REPORT_KEY

    report = run_flow(dumps, clean, runner=RunnerName.THREAD)

    artifact = Artifact.get(REPORT_KEY)
    assert artifact is not None
    assert isinstance(artifact.data, str)
    assert report.run_id in artifact.data
    assert "empty.txt#1" in artifact.data


def test_a_broken_shard_does_not_lose_the_others(dumps: Path, clean: Path) -> None:
    """What other shards gave is committed, the failure is counted, and the next run takes up the rest."""
    from prefect import flow

    from flows.clean_raw import clean_shards

    @flow
    def run_with_a_broken_shard() -> RunReport:
        with run.open_store(clean) as store:
            work = run.plan_run(store, dumps, run.load_voices(), run.PlanOptions(shard_size=3))
            work.shards[0].write_text("{", encoding="utf-8")
            return run.commit_run(store, work, list(clean_shards(work.shards, RunnerName.THREAD, 2)))

    report = run_with_a_broken_shard()

    assert (report.shards, report.shards_failed, report.exit_code) == (3, 1, 1)
    assert report.records == 5
    assert run_flow(dumps, clean, runner=RunnerName.THREAD).records == 3


def test_a_record_that_kills_its_worker_is_rejected(dumps: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is lost, whatever the shard, and the flow's report says so."""
    (dumps / "poison.txt").write_text("poison: die", encoding="utf-8")
    monkeypatch.setattr(run, "clean_isolated", partial(run.clean_isolated, cleaner=clean_poisoned))

    report = run_flow(dumps, clean, workers=1, runner=RunnerName.PROCESS)

    assert (report.shards, report.shards_failed, report.records) == (1, 0, 9)
    assert report.rejected_by_reason == {"crashed": 1}


def test_the_flow_tries_rejected_records_again(dumps: Path, clean: Path) -> None:
    """As its parameter says; otherwise what has not changed is left alone."""
    run_flow(dumps, clean, runner=RunnerName.THREAD)

    again = run_flow(dumps, clean, runner=RunnerName.THREAD, retry=(RejectReason.EMPTY,))
    other = run_flow(dumps, clean, runner=RunnerName.THREAD, retry=(RejectReason.CRASHED,))

    assert (again.files.recleaned, again.rejected, other.files.recleaned) == (1, 1, 0)
    assert read_table("rejected", clean)["attempts"].to_pylist() == [2]


def test_progress_is_told_to_who_watches(dumps: Path, clean: Path) -> None:
    """The command line can show a bar, though a flow's parameters cannot hold a function."""
    from flows.progress import watched_by

    told: list[tuple[int, int]] = []
    records: list[int] = []
    with (
        watched_by(lambda done, total, _: told.append((done, total))),
        watched_by(lambda _done, _total, so_far: records.append(so_far)),
    ):
        run_flow(dumps, clean, runner=RunnerName.THREAD, shard_size=3)

    assert told == [(1, 3), (2, 3), (3, 3)]
    assert records == sorted(records)
    assert records[-1] == 8


def test_files_still_written_can_be_left_to_the_next_run(
    clean: Path, raw: Path, write_story: Callable[[str], Path]
) -> None:
    """On a schedule nobody waits for a slow copy; the next run takes it."""
    write_story("mill")

    report = run_flow(raw, clean, wait_for_settling=False)

    assert (report.files.left, report.records) == (1, 0)


def test_an_active_run_keeps_others_out(dumps: Path, clean: Path) -> None:
    """The flow ends with the error that tells so, and with its exit code."""
    from flows.clean_raw import clean_raw

    with run.open_store(clean), pytest.raises(StoreBusy) as caught:
        clean_raw(dumps, clean)

    assert caught.value.exit_code == 3
