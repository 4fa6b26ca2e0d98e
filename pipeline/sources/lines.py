"""Lines of a stream whose length nobody promised."""

import io
from collections.abc import Iterator
from typing import NamedTuple


class StreamLine(NamedTuple):
    """One line with its end, and where it begins; without data where it was longer than allowed."""

    offset: int
    data: bytes | None
    size: int  # bytes


def read_lines(stream: io.BufferedReader, most: int) -> Iterator[StreamLine]:
    """Yield the lines of a stream; of one of more than `most` bytes only where it stood and how long it was."""
    offset = 0
    while line := stream.readline(most + 1):
        size = len(line)
        if size <= most or line.endswith(b"\n"):
            yield StreamLine(offset, line, size)
        else:
            size += _pass_over(stream)
            yield StreamLine(offset, None, size)
        offset += size


def _pass_over(stream: io.BufferedReader) -> int:
    """Read to the end of the line, in pieces; how many bytes that was."""
    passed = 0
    while piece := stream.readline(io.DEFAULT_BUFFER_SIZE * 8):
        passed += len(piece)
        if piece.endswith(b"\n"):
            break
    return passed
