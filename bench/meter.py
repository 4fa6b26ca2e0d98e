"""
Bytes written and seconds taken by this process, threads of libraries included.

Bytes are those given to write calls (`wchar` of /proc/self/io): parts, the database and its log, the log's way back
into the database, everything below tmp/; whatever the kernel does with them later. Beside it stands `write_bytes`,
the pages that this made dirty: it counts a page once that is written twice, and rounds up to pages.
Not in either is what the file system itself writes for names, links and its journal.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Written(NamedTuple):
    """Bytes since the process began."""

    to_files: int
    to_pages: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation took."""

    megabytes: float
    page_megabytes: float
    seconds: float


@dataclass(slots=True)
class Meter:
    """Measures one operation, but for the seconds of what is left out."""

    costs: list[Cost] = field(default_factory=list)
    _left_out: float = 0.0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Measure the body; the cost is the last of `costs` then."""
        self._left_out = 0.0
        before, began = bytes_written(), time.perf_counter()
        yield
        seconds = time.perf_counter() - began - self._left_out
        after = bytes_written()
        self.costs.append(
            Cost((after.to_files - before.to_files) / 1e6, (after.to_pages - before.to_pages) / 1e6, seconds)
        )

    @contextmanager
    def leave_out(self) -> Iterator[None]:
        """Not to count the seconds of the body, only its bytes."""
        began = time.perf_counter()
        yield
        self._left_out += time.perf_counter() - began

    @property
    def typical(self) -> Cost:
        """The median time of all rounds, which a busy machine spoils least, and the most bytes."""
        return Cost(
            max(cost.megabytes for cost in self.costs),
            max(cost.page_megabytes for cost in self.costs),
            median(cost.seconds for cost in self.costs),
        )


def bytes_written() -> Written:
    """What this process has written so far; Linux alone tells."""
    counts = dict(re.findall(r"^(\w+): (\d+)$", Path("/proc/self/io").read_text(encoding="ascii"), re.MULTILINE))
    return Written(int(counts["wchar"]), int(counts["write_bytes"]))
