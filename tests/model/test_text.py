"""Lines become paragraphs and words: what a scraper broke is mended, what belongs apart stays apart."""

import textwrap
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import text
from pipeline.model.text import read_text
from tests.model.cases import PROSE, one_document, read_paragraphs, word_hashes

ARTICLE = PROSE * 2
LISTS = {
    "menu": ("Home", "News", "Sport", "Weather", "About us", "Contact"),
    "teasers": ("Ferry returns with one more on board", "Bridge closed", "Council counts lamps", "Why is the clock late?"),
    "numbered": ("1. Count the passengers", "2. Count them again", "3. Let go the ropes", "4. Leave at six"),
    "bullets": ("• two eggs", "• a cup of flour", "• salt", "• sugar"),
    "scores": ("Eastmere 3-1 Westmere", "Northport 0-0 Southport", "Lake End 2-5 Hill End"),
    "sentences": tuple(f"Nobody was surprised by the {noun}." for noun in ("lamp", "pier", "clock", "ferry")),
    "questions": ("Who counted?", "The captain.", "And then?", "He counted again."),
    "Chinese": ("首页", "新闻", "体育", "关于我们"),
}  # fmt: skip


@pytest.mark.parametrize("width", [60, 72, 78])
def test_a_hard_wrap_is_undone(width: int) -> None:
    """Wrapped paragraphs between blank lines are the paragraphs they were."""
    wrapped = "\n\n".join("\n".join(textwrap.wrap(paragraph, width)) for paragraph in ARTICLE)

    assert read_paragraphs(wrapped) == list(ARTICLE)


@pytest.mark.parametrize("width", [60, 72, 78])
def test_a_hard_wrap_without_blank_lines_is_undone(width: int) -> None:
    """A paragraph's short last line says where it ends."""
    wrapped = "\n".join("\n".join(textwrap.wrap(paragraph, width)) for paragraph in ARTICLE)
    full = [paragraph for paragraph in ARTICLE if len(textwrap.wrap(paragraph, width)[-1]) > width - 12]

    assert set(ARTICLE) - set(read_paragraphs(wrapped)) <= set(full) | {
        ARTICLE[ARTICLE.index(each) + 1] for each in full
    }


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        (("According to", "the harbour master", ", the ferry left at six."), "a link in the middle"),
        (("The ferry left the quay at six, as", "it", "has since the war."), "a bold word"),
        (("The report by the", "Harbour Watch", "says that the bridge is closed."), "a name as a link"),
        (("Nobody was surprised (", "the captain counts twice", ")."), "a link in brackets"),
        (("The paper is called", "Eastmere Courier", ", and nobody reads it."), "a name before a comma"),
        (("Она вышла в море в", "шесть утра", ", не считая капитана."), "Cyrillic"),
    ],
)
def test_a_paragraph_broken_at_its_links_is_mended(pieces: tuple[str, ...], why: str) -> None:
    """`get_text` puts every text node on a line of its own."""
    before, after = "The lamps stay lit until Thursday.", "Council meets again on Monday, at ten."

    assert read_paragraphs("\n".join([before, *pieces, after])) == [before, " ".join(pieces), after], why


@pytest.mark.parametrize("lines", LISTS.values(), ids=LISTS)
def test_lists_are_not_grouped(lines: tuple[str, ...]) -> None:
    """Menus, teasers and items stay lines that are judged one by one."""
    assert read_paragraphs("\n".join(lines)) == list(lines)


@pytest.mark.xfail(strict=True, reason="lines of about one length look like a hard wrap")
def test_headlines_of_one_length_are_not_grouped() -> None:
    """In a short text, where no paragraph is longer than they are."""
    titles = (
        "Ferry returns with one more on board",
        "Bridge closed until Thursday",
        "Council counts the lamps on the pier",
        "Why the clock of the school is always late",
        "Five things to do in the old town",
    )
    assert read_paragraphs("\n".join(titles)) == list(titles)


@pytest.mark.xfail(strict=True, reason="a line that starts with a small letter looks like the middle of a sentence")
def test_a_list_in_small_letters_is_not_grouped() -> None:
    """Ingredients, for instance."""
    assert len(read_paragraphs("two eggs\na cup of flour\nsalt\nsugar")) == 4


def test_nothing_is_joined_across_a_blank_line_or_documents() -> None:
    """A gap ends a paragraph whatever follows."""
    assert read_paragraphs("The ferry left at\n\nsix in the morning.") == ["The ferry left at", "six in the morning."]
    lines, doc, gap = one_document(["The ferry left at", "six in the morning."], [True, False])
    doc[1] = 1
    assert len(read_text(lines, doc, gap)) == 2


def test_a_paragraph_knows_its_lines() -> None:
    """How many there are, where it begins and ends, and whose each line is."""
    text = read_text(*one_document(["Menu", "The ferry left the quay at", "six.", "News"]))

    assert text.lines.tolist() == [1, 2, 1]
    assert text.paragraph_of.tolist() == [0, 1, 1, 2]
    assert ["".join(map(chr, text.codes[a:b])) for a, b in zip(text.start, text.end, strict=True)] == [
        "Menu", "The ferry left the quay at\nsix.", "News",
    ]  # fmt: skip


WORDS = st.text(st.sampled_from("abcäßжяλ"), min_size=1, max_size=12)
CASED = WORDS.filter(lambda word: len(word.upper()) == len(word) and word.upper().lower() == word)


@given(CASED, st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=40))
def test_equal_words_have_equal_hashes(word: str, before: list[str], other: list[str]) -> None:
    """Whatever their case, their place in the line and in the batch."""
    (alone,) = word_hashes(read_text(*one_document([word])))
    batch = [" ".join(other) or "x", " ".join([*before, word.upper()]), word.capitalize() + ", he said"]
    lines, doc, gap = one_document(batch, [True, True, True])
    text = read_text(lines, doc, gap)
    hashes = word_hashes(text)
    offset = len(other) or 1

    assert hashes[offset + len(before)] == hashes[offset + len(before) + 1] == alone


def test_digits_do_not_matter_to_a_hash_and_letters_do() -> None:
    """A year is like any other year and unlike a number of three digits; anagrams differ."""
    text = read_text(*one_document(["1998 2024 ٢٠٢٤ 998 stop post tops"]))
    years, rest = word_hashes(text)[:3], word_hashes(text)[3:]

    assert len(set(years)) == 1
    assert len(set(rest) | set(years)) == 5


def test_a_cjk_character_is_a_word() -> None:
    """As in the measures: there are no spaces to go by."""
    text = read_text(*one_document(["渡轮早上 six 点"]))

    assert text.word_length.tolist() == [1, 1, 1, 1, 3, 1]


def test_long_texts_have_no_more_collisions_than_chance() -> None:
    """Sums of powers wrap around; distinct words stay distinct all the same."""
    words = [f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzäöüß"]
    text = read_text(*one_document([" ".join(words)] * 50, [True] * 50))

    assert len(set(word_hashes(text))) == len(words)
    assert word_hashes(text)[: len(words)] == word_hashes(text)[-len(words) :]


def test_threads_that_begin_at_once_do_not_see_half_of_what_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards that are cleaned in threads read their first texts at the same time."""
    powers = text._Powers()
    grow = text._geometric
    calls = count(1)
    half_is_grown, go_on = Event(), Event()

    def slowly(base: int, size: int) -> text.Hashes:
        if next(calls) > 1:
            half_is_grown.set()
            go_on.wait(30)
        return grow(base, size)

    monkeypatch.setattr(text, "_geometric", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(powers.up_to, 10)
        assert half_is_grown.wait(30)
        second = pool.submit(powers.up_to, 10)
        wait([second], timeout=0.5)
        go_on.set()
        lengths = [len(array) for found in (first, second) for array in found.result()]

    assert lengths == [10] * 4
