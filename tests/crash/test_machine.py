"""Any history of a raw folder, of settings and of crashes ends in the tables that an in-memory model says."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipeline.errors import StoreError
from pipeline.store import verify
from pipeline.store.layout import Layout
from tests.crash.steps import Steps, fail, watched
from tests.crash.world import Tables, dump, expected, found, run, small_parts, voices_of
from tests.store_cases import published_bytes

NAMES = [f"{folder}{letter}.txt" for folder in ("", "more/", "news.example.org/") for letter in "abcdef"]
DUMPS = [b"", *(dump(town, furniture) for town in range(5) for furniture in range(3))]
STEPS = 260  # about what a run takes

names = st.sampled_from(NAMES)
dumps = st.sampled_from(DUMPS)


class Store(RuleBasedStateMachine):
    """A store beside the model of it: the raw files as a dictionary, and who cleans them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.raw = Path(self.folder.name, "raw")
        self.clean = Path(self.folder.name, "clean")
        self.raw.mkdir()
        self.files: dict[str, bytes] = {}
        self.rules = self.model = 0
        self.published: Tables | None = None  # what readers see; None before the first run

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(files=st.dictionaries(names, dumps, min_size=3, max_size=12))
    def begin(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.write(name, data)
        self.finish()

    @rule(name=names, data=dumps)
    def add_or_change(self, name: str, data: bytes) -> None:
        self.write(name, data)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)), "delete")
        (self.raw / name).unlink()
        del self.files[name]

    @precondition(lambda self: self.files)
    @rule(data=st.data(), to=names)
    def rename(self, data: st.DataObject, to: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)), "rename")
        (self.raw / to).parent.mkdir(exist_ok=True)
        (self.raw / name).replace(self.raw / to)
        self.files[to] = self.files.pop(name)

    @precondition(lambda self: self.files)
    @rule(data=st.data(), to=names)
    def duplicate(self, data: st.DataObject, to: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)), "duplicate")
        self.write(to, self.files[name])

    @rule()
    def change_rules(self) -> None:
        self.rules += 1

    @rule(model=st.integers(0, 2))
    def change_model_or_aim(self, model: int) -> None:
        """An aim is a part of the model's version."""
        self.model = model

    @rule()
    def finish(self) -> None:
        """A whole run; another one then writes nothing that readers see."""
        report = run(self.raw, self.clean, self.voices)
        self.published = expected(self.files, self.voices)
        assert report.exit_code == 0
        assert verify(self.clean, self.raw) == []
        before = published_bytes(self.clean)
        again = run(self.raw, self.clean, self.voices)
        assert (again.published, again.records) == (False, 0)
        assert published_bytes(self.clean) == before

    @rule(at=st.integers(0, STEPS))
    def crash(self, at: int) -> None:
        """A run whose disk fails at some step; it may be over before."""
        new = expected(self.files, self.voices)
        try:
            with watched(self.clean, Steps(at, fail)):
                run(self.raw, self.clean, self.voices)
        except StoreError:
            now = found(self.clean)
            assert now in (self.published, new)
            self.published = now
        else:
            self.published = new

    @invariant()
    def readers_see_what_was_published(self) -> None:
        if self.published is not None:
            assert found(self.clean) == self.published

    @invariant()
    def nothing_is_a_part_but_whole_ones(self) -> None:
        for table in ("articles", "removed_lines", "rejected") if self.published is not None else ():
            listed = list((self.clean / table).iterdir())
            assert all(path.name.startswith("part-") and path.suffix == ".parquet" for path in listed)
            assert Layout(self.clean).current.is_symlink()

    @property
    def voices(self):  # noqa: ANN201 - as the function says
        return voices_of(self.rules, self.model)

    def write(self, name: str, data: bytes) -> None:
        path = self.raw / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.files[name] = data


def check(examples: int, steps: int, *, derandomize: bool) -> None:
    with small_parts(keep=2, seconds=0):
        run_state_machine_as_test(
            Store,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=derandomize,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_any_history_ends_in_the_tables_of_the_model() -> None:
    """Few histories, always the same."""
    check(10, 12, derandomize=True)


@pytest.mark.long
def test_a_hundred_and_fifty_histories_end_in_the_tables_of_the_model() -> None:
    """Others each time."""
    check(150, 20, derandomize=False)
