"""How lines are judged with their neighbours, where the golden cases and the laws look too seldom."""

import time
from dataclasses import replace

from pipeline.clean import Cleaned, clean_batch
from pipeline.decode import document_from_text
from pipeline.rules import load_rules
from pipeline.voices import Voices

RULES_ALONE = Voices(load_rules())

FIRST = "The ferry left the quay at six, as it has every morning since the war, with eleven people on board."
SECOND = "Nobody expected it to come back with twelve, and least of all the captain, who counts twice."


def clean_text(text: str, title: str | None = None) -> Cleaned:
    """Clean by the rules alone, which are judged here."""
    document = document_from_text(text)
    (cleaned,) = clean_batch([replace(document, known=replace(document.known, title=title))], voices=RULES_ALONE)
    return cleaned


def test_a_blank_line_above_a_removed_line_still_parts_its_neighbours() -> None:
    """A line that a blank line parted from a heading is no list of links below it once the line between them is gone."""
    cleaned = clean_text(f"{FIRST}\n\nLatest\n\nAdvertisement\nWhat the captain counted\n\n{SECOND}", title="")

    assert cleaned.text == f"{FIRST}\n\nLatest\n\nWhat the captain counted\n\n{SECOND}"


def test_a_title_is_told_from_a_slogan_by_the_words_of_the_article() -> None:
    """Of two lines above the text, the one that shares its words is the title, and the other goes with the menu."""
    cleaned = clean_text(
        f"All the news from land and sea\n\nFerry captain counts twelve people on board\n\n{FIRST}\n{SECOND}"
    )

    assert cleaned.title == "Ferry captain counts twelve people on board"
    assert cleaned.text == f"{FIRST}\n{SECOND}"


def test_a_dump_that_starts_with_a_paragraph_has_no_title() -> None:
    """The first paragraph is never taken for a title, and no later subhead either."""
    cleaned = clean_text(f"{FIRST}\n\nWhat the captain counted\n\n{SECOND}")

    assert cleaned.title is None
    assert cleaned.removed == ()


def test_a_title_that_stands_twice_is_found_among_thousands_of_lines_at_once() -> None:
    """With the site's name the second time. To compare each line with each other one would take a minute."""
    headings = [f"Council number {number} met at the wall - {number} Quay News" for number in range(20_000)]
    title = "The ferry came back with one more on board"
    began = time.process_time()

    cleaned = clean_text("\n".join([*headings, title, f"{title} | Quay News", "", FIRST, SECOND]))

    assert cleaned.title == title
    assert time.process_time() - began < 10


def test_a_rejected_dump_shows_what_was_removed() -> None:
    """Whoever asks why a dump was rejected sees each line with its reason."""
    cleaned = clean_text("Home\nNews\nContact us\n\nShare this article\n")

    assert cleaned.rejected is not None
    assert [entry.text for entry in cleaned.removed] == ["Home", "News", "Contact us", "Share this article"]
    assert not any(verdict.keep for verdict in cleaned.verdicts if cleaned.source_text.split("\n")[verdict.line - 1])


def test_a_prompt_in_a_paragraph_is_cut_and_the_rest_stays() -> None:
    """What is cut from a line is in the ledger with its place, and the sentence before it is not touched."""
    cleaned = clean_text(f"{FIRST}\n\n{SECOND} Read more", title="")
    (cut,) = cleaned.removed

    assert cleaned.text == f"{FIRST}\n\n{SECOND}"
    assert (cut.line, cut.text, cleaned.source_text[cut.start : cut.end]) == (3, " Read more", " Read more")


def test_the_only_prose_of_a_dump_is_no_teaser() -> None:
    """A heading of teasers and a date above the only paragraph do not make it one."""
    cleaned = clean_text(f"Related articles\nMarch 3, 2021\n{FIRST}\n")

    assert cleaned.text == FIRST
