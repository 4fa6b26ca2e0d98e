"""Published line rules, as they are published."""

import pytest

from pipeline.score.peers import HTML_PEERS, clean_c4, clean_justext, clean_refinedweb
from pipeline.score.systems import OURS, Result, System

PROSE = [f"The ferry left at {hour}, with eleven people on board." for hour in ("six", "seven", "eight")]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('She said "it left at six."', 'She said "it left at six."'),
        ("The ferry left at six", ""),
        ("The ferry left at six...", ""),
        ("It left at six.", ""),  # four words
        ("It left at six.[12]", ""),
        ("The ferry left at six.[12]", "The ferry left at six."),
        ("Please enable JavaScript to read this.", ""),
        ("By reading you accept our Privacy Policy.", ""),
        (f"The {'x' * 1001} left at six.", ""),
    ],
)
def test_c4_keeps_sentences(line: str, left: str) -> None:
    """C4 keeps lines that end a sentence and have five words, without its unwanted phrases."""
    assert clean_c4([*PROSE, line])[3] == left


@pytest.mark.parametrize("line", ["if (x) { return the ferry now.", "Lorem ipsum dolor sit amet the ferry."])
def test_c4_drops_documents(line: str) -> None:
    """A brace or filler text in a kept line costs the whole document; so do fewer than three sentences."""
    assert not any(clean_c4([*PROSE, line]))
    assert not any(clean_c4(PROSE[:2]))
    assert all(clean_c4(["The ferry left at six. It was cold! Was it full?"]))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (PROSE[0], PROSE[0]),
        ("TRENDING Now TODAY", ""),
        ("12345", ""),
        ("3 likes", ""),
        ("1.2K Followers", ""),
        ("3 likes were given to the ferry", "3 likes were given to the ferry"),
        ("Menu", ""),
        ("2 items in cart", "2"),
        ("The ferry left Read more...", "The ferry left"),
        ("Sign-in to read on", "to read on"),
        ("", ""),
    ],
)
def test_refinedweb_mends_lines(line: str, left: str) -> None:
    """RefinedWeb drops shouted lines, numbers, counters and single words, and cuts prompts from short lines."""
    assert clean_refinedweb([line]) == [left]


def test_justext_takes_long_lines_and_short_ones_between_them() -> None:
    """Lines are jusText's paragraphs: long ones with stop words are good, a short one is as its neighbours are."""
    long = "The ferry left at six and it was full of the people who had to be at work in the old town before it. " * 3
    lines = ["Menu", "", long, "A subhead", long, "Home", "Imprint"]

    assert clean_justext(lines) == ["", "", long, "A subhead", long, "", ""]


def test_justext_knows_languages() -> None:
    """German prose has German stop words; Chinese has no list, and is judged by length."""
    german = "Die Fähre legte um sechs ab und war voll mit Leuten, die in der Stadt zu der Arbeit mussten. " * 4
    chinese = "这艘白色的小渡轮每天晚上十一点以后不再停靠码头，岛上的居民只好绕着整个海湾走回家。" * 8

    assert all(clean_justext([german, chinese]))
    assert all(clean_justext([chinese]))
    assert not any(clean_justext(["Fähre Hafen Startseite Anfahrt " * 20, "Startseite"]))


def test_verdicts_fit_the_lines() -> None:
    """Ours says keep or drop for every line, blank ones too, and counts the title as kept."""
    (result,) = OURS.run(["Ferry counts twice\n\nThe ferry left at six, with eleven people on board.\n\nRead more"])

    assert result.title == "Ferry counts twice"
    assert result.keep == (True, True, True, True, False)


def test_texts_are_cleaned_in_batches() -> None:
    """However many texts there are, a system is given a few hundred at once, and results stay in order."""
    sizes: list[int] = []

    def clean(texts: list[str]) -> list[Result]:
        sizes.append(len(texts))
        return [Result(text.upper()) for text in texts]

    results = list(System("shout", clean).run([f"text {number}" for number in range(450)]))

    assert [result.text for result in results] == [f"TEXT {number}" for number in range(450)]
    assert sizes == [200, 200, 50]


def test_trafilatura_stands_beside_ours_on_html() -> None:
    """A page without any text is an empty text, not an error."""
    (peer,) = HTML_PEERS
    page = f"<html><body><article>{''.join(f'<p>{line}</p>' for line in PROSE)}</article></body></html>"

    first, second = peer.run([page.encode(), b"<html></html>"])

    assert PROSE[1] in first.text
    assert not second.text
