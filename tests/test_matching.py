"""A line is tried by few rules only, and the outcome is that of trying all."""

import re
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.literals import FOLDED, clues_of, fold_letter
from pipeline.matching import MOST_RULE_CHARACTERS, make_matcher, match_rules
from pipeline.measure import measure_lines
from pipeline.rules import Rule, Rules, load_rules, read_pack
from pipeline.words import WORD
from tests.test_laws import LINES, law

RULES = load_rules()
LINE_RULES = [rule for rule in RULES.rules if rule.match == "line"]
ODD_LETTERS = st.text(alphabet=st.sampled_from("kKsSſKßẞéÉвᲀВ٣3x .©"), min_size=1, max_size=8)


def measured(lines: Sequence[str]) -> pl.DataFrame:
    return measure_lines(
        pl.DataFrame({"body": lines, "site": [None] * len(lines)}, schema_overrides={"site": pl.String})
    )


def ids(rules: Sequence[Rule | None]) -> list[str | None]:
    return [rule and rule.id for rule in rules]


def tried_one_by_one(lines: pl.DataFrame, rules: Rules) -> list[str | None]:
    """The first rule for each line, without any clue."""
    ranked = sorted(
        (rule for rule in rules.rules if rule.match == "line"), key=lambda rule: (rule.zone != "any", rule.most_words)
    )
    found: list[str | None] = [None] * len(lines)
    words = lines["bare"].str.count_matches(WORD)
    for rule in reversed(ranked):
        matches = lines["bare"].str.contains(rule.regex) & (words <= rule.most_words)
        for at in (matches & (lines["bare"].str.len_chars() <= MOST_RULE_CHARACTERS)).arg_true():
            found[at] = rule.id
    return found


def test_every_example_is_matched_as_by_trying_every_rule() -> None:
    """For every hit and near miss of every rule, clues lead to the same first rule as trying all."""
    lines = measured([line for rule in LINE_RULES for line in (*rule.hits, *rule.misses)])

    assert ids(match_rules(lines, RULES)) == tried_one_by_one(lines, RULES)


def test_letters_without_case_change_nothing() -> None:
    """Examples in capitals, and with letters that equal others without regard to case, are matched as by trying all."""
    hits = [hit for rule in LINE_RULES for hit in rule.hits]
    lines = measured(
        [form for hit in hits for form in (hit.upper(), hit.title(), hit.replace("s", "ſ").replace("k", "K"))]
    )

    assert ids(match_rules(lines, RULES)) == tried_one_by_one(lines, RULES)


@law
@given(st.lists(st.one_of(LINES, st.builds("{}{}".format, LINES, ODD_LETTERS)), min_size=1, max_size=20))
def test_clues_never_hide_a_match(texts: list[str]) -> None:
    """Whatever the lines, clues lead to the same rules as trying all."""
    some = Rules(RULES.rules[::9], "some of them")
    lines = measured([line.replace("\n", " ") for line in texts])

    assert ids(match_rules(lines, some)) == tried_one_by_one(lines, some)


def test_folding_is_that_of_the_regex_engine() -> None:
    """Every character that the engine takes for a letter or digit of some clue is folded to it."""
    every = pl.Series([chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    texts = [
        text
        for rule in LINE_RULES
        if (found := clues_of(rule.pattern))
        for text in (*(h.text for h in found.heads), *found.inside)
    ]
    letters = {letter for text in texts for letter in text}
    alike = every.filter(every.str.contains(f"^(?i:[{''.join(map(re.escape, letters - {'0'}))}])$"))

    assert {fold_letter(char) for char in alike} <= letters
    digits = every.filter(every.str.contains(r"^\d$"))
    assert {char for char, folded in FOLDED.items() if folded == "0"} >= set(digits)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("[[:alpha:]]{3} news", "abc news"),
        (r"\<share\>", "share"),
        ("(?x) share \\ this ", "share this"),
        ("share(?-i:[A-Z])", "shareX"),
        (r"\x{73}hare", "share"),
        (r"[a-z&&[^x]]+ share", "abc share"),
        ("a?b?c?", "c"),
        (r"\d+ votes", "٣ votes"),
    ],
)
def test_syntax_that_python_reads_otherwise_hides_no_match(pattern: str, line: str) -> None:
    """A pattern whose syntax is not Python's is read rightly or not at all."""
    toml = f"[[rule]]\nid = 'x'\nreason = 'share'\nwhy = 'Only for this test.'\npattern = '''{pattern}'''\nhits = ['x']\nmisses = ['y']"
    rules = Rules(read_pack("mine.toml", toml), "test")

    assert ids(match_rules(measured([line, "nothing of the kind"]), rules)) == ["x", None]


def test_rules_are_few_enough_to_stay_compiled() -> None:
    """Polars keeps 32 compiled regexes a thread; those of one pass over a batch should be no more."""
    assert len(make_matcher(LINE_RULES).groups) <= 24
