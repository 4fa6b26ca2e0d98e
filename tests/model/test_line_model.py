"""The model as a whole: lines in, probabilities out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from pipeline.clean import judge_documents, seen_lines
from pipeline.decode import document_from_text
from pipeline.model import LineModel, line_model, read_model
from pipeline.model.line_model import MARKS, WEIGHTS, chunks, feature_names, mark_columns, write_model
from pipeline.model.text import read_text
from pipeline.records import Mark
from pipeline.rules import load_rules
from pipeline.train.learn import forward, parameters_of
from pipeline.train.train import _begin
from tests.model.cases import HOSTILE, PROSE, documents, one_document, seen
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
        scores = tiny_model.score_lines(seen_lines(*judge_documents([document_from_text(source.text)], load_rules())))
        right += [(score > 0.5) == (line in source.gold.split("\n")) for line, score in zip(lines, scores, strict=True)]

    assert np.mean(right) > 0.95


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.lists(LINES, min_size=1, max_size=12), min_size=1, max_size=5))
def test_a_document_has_the_same_scores_in_any_company(tiny_model: LineModel, texts: list[list[str]]) -> None:
    """Scores are probabilities of 4 decimals that depend on the document alone."""
    scores = tiny_model.score_lines(seen(*documents(texts)))
    alone = [tiny_model.score_lines(seen(*documents([text]))) for text in texts]

    assert np.array_equal(scores, np.concatenate(alone))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.array_equal(scores, np.round(scores, 4))


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: ascii(line[:12]))
def test_a_hostile_line_has_a_score(tiny_model: LineModel, line: str) -> None:
    """Whatever stands in a line."""
    scores = tiny_model.score_lines(seen(*one_document(["Menu", line, PROSE[0], line])))

    assert np.isfinite(scores).all()


def test_pieces_of_a_batch_do_not_show(tiny_model: LineModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is scored piece by piece, documents being whole; however large the pieces are."""
    texts = [[*PROSE, "Menu"][: 1 + place % 6] for place in range(30)]
    lines = seen(*documents(texts))
    scores = tiny_model.score_lines(lines)
    for size in (1, 500, 3000):
        monkeypatch.setattr(line_model, "CHUNK", size)

        assert np.array_equal(tiny_model.score_lines(lines), scores)
        assert sum(len(set(part.doc.tolist())) for part in chunks(lines)) == len(texts)
        assert [line for part in chunks(lines) for line in part.texts] == lines.texts


def test_threads_do_not_show(tiny_model: LineModel) -> None:
    """Rows are the same on every machine, however many cores it has."""
    texts = [[*PROSE, "Menu", "Read more"]] * 200
    with threadpool_limits(1, user_api="blas"):
        one = tiny_model.score_lines(seen(*documents(texts)))
    with threadpool_limits(4, user_api="blas"):
        four = tiny_model.score_lines(seen(*documents(texts)))

    assert np.array_equal(one, four)


def test_lines_of_a_paragraph_share_a_score(tiny_model: LineModel) -> None:
    """What the scraper broke is judged as one."""
    scores = tiny_model.score_lines(seen(*one_document(["According to", "the captain", ", they left.", "Menu"])))

    assert len(set(scores[:3].tolist())) == 1
    assert scores[3] != scores[0]


def test_a_paragraph_has_the_marks_of_its_lines() -> None:
    """What the rules say of one line of it, they say of it."""
    text = read_text(*one_document(["According to", "the captain", ", they left.", "Menu", "News"]))
    columns = mark_columns(text, np.array([Mark.NONE, Mark.HINT, Mark.SURE, Mark.NONE, Mark.TITLE]))

    given = [{mark for mark, value in zip(MARKS, row, strict=True) if value} for row in columns.tolist()]
    assert given == [{Mark.HINT, Mark.SURE}, set(), {Mark.TITLE}]


def test_nothing_in_is_nothing_out(tiny_model: LineModel) -> None:
    """A batch may be empty."""
    assert tiny_model.score_lines(seen([], np.zeros(0, np.int64), np.zeros(0, bool))).tolist() == []


def test_weights_are_read_as_they_were_written(tiny_model: LineModel, tmp_path: Path) -> None:
    """The file holds all of the model; its bytes are its version."""
    write_model(tiny_model, tmp_path / "a.npz")
    write_model(tiny_model, tmp_path / "b.npz")
    read = read_model(tmp_path / "a.npz")
    write_model(read, tmp_path / "c.npz")
    lines = seen(*documents([[*PROSE, "Menu"], ["Read more"]]))

    assert np.array_equal(read.score_lines(lines), tiny_model.score_lines(lines))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes() == (tmp_path / "c.npz").read_bytes()
    assert read.version == read_model(tmp_path / "b.npz").version
    assert read.version.startswith(f"{line_model.FORMAT}-")


@pytest.mark.skipif(not SHIPPED.exists(), reason="no weights are shipped yet")
def test_the_shipped_weights_are_small() -> None:
    """They travel with every installation, and hold no text."""
    assert SHIPPED.stat().st_size <= 5_000_000
    assert {array.dtype.kind for array in np.load(SHIPPED, allow_pickle=False).values()} <= set("iuf")


def test_a_model_of_pages_starts_from_what_one_of_texts_says(tiny_model: LineModel) -> None:
    """Of what markup tells, nothing is known yet; the rest means the same, whatever pages have on the average."""
    random = np.random.default_rng(0)
    of_texts, of_pages = feature_names(), feature_names(of_pages=True)
    there = [of_pages.index(name) for name in of_texts]
    mean = random.standard_normal(len(of_pages)).astype(np.float32)
    spread = random.uniform(0.5, 2, len(of_pages)).astype(np.float32)
    texts = random.standard_normal((20, len(of_texts))).astype(np.float32)
    pages = np.zeros((20, len(of_pages)), np.float32)
    pages[:, there] = (texts * tiny_model.spread + tiny_model.mean - mean[there]) / spread[there]
    heads = np.array([0, 7])

    said = forward(parameters_of(tiny_model.networks[0]), texts, heads).log_odds
    begun = forward(_begin(tiny_model, mean, spread, seed=0), pages, heads).log_odds

    assert begun == pytest.approx(said, abs=1e-3)


def test_several_networks_say_their_mean(tiny_model: LineModel) -> None:
    """A weights file keeps them apart, in order."""
    (network,) = tiny_model.networks
    other = replace(network, leave=replace(network.leave, bias=network.leave.bias + np.float32(2)))
    both = replace(tiny_model, networks=(network, other))
    features, heads = np.zeros((3, len(tiny_model.mean)), np.float32), np.array([0])

    assert both.log_odds(features, heads) == pytest.approx(tiny_model.log_odds(features, heads) + 1)


def test_a_weights_file_holds_several_networks(tiny_model: LineModel, tmp_path: Path) -> None:
    """Each comes back as it was."""
    (network,) = tiny_model.networks
    others = [
        replace(network, leave=replace(network.leave, bias=np.array([number], np.float32))) for number in range(11)
    ]
    write_model(replace(tiny_model, networks=(network, *others)), tmp_path / "weights.npz")
    read = read_model(tmp_path / "weights.npz").networks

    assert [each.leave.bias.tolist() for each in read] == [each.leave.bias.tolist() for each in (network, *others)]
    assert np.array_equal(read[11].enter.weights, network.enter.weights)
