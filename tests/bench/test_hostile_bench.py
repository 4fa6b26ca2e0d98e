"""`python -m bench.hostile` in short: every hostile case in one run, and each judged by itself."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

import pytest

from bench import fuzz
from bench.hostile import CASES
from bench.hostile.__main__ import draw, measure
from bench.hostile.case import MIB, PASSED_OVER, Case, case
from bench.hostile.outcome import BESIDE, Outcome, contents, judge, lay_out
from bench.hostile.quine import gzip_quine
from pipeline.report import RunReport
from pipeline.store import verify
from tests.store_cases import run

pytestmark = pytest.mark.xdist_group("hostile")  # one run for all of them


@dataclass(frozen=True, slots=True)
class ShortRun:
    """One run over all cases."""

    raw: Path
    clean: Path
    report: RunReport
    outcomes: dict[str, Outcome]
    made: set[str]  # outside the store


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShortRun]:
    """All cases at their short size, in one raw folder."""
    folder = tmp_path_factory.mktemp("hostile")
    raw, clean = folder / "raw", folder / "clean"
    for each in CASES:
        lay_out(raw, each, each.short)
    before = contents(folder)
    report = run(raw, clean)
    made = {path for path in contents(folder) - before if not path.startswith(str(clean))}
    yield ShortRun(raw, clean, report, {each.case.name: each for each in judge(clean, CASES)}, made)
    (raw / "locked" / "shut").chmod(0o700)  # so that it can be removed


@pytest.mark.parametrize("hostile", CASES, ids=attrgetter("name"))
def test_hostile_input_ends_as_it_may(short_run: ShortRun, hostile: Case) -> None:
    """As article or rejection for one of its reasons, or passed over; no honest article beside it or within it is lost."""
    outcome = short_run.outcomes[hostile.name]

    assert set(outcome.ends) <= hostile.ends
    assert (outcome.honest_lost, outcome.told) == (0, False)


def test_a_run_over_all_hostile_input_keeps_its_promises(short_run: ShortRun) -> None:
    """No shard fails, all records are accounted for, nothing is made outside the store, and the store verifies."""
    report = short_run.report

    assert (report.shards_failed, report.exit_code) == (0, 0)
    assert report.records == report.articles + report.duplicates + report.rejected
    assert short_run.made == set()
    assert verify(short_run.clean, short_run.raw) == []


def test_what_a_run_says_of_hostile_input_is_safe_to_print(short_run: ShortRun) -> None:
    """Neither escape sequences nor marks that reverse the order, whatever files and records are called."""
    said = short_run.report.summary().replace(str(short_run.clean), "").replace(str(short_run.raw), "")

    assert all(line.isprintable() for line in said.splitlines())


def test_a_lost_article_and_a_wrong_end_are_told(short_run: ShortRun) -> None:
    """The table is not green whatever happens."""
    asked_too_much = [
        replace(next(each for each in CASES if each.name == "false-lengths"), inside=4),
        replace(next(each for each in CASES if each.name == "nul-bytes"), ends=frozenset({"article"})),
        replace(CASES[0], name="never-made"),
    ]

    lost, wrong, missing = judge(short_run.clean, asked_too_much)

    assert (lost.honest_lost, lost.is_right) == (1, False)
    assert (wrong.honest_lost, wrong.is_right) == (0, False)
    assert (missing.honest_lost, missing.ends, missing.is_right) == (BESIDE, {PASSED_OVER: 1}, False)


def test_a_case_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    """With its seconds and the memory of all its processes; one that writes outside of the store is told."""
    small = case("small", lambda folder, _size: (folder / "a.txt").write_bytes(b"\0" * 100) and None, 1, 1, "binary")

    measured = measure(small, tmp_path, 1)

    assert measured.is_right, measured
    assert measured.outcome is not None
    assert measured.outcome.ends == {"binary": 1}
    assert measured.bytes > 100 * MIB
    assert draw(measured)[:3] == ["small", "1 binary", "0"]


def test_the_quine_unpacks_to_itself() -> None:
    """So a reader that unpacks as long as something is packed never ends."""
    assert gzip.decompress(gzip_quine()) == gzip_quine()


@pytest.mark.parametrize("what", ["decode", "readers", "rules"])
def test_a_fuzzer_tries_inputs_and_finds_nothing(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One short round of each; `python -m bench.fuzz` goes on for minutes."""
    monkeypatch.setattr(fuzz, "ROUND", 60)

    hunted = fuzz.hunt(what, 0.001, tmp_path)

    assert hunted.tried >= 60
    assert hunted.found == []


def test_a_fuzzer_keeps_what_fails_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the error, so that a test can be made of it."""

    def fail(record: object) -> None:
        if len(record.data) > 3:  # type: ignore[attr-defined]
            raise ValueError("too long")

    strategy, _ = fuzz._targets()["decode"]
    monkeypatch.setattr(fuzz, "_targets", lambda: {"decode": (strategy, fail)})
    monkeypatch.setattr(fuzz, "ROUND", 50)

    hunted = fuzz.hunt("decode", 0.001, tmp_path)

    assert hunted.found
    assert "ValueError: too long" in hunted.found[0].read_text(encoding="utf-8")
