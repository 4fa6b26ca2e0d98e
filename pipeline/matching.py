"""
Find the first whole-line rule that matches each line.

Trying two hundred patterns on each line would take longer than everything else together. So a line is tried by those
patterns only of which it has a clue (`literals.py`): what their matches start with is looked up in a table, what they
contain is found by one pattern. The patterns are joined in groups, few enough for all of them to stay compiled.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import chain
from operator import or_

import numpy as np
import polars as pl

from pipeline.literals import FOLDED, LONGEST, Clues, clues_of, shortest
from pipeline.rules import Rule, Rules

MOST_RULE_CHARACTERS = 500
"""Longer lines are prose or legal text that no whole-line rule is written for."""
TOGETHER = 24
"""So many rules in one regex: Polars keeps 32 compiled regexes a thread, and to compile all again costs half a second."""
TOGETHER_INSIDE = 3
"""The same for rules that look inside a line too, which go through more states."""
FEW_LINES = 1000
"""So many lines are looked up faster in Python than a table of heads is made for Polars: 0.3 ms against 4 ms for 100."""
FIRST_MARK = 0x0E
"""
The first of the characters that stand before a line and say how many words it has. They are control characters, which
no line has at its start, and ASCII, since a word boundary takes the regex engine ten times as long beside others.
"""


NO_CLUES = Clues(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are tried together, in the order in which they win."""

    rules: tuple[Rule, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class Matcher:
    """Groups of rules, and which of them to try on a line: bit n stands for group n."""

    groups: tuple[Group, ...]
    ranks: Mapping[str, int]  # of each rule by its id; the lowest wins
    limits: tuple[int, ...]  # the rules' `most_words`, ascending
    heads: Mapping[int, Mapping[str, int]]  # by length: heads of that length, and the groups of each
    pieces: tuple[tuple[int, list[str]], ...]  # groups that match lines with one of some pieces, with these pieces
    any_piece: str  # finds all of these at once
    open: int  # groups that have to be tried on any line


def match_rules(lines: pl.DataFrame, rules: Rules) -> list[Rule | None]:
    """The first whole-line rule that matches each line's `bare` form; a site's own rules come first."""
    matched = _first_matches(lines, _matcher(rules, None))
    for site in {rule.site for rule in rules.rules if rule.site} & set(lines["site"].unique()):
        own = lines.with_row_index("at").filter(pl.col("site") == site)
        for at, rule in zip(own["at"], _first_matches(own, _matcher(rules, site)), strict=True):
            matched[at] = rule or matched[at]
    return matched


@lru_cache(maxsize=32)
def _matcher(rules: Rules, site: str | None) -> Matcher:
    return make_matcher([rule for rule in rules.rules if rule.match == "line" and rule.site == site])


def make_matcher(rules: Sequence[Rule]) -> Matcher:
    """Rules in groups, with what a line must have to be tried by each group."""
    ranked = sorted(rules, key=lambda rule: (rule.zone != "any", rule.most_words))
    ranks = {rule.id: rank for rank, rule in enumerate(ranked)}
    limits = tuple(sorted({rule.most_words for rule in rules}))
    clues = {rule.id: clues_of(rule.pattern) for rule in rules}
    parts = [sorted(part, key=lambda rule: ranks[rule.id]) for part in _parts(rules, clues)]
    heads: dict[int, dict[str, int]] = {}
    pieces: list[set[str]] = []
    for number, part in enumerate(parts):
        found = [clues[rule.id] or NO_CLUES for rule in part]
        pieces.append({piece for each in found for piece in each.inside})
        for head in chain.from_iterable(each.heads for each in found):
            table = heads.setdefault(LONGEST if head.whole else len(head.text), {})
            table[head.text] = table.get(head.text, 0) | 1 << number
    return Matcher(
        groups=tuple(Group(tuple(part), _pattern(part, limits)) for part in parts),
        ranks=ranks,
        limits=limits,
        heads=heads,
        pieces=tuple((number, sorted(each)) for number, each in enumerate(pieces) if each),
        any_piece="|".join(map(re.escape, shortest(chain.from_iterable(pieces)))),
        open=sum(1 << number for number, part in enumerate(parts) if any(clues[rule.id] is None for rule in part)),
    )


def _parts(rules: Sequence[Rule], clues: Mapping[str, Clues | None]) -> Iterator[Sequence[Rule]]:
    """
    Rules that are tried together: neighbours in a pack, which have the lines of one language to match.

    A rule that says nothing of how a line starts is tried alone: it goes through many states on any line, and beside
    others it would go through the product of its states and theirs.
    """
    kinds: dict[int, list[Rule]] = {TOGETHER: [], TOGETHER_INSIDE: [], 1: []}
    for rule in rules:
        found = clues[rule.id] or NO_CLUES
        kinds[(TOGETHER_INSIDE if found.inside else TOGETHER) if found.heads else 1].append(rule)
    for size, alike in kinds.items():
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _pattern(rules: Sequence[Rule], limits: Sequence[int]) -> str:
    """
    One pattern for a group, with a named group for each rule, on lines with the mark of their number of words.

    The first alternative that matches the whole line wins, as the first rule does.
    """
    marks = [f"[{chr(FIRST_MARK)}-{chr(FIRST_MARK + limits.index(rule.most_words))}]" for rule in rules]
    parts = (
        f"(?P<rule{n}>^{mark}(?i:{rule.pattern})$)" for n, (mark, rule) in enumerate(zip(marks, rules, strict=True))
    )
    return "|".join(parts)


def _first_matches(lines: pl.DataFrame, matcher: Matcher) -> list[Rule | None]:
    matched: list[Rule | None] = [None] * len(lines)
    if not matcher.groups:
        return matched
    short = _short_lines(lines, matcher)
    marked, rows = short["marked"], short["row"].to_numpy()
    # An operation on a series takes a twentieth of a millisecond however short it is, so most groups must need none.
    groups = _groups_to_try(short["folded"], matcher).to_numpy()
    for number, group in enumerate(matcher.groups):
        tried = np.flatnonzero(groups & np.uint64(1 << number))
        if not len(tried):
            continue
        texts = marked.gather(tried)
        hit = texts.str.contains(group.pattern).to_numpy()
        if hit.any():
            texts = texts.gather(np.flatnonzero(hit))
            found = _which(texts.unique(), group)
            for row, text in zip(rows[tried[hit]].tolist(), texts.to_list(), strict=True):
                rule, before = found[text], matched[row]
                if before is None or matcher.ranks[rule.id] < matcher.ranks[before.id]:
                    matched[row] = rule
    return matched


def _which(hits: pl.Series, group: Group) -> dict[str, Rule]:
    """The first rule of the group that matches each text; one of them does."""
    found = hits.str.extract_groups(group.pattern).struct.unnest()
    columns = (found[f"rule{number}"].to_list() for number in range(len(group.rules)))
    return {
        text: next(rule for rule, match in zip(group.rules, matches, strict=True) if match is not None)
        for text, *matches in zip(hits.to_list(), *columns, strict=True)
    }


def _short_lines(lines: pl.DataFrame, matcher: Matcher) -> pl.DataFrame:
    """Lines that are not too long for every rule: their `row`, `folded` as clues are, `marked` with their length."""
    bare, letters = pl.col("bare"), list(FOLDED)
    folded = bare.str.to_lowercase().str.replace_many(letters, list(FOLDED.values())).str.replace_all("00+", "0")
    marks = pl.lit(pl.Series([chr(FIRST_MARK + n) for n in range(len(matcher.limits))]))
    mark = marks.gather(pl.lit(pl.Series(matcher.limits)).search_sorted(pl.col("words")))
    return (
        lines.lazy()
        .select(pl.row_index("row"), "bare", "words")
        .filter((pl.col("words") <= matcher.limits[-1]) & (bare.str.len_chars() <= MOST_RULE_CHARACTERS))
        .select("row", folded.alias("folded"), pl.concat_str(mark, bare).alias("marked"))
        .collect()
    )


def _groups_to_try(folded: pl.Series, matcher: Matcher) -> pl.Series:
    """The groups of rules of which each text has a clue, by their bits."""
    by_head = (_look_up_few if len(folded) < FEW_LINES else _look_up)(folded, matcher)
    if not matcher.pieces:
        return by_head
    # Few lines have any of the pieces, and only these are searched for each group's.
    telling = folded.str.contains(matcher.any_piece).arg_true()
    texts = folded.gather(telling).alias("text").to_frame()
    bits = [pl.col("text").str.contains_any(pieces).cast(pl.UInt64) * (1 << n) for n, pieces in matcher.pieces]
    by_piece = texts.select(reduce(or_, bits)).to_series()
    return by_head.scatter(telling, by_head.gather(telling) | by_piece)


def _look_up(folded: pl.Series, matcher: Matcher) -> pl.Series:
    """The groups whose matches start as each text does."""
    bits = [
        pl.col("text").str.head(length).replace_strict(table, default=0, return_dtype=pl.UInt64)
        for length, table in matcher.heads.items()
    ]
    return folded.alias("text").to_frame().select(reduce(or_, bits, pl.lit(matcher.open, dtype=pl.UInt64))).to_series()


def _look_up_few(folded: pl.Series, matcher: Matcher) -> pl.Series:
    """The same for a few texts, for which a join with thousands of heads would take ten times as long."""
    tables = list(matcher.heads.items())
    found = (reduce(or_, (table.get(text[:length], 0) for length, table in tables), matcher.open) for text in folded)
    return pl.Series(found, dtype=pl.UInt64)
