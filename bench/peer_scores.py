"""What peers score on gold. A peer never changes, so the score of each page is worked out once and kept in the cache."""

import importlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from pipeline.score import measures, peers, shapes
from pipeline.score.cache import cache_path, digest_code, write_table
from pipeline.score.pages import Sample, score_page
from pipeline.score.shapes import Shape
from pipeline.score.systems import System
from pipeline.words import PYTHON_WORD


def peers_for(shape: Shape) -> tuple[System, ...]:
    """The peers that take this shape; those of datatrove only where it is installed."""
    return peers.HTML_PEERS if shape is Shape.HTML else (*peers.PEERS, *_datatrove_peers())


@cache
def _datatrove_peers() -> tuple[System, ...]:
    try:
        found: tuple[System, ...] = importlib.import_module("bench.datatrove_filters").DATATROVE_PEERS
    except ImportError:
        Console(stderr=True).print("datatrove is not installed, its filters are left out; '.[bench]' installs it")
        return ()
    return found


def peer_f1s(peer: System, path: Path, shape: Shape, samples: Sequence[Sample], folder: Path) -> list[float]:
    """Word F1 of a peer on each sample of a gold file in one shape."""
    target = cache_path(folder / "peers", path, shape, peer.name, _digest_peers())
    known = _read(target)
    missing = [sample for sample in samples if sample.page.id not in known]
    if missing:
        results = peer.run([sample.given for sample in missing])
        for sample, result in zip(missing, results, strict=True):
            known[sample.page.id] = score_page(sample, result, titles=False).words.f1
        write_table(target, {"id": list(known), "f1": list(known.values())})
    return [known[sample.page.id] for sample in samples]


def _read(target: Path) -> dict[str, float]:
    if not target.exists():
        return {}
    columns = pq.read_table(target).to_pydict()
    return dict(zip(columns["id"], columns["f1"], strict=True))


@cache
def _digest_peers() -> str:
    """What decides a peer's score beside the gold file: our code, and the versions of theirs."""
    libraries = ["justext", "py3langid", "trafilatura", *(["datatrove"] if _datatrove_peers() else [])]
    code = [
        shapes,
        measures,
        peers,
        *([importlib.import_module("bench.datatrove_filters")] if _datatrove_peers() else []),
    ]
    return " ".join([digest_code(*code), PYTHON_WORD.pattern, *(f"{name} {version(name)}" for name in libraries)])
