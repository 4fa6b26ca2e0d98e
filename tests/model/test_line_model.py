"""The model as a whole: lines in, probabilities out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from pipeline.model import LineModel, line_model, read_model
from pipeline.model.line_model import WEIGHTS, chunks, write_model
from pipeline.train.examples import make_examples
from tests.model.cases import HOSTILE, PROSE, documents, one_document
from tests.train.cases import invent_sources

SHIPPED = Path(line_model.__file__).parent / WEIGHTS
LINES = st.one_of(
    st.sampled_from((*PROSE, *(line for line in HOSTILE if len(line) < 1000), "Read more", "Home", ", he said.")),
    st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), min_size=1, max_size=30),
)


def test_it_learns(tiny_model: LineModel) -> None:
    """On pages of sites that it never saw, it keeps prose and drops furniture."""
    right = []
    for source in invent_sources(sites=10, seed=99):
        lines = [line for line in source.text.split("\n") if line]
        scores, _ = tiny_model.score_lines(*one_document(lines, ["\n\n" in source.text] * len(lines)))
        right += [(score > 0.5) == (line in source.gold.split("\n")) for line, score in zip(lines, scores, strict=True)]

    assert np.mean(right) > 0.95


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.lists(LINES, min_size=1, max_size=12), min_size=1, max_size=5))
def test_a_document_has_the_same_scores_in_any_company(tiny_model: LineModel, texts: list[list[str]]) -> None:
    """Scores are probabilities of 4 decimals that depend on the document alone."""
    scores, paragraphs = tiny_model.score_lines(*documents(texts))
    alone = [tiny_model.score_lines(*documents([text]))[0] for text in texts]

    assert np.array_equal(scores, np.concatenate(alone))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.array_equal(scores, np.round(scores, 4))
    assert (np.diff(paragraphs) >= 0).all()


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: ascii(line[:12]))
def test_a_hostile_line_has_a_score(tiny_model: LineModel, line: str) -> None:
    """Whatever stands in a line."""
    scores, _ = tiny_model.score_lines(*one_document(["Menu", line, PROSE[0], line]))

    assert np.isfinite(scores).all()


def test_pieces_of_a_batch_do_not_show(tiny_model: LineModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is scored piece by piece, documents being whole; however large the pieces are."""
    texts = [[*PROSE, "Menu"][: 1 + place % 6] for place in range(30)]
    scores, paragraphs = tiny_model.score_lines(*documents(texts))
    for size in (1, 500, 3000):
        monkeypatch.setattr(line_model, "CHUNK", size)
        again, same = tiny_model.score_lines(*documents(texts))

        assert np.array_equal(again, scores)
        assert np.array_equal(same, paragraphs)
        lines, doc, _ = documents(texts)
        pieces = [set(doc[part].tolist()) for part in chunks(lines, doc)]
        assert sum(map(len, pieces)) == len(texts)


def test_threads_do_not_show(tiny_model: LineModel) -> None:
    """Rows are the same on every machine, however many cores it has."""
    texts = [[*PROSE, "Menu", "Read more"]] * 200
    with threadpool_limits(1, user_api="blas"):
        one, _ = tiny_model.score_lines(*documents(texts))
    with threadpool_limits(4, user_api="blas"):
        four, _ = tiny_model.score_lines(*documents(texts))

    assert np.array_equal(one, four)


def test_lines_of_a_paragraph_share_a_score(tiny_model: LineModel) -> None:
    """What the scraper broke is judged as one."""
    scores, paragraphs = tiny_model.score_lines(*one_document(["According to", "the captain", ", they left.", "Menu"]))

    assert paragraphs.tolist() == [0, 0, 0, 1]
    assert len(set(scores[:3].tolist())) == 1


def test_nothing_in_is_nothing_out(tiny_model: LineModel) -> None:
    """A batch may be empty."""
    scores, paragraphs = tiny_model.score_lines([], np.zeros(0, np.int64), np.zeros(0, bool))

    assert (len(scores), len(paragraphs)) == (0, 0)


def test_examples_are_measured_as_lines_are(tiny_model: LineModel) -> None:
    """What the model was trained on is what it is given later: the same paragraphs in the same texts."""
    (source, *_) = invent_sources(sites=1)
    (example,) = make_examples([source])
    lines = [line for line in source.text.split("\n") if line]
    _, paragraphs = tiny_model.score_lines(*one_document(lines, [True] * len(lines)))

    assert len(example) == paragraphs[-1] + 1


def test_weights_are_read_as_they_were_written(tiny_model: LineModel, tmp_path: Path) -> None:
    """The file holds all of the model; its bytes are its version."""
    write_model(tiny_model, tmp_path / "a.npz")
    write_model(tiny_model, tmp_path / "b.npz")
    read = read_model(tmp_path / "a.npz")
    write_model(read, tmp_path / "c.npz")
    lines = documents([[*PROSE, "Menu"], ["Read more"]])

    assert np.array_equal(read.score_lines(*lines)[0], tiny_model.score_lines(*lines)[0])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes() == (tmp_path / "c.npz").read_bytes()
    assert read.version == read_model(tmp_path / "b.npz").version
    assert read.version.startswith(f"{line_model.FORMAT}-")


@pytest.mark.skipif(not SHIPPED.exists(), reason="no weights are shipped yet")
def test_the_shipped_weights_are_small() -> None:
    """They travel with every installation, and hold no text."""
    assert SHIPPED.stat().st_size <= 5_000_000
    assert {array.dtype.kind for array in np.load(SHIPPED, allow_pickle=False).values()} <= set("iuf")
