"""The gold written for this project: well-formed, consistent in itself, and varied enough to set floors with."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

GOLD = Path(__file__).parent / "gold"

PAGE_TYPES = {"article", "forum", "product", "documentation", "service"}
ARTICLE_GENRES = {
    "news", "blog", "recipe", "interview", "listicle", "press-release", "live-ticker", "obituary", "match-report",
}  # fmt: skip
SHAPES = {"blank", "none", "full", "inline", "wrap72", "wrap78", "stitched", "cut"}

# As in the reference measures: a CJK character is a word of its own.
WORD = re.compile(r"[぀-ヿ㐀-鿿豈-﫿]|[^\W぀-ヿ㐀-鿿豈-﫿]+")


@dataclass(frozen=True, slots=True)
class Page:
    """A dump with a person's verdict on each line; `tests/gold/README.md` says what the fields mean."""

    id: str
    lang: str
    page_type: str
    genre: str
    shape: str
    host: str
    title: str
    dump: str
    gold: str
    keep: list[int]
    title_lines: list[int]
    either: list[int]

    @property
    def lines(self) -> dict[int, str]:
        """The lines of the dump that are not blank, by their number."""
        return {number: line for number, line in enumerate(self.dump.split("\n"), start=1) if line.strip()}

    @property
    def labelled(self) -> list[int]:
        """All line numbers that some label names."""
        return [*self.keep, *self.title_lines, *self.either]


@dataclass(frozen=True, slots=True)
class Clean:
    """An article without furniture."""

    id: str
    lang: str
    title: str
    text: str


@cache
def pages() -> tuple[Page, ...]:
    return tuple(Page(**row) for row in _rows("pages.jsonl"))


@cache
def cleans() -> tuple[Clean, ...]:
    return tuple(Clean(**row) for row in _rows("clean.jsonl"))


def _rows(name: str) -> list[dict[str, Any]]:
    # Only "\n" ends a row: splitlines() would also break at separators inside a JSON string.
    text = (GOLD / name).read_text(encoding="utf-8")
    return [json.loads(row) for row in text.removesuffix("\n").split("\n")]


def repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_each_row_has_exactly_the_documented_fields() -> None:
    """A row has the documented fields in the documented order, and nothing else."""
    for name, kind in (("pages.jsonl", Page), ("clean.jsonl", Clean)):
        for row in _rows(name):
            assert list(row) == [field.name for field in fields(kind)], row["id"]


def test_readme_documents_every_field_and_value() -> None:
    """Every field, shape, page type and genre is named in the README."""
    readme = (GOLD / "README.md").read_text(encoding="utf-8")
    names = {field.name for kind in (Page, Clean) for field in fields(kind)}
    names |= PAGE_TYPES | ARTICLE_GENRES | SHAPES

    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_ids_are_unique_over_both_files() -> None:
    """An id names one document, and starts with its language."""
    documents: list[Page | Clean] = [*pages(), *cleans()]

    assert repeated(document.id for document in documents) == []
    assert [document.id for document in documents if not document.id.startswith(f"{document.lang}-")] == []


def test_values_come_from_the_closed_lists() -> None:
    """Page types, genres and shapes are among those documented; a host can never be a real one (RFC 2606)."""
    for page in pages():
        assert page.page_type in PAGE_TYPES, page.id
        assert page.genre in (ARTICLE_GENRES if page.page_type == "article" else {page.page_type}), page.id
        assert page.shape in SHAPES, page.id
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.example", page.host), page.id


def test_line_numbers_point_to_lines_with_text() -> None:
    """Each label's numbers rise, no line has two labels, and no label names a blank or missing line."""
    for page in pages():
        for numbers in (page.keep, page.title_lines, page.either):
            assert all(before < after for before, after in pairwise(numbers)), page.id
        assert len(page.labelled) == len(set(page.labelled)), page.id
        assert set(page.labelled) <= set(page.lines), page.id


def test_gold_is_the_kept_lines() -> None:
    """The gold text is the kept lines, word for word and in order; it has an empty line where the dump has one."""
    for page in pages():
        lines = page.dump.split("\n")
        gold = lines[page.keep[0] - 1]
        for before, after in pairwise(page.keep):
            blank = any(not line.strip() for line in lines[before : after - 1])
            gold += ("\n\n" if blank else "\n") + lines[after - 1]
        assert page.gold == gold, page.id


def test_title_is_what_the_title_lines_say() -> None:
    """The title is the first title line, or the first few where a hard-wrapped dump broke it; without any, none."""
    for page in pages():
        titles = [page.lines[number] for number in page.title_lines]
        heads = [" ".join(titles[:count]) for count in range(len(titles) + 1)]
        assert page.title in (heads[1:] or [""]), page.id


def test_every_page_has_an_article_and_furniture() -> None:
    """Each page has lines to keep and lines to remove, so that neither keeping nor removing all of it is right."""
    for page in pages():
        assert page.keep, page.id
        assert set(page.lines) - set(page.labelled), page.id


def test_shapes_are_what_they_say() -> None:
    """Unbroken dumps have no empty line, the others have; a wrapped dump has no longer line than its width."""
    for page in pages():
        assert ("\n\n" not in page.dump) == (page.shape in {"none", "inline"}), page.id
        if page.shape.startswith("wrap"):
            assert max(map(len, page.lines.values())) <= int(page.shape.removeprefix("wrap")), page.id


def test_clean_articles_have_the_promised_length() -> None:
    """A clean article has between 120 and 500 words, and neither begins nor ends with a blank line."""
    for clean in cleans():
        assert 120 <= len(WORD.findall(clean.text)) <= 500, clean.id
        assert clean.text == clean.text.strip(), clean.id
        assert clean.title == clean.title.strip() != "", clean.id


def test_text_is_composed_and_printable() -> None:
    """All text is in NFC, without tabs, carriage returns, or invisible characters at the ends of lines."""
    for text in chain((page.dump for page in pages()), (clean.text for clean in cleans())):
        assert unicodedata.is_normalized("NFC", text), text[:80]
        assert not re.search(r"[\t\r\f\v\ufeff\u2028\u2029]|[^\S\n]$", text, re.MULTILINE), text[:80]


def test_no_sentence_occurs_in_two_documents() -> None:
    """Documents are written one by one: no line of sixty characters or more occurs in two of them."""
    texts = [*(page.gold for page in pages()), *(clean.text for clean in cleans())]
    long_lines = [{line for line in text.split("\n") if len(line) >= 60} for text in texts]

    assert repeated(chain.from_iterable(long_lines)) == []


def test_pages_are_varied() -> None:
    """Sixty pages or more in sixteen languages or more, most of them articles, in every genre and shape."""
    languages = Counter(page.lang for page in pages())
    types = Counter(page.page_type for page in pages())

    assert len(pages()) >= 60
    assert len(languages) >= 16
    assert max(languages.values()) <= len(pages()) / 3
    assert types["article"] > len(pages()) / 2
    assert set(types) == PAGE_TYPES
    assert {page.genre for page in pages()} == ARTICLE_GENRES | (PAGE_TYPES - {"article"})
    assert {page.shape for page in pages()} == SHAPES


def test_clean_articles_are_varied() -> None:
    """Forty clean articles or more in twelve languages or more."""
    languages = Counter(clean.lang for clean in cleans())

    assert len(cleans()) >= 40
    assert len(languages) >= 12
    assert max(languages.values()) <= len(cleans()) / 3
