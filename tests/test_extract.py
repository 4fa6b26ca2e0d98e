"""Main text of pages: found, never invented, and never lost without a trace."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decode import document_from_text
from pipeline.extract import extract_main_text
from pipeline.records import Document, MediaType, Rejection, RejectReason

PARAGRAPHS = [
    "The river rose by two metres overnight, and the ferry at Lower Wick stayed on its side of the water.",
    "Nobody was hurt, said Marta Quill, who runs the boat with her sister, but the landing stage is gone.",
    "It will take the council until May to build another one, and until then the bridge at Tarn is the only way.",
]
ARTICLE = "<article><h1>Ferry stays ashore</h1>" + "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + "</article>"
FURNITURE = "<nav><ul><li><a href=/>Home</a><li><a href=/sport>Sport</a></ul></nav>"


def main_text(markup: str) -> str:
    outcome = extract_main_text(document_from_text(markup, media_type=MediaType.HTML))
    assert isinstance(outcome, Document), outcome
    return outcome.text


def test_main_text_is_one_line_a_paragraph_without_furniture() -> None:
    """Paragraphs stay whole and in order; menus and comments of readers are not there."""
    comments = "<div id=comments><p>First! I always knew that boat was trouble, as I told everybody here.</p></div>"
    lines = main_text(f"<html><body>{FURNITURE}{ARTICLE}{comments}</body></html>").split("\n")

    assert [line for line in lines if line in PARAGRAPHS] == PARAGRAPHS
    assert not {"Home", "Sport"} & set(lines)
    assert not any("trouble" in line for line in lines)


def test_everything_but_the_text_stays() -> None:
    """The new document is the old one with another text."""
    page = document_from_text(ARTICLE, url="https://example.org/a", media_type=MediaType.HTML)
    outcome = extract_main_text(page)

    assert isinstance(outcome, Document)
    assert (outcome.source, outcome.article_id, outcome.known) == (page.source, page.article_id, page.known)
    assert page.text == ARTICLE


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<div>" * 10_000 + "hello world", "hello world"),
        ("<p>he\0llo wor\x01ld</p>", "he llo wor ld"),
        ('<?xml version="1.0" encoding="utf-16"?><html><body><p>hello there</p>', "hello there"),
        ("<p " + " ".join(f"a{i}=1" for i in range(200_000)) + ">hello</p>", "hello"),
        ("hello, no markup at all", "hello, no markup at all"),
        ("<p>un<b>closed <i>tags</p>", "unclosed tags"),
        ("<noscript><p>The thread is in here.</p></noscript>", "The thread is in here."),
        ("<p>&#xd800;&#0;&#x110000; text", "\ufffd\ufffd\ufffd text"),
    ],
    ids=["deep", "controls", "xml-declaration", "attributes", "no-markup", "unclosed", "noscript", "bad-entities"],
)
def test_hostile_markup_gives_its_visible_text(markup: str, text: str) -> None:
    """What a browser would show is found where trafilatura and lxml silently find nothing."""
    assert main_text(markup) == text


def test_entity_bomb_is_not_expanded() -> None:
    """HTML knows no entity definitions; the reference stays a few letters."""
    bomb = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;&b;">]><p>Text &c;</p>'

    assert "boomboom" not in main_text(bomb)


def test_one_text_node_of_twelve_megabytes_is_found() -> None:
    """A parser (lxml) drops text nodes above ten megabytes without an error."""
    assert len(main_text("<p>" + "word " * 2_400_000)) > 11_900_000


def test_a_hundred_thousand_paragraphs_take_seconds() -> None:
    """Heavy pages are read without trafilatura, which would take most of a minute."""
    assert main_text("<p>hi" * 120_000).count("hi") == 120_000


@pytest.mark.parametrize(
    "markup", ["", "<html></html>", "<script>var a = 'b'</script>", "<img alt='A boat' src=a.png>", "<p>---</p>"]
)
def test_a_page_without_visible_text_is_rejected(markup: str) -> None:
    """Scripts, descriptions of images and rules are no text."""
    outcome = extract_main_text(document_from_text(markup, media_type=MediaType.HTML))

    assert isinstance(outcome, Rejection)
    assert outcome.reason is RejectReason.NO_MAIN_TEXT
    assert "no text" in outcome.detail


def test_the_same_page_gives_the_same_text() -> None:
    """Nothing is remembered from page to page."""
    page = f"<body>{FURNITURE}{ARTICLE}</body>"

    assert main_text(page) == main_text(page)


TAGS = st.sampled_from(
    ["<p>", "</p>", "<div>", "<table><tr><td>", "<li>", "<h1>", "<br>", "<a href=x>", "<!--", "-->", "<svg>", "&", "<"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(TAGS, st.text(max_size=20)), max_size=30).map("".join))
def test_no_markup_raises_and_no_word_is_invented(markup: str) -> None:
    """Every word of the text is made of characters of the page."""
    outcome = extract_main_text(document_from_text(markup, media_type=MediaType.HTML))

    if isinstance(outcome, Document):
        squeezed = re.sub(r"\W", "", document_from_text(markup).text)
        assert all(word in squeezed or "&" in markup for word in re.findall(r"[a-z]{3,}", outcome.text))
