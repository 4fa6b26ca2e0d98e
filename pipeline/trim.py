"""
Cut the prompts that a scraper glued to the start or end of a line of prose.

"... said the mayor. Continue reading" is a sentence with a button behind it: the sentence stays, the button goes to
the ledger as a span. Lines that are furniture as a whole are judged later, on what this stage leaves of them.
"""

import polars as pl

from pipeline.rules import Rule, Rules

_SENTENCE_END = r"[.!?…。！？][\"'”’»)\]]*"
_SENTENCE_START = r"[\s:|–—-]*[\"'“‘«(]*[\p{Lu}\p{Lt}\p{Lo}\p{N}]"

_END_CHARACTERS = 200
"""No prompt of a pack is longer."""


def _any_of(rules: tuple[Rule, ...]) -> str:
    return "|".join(f"(?i:{rule.pattern})" for rule in rules)


def _which(cut: str, rules: tuple[Rule, ...]) -> str:
    """The id of the first rule that alone explains the beginning of the cut span."""
    text = pl.Series([cut.strip()])
    return next(rule.id for rule in rules if text.str.contains(f"^(?i:{rule.pattern})").item())


def trim_prompts(lines: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """
    Add `body` (what is left of `text`), `left` and `right` (characters cut off), `left_rule` and `right_rule`.

    Several prompts in a row are one cut, so a line of a million prompts costs one pass.
    """
    starts, ends = rules.cutting("start"), rules.cutting("end")
    body = pl.col("text")
    at_end = rf"{_SENTENCE_END}((?:\s*(?:{_any_of(ends)}))+\s*)$"
    # Only the end of a long paragraph is looked at, until there is a prompt to be measured.
    has_prompt = body.str.tail(_END_CHARACTERS).str.contains(at_end)
    right = pl.when(has_prompt).then(body).str.extract(at_end, 1) if ends else pl.lit(None, pl.String)
    lines = lines.with_columns(right.alias("right_cut"))
    lines = lines.with_columns(pl.col("right_cut").str.len_chars().fill_null(0).cast(pl.Int32).alias("right"))
    lines = lines.with_columns(
        pl.when(pl.col("right") > 0).then(body.str.head(-pl.col("right").cast(pl.Int64))).otherwise(body).alias("body")
    )
    left = (
        pl.col("body").str.extract(rf"^(\s*(?:(?:{_any_of(starts)})[\s:|–—-]*)+){_SENTENCE_START}", 1)
        if starts
        else pl.lit(None, pl.String)
    )
    lines = lines.with_columns(left.alias("left_cut"))
    lines = lines.with_columns(pl.col("left_cut").str.len_chars().fill_null(0).cast(pl.Int32).alias("left"))
    lines = lines.with_columns(pl.col("body").str.slice(pl.col("left").cast(pl.Int64)))
    return lines.with_columns(
        _name_rules(lines["left_cut"], starts).alias("left_rule"),
        _name_rules(lines["right_cut"], ends).alias("right_rule"),
    ).drop("left_cut", "right_cut")


def _name_rules(cuts: pl.Series, rules: tuple[Rule, ...]) -> pl.Series:
    names = {cut: _which(cut, rules) for cut in cuts.drop_nulls().unique()}
    return pl.Series([None if cut is None else names[cut] for cut in cuts], dtype=pl.String)
