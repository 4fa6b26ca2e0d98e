"""What holds for all tests."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipeline.model import LineModel

# One thread a process: texts under test are small, and the suite runs one process a core. Read when Polars is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

FLOWS = Path(__file__).parent / "flows"

COUNTS = "counts"
"""The property of a test that is printed when all are done."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the flow tests in one process: they share a Prefect server that takes 15 s to start."""
    for item in items:
        if FLOWS in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("prefect"))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """An empty raw folder."""
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Where the store of a test is made."""
    return tmp_path / "clean"


@pytest.fixture(scope="session")
def tiny_model() -> "LineModel":
    """A model trained for some seconds on invented pages."""
    from pipeline.rules import load_rules
    from pipeline.train.examples import make_examples
    from pipeline.train.train import train_model
    from tests.train.cases import invent_sources

    return train_model(list(make_examples(invent_sources(), load_rules())), epochs=100)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Show what tests counted; with pytest-xdist, their own output is not shown.

    Here and not beside these tests: the process that shows it collects none, and reads no `conftest.py` but this one.
    """
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {line}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, line in report.user_properties
        if name == COUNTS
    ]
    if lines:
        terminalreporter.section("counts")
        for line in lines:
            terminalreporter.line(line)
