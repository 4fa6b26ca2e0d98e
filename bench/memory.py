"""How much memory a process and all that it started hold together, sampled while they run; Linux alone tells."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

SAMPLE_SECONDS = 0.1


class MemoryMeter(threading.Thread):
    """
    The most memory that a process and its descendants held at once, as the sum of their resident sets.

    What they share is counted for each, so the sum is rather too high.
    """

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.most = 0  # bytes
        self._process = process
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.most = max(self.most, sum(map(_resident, family(self._process))))

    def end(self) -> int:
        """Stop, and say how much it was."""
        self._ended.set()
        self.join()
        return self.most


def family(process: int) -> Iterator[int]:
    """A process and its descendants, as far as they still run."""
    yield process
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = thread.read_text(encoding="ascii").split()
        except OSError:  # it ended meanwhile
            continue
        for child in children:
            yield from family(int(child))


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):  # as above
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
