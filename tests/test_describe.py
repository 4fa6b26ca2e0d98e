"""Who wrote a flat text, and when: from the lines around its title and its first paragraph."""

import pytest

from pipeline import Cleaned, clean_text

TITLE = "Harbour board keeps the night ferry"
STANDFIRST = "The last boat of the day will go on sailing through the winter, after hearing from forty residents."
STORY = (
    "The harbour board voted on Tuesday to keep the night ferry, although few people take it in the darkest months.\n\n"
    "Ridership rose by a fifth last year, the chair of the board said, and the landing at the mill opens in the spring.\n\n"
    "Tickets will cost the same as before, and children travel free with anyone who has a ticket of their own."
)


def read(*lines: str) -> Cleaned:
    return clean_text("\n\n".join([*lines, STORY]))


def day(cleaned: Cleaned) -> str | None:
    return cleaned.published.date().isoformat() if cleaned.published else None


@pytest.mark.parametrize(
    "lines",
    [
        (TITLE, "March 3, 2024"),
        (TITLE, STANDFIRST, "March 3, 2024"),
        (TITLE, STANDFIRST, "Posted on March 3, 2024 | 4 min read", "Share this article"),
        ("March 3, 2024", TITLE),
        ("Harbour news", "3 March 2024, 11:59", TITLE, STANDFIRST),
        (TITLE, "Updated March 9, 2024", STANDFIRST, "Published March 3, 2024"),
    ],
)
def test_the_date_stands_around_title_and_first_paragraph(lines: tuple[str, ...]) -> None:
    """Below the title first, then below a standfirst, then above the title; a publication before a change."""
    assert day(read(*lines)) == "2024-03-03"


def test_a_date_farther_down_is_another_one() -> None:
    """Teasers and the story itself have dates, too."""
    teasers = "\n".join(f"March {number}, 2024\nFerry number {number} is late again" for number in range(3, 9))

    assert day(clean_text(f"{TITLE}\n\n{STORY}\n\nLatest\n{teasers}")) is None


@pytest.mark.parametrize(
    ("lines", "authors"),
    [
        ((TITLE, "By Mahua Quill"), ("Mahua Quill",)),
        ((TITLE, "ByMahua Quill"), ("Mahua Quill",)),
        ((TITLE, STANDFIRST, "Posted by Mahua Quill on March 3, 2024"), ("Mahua Quill",)),
        ((TITLE, STANDFIRST, "Mahua Quill", "March 3, 2024"), ("Mahua Quill",)),
        ((TITLE, "Mahua Quill", STANDFIRST), ("Mahua Quill",)),
        ((TITLE, STANDFIRST, "By Mahua Quill News Reporter"), ("Mahua Quill",)),
        ((TITLE, STANDFIRST, "Search Icon", "March 3, 2024"), ()),
        ((TITLE, STANDFIRST, "Night Ferry", "March 3, 2024"), ()),
        ((TITLE, "Written by", "Fact Checked", STANDFIRST), ()),
    ],
)
def test_a_name_in_a_byline_or_beside_the_date_is_the_author(lines: tuple[str, ...], authors: tuple[str, ...]) -> None:
    """Not the words of buttons, nor words that the story uses in small letters."""
    assert read(*lines).authors == authors
