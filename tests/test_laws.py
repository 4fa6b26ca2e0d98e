"""
Laws that hold for every dump, not only for the examples.

Dumps are made of prose, of the furniture that the rules list as hits and near misses, of subheads, and of arbitrary
characters, in any order and with any blank lines between them.
"""

import html
import os
import re
from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.assess import count_words_batch
from pipeline.blank import is_blank
from pipeline.clean import Cleaned, clean_batch, clean_html, clean_text
from pipeline.decode import document_from_text
from pipeline.extract import extract_main_text
from pipeline.markup import tame
from pipeline.records import Document, MediaType
from pipeline.render import render
from pipeline.rules import CUT_MARKS, load_rules
from pipeline.voices import Voices

RULES_ALONE = Voices(load_rules())
RULES = RULES_ALONE.rules.rules
MARKS = re.compile("|".join(map(re.escape, CUT_MARKS)))

PROSE = (
    "The ferry left the quay at six, as it has every morning since the war, with eleven people on board.",
    "Nobody expected it to come back with twelve, and least of all the captain, who counts twice.",
    "“We looked under every bench,” said the harbour master, “and behind the coffee machine.”",
    "Der Zähler der Fähre wurde am Dienstag ausgebaut und in ein Labor der Hochschule gebracht.",
    "Паром вышел в море в шесть утра, и на борту было одиннадцать человек, не считая капитана.",
    "渡轮早上六点离开码头，船上有十一个人，谁也没想到回来的时候会多出一个。",
    "Five minutes later the bridge went down and the whole harbour could hear the bell of the church ring for the first",
    "time in a year, while a light rain fell on the roofs of the old town and nobody was on the street.",
    "Witnesses said they had seen a light in the …",
)
SHORT = ("A quiet night", "Host: Who counted?", "No.", "- twelve loaves of bread", "the old quay", "Chris said,", "3-1",
         "Why twelve?", "1. Count again", "Ferry returns with one more on board", "***", "12", "March 3, 2021")  # fmt: skip
FURNITURE = tuple(MARKS.sub("", hit) for rule in RULES for hit in rule.hits)
NEAR_MISSES = tuple(miss for rule in RULES for miss in rule.misses)
ODD = st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=("Cs",)), max_size=40)

LINES = st.one_of(
    st.sampled_from(PROSE),
    st.sampled_from(SHORT),
    st.sampled_from(FURNITURE),
    st.sampled_from(NEAR_MISSES),
    st.builds("{} {}".format, st.sampled_from(PROSE), st.sampled_from(FURNITURE)),
    ODD,
)
DUMPS = st.lists(st.tuples(LINES, st.sampled_from(("\n", "\n\n", "\n \n\n"))), max_size=25).map(
    lambda parts: "".join(line + end for line, end in parts)
)

# `make test-all` asks for more.
law = settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "500")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def assert_conserved(cleaned: Cleaned) -> None:
    """Each non-blank line is kept or in the ledger, and kept and removed characters together are the text."""
    lines = cleaned.source_text.split("\n")
    visible = {number for number, line in enumerate(lines, start=1) if not is_blank(line)}
    spans: dict[int, list[tuple[int, int]]] = {}
    for entry in cleaned.removed:
        start = sum(len(line) + 1 for line in lines[: entry.line - 1])
        spans.setdefault(entry.line, []).append((entry.start - start, entry.end - start))
        assert cleaned.source_text[entry.start : entry.end] == entry.text
    rest = cleaned.text
    whole = set()
    for number in sorted(visible):
        line = lines[number - 1]
        kept = line
        for begin, end in sorted(spans.get(number, []), reverse=True):
            assert begin == 0 or end == len(line)
            kept = kept[:begin] + kept[end:]
        if kept:
            separator, found, rest = rest.partition(kept)
            assert found, f"line {number} is not in the text, verbatim and in order"
            assert separator in ("", "\n", "\n\n")
        else:
            whole.add(number)
    assert rest == ""
    assert set(spans) <= visible
    assert {verdict.line for verdict in cleaned.verdicts if not verdict.keep} == whole


@law
@given(DUMPS)
def test_every_line_is_in_exactly_one_place(dump: str) -> None:
    """For flat text the lines are those of the dump."""
    cleaned = clean_text(dump)
    if not cleaned.rejected:
        assert_conserved(cleaned)


BLOCKS = st.builds(
    "<{0}>{1}</{0}>".format,
    st.sampled_from(("p", "li", "h1", "h2", "div class=teaser", "td", "a href=/x", "pre", "footer", "blockquote", "b")),
    LINES.map(html.escape),
)
PAGES = st.lists(
    BLOCKS | LINES.map(html.escape) | st.sampled_from(("<br>", "<ul>", "</ul>", "<nav>", "</nav>")), max_size=25
)


@law
@given(PAGES.map("".join))
def test_every_line_that_a_page_shows_is_in_exactly_one_place(page: str) -> None:
    """For a page the lines are all that it shows, and none is lost on the way to the judges."""
    cleaned = clean_html(page)
    if not cleaned.rejected:
        assert_conserved(cleaned)
        if cleaned.source_text != render(tame(page)).text:  # no line of it was kept, and the other engine was asked
            found = extract_main_text(document_from_text(page, media_type=MediaType.HTML))
            assert isinstance(found, Document)
            assert cleaned.source_text == found.text


@law
@given(DUMPS)
def test_no_word_is_invented(dump: str) -> None:
    """Text, title, authors and tags hold no word that was not in the dump."""
    cleaned = clean_text(dump)
    found = " ".join([cleaned.text, cleaned.title or "", *cleaned.tags])

    assert words(found) <= words(dump) or all(word in dump for word in words(found))


@law
@given(DUMPS)
def test_cleaning_is_stable(dump: str) -> None:
    """By rules alone, cleaning a cleaned text, its title known, removes nothing."""
    (once,) = clean_batch([dump], voices=RULES_ALONE)
    if once.rejected:
        return
    document = document_from_text(once.text)
    titled = replace(document, known=replace(document.known, title=once.title or ""))
    (twice,) = clean_batch([titled], voices=RULES_ALONE)

    assert [(entry.rule, entry.text) for entry in twice.removed] == []
    assert twice.text == once.text


@law
@given(st.lists(DUMPS, min_size=2, max_size=4))
def test_a_document_is_cleaned_the_same_in_any_company(dumps: list[str]) -> None:
    """The result for a text does not depend on the batch it is in."""
    together = clean_batch(dumps)

    assert together[-1] == clean_text(dumps[-1])
    assert clean_batch(dumps[::-1]) == together[::-1]


@law
@example(f"{PROSE[0]} |\n{PROSE[0]}\n")  # the first is no title, which the second would repeat
@given(DUMPS)
def test_a_rejected_text_holds_no_prose(dump: str) -> None:
    """A dump is rejected only when no word is left, and says so; what is left of the others has words."""
    cleaned = clean_text(dump)

    assert (cleaned.rejected is not None) == (count_words_batch([cleaned.text]) == [0])
    assert not cleaned.rejected or not any(line in PROSE[:6] for line in dump.split("\n"))


def test_line_ends_are_the_only_line_ends() -> None:
    """Only line feeds, carriage returns and their pair end a line; other separators of Unicode do not."""
    first, second = PROSE[0], PROSE[1]
    cleaned: Cleaned = clean_text(f"{first}\x0b{second}\u2028{first}\x85{second}\r\n{first}\r{second}")

    assert [verdict.line for verdict in cleaned.verdicts] == [1, 2, 3]
