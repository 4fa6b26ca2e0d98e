"""
Runs on a disk that is nearly full: `python -m tests.crash.small_disk RAW DISK`, for a process that sees a small disk.

Prints one line of JSON for each room that was left, in bytes: what the run said, or that it completed.
"""

import json
import os
import sys
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.store import verify
from tests.crash.world import change_alike, found, run, small_parts

ROOMS = [0, 32, 64, 80, 96, 128, 160, 288, 416]  # KiB


def main(raw: Path, disk: Path) -> None:
    clean, ballast = disk / "clean", disk / "ballast"
    with small_parts(keep=1, seconds=0):
        run(raw, clean)
        for number, room in enumerate(ROOMS):
            old, new = found(clean), change_alike(raw, number)
            leave(disk, ballast, room * 1024)
            try:
                run(raw, clean)
                said = "completed"
            except StoreError as error:
                said = str(error)
            assert found(clean) == (new if said == "completed" else old) or "removed" in said, said
            ballast.unlink()
            run(raw, clean)
            assert found(clean) == new
            assert verify(clean, raw) == []
            print(json.dumps({"room": room * 1024, "said": said}))  # noqa: T201 - the test reads it


def leave(disk: Path, ballast: Path, room: int) -> None:
    """Fill the disk up to so many bytes."""
    status = os.statvfs(disk)
    ballast.write_bytes(b"\0" * max(status.f_bavail * status.f_frsize - room, 0))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
