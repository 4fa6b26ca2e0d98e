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


@dataclass(frozen=True, slots=True)
class Reading:
    """What this process has used so far; Linux alone tells the bytes."""

    to_files: int
    to_pages: int
    seconds: float
    cpu_seconds: float

    @classmethod
    def now(cls) -> "Reading":
        """Read all counters."""
        counts = dict(re.findall(r"^(\w+): (\d+)$", Path("/proc/self/io").read_text(encoding="ascii"), re.MULTILINE))
        return cls(int(counts["wchar"]), int(counts["write_bytes"]), time.perf_counter(), time.process_time())

    def __sub__(self, other: "Reading") -> "Reading":
        return Reading(
            self.to_files - other.to_files,
            self.to_pages - other.to_pages,
            self.seconds - other.seconds,
            self.cpu_seconds - other.cpu_seconds,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation took."""

    megabytes: float
    page_megabytes: float
    seconds: float
    cpu_seconds: (
        float  # of all threads: what is left of `seconds` on a machine that does nothing else and writes at once
    )


@dataclass(slots=True)
class Meter:
    """Measures one operation, but for the seconds of what is left out."""

    costs: list[Cost] = field(default_factory=list)
    _left_out: list[Reading] = field(default_factory=list)

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Measure the body; the cost is the last of `costs` then."""
        self._left_out = []
        before = Reading.now()
        yield
        spent = Reading.now() - before
        self.costs.append(
            Cost(
                megabytes=spent.to_files / 1e6,
                page_megabytes=spent.to_pages / 1e6,
                seconds=spent.seconds - sum(each.seconds for each in self._left_out),
                cpu_seconds=spent.cpu_seconds - sum(each.cpu_seconds for each in self._left_out),
            )
        )

    @contextmanager
    def leave_out(self) -> Iterator[None]:
        """Not to count the seconds of the body, only its bytes."""
        before = Reading.now()
        yield
        self._left_out.append(Reading.now() - before)

    @property
    def typical(self) -> Cost:
        """The least time of all rounds, as whatever else the machine does can only add to it, and the most bytes."""
        return Cost(
            max(cost.megabytes for cost in self.costs),
            max(cost.page_megabytes for cost in self.costs),
            min(cost.seconds for cost in self.costs),
            min(cost.cpu_seconds for cost in self.costs),
        )
