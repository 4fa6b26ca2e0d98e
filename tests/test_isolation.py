"""A record that hangs, dies or takes all memory is rejected, and no other record of the run is lost."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ShardFailed
from pipeline.isolation import MOST_ATTEMPTS, Fault, Inquiry, Watch, clean_isolated, end_crew
from pipeline.limits import WorkLimits
from pipeline.plan import PlanOptions
from pipeline.records import Article, RawRecord, Rejection, RejectReason
from pipeline.report import RunReport
from pipeline.run import load_voices, open_store, plan_run, run_directly
from pipeline.shards import attempt_shard, clean_shard, new_folder
from pipeline.steps import CAREFREE, Blame, Caution, Note, Place, Stage, Step
from pipeline.store import verify
from pipeline.voices import Voices
from tests.crash.world import clean_trivially, dump
from tests.poison import DawdleOnce, PoisonedReader, clean_poisoned
from tests.store_cases import by_source, lasting, rows

LIMITS = WorkLimits(seconds=0.8)
RECORDS = 300


@pytest.fixture(autouse=True)
def _no_worker_stays() -> Iterator[None]:
    yield
    end_crew()


def write_lines(path: Path, poison: dict[int, str], records: int = RECORDS) -> None:
    """A file of many records, some of which have another text; numbers from 1."""
    texts = (poison.get(number, dump(number, number % 3).decode()) for number in range(1, records + 1))
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def run(raw: Path, clean: Path, cleaner: Any = clean_trivially, runner: Any = "process", **options: Any) -> RunReport:
    plan = PlanOptions(**{"settle": 0, "limits": LIMITS, **options})
    return run_directly(raw, clean, workers=1, runner=runner, cleaner=cleaner, options=plan)


def undisturbed(raw: Path, clean: Path, without: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """The rows that a run leaves in which nothing happens, but for those of some sources."""
    run(raw, clean, runner="thread")
    tables = lasting(clean)
    ids = {row["article_id"] for row in tables["articles"] if row["source"] in without}
    return {
        name: [row for row in table if row.get("article_id") not in ids and row.get("source") not in without]
        for name, table in tables.items()
    }


def test_poison_among_hundreds_is_rejected_and_nothing_else(raw: Path, clean: Path, tmp_path: Path) -> None:
    """One record hangs its worker, one raises: each is rejected with its reason, place and size."""
    poison = {17: "poison: fail", 150: "poison: hang"}
    write_lines(raw / "a.jsonl", poison)
    (raw / "b.txt").write_bytes(dump(1, 1))
    (raw / "c.txt").write_bytes(b"")

    report = run(raw, clean, clean_poisoned)

    assert (report.shards_failed, report.records) == (0, RECORDS + 2)
    assert report.rejected_by_reason == {"empty": 1, "failed": 1, "timed-out": 1}
    rejected = by_source(clean, "rejected")
    lines = (raw / "a.jsonl").read_bytes().splitlines(keepends=True)
    for number, text in poison.items():
        row = rejected[f"a.jsonl#{number}"]
        assert (row["size"], row["byte_offset"]) == (len(text), sum(map(len, lines[: number - 1])))
    assert "ValueError: no such town" in rejected["a.jsonl#17"]["detail"]
    assert "CPU time" in rejected["a.jsonl#150"]["detail"]
    sources = [f"a.jsonl#{number}" for number in poison]
    found = lasting(clean)
    found["rejected"] = [row for row in found["rejected"] if row["source"] not in sources]
    assert found == undisturbed(raw, tmp_path / "undisturbed", without=sources)
    assert verify(clean, raw) == []
    assert not list(clean.glob(".store/tmp/*"))


def test_a_worker_killed_from_outside_changes_nothing(raw: Path, clean: Path, tmp_path: Path) -> None:
    """As the system does when memory is short: the batch is cleaned again, and the rows are the same."""
    write_lines(raw / "a.jsonl", {})
    note = tmp_path / "note"

    def kill() -> None:
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        os.kill(int(note.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    report = run(raw, clean, DawdleOnce(note), limits=WorkLimits())
    killer.join()

    assert (report.shards_failed, report.rejected) == (0, 0)
    assert lasting(clean) == undisturbed(raw, tmp_path / "undisturbed")


def test_a_record_that_cannot_be_read_takes_the_rest_of_its_file_along(raw: Path, clean: Path, tmp_path: Path) -> None:
    """What stands before it is kept, and so are the files beside it."""
    write_lines(raw / "b.jsonl", {40: "poison"}, records=60)
    for name in ("a.txt", "c.txt"):
        (raw / name).write_bytes(dump(ord(name[0]), 1))

    report = run(raw, clean, PoisonedReader())

    assert (report.shards_failed, report.records) == (0, 2 + 40)
    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["reason"]) == ("b.jsonl#40", "crashed")
    assert "SIGSEGV; the rest of the file was not read" in rejected["detail"]
    lost = [f"b.jsonl#{number}" for number in range(40, 61)]
    assert lasting(clean)["articles"] == undisturbed(raw, tmp_path / "undisturbed", without=lost)["articles"]
    assert verify(clean, raw) == []


@pytest.mark.long
def test_records_that_take_all_memory_or_crash_are_rejected(raw: Path, clean: Path) -> None:
    """The worker is killed before the machine suffers."""
    write_lines(raw / "a.jsonl", {5: "poison: eat", 290: "poison: die"})

    report = run(raw, clean, clean_poisoned, limits=WorkLimits(memory="600MiB"))  # type: ignore[arg-type]

    assert report.rejected_by_reason == {"out-of-memory": 1, "crashed": 1}
    assert report.records == RECORDS
    assert {row["source"] for row in rows(clean, "rejected")} == {"a.jsonl#5", "a.jsonl#290"}


def step(stage: Stage, record: int = 1, records: int = 1, number: int = 1, worker: int = 0) -> Step:
    return Step(number, worker, stage, Place(0, record), records, 10)


def fault(at: Step, reason: RejectReason = RejectReason.CRASHED) -> Fault:
    return Fault(at, reason, "why")


def test_a_batch_is_searched_for_the_one_to_blame() -> None:
    """In three attempts, whatever its size: some fifty batches, then single records, then that record once more."""
    whole = Inquiry().after(fault(step(Stage.CLEANING, records=2_000)))
    part = whole.after(fault(step(Stage.CLEANING, 881, records=44)))
    single = part.after(fault(step(Stage.CLEANING, 900)))
    again = single.after(fault(step(Stage.CLEANING, 900), RejectReason.TIMED_OUT))

    assert whole.caution == Caution(together=44, careful=2_000)
    assert part.caution == Caution(together=1, careful=44)
    assert single.caution == Caution(together=1, careful=1)
    assert again.caution == Caution({Place(0, 900): Blame(Stage.CLEANING, RejectReason.TIMED_OUT, "why")})


def test_an_accident_is_no_proof() -> None:
    """A record is given up when two attempts in a row end at it, not when others ended between."""
    first = Inquiry().after(fault(step(Stage.READING, 7)))
    other = first.after(fault(step(Stage.ELSEWHERE)))
    back = other.after(fault(step(Stage.READING, 7)))

    assert first.caution == Caution(alone=Place(0, 7))
    assert (other.caution, other.accidents, back.accidents) == (CAREFREE, 1, 0)
    assert back == first
    assert back.after(fault(step(Stage.READING, 7))).caution.given_up.keys() == {Place(0, 7)}


def test_what_is_given_up_stays_so() -> None:
    """Whatever comes after it."""
    known = {Place(0, 3): Blame(Stage.CLEANING, RejectReason.CRASHED, "why")}

    for later in (step(Stage.ELSEWHERE), step(Stage.CLEANING, records=99), step(Stage.CLEANING), step(Stage.READING)):
        assert Inquiry(Caution(known)).after(fault(later)).caution.given_up == known


@pytest.mark.parametrize(
    ("code", "limits", "detail"),
    [
        ("while True: pass", {"seconds": 0.3}, "cleaning it took more than 0.3 s of CPU time"),
        ("import time; time.sleep(60)", {"seconds": 0.3}, "cleaning it did nothing for more than 0.3 s"),
        ("eaten = b'x' * 700_000_000; input()", {"memory": "512MiB"}, "cleaning it took more than 536,870,912 bytes"),
    ],
)
def test_a_worker_over_its_limits_is_seen(code: str, limits: dict[str, Any], detail: str) -> None:
    """One that hangs, one that waits for ever, and one that grows."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        watch = Watch(WorkLimits(**limits))
        seen = None
        while seen is None and process.poll() is None:
            time.sleep(0.05)
            seen = watch.look(step(Stage.CLEANING, worker=process.pid))
        process.kill()

    assert seen is not None
    assert seen.detail.startswith(detail)


def test_steps_are_timed_one_by_one() -> None:
    """Many records may take long together; and what is no record's fault has no limit."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        watch = Watch(WorkLimits(seconds=0.4))
        for number in range(20):
            time.sleep(0.05)
            stage = Stage.CLEANING if number % 2 else Stage.READING
            assert watch.look(step(stage, number=number, worker=process.pid)) is None
        for _ in range(20):
            time.sleep(0.05)
            assert watch.look(step(Stage.ELSEWHERE, number=99, worker=process.pid)) is None
        process.kill()


def test_larger_work_may_take_longer() -> None:
    """In proportion to its records and bytes; a single small record has what the settings say."""
    limits = WorkLimits(seconds=10)

    assert limits.seconds_for(1, 0) == 10
    assert limits.seconds_for(1, 16 << 20) == 26
    assert limits.seconds_for(1_001, 3 << 20) == 15


class Stop(Exception):
    """Stands for the death of a worker."""


class StopsAt:
    """A cleaner that notes what it is given and does not come through its n-th batch."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.sources: list[str] = []

    def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        self.batch -= 1
        if self.batch == 0:
            raise Stop
        self.sources += [record.source for record in records]
        return clean_trivially(records, voices)


@pytest.fixture
def shard(raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A shard of three files, of which the second spans batches of ten records."""
    monkeypatch.setattr("pipeline.shards.BATCH_RECORDS", 10)
    (raw / "a.txt").write_bytes(dump(1))
    write_lines(raw / "b.jsonl", {}, records=35)
    (raw / "c.txt").write_bytes(b"")
    with open_store(clean) as store:
        (path,) = plan_run(store, raw, load_voices(), PlanOptions(settle=0)).shards
        yield path


def test_an_attempt_goes_on_where_the_last_one_died(shard: Path) -> None:
    """What was cleaned is not cleaned again, and the pieces hold the rows that they would hold anyway."""
    folder, first, second = new_folder(shard), StopsAt(3), StopsAt(-1)
    with pytest.raises(Stop):
        attempt_shard(shard, folder, first, CAREFREE, Note())

    finished = attempt_shard(shard, folder, second, CAREFREE, Note())

    assert len(first.sources) == 20
    every = ["a.txt#1", "c.txt#1", *(f"b.jsonl#{number}" for number in range(1, 36))]
    assert sorted(first.sources + second.sources) == sorted(every)
    assert (finished.rows["files"], finished.rows["articles"], finished.rows["rejected"]) == (3, 36, 1)
    assert not folder.exists()


def test_a_file_that_changed_between_attempts_counts_as_changed(shard: Path, raw: Path) -> None:
    """Rows of its old bytes and of its new ones must not stand side by side."""
    import pyarrow.parquet as pq

    from pipeline.work import read_shard

    folder = new_folder(shard)
    with pytest.raises(Stop):
        attempt_shard(shard, folder, StopsAt(3), CAREFREE, Note())
    write_lines(raw / "b.jsonl", {1: "Another ferry."}, records=35)

    attempt_shard(shard, folder, clean_trivially, CAREFREE, Note())

    pieces = read_shard(shard).pieces
    files = {row["key"]: row["sha256"] for row in pq.read_table(pieces / "files.parquet").to_pylist()}
    assert [key for key, sha256 in files.items() if not sha256] == ["b.jsonl"]
    rejected = pq.read_table(pieces / "rejected.parquet").to_pylist()
    assert {row["key"]: row["reason"] for row in rejected} == {"b.jsonl": "changed-while-read", "c.txt": "empty"}


def test_caution_cuts_batches_and_nothing_else(shard: Path) -> None:
    """Small batches for as many records as are in doubt, one that ends before the record in doubt, then usual ones."""
    sizes: list[int] = []

    def noted(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        sizes.append(len(records))
        return clean_trivially(records, voices)

    attempt_shard(shard, new_folder(shard), noted, Caution(together=3, careful=8, alone=Place(1, 14)), Note())

    assert sizes[:2] == [3, 3]
    assert sum(sizes) == 37
    assert 14 in [sum(sizes[:end]) for end in range(len(sizes))]  # a.txt, and 13 of b.jsonl
    assert max(sizes[3:]) == 10


def die_at_once(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
    os._exit(7)


def test_a_shard_is_not_tried_for_ever(shard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where worker after worker dies, the shard fails, and the message names the last one."""
    monkeypatch.setattr("pipeline.isolation.MOST_ATTEMPTS", 2)
    assert MOST_ATTEMPTS > 2

    with pytest.raises(ShardFailed, match=r"worker after worker ended at it, the last at a.txt#1: .*exit code 7"):
        clean_isolated(shard, die_at_once)


def test_isolated_or_not_a_shard_has_the_same_result(shard: Path) -> None:
    """And doing it again does nothing."""
    isolated = clean_isolated(shard, clean_trivially)

    assert clean_shard(shard, die_at_once) == clean_isolated(shard, die_at_once) == isolated


def test_a_worker_that_cannot_start_fails_the_shard(shard: Path) -> None:
    """Soon: there is no record to search for."""

    class Local:
        """What a worker cannot find."""

        def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
            return clean_trivially(records, voices)

    with pytest.raises((AttributeError, pickle.PicklingError)):
        clean_isolated(shard, Local())
