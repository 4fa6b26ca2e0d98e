"""What the crash tests share: a raw folder, a store, and counts that are printed when all tests are done."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.world import begin, small_parts

COUNTS = "counts"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return begin(tmp_path / "raw")


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return tmp_path / "clean"


@pytest.fixture
def parts_of_few_rows() -> Iterator[None]:
    """Several parts a table, and in each run a replaced snapshot that goes."""
    with small_parts(keep=2, seconds=0):
        yield


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line when all tests are done, also when they ran in several processes."""
    return lambda line: record_property(COUNTS, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests counted; with pytest-xdist, output of the tests themselves is not shown."""
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {line}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, line in report.user_properties
        if name == COUNTS
    ]
    if lines:
        terminalreporter.section("crash tests")
        for line in lines:
            terminalreporter.line(line)
