"""What the crash tests share: a raw folder, a store, and counts that are printed when all tests are done."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import COUNTS
from tests.crash.world import begin, small_parts


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
