"""
What cleaning may cost: the table `[limits]` of `pipeline.toml`.

What a file may hold is another matter (`[read.limits]`, `sources/reading.py`): that is the same on every machine, and part
of what a row depends on. These limits are not. They say when a worker process is given up, and a record that was rejected
for them is tried again by `pipeline retry`.
"""

from pydantic import BaseModel, ByteSize, ConfigDict, Field

MIB = 1024 * 1024
SECONDS_A_RECORD = 0.002
"""More for a batch. Measured: 0.7 ms for a flat text of 3 KB."""
SECONDS_A_MIB = 1.0
"""More for a batch or a large record. Measured: 0.15 s in flat texts of 3 KB, 0.85 s in one record of 16 MiB."""


class WorkLimits(BaseModel):
    """What a worker may take for a record. Sizes are bytes, or text such as "1GiB"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(10.0, gt=0)
    """Of CPU time to read a record, or to clean one; larger ones get one more for each MiB. Waiting counts when no CPU
    time is taken at all: what else the machine has to do must not decide what is rejected."""
    memory: ByteSize = Field(ByteSize(1400 * MIB), ge=512 * MIB)
    """Of a worker process, of which it takes a quarter of a GiB before it does anything."""

    def seconds_for(self, records: int, size: int) -> float:
        """What so many records of so many bytes may take together."""
        return self.seconds + (records - 1) * SECONDS_A_RECORD + size / MIB * SECONDS_A_MIB


DEFAULT_LIMITS = WorkLimits()
