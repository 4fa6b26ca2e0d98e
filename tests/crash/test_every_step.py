"""A run that fails or dies at any of its steps leaves the old snapshot or the new one, and the next run goes on."""

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.store import articles_path, verify
from tests.crash.processes import process
from tests.crash.steps import Step, Steps, die, fail, watched
from tests.crash.world import Tables, change_alike, found, run, small_parts

pytestmark = pytest.mark.usefixtures("parts_of_few_rows")


def name_of(step: Step) -> str:
    """A step's name without numbers, the same in each run."""
    return re.sub(r"\d+", "#", str(step))


def steps_of_a_run(raw: Path, clean: Path) -> list[str]:
    """The names of all steps of a run, each once."""
    for number in (-3, -2):  # so that there is a snapshot that goes
        change_alike(raw, -number)
        run(raw, clean)
    change_alike(raw, 1)
    steps = Steps()
    with watched(clean, steps):
        run(raw, clean)
    return list(dict.fromkeys(map(name_of, steps.seen)))


def run_to(raw: Path, clean: Path, name: str, act: Callable[[Step], None]) -> list[Step]:
    """Run, and fail or die at the first step of this name; returns the steps taken."""
    taken: list[Step] = []

    def notice(step: Step) -> None:
        taken.append(step)
        if sum(name_of(earlier) == name for earlier in taken) == 1 and name_of(step) == name:
            act(step)

    with watched(clean, notice):
        run(raw, clean)
    return taken


def run_to_death(raw: Path, clean: Path, name: str) -> None:
    """The same in a process of its own."""
    with small_parts(keep=2, seconds=0):
        run_to(raw, clean, name, die)


def old_or_new(clean: Path, old: Tables, new: Tables) -> str:
    """Which of the two is published; there is nothing between."""
    now = found(clean)
    assert now in (old, new)
    return "old" if now == old else "new"


def run_to_failure(raw: Path, clean: Path, name: str, old: Tables, new: Tables) -> str:
    """Run, with the disk refusing one step; it is an error, unless nothing depends on the step."""
    try:
        run_to(raw, clean, name, fail)
    except StoreError:
        return f"failed, {old_or_new(clean, old, new)} tables"
    assert found(clean) == new
    return "nothing depends on it"


def assert_goes_on(raw: Path, clean: Path, new: Tables, *, thorough: bool = True) -> None:
    """The next run completes what was left, and leaves nothing lying about."""
    run(raw, clean)
    assert found(clean) == new
    assert not thorough or verify(clean, raw) == []


def every_step(raw: Path, clean: Path, keep: Callable[[str], bool]) -> Iterator[tuple[str, Tables, Tables]]:
    """For each step: its name, what is published, and what the run that will be cut off there has to publish."""
    names = steps_of_a_run(raw, clean)
    assert {"before COMMIT", "after COMMIT"} < set(names)
    for number, name in enumerate(filter(keep, names), start=2):
        old = found(clean)
        yield name, old, change_alike(raw, number)


def test_a_run_that_fails_at_any_step_is_all_or_nothing(raw: Path, clean: Path, tell: Callable[[str], None]) -> None:
    """
    Whichever step the disk refuses, the run says so in an error of its own, and the next one completes.

    Here at every eighth step, and around those that publish; in the long form at all of them.
    """
    outcome: Counter[str] = Counter()
    sample = cycle([True] + [False] * 7)
    for name, old, new in every_step(raw, clean, lambda name: next(sample) or "COMMIT" in name or "current" in name):
        outcome[run_to_failure(raw, clean, name, old, new)] += 1
        assert_goes_on(raw, clean, new, thorough=False)
    assert verify(clean, raw) == []
    assert min(outcome[kind] for kind in ("failed, old tables", "failed, new tables")) > 1
    tell(f"steps that failed: {sum(outcome.values())}; {dict(outcome)}")


@pytest.mark.long
def test_a_run_that_fails_at_every_single_step_is_all_or_nothing(
    raw: Path, clean: Path, tell: Callable[[str], None]
) -> None:
    """Before and after each step: what was done, but never heard of, does no harm; each time every promise is checked."""
    outcome: Counter[str] = Counter()
    for name, old, new in every_step(raw, clean, lambda _: True):
        outcome[run_to_failure(raw, clean, name, old, new)] += 1
        assert_goes_on(raw, clean, new)
    tell(f"steps that failed: {sum(outcome.values())}; {dict(outcome)}")


@pytest.mark.long
def test_a_run_that_is_killed_at_any_step_is_all_or_nothing(
    raw: Path, clean: Path, tell: Callable[[str], None]
) -> None:
    """`kill -9` before and after each step, in a process of its own."""
    steps: Counter[str] = Counter()
    for name, old, new in every_step(raw, clean, lambda _: True):
        killed = process(run_to_death, raw, clean, name)
        killed.join()
        assert killed.exitcode == -signal.SIGKILL, name
        steps[f"{old_or_new(clean, old, new)} tables"] += 1
        assert_goes_on(raw, clean, new)
    tell(f"steps killed at: {sum(steps.values())}; {dict(steps)}")


def test_a_reader_of_the_old_snapshot_is_not_disturbed_by_a_failure(raw: Path, clean: Path) -> None:
    """Paths resolved before the run read as they did, wherever it ended."""
    run(raw, clean)
    before = articles_path(clean)
    parts = {path.name: path.read_bytes() for path in before.iterdir()}
    change_alike(raw, 1)
    for name in ("before COMMIT", "after COMMIT"):
        with pytest.raises(StoreError):
            run_to(raw, clean, name, fail)
        assert {path.name: path.read_bytes() for path in before.iterdir()} == parts
