"""
Make a golden folder from a dump: `python -m tests.make_case FILE SLUG`.

The folder shows what the cleaner does today. A person then corrects `expected.txt` and `expected.json` to what a
careful editor would want, and says in `case.toml` why the case exists; only then is it a test.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.clean import Cleaned, clean_batch, clean_html
from pipeline.decode import decode_record
from pipeline.errors import UsageError
from pipeline.records import MediaType, RawRecord, Rejection
from pipeline.rules import load_rules
from pipeline.voices import Voices, load_voices

CASES = Path(__file__).parent / "cases"
HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})


RULES_ALONE = Voices(load_rules())
"""
A golden folder shows to the letter what the rules make of a dump; the model may take more furniture away. Rules alone
cannot tell a page's article from all else that it shows, so for pages it shows what both make of them.
"""


def clean_source(source: Path, voices: Voices | None = None) -> Cleaned:
    """Clean the source of a golden folder as the library does with these voices."""
    if source.suffix == ".html":
        return clean_html(source.read_bytes(), voices=voices or load_voices())
    (cleaned,) = clean_batch([source.read_bytes().decode()], voices=voices or RULES_ALONE)
    return cleaned


def as_fields(cleaned: Cleaned, *, with_removed: bool) -> dict[str, Any]:
    """
    Show a result in the terms of `expected.json`.

    The ledger of a page is left out: its lines are those of the extracted text, which no person can count.
    """
    fields = {
        "title": cleaned.title,
        "authors": list(cleaned.authors),
        "published": cleaned.published.isoformat() if cleaned.published else None,
        "tags": list(cleaned.tags),
        "language": cleaned.language,
    }
    if with_removed:
        fields["removed"] = [[entry.line, str(entry.reason)] for entry in cleaned.removed]
    return fields


def as_json(fields: Mapping[str, Any]) -> str:
    """
    Write the fields for reading and diffing: one field a line, one removed line a line.

    >>> print(as_json({"title": "A", "removed": [[1, "title"]]}))
    {
      "title": "A",
      "removed": [
        [1, "title"]
      ]
    }
    """
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {_value(name, value)}" for name, value in fields.items()) + "\n}"


def _value(name: str, value: Any) -> str:
    if name != "removed" or not value:
        return json.dumps(value, ensure_ascii=False)
    entries = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in value)
    return f"[\n{entries}\n  ]"


def make_case(dump: Path, folder: Path) -> None:
    """
    Write the four files of a golden folder from the current output.

    Flat text is stored as UTF-8 whatever it was; a page keeps its bytes, since they may declare their encoding.
    """
    page = dump.suffix.lower() in HTML_SUFFIXES
    source = folder / ("source.html" if page else "source.txt")
    data = dump.read_bytes() if page else _read_text(dump).encode()
    folder.mkdir(parents=True)
    source.write_bytes(data)
    cleaned = clean_source(source)
    (folder / "expected.txt").write_text(cleaned.text + "\n", encoding="utf-8")
    (folder / "expected.json").write_text(as_json(as_fields(cleaned, with_removed=not page)) + "\n", encoding="utf-8")
    (folder / "case.toml").write_text('why = ""\n', encoding="utf-8")


def _read_text(dump: Path) -> str:
    document = decode_record(RawRecord(f"{dump.name}#1", dump.read_bytes(), MediaType.TEXT, raw_sha256=""))
    if isinstance(document, Rejection):
        raise UsageError(f"{dump}: {document.reason}: {document.detail}")
    return document.text


def main() -> None:
    """Read the command line and make the folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.make_case", description=__doc__.splitlines()[1])
    parser.add_argument("dump", type=Path, metavar="FILE", help="a dump or page; its text must be yours to publish")
    parser.add_argument("slug", metavar="SLUG", help="name of the folder below tests/cases/, such as german-recipe")
    given = parser.parse_args()
    folder = CASES / given.slug
    if not given.dump.is_file():
        parser.error(f"{given.dump} is no file")
    if folder.exists():
        parser.error(f"{folder} exists already")
    try:
        make_case(given.dump, folder)
    except UsageError as error:
        parser.error(str(error))
    sys.stdout.write(f"{folder}: correct expected.txt and expected.json by hand, then say why in case.toml\n")


if __name__ == "__main__":
    main()
