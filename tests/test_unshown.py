"""Pages that hold their article as data and show little of it: what they hold is cleaned, and only then."""

import json
from html import escape

import pytest

from pipeline.clean import clean_html, clean_pages
from pipeline.decode import document_from_text
from pipeline.extract import extract_unshown
from pipeline.metadata import read_declared
from pipeline.records import Engine, MediaType
from pipeline.rich_text import rich_text

OPENING = "The small white ferry that links Eastmere with the old town will no longer tie up at eleven in the evening."
REST = [
    "From the first of May it is to run through the night, every forty minutes, with a crew of two and no bar on board.",
    "The harbour office had asked for that since the last bus was withdrawn in the autumn, and the council at last agreed.",
    "“They finish at one and then they walk around the whole bay,” said Odalys Brandt, who counts the cooks and waiters.",
    "A night ticket will cost four pounds, one more than by day; holders of a yearly pass are to travel as they always did.",
    "Whether the boat stays is to be settled in October, when the office has counted how many people came aboard after dark.",
]
TEASER = f"<h1>Harbor ferry to run all night</h1><p>{OPENING}</p><div class=wall><p>Subscribe to read on</p></div>"
MENU = "<nav><ul><li><a href=/>Home</a><li><a href=/sport>Sport</a><li><a href=/shop>Shop</a></ul></nav>"


def linked(body: str, kind: str = "NewsArticle", **more: object) -> str:
    node = {
        "@context": "https://schema.org",
        "@type": kind,
        "headline": "Harbor ferry to run all night",
        "articleBody": body,
    }
    return f'<script type="application/ld+json">{json.dumps(node | more)}</script>'


def page(data: str, shown: str = TEASER) -> str:
    return f"<html><head><title>Harbor ferry to run all night</title>{data}</head><body>{MENU}{shown}</body></html>"


def block(text: str, kind: str = "paragraph") -> dict[str, object]:
    words = text.split(" ", 1)
    return {"type": kind, "content": [{"type": "text", "value": words[0]}, {"type": "text", "text": f" {words[-1]}"}]}


def state(*blocks: object) -> str:
    inner = {"props": {"story": {"body": {"type": "document", "content": blocks}}}}
    return f'<script id="state" type="application/json">{json.dumps(inner)}</script>'


def test_a_body_that_the_page_does_not_show_is_its_text() -> None:
    """Behind a wall readers see the first paragraph; what the page declares is cleaned in its place."""
    body = "\r\n\r\n".join([OPENING, *REST, "Sign up for our newsletter"])
    cleaned = clean_html(page(linked(body)))

    assert cleaned.text.split("\n\n") == [OPENING, *REST]
    assert cleaned.title == "Harbor ferry to run all night"
    assert [(entry.text, entry.line) for entry in cleaned.removed] == [("Sign up for our newsletter", 13)]
    assert cleaned.source_text == body.replace("\r", "")


def test_the_flow_cleans_a_batch_alike() -> None:
    """Beside pages that show their text, one that does not is read by itself."""
    whole = page("", f"<h1>Harbor ferry to run all night</h1>{''.join(f'<p>{text}</p>' for text in [OPENING, *REST])}")
    results = clean_pages([whole, page(linked("\n".join([OPENING, *REST]))), whole])

    assert [result.text.split() for result in results] == [" ".join([OPENING, *REST]).split()] * 3


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"<p>{escape(text)}</p>" for text in [OPENING, *REST]),
        escape("".join(f"<p>{text}</p>" for text in [OPENING, *REST])),
        "<br><br>".join([OPENING, *REST]),
        "\n".join(escape(text) for text in [OPENING, *REST]),
    ],
    ids=["markup", "escaped-markup", "breaks", "entities"],
)
def test_markup_and_entities_of_a_body_are_read(body: str) -> None:
    """Its lines are those that its markup would show."""
    assert [line for line in clean_html(page(linked(body))).text.split("\n") if line] == [OPENING, *REST]


def test_a_page_that_shows_nothing_at_all_has_its_declared_text() -> None:
    """A page that a script builds is no longer rejected for want of text."""
    cleaned = clean_html(page(linked("\n".join([OPENING, *REST])), shown="").replace(MENU, "<div id=root></div>"))

    assert cleaned.rejected is None
    assert cleaned.text == "\n".join([OPENING, *REST])


SHOWN = "".join(f"<p>{text}</p>" for text in [OPENING, *REST])


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (linked("\n".join([OPENING, *REST])), SHOWN),
        (linked(" ".join([OPENING, *REST])), SHOWN),
        (
            linked("Subscribe to read this story and all others, on every device, from one pound a week. " * 4 + "..."),
            SHOWN,
        ),
        (linked("Harbor Post has news of the bay, its boats and its people, every day. " * 5), SHOWN),
        (linked(" ".join(REST[:2])), TEASER),
        (linked("\n".join(REST), kind="Organization"), TEASER),
        (linked("\n".join(REST)) + linked("\n".join(reversed(REST))), TEASER),
        (linked("\n".join(REST)).replace('"articleBody": "', '"articleBody": ["').replace('"}<', '"]}<'), TEASER),
        (linked("\n".join(REST)).replace('"@context"', "@context"), TEASER),
    ],
    ids=["shown", "in-one-line", "teaser", "about", "short", "no-article", "several", "no-string", "broken"],
)
def test_a_body_is_left_where_it_says_no_more_than_the_page(data: str, shown: str) -> None:
    """Of text that is shown the page's lines are judged, with what the markup says of them; so where none is declared."""
    assert clean_html(page(data, shown)).source_text == clean_html(page("", shown)).source_text


def test_a_body_that_is_cut_off_must_be_longer_than_the_page() -> None:
    """A summary that ends in dots is no article, though more than what was kept of the page."""
    menu = " ".join(f"Link number {number} of the menu" for number in range(40))
    document = read_declared(document_from_text(page(linked(" ".join(REST) + " ...")), media_type=MediaType.HTML))

    assert extract_unshown(document, menu, kept=10) is None
    assert extract_unshown(document, menu[:100], kept=10) is not None


def test_the_rest_of_a_text_is_found_in_the_state_of_scripts() -> None:
    """Blocks of rich text are lines; what else stands among them is not the article's."""
    blocks = [block(text) for text in [OPENING, *REST]]
    advert = {"type": "ad", "content": []}
    items = {
        "type": "list",
        "content": [block("By day: three pounds", "list-item"), block("By night: four", "listItem")],
    }
    data = state(*blocks[:2], advert, block("What it costs", "heading"), items, *blocks[2:])

    assert rich_text(data).split("\n") == [
        *[OPENING, REST[0], "What it costs", "By day: three pounds", "By night: four"],
        *REST[1:],
    ]
    assert clean_html(page(data)).text.split("\n") == rich_text(data).split("\n")


def test_rich_text_that_does_not_go_on_from_what_is_shown_is_left() -> None:
    """The state of scripts may hold the articles of other pages."""
    data = state(*(block(text) for text in REST))

    assert rich_text(data)
    assert clean_html(page(data)).source_text == clean_html(page("")).source_text


@pytest.mark.parametrize(
    "markup",
    [
        '<script>var a = {"type": "paragraph"};</script>',
        '<script>{"type": "paragraph"</script>',
        '<script>["paragraph"]</script>',
        '<p>"paragraph"</p>',
        '<script>{"paragraph": [',
        "<script>" + "[" * 100_000 + '"paragraph"' + "]" * 100_000 + "</script>",
        '<script>[{"content": ' * 400 + '{"type": "paragraph"}' + "}]" * 400 + "</script>",
        '"paragraph"' * 100_000,
        '<script>"paragraph"' * 50_000,
    ],
    ids=["code", "broken", "string", "text", "open", "deep", "nested", "many", "many-open"],
)
def test_scripts_without_rich_text_give_none(markup: str) -> None:
    """Whatever stands in them."""
    assert rich_text(markup) == ""


def test_trafilatura_is_not_overruled() -> None:
    """Who asks for it gets what it finds."""
    data = page(state(*(block(text) for text in [OPENING, *REST])))

    assert REST[-1] in clean_html(data).text
    assert REST[-1] not in clean_html(data, engine=Engine.TRAFILATURA).text
