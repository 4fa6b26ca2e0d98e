"""From documents to lines: one row a line for a whole batch."""

from collections.abc import Sequence

import polars as pl

from pipeline.blank import BLANK
from pipeline.records import Document


def split_lines(documents: Sequence[Document]) -> pl.DataFrame:
    r"""
    The non-blank lines of all documents.

    Columns: `doc` (index into `documents`), `line` (from 1), `start` (character offset in the document's text),
    `text` (verbatim), `gap` (a blank line, or the document's start, stands above it), `site`.
    Lines end at `\n` and nowhere else.
    """
    frame = pl.DataFrame(
        {
            "doc": pl.Series(range(len(documents)), dtype=pl.UInt32),
            "text": pl.Series([document.text for document in documents], dtype=pl.String),
            "site": pl.Series([document.known.site for document in documents], dtype=pl.String),
        }
    )
    lines = (
        frame.with_columns(pl.col("text").str.split("\n"))
        .explode("text")
        .with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("doc").alias("line"),
            (pl.col("text").str.len_chars() + 1).cum_sum().over("doc").alias("next"),
            pl.col("text").str.contains(BLANK).alias("blank"),
        )
        .with_columns(
            pl.col("next").shift(1, fill_value=0).over("doc").cast(pl.Int32).alias("start"),
            pl.col("blank").shift(1, fill_value=True).over("doc").alias("gap"),
        )
    )
    return lines.filter(~pl.col("blank")).select("doc", "line", "start", "text", "gap", "site")
