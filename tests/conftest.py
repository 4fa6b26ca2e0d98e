"""What holds for all tests."""

import os
from pathlib import Path

import pytest

# One thread a process: texts under test are small, and the suite runs one process a core. Read when Polars is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

FLOWS = Path(__file__).parent / "flows"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the flow tests in one process: they share a Prefect server that takes 15 s to start."""
    for item in items:
        if FLOWS in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("prefect"))
