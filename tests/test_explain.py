"""The view of one document's verdicts."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.explain import as_json, count_reasons, explain_lines, render, visible
from pipeline.records import Reason, RemovedLine

TEXT = "Quantcast\n\nThe ferry sails at six. Read more\n\nIt is full."
REMOVED = (
    RemovedLine(1, 0, 9, "Quantcast", Reason.CHANNEL_HEADER, "quantcast", 1.0),
    RemovedLine(3, 34, 44, " Read more", Reason.READ_MORE, "read-more-end", 0.875),
)


def draw(text: str, removed: tuple[RemovedLine, ...], *, terminal: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=terminal, color_system="standard" if terminal else None).print(
        render(explain_lines(text, removed))
    )
    return out.getvalue()


def test_every_line_gets_its_verdict() -> None:
    """A line is kept, dropped as a whole, or cut; blank ones count in the numbering."""
    lines = explain_lines(TEXT, REMOVED)

    assert [(line.number, line.verdict) for line in lines] == [
        (1, "drop"),
        (2, "blank"),
        (3, "cut"),
        (4, "blank"),
        (5, "keep"),
    ]


def test_a_cut_line_is_shown_with_its_cut_marked() -> None:
    """What was cut from a line stands inside it, in marks that need no colours."""
    assert "The ferry sails at six.[- Read more-]" in draw(TEXT, REMOVED)


def test_a_removal_shows_reason_rule_and_score() -> None:
    """A stranger sees why a line is gone and which rule to look up."""
    drawn = draw(TEXT, REMOVED)

    assert "channel-header quantcast 1.00" in drawn
    assert "read-more read-more-end 0.88" in drawn


def test_dropped_lines_are_struck_out_on_a_terminal() -> None:
    """On a terminal a dropped line is dimmed and struck; plain output carries no escape at all."""
    assert "\x1b[2;9mQuantcast" in draw(TEXT, REMOVED, terminal=True)
    assert "\x1b" not in draw(TEXT, REMOVED)


def test_the_summary_counts_by_reason() -> None:
    """Below the lines stands how many went for which reason."""
    assert count_reasons(explain_lines(TEXT, REMOVED)) == {"channel-header": 1, "read-more": 1}
    assert "2 lines kept, 1 dropped; 1 of the kept ones cut" in draw(TEXT, REMOVED)


def test_brackets_in_the_text_are_no_markup() -> None:
    """Text that looks like the drawing library's markup is printed as it is."""
    assert "[red]stop[/red] [link=x]" in draw("[red]stop[/red] [link=x]", ())


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\u202etxt.exe", "a\rb", "a\x00", "\ud800"]
)
def test_a_terminal_obeys_nothing_of_the_text(hostile: str) -> None:
    """Control characters, escape sequences and direction marks come out as visible escapes."""
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", draw(hostile, (), terminal=True))

    assert not set(drawn) & {"\x1b", "\x9b", "\x07", "\u202e", "\r", "\x00", "\ud800"}
    assert "\\" in drawn


@given(st.text())
def test_visible_text_holds_no_control_characters(text: str) -> None:
    """Whatever goes in, nothing that a terminal obeys comes out, and harmless text is unchanged."""
    shown = visible(text)

    assert shown.isprintable() or all(char.isprintable() or char in text for char in shown)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    if text.isprintable():
        assert shown == text


@given(st.lists(st.text(alphabet="ab \u3000\u200b\x1c", max_size=5), max_size=8))
def test_lines_and_blanks_make_up_the_text(lines: list[str]) -> None:
    """Every line is shown once, in order, at its place in the text."""
    text = "\n".join(lines)

    explained = explain_lines(text, ())

    assert "\n".join(line.text for line in explained) == text
    assert all(text[line.start : line.start + len(line.text)] == line.text for line in explained)


def test_json_holds_the_ledger() -> None:
    """Programs get every line that is not blank, with the entries that concern it."""
    first, second, third = as_json(explain_lines(TEXT, REMOVED))

    assert first["removed"][0] == {
        "start": 0,
        "end": 9,
        "text": "Quantcast",
        "reason": "channel-header",
        "rule": "quantcast",
        "score": 1.0,
    }
    assert (second["verdict"], second["line"]) == ("cut", 3)
    assert third == {"line": 5, "verdict": "keep", "text": "It is full.", "removed": []}
