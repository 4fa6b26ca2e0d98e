"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from pipeline.records import Reason, RejectReason
from pipeline.tables import TABLES

CLEAN_README = (Path(__file__).parent.parent / "clean" / "README.md").read_text(encoding="utf-8")


def _section(table: str) -> str:
    """What the read-me says below the heading of one table."""
    return CLEAN_README.split(f"\n## `{table}`\n")[1].split("\n## ")[0]


def _described(table: str) -> dict[str, str]:
    """Columns of one table with their meanings, in the order of the read-me."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", _section(table), flags=re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_explained_in_the_order_of_the_table(table: str) -> None:
    """A column without a meaning, or a meaning without a column, is a mistake in one of the two."""
    assert list(_described(table)) == TABLES[table].names


@pytest.mark.parametrize("table", TABLES)
def test_columns_that_may_be_null_say_so(table: str) -> None:
    """A meaning speaks of null exactly where the schema allows it."""
    nullable = [field.name for field in TABLES[table] if field.nullable]

    assert [name for name, meaning in _described(table).items() if "null" in meaning] == nullable


@pytest.mark.parametrize(("table", "reasons"), [("removed_lines", Reason), ("rejected", RejectReason)])
def test_the_closed_lists_are_complete(table: str, reasons: type[Reason] | type[RejectReason]) -> None:
    """The read-me names every reason, and no other."""
    assert re.findall(r"`([\w-]+)`", _described(table)["reason"]) == [reason.value for reason in reasons]
