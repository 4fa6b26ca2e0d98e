"""Features of pages: what stands around a line, told by its markup alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import SeenLines
from pipeline.model.dom import DOM_COLUMNS, NAME_COLUMNS, hashes_of, linked_shares, name_columns, names_around
from pipeline.model.line_model import feature_names, lay_out, measured
from pipeline.render import name_hashes, render
from tests.model.cases import PROSE

CARDS = "".join(f"<div class=card><a href=/{n}>Lamp number {n} is lit on the pier</a></div>" for n in range(6))
PAGE = (
    "<html><body><header><a href=/>Home</a></header><main><h1>Ferry counts twice</h1><div class=post-content>"
    + "".join(f"<p>{line}</p>" for line in PROSE)
    + f"</div></main><aside>{CARDS}</aside></body></html>"
)


def seen(*pages: str) -> SeenLines:
    """The lines of pages as the model is given them."""
    renderings = [render(page) for page in pages]
    lines = [line for each in renderings for line in each.lines]
    doc = np.repeat(np.arange(len(renderings)), [len(each.lines) for each in renderings])
    gap = np.concatenate([each.gap for each in renderings])
    return SeenLines(lines, doc, gap, np.zeros(len(lines), np.int64), renderings)


def column(name: str, page: str) -> dict[str, float]:
    """One feature of a page's lines, by line."""
    lines = seen(page)
    names = [each for each in feature_names(of_pages=True) if each not in NAME_COLUMNS]
    return dict(zip(lines.texts, measured(lay_out(lines), lines.pages)[:, names.index(name)].tolist(), strict=True))


def test_each_column_has_a_name() -> None:
    """Columns of pages follow those of their text; no name is there twice."""
    lines = seen(PAGE)
    names = feature_names(of_pages=True)

    assert len(set(names)) == len(names)
    assert measured(lay_out(lines), lines.pages).shape[1] == len(names) - len(NAME_COLUMNS) - 5 - 4
    assert [name for name in names if name in DOM_COLUMNS] == list(DOM_COLUMNS)


def test_links_are_told_from_text() -> None:
    """A teaser is a link from end to end."""
    linked = column("linked", PAGE)

    assert linked["Lamp number 3 is lit on the pier"] == 1
    assert linked[PROSE[0]] == 0


def test_a_linked_sentence_is_no_prose() -> None:
    """However long a teaser is, the article is elsewhere."""
    page = f"<p><a href=/a>{PROSE[0]}</a></p><p>{PROSE[1]}</p>"

    assert column("prose", page) == {PROSE[0]: 0, PROSE[1]: 1}


def test_the_centre_is_where_the_prose_is() -> None:
    """Lines in the container of the prose are inside; others stand above or below it."""
    inside, above, below = (column(f"centre_{name}", PAGE) for name in ("inside", "above", "below"))

    assert [inside[line] for line in PROSE] == [1] * len(PROSE)
    assert (inside["Home"], above["Home"], below["Home"]) == (0, 1, 0)
    assert below["Lamp number 3 is lit on the pier"] == 1


def test_alike_cards_are_counted() -> None:
    """A card has five like it; a paragraph has its like, too, but no card."""
    siblings = column("siblings_0", PAGE)
    lines = column("path_lines", PAGE)

    assert siblings["Lamp number 3 is lit on the pier"] == pytest.approx(np.log1p(6))
    assert lines["Lamp number 3 is lit on the pier"] == pytest.approx(np.log1p(6))
    assert lines[PROSE[0]] == pytest.approx(np.log1p(len(PROSE)))
    assert lines["Home"] == pytest.approx(np.log1p(1))


def test_containers_are_measured_outwards() -> None:
    """The last level of a small page is the page."""
    share = [column(f"share_{level}", PAGE)["Home"] for level in range(3)]

    assert share[0] < 0.05
    assert share == sorted(share)
    assert share[2] == pytest.approx(1)


def test_names_reach_down_to_the_lines() -> None:
    """A line knows the names of all elements around it, each once, and scores of them add up."""
    page = render(PAGE)
    named, names = names_around(page)
    first = page.lines.index(PROSE[0])
    content = (np.uint64(name_hashes("post-content")[2]) << np.uint64(32)).item()

    assert content in names[named == first].tolist()
    assert content not in names[named == 0].tolist()
    hashes = hashes_of(page)
    scores = np.where(hashes == content, 1.5, 0.0)
    told = dict(zip(NAME_COLUMNS, name_columns(page, scores, hashes == content).T, strict=True))
    assert told["names_best"][first] == 1.5
    assert told["names_best"][0] == 0
    assert told["names_sum"][first] > 0


def test_a_page_has_the_same_features_in_any_batch() -> None:
    """Nothing of one page leaks into another."""
    other = "<ul>" + "<li><a href=/>News</a>" * 9 + f"</ul><p>{PROSE[2]}"
    together = seen(other, PAGE, other)
    alone = seen(PAGE)
    features = measured(lay_out(together), together.pages)[together.doc == 1]

    assert np.array_equal(features, measured(lay_out(alone), alone.pages))


MARKUP = st.lists(
    st.sampled_from(["<p>", "</p>", "<div class=a>", "</div>", "<a href=x>", "</a>", "<br>", "<td>", "<table>", "<li>", "<ul>",
                     "<h1>", "<b>", " ", "word", PROSE[0], "\u200b", "語", "<nav>", "</nav>", "<pre>"])
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
    min_size=1,
    max_size=30,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(MARKUP)
def test_features_are_finite_for_any_markup(markup: str) -> None:
    """Whatever a page is made of."""
    page = render(markup)
    if not page.lines:
        return
    lines = seen(markup)
    features = measured(lay_out(lines), lines.pages)
    hashes = hashes_of(page)

    assert features.shape[0] == len(page.lines)
    assert np.isfinite(features).all()
    assert np.isfinite(name_columns(page, np.ones(len(hashes)), np.ones(len(hashes), bool))).all()
    assert ((linked_shares([page]) >= 0) & (linked_shares([page]) <= 1)).all()
