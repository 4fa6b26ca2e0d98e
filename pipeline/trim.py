"""
Cut the prompts that a scraper glued to the start or end of a line of prose.

"... said the mayor. Continue reading" is a sentence with a button behind it: the sentence stays, the button goes to
the ledger as a span. Lines that are furniture as a whole are judged later, on what this stage leaves of them.
"""

from collections.abc import Sequence

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
    starts, ends = rules.cutting("start"), rules.cutting("end")
    right = _end_prompts(lines["text"], ends)
    body = _without_end(lines["text"], right)
    left = _start_prompts(body, starts)
    return lines.with_columns(
        body.str.slice(_length(left)).alias("body"),
        _length(left).alias("left"),
        _length(right).alias("right"),
        _name_rules(left, starts).alias("left_rule"),
        _name_rules(right, ends).alias("right_rule"),
    )


def _end_prompts(texts: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """The prompts at the end of each text, with the white space before them; null where there are none."""
    if not rules:
        return pl.Series([None] * len(texts), dtype=pl.String)
    pattern = rf"{_SENTENCE_END}((?:\s*(?:{_any_of(rules)}))+\s*)$"
    tails = texts.str.tail(_END_CHARACTERS)
    # Whether a prompt may start behind a sentence is found in a fifth of the time that the prompts themselves take.
    likely = tails.str.contains(rf"{_SENTENCE_END}\s*{starts_like(rule.pattern for rule in rules)}")
    candidates = likely & pl.select(pl.when(likely).then(tails)).to_series().str.contains(pattern)
    found = texts.filter(candidates).str.extract(pattern, 1)
    rest = _without_end(texts.filter(candidates), found)
    enough = rest.str.count_matches(WORD) >= _LEFT_OVER_WORDS
    prompts = pl.Series([None] * len(texts), dtype=pl.String)
    return prompts.scatter(candidates.arg_true(), pl.select(pl.when(enough).then(found)).to_series())


def _start_prompts(texts: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """The prompts at the start of each text, with the marks and white space behind them; null where there are none."""
    if not rules:
        return pl.Series([None] * len(texts), dtype=pl.String)
    return texts.str.extract(rf"^(\s*(?:(?:{_any_of(rules)})[\s:|–—-]*)+){_SENTENCE_START}", 1)


def _any_of(rules: Sequence[Rule]) -> str:
    return "|".join(f"(?i:{rule.pattern})" for rule in rules)


def _length(prompts: pl.Series) -> pl.Series:
    return prompts.str.len_chars().fill_null(0).cast(pl.Int32)


def _without_end(texts: pl.Series, prompts: pl.Series) -> pl.Series:
    return texts.str.head(texts.str.len_chars().cast(pl.Int64) - _length(prompts))


def _name_rules(prompts: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """The first rule that alone explains the beginning of each prompt."""
    names = {prompt: _which(prompt, rules) for prompt in prompts.drop_nulls().unique()}
    return pl.Series([None if prompt is None else names[prompt] for prompt in prompts], dtype=pl.String)


def _which(prompt: str, rules: Sequence[Rule]) -> str:
    text = pl.Series([prompt.strip()])
    return next(rule.id for rule in rules if text.str.contains(f"^(?i:{rule.pattern})").item())
