"""
Scratch: an address by which a run and its workers hand each other shards and pieces, where they share no file system.

    s3://bucket/scratch/5d41402abc4b/20260101T060000.000000001.shard-000003/
        work.json                          what is to be done; put by the run
        articles.parquet, ...              what became of it; put by the worker
        shard.json                         describes the pieces; put last, so with it they are whole

A worker does the shard in a temporary folder of its own machine. The run fetches pieces as it is told of them, and from then
on they are what they would be if they had been made below `clean/`: so a run that dies loses nothing that was fetched, and
what it had not fetched the next one does. Each store has a folder of its own, and its lock is held by who uses that.
"""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.clean import clean_records
from pipeline.errors import ShardFailed, StoreError
from pipeline.isolation import clean_isolated
from pipeline.shards import Cleaner, ShardResult
from pipeline.store.layout import Layout
from pipeline.store.pieces import ABOUT, PIECES, appear, is_undamaged, read_finished
from pipeline.store.remote import identity
from pipeline.store.target import Target, open_target

log = logging.getLogger(__name__)

WORK = "work.json"
_FILES = (*(f"{name}.parquet" for name in PIECES), ABOUT)


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folder of one store at an address, as its run sees it."""

    target: Target
    layout: Layout

    def hand_out(self, shard: Path) -> str:
        """Put what a shard has to do where workers can read it; returns the address to be given to `clean_elsewhere`."""
        name = _pieces_of(shard).name
        self.target.upload(shard, f"{name}/{WORK}")
        return self.target.address(name)

    def take_in(self, shard: Path, result: ShardResult) -> ShardResult:
        """Fetch what a worker made of a shard; its result, as if it had been made here."""
        pieces = _pieces_of(shard)
        self._fetch(pieces.name)
        self._remove(pieces.name)
        return replace(result, shard=shard, pieces=pieces)

    def take_in_left(self) -> None:
        """Fetch the whole pieces that a run which died had not, and remove all that is there."""
        for name in self.target.folders():
            if f"{name}/{ABOUT}" in self.target.sizes(name):
                try:
                    self._fetch(name)
                except StoreError as error:
                    log.warning("%s; its raw files are cleaned again", error)
            self._remove(name)

    def clear(self) -> None:
        """Remove all that is there, at the end of a run."""
        for name in self.target.folders():
            self._remove(name)

    def _fetch(self, name: str) -> None:
        """Download pieces and let them appear in the store, synced and all at once; damaged ones are refused."""
        with TemporaryDirectory(dir=self.layout.tmp, ignore_cleanup_errors=True) as place:
            folder = Path(place, name)
            folder.mkdir()
            for file in _FILES:
                self.target.download(f"{name}/{file}", folder / file)
            finished = read_finished(folder)
            if finished is None or not is_undamaged(folder, finished):
                raise StoreError(f"{self.target.address(name)}: these are not the pieces that a worker put there")
            appear(folder, self.layout.pieces / name)

    def _remove(self, name: str) -> None:
        """Remove a shard's objects, the description first: without it, what is left is no whole shard."""
        keys = sorted(self.target.sizes(name), key=lambda key: not key.endswith(f"/{ABOUT}"))
        for key in keys:
            self.target.remove(key)


def open_scratch(url: str, layout: Layout) -> Scratch:
    """The folder of a store, whose lock is held, at an address; what a run that died left there is taken in."""
    scratch = Scratch(open_target(f"{url.rstrip('/')}/{identity(layout)}"), layout)
    scratch.take_in_left()
    return scratch


def clean_elsewhere(address: str, cleaner: Cleaner = clean_records) -> ShardResult:
    """
    Do a shard that was handed out, on any machine, in a worker process that is watched, and put its pieces beside it.

    Doing it twice puts the same rows twice; `ShardFailed` where the run that handed it out has taken it back.
    """
    target = open_target(address)
    content = target.read(WORK)
    if content is None:
        raise ShardFailed(f"{address}: is no longer to be done; its run has ended")
    with TemporaryDirectory(prefix="shard-", ignore_cleanup_errors=True) as place:
        shard, pieces = Path(place, WORK), Path(place, "pieces")
        shard.write_text(json.dumps(json.loads(content) | {"pieces": str(pieces)}), encoding="utf-8")
        result = clean_isolated(shard, cleaner)
        for file in _FILES:
            target.upload(pieces / file, file)
    return result


def _pieces_of(shard: Path) -> Path:
    return Path(json.loads(shard.read_text(encoding="utf-8"))["pieces"])
