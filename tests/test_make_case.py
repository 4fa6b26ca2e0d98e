"""Golden folders are made from the current output, for a person to correct."""

import json
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from tests.make_case import as_json, clean_source, make_case

DUMP = "Café opens\n\nThe café on the quay opened on Monday with eleven tables, nine chairs and a cat.\n\nRead more\n"


def test_a_folder_shows_what_the_cleaner_does(tmp_path: Path) -> None:
    """Text and ledger of today are written down, and the reason to exist is left to a person."""
    dump = tmp_path / "dump.txt"
    dump.write_bytes(DUMP.encode("cp1252"))

    make_case(dump, tmp_path / "case")

    case = tmp_path / "case"
    assert (case / "source.txt").read_text(encoding="utf-8") == DUMP
    assert (case / "expected.txt").read_text(encoding="utf-8") == clean_source(case / "source.txt").text + "\n"
    assert json.loads((case / "expected.json").read_text(encoding="utf-8"))["removed"] == [
        [1, "title"],
        [5, "read-more"],
    ]
    assert (case / "case.toml").read_text(encoding="utf-8") == 'why = ""\n'


def test_a_page_keeps_its_bytes_and_lists_no_lines(tmp_path: Path) -> None:
    """The bytes of a page may declare their encoding; nobody can count the lines of its extract."""
    page = tmp_path / "page.htm"
    page.write_bytes(f"<meta charset=windows-1252><p>{DUMP}</p>".encode("cp1252"))

    make_case(page, tmp_path / "case")

    assert (tmp_path / "case" / "source.html").read_bytes() == page.read_bytes()
    assert "removed" not in json.loads((tmp_path / "case" / "expected.json").read_text(encoding="utf-8"))


def test_what_is_no_text_makes_no_folder(tmp_path: Path) -> None:
    """A binary file is refused with its reason, before anything is written."""
    picture = tmp_path / "picture.txt"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")

    with pytest.raises(UsageError, match="binary"):
        make_case(picture, tmp_path / "case")
    assert not (tmp_path / "case").exists()


def test_the_json_is_the_value(tmp_path: Path) -> None:
    """The layout for people does not change what programs read."""
    fields = {"title": None, "authors": ["Å"], "removed": [[1, "title"], [2, "share"]]}

    assert json.loads(as_json(fields)) == fields
