"""
One incremental run, as steps that any runner can carry: plan, clean the shards, commit.

    with open_store(clean) as store:                the lock, for the whole run
        plan = plan_run(store, raw, voices)         what to do, written down as shard files
        results = map(clean_shard, plan.shards)     anywhere, in any order, side by side
        report = commit_run(store, plan, results)   all at once or not at all

`run_directly` is just that; the flow in `flows/` is the same with Prefect. `clean_isolated` is `clean_shard` in a worker
process that is watched: so shards are cleaned unless threads are asked for.
"""

import logging
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from typing import Literal

from pipeline.addresses import Place, absolute, place_of
from pipeline.clean import clean_records
from pipeline.isolation import clean_isolated, end_crew
from pipeline.plan import DEFAULT_OPTIONS, PlanOptions, plan_files
from pipeline.report import RunReport, StoreCounts
from pipeline.shards import SLOWEST_TOLD, Cleaner, ShardResult, clean_shard
from pipeline.store.changes import Outcome
from pipeline.store.commit import Committed, commit, open_store
from pipeline.store.layout import Layout, is_disk_trouble
from pipeline.store.pieces import PieceReader
from pipeline.store.state import keep_report, store_counts
from pipeline.voices import USUAL, Manner, Voices, load_voices
from pipeline.work import Plan, read_deltas

__all__ = [
    "PlanOptions",
    "clean_isolated",
    "clean_shard",
    "commit_run",
    "end_crew",
    "load_voices",
    "open_store",
    "plan_run",
    "run_directly",
]

log = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
"""How long a wait for shards lasts at most: libraries have signals resume it, so that an endless one misses Ctrl-C."""


def plan_run(store: Layout, raw: Place, voices: Voices, options: PlanOptions = DEFAULT_OPTIONS) -> Plan:
    """
    Compare `raw` with the store and write the work down; see `pipeline.plan`.

    Workers load the voices that ship with the package, in this manner, and refuse a plan made for any others.
    """
    return plan_files(absolute(place_of(raw)), store, voices, options)


def commit_run(store: Layout, plan: Plan, results: Iterable[ShardResult]) -> RunReport:
    """
    Take the results of a plan's shards into the store, in one commit, and report.

    A shard without a result has failed: its files stay as they were, and the next run tries them again. What the plan
    takes over from a run that died comes in with the results.
    """
    done = sorted(results, key=lambda result: result.shard)
    deltas = read_deltas(plan.deltas, plan.raw)
    outcome = Outcome(
        deltas=deltas,
        pieces=PieceReader([*(result.pieces for result in done), *(left.pieces for left in deltas.leftovers)]),
        resumed={piece: left.files for piece, left in enumerate(deltas.leftovers, start=len(done))},
        settings_digest=plan.settings.digest,
        scanned_ns=plan.scanned_ns,
        now=time.time_ns() // 1000,
    )
    with commit(store, outcome, plan.settings) as (state, committed):
        report = _report(plan, done, committed, StoreCounts(*store_counts(state)))
        keep_report(state, plan.run_id, outcome.now, report.to_json())
    shutil.rmtree(plan.deltas.parent)
    return report


def run_directly(  # noqa: PLR0913 - the options of the command, one by one
    raw: Place = Path("raw"),
    clean: Path = Path("clean"),
    *,
    workers: int | None = None,
    runner: Literal["thread", "process"] = "thread",
    manner: Manner = USUAL,
    options: PlanOptions = DEFAULT_OPTIONS,
    cleaner: Cleaner = clean_records,
    progress: Callable[[int, int, int], None] | None = None,
) -> RunReport:
    """
    Run once, without Prefect.

    `progress` is called with the number of shards done, of all shards, and of the records in those done. `StoreBusy` when another run is active.
    """
    with open_store(clean) as store:
        plan = plan_run(store, raw, load_voices(manner), options)
        results = []
        for number, result in enumerate(_clean_all(plan.shards, workers, runner, cleaner), start=1):
            results.extend([result] if result else [])
            if progress:
                progress(number, len(plan.shards), sum(result.articles + result.rejected for result in results))
        return commit_run(store, plan, results)


def _clean_all(
    shards: Sequence[Path], workers: int | None, runner: Literal["thread", "process"], cleaner: Cleaner
) -> Iterator[ShardResult | None]:
    """The shards' results as they come; None for a shard that failed."""
    if not shards:
        return
    clean = clean_isolated if runner == "process" else clean_shard
    executor = ThreadPoolExecutor(min(workers or os.cpu_count() or 1, len(shards)))
    futures = {executor.submit(clean, shard, cleaner): shard for shard in shards}
    try:
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, LISTEN_SECONDS, FIRST_COMPLETED)
            for future in done:
                yield _result(futures[future], future)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)  # what is finished waits for the next run
        end_crew()


def _result(shard: Path, future: Future[ShardResult]) -> ShardResult | None:
    """A shard's result; None where it failed, which stops no other, unless all would meet the same."""
    error = future.exception()
    if error is None:
        return future.result()
    if is_disk_trouble(error):
        raise error
    log.error("shard %s failed", shard.name, exc_info=error)
    return None


def _report(plan: Plan, results: Sequence[ShardResult], committed: Committed, store: StoreCounts) -> RunReport:
    rejected = sum(committed.rejected_by_reason.values())
    vanished = sum(result.vanished for result in results)
    return RunReport(
        run_id=plan.run_id,
        started_at=datetime.fromtimestamp(plan.started_at, UTC),
        finished_at=datetime.now(UTC),
        raw=plan.raw,
        articles_path=plan.clean / "articles",
        snapshot=committed.snapshot,
        published=committed.published,
        files=replace(plan.counts, vanished=vanished),
        records=committed.articles + rejected,
        articles=committed.articles - committed.duplicates,
        duplicates=committed.duplicates,
        rejected=rejected,
        lines_removed=sum(committed.lines_by_reason.values()),
        lines_by_reason=committed.lines_by_reason,
        rejected_by_reason=committed.rejected_by_reason,
        skipped=dict(sorted(sum((Counter(result.skipped) for result in results), Counter()).items())),
        slowest=_slowest(results),
        sites=committed.sites,
        shards=len(plan.shards),
        shards_failed=len(plan.shards) - len(results),
        store=store,
    )


def _slowest(results: Sequence[ShardResult]) -> dict[str, float]:
    """The files that took longest in all shards; what a dead run cleaned is not known."""
    found: dict[str, float] = defaultdict(float)
    for result in results:
        for key, seconds in result.slowest.items():
            found[key] += seconds
    return {key: round(seconds, 3) for key, seconds in nlargest(SLOWEST_TOLD, found.items(), key=itemgetter(1))}
