"""
Write a shard's pieces stretch by stretch, so that an attempt that dies is taken up by the next one where it was.

A stretch is what became of one batch of records: a folder with a file for each piece, and a description that is written
last. It says how far the shard is done with it. At the end the stretches are joined into the shard's pieces, one row
group a stretch, and nothing of them is to be seen before.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.pieces import PIECES, Finished, Made, reveal

_ABOUT = "stretch.json"
_JOINED = "joined"


class Stretches:
    """What is written of a shard so far, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = dict.fromkeys(PIECES, 0)
        self.progress: dict[str, Any] | None = None  # as given with the last stretch
        self._whole: list[Path] = []
        for stretch in sorted(folder.glob("[0-9]*")):
            about = _about(stretch)
            if about is None:
                shutil.rmtree(stretch)
            else:
                self._whole.append(stretch)
                self.rows, self.progress = about["rows"], about["progress"]

    def write(self, rows: Mapping[str, Sequence[dict[str, Any]]], progress: dict[str, Any]) -> None:
        """Add the rows of a batch, by piece, and how far the shard is done with them."""
        stretch = self.folder / f"{len(self._whole):08d}"
        stretch.mkdir()
        for name, schema in PIECES.items():
            with _writer(stretch, name) as writer:
                if rows[name]:
                    writer.write_table(pa.Table.from_pylist(list(rows[name]), schema=schema))
        self.rows = {name: count + len(rows[name]) for name, count in self.rows.items()}
        self.progress = progress
        (stretch / _ABOUT).write_text(json.dumps({"rows": self.rows, "progress": progress}), encoding="utf-8")
        self._whole.append(stretch)

    def finish(self, pieces: Path, made: Made) -> Finished:
        """Let the pieces appear under their name, all of them at once, and remove the rest."""
        finished = reveal(self._joined(), pieces, made, self.rows)
        shutil.rmtree(self.folder)
        return finished

    def _joined(self) -> Path:
        """A folder with all rows of each piece in one file; a single stretch is that already."""
        if len(self._whole) == 1:
            (self._whole[0] / _ABOUT).unlink()
            return self._whole[0]
        joined = self.folder / _JOINED
        shutil.rmtree(joined, ignore_errors=True)  # of an attempt that died in here
        joined.mkdir()
        for name in PIECES:
            with _writer(joined, name) as writer:
                for stretch in self._whole:
                    with pq.ParquetFile(stretch / f"{name}.parquet") as file:
                        for group in range(file.num_row_groups):
                            writer.write_table(file.read_row_group(group))
        return joined


def _writer(folder: Path, name: str) -> pq.ParquetWriter:
    return pq.ParquetWriter(folder / f"{name}.parquet", PIECES[name], compression="lz4")


def _about(stretch: Path) -> dict[str, Any] | None:
    """What a stretch says of itself; None where its writer died before it was whole."""
    try:
        about: dict[str, Any] = json.loads((stretch / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about
