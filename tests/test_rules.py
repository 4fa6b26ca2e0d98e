"""Every rule keeps the promises written beside it, and a rule that cannot be used says so."""

import time
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import polars as pl
import pytest

from pipeline.clean import clean_batch, clean_documents
from pipeline.decode import document_from_text
from pipeline.errors import RulePackError
from pipeline.measure import measure_lines
from pipeline.neighbours import NEIGHBOUR_RULES, NeighbourRule
from pipeline.rules import CUT_MARKS, Rule, Rules, check_patterns, load_rules, read_pack, read_rules
from pipeline.trim import trim_prompts
from pipeline.voices import Voices
from pipeline.words import WORD

RULES = load_rules().rules
LINE_RULES = [rule for rule in RULES if rule.match == "line"]
CUTTING_RULES = [rule for rule in RULES if rule.match != "line"]
SENTENCE = "The ferry left the quay at six, as it has every morning since the war, with eleven people."
PACK = """
[[rule]]
id = "{id}"
reason = "share"
why = "Only for this test."
pattern = '{pattern}'
hits = ["Share"]
misses = ["Sharing a boat"]
"""


def matched(rule: Rule, lines: Sequence[str]) -> list[str]:
    bare = measure_lines(pl.DataFrame({"body": lines}))["bare"]
    matching = (bare.str.count_matches(WORD) <= rule.most_words) & bare.str.contains(rule.regex)
    return [line for line, matches in zip(lines, matching, strict=True) if matches]


def cut_from(rule: Rule, line: str) -> str:
    row = trim_prompts(pl.DataFrame({"text": [line]}), Rules((rule,), "test")).row(0, named=True)
    return line[: row["left"]] + line[len(line) - row["right"] :]


@pytest.mark.parametrize("rule", LINE_RULES, ids=attrgetter("id"))
def test_a_line_rule_matches_its_hits_and_not_its_misses(rule: Rule) -> None:
    """Each line that a rule lists as a hit is matched by it, and none of its near misses."""
    assert matched(rule, rule.hits) == list(rule.hits)
    assert matched(rule, rule.misses) == []


@pytest.mark.parametrize("rule", CUTTING_RULES, ids=attrgetter("id"))
def test_a_cutting_rule_takes_the_prompt_and_nothing_else(rule: Rule) -> None:
    """A cutting rule takes what its hits mark, no character more, and leaves its near misses whole."""
    for marked in rule.hits:
        start, end = marked.index(CUT_MARKS[0]), marked.rindex(CUT_MARKS[1])
        cut = marked[start + 2 : end]

        assert cut_from(rule, marked[:start] + cut + marked[end + 2 :]) == cut
    for sentence in rule.misses:
        assert cut_from(rule, sentence) == ""


def test_every_family_is_covered_in_every_language() -> None:
    """Each language pack has the families that every news site has."""
    families = {"newsletter", "login-to-comment", "comments", "share", "related", "latest", "read-more", "tag-line",
                "navigation", "cookie-notice", "advert", "copyright", "image-placeholder", "byline"}  # fmt: skip
    for language in ("en", "de", "fr", "es", "it", "pt", "pl", "ru", "zh"):
        found = {rule.reason.value for rule in RULES if rule.id.startswith(f"{language}-")}

        assert families - found == set(), language


def test_an_article_about_a_fund_raiser_stays_and_the_appeal_below_it_goes() -> None:
    """Who reports on gifts to a newspaper writes of others; who asks for them writes of its own journalism."""
    story = (
        "The Quay Post asked its readers on Monday to support its journalism, and by noon it had four thousand pounds.",
        "“We rely on readers like you,” its editor told the crowd at the ferry. “Keep our journalism free for everyone!”",
        "Donations of as little as $2 came in by post, and two trusts promised to make a tax-deductible gift each year.",
    )
    appeal = "If you value our reporting, please consider supporting us. We rely on readers like you."
    (cleaned,) = clean_batch(["\n\n".join([*story, appeal, "Support our journalism"])], voices=Voices(load_rules()))

    assert cleaned.text.split("\n\n") == list(story)
    assert [entry.reason.value for entry in cleaned.removed] == ["site-furniture"] * 2


def removed_by(dump: str) -> dict[int, str]:
    (cleaned,) = clean_batch([dump], voices=Voices(load_rules()))
    return {entry.line: entry.rule for entry in cleaned.removed}


@pytest.mark.parametrize(
    ("rule", "dump"), [pytest.param(rule, dump, id=rule.id) for rule in NEIGHBOUR_RULES for dump in rule.hits]
)
def test_a_neighbour_rule_removes_the_marked_lines(rule: NeighbourRule, dump: str) -> None:
    """The lines marked with a dash are removed by the rule, and it removes no other."""
    lines = dump.split("\n")
    marked = {number for number, line in enumerate(lines, start=1) if line.startswith("- ")}
    removed = removed_by("\n".join(line.removeprefix("- ") for line in lines))

    assert {number for number, by in removed.items() if by == rule.id} == marked


@pytest.mark.parametrize(
    ("rule", "dump"), [pytest.param(rule, dump, id=rule.id) for rule in NEIGHBOUR_RULES for dump in rule.misses]
)
def test_a_neighbour_rule_leaves_its_misses_alone(rule: NeighbourRule, dump: str) -> None:
    """From a near miss the rule removes nothing."""
    assert rule.id not in removed_by(dump).values()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[rule]\n", r"mine\.toml: not TOML"),
        ("[rules]\n", r"mine\.toml: unknown table 'rules'"),
        (PACK.format(id="x", pattern="share").replace("why", "wyh"), r"mine\.toml: rule 'x': why: Field required"),
        (PACK.format(id="x", pattern="share").replace('"share"', '"sharing"', 1), r"rule 'x': reason: Input should be"),
        (PACK.format(id="No Good", pattern="share"), r"rule 'No Good': id: String should match"),
        (PACK.format(id="x", pattern="(share"), r"rule 'x': pattern cannot be used: .*unclosed group"),
        (PACK.format(id="x", pattern="(?=s)share"), r"rule 'x': pattern cannot be used: .*look-around.*no lookaround"),
        (PACK.format(id="x", pattern=r"(s)hare\1"), r"rule 'x': pattern cannot be used: .*backreferences"),
        (PACK.format(id="x", pattern="share").replace("hits", "hit"), r"rule 'x': hits: Field required"),
        (PACK.format(id="x", pattern="share").replace('["Share"]', "[]"), r"rule 'x': hits: Tuple should have at least 1"),
        (PACK.format(id="x", pattern="share") + 'match = "end"\n', r"rule 'x': each hit of a cutting rule marks"),
    ],
)  # fmt: skip
def test_a_broken_pack_names_file_rule_and_fault(text: str, message: str) -> None:
    """Whoever writes a rule reads where the fault is and what it is."""
    with pytest.raises(RulePackError, match=f"(?s){message}"):
        read_pack("mine.toml", text)


def test_the_patterns_that_ship_can_be_used() -> None:
    """They are not compiled just to be checked when a process starts, so this is where they are."""
    check_patterns(RULES, "rules")


def test_a_pattern_that_nobody_checked_is_named_when_it_is_tried() -> None:
    """Whoever edits a pack that ships sees which rule is wrong; no document is rejected for it."""
    rule = RULES[0].model_copy(update={"id": "x", "pattern": "(?=s)share", "match": "line"})

    with pytest.raises(RulePackError, match=r"rule 'x': pattern cannot be used: .*no lookaround"):
        clean_batch(["Share"], voices=Voices(Rules((rule,), "test")))


def test_two_rules_cannot_share_an_id(tmp_path: Path) -> None:
    """An id names one rule, since the ledger refers to it."""
    (tmp_path / "a.toml").write_text(PACK.format(id="x", pattern="share"), encoding="utf-8")
    (tmp_path / "b.toml").write_text(PACK.format(id="x", pattern="share"), encoding="utf-8")

    with pytest.raises(RulePackError, match=r"b\.toml: rule 'x': the id is taken by a rule in a\.toml"):
        read_rules(tmp_path)


def test_the_digest_changes_with_any_rule(tmp_path: Path) -> None:
    """Another pattern is another digest, the same packs are the same digest."""
    pack = tmp_path / "a.toml"
    pack.write_text(PACK.format(id="x", pattern="share"), encoding="utf-8")
    before = read_rules(tmp_path).digest
    same = read_rules(tmp_path).digest
    pack.write_text(PACK.format(id="x", pattern="share!?"), encoding="utf-8")

    assert before == same != read_rules(tmp_path).digest


def test_a_catastrophic_pattern_runs_in_linear_time() -> None:
    """A pattern that hangs a backtracking engine is done at once."""
    rule = read_pack("mine.toml", PACK.format(id="x", pattern="(s+)+h"))[0].model_copy(update={"most_words": 10**9})
    began = time.monotonic()

    assert matched(rule, ["s" * 200_000 + "!"]) == []
    assert time.monotonic() - began < 5


def test_a_sites_own_rules_hold_on_that_site_only(tmp_path: Path) -> None:
    """A pack below sites/ is for one host, and comes before the packs for all."""
    everywhere = PACK.format(id="x", pattern="share").replace('"share"', '"other"', 1)
    (tmp_path / "all.toml").write_text(everywhere, encoding="utf-8")
    (tmp_path / "sites").mkdir()
    own = PACK.format(id="quay-bell", pattern="share|the bell rang")
    (tmp_path / "sites" / "quay.example.toml").write_text(own, encoding="utf-8")
    text = f"{SENTENCE}\n\nShare\n\nThe bell rang\n\n{SENTENCE}"
    documents = [document_from_text(text, url=url) for url in ("https://quay.example/1", "https://other.example/1")]
    removed = [
        [(entry.text, entry.rule) for entry in outcome.removed]
        for outcome in clean_documents(documents, Voices(read_rules(tmp_path)))
    ]

    assert removed == [[("Share", "quay-bell"), ("The bell rang", "quay-bell")], [("Share", "x")]]
