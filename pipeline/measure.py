"""
Facts about each line, measured once for a whole batch; the judges only compare.

`bare` is the form in which whole-line rules see a line: white space collapsed, typographic quotes made plain, bullets,
arrows, brackets and ellipses stripped from both ends, so that "» Read more …" and "[Read more]" are "Read more".
"""

from collections.abc import Sequence

import polars as pl

from pipeline.words import WORD

_SPACES = r"\s\x{0}-\x{20}\x{7f}-\x{a0}\x{115f}\x{1160}\x{3164}\x{ffa0}"
# Every white space that is more than one space: single spaces, nearly all there are, need no replacing.
_ODD_SPACE = rf"[{_SPACES}--\x20][{_SPACES}]*|\x20[{_SPACES}]+"
_ZERO_WIDTH = (
    r"[\x{ad}\x{34f}\x{61c}\x{17b4}\x{17b5}\x{180b}-\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}"
    r"\x{fe00}-\x{fe0f}\x{feff}]+"
)
_QUOTES = {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "…": "...", "：": ":", "｜": "|"}
_ORNAMENTS = " •·‣▪◦●○■□▶►▸▼▾▲▴△◀◄»«›‹>→←↑↓⟶|–—-_:;,*+~=\"'✓✔★☆✉×【】「」《》"
_LEADING = _ORNAMENTS + "[("
_TRAILING = _ORNAMENTS + "<])"


def _bare(text: pl.Expr) -> pl.Expr:
    plain = (
        text.str.replace_all(_ZERO_WIDTH, "")
        .str.replace_many(list(_QUOTES), list(_QUOTES.values()))
        .str.replace_all(_ODD_SPACE, " ")
    )
    return (
        plain.str.replace(r"[\s.]*\.\.[\s\"'\])»>|]*$", "")
        .str.strip_chars_start(_LEADING)
        .str.strip_chars_end(_TRAILING)
    )


def measure_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """
    Add `bare`, `fold`, `words`, `ends`, `ellipsis` and `lower`, all taken from `body`.

    - `bare`: see above; `fold`: the same without case and end marks, for comparing with titles
    - `words`: number of words (int)
    - `ends`: it ends as a sentence does; `ellipsis`: it ends in one
    - `lower`: its first letter is a small one, as in the middle of a wrapped paragraph
    """
    body = pl.col("body")
    return lines.with_columns(
        _bare(body).alias("bare"),
        body.str.count_matches(WORD).cast(pl.Int32).alias("words"),
        body.str.contains(r"[.!?…。！？؟।॥։][\s\"'”’»)\]}*]*$").alias("ends"),
        body.str.contains(r"(?:\.{3}|…)[\s\"'”’»)\]}]*$").alias("ellipsis"),
        body.str.contains(r"^[\s\"'“‘«(]*\p{Ll}").alias("lower"),
    ).with_columns(pl.col("bare").str.to_lowercase().str.strip_chars_end(" .!?。！？").alias("fold"))


def fold_titles(titles: Sequence[str | None]) -> list[str | None]:
    """
    Titles in the form in which `fold` holds lines; None and "" stay.

    >>> fold_titles(["The “Count”, twice!", None])
    ['the "count", twice', None]
    """
    if not any(titles):
        return list(titles)
    frame = pl.DataFrame({"body": pl.Series(titles, dtype=pl.String)})
    return measure_lines(frame)["fold"].to_list()
