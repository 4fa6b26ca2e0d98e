"""Where the gold data lies that is not part of the project; tests that need it skip only where it does not exist."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def require_shared() -> Path:
    """The folder with seeds and gold. With REQUIRE_SHARED=1, as in CI, its absence fails the test."""
    if not SHARED.is_dir():
        if os.environ.get("REQUIRE_SHARED") == "1":
            pytest.fail(f"{SHARED} is not there, and REQUIRE_SHARED is set")
        pytest.skip(f"{SHARED} is not there")
    return SHARED
