"""
The flow: plan, clean the shards, commit, publish the report. All of the work is done by functions of `pipeline`.

Nothing is cached and no result is stored: the store itself knows what is done, and a shard done twice changes nothing.
Between tasks travel paths and counts, never text.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from flows.artifacts import emit_warnings, progress_published, publish_report
from flows.orphans import work_to_finish
from flows.progress import tell, watched_by
from flows.runners import CLUSTERS, RunnerName, check_runner, make_runner, usable_cores
from pipeline import run
from pipeline.addresses import Place
from pipeline.decide import Aim
from pipeline.errors import PipelineError
from pipeline.explain import visible
from pipeline.limits import DEFAULT_LIMITS, WorkLimits
from pipeline.records import Engine, RejectReason
from pipeline.report import RunReport
from pipeline.scratch import Scratch, clean_elsewhere, open_scratch
from pipeline.shards import ShardResult
from pipeline.sources.discover import DEFAULT_READING
from pipeline.sources.reading import Reading
from pipeline.store import publish_to
from pipeline.store.layout import Layout, is_disk_trouble
from pipeline.voices import Manner
from pipeline.work import Plan

# What a list of runs shows beside each, by the report's exit code. All are of the type "completed": data was published.
OUTCOMES = {0: "Completed", 1: "Incomplete", 4: "Refused"}


def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may pass by itself: the hiccup of a network folder does, a bug or a full disk does not."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, OSError) and not is_disk_trouble(failure)


@task(cache_policy=NO_CACHE, persist_result=False)
def plan(store: Layout, raw: Place, manner: Manner, options: run.PlanOptions) -> Plan:
    """Compare the raw folder with the store and write the work down as shards."""
    return run.plan_run(store, raw, run.load_voices(manner), options)


@task(
    cache_policy=NO_CACHE,
    persist_result=False,
    task_run_name="clean {shard.stem}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)
def clean_shard(shard: Path, runner: RunnerName, address: str | None = None) -> ShardResult:
    """Read, clean and write one shard of raw files; of which the worker sees no more than an address, if there is one."""
    if address is not None:
        return clean_elsewhere(address)
    return run.clean_shard(shard) if runner is RunnerName.THREAD else run.clean_isolated(shard)


@task(cache_policy=NO_CACHE, persist_result=False)
def commit(store: Layout, work: Plan, results: Sequence[ShardResult]) -> RunReport:
    """Take the cleaned shards into the store and publish all tables at once."""
    return run.commit_run(store, work, results)


def may_answer(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to ask Prefect's API again: where nothing answers, its client has tried for a minute already."""
    return not isinstance(state.result(raise_on_failure=False), httpx.TransportError)


@task(cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=2, retry_condition_fn=may_answer)
def publish(report: RunReport, clean: Path) -> None:
    """Show what the run did in Prefect's user interface."""
    publish_report(report, clean, headline(report))


@task(cache_policy=NO_CACHE, persist_result=False)
def warn(report: RunReport, clean: Path) -> None:
    """Tell of sites whose articles no longer look as they did; a task without retries, so that each is told once."""
    for warning in report.sites.warnings:
        get_run_logger().warning("%s", visible(str(warning)))
    emit_warnings(report, clean)


@task(cache_policy=NO_CACHE, persist_result=False)
def publish_elsewhere(address: str, clean: Path) -> None:
    """Publish the tables to an object store; what fails is made up for by the next run, which publishes again."""
    try:
        done = publish_to(address, clean)
    except PipelineError as error:
        raise type(error)(f"{clean} has what the run made, but that could not be published: {error}") from error
    get_run_logger().info("%s: snapshot %s, %s parts uploaded", done.url, done.snapshot, done.uploaded)


@flow(name="clean-raw", persist_result=False)
def clean_raw(  # noqa: PLR0913 - they are what the flow's page in the user interface asks for
    raw: Place = Path("raw"),
    clean: Path = Path("clean"),
    workers: int | None = None,
    runner: RunnerName = RunnerName.PROCESS,
    *,
    cluster: str | None = None,
    scratch: str | None = None,
    aim: Aim = Aim.BALANCED,
    html_engine: Engine = Engine.LINES,
    comments: bool = False,
    address: str | None = None,
    reading: Reading = DEFAULT_READING,
    limits: WorkLimits = DEFAULT_LIMITS,
    retry: tuple[RejectReason, ...] = (),
    shard_size: int = run.PlanOptions().shard_size,
    allow_mass_delete: bool = False,
    wait_for_settling: bool = True,
) -> RunReport:
    """
    Clean the raw files that are new or changed since the last run, and publish the tables.

    Args:
        raw: The folder with the raw dumps, or its address, such as "s3://bucket/dumps".
        clean: The folder of the store; the tables are published here as Parquet.
        workers: How many shards are cleaned side by side; by default as many as there are cores.
        runner: Where shards are cleaned: in threads of the run's process, in watched processes, or by Dask or Ray.
        cluster: The address of a Dask or Ray cluster that is there already, such as "tcp://10.0.0.5:8786".
        scratch: Where workers of a cluster put what they made, if they do not see `clean`, such as "s3://bucket/scratch".
        aim: What the learned model avoids more: leaving furniture ("precision"), or losing text ("recall").
        html_engine: What makes lines of HTML: all that a page shows ("lines"), or what trafilatura finds ("trafilatura").
        comments: Keep readers' comments, apart from the text: in a column of their own.
        reading: How raw files are read, as the table `[read]` of pipeline.toml says it.
        limits: What a worker may take, as the table `[limits]` says it.
        retry: Clean files again of which a record was rejected for one of these reasons.
        address: Publish the tables there too, such as to "s3://bucket/news".
        shard_size: How many raw files make a shard at most; a task costs about half a second whatever its size.
        allow_mass_delete: Take over the deletion of more than half of the raw files, which is refused otherwise.
        wait_for_settling: Wait for files that are still being written; otherwise they are left to the next run.

    """
    check_runner(runner, cluster, scratch)
    options = run.PlanOptions(
        shard_size,
        wait=wait_for_settling,
        allow_mass_delete=allow_mass_delete,
        reading=reading,
        limits=limits,
        retry=retry,
    )
    with work_to_finish(), run.open_store(clean) as store:
        away = open_scratch(scratch, store) if scratch else None
        work = plan(store, raw, Manner(aim, html_engine, comments), options)
        with progress_published(len(work.shards)) as watcher, watched_by(watcher):
            results = list(clean_shards(work.shards, runner, workers or usable_cores(), cluster, away))
        report = commit(store, work, results)
        if away:
            away.clear()
    publish(report, clean)
    if report.sites.warnings:
        warn(report, clean)
    if address:
        publish_elsewhere(address, clean)
    return cast("RunReport", Completed(name=OUTCOMES[report.exit_code], message=headline(report), data=report))


def headline(report: RunReport) -> str:
    """A run in one line, for lists of runs and logs."""
    files = report.files
    return (
        f"{files.new:,} new, {files.changed:,} changed and {files.removed:,} removed raw files: "
        f"{report.articles:,} articles, {report.duplicates:,} exact duplicates, {report.rejected:,} rejected; "
        f"the store holds {report.store.articles:,} articles"
        + (f"; {report.shards_failed:,} of {report.shards:,} shards failed" if report.shards_failed else "")
        + (f"; the deletion of {files.refused:,} raw files was refused" if files.refused else "")
        + (f"; {report.sites.warning_count:,} warnings of sites" if report.sites.warning_count else "")
    )


def clean_shards(
    shards: Sequence[Path],
    runner: RunnerName,
    workers: int,
    cluster: str | None = None,
    scratch: Scratch | None = None,
) -> Iterator[ShardResult]:
    """
    Clean all shards and give the results of those that succeed; the others are logged and left to the next run.

    A shard that kills its worker is seen to where it is cleaned, by `pipeline.isolation`. A single one needs no cluster.
    """
    records = 0
    where = RunnerName.PROCESS if len(shards) == 1 and runner in CLUSTERS else runner
    for done, (shard, outcome) in enumerate(
        _clean_side_by_side(shards, where, workers, cluster, scratch if where in CLUSTERS else None), start=1
    ):
        match outcome:
            case ShardResult():
                yield outcome
                records += outcome.articles + outcome.rejected
            case error:
                _complain(shard, error)
        tell(done, len(shards), records)


def _complain(shard: Path, error: Exception) -> None:
    if is_disk_trouble(error):
        raise error
    get_run_logger().error("%s is left to the next run: %s", shard.stem, error)


def _clean_side_by_side(
    shards: Sequence[Path], runner: RunnerName, workers: int, cluster: str | None, scratch: Scratch | None
) -> Iterator[tuple[Path, ShardResult | Exception]]:
    """Each shard with its result, or with what stopped it, as they come."""
    if not shards:
        return
    with make_runner(runner, min(workers, len(shards)), cluster) as pool:
        futures = {}
        for shard in shards:
            given = {"shard": shard, "runner": runner, "address": scratch.hand_out(shard) if scratch else None}
            futures[pool.submit(clean_shard, given)] = shard
        try:
            for future in as_completed(list(futures)):
                yield futures[future], _outcome(future, futures[future], scratch)
        finally:
            run.end_crew()


def _outcome(future: PrefectFuture[ShardResult], shard: Path, scratch: Scratch | None) -> ShardResult | Exception:
    """The result of a shard, or what stopped it: that must not stop the others."""
    try:
        return scratch.take_in(shard, future.result()) if scratch else future.result()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
