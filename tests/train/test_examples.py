"""Examples: labels are the oracle's, but for the small pieces of paragraphs that a scraper broke."""

import numpy as np

from pipeline.rules import load_rules
from pipeline.score.measures import oracle, tokens
from pipeline.train import examples as examples_module
from pipeline.train.examples import Example, Source, group_by_page, label, make_examples
from tests.score.gold_cases import load_reference
from tests.train.cases import invent_sources

GOLD = "According to the harbour master, the ferry left at six. It came back with twelve people on board.\nWhy twelve?"


def labels(*paragraphs: str, gold: str = GOLD) -> list[int]:
    return label([tokens(each) for each in paragraphs], gold)


def examples_of(*sources: Source) -> list[Example]:
    return list(make_examples(sources, load_rules()))


def test_ordinary_pages_are_labelled_as_the_reference_does() -> None:
    """A paragraph is kept exactly when a perfect judge of lines keeps it."""
    reference = load_reference()
    for source in invent_sources():
        lines = [line for line in source.text.split("\n") if line]
        kept = [line for line, is_kept in zip(lines, labels(*lines, gold=source.gold), strict=True) if is_kept]

        assert (
            "\n".join(kept) == oracle("\n".join(lines), source.gold) == reference.oracle("\n".join(lines), source.gold)
        )


def test_every_bit_of_gold_is_claimed_once() -> None:
    """The second copy of a paragraph is furniture: a teaser, or a quotation set apart."""
    prose, answer = GOLD.split("\n")

    assert labels(prose, answer, prose, answer) == [1, 1, 0, 0]


def test_short_pieces_of_a_broken_paragraph_are_kept() -> None:
    """They go on with a kept neighbour as gold does, though alone they equal no line of gold."""
    assert labels("According to the", "harbour master", ", the ferry left at six. It came back") == [0, 1, 1]
    assert labels("According to the harbour", "master", ", the ferry left at six.") == [1, 1, 1]


def test_short_furniture_beside_kept_paragraphs_goes() -> None:
    """Words of gold that stand elsewhere in it do not go on with anything."""
    assert labels("Twelve", "According to the harbour master, the ferry left at six.", "Ferry", "Share") == [0, 1, 0, 0]


def test_a_short_line_of_gold_is_kept_wherever_it_stands() -> None:
    """A subhead or a question that is a line of gold by itself."""
    assert labels("Why twelve?", "Menu", "Why") == [1, 0, 0]


def test_a_paragraph_without_words_goes() -> None:
    """Stars and dashes are nothing that gold could hold."""
    assert labels("***", "—") == [0, 0]


def test_each_text_with_a_line_is_an_example() -> None:
    """In order; blank texts are left out, and a batch does not mix texts up."""
    sources = invent_sources(sites=5)
    blank = Source("page0", "site0.example", "wrapped", " \n\u200b\n", "")
    together = examples_of(blank, *sources, blank)
    alone = [example for source in sources for example in examples_of(source)]

    assert [example.source for example in together] == sources
    for one, other in zip(together, alone, strict=True):
        for field in ("features", "marks", "owners", "hashes", "labels", "words"):
            assert np.array_equal(getattr(one, field), getattr(other, field)), field
    assert list(map(len, group_by_page(together).values())) == [2] * 5


def test_labels_and_words_are_those_of_the_paragraphs() -> None:
    """Lines that belong together have one label."""
    text = "Menu\n\nAccording to\nthe harbour master\n, the ferry left at six.\n\nShare"
    (example,) = examples_of(Source("1", "a.example", "get_text", text, GOLD))

    assert example.labels.tolist() == [0, 1, 0]
    assert example.words.tolist() == [1, 10, 1]
    assert set(example.owners.tolist()) == {0, 1, 2}


def test_of_a_very_long_text_the_beginning_is_learned_from() -> None:
    """Archives of a whole year would outweigh all others."""
    most = examples_module.MOST_PARAGRAPHS
    text = "\n\n".join(f"Menu {number}" for number in range(most + 10))
    (example,) = examples_of(Source("1", "a.example", "dump", text, GOLD))

    assert len(example) == len(example.features) == len(example.words) == most
    assert example.owners.max() < most
