"""Tables: JSON Lines, JSON, CSV, Parquet, and their columns."""

import json
from datetime import UTC, datetime

import pytest

from pipeline.records import MediaType, RawRecord, Rejection, RejectReason
from pipeline.sources.columns import USUAL_NAMES
from pipeline.sources.reading import Columns, Limits, Reading
from tests.sources.made import documents, json_lines, parquet, texts

ROW = {
    "id": 7,
    "Article Body": "The council met.",
    "headline": " The  wall ",
    "author": "Odalys Brandt; Jo Ems",
    "datePublished": "2024-05-01T12:00:00+02:00",
    "link": "https://www.example.org/a",
    "lang": "en-GB",
    "keywords": ["sea", "wall"],
    "crawl_date": 1714557600,
    "views": 12,
}
SMALL = Limits(record_bytes=1024)  # type: ignore[arg-type]


def as_csv(rows: list[dict[str, object]], delimiter: str = ",") -> bytes:
    def cell(value: object) -> str:
        text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        return '"' + text.replace('"', '""') + '"'

    lines = [delimiter.join(rows[0]), *(delimiter.join(map(cell, row.values())) for row in rows)]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("a.jsonl", json_lines([ROW])),
        ("a.jsonl", ("\ufeff" + json.dumps(ROW)).encode("utf-16")),
        ("a.json", json.dumps(ROW, indent=2).encode()),
        ("a.json", json.dumps([ROW]).encode()),
        ("a.json", b"\xef\xbb\xbf" + json.dumps({"status": "ok", "articles": [ROW], "total": 1}).encode()),
        ("a.csv", as_csv([ROW])),
        ("a.csv", as_csv([ROW], ";")),
        ("a.tsv", as_csv([ROW], "\t")),
        ("a.tsv", as_csv([ROW], "\t").decode().encode("utf-16")),
        ("a.parquet", parquet([ROW])),
    ],
)
def test_usual_columns_are_found_in_every_table(key: str, data: bytes) -> None:
    """The same row says the same, whatever it is written in."""
    (found,) = documents(key, data)

    assert isinstance(found, RawRecord)
    assert (found.source, found.data, found.media_type) == (f"{key}#1", b"The council met.", MediaType.TEXT)
    assert (found.known.title, found.known.authors) == ("The wall", ("Odalys Brandt", "Jo Ems"))
    assert (found.known.published, found.known.published_source) == (datetime(2024, 5, 1, 10, tzinfo=UTC), "column")
    assert (found.url, found.site, found.known.language) == ("https://www.example.org/a", "example.org", "en")
    assert (found.known.tags, found.fetched_at) == (("sea", "wall"), datetime(2024, 5, 1, 10, tzinfo=UTC))
    assert found.extra is None


def test_no_usual_name_stands_for_two_fields() -> None:
    """Otherwise it would depend on the order of the lists what a column is."""
    names = [name.replace("_", "") for usual in USUAL_NAMES.values() for name in usual]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("key", ["a.jsonl", "a.parquet"])
def test_other_columns_are_kept_when_asked(key: str) -> None:
    """As JSON, sorted by name; what a field was read from is not repeated."""
    data = json_lines([ROW]) if key == "a.jsonl" else parquet([ROW])

    (found,) = documents(key, data, Reading(keep_extra=True))

    assert isinstance(found, RawRecord)
    assert found.extra == '{"id": 7, "views": 12}'


def test_columns_can_be_named() -> None:
    """A named column comes before the usual ones, and no usual one stands in for it."""
    data = json_lines([{"text": "Teaser", "post": "Whole text", "user": "Jo"}, {"text": "Teaser", "user": "Jo"}])

    reading = Reading(columns=Columns(text=("post",), author=("user",)))

    assert texts("a.jsonl", data, reading) == ["Whole text", "[no-text-column]"]
    assert documents("a.jsonl", data, reading)[0].known.authors == ("Jo",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "prefer", "data", "kind"),
    [
        ({"text": "T", "html": "<p>H</p>"}, "text", b"T", MediaType.TEXT),
        ({"text": "T", "html": "<p>H</p>"}, "html", b"<p>H</p>", MediaType.HTML),
        ({"text": " ", "html": "<p>H</p>"}, "text", b"<p>H</p>", MediaType.HTML),
        ({"text": None, "html": "H"}, "text", b"H", MediaType.HTML),
        ({"content": "<div><p>Hello</p></div>"}, "text", b"<div><p>Hello</p></div>", MediaType.HTML),
        ({"content": "<3 is a heart"}, "text", b"<3 is a heart", MediaType.TEXT),
        ({"content": ["One.", "Two."]}, "text", b"One.\n\nTwo.", MediaType.TEXT),
        ({"content": {"nested": 1}}, "text", b"", MediaType.TEXT),
    ],
)
def test_the_content_is_text_or_page(row: dict[str, object], prefer: str, data: bytes, kind: MediaType) -> None:
    """The preferred one, unless it is blank; markup in a text column is a page."""
    (found,) = documents("a.jsonl", json_lines([row]), Reading(prefer=prefer))  # type: ignore[arg-type]

    assert isinstance(found, RawRecord)
    assert (found.data, found.media_type) == (data, kind)


def test_a_bad_line_costs_no_other() -> None:
    """Each line that is no object with a text is rejected by itself, with its offset; blank lines are nothing."""
    lines = [b'{"text": "One"}', b"", b'{"text": "cut', b"[1]", b'{"x": 1}', b'{"text": "' + b"x" * 2_000 + b'"}', b"[" * 900,
             b'{"text": "\xe9t\xe9"}', b'{"text": "\\ud83d lone"}', b'{"text": "Last"}']  # fmt: skip

    found = documents("a.jsonl", b"\n".join(lines), Reading(limits=SMALL))

    assert [item.data if isinstance(item, RawRecord) else item.reason.value for item in found] == [
        b"One", "damaged", "damaged", "no-text-column", "too-large", "damaged", b"\xe9t\xe9", "\ufffd lone".encode(), b"Last",
    ]  # fmt: skip
    assert [item.source for item in found] == [f"a.jsonl#{number}" for number in range(1, 10)]
    offsets = [item.offset for item in found]
    assert offsets == [sum(map(len, lines[:place])) + place for place in (0, 2, 3, 4, 5, 6, 7, 8, 9)]


def test_a_row_depends_on_its_own_keys_alone() -> None:
    """Rows of other keys before it change nothing."""
    rows: list[dict[str, object]] = [{"content": "A"}, {"content": "A", "text": "B"}, {"html": "C"}, {"content": "A"}]

    assert texts("a.jsonl", json_lines(rows)) == ["A", "B", "C", "A"]
    assert [texts("a.jsonl", json_lines([row])) for row in rows] == [["A"], ["B"], ["C"], ["A"]]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{"text": "One"}, {"text": "Tw', ["One", "[truncated]"]),
        (b'[{"text": "One"}] and more', ["One", "[damaged]"]),
        (b'[{"text": "One"}, 7, {"x": 1}, {"text": "Two"}]', ["One", "[damaged]", "[no-text-column]", "Two"]),
        (b'{"title": "T", "text": "One", "data": [{"text": "no"}]}', ["One"]),
        (b'{"data": ["a", "b"], "text": "One"}', ["One"]),
        (b'{"meta": {"articles": [{"text": "deeper"}]}}', ["[no-text-column]"]),
        (b"[" * 100_000, ["[damaged]"]),
        (b'{"a":' * 100_000, ["[damaged]"]),
        (b"[]", []),
        (b"7", ["[damaged]"]),
        (b'[{"text": "' + b"x" * 500_000 + b'"}, {"text": "Two"}]', ["[too-large]"]),
    ],
)
def test_json_is_read_as_far_as_it_goes(data: bytes, expected: list[str]) -> None:
    """What comes before a fault stays, and the rest is one rejection."""
    assert texts("a.json", data, Reading(limits=Limits(record_bytes=100_000))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'text,title\n"One, ""two""\nthree",A\nfour,B\n', ['One, "two"\nthree', "four"]),
        (b"title;text\nA;One\n\nB;Two;more\nC\n", ["One", "Two", ""]),
        (b"text\nOne\n", ["One"]),
        (b"a,b\n1,2\n", ["[no-text-column]"]),
        (b"", ["[empty]"]),
        (b"text,title\n", []),
        (b'text,title\n"' + b"x\n" * 700 + b"A,B\nlast,C\n", ["[too-large]", *["x"] * 188, "A", "last"]),
        (b"text,title\nnul\0s,B\n", ["nul\0s"]),
    ],
)
def test_csv_is_read_row_by_row(data: bytes, expected: list[str]) -> None:
    """Quotes, line ends in fields, short and long rows; a quote without end costs what it swallowed."""
    assert texts("a.csv", data, Reading(limits=SMALL)) == expected


def test_bytes_of_an_old_encoding_reach_the_decoder_as_they_are() -> None:
    """The encoding is found later, text by text; short strings are read as browsers would."""
    (found,) = documents("a.csv", "title,text\nCafé,Été à la mer\n".encode("cp1252"))

    assert isinstance(found, RawRecord)
    assert found.data == "Été à la mer".encode("cp1252")
    assert found.known.title == "Café"


def test_parquet_of_many_row_groups_is_read_in_order() -> None:
    """And a file that is cut off is told."""
    data = parquet([{"text": f"Text {number}"} for number in range(250)], row_group_size=100)

    assert texts("a.parquet", data) == [f"Text {number}" for number in range(250)]
    assert texts("a.parquet", data[:-9]) == ["[truncated]"]
    assert texts("a.parquet", data[:4] + b"\xff" * (len(data) - 8) + data[-4:]) == ["[damaged]"]


def test_two_rows_of_one_text_are_two_records_unless_all_is_the_same() -> None:
    """The id is that of the text with what is told of it; the time of the crawl tells nothing of the article."""
    rows: list[dict[str, object]] = [
        {"text": "A", "url": "https://example.org/1"},
        {"text": "A", "url": "https://example.org/2"},
        {"text": "A", "url": "https://example.org/1", "crawl_date": "2024-05-01"},
        {"text": "A"},
    ]

    ids = [item.article_id for item in documents("a.jsonl", json_lines(rows)) if not isinstance(item, Rejection)]

    assert ids[0] == ids[2] != ids[1]
    assert [ids[3]] == [item.article_id for item in documents("a.txt", b"A") if isinstance(item, RawRecord)]


def test_a_file_of_too_many_records_ends_in_one_rejection() -> None:
    """The rest of it is not even looked at."""
    data = json_lines([{"text": str(number)} for number in range(100)])

    found = documents("a.jsonl", data, Reading(limits=Limits(records=3)))

    assert [item.source for item in found] == ["a.jsonl#1", "a.jsonl#2", "a.jsonl#3", "a.jsonl#4"]
    assert found[3].reason is RejectReason.TOO_MANY_RECORDS  # type: ignore[union-attr]


def test_a_name_within_hundreds_of_lists_costs_nothing_else() -> None:
    """Looking for it ended the reading of the whole file."""
    deep = b'{"text": "One", "title": ' + b"[" * 900 + b"]" * 900 + b"}\n"

    assert texts("a.jsonl", deep + b'{"text": "Two"}\n') == ["One", "Two"]


def test_a_table_of_ten_thousand_columns_is_refused() -> None:
    """Their names alone could take a gigabyte."""
    assert texts("a.csv", b"text" + b",a" * 10_000 + b"\nOne\n") == ["[too-large]"]
    assert texts("a.csv", b"text" + b",a" * 9_000 + b"\nOne\n") == ["One"]
