"""What is made from gold once is kept, and never read when it is stale."""

from pathlib import Path

import pytest

from pipeline.score import cache
from pipeline.score.cache import load_shape
from pipeline.score.gold import read_pages
from pipeline.score.measures import count_words, oracle, word_f1
from pipeline.score.shapes import FLATTENINGS, Shape, flattenings
from tests.score.gold_cases import make_page, page_row, write_gold

HTML = b"<html><body><nav>Menu</nav><p>The <b>ferry</b> left.</p><script>x</script></body></html>"


@pytest.mark.parametrize("shape", FLATTENINGS)
def test_the_cache_holds_what_would_be_made(tmp_path: Path, shape: Shape) -> None:
    """Texts and the oracle's scores are the same, made now or read again."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(number, html=HTML) for number in range(4)])
    pages = read_pages(path, {"dump", "dump_full", "html"})

    made, read = load_shape(path, shape, tmp_path / "cache"), load_shape(path, shape, tmp_path / "cache")

    assert made == read
    assert [each.text for each in made] == flattenings(pages, shape)
    for page, each in zip(pages, made, strict=True):
        assert each.best == word_f1(count_words(oracle(each.text, page.gold)), count_words(page.gold)).f1


def test_what_is_cached_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call reads no gold: parsing 1,280 pages takes a minute."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(1)])
    first = load_shape(path, Shape.WRAPPED, tmp_path / "cache")

    monkeypatch.setattr(cache, "read_pages", lambda *_: pytest.fail("read again"))

    assert load_shape(path, Shape.WRAPPED, tmp_path / "cache") == first


def test_other_gold_or_code_is_another_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gold file under the same name, or changed code, is never answered from an old entry."""
    folder = tmp_path / "cache"
    one = write_gold(tmp_path / "gold.parquet", [page_row(1)])
    (tmp_path / "b").mkdir()
    other = write_gold(tmp_path / "b" / "gold.parquet", [page_row(1, dump=make_page(1).dump + "\nMore")])

    texts = [load_shape(path, Shape.DUMP, folder)[0].text for path in (one, other)]
    monkeypatch.setattr(cache, "digest_code", lambda *_: "other code")
    load_shape(one, Shape.DUMP, folder)

    assert texts[0] != texts[1]
    assert len(list(folder.iterdir())) == 3
