"""What lies in a raw folder and is no file, files of odd names, and files that change while they are read."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from bench.hostile.case import LEFT, PASSED_OVER, Case, case, files, honest


def _links(folder: Path, _size: int) -> None:
    outside = folder.parent.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "a.txt").write_text(honest("Outside", 1))
    (folder / "file.txt").symlink_to(outside / "a.txt")
    (folder / "folder").symlink_to(outside)
    (folder / "gone.txt").symlink_to(outside / "nothing")
    (folder / "loop").symlink_to(folder)
    (folder / "itself.txt").symlink_to(folder / "itself.txt")


def _no_files(folder: Path, _size: int) -> None:
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # an address of a socket has 108 bytes
        listener.bind("socket.txt")
        os.chdir(here)
    try:
        os.mknod(folder / "zero.txt", 0o20666, os.makedev(1, 5))
    except PermissionError:
        (folder / "pipe2.txt").symlink_to("/dev/zero")


def _locked(folder: Path, _size: int) -> None:
    """Files and a folder that nobody but root may read."""
    (folder / "locked.txt").write_text(honest("Locked", 1))
    (folder / "locked.txt").chmod(0)
    (folder / "shut").mkdir()
    (folder / "shut" / "a.txt").write_text(honest("Locked", 2))
    (folder / "shut").chmod(0)


def _names(_size: int) -> Iterator[tuple[str | bytes, bytes]]:
    names: list[str | bytes] = [
        "line\nfeed.txt", "tab\there.txt", "bell\x07\x1b[31m.txt", b"caf\xe9.txt", b"\xff\xfe.txt", "caf%E9.txt", "100%.txt",
        "x" * 251 + ".txt", "ü" * 125 + ".txt", "-rf.txt", "$(touch evil).txt", "=cmd|x.txt", "[red]markup[bold].txt", "a#1.txt",
        "<script>.txt", "|pipe|.txt", "'quote\".txt", " .txt", "...txt", "\u202egnp.txt", "CON.txt", "a\\b.txt", "*?.txt",
    ]  # fmt: skip
    for number, name in enumerate(names):
        yield name, honest("Names", number).encode()


def _deep_folders(folder: Path, levels: int) -> None:
    """Folders within each other, beyond what a path may have."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for level in range(levels):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
        if level < 3:
            Path("a.txt").write_text(honest("Deep", level))
    Path("a.txt").write_text(honest("Deep", levels))
    os.fchdir(here)
    os.close(here)


def _moving(folder: Path, size: int) -> None:
    for name in ("grows", "shrinks", "is-replaced", "is-touched"):
        (folder / f"{name}.txt").write_bytes(honest("Moving", 1).encode() * (size // 300))
    for number in range(300):
        (folder / f"gone-{number}.txt").write_text(honest("Gone", number))


def _move(folder: Path, ended: Event) -> None:
    """Write, cut, replace, touch and delete, a few hundred times a second."""
    hidden = folder / ".new"
    for turn in range(1_000_000):
        if ended.wait(0.003):
            return
        with (folder / "grows.txt").open("ab") as file:
            file.write(b"More of the council.\n")
        os.truncate(folder / "shrinks.txt", max(100, (folder / "shrinks.txt").stat().st_size - 1000))
        hidden.write_text(honest("Replaced", turn))
        hidden.replace(folder / "is-replaced.txt")
        os.utime(folder / "is-touched.txt", (time.time(), time.time()))
        (folder / f"gone-{turn}.txt").unlink(missing_ok=True)


PLACES: tuple[Case, ...] = (
    case("links", _links, 1, 1, PASSED_OVER),
    case("no-files", _no_files, 1, 1, PASSED_OVER),
    case("locked", _locked, 1, 1, "article | unreadable"),
    case("names", files(_names), 1, 1, "article"),
    case("deep-folders", _deep_folders, 30, 30, "article"),
    case("moving", _moving, 15_000_000, 30_000, f"article | changed-while-read | {LEFT}", meddle=_move),
)  # fmt: skip
