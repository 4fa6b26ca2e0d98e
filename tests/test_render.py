"""Lines of pages: as a browser shows them, all of them, with where they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.blank import is_blank
from pipeline.elements import TAGS, Declared, Region, Rendering
from pipeline.render import render


def lines(markup: str) -> list[str]:
    return list(render(markup).lines)


def region(page: Rendering, line: str) -> int:
    return int(page.elements.region[page.element[page.lines.index(line)]])


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>The <b>fer</b>ry\n  left</p><p>at six</p>", "The ferry left\n\nat six"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<ul><li>one<li>two</ul><p>three", "- one\n- two\n\nthree"),
        ("<table><tr><th>Boat<th>Time<tr><td>Gannet<td> 6:00 </table>", "Boat | Time\nGannet | 6:00"),
        ("<table><tr><td></td><td>alone</td><td> </td></tr></table>", "alone"),
        ("<table><tr><td><p>A paragraph.</p><td>beside</table>", "A paragraph.\n\nbeside"),
        ("<pre>if wet:\n    wait()\n\n\ngo()</pre>after", "if wet:\n    wait()\n\ngo()\n\nafter"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<a>Home</a><a>Sport</a>", "Home Sport"),
        ("<a>Home</a>, <a>Sport</a>", "Home, Sport"),
        ("H<sub>2</sub>O", "H2O"),
        ("<p>a&nbsp;b\u2003c\u2028d", "a b c d"),
        ("<p>\u200b</p><p>shown", "shown"),
        ("<select><option>one<option>two</select>", "one\ntwo"),
    ],
)
def test_lines_are_those_of_a_browser(markup: str, text: str) -> None:
    """Blocks and breaks end lines, inline elements do not, white space collapses but in preformatted text."""
    assert render(markup).text == text


def test_what_no_browser_shows_is_no_line() -> None:
    """Scripts, styles, templates, the head, comments and drawings hold no text for readers."""
    unseen = "<script>a</script><style>b</style><template><p>c</template><!-- d --><svg><text>e</text></svg>"

    assert lines(f"<title>f</title><body>{unseen}<p>shown") == ["shown"]


def test_what_is_shown_later_is_a_line_and_marked() -> None:
    """Text that waits for a click, or for a browser without scripts, is judged like any other."""
    page = render(
        "<p hidden>one</p><p style='display: none'>two</p><p aria-hidden=true>three</p>"
        "<noscript><p>four</p></noscript><p>five</p>"
    )

    assert list(page.lines) == ["one", "two", "three", "four", "five"]
    assert [bool(region(page, line) & Region.HIDDEN) for line in page.lines] == [True, True, True, False, False]
    assert region(page, "four") & Region.NOSCRIPT


def test_regions_reach_down_and_come_from_roles_and_names_too() -> None:
    """A line knows of all elements around it."""
    page = render(
        "<main><article><p>one</article></main><nav><ul><li>two</ul></nav><div role=navigation>three</div>"
        "<div class='post comments-area'><p>four</div><p>five"
    )

    assert region(page, "one") & Region.MAIN
    assert region(page, "one") & Region.ARTICLE
    assert region(page, "- two") & Region.NAV
    assert region(page, "- two") & Region.LIST
    assert region(page, "three") & Region.NAV
    assert region(page, "four") & Region.COMMENTS
    assert not region(page, "five")


def test_characters_in_links_and_bold_type_are_counted() -> None:
    """White space around them is not."""
    page = render("<p>See <a href=/a> the boat </a> and <b>the crew</b></p><p>no more")

    assert page.linked.tolist() == [8, 0]
    assert page.bold.tolist() == [8, 0]
    assert page.links.tolist() == [1, 0]


def test_elements_are_in_order_with_parents_and_ends() -> None:
    """Everything inside an element lies between its place and its end."""
    elements = render("<div><p>one <b>two</b></p></div><p>three").elements
    names = [TAGS[tag - 1] if tag else "html" for tag in elements.tag.tolist()]

    assert names == ["html", "body", "div", "p", "b", "p"]
    assert elements.parent.tolist() == [-1, 0, 1, 2, 3, 1]
    assert elements.end.tolist() == [6, 6, 5, 5, 5, 6]
    assert elements.depth.tolist() == [0, 1, 2, 3, 4, 2]
    assert elements.block.tolist() == [0, 1, 2, 3, 3, 5]


def test_alike_elements_have_one_path() -> None:
    """Cards of one list are told by their tags and classes."""
    page = render("<div class=card><p>one</div><div class=card><p>two</div><div class=other><p>three</div>")
    paths = page.elements.path[page.element].tolist()

    assert paths[0] == paths[1] != paths[2]


@pytest.mark.parametrize(
    ("head", "declared"),
    [
        ('<script type="application/ld+json">{"@type": "NewsArticle"}</script>', Declared.ARTICLE),
        ('<script type="application/ld+json">{"@type": ["Product", "Thing"]}</script>', Declared.PRODUCT),
        ('<meta property="og:type" content="article">', Declared.ARTICLE),
        ('<script>{"@type":"https://schema.org/QAPage"}</script>', Declared.FORUM),
        ("", 0),
    ],
)
def test_a_page_says_what_it_is(head: str, declared: int) -> None:
    """Types of JSON-LD and OpenGraph become a few kinds."""
    assert render(f"{head}<p>text").declared == declared


MARKUP = st.lists(
    st.sampled_from(["<p>", "</p>", "<div class=a>", "</div>", "<a href=x>", "</a>", "<br>", "<td>", "<table>", "</table>",
                     "<li>", "<ul>", "</ul>", "<pre>", "</pre>", "<script>", "</script>", "<b>", "</b>", " ", "\n", "word",
                     "<h1>", "</h1>", "&amp;", "&nbsp;", "\u200b", "<", ">", "<!--", "-->", "<noscript>", "<template>"])
    | st.text(max_size=5),
    max_size=40,
).map("".join)  # fmt: skip


@given(MARKUP)
def test_any_markup_gives_lines_that_all_stand_somewhere(markup: str) -> None:
    """No line is blank or holds a line end, and each has an element of the page."""
    page = render(markup)

    assert not any(is_blank(line) or "\n" in line for line in page.lines)
    assert [line for line in page.text.split("\n") if line] == list(page.lines)
    for column in (page.gap, page.element, page.linked, page.bold, page.links):
        assert len(column) == len(page.lines)
    elements = page.elements
    assert np.all(page.element < len(elements.parent))
    assert np.all(elements.end > np.arange(len(elements.parent)))
    assert np.all(elements.parent < np.arange(len(elements.parent)))


def test_ten_thousand_nested_elements_are_read() -> None:
    """A tree of them would be cut off without a word; nothing here builds one."""
    page = render("<div>" * 10_000 + "hello")

    assert (list(page.lines), page.is_whole) == (["hello"], True)
