"""A batch is cleaned in parts that fit in the memory, and what no article can be is refused."""

from collections.abc import Sequence

import pytest

from pipeline import clean as driver
from pipeline.clean import MOST_LINES, MOST_TAGS, clean_records
from pipeline.records import Article, MediaType, RawRecord, Rejection, RejectReason
from pipeline.voices import load_voices
from tests.store_cases import page, story


def records(count: int) -> list[RawRecord]:
    """Flat texts and pages by turns, and one without a byte."""
    texts = [RawRecord(f"a#{number}", story(f"Town {number}").encode(), MediaType.TEXT) for number in range(count)]
    pages = [RawRecord(f"b#{number}", page(f"Town {number}").encode(), MediaType.HTML) for number in range(count)]
    return [record for pair in zip(texts, pages, strict=True) for record in pair] + [
        RawRecord("c#1", b"", MediaType.TEXT)
    ]


def told(outcomes: Sequence[Article | Rejection]) -> list[tuple[str, str]]:
    return [
        (outcome.source, outcome.reason.value)
        if isinstance(outcome, Rejection)
        else (outcome.document.source, outcome.text)
        for outcome in outcomes
    ]


def test_parts_give_what_the_whole_batch_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its order; a document that is larger than a part is one by itself."""
    batch, voices = records(5), load_voices()
    whole = told(clean_records(batch, voices))
    sizes: list[int] = []
    clean = driver._clean

    def noted(part: Sequence[object], voices: object) -> object:
        sizes.append(len(part))
        return clean(part, voices)  # type: ignore[arg-type]

    monkeypatch.setattr(driver, "_clean", noted)
    monkeypatch.setattr(driver, "PART", 2_500)

    assert told(clean_records(batch, voices)) == whole
    assert len(sizes) > 3
    assert sum(sizes) == 11
    assert clean_records([], voices) == []


def test_a_text_of_too_many_lines_is_refused_and_the_next_is_cleaned() -> None:
    """Each line takes kilobytes to judge, and no article has so many."""
    data = b"Line\n" * (MOST_LINES + 1)
    long, short = clean_records([RawRecord("a#1", data, MediaType.TEXT), records(1)[0]], load_voices())

    assert isinstance(long, Rejection)
    assert (long.reason, long.size) == (RejectReason.TOO_LARGE, len(data))
    assert isinstance(short, Article)


def test_a_page_of_too_many_tags_is_refused() -> None:
    """Before any parser sees it."""
    (outcome,) = clean_records(
        [RawRecord("a#1", page("Ems").encode() + b"<p>" * MOST_TAGS, MediaType.HTML)], load_voices()
    )

    assert isinstance(outcome, Rejection)
    assert outcome.reason is RejectReason.TOO_LARGE
