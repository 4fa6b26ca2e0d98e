"""Gold files for tests, and the reference beside the shared gold."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.score.gold import PageGold
from tests.shared_data import require_shared

PARAGRAPH = "The ferry left at six with eleven people on board, and nobody was surprised."


def load_reference() -> ModuleType:
    """The module that defines every measure."""
    path = require_shared() / "gold" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_gold(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A Parquet file with these rows."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def make_page(number: int, host: str | None = None, **fields: Any) -> PageGold:
    """A page of its own site, unless a host is given."""
    texts = {
        "gold": PARAGRAPH,
        "dump": f"Menu\n{PARAGRAPH}",
        "dump_full": f"Menu {number}\n{PARAGRAPH}\nFooter {number}",
    }
    return PageGold(id=str(number), host=host or f"site{number}.example", **texts | fields)


def page_row(number: int, **fields: Any) -> dict[str, Any]:
    """One row of page gold."""
    return {name: value for name, value in asdict(make_page(number, **fields)).items() if value is not None}
