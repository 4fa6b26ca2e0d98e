"""What pages declare, bylines and datelines."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bylines import parse_byline, people
from pipeline.dates import parse_date
from pipeline.decode import document_from_text
from pipeline.metadata import read_markup
from pipeline.records import MediaType, Metadata, merge

NOON = datetime(2024, 3, 3, 12, 0, tzinfo=UTC)


def read(markup: str, url: str | None = None) -> Metadata:
    return read_markup(document_from_text(markup, url=url, media_type=MediaType.HTML))


def json_ld(node: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


ARTICLE = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Ferry stays ashore",
    "datePublished": "2024-03-03T13:00:00+01:00",
    "author": [{"@type": "Person", "name": "Marta Quill"}, {"@type": "Person", "name": "John Roe"}],
    "publisher": {"@type": "Organization", "name": "Example News"},
    "dateModified": "2024-03-04T12:00:00Z",
    "description": "The ferry has not left since the flood.",
    "image": {"@type": "ImageObject", "url": "/ferry.jpg"},
    "keywords": ["Ferries", "Floods"],
    "inLanguage": "en-GB",
}


def test_json_ld_tells_nearly_everything() -> None:
    """A typed article is read field by field."""
    assert read(json_ld(ARTICLE), "https://www.example.org/a") == Metadata(
        title="Ferry stays ashore",
        title_source="json-ld",
        authors=("Marta Quill", "John Roe"),
        authors_source="json-ld",
        published=NOON,
        published_source="json-ld",
        published_raw="2024-03-03T13:00:00+01:00",
        published_day=date(2024, 3, 3),
        modified=datetime(2024, 3, 4, 12, 0, tzinfo=UTC),
        modified_source="json-ld",
        url="https://www.example.org/a",
        url_source="given",
        site="example.org",
        site_name="Example News",
        site_name_source="json-ld",
        language="en",
        language_source="json-ld",
        tags=("Ferries", "Floods"),
        tags_source="json-ld",
        description="The ferry has not left since the flood.",
        description_source="json-ld",
        image="https://www.example.org/ferry.jpg",
        image_source="json-ld",
    )


@pytest.mark.parametrize(
    "node",
    [
        [ARTICLE],
        {"@graph": [{"@type": "WebSite", "name": "x"}, ARTICLE]},
        {"@type": "WebPage", "mainEntity": ARTICLE},
        ARTICLE | {"@type": ["Article", "NewsArticle"]},
        {"@graph": [{"@type": "Person", "@id": "#m", "name": "Marta Quill"}, ARTICLE | {"author": {"@id": "#m"}}]},
    ],
    ids=["list", "graph", "main-entity", "two-types", "reference"],
)
def test_json_ld_is_found_in_its_usual_places(node: Any) -> None:
    """Lists, graphs, main entities and references to other nodes are followed."""
    found = read(json_ld(node))

    assert (found.title, found.published, found.authors[0]) == ("Ferry stays ashore", NOON, "Marta Quill")


def test_lists_of_other_articles_are_not_this_one() -> None:
    """Teasers are articles too, but not the page's."""
    node = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": ARTICLE}]}

    assert read(json_ld(node)) == Metadata()


@pytest.mark.parametrize(
    "script", ["{", '{"@type": "Article",}', "[" * 100_000, '"', "null", "[[[1]]]", '{"@type": 3, "@id": []}']
)
def test_broken_json_ld_declares_nothing(script: str) -> None:
    """Other declarations of the page still count."""
    page = (
        f'<script type="application/ld+json">{script}</script><meta property="og:title" content="Ferry stays ashore">'
    )

    assert read(page).title == "Ferry stays ashore"


def test_meta_tags_stand_in() -> None:
    """OpenGraph and other meta tags are read where there is no JSON-LD."""
    found = read(
        '<html lang="de-AT"><meta property="og:title" content="F&auml;hre steht | Beispiel"><meta property="og:site_name" '
        'content="Beispiel"><meta name="author" content="Anna Schmidt"><meta property="article:published_time" '
        'content="2024-03-03T12:00:00Z"><link rel="canonical" href="https://www.beispiel.example/a">'
        '<meta name="keywords" content="Fähre, Hochwasser, Fähre">'
    )

    assert found == Metadata(
        title="Fähre steht",
        title_source="opengraph",
        authors=("Anna Schmidt",),
        authors_source="meta",
        published=NOON,
        published_source="opengraph",
        published_raw="2024-03-03T12:00:00Z",
        published_day=date(2024, 3, 3),
        url="https://www.beispiel.example/a",
        url_source="canonical",
        site="beispiel.example",
        site_name="Beispiel",
        site_name_source="opengraph",
        language="de",
        language_source="html",
        tags=("Fähre", "Hochwasser"),
        tags_source="meta",
    )


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Ferry stays ashore | Example News", "Ferry stays ashore", "Ferry stays ashore"),
        ("Ferry stays ashore - Example News", "", "Ferry stays ashore"),
        ("Example News: Ferry stays ashore", "", "Example News: Ferry stays ashore"),
        ("Example News | Ferry stays ashore", "", "Ferry stays ashore"),
        ("Ferry stays ashore - what we know", "", "Ferry stays ashore - what we know"),
        ("Ferry ‘stays’ ashore | Example News", "Ferry 'stays' ashore", "Ferry 'stays' ashore"),
        ("Ferry stays ashore", "Example News", "Ferry stays ashore"),
        ("", "Ferry stays ashore", "Ferry stays ashore"),
        ("Example News", "", "Example News"),
    ],
)
def test_title_is_the_headline_as_printed(title: str, heading: str, expected: str) -> None:
    """The site's name goes; the words are those of the heading, so that the line can be found."""
    page = f'<title>{title}</title><meta property="og:site_name" content="Example News"><h1>{heading}</h1><p>Text.'

    assert read(page).title == expected


def test_no_title_anywhere_is_none() -> None:
    """The first paragraph is never made a title."""
    assert read("<p>Only a paragraph.</p>").title is None


def test_a_page_without_a_date_is_given_none() -> None:
    """Dates of other things in the running text, and today's, are no publication date."""
    assert read("<h1>Ferries</h1><p>The ferry of 1874 sank on a Monday. Copyright 2024.</p>").published is None


@pytest.mark.parametrize(
    "value", ["0001-01-01", "9999-12-31T23:59:59-12:00", "yesterday", "2024-02-31", "1709467200", "", "2124-01-01"]
)
def test_impossible_dates_are_passed_over(value: str) -> None:
    """Templates and counters are no dates, whatever they are called."""
    assert read(f'<meta property="article:published_time" content="{value}">').published is None


def test_product_pages_are_not_dated_by_guess() -> None:
    """A review's date on a product page is not the page's."""
    page = json_ld({"@type": "Product", "name": "Boat"}) + '<p class="date">3 March 2024</p>'

    assert read(page).published is None


def test_the_site_is_a_host_and_its_name_stands_beside_it() -> None:
    """The canonical address comes before the given one; what the site calls itself is no host."""
    named = read('<meta property="og:site_name" content="Example News">')

    assert (named.site, named.site_name) == (None, "Example News")
    assert read("<p>Text.", "https://example.org/a").site == "example.org"
    assert read('<link rel=canonical href="//news.example.org/a">', "https://example.org/a").site == "news.example.org"


HEAD = "<title>Ferry stays ashore</title><h1>Ferry stays ashore</h1>"
PROSE = "<p>" + "The ferry left the quay at six, as it has every morning since the war, with many people. " * 4


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ("<div>By <a href='/authors/jane-doe'>Jane Doe</a> <span>March 3, 2024</span></div>", ("Jane Doe",)),
        ("<div><span>March 3, 2024</span> <span>By Jane Doe</span></div>", ("Jane Doe",)),
        ("<p>Written by</p><p>Jane Doe</p>", ("Jane Doe",)),
        ("<div class=byline><a class=author-name href=/j>Jane Doe</a></div>", ("Jane Doe",)),
        ("<div>March 3, 2024 · <span>Jane Doe</span> in Harbours</div>", ("Jane Doe",)),
        ("<div>by riverfan</div>", ("riverfan",)),
        ("<div>By the Example Team</div>", ("The Example Team",)),
        ("<div>Reviewed by <a href='/authors/john-roe'>John Roe</a></div>", ()),
        ("<div>New York · March 3, 2024</div>", ()),
        ("<div>Business Insights · March 3, 2024</div><p>Read our business insights every day.</p>", ()),
        ("<div>By Staff</div>", ()),
        ("<div>By the numbers</div>", ()),
    ],
)
def test_a_byline_beside_the_headline_names_the_author(byline: str, authors: tuple[str, ...]) -> None:
    """Where nothing is declared, what stands around the headline is read: people, and nobody else."""
    found = read(HEAD + byline + PROSE)

    assert found.authors == authors
    assert found.authors_source == ("byline" if authors else None)


@pytest.mark.parametrize(
    ("line", "published", "source"),
    [
        ("<div>March 3, 2024</div>", "2024-03-03", "dateline"),
        ("<div><time datetime='2024-03-03T22:00:00-05:00'>Sunday</time></div>", "2024-03-04", "dateline"),
        (
            "<div>Published</div><div>3 March 2024</div><div>Updated</div><div>5 March 2024</div>",
            "2024-03-03",
            "dateline",
        ),
        ("<div>Last updated</div><div>5 March 2024</div>", "2024-03-05", "updated"),
        ("<div>First published in 2021. Last updated 5 March 2024</div>", None, None),
        ("<div>2 hours ago</div>", None, None),
        ("<div>March 3</div>", None, None),
    ],
)
def test_a_date_beside_the_headline_is_read(line: str, published: str | None, source: str | None) -> None:
    """A date of publication comes before one of change, and only a complete one is read."""
    found = read(HEAD + line + PROSE)

    assert found.published == (datetime.fromisoformat(published).replace(tzinfo=UTC) if published else None) or (
        published is not None and found.published is not None and f"{found.published:%Y-%m-%d}" == published
    )
    assert found.published_source == source


def test_dates_below_the_head_are_not_the_article() -> None:
    """Teasers and comments have dates too."""
    assert read(HEAD + PROSE + PROSE + PROSE + "<div>March 3, 2024</div>").published is None


def test_places_vote_on_the_date() -> None:
    """One place that disagrees with several loses, however well it is typed."""
    rebuilt = json_ld(ARTICLE | {"datePublished": "2025-01-01", "dateModified": "2025-01-01"})
    page = (
        rebuilt + '<link rel=canonical href="https://example.org/2024/03/03/a"><h1>Ferry stays ashore</h1>3 March 2024'
    )

    assert read(page).published == datetime(2024, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "printed", "day"),
    [
        ("2024-03-04T03:22:07Z", "March 3, 2024, 10:22 PM EST", "2024-03-03"),
        ("2024-03-04T03:22:07Z", "<time datetime='2024-03-03 22:22:00'>Sunday</time>", "2024-03-03"),
        ("2024-03-03T22:22:07-05:00", "March 3, 2024", "2024-03-03"),
        ("2024-03-04T03:22:07Z", "March 4, 2024", "2024-03-04"),
        ("2024-03-04T03:22:07Z", "March 4, 2024, 4:10 AM", "2024-03-04"),
    ],
)
def test_the_day_is_that_of_the_clock_the_page_prints(declared: str, printed: str, day: str) -> None:
    """A moment declared in UTC was another day where it was published; the moment itself stays."""
    page = json_ld(ARTICLE | {"datePublished": declared}) + HEAD + f"<div>{printed}</div>" + PROSE
    found = read(page)

    assert found.published == datetime(2024, 3, 4, 3, 22, 7, tzinfo=UTC)
    assert str(found.published_day) == day


def test_a_printed_date_that_is_older_than_the_declared_ones_is_the_publication() -> None:
    """A system that took over or rebuilt an article declares the day on which it did so."""
    moved = json_ld(ARTICLE | {"datePublished": "2024-03-03T12:00:00Z"}) + HEAD

    assert str(read(moved + "<div>June 9, 2019</div>" + PROSE).published) == "2019-06-09 00:00:00+00:00"
    assert read(moved + "<div>June 9, 2025</div>" + PROSE).published == NOON


def test_a_date_in_the_address_may_be_a_day_off() -> None:
    """The server's clock made the address; the page prints the day."""
    page = '<link rel=canonical href="https://example.org/2024/03/04/a">' + HEAD

    printed = read(page + "<div>March 3, 2024, 11:30 PM EST</div>" + PROSE)
    assert (str(printed.published), str(printed.published_day)) == ("2024-03-04 04:30:00+00:00", "2024-03-03")
    assert str(read(page + "<div>March 9, 2024</div>" + PROSE).published) == "2024-03-04 00:00:00+00:00"


def test_lists_and_front_pages_have_no_date() -> None:
    """What is newest on them is not when they were published; an article that also lists products is one."""
    teasers = "".join(f"<div>{day} March 2024</div><div>Ferry number {day}</div>" for day in range(3, 8))
    front = '<link rel=canonical href="https://example.org/">' + json_ld(ARTICLE)

    assert read(HEAD + teasers).published is None
    assert read(front, "https://example.org").published is None
    assert read(front, "https://example.org/a").published == NOON
    listing = json_ld([{"@type": "Article"}, {"@type": "ItemList"}])
    assert read(listing + HEAD + "<div>Updated on March 5, 2024</div>" + PROSE).published_source == "updated"


@pytest.mark.parametrize(
    ("before", "after", "published"),
    [
        ("<p>3 March 2024</p>", "", "2024-03-03"),
        ("<p>3 March 2024</p><p>3 March 2024</p>", "", "2024-03-03"),
        ("<p>3 March 2024</p><p>9 March 2024</p>", "", None),
        ("", "<p>3 March 2024</p>", None),
        ("<p>The boats of 2024 are larger.</p>", "", None),
    ],
)
def test_one_date_by_itself_in_the_upper_half_is_the_publication(
    before: str, after: str, published: str | None
) -> None:
    """Where nothing else has a date; several are those of teasers, and farther down stand notices."""
    found = read(HEAD + PROSE * 3 + before + PROSE * 9 + after).published

    assert (str(found)[:10] if found else None) == published


def test_a_date_that_systems_give_every_page_needs_another_witness() -> None:
    """A page about a company has one in its JSON-LD, though nobody ever published it on a day."""
    page = json_ld({"@type": "WebPage", "datePublished": "2024-03-03T12:00:00Z"}) + HEAD

    assert read(page).published is None
    assert read(page + "<div>March 3, 2024</div>" + PROSE).published == NOON


def test_nothing_is_published_after_it_was_fetched() -> None:
    """A crawl's time bounds all dates, but for what clocks and zones may differ."""
    page = document_from_text(json_ld(ARTICLE), media_type=MediaType.HTML)

    assert read_markup(replace(page, fetched_at=NOON)).published == NOON
    assert read_markup(replace(page, fetched_at=datetime(2024, 3, 1, tzinfo=UTC))).published is None


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("Politics | Ferry stays ashore today", "Ferry stays ashore today"),
        ("Ferry remains where it is", "Ferry remains where it is"),
        ("Our blog", "Ferry stays ashore today"),
        ("Ferry <em>stays</em> ash<b>ore</b><br>today", "Ferry stays ashore today"),
    ],
)
def test_the_heading_is_the_title_unless_it_is_another(heading: str, title: str) -> None:
    """Sections and names of blogs stand in headings too; a headline may differ from the title for search engines."""
    assert read(f"<meta property=og:title content='Ferry stays ashore today'><h1>{heading}</h1>").title == title


def test_a_site_called_after_its_author_does_not_hide_the_author() -> None:
    """A person's site has the person's name; a company's site is no author."""
    mine = '<meta property="og:site_name" content="Jane Doe"><meta name="author" content="Jane Doe">'
    theirs = '<meta property="og:site_name" content="Dental Care"><meta name="author" content="Dental Care">'
    prose = "<p>Our dental care is good ."

    assert read(mine).authors == ("Jane Doe",)
    assert read(theirs + HEAD + "<p>By Jane Doe</p>" + prose).authors == ("Jane Doe",)
    assert read(theirs + prose).authors == ()


@pytest.mark.parametrize(
    ("footer", "authors"),
    [
        (
            "<div class='post-author-box'><div><h4>Jane Doe</h4><p>Jane has sailed all her life.</p></div></div>",
            ("Jane Doe",),
        ),
        ("<p>More: <a href='/authors/jane-doe'>By Jane Doe</a></p>", ("Jane Doe",)),
        ("<a class=author href=/a>Jane Doe</a><a class=author href=/b>John Roe</a>", ()),
        ("<p>Fact checked by <a class=author href=/a>Jane Doe</a></p>", ()),
        ("<div class=author-tools><button>Follow us</button></div>", ()),
    ],
)
def test_one_author_marked_anywhere_is_the_author(footer: str, authors: tuple[str, ...]) -> None:
    """Far below the head, too; several names are those of teasers."""
    assert read(HEAD + PROSE * 30 + footer).authors == authors


def test_known_values_win_field_by_field() -> None:
    """Merging fills gaps only, and a date never gets another's source."""
    known = Metadata(title="A", published=NOON, published_source="json-ld")
    found = Metadata(title="B", published_source="dateline", language="en", authors=("Marta Quill",))

    assert merge(known, found) == Metadata("A", ("Marta Quill",), NOON, "json-ld", language="en")
    assert merge(Metadata(), known) == known


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["Article", "Person", "#a", "2024-03-03"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@type",
                    "@id",
                    "@graph",
                    "author",
                    "name",
                    "headline",
                    "datePublished",
                    "publisher",
                    "url",
                    "keywords",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.text(max_size=40))
def test_nothing_a_page_declares_raises(node: Any, text: str) -> None:
    """Any shape of JSON-LD and any text in a meta tag gives values that can be stored."""
    found = read(
        json_ld(node)
        + f'<title>{text}</title><meta name="author" content="{text}"><link rel="canonical" href="{text}">'
    )

    assert all(isinstance(name, str) and name for name in found.authors)
    assert found.published is None or found.published.tzinfo is UTC


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("By Jane Doe", ("Jane Doe",)),
        ("by Jane Doe and John Roe", ("Jane Doe", "John Roe")),
        ("By Jane Doe, John Roe & Ann O'Brien", ("Jane Doe", "John Roe", "Ann O'Brien")),
        ("BY JANE DOE", ("Jane Doe",)),
        ("By Jane Doe | March 3, 2024", ("Jane Doe",)),
        ("By Jane Doe, March 3, 2024 10:15 am", ("Jane Doe",)),
        ("By Jane Doe on 3 March 2024", ("Jane Doe",)),
        ("By Jane Doe, Staff Writer", ("Jane Doe",)),
        ("By Jane Doe for Example News", ("Jane Doe",)),
        ("Text by Jane Doe, Former Opinion Editor", ("Jane Doe",)),
        ("Posted by Jane Doe on Friday March 3, 2024 from the quay", ("Jane Doe",)),
        ("Written by: Jane A. Doe", ("Jane A. Doe",)),
        ("Jane Doe, Staff Writer", ("Jane Doe",)),
        ("Jane Doe | Senior Political Correspondent", ("Jane Doe",)),
        ("By Reuters", ("Reuters",)),
        ("Von Anna Schmidt und Karl von der Heide", ("Anna Schmidt", "Karl von der Heide")),
        ("Par Jean-Luc Petit", ("Jean-Luc Petit",)),
        ("Por María García y José Pérez", ("María García", "José Pérez")),
        ("Di Maria Rossi", ("Maria Rossi",)),
        ("Автор: Иван Петров", ("Иван Петров",)),
        ("Autor: Jan Kowalski", ("Jan Kowalski",)),
        ("Tekst: Anna Nowak", ("Anna Nowak",)),
        ("作者：王小明", ("王小明",)),
    ],
)
def test_bylines_give_their_names(line: str, names: tuple[str, ...]) -> None:
    """Names are freed from prefixes, roles, dates and each other."""
    assert parse_byline(line) == names


@pytest.mark.parametrize(
    "line",
    [
        "",
        "By the numbers",
        "By Monday, everything had changed.",
        "By 2030 Every Car Will Fly",
        "By clicking Subscribe you agree to our Terms",
        "By Jane's own account nobody knew about it",
        "Von allen guten Geistern verlassen",
        "Par ailleurs, le maire a démissionné.",
        "Por fin llega la primavera",
        "Di che cosa parliamo?",
        "Jane Doe went home.",
        "Paris, France",
        "Text: see below",
        "By " + "Jane Doe and " * 50,
        "by \0\ud800",
    ],
)
def test_sentences_are_no_bylines(line: str) -> None:
    """A preposition at the start does not make names of what follows."""
    assert parse_byline(line) == ()


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["Admin"], ()),
        (["jane@example.org", "https://example.org/authors/jane", "@jane"], ()),
        (["Jane Doe, MD", "2024-03-03", "Staff Writer", "Example News"], ("Jane Doe",)),
        (["View all posts by Jane Doe"], ("Jane Doe",)),
        (["<a href='/j'>Jane Doe</a> &amp; John Roe"], ("Jane Doe", "John Roe")),
        (["JANE DOE", "jane doe"], ("Jane Doe",)),
        (["jane-doe", ", The Example Gazette"], ()),
        (["John Roe Jr.", "Jane M.D.", "Ann Lee."], ("John Roe Jr.", "Jane M.D.", "Ann Lee")),
        (["riverfan"], ("riverfan",)),
        (["Editorial Team", "Our Staff Writers", "Network Admin"], ()),
        (["The Example Team"], ("The Example Team",)),
        (['"Jane Doe"', "John Roe - Example Editorial Team"], ("Jane Doe", "John Roe")),
        (["José Ortega y Gasset"], ("José Ortega y Gasset",)),
    ],
)
def test_author_fields_are_cleaned(values: list[str], names: tuple[str, ...]) -> None:
    """People stay; accounts that are nobody, addresses, dates, roles and the site itself go."""
    assert people(values, not_these=["Example News"]) == names


@pytest.mark.parametrize(
    ("line", "language", "expected"),
    [
        ("March 3, 2024", "en", "2024-03-03T00:00"),
        ("Published: Sunday, 3rd March 2024 at 12:30", "en", "2024-03-03T12:30"),
        ("Mar. 3, 2024 9:05 a.m. PST", "en", "2024-03-03T17:05"),
        ("Updated 5 March 2024 | Published 3 March 2024", "en", "2024-03-03T00:00"),
        ("By Jane Doe | 12:00 AM, March 3, 2024", "en", "2024-03-03T00:00"),
        ("3. März 2024, 12.30 Uhr", "de", "2024-03-03T12:30"),
        ("Sonntag, 03.03.2024 - 12:30 MEZ", "de", "2024-03-03T11:30"),
        ("Publié le 3 mars 2024 à 12h30", "fr", "2024-03-03T12:30"),
        ("1er mars 2024", "fr", "2024-03-01T00:00"),
        ("3 de marzo de 2024", "es", "2024-03-03T00:00"),
        ("Domenica 3 marzo 2024", "it", "2024-03-03T00:00"),
        ("3 de março de 2024 às 12h30", "pt", "2024-03-03T12:30"),
        ("niedziela, 3 marca 2024 12:30", "pl", "2024-03-03T12:30"),
        ("3 марта 2024 г., 12:30 МСК", "ru", "2024-03-03T09:30"),
        ("2024年3月3日 12:30", "zh", "2024-03-03T12:30"),
        ("2024-03-03T12:30:00+01:00", None, "2024-03-03T11:30"),
        ("2024-03-03", None, "2024-03-03T00:00"),
        ("03/31/2024", "en", "2024-03-31T00:00"),
        ("31/03/2024", None, "2024-03-31T00:00"),
        ("05/04/2024", "it", "2024-04-05T00:00"),
        ("05.04.2024", None, "2024-04-05T00:00"),
        ("LONDON, March 3, 2024 (Reuters)", "en", "2024-03-03T00:00"),
    ],
)
def test_datelines_are_read_in_their_language(line: str, language: str | None, expected: str) -> None:
    """A complete date is read with its time, in UTC."""
    assert parse_date(line, language) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2 hours ago",
        "Yesterday at 12:30",
        "March 2024",
        "March 3",
        "Monday",
        "05/04/2024",
        "31 February 2024",
        "Call 2024-03-0312",
        "192.168.20.2024",
        "Version 1.2.2024.1",
        "may 5 people came in 2024",
        "It was on March 3, 2024 that the river rose by two metres and took the landing stage of the old ferry with it.",
        "x" * 1_000_000,
        "İ3 Ağustoſ 2024",
    ],
)
def test_what_is_no_complete_date_gives_none(line: str) -> None:
    """Relative, partial and ambiguous dates would be guesses, and a date in a sentence is not the article's."""
    assert parse_date(line, "en") is None


@given(st.text(max_size=60), st.sampled_from([None, "en", "de", "xx"]))
def test_no_line_raises(line: str, language: str | None) -> None:
    """Any line has names and a date, or none."""
    parse_byline(line)
    parse_byline("By " + line)
    parse_date(line, language)
    parse_date(f"3 March 2024 {line}", language)
