"""
Cut the prompts that a scraper glued to the start or end of a line of prose.

"... said the mayor. Continue reading" is a sentence with a button behind it: the sentence stays, the button goes to
the ledger as a span. Lines that are furniture as a whole are judged later, on what this stage leaves of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from pipeline.literals import starts_like
from pipeline.rules import Rule, Rules
from pipeline.words import WORD

_SENTENCE_END = r"[.!?…。！？][\"'”’»)\]]*"
_SENTENCE_START = r"[\s:|–—-]*[\"'“‘«(]*[\p{Lu}\p{Lt}\p{Lo}\p{N}]"

_END_CHARACTERS = 200
"""Prompts at the end of a line are not longer, all together; a longer run of them is left alone."""
_LEFT_OVER_WORDS = 4
"""A shorter rest ("Enjoyed this?") belongs to the prompt; such a line is judged as a whole."""


def trim_prompts(lines: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """
    Add `body` (what is left of `text`), `left` and `right` (characters cut off), `left_rule` and `right_rule`.

    Several prompts in a row are one cut. Only the last 200 characters of a line are searched for them.
    """
    cuts = _cuts(rules)
    right = _end_prompts(lines["text"], cuts)
    body = _without_end(lines["text"], right)
    left = body.str.extract(cuts.start, 1) if cuts.starts else _nothing(body)
    return lines.with_columns(
        (body.str.slice(_length(left)) if left.count() else body).alias("body"),
        _length(left).alias("left"),
        _length(right).alias("right"),
        _name_rules(left, cuts.starts).alias("left_rule"),
        _name_rules(right, cuts.ends).alias("right_rule"),
    )


class Cuts(NamedTuple):
    """The rules that cut, and the patterns that find what they cut."""

    starts: Sequence[Rule]
    ends: Sequence[Rule]
    start: str  # the prompts at the start of a line, with the marks and white space behind them
    may_end: str  # where a prompt may follow a sentence
    end: str  # the prompts at the end of a line, with the white space before them


@lru_cache(maxsize=8)
def _cuts(rules: Rules) -> Cuts:
    starts, ends = rules.cutting("start"), rules.cutting("end")
    return Cuts(
        starts,
        ends,
        start=rf"^(\s*(?:(?:{_any_of(starts)})[\s:|–—-]*)+){_SENTENCE_START}",
        may_end=rf"{_SENTENCE_END}\s*{starts_like(rule.pattern for rule in ends)}",
        end=rf"{_SENTENCE_END}((?:\s*(?:{_any_of(ends)}))+\s*)$",
    )


def _end_prompts(texts: pl.Series, cuts: Cuts) -> pl.Series:
    """
    The prompts at the end of each text; null where there are none.

    Whether one may follow a sentence is found in a fifth of the time that the prompts themselves take.
    """
    tails = texts.str.tail(_END_CHARACTERS)
    rows = tails.str.contains(cuts.may_end).arg_true() if cuts.ends else pl.Series([], dtype=pl.UInt32)
    rows = rows.filter(tails.gather(rows).str.contains(cuts.end)) if len(rows) else rows
    if not len(rows):
        return _nothing(texts)
    found = texts.gather(rows).str.extract(cuts.end, 1)
    enough = _without_end(texts.gather(rows), found).str.count_matches(WORD) >= _LEFT_OVER_WORDS
    return _nothing(texts).scatter(rows.filter(enough), found.filter(enough))


def _nothing(texts: pl.Series) -> pl.Series:
    return pl.repeat(None, len(texts), dtype=pl.String, eager=True)


def _any_of(rules: Sequence[Rule]) -> str:
    return "|".join(f"(?i:{rule.pattern})" for rule in rules)


def _length(prompts: pl.Series) -> pl.Series:
    if not prompts.count():
        return pl.zeros(len(prompts), dtype=pl.Int32, eager=True)
    return prompts.str.len_chars().fill_null(0).cast(pl.Int32)


def _without_end(texts: pl.Series, prompts: pl.Series) -> pl.Series:
    return texts.str.head(texts.str.len_chars().cast(pl.Int64) - _length(prompts)) if prompts.count() else texts


def _name_rules(prompts: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """The first rule that alone explains the beginning of each prompt."""
    names = {prompt: _which(prompt, rules) for prompt in prompts.drop_nulls().unique()}
    return prompts.replace_strict(names, default=None, return_dtype=pl.String) if names else prompts


def _which(prompt: str, rules: Sequence[Rule]) -> str:
    text = pl.Series([prompt.strip()])
    return next(rule.id for rule in rules if text.str.contains(f"^(?i:{rule.pattern})").item())
