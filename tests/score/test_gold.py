"""Reading gold files, and telling sites apart."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import GoldError
from pipeline.score.gold import PageGold, fold_of, is_line_gold, read_lines, read_pages, registered_domain
from tests.score.gold_cases import write_gold

PAGE = {"id": "1", "gold": "Text.", "dump": "Menu\nText."}
LINES: dict[str, Any] = {"id": "1", "lang": "de", "lines": ["Menü", "Der Text."], "keep": [False, True]}


def test_columns_may_be_missing(tmp_path: Path) -> None:
    """Somebody's own gold needs an id, the dump and what it should become; nothing else."""
    path = write_gold(tmp_path / "gold.parquet", [PAGE])

    assert read_pages(path) == [PageGold(id="1", gold="Text.", dump="Menu\nText.")]


def test_html_is_read_only_when_needed(tmp_path: Path) -> None:
    """Pages weigh many times their text, so they stay on disk until a shape asks for them."""
    path = write_gold(tmp_path / "gold.parquet", [PAGE | {"html": b"<p>Text.</p>"}])

    assert read_pages(path)[0].html == b""
    assert read_pages(path, {"html"})[0].html == b"<p>Text.</p>"


def test_json_lines_are_read_like_parquet(tmp_path: Path) -> None:
    """Gold can be kept as JSON lines, which people can edit."""
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(PAGE | {"html": "<p>Text.</p>", "authors": ["A. Brandt"]}) + "\n", encoding="utf-8")

    (page,) = read_pages(path, {"html"})

    assert (page.dump, page.html, page.authors) == ("Menu\nText.", b"<p>Text.</p>", ("A. Brandt",))


def test_null_text_is_empty(tmp_path: Path) -> None:
    """A null dump is one nobody could make: it is empty, and later left out."""
    path = write_gold(tmp_path / "gold.parquet", [PAGE, PAGE | {"dump": None, "gold": None}])

    assert (read_pages(path)[1].dump, read_pages(path)[1].gold) == ("", "")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"id": "1", "gold": "Text."}, "has no column 'dump'"),
        ({"id": None, "gold": "Text.", "dump": ""}, "column 'id' has 1 empty"),
        ({"id": "1", "gold": "Text.", "dump": "", "authors": "A. Brandt"}, "column 'authors' is string"),
        ({"id": "1", "gold": ["Text."], "dump": ""}, "column 'gold' is list"),
    ],
)
def test_wrong_page_gold_is_named(tmp_path: Path, row: dict[str, Any], complaint: str) -> None:
    """An error names the file and the column."""
    path = write_gold(tmp_path / "gold.parquet", [PAGE | row if row["id"] is None else row])

    with pytest.raises(GoldError, match=complaint) as error:
        read_pages(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_no_gold_is_named(tmp_path: Path) -> None:
    """A file that is missing or broken is a `GoldError`, not a traceback."""
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet")

    for path in (broken, tmp_path / "missing.parquet", tmp_path / "missing.jsonl"):
        with pytest.raises(GoldError, match=path.name):
            read_pages(path)


def test_line_gold_is_told_by_its_columns(tmp_path: Path) -> None:
    """Nobody has to say which kind of gold a file holds."""
    lines = write_gold(tmp_path / "lines.parquet", [LINES])
    pages = write_gold(tmp_path / "pages.parquet", [PAGE])

    assert is_line_gold(lines)
    assert not is_line_gold(pages)
    assert read_lines(lines)[0].keep == (False, True)


def test_every_line_has_a_label(tmp_path: Path) -> None:
    """Labels that do not fit the lines cannot be scored."""
    path = write_gold(tmp_path / "lines.parquet", [LINES | {"keep": [True]}])

    with pytest.raises(GoldError, match="'keep' has 1 labels for 2 lines"):
        read_lines(path)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.Example.com", "example.com"),
        ("edition.news.example.co.uk", "example.co.uk"),
        ("a.example.com.pl.", "example.com.pl"),
        ("someone.github.io", "someone.github.io"),  # the suffix list counts it as a registry
        ("новости.рф", "новости.рф"),
        ("localhost", "localhost"),
    ],
)
def test_subdomains_are_one_site(host: str, domain: str) -> None:
    """Subdomains share templates, so they count as one site; two customers of one registry do not."""
    assert registered_domain(host) == domain


def test_a_page_without_host_is_its_own_site() -> None:
    """The URL says where a page is from if the host does not; else only the page itself is known to be of its site."""
    assert PageGold("7", "", host="www.example.org").domain == "example.org"
    assert PageGold("7", "", url="https://news.example.org/a").domain == "example.org"
    assert PageGold("7", "").domain == "7"


def test_folds_share_out_the_sites() -> None:
    """Every fold gets about its part; a site's fold never changes, or old and new figures would not compare."""
    folds = [fold_of(f"site{number}.example") for number in range(1000)]

    assert {fold: folds.count(fold) > 150 for fold in range(5)} == dict.fromkeys(range(5), True)
    assert folds[:5] == [4, 4, 3, 0, 4]
