"""
Take over what a run that died had finished: pieces of shards that no commit has taken in.

A row is a function of the record, the hints from its path, and the settings. So the rows of a file may be used when its
name and its bytes are the same and the settings are: then cleaning it again would make the very same rows. It is asked
file by file, as the shards of this run may be cut in other places, and anything in doubt is cleaned again. A large file is
asked about slice by slice; the same bytes are cut at the same places.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.records import RawFile
from pipeline.sources.opened import Fingerprint, fingerprint
from pipeline.store.layout import Layout
from pipeline.store.pieces import pieces_left, read_files, read_finished
from pipeline.store.state import KnownFile
from pipeline.work import Leftover

Extent = tuple[str, int, int]
"""A raw file's key, and where the slice of it that is meant begins and ends; 0 and -1 for the whole file."""


def take_over(layout: Layout, work: Iterable[RawFile], settings_digest: str) -> tuple[Leftover, ...]:
    """Of the files to clean, those that are cleaned already, by the finished shard that holds their rows."""
    left = list(pieces_left(layout))
    waiting = {extent_of(file): file for file in work} if left else {}
    return tuple(_leftovers(left, waiting, settings_digest))


def extent_of(file: RawFile) -> Extent:
    """What of which file is meant."""
    return (file.key, file.slice.begin, file.slice.end) if file.slice else (file.key, 0, -1)


def _leftovers(left: Iterable[Path], waiting: dict[Extent, RawFile], settings_digest: str) -> Iterator[Leftover]:
    for pieces in left:
        finished = read_finished(pieces)
        if finished is None or finished.settings_digest != settings_digest:
            continue
        files = []
        for done, bounds in read_files(pieces, finished):
            extent = (done.key, *(bounds or (0, -1)))
            same = _same_bytes(waiting.get(extent), done)
            if same is not None:
                del waiting[extent]
                files.append(same)
        if files:
            yield Leftover(pieces, tuple(files))


def _same_bytes(file: RawFile | None, done: KnownFile) -> RawFile | None:
    """The file as it is now, if its bytes are those that were cleaned; a file that could not be read has no bytes."""
    if file is None or not done.sha256 or file.size != done.size:
        return None
    if file.slice:
        return file if file.slice.sha256 == done.sha256 else None
    if done.proves_unchanged(file):
        return file
    content = fingerprint(file)
    return content.file if isinstance(content, Fingerprint) and content.sha256 == done.sha256 else None
