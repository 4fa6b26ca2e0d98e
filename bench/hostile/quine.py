"""
A gzip file that unpacks to itself, so that whoever unpacks until nothing is packed any more never ends.

The construction is Russ Cox's (https://research.swtch.com/zip): a program of two instructions, "print the next bytes" and
"repeat the last bytes", each 5 bytes long, that prints its own text. The checksum stands in what it sums; it is found by
solving linear equations, since a CRC is linear in its message.
"""

import struct
import zlib
from collections.abc import Iterator

_UNIT = 5
_BITS = 32


def gzip_quine() -> bytes:
    """
    The file.

    >>> import gzip
    >>> gzip.decompress(gzip_quine()) == gzip_quine()
    True
    """
    for stamp in range(100):
        # Of the sum of a file that holds x where its sum stands, the bits are a linear function of those of x, and some.
        sums = [_sum(stamp, 0), *(_sum(stamp, 1 << bit) for bit in range(_BITS))]
        solution = _fixed_point(sums[0], [each ^ sums[0] for each in sums[1:]])
        if solution is not None:
            return _file(stamp, solution)
    raise AssertionError("one of these has a solution")


def _sum(stamp: int, claimed: int) -> int:
    return zlib.crc32(_file(stamp, claimed))


def _file(stamp: int, claimed: int) -> bytes:
    """The program for a time stamp and a checksum."""
    size = 0
    for _ in range(2):  # the second time with the right size
        head = b"\x1f\x8b\x08\x08" + struct.pack("<I", stamp) + b"\x00\x03a.gz\x00"
        end = _bits("0100000000" * 2 + "100") + b"\x00\x00\xff\xff" + struct.pack("<II", claimed, size)
        nothing, one, four, again = _print(0), _print(1), _print(4), _again()
        program = [
            head, four, head, four, again, one, again, one, one, four, again, one, one, four, again, four, again, four,
            again, four, again, four, again, nothing, nothing, four, again, nothing, nothing, four, again, end, again, end,
        ]  # fmt: skip
        size = sum(map(len, program))
    return b"".join(program)


def _print(units: int) -> bytes:
    """Print the next so many units: the head of a stored block (RFC 1951, 3.2.4)."""
    return struct.pack("<BHH", 0, units * _UNIT, units * _UNIT ^ 0xFFFF)


def _again() -> bytes:
    """Repeat the last four units: a block of two matches, each of 10 bytes from 20 bytes back (RFC 1951, 3.2.6)."""
    match = "0001000" + "01000" + "110"
    return _bits("010" + match * 2 + "0000000")


def _bits(text: str) -> bytes:
    """Bits in the order of the stream, in whole bytes."""
    padded = text.ljust(-(-len(text) // 8) * 8, "0")
    return bytes(int(padded[start : start + 8][::-1], 2) for start in range(0, len(padded), 8))


def _fixed_point(constant: int, columns: list[int]) -> int | None:
    """The x for which `constant` plus the sum of the columns of its bits is x, in arithmetic modulo 2."""
    pivots: dict[int, int] = {}
    for row in _rows(constant, columns):
        reduced = row
        for bit, pivot in pivots.items():
            if reduced >> bit & 1:
                reduced ^= pivot
        lowest = next((bit for bit in range(_BITS) if reduced >> bit & 1), None)
        if lowest is None:
            if reduced:
                return None
            continue
        pivots = {bit: pivot ^ reduced if pivot >> lowest & 1 else pivot for bit, pivot in pivots.items()}
        pivots[lowest] = reduced
    return sum(1 << bit for bit, pivot in pivots.items() if pivot >> _BITS & 1)


def _rows(constant: int, columns: list[int]) -> Iterator[int]:
    """One equation a bit: its coefficients, and above them the right side."""
    for bit in range(_BITS):
        coefficients = sum((columns[of] >> bit & 1) << of for of in range(_BITS)) ^ 1 << bit
        yield coefficients | (constant >> bit & 1) << _BITS
