"""What README.md and CONTRIBUTING.md show is what the code does."""

import re
import tomllib
from pathlib import Path

import polars as pl

from pipeline.clean import clean_text
from pipeline.rules import read_pack

ROOT = Path(__file__).parent.parent


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of one language in a document of the project."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_example_of_the_readme_is_true() -> None:
    """The dump shown becomes the text and the ledger shown."""
    dump, text = blocks("README.md", "text")
    rows = re.findall(
        r"^\| ([\d, ]+) \| (`.*`) \| ([\w-]+) \| ([\w-]+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )

    cleaned = clean_text(dump)
    shown = [
        (int(line), text, reason, rule)
        for lines, texts, reason, rule in rows
        for line, text in zip(lines.split(", "), re.findall(r"`(.*?)`", texts), strict=True)
    ]

    assert cleaned.text == text.removesuffix("\n")
    assert [(entry.line, entry.text, entry.reason, entry.rule) for entry in cleaned.removed] == shown


def test_the_rule_shown_is_a_rule() -> None:
    """The rule that both documents show can be read, matches its hits and leaves its misses."""
    (shown,) = blocks("CONTRIBUTING.md", "toml")

    assert shown in blocks("README.md", "toml")
    assert set(tomllib.loads(shown)) == {"rule"}
    (rule,) = read_pack("example.toml", shown)
    assert pl.Series(rule.hits).str.contains(rule.regex).all()
    assert not pl.Series(rule.misses).str.contains(rule.regex).any()


def test_files_that_the_documents_name_exist() -> None:
    """A path of the project named in a document is there."""
    for name in ("README.md", "CONTRIBUTING.md", "raw/README.md", "docs/operations.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for path in re.findall(
            r"`((?:pipeline|raw|tests|clean|flows|deploy|docs)/[\w./-]+\.(?:py|md|txt|service|timer))`", text
        ):
            assert (ROOT / path).exists(), f"{name} names {path}"


def test_what_the_documents_import_can_be_imported() -> None:
    """Every import from the package in a Python example works."""
    for block in blocks("README.md", "python"):
        for line in re.findall(r"^from pipeline.*$", block, re.MULTILINE):
            exec(line, {})  # noqa: S102 - the project's own documents
