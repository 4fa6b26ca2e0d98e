"""What some tests need of the system; where it is missing they skip, but never in continuous integration."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip a test; with REQUIRE_TOOLS=1, as in CI, fail it."""
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(f"{what}, and REQUIRE_TOOLS is set")
    pytest.skip(what)


def require_strace(folder: Path) -> str:
    """The command strace, where it may trace: containers can forbid it."""
    strace = shutil.which("strace")
    if strace is None:
        missing("strace is not installed")
    tried = subprocess.run([strace, "-f", "-o", folder / "tried", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(f"strace may not trace here: {tried.stderr.strip()}")
    return strace


def require_small_disk(folder: Path) -> list[str]:
    """
    What begins a command so that it may mount: nothing as root; a user namespace of its own elsewhere.

    The mount is seen in there alone, and ends with the last process in it.
    """
    for begin in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        command = [*begin, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
        tried = (
            subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("unshare") else None
        )
        if tried is not None and tried.returncode == 0:
            return begin
    missing(f"no small disk can be mounted: {tried.stderr.strip() if tried else 'unshare is not installed'}")
