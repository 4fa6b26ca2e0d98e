"""
Golden cases: each folder below `cases/` holds a dump and what a careful editor makes of it.

`expected.json` names the fields to compare; a page has no `removed`, since nobody can count the lines of an extract.
"""

import json
import tomllib
from pathlib import Path

import pytest

from pipeline.voices import load_voices
from tests.make_case import as_fields, clean_source

CASES = Path(__file__).parent / "cases"
FIELDS = {"title", "authors", "published", "tags", "language", "removed"}
FOLDERS = sorted(path for path in CASES.iterdir() if path.is_dir())
FLAT = [folder for folder in FOLDERS if (folder / "source.txt").exists()]


def describe(folder: Path) -> dict[str, str]:
    return tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))


def source_of(folder: Path) -> Path:
    (source,) = folder.glob("source.*")
    return source


def as_parameter(folder: Path, key: str = "known_failure") -> object:
    """Mark a case that is known to fail; the strict mark turns the run red when it is mended."""
    failure = describe(folder).get(key)
    marks = [pytest.mark.xfail(reason=failure, strict=True)] if failure else []
    return pytest.param(folder, id=folder.name, marks=marks)


@pytest.mark.parametrize("folder", [as_parameter(folder) for folder in FOLDERS])
def test_case_is_cleaned_as_an_editor_would(folder: Path) -> None:
    """By the rules, text, metadata and ledger of a golden dump are exactly what a person wrote down."""
    source = source_of(folder)
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))

    cleaned = clean_source(source)
    fields = as_fields(cleaned, with_removed="removed" in expected)

    assert cleaned.text == (folder / "expected.txt").read_text(encoding="utf-8").removesuffix("\n")
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize("folder", [as_parameter(folder, "model_failure") for folder in FLAT])
def test_the_model_leaves_what_an_editor_keeps(folder: Path) -> None:
    """With the model, more furniture may go, but no line that a person kept."""
    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    kept = clean_source(source_of(folder), load_voices()).text.splitlines()

    assert [line for line in expected if line not in kept] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_case_says_why_it_exists(folder: Path) -> None:
    """A golden folder has its four files, a reason to exist and no other keys."""
    case = describe(folder)

    assert case.get("why", "").strip()
    assert set(case) <= {"why", "known_failure", "model_failure"}
    assert (folder / "expected.txt").is_file()
    assert source_of(folder).suffix in {".txt", ".html"}
    assert set(json.loads((folder / "expected.json").read_text(encoding="utf-8"))) <= FIELDS
