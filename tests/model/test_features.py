"""Features: finite for whatever people scrape, the same in any company, and in time that grows with the text."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.features import GROUPS, Layout, line_hashes, ngrams
from pipeline.model.lexicon import COLUMNS
from pipeline.model.line_model import MARKS, feature_names, measured
from pipeline.model.text import read_text
from tests.model.cases import HOSTILE, PROSE, documents, one_document

LINES = st.one_of(
    st.sampled_from(PROSE),
    st.sampled_from([each for each in HOSTILE if len(each) < 1000]),
    st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), min_size=1, max_size=30),
    st.sampled_from(("Home", "Read more", "12 March 2021", "Share:", "the ferry left", ", he said.", "1 | 2 | 3")),
)
DOCUMENTS = st.lists(st.lists(LINES, min_size=1, max_size=12), min_size=1, max_size=5)


def column(name: str, lines: list[str], gaps: list[bool] | None = None) -> list[float]:
    """One feature of one document's paragraphs."""
    layout = Layout(read_text(*one_document(lines, gaps)))
    return measured(layout)[:, feature_names().index(name)].tolist()


def test_each_column_has_a_name() -> None:
    """Groups, lexicon and rules together give the names, without a double, in the order of the columns."""
    names = feature_names()
    groups = [name for group in GROUPS.values() for name in group(Layout(read_text(*one_document(["a"]))))]

    assert names == [*groups, *COLUMNS, *(f"rules_{mark.name.lower()}" for mark in MARKS)]
    assert len(set(names)) == len(names)
    assert measured(Layout(read_text(*one_document(["a"])))).shape == (1, len(groups))


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: ascii(line[:12]))
def test_a_hostile_line_has_finite_features(line: str) -> None:
    """Nothing that can stand in a line makes a feature infinite, alone or among others."""
    for lines in ([line], [line, line], ["Menu", line, PROSE[0]], [PROSE[0], line]):
        for gap in (False, True):
            layout = Layout(read_text(*one_document(lines, [True] + [gap] * (len(lines) - 1))))
            features = measured(layout)
            owners, hashes = ngrams(layout)

            assert features.shape[0] == len(layout.text)
            assert np.isfinite(features).all()
            assert len(owners) == len(hashes)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_a_document_has_the_same_features_in_any_company(texts: list[list[str]]) -> None:
    """To the last bit; n-grams too."""
    together = Layout(read_text(*documents(texts)))
    features, (owners, hashes) = measured(together), ngrams(together)
    bounds = np.append(together.heads, len(together.text))

    for place, text in enumerate(texts):
        alone = Layout(read_text(*documents([text])))
        start, end = bounds[place], bounds[place + 1]
        assert np.array_equal(measured(alone), features[start:end])
        own = (owners >= start) & (owners < end)
        assert np.array_equal(ngrams(alone)[0], owners[own] - start)
        assert np.array_equal(ngrams(alone)[1], hashes[own])
    assert np.isfinite(features).all()


def test_ratios_are_ratios() -> None:
    """Shares lie between 0 and 1."""
    names = feature_names()
    features = measured(
        Layout(read_text(*documents([[*PROSE, "Menu"], ["1 | 2", "…"], *[[line] for line in HOSTILE]])))
    )
    for name in names[: features.shape[1]]:
        if "share" in name or name in {"capitalised", "numbers", "small_words", "alike", "relative_index"}:
            values = features[:, names.index(name)]
            assert values.min() >= 0, name
            assert values.max() <= 1, name


def test_a_few_features_by_hand() -> None:
    """What the names say."""
    lines = ["Menu", "12:30", PROSE[0], "Menu", "Why twelve?", PROSE[1]]
    gaps = [True, False, True, True, False, True]

    assert column("one_word", lines, gaps) == [1, 0, 0, 1, 0, 0]
    assert column("times", lines, gaps) == [0, 1, 0, 0, 0, 0]
    assert column("question", lines, gaps) == [0, 0, 0, 0, 1, 0]
    assert column("gap", lines, gaps) == [1, 0, 1, 1, 0, 1]
    assert column("prose", lines, gaps) == [0, 0, 1, 0, 0, 1]
    assert column("first_prose_below", lines, gaps) == [1, 1, 1, 0, 0, 0]
    assert column("repeated", lines, gaps) == pytest.approx([np.log(2), 0, 0, np.log(2), 0, 0])
    assert column("run", lines, gaps) == pytest.approx(np.log1p([2, 2, 1, 2, 2, 1]))
    assert column("years", ["Founded in 1998, moved in 2011, 3011 ships"]) == [2]


def test_the_length_of_prose_counts_cjk_threefold() -> None:
    """A sentence is a sentence in Chinese, too."""
    assert column(
        "prose", ["渡轮早上六点离开码头，船上有十一个人，谁也没想到回来的时候会多出一个人来，船长数了两遍。"]
    ) == [1]
    assert column("prose", ["The ferry left at six."]) == [0]


def test_line_hashes_tell_the_order_of_words() -> None:
    """Equal lines have equal hashes, whatever their case and digits; a line without words has none."""
    hashes = line_hashes(Layout(read_text(*one_document(["Page 3", "PAGE 7:", "3 page", "***"], [True] * 4))))

    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]
    assert hashes[3] == 0


def test_ngrams_are_words_pairs_ends_and_whole_lines() -> None:
    """A short paragraph is known as a whole, of a long one the ends are; order and punctuation within count."""
    layout = Layout(
        read_text(*one_document(["Read more", "read More!", "more read", " ".join(["Word"] * 40)], [True] * 4))
    )
    owners, hashes = ngrams(layout)
    grams = [hashes[owners == paragraph].tolist() for paragraph in range(4)]

    assert [len(each) for each in grams] == [2 + 1 + 1 + 2, 6, 6, 10 + 8 + 2]
    assert sorted(grams[0]) == sorted(grams[1])
    assert len(set(grams[0]) & set(grams[2])) == 2
    assert owners.tolist() == sorted(owners.tolist())


def test_time_grows_with_the_text() -> None:
    """Four times the lines, and one line as long as a book, take no more than some six times as long."""

    def seconds(lines: list[str]) -> float:
        took = []
        for _ in range(3):
            start = time.perf_counter()
            layout = Layout(read_text(*one_document(lines)))
            measured(layout)
            ngrams(layout)
            took.append(time.perf_counter() - start)
        return min(took)

    lines = ["Menu", PROSE[0], "1 | 2 | 3", "and a line in small letters"]
    assert seconds(lines * 8_000) < 12 * seconds(lines * 2_000)
    assert seconds(["ab " * 800_000]) < 12 * seconds(["ab " * 200_000])
