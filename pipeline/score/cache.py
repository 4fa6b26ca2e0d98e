"""
Keep what is slow to make from a gold file and never changes: its shapes, the oracle's score, a peer's scores.

Files go to a folder outside the project, since they hold gold texts. Each is named after the gold file and after a
digest of all that decides what it holds, the code included, so a stale one is never read; it is just left behind.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import platformdirs
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import GoldError
from pipeline.score import gold, measures, shapes
from pipeline.score.gold import read_pages
from pipeline.score.measures import count_words, oracle, word_f1
from pipeline.score.shapes import Shape, flattenings
from pipeline.words import PYTHON_WORD

CACHE = platformdirs.user_cache_path("article-pipeline") / "gold"
"""Where it is kept unless another folder is asked for."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """A page's text in one shape."""

    text: str
    best: float  # word F1 of the oracle's choice from its lines


def load_shape(path: Path, shape: Shape, folder: Path) -> list[Shaped]:
    """Return every page of a gold file in one shape, in order; from the cache, or made and put there."""
    target = cache_path(folder, path, shape, digest_code(gold, shapes, measures), PYTHON_WORD.pattern)
    if not target.exists():
        pages = read_pages(path, shape.columns)
        texts = flattenings(pages, shape)
        best = [
            word_f1(count_words(oracle(text, page.gold)), count_words(page.gold)).f1
            for text, page in zip(texts, pages, strict=True)
        ]
        write_table(target, {"text": texts, "best": best})
    rows = pq.read_table(target).to_pydict()
    return [Shaped(text, best) for text, best in zip(rows["text"], rows["best"], strict=True)]


def cache_path(folder: Path, path: Path, shape: Shape, *parts: str) -> Path:
    """Return where something made from a gold file in one shape is kept; `parts` are what else decides it."""
    key = hashlib.sha256("\n".join([digest_file(path), shape, *parts]).encode()).hexdigest()
    return folder / f"{path.stem}-{shape}-{key[:16]}.parquet"


def digest_code(*modules: ModuleType) -> str:
    """Return a digest of the source of some modules."""
    files = [Path(module.__file__) for module in modules if module.__file__]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def write_table(target: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Write columns to a file that is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    pq.write_table(pa.table(dict(columns)), temporary)
    temporary.replace(target)


@cache
def digest_file(path: Path) -> str:
    """Return a digest of a gold file's bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GoldError(f"{path}: cannot be read as gold: {error.strerror}") from error
