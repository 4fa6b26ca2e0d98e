"""A run that dies loses the shards it was working on and no others, and the next one uses nothing stale."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.clean import clean_records
from pipeline.errors import StoreError
from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, RawRecord, Rejection
from pipeline.report import RunReport
from pipeline.rules import Rules, load_rules
from pipeline.run import clean_shard, load_voices, open_store, plan_run, run_directly
from pipeline.shards import Cleaner
from pipeline.store import status, verify
from pipeline.store.layout import Layout
from pipeline.voices import Voices
from tests.store_cases import by_source, lasting, rows, run, story, write
from tests.stub_model import stub_voices

ROOT = Path(__file__).parent.parent
SHARD = 3  # files


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Five shards of raw files that have held still for an hour."""
    folder = tmp_path / "raw"
    write(folder, {f"{number:02}.txt": story(f"Town {number % 12}") for number in range(14)} | {"empty.txt": ""})
    settle(folder)
    return folder


def settle(raw: Path) -> None:
    """Date all files back; the time of the inode, which nobody can set, is awaited where it matters."""
    for path in raw.rglob("*.txt"):
        os.utime(path, (time.time() - 3600,) * 2)


class Log:
    """A cleaner that notes, in a file, every record before it cleans it; it may die, or dawdle, in the middle."""

    def __init__(self, path: Path, *, die_at: int = sys.maxsize, seconds: float = 0) -> None:
        self.path, self.die_at, self.seconds = path, die_at, seconds

    def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        with self.path.open("a", encoding="utf-8") as log:
            log.writelines(f"{record.source}\n" for record in records)
        if len(self.sources()) >= self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        return clean_records(records, voices)

    def sources(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").split() if self.path.exists() else []


def run_logged(raw: Path, clean: Path, log: Cleaner, **options: object) -> RunReport:
    return run_directly(raw, clean, options=PlanOptions(settle=0, shard_size=SHARD), cleaner=log, **options)  # type: ignore[arg-type]


def die_after(shards: int, raw: Path, clean: Path, voices: Voices | None = None) -> list[str]:
    """A run that ends after so many shards, before its commit; returns the keys of the files they hold."""
    with open_store(clean) as store, pytest.MonkeyPatch.context() as patch:
        if voices:
            patch.setattr("pipeline.shards.load_voices", lambda manner: replace(voices, manner=manner))
        plan = plan_run(store, raw, voices or load_voices(), PlanOptions(settle=0, shard_size=SHARD))
        for shard in plan.shards[:shards]:
            clean_shard(shard)
    return [f"{number:02}.txt" for number in range(14)][: shards * SHARD]


_RUN = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
from tests.test_resume import Log, run_logged
raw, clean, log, runner, workers, die_at, seconds = sys.argv[1:]
cleaner = Log(Path(log), die_at=int(die_at), seconds=float(seconds))
if __name__ == "__main__":
    run_logged(Path(raw), Path(clean), cleaner, runner=runner, workers=int(workers))
"""


def started(raw: Path, clean: Path, log: Log, runner: str, workers: int) -> subprocess.Popen[bytes]:
    arguments = [raw, clean, log.path, runner, workers, log.die_at, log.seconds]
    return subprocess.Popen([sys.executable, "-c", _RUN, *map(str, arguments)], cwd=ROOT)


def test_a_killed_run_goes_on_where_it_was(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Killed with -9 while its fourth shard is cleaned, a run leaves three, and they are not cleaned again."""
    first, second = Log(tmp_path / "first", die_at=10), Log(tmp_path / "second")
    assert started(raw, clean, first, "thread", 1).wait() == -signal.SIGKILL

    report = run_logged(raw, clean, second)

    twice = Counter(first.sources()) & Counter(second.sources())
    assert len(first.sources()) == 4 * SHARD
    assert sorted(twice) == ["09.txt#1", "10.txt#1", "11.txt#1"]
    assert (report.files.resumed, report.shards, report.records) == (3 * SHARD, 2, 15)
    assert "taken over: 9 files" in report.summary()
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")
    assert verify(clean) == []


def test_each_worker_process_loses_one_shard_at_most(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Killed at any time with two processes at work, a run has at most two shards cleaned for nothing."""
    first, second = Log(tmp_path / "first", seconds=1.0), Log(tmp_path / "second")
    process = started(raw, clean, first, "process", 2)
    while len(first.sources()) < 3 * SHARD:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()

    report = run_logged(raw, clean, second)

    twice = Counter(first.sources()) & Counter(second.sources())
    assert sum(twice.values()) <= 2 * SHARD
    assert report.files.resumed >= SHARD
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def test_ctrl_c_ends_a_run_at_once(raw: Path, clean: Path, tmp_path: Path) -> None:
    """It does not wait for what its workers have before them; what they had finished is kept as well."""
    log = Log(tmp_path / "log", seconds=300)
    with started(raw, clean, log, "process", 2) as process:
        while not log.sources():
            assert process.poll() is None
            time.sleep(0.05)

        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=200) != 0
    assert run(raw, clean).articles == 12


def test_a_run_killed_before_its_commit_has_nothing_left_to_clean(raw: Path, clean: Path, tmp_path: Path) -> None:
    """When all shards are done, the next run only commits; afterwards nothing of them is left on the disk."""
    die_after(99, raw, clean)
    assert status(clean).waiting_shards == 5
    log = Log(tmp_path / "log")

    report = run_logged(raw, clean, log)

    assert (report.shards, report.files.resumed, log.sources()) == (0, 15, [])
    assert (report.articles, report.duplicates, report.rejected) == (12, 2, 1)
    assert list(Layout(clean).pieces.iterdir()) == []
    assert status(clean).waiting_shards == 0
    assert verify(clean) == []


def test_files_that_came_meanwhile_do_not_spoil_what_is_done(raw: Path, clean: Path, tmp_path: Path) -> None:
    """New files shift where shards are cut; what is finished counts file by file."""
    done = die_after(2, raw, clean)
    write(raw, {"00-new.txt": story("Ems"), "03-new.txt": story("Weser"), "zz.txt": story("Elbe")})
    log = Log(tmp_path / "log")

    report = run_logged(raw, clean, log)

    assert report.files.resumed == len(done) == 6
    assert {source.removesuffix("#1") for source in log.sources()}.isdisjoint(done)
    assert len(log.sources()) == 18 - 6
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")
    assert verify(clean) == []


def test_a_run_may_die_many_times(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Each run adds to what the ones before had finished, and none of it is done twice."""
    for _ in range(5):
        die_after(1, raw, clean)
        assert verify(clean) == []
    assert len(list(Layout(clean).pieces.iterdir())) == 5

    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert (report.shards, report.files.resumed) == (0, 15)
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def _change(raw: Path) -> None:
    write(raw, {"01.txt": story("Aller")})


def _change_and_hide_the_time(raw: Path) -> None:
    times = (raw / "01.txt").stat()
    write(raw, {"01.txt": story("Town 9")})
    os.utime(raw / "01.txt", ns=(times.st_atime_ns, times.st_mtime_ns))


def _replace_by_one_as_old(raw: Path) -> None:
    write(raw, {"other/01.txt": story("Town 8")})
    settle(raw)
    (raw / "other/01.txt").replace(raw / "01.txt")


@pytest.mark.parametrize("change", [_change, _change_and_hide_the_time, _replace_by_one_as_old])
def test_a_file_that_changed_since_is_cleaned_again(
    raw: Path, clean: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Whatever size and times say, rows are used for the very bytes they were made from."""
    die_after(2, raw, clean)
    change(raw)
    log = Log(tmp_path / "log")

    report = run_logged(raw, clean, log)

    assert report.files.resumed == 5
    assert "01.txt#1" in log.sources()
    assert "Town 1 " not in by_source(clean)["01.txt#1"]["text"]
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def test_a_file_that_changed_within_a_clock_tick_is_cleaned_again(raw: Path, clean: Path, tmp_path: Path) -> None:
    """A file touched just before it was read may have changed just after, under the same times: its bytes decide."""
    write(raw, {"01.txt": story("Town 1")})
    die_after(1, raw, clean)
    (pieces,) = Layout(clean).pieces.iterdir()
    write(raw, {"01.txt": story("Town 9")})
    _pretend_the_times_are_the_same(pieces, raw / "01.txt")

    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert report.files.resumed == 2
    assert "Town 9 " in by_source(clean)["01.txt#1"]["text"]


def test_a_touched_file_is_not_cleaned_again(raw: Path, clean: Path, tmp_path: Path) -> None:
    """New times on the same bytes cost a look at them; the state takes over the new times."""
    die_after(1, raw, clean)
    os.utime(raw / "01.txt", (1, 1))

    assert run_logged(raw, clean, Log(tmp_path / "log")).files.resumed == 3
    assert run(raw, clean).files.unchanged == 15


@pytest.mark.parametrize("which", ["rules", "model"])
def test_rows_made_with_other_settings_are_not_used(raw: Path, clean: Path, tmp_path: Path, which: str) -> None:
    """Another rule pack or model starts anew, and what the dead run left is removed before anything is cleaned."""
    older = Voices(Rules(load_rules().rules, digest="older")) if which == "rules" else stub_voices({})
    die_after(3, raw, clean, older)

    die_after(0, raw, clean)
    assert list(Layout(clean).pieces.iterdir()) == []
    die_after(3, raw, clean, older)
    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert (report.files.resumed, report.shards) == (0, 5)
    assert {row["rules_digest"] for row in rows(clean)} == {load_rules().digest}
    assert {row["model_version"] for row in rows(clean)} == {load_voices().settings.model_version}


def test_a_file_that_went_or_was_renamed_leaves_no_rows(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Rows are used under the name they were made for, as the name tells the site."""
    die_after(2, raw, clean)
    (raw / "02.txt").unlink()
    (raw / "site.example").mkdir()
    (raw / "03.txt").rename(raw / "site.example/03.txt")

    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert report.files.resumed == 4
    assert by_source(clean)["site.example/03.txt#1"]["site"] == "site.example"
    assert not {"02.txt#1", "03.txt#1"} & set(by_source(clean))
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def _flip_a_byte(pieces: Path) -> None:
    content = bytearray((pieces / "articles.parquet").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (pieces / "articles.parquet").write_bytes(content)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped byte": _flip_a_byte,
    "cut off": lambda pieces: os.truncate(pieces / "removed_lines.parquet", 50),
    "a piece is gone": lambda pieces: (pieces / "rejected.parquet").unlink(),
    "description gone": lambda pieces: (pieces / "shard.json").unlink(),
    "description torn": lambda pieces: os.truncate(pieces / "shard.json", 20),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_shard_is_cleaned_again(raw: Path, clean: Path, tmp_path: Path, damage: str) -> None:
    """What is not byte for byte as it was written is found by `verify`, and thrown away by the next run."""
    die_after(2, raw, clean)
    assert verify(clean) == []
    DAMAGE[damage](min(Layout(clean).pieces.iterdir()))
    (finding,) = verify(clean)
    assert "is no whole shard" in finding.what

    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert report.files.resumed == 3
    assert verify(clean) == []
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")


def test_a_failed_commit_keeps_what_was_cleaned(raw: Path, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the end of a run costs the commit, not the cleaning."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.commit.build", full)
        with pytest.raises(StoreError, match="No space"):
            run(raw, clean)

    assert run(raw, clean).files.resumed == 15
    assert verify(clean) == []


def test_changes_of_known_files_are_resumed_too(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Not only a first run goes on: what was changed and cleaned replaces the rows of the last commit."""
    run(raw, clean)
    chance = random.Random(3)
    for key in chance.sample([f"{number:02}.txt" for number in range(14)], 8):
        write(raw, {key: story(f"Town {chance.randrange(100, 112)}")})
    die_after(2, raw, clean)

    report = run_logged(raw, clean, Log(tmp_path / "log"))

    assert (report.files.changed, report.files.resumed) == (8, 6)
    run(raw, tmp_path / "undisturbed")
    assert lasting(clean) == lasting(tmp_path / "undisturbed")
    assert verify(clean) == []


def test_a_preview_counts_what_is_finished_and_leaves_it(raw: Path, clean: Path) -> None:
    """A dry run takes nothing over and removes nothing."""
    die_after(2, raw, clean)
    before = sorted(Layout(clean).pieces.rglob("*"))

    found = preview(raw, clean, load_voices(), PlanOptions(settle=0, shard_size=SHARD))

    assert (found.files.resumed, found.to_clean, found.shards) == (6, 9, 3)
    assert sorted(Layout(clean).pieces.rglob("*")) == before


def _pretend_the_times_are_the_same(pieces: Path, path: Path) -> None:
    """Give a finished shard the present times of a file, as a clock with long ticks would have."""
    import hashlib
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    files = pq.read_table(pieces / "files.parquet")
    found = path.stat()
    times = {"mtime_ns": found.st_mtime_ns, "ctime_ns": found.st_ctime_ns, "inode": found.st_ino}
    changed = [row | times if row["key"] == path.name else row for row in files.to_pylist()]
    pq.write_table(pa.Table.from_pylist(changed, schema=files.schema), pieces / "files.parquet")
    about = json.loads((pieces / "shard.json").read_text(encoding="utf-8"))
    about["sha256"]["files"] = hashlib.sha256((pieces / "files.parquet").read_bytes()).hexdigest()
    (pieces / "shard.json").write_text(json.dumps(about), encoding="utf-8")
