"""What a hostile case is, and the honest articles that stand beside it and must not be lost."""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

KIB, MIB = 1024, 1024 * 1024
PIECE = 4 * MIB

PASSED_OVER = "passed over"
"""What became of a case whose files are no raw files: nothing was read."""
LEFT = "left to the next run"


@dataclass(frozen=True, slots=True)
class Case:
    """Files that mean harm, or that something has befallen."""

    name: str  # of the folder, too
    make: Callable[[Path, int], None]
    full: int  # what `make` is given: bytes, lines, levels or files
    short: int
    ends: frozenset[str]  # what its records may end as: "article", or a reason for rejection
    inside: int = 0  # honest articles within its files
    meddle: Callable[[Path, Event], None] | None = None  # what goes on in its folder until the run has ended


def case(  # noqa: PLR0913, PLR0917 - the fields of a case
    name: str,
    make: Callable[[Path, int], None],
    full: int,
    short: int,
    ends: str,
    inside: int = 0,
    meddle: Callable[[Path, Event], None] | None = None,
) -> Case:
    """A case whose ends are written as one text, with bars between them."""
    return Case(name, make, full, short, frozenset(end.strip() for end in ends.split("|")), inside, meddle)


def honest(name: str, number: int) -> str:
    """A short flat article of its own, which any run must keep."""
    return (
        "Share this article\n\n"
        f"The council of {name} met on Monday evening to discuss harbour wall number {number}, and nobody left early.\n\n"
        f"Several members of the council said that wall {number} would be put to a vote next week, after a second hearing.\n"
    )


def is_honest(name: str, number: int, text: str) -> bool:
    """Whether an article is that one, whole."""
    return f"council of {name} met on Monday evening to discuss harbour wall number {number}," in text and (
        f"wall {number} would be put to a vote" in text
    )


def honest_page(name: str, number: int) -> bytes:
    """The same as a page."""
    paragraphs = "".join(f"<p>{line}</p>" for line in honest(name, number).splitlines() if line)
    return (
        f"<html><head><title>Wall {number}</title></head><body><article>{paragraphs}</article></body></html>".encode()
    )


def one_file(key: str, make: Callable[[int], bytes | Iterable[bytes]]) -> Callable[[Path, int], None]:
    """A case of one file: its bytes at once, or piece by piece where they are many."""

    def write(folder: Path, size: int) -> None:
        made = make(size)
        with (folder / key).open("wb") as file:
            file.writelines([made] if isinstance(made, bytes) else made)

    return write


def files(make: Callable[[int], Iterable[tuple[str | bytes, bytes]]]) -> Callable[[Path, int], None]:
    """A case of several files, by name; a name may be bytes that are no UTF-8."""

    def write(folder: Path, size: int) -> None:
        for name, data in make(size):
            with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:  # noqa: PTH118, PTH123 - bytes
                file.write(data)

    return write


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    """One piece over and over, up to so many bytes."""
    many = piece * max(1, PIECE // len(piece))
    for start in range(0, size, len(many)):
        yield many[: size - start]


def long_text(copies: int) -> str:
    """A text that packs well: as large as a record may be, or small where only a few copies are asked for, as in tests."""
    return "The council met. " * (900_000 if copies > 20 else 20_000)


def chance(name: str) -> random.Random:
    """Numbers that are the same each time."""
    return random.Random(name)  # noqa: S311 - makes cases, no secrets
