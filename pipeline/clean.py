"""The driver: the only place that strings the stages together."""

from collections.abc import Sequence

from pipeline.records import Article, RawRecord, Rejection
from pipeline.rules import Rules


def clean_records(records: Sequence[RawRecord], rules: Rules) -> list[Article | Rejection]:
    """Clean a batch of raw records; one outcome a record, in order."""
    raise NotImplementedError
