"""
Clean a shard in a worker process that is watched, and killed if it hangs or takes all memory.

    attempt  ->  the worker dies, or is killed  ->  whom to suspect  ->  the next attempt, from where the last one was

The worker notes each step (`steps.py`) and writes what is done batch by batch (`store/stretches.py`), so that an attempt
takes up the one before it. A batch at which a worker died is cleaned in smaller ones, down to a single record; a record at
which two workers died, one after the other, is rejected, and where it could not even be read, so is the rest of its file.
Rows are a function of their record, so nothing of this shows in the others.

CPU time is what is limited, and waiting only where no CPU time is taken: on a busy machine everything takes long.
"""

import logging
import os
import shutil
import signal
import threading
import time
from concurrent.futures import CancelledError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from math import isqrt
from multiprocessing import get_context
from pathlib import Path

import psutil
from pebble import ProcessExpired, ProcessPool

from pipeline.clean import clean_records
from pipeline.errors import PipelineError, ShardFailed
from pipeline.language import load_in_background
from pipeline.limits import WorkLimits
from pipeline.records import RejectReason
from pipeline.shards import Cleaner, ShardResult, attempt_shard, new_folder, result_of
from pipeline.steps import CAREFREE, Blame, Caution, Note, Place, Stage, Step
from pipeline.store.pieces import Finished, read_finished
from pipeline.work import Shard, read_shard
from pipeline.workers import end_with_parent, leave_pandas_out, limit_memory, spawned_lean

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""How often a worker is looked at; memory fills at about 1 GB/s."""
MOST_ATTEMPTS = 100
"""At one shard; three or four are needed for each record that is given up."""
MOST_ACCIDENTS = 5
"""Attempts in a row that ended where no record is to blame, such as a worker that cannot start."""
PATIENCE_SECONDS = 5.0
"""For a worker that was killed to be seen dead, and for one that is gone to be missed."""
FEW = 50
"""So many records are cleaned one by one to find the one to blame; more of them in as many batches as a batch has records."""

_SAID = {Stage.ELSEWHERE: "between records", Stage.READING: "reading it", Stage.CLEANING: "cleaning it"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt ended, and at which step."""

    step: Step
    reason: RejectReason
    detail: str

    @property
    def spares_worker(self) -> bool:
        """Whether the worker is as good as before."""
        return self.reason is RejectReason.FAILED


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the attempts so far have shown."""

    caution: Caution = CAREFREE
    suspect: tuple[Stage, Place] | None = None  # a single record at which the last attempt ended
    accidents: int = 0  # in a row

    def after(self, fault: Fault) -> "Inquiry":
        """What the next attempt is to heed; the fault may be an accident, so a record is given up at the second one."""
        step, known = fault.step, self.caution.given_up
        if step.stage is Stage.ELSEWHERE:
            return Inquiry(Caution(known), accidents=self.accidents + 1)
        if step.records > 1:
            together = isqrt(step.records) if step.records > FEW else 1
            return Inquiry(Caution(known, together=together, careful=step.records))
        if self.suspect == (step.stage, step.place):
            return Inquiry(Caution({**known, step.place: Blame(step.stage, fault.reason, fault.detail)}))
        alone = Caution(known, alone=step.place)
        return Inquiry(
            alone if step.stage is Stage.READING else Caution(known, together=1, careful=1), (step.stage, step.place)
        )


def clean_isolated(shard_path: Path, cleaner: Cleaner = clean_records) -> ShardResult:
    """
    Read, clean and write one shard in a worker process; returns counts and the folder of its pieces.

    To be called from any thread of any process that may have children; workers stay for the next shard until `end_crew`.
    The cleaner must be importable. `ShardFailed` where attempt after attempt ends.
    """
    shard = read_shard(shard_path)
    finished = read_finished(shard.pieces)
    if finished is None:
        finished = _finished(shard_path, shard, cleaner)
    return result_of(shard_path, shard.pieces, finished)


def _finished(shard_path: Path, shard: Shard, cleaner: Cleaner) -> Finished:
    folder = new_folder(shard_path)
    note = Note.new(_note_in(folder))
    crew, inquiry = _crew, Inquiry()
    last = ""
    for _ in range(MOST_ATTEMPTS):
        note.clear()
        outcome = crew.attempt(_Task(shard_path, folder, cleaner, inquiry.caution, shard.limits), note)
        if isinstance(outcome, Finished):
            shutil.rmtree(folder)
            return outcome
        before, inquiry = inquiry, inquiry.after(outcome)
        last = f"{_name(shard, outcome.step)}: {outcome.detail}"
        if len(inquiry.caution.given_up) > len(before.caution.given_up):
            log.warning("%s: %s; rejected", shard_path.stem, last)
        else:
            log.info("%s: %s; tried again", shard_path.stem, last)
        if inquiry.accidents == MOST_ACCIDENTS:
            break
    raise ShardFailed(f"{shard_path.stem}: worker after worker ended at it, the last at {last}")


def _name(shard: Shard, step: Step) -> str:
    """What a worker was at, for people."""
    if step.stage is Stage.ELSEWHERE:
        return "no record"
    source = shard.files[step.place.file].source(step.place.record)
    return source if step.records == 1 else f"{source} and {step.records - 1:,} after it"


def _note_in(folder: Path) -> Path:
    return folder / "note"


@dataclass(frozen=True, slots=True)
class _Task:
    """One attempt, as it travels to a worker."""

    shard_path: Path
    folder: Path
    cleaner: Cleaner
    caution: Caution
    limits: WorkLimits


def _begin() -> None:
    """In a new worker, before its first task."""
    end_with_parent()
    load_in_background()
    leave_pandas_out()


def _attempt(task: _Task) -> Finished | Fault:
    """In the worker: do what is left of a shard. What a record raises is a fault; the rest is raised, as by `clean_shard`."""
    finished = read_finished(read_shard(task.shard_path).pieces)
    if finished is not None:  # its worker died after that
        return finished
    limit_memory(int(task.limits.memory))
    note = Note(_note_in(task.folder))
    rows = task.folder / "rows"
    rows.mkdir(exist_ok=True)
    try:
        return attempt_shard(task.shard_path, rows, task.cleaner, task.caution, note)
    except MemoryError:
        step = note.read()
        return Fault(step, RejectReason.OUT_OF_MEMORY, f"{_SAID[step.stage]} took more memory than there is")
    except (PipelineError, OSError):
        raise
    except BaseException as error:  # a panic of polars is no Exception
        step = note.read()
        if step.stage is not Stage.CLEANING:
            raise
        detail = f"{_SAID[step.stage]} failed: {type(error).__name__}: {' '.join(str(error).split())}"
        return Fault(step, RejectReason.FAILED, detail[:300])


class Watch:
    """Looks at a worker now and then, and says when it is to be killed."""

    def __init__(self, limits: WorkLimits) -> None:
        self._limits = limits
        self._number = -1
        self._began = 0.0  # CPU seconds of the worker when its step began
        self._cpu = 0.0
        self._waited = 0.0  # seconds without any
        self._looked = time.monotonic()
        self._missed = 0.0  # seconds for which it was gone

    def look(self, step: Step) -> Fault | None:
        """The fault of a worker that is over its limits in this step."""
        # A laptop that slept, or a run that was stopped with Ctrl-Z, has not waited for its worker.
        now = time.monotonic()
        since, self._looked = min(now - self._looked, 5 * LOOK_SECONDS), now
        found = _resources(step.worker)
        if found is None:
            self._missed += since if step.worker else 0.0
            gone = f"its worker ended {_SAID[step.stage]}"
            return Fault(step, RejectReason.CRASHED, gone) if self._missed > PATIENCE_SECONDS else None
        cpu, memory, is_waiting = found
        if step.number != self._number:
            self._number, self._began, self._waited = step.number, cpu, 0.0
        self._waited = self._waited + since if is_waiting and cpu == self._cpu else 0.0
        self._cpu = cpu
        return self._judge(step, memory) if step.stage is not Stage.ELSEWHERE else None

    def _judge(self, step: Step, memory: int) -> Fault | None:
        most = self._limits.seconds_for(step.records, step.size)
        what = _SAID[step.stage]
        if memory > self._limits.memory:
            detail = f"{what} took more than {int(self._limits.memory):,} bytes of memory"
            return Fault(step, RejectReason.OUT_OF_MEMORY, detail)
        if self._cpu - self._began > most:
            return Fault(step, RejectReason.TIMED_OUT, f"{what} took more than {most:.3g} s of CPU time")
        if self._waited > most:
            return Fault(step, RejectReason.TIMED_OUT, f"{what} did nothing for more than {most:.3g} s")
        return None


def _resources(worker: int) -> tuple[float, int, bool] | None:
    """CPU seconds, bytes in memory, and whether it waits for nothing that the disk owes it; None for a process that is gone."""
    if not worker:
        return None
    with suppress(psutil.Error):
        process = psutil.Process(worker)
        with process.oneshot():
            times = process.cpu_times()
            waits = process.status() not in {psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP}
            return times.user + times.system, process.memory_info().rss, waits
    return None


class _Crew:
    """The worker processes of this one: as many as there are shards side by side, each a pool of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[ProcessPool] = []
        self._ended = threading.Event()

    def attempt(self, task: "_Task", note: Note) -> Finished | Fault:
        """One attempt at a shard by one of the workers; what it raises is raised."""
        pool = self._take()
        outcome: Finished | Fault | None = None
        try:
            outcome = self._watched(pool, task, note)
        finally:
            with self._lock:
                usable = outcome is not None and (isinstance(outcome, Finished) or outcome.spares_worker)
                usable = usable and not self._ended.is_set()
                self._idle += [pool] if usable else []
            if not usable:
                _end(pool)
        return outcome

    def end(self) -> None:
        """End all workers at once; attempts that are under way raise `CancelledError`."""
        with self._lock:
            self._ended.set()
            idle, self._idle = self._idle, []
        _end(*idle)

    def _take(self) -> ProcessPool:
        with self._lock:
            if self._ended.is_set():
                raise CancelledError
            return self._idle.pop() if self._idle else _start_worker()

    def _watched(self, pool: ProcessPool, task: "_Task", note: Note) -> Finished | Fault:
        watch = Watch(task.limits)
        try:
            future = pool.schedule(_attempt, args=(task,))
            while not wait([future], LOOK_SECONDS).done:
                if self._ended.is_set():
                    raise CancelledError
                fault = watch.look(note.read())
                if fault is not None:
                    with suppress(ProcessLookupError):
                        os.kill(fault.step.worker, signal.SIGKILL)
                    wait([future], PATIENCE_SECONDS)
                    return fault
            return future.result()
        except (ProcessExpired, BrokenProcessPool) as death:
            return _accident(note.read(), death)


def end_crew() -> None:
    """End the workers of this process; nothing is lost but what they were at, and others are started when asked for."""
    global _crew
    crew, _crew = _crew, _Crew()
    crew.end()


_crew = _Crew()


def _start_worker() -> ProcessPool:
    # Spawned, not forked: a forked child would hold the store's lock, and threads of polars do not live in it.
    pool = ProcessPool(1, 0, _begin, (), get_context("spawn"))
    with spawned_lean():
        _ = pool.active  # which starts it
    return pool


def _end(*pools: ProcessPool) -> None:
    for pool in pools:
        pool.stop()  # type: ignore[no-untyped-call]  # pebble has types, but not all of them
    for pool in pools:
        pool.join()


def _accident(step: Step, death: ProcessExpired | BrokenProcessPool) -> Fault:
    """The fault of a worker that died without our doing."""
    code = death.exitcode if isinstance(death, ProcessExpired) else None
    how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
    return Fault(step, RejectReason.CRASHED, f"its worker died {_SAID[step.stage]}: {how}")
