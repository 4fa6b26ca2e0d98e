"""Flat texts: one a file, or many with separators; header blocks and front matter."""

from datetime import UTC, datetime

import pytest

from pipeline.records import MediaType, RawRecord, RejectReason
from pipeline.sources.headers import read_header_block
from pipeline.sources.reading import Limits, Reading
from tests.sources.made import documents, texts

SMALL = Reading(limits=Limits(record_bytes=1024))  # type: ignore[arg-type]


def record(key: str, data: bytes, reading: Reading | None = None) -> RawRecord:
    (found,) = documents(key, data, reading)
    assert isinstance(found, RawRecord)
    return found


@pytest.mark.parametrize(
    ("key", "kind"), [("a.txt", MediaType.TEXT), ("a.md", MediaType.TEXT), ("a.html", MediaType.HTML)]
)
def test_a_file_is_one_record(key: str, kind: MediaType) -> None:
    """The record is the whole file, with the host its folder names."""
    found = record(f"www.Example.org/2024/{key}", b"Hello")

    assert (found.source, found.data, found.media_type) == (f"www.Example.org/2024/{key}#1", b"Hello", kind)
    assert found.site == "example.org"


@pytest.mark.parametrize("key", ["a.txt", "a.html", "a"])
def test_an_empty_file_is_a_record_too(key: str) -> None:
    """It must be counted, so it is handed on and rejected where rejections are made."""
    assert texts(key, b"") == [""]


@pytest.mark.parametrize("key", ["a.txt", "a.html"])
def test_a_text_beyond_the_limit_is_refused(key: str) -> None:
    """Never more than the limit is held in memory."""
    (found,) = documents(key, b"x" * 1_025, SMALL)

    assert found.reason is RejectReason.TOO_LARGE  # type: ignore[union-attr]
    assert texts(key, b"x" * 1_024, SMALL) == ["x" * 1_024]


@pytest.mark.parametrize(
    ("separator", "data", "expected"),
    [
        ("---", b"One\n---\nTwo\n\n------\n\nThree -- and more\n", ["One\n", "Two\n\n", "\nThree -- and more\n"]),
        ("form-feed", b"One\n\x0c\nTwo\n \x0c\n", ["One\n", "Two\n"]),
        (
            r"={5,} article \d+ =*",
            b"===== ARTICLE 1 =====\n===== article 2 =====\r\nTwo\r\n",
            ["===== ARTICLE 1 =====\n", "Two\r\n"],
        ),
        ("---", b"\n---\n---\n\n", [""]),
        ("---", b"", [""]),
        ("---", b"---\ntitle: A\n---\nOne\n---\ntitle: B\n---\nTwo\n", ["One\n", "Two\n"]),
    ],
)
def test_separators_part_texts(separator: str, data: bytes, expected: list[str]) -> None:
    """Blank stretches are no texts; a file without any is one empty record."""
    assert texts("a.txt", data, Reading(separator=separator)) == expected


def test_texts_between_separators_have_headers_numbers_and_offsets() -> None:
    """Each is a document of its own, and says where it begins."""
    data = b"Title: One\nURL: https://one.example.org/\n\nFirst.\n---\n---\ntitle: Two\nlang: de\n---\nZweiter.\n"

    first, second = documents("a.txt", data, Reading(separator="---"))

    assert isinstance(first, RawRecord)
    assert isinstance(second, RawRecord)
    assert (first.source, first.known.title, first.url, first.offset) == (
        "a.txt#1",
        "One",
        "https://one.example.org/",
        0,
    )
    assert (second.source, second.known.title, second.known.language) == ("a.txt#2", "Two", "de")
    assert data[second.offset or 0 :].lstrip(b"-\n").startswith(b"title: Two")


def test_a_part_that_is_too_large_costs_no_other() -> None:
    """Reading goes on behind the next separator, also within one line without an end."""
    data = b"One\n---\n" + b"x" * 5_000 + b"\n---\nThree\n---\n" + b"y\n" * 600

    assert texts("a.txt", data, SMALL.model_copy(update={"separator": "---"})) == [
        "One\n",
        "[too-large]",
        "Three\n",
        "[too-large]",
    ]


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        (b"Title: A wall\nDate: 3 May 2024\n\nText.", "A wall", b"Text."),
        (b"\xef\xbb\xbfTITLE: A wall\r\nAuthor: Jo\r\n-----\r\nText.", "A wall", b"Text."),
        (b"headline: A wall\nSource: The Paper\nurl: https://example.org/a\n\n\nText.", "A wall", b"\nText."),
        (b"---\ntitle: 'A wall'\n---\nText.", "A wall", b"Text."),
        (b"+++\ntitle = 'A wall'\ndate = 2024-05-03\n+++\nText.", "A wall", b"Text."),
    ],
)
def test_header_blocks_are_read(text: bytes, title: str, rest: bytes) -> None:
    """Usual names, in any case, up to a blank line or a rule; YAML and TOML front matter."""
    block = read_header_block(text)

    assert block.known.title == title
    assert text[block.length :] == rest


@pytest.mark.parametrize(
    "text",
    [
        b"Title: A wall\n\nOne name alone may be a line of the text.",
        b"Date: 3 May 2024\nThe council met.\n\nMore.",
        b"Title: A wall\nDate: 3 May\nThe council: a portrait.\n\nMore.",
        b"Note: read this\nTitle: A wall\nDate: 3 May\n\nMore.",
        b"Quantcast\nChannel: News\nViewing all articles\n\nText.",
        b"---\nA text between rules.\n---\nMore.",
        b"---\nspeaker: What is it?\n---\nMore.",
        b"---\na: &a [1]\ntitle: *a\n---\nMore.",
        b"---\n" + b"title: [" * 1_000 + b"\n---\nMore.",
        b"Title: A wall\nURL: https://example.org/",
        b"",
    ],
)
def test_what_may_be_text_is_no_header(text: bytes) -> None:
    """In doubt the dump stays as it is: what is taken from it would not be in the ledger."""
    assert read_header_block(text).length == 0


def test_headers_can_be_left_alone() -> None:
    """A setting says so."""
    data = b"Title: A wall\nDate: 3 May 2024\n\nText."

    assert record("a.txt", data).data == b"Text."
    assert record("a.txt", data).known.published == datetime(2024, 5, 3, tzinfo=UTC)
    assert record("a.txt", data, Reading(header_blocks=False)).data == data


def test_front_matter_with_a_key_of_thousands_of_parts_is_text() -> None:
    """Its parser would take 10 s and 3 GB for 60 KB."""
    data = b"+++\ntitle = 'x'\n" + b"a." * 30_000 + b"a = 1\n+++\nThe council met."

    assert texts("a.md", data) == [data.decode()]
