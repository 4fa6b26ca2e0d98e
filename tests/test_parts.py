"""A batch is cleaned in parts that fit in the memory, and what no article can be is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pipeline import clean as driver
from pipeline.clean import MOST_LINES, MOST_TAGS, clean_records
from pipeline.records import Article, Document, MediaType, RawRecord, Rejection, RejectReason
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


def test_records_that_only_their_places_tell_apart_are_cleaned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has an outcome under its own name all the same; one of another site or time is another record."""
    data = story("Quay").encode()
    batch = [
        RawRecord("a#1", data, MediaType.TEXT, "aa", offset=0),
        RawRecord("a#2", data, MediaType.TEXT, "aa", offset=500),
        RawRecord("b#1", data, MediaType.TEXT, "bb", site="example.org"),
        RawRecord("c#1", data, MediaType.TEXT, "cc", fetched_at=datetime(2024, 5, 1, tzinfo=UTC)),
        RawRecord("a#3", data, MediaType.TEXT, "aa", offset=1_000),
    ]
    decoded: list[str] = []
    decode = driver.decode_record

    def noted(record: RawRecord) -> Document | Rejection:
        decoded.append(record.source)
        return decode(record)

    monkeypatch.setattr(driver, "decode_record", noted)
    outcomes = clean_records(batch, load_voices())
    documents = [outcome.document for outcome in outcomes if isinstance(outcome, Article)]

    assert [(document.source, document.raw_sha256) for document in documents] == [
        (record.source, record.raw_sha256) for record in batch
    ]
    assert [document.known.site for document in documents] == [None, None, "example.org", None, None]
    assert [document.fetched_at is None for document in documents] == [True, True, True, False, True]
    assert len({document.article_id for document in documents}) == 1
    assert len(decoded) == 3


def test_a_rejection_says_where_its_record_begins_whatever_stage_refuses_it() -> None:
    texts = (b"", b"\0" * 9, b"Read more", b"Read more", b"Line\n" * (MOST_LINES + 1))
    batch = [RawRecord(f"a#{n}", text, MediaType.TEXT, "aa", offset=n * 100) for n, text in enumerate(texts)]
    outcomes = clean_records(batch, load_voices())

    assert all(isinstance(outcome, Rejection) for outcome in outcomes)
    assert [(o.source, o.offset) for o in outcomes if isinstance(o, Rejection)] == [
        ("a#0", 0), ("a#1", 100), ("a#2", 200), ("a#3", 300), ("a#4", 400),
    ]  # fmt: skip
