"""
Judge each line: keep it or remove it, with the reason and the rule that says so.

Whole-line rules are matched once over the batch's distinct lines. Then each document is judged with its neighbours
until nothing more is removed: what a removal leaves behind is seen as a second cleaning would see it, so a second
cleaning has nothing to do.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from pipeline.headline import find_headline
from pipeline.neighbours import FINDERS, Drop
from pipeline.page import Line, Page
from pipeline.records import Reason
from pipeline.rules import Rule, Rules
from pipeline.words import WORD

MOST_RULE_CHARACTERS = 500
"""Longer lines are prose or legal text that no whole-line rule is written for."""
MANY_TOGETHER = 24
"""So many rules in one regex: compiling is what costs for a single document, and Polars keeps 32 compiled regexes."""
FEW_TOGETHER = 4
"""So many rules in one regex, when there are more than `FEW_TEXTS` lines: then matching is what costs."""
FEW_TEXTS = 2000
MOST_PASSES = 50
"""A bound on the passes over one document; texts need two or three."""


class Judgement(NamedTuple):
    """What was decided about one document's lines."""

    title_line: int | None  # number of the title line found in the text
    first_prose: int | None  # number of the article's first line of prose
    removed: dict[int, tuple[Reason, str]]  # line number -> reason and rule


def match_rules(lines: pl.DataFrame, rules: Rules) -> list[Rule | None]:
    """The first whole-line rule that matches each line's `bare` form; a site's own rules come first."""
    everywhere = [rule for rule in rules.whole_line() if rule.site is None]
    distinct = lines["bare"].unique()
    found = _first_match(distinct.filter(distinct.str.len_chars() <= MOST_RULE_CHARACTERS), everywhere)
    matched = [found.get(bare) for bare in lines["bare"]]
    for site in {rule.site for rule in rules.rules if rule.site} & set(lines["site"].unique()):
        own = [rule for rule in rules.whole_line() if rule.site == site]
        of_site = lines.with_row_index("row").filter(pl.col("site") == site).select("row", "bare")
        found = _first_match(of_site["bare"].unique(), own)
        for row, bare in of_site.iter_rows():
            matched[row] = found.get(bare, matched[row])
    return matched


def _first_match(texts: pl.Series, rules: Sequence[Rule]) -> dict[str, Rule]:
    """For each text that a rule matches, the first such rule."""
    words = texts.str.count_matches(WORD)
    found: dict[str, Rule] = {}
    for group in _groups(rules, FEW_TOGETHER if len(texts) > FEW_TEXTS else MANY_TOGETHER):
        pattern = "|".join(f"(?P<rule{number}>{rule.regex})" for number, rule in enumerate(group))
        short = texts.filter(words <= group[0].most_words)
        hits = short.filter(short.str.contains(pattern))
        if len(hits):
            matches = hits.str.extract_groups(pattern).struct.unnest().iter_rows(named=True)
            found = {text: _matching(group, match) for text, match in zip(hits, matches, strict=True)} | found
    return found


def _matching(group: Sequence[Rule], match: Mapping[str, str | None]) -> Rule:
    return next(rule for number, rule in enumerate(group) if match[f"rule{number}"] is not None)


def _groups(rules: Sequence[Rule], size: int) -> Iterator[Sequence[Rule]]:
    """Rules in groups that are matched by one regex; those of a group have the same `most_words`."""
    for _, alike in groupby(sorted(rules, key=_order), key=_order):
        together = list(alike)
        yield from (together[start : start + size] for start in range(0, len(together), size))


def _order(rule: Rule) -> tuple[bool, int]:
    """Rules that hold anywhere come first."""
    return rule.zone != "any", rule.most_words


def judge_lines(lines: pl.DataFrame, titles: Sequence[str | None], rules: Rules) -> list[Judgement]:
    """
    Judge the measured lines of a batch.

    `titles` holds, for each document, the folded title where it is known, "" where the document is known to have none,
    and None where it has to be found in the text.
    """
    matched = match_rules(lines, rules)
    facts = lines.select("line", "bare", "fold", "words", "ends", "ellipsis", "lower", "gap").iter_rows()
    rows = zip(lines["doc"], (Line._make((*row, rule)) for row, rule in zip(facts, matched, strict=True)), strict=True)
    pages = {doc: [line for _, line in group] for doc, group in groupby(rows, key=itemgetter(0))}
    return [judge_page(pages.get(doc, []), title) for doc, title in enumerate(titles)]


def judge_page(lines: Sequence[Line], title: str | None) -> Judgement:
    """Judge one document's lines; see `judge_lines` for `title`."""
    headline = None
    if title is None:
        page = Page(lines, None)
        index = find_headline(page)
        headline = None if index is None else lines[index].number
        title = "" if index is None else lines[index].fold
    removed: dict[int, tuple[Reason, str]] = {}
    kept = list(lines)
    for _ in range(MOST_PASSES):
        drops = _first_drops(Page(kept, title))
        if not drops:
            break
        removed |= {kept[drop.at].number: (drop.reason, drop.rule) for drop in drops.values()}
        kept = list(_without(kept, drops))
    prose = Page(kept, title).article_prose
    return Judgement(headline, kept[prose[0]].number if prose else None, _one_title(removed))


def _first_drops(page: Page) -> dict[int, Drop]:
    """For each line that goes, the first finder that says so."""
    drops: dict[int, Drop] = {}
    for find in FINDERS:
        for drop in find(page):
            drops.setdefault(drop.at, drop)
    return drops


def _without(lines: Sequence[Line], drops: dict[int, Drop]) -> Iterator[Line]:
    """The lines that stay; one below a removed line inherits the blank line above that."""
    gap = False
    for index, line in enumerate(lines):
        gap = gap or line.gap
        if index not in drops:
            yield line._replace(gap=gap)
            gap = False


def _one_title(removed: dict[int, tuple[Reason, str]]) -> dict[int, tuple[Reason, str]]:
    """The first line with the title is the title; later ones, found in a later pass, repeat it."""
    titles = sorted(number for number, (reason, _) in removed.items() if reason is Reason.TITLE)
    return removed | {number: (Reason.REPEATED_TITLE, removed[number][1]) for number in titles[1:]}
