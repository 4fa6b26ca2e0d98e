"""WARC, WET and ARC: documents, what is skipped, lengths that lie, and files that are cut off."""

import gzip
import io
import random
import re
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipeline.records import MediaType, RawRecord, Rejection, RejectReason
from pipeline.sources.found import Skipped
from pipeline.sources.reading import Limits, Reading
from tests.sources.made import arc, documents, http, packed, read, texts, warc, warc_record

PAGES = {
    f"https://www.example.org/{number}": f"<html><title>{number}</title><p>{'Palaver ' * number}</p></html>".encode()
    for number in range(40)
}
CUTS = 200


def page(number: int) -> str:
    return PAGES[f"https://www.example.org/{number}"].decode()


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, lambda data: packed(data, "zst")])
def test_a_crawl_gives_its_pages(pack: object) -> None:
    """Each with address, time and charset; requests and metadata are counted and are no documents."""
    data = b"".join(map(pack, warc(PAGES)))  # type: ignore[arg-type]

    items = read("crawl.warc.gz", data)
    records = [item for item in items if isinstance(item, RawRecord)]
    skipped = [item.what for item in items if isinstance(item, Skipped)]

    assert [record.data.decode() for record in records] == list(map(page, range(40)))
    assert not [item for item in items if isinstance(item, Rejection)]
    assert (records[3].source, records[3].url) == ("crawl.warc.gz#4", "https://www.example.org/3")
    assert (records[3].site, records[3].declared_encoding) == ("example.org", "utf-8")
    assert (records[3].media_type, records[3].fetched_at) == (MediaType.HTML, datetime(2024, 5, 1, 10, tzinfo=UTC))
    assert {what: skipped.count(what) for what in skipped} == {
        "WARC warcinfo": 1,
        "WARC request": 40,
        "WARC metadata": 40,
    }


def test_records_are_those_that_fastwarc_reads() -> None:
    """On a sound file our framing gives the same records, byte for byte, at the same offsets."""
    data = b"".join(warc(PAGES))

    theirs = [
        (record.stream_pos, record.reader.read())
        for record in ArchiveIterator(io.BytesIO(data), parse_http=True)
        if record.record_type == WarcRecordType.response
    ]

    assert [(item.offset, item.data) for item in documents("a.warc", data) if isinstance(item, RawRecord)] == theirs


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (warc_record("conversion", b"Plain text", "https://example.org/", "text/plain"), ["Plain text"]),
        (warc_record("resource", b"<p>Page</p>", "https://example.org/", "text/html; charset=utf-8"), ["<p>Page</p>"]),
        (warc_record("response", http(b"Text", "text/plain"), "https://example.org/"), ["Text"]),
        (warc_record("response", http(b"<html>Untold", ""), "https://example.org/"), ["<html>Untold"]),
        (warc_record("response", http(b"\x89PNG", "image/png"), "https://example.org/"), ["[no-page]"]),
        (warc_record("response", http(b"<html>Gone", status="404 Not Found"), "https://example.org/"), ["[no-page]"]),
        (warc_record("response", http(b"", status="301 Moved"), "https://example.org/"), ["[no-page]"]),
        (warc_record("resource", b"x", "dns:example.org", "text/dns"), []),
        (warc_record("revisit", b"HTTP/1.1 200 OK\r\n\r\n", "https://example.org/"), []),
        (warc_record("response", http(gzip.compress(b"Packed", mtime=0), "text/plain", more="Content-Encoding: gzip\r\n")), ["Packed"]),
        (warc_record("response", http(b"Is not packed", "text/plain", more="Content-Encoding: gzip\r\n")), ["Is not packed"]),
        (
            warc_record("response", http(b"4\r\nIn c\r\n5;x=y\r\nhunks\r\n0\r\n\r\n", "text/plain", more="Transfer-Encoding: chunked\r\n")),
            ["In chunks"],
        ),
        (warc_record("response", http(b"Not so", "text/plain", more="Transfer-Encoding: chunked\r\n")), ["Not so"]),
        (warc_record("response", http(gzip.compress(b"x" * 3_000_000, mtime=0), more="Content-Encoding: gzip\r\n")), ["[too-large]"]),
        (warc_record("response", http(b"x" * 1_500_000)), ["[too-large]"]),
    ],
)  # fmt: skip
def test_what_a_record_becomes(record: bytes, expected: list[str]) -> None:
    """Pages and texts, without the encodings of their transfer; the rest has its reason. The next record is read."""
    reading = Reading(limits=Limits(record_bytes=1_000_000))  # type: ignore[arg-type]
    after = warc_record("conversion", b"After", "https://example.org/after", "text/plain")

    assert texts("a.warc", record + after, reading) == [*expected, "After"]


@pytest.mark.parametrize("length", [0, 20, 190, 500, 700, 3_000, 10**6, 10**9, 10**17])
def test_a_wrong_length_costs_one_record(length: int) -> None:
    """Too short or too long, into the next records or far beyond the file: the others are read."""
    records = warc(PAGES)
    records[5] = warc_record(
        "response", http(PAGES["https://www.example.org/1"]), "https://www.example.org/1", length=length
    )

    found = documents("a.warc", b"".join(records))

    lost = [item for item in found if isinstance(item, Rejection)]
    assert [item.reason for item in lost] in ([RejectReason.DAMAGED], [RejectReason.DAMAGED] * 2)
    kept = [item.data.decode() for item in found if isinstance(item, RawRecord)]
    assert kept == [page(number) for number in range(40) if number != 1]


def test_what_is_no_record_between_others_is_one_rejection() -> None:
    """Reading goes on with the next record."""
    records = warc(PAGES)
    records.insert(4, b"Somebody's notes\r\nabout this crawl\n")

    found = documents("a.warc", b"".join(records))

    assert [item.detail for item in found if isinstance(item, Rejection)] == ["35 bytes are no record"]
    assert len(found) == 41


@pytest.mark.parametrize("packing", ["plain", "gz", "zst"])
def test_every_cut_is_reported(packing: str) -> None:
    """
    At 200 random places, but for those between two records or members, where nothing tells that there was more.

    Whole records before the cut are read (Zstandard's decoder keeps back its last 4 KB); what comes after is one
    rejection that says so.
    """
    records = warc(PAGES) if packing == "plain" else [packed(record, packing) for record in warc(PAGES)]
    data = b"".join(records)
    ends = {sum(map(len, records[:place])) for place in range(len(records) + 1)}
    chance = random.Random(packing)
    places = [place for place in (chance.randrange(8, len(data)) for _ in range(2 * CUTS)) if place not in ends][:CUTS]
    reported = 0
    for place in places:
        found = documents("a.warc", data[:place])
        reported += [item.reason for item in found if isinstance(item, Rejection)] == [RejectReason.TRUNCATED]
        before = sum(end <= place for end in ends) - 1  # whole records
        kept = [item.data.decode() for item in found if isinstance(item, RawRecord)]
        wanted = [page(number) for number in range(max(0, (before - 1) // 3))]
        missed = wanted[len(kept) :]
        assert kept[: len(wanted)] == wanted[: len(kept)]
        assert sum(map(len, missed)) <= (4_096 if packing == "zst" else 0)

    assert (len(places), reported) == (CUTS, CUTS)


def test_a_flipped_bit_ends_in_records_and_rejections() -> None:
    """In compressed records the rest is lost, and told; in plain ones at most a record or two."""
    chance = random.Random(7)
    for packing in ("plain", "gz"):
        data = bytearray(b"".join(warc(PAGES) if packing == "plain" else map(gzip.compress, warc(PAGES))))
        for _ in range(40):
            place = chance.randrange(len(data))
            data[place] ^= 1 << chance.randrange(8)
            found = documents("a.warc", bytes(data))
            rejected = [item for item in found if isinstance(item, Rejection)]
            assert len(found) - len(rejected) >= (38 if packing == "plain" else 0)
            assert rejected or len(found) >= 39
            data = bytearray(b"".join(warc(PAGES) if packing == "plain" else map(gzip.compress, warc(PAGES))))


def test_arc_gives_its_pages() -> None:
    """Version 1, as the Internet Archive wrote it; the block about the file itself is no document."""
    found = documents("old.arc.gz", gzip.compress(arc(PAGES)))

    assert [item.data.decode() for item in found if isinstance(item, RawRecord)] == list(map(page, range(40)))
    assert found[7].url == "https://www.example.org/7"  # type: ignore[union-attr]
    assert found[7].fetched_at == datetime(2024, 5, 1, 10, tzinfo=UTC)  # type: ignore[union-attr]


def test_a_cut_or_lying_arc_is_told() -> None:
    """As in WARC."""
    data = arc(PAGES)
    wrong = re.sub(rb"(example\.org/7 .* text/html) \d+\n", rb"\1 99134\n", data)

    assert texts("a.arc", data[:-30])[-1] == "[truncated]"
    assert wrong != data
    assert texts("a.arc", wrong).count("[damaged]") == 1
    assert len(texts("a.arc", wrong)) == 40


def test_many_false_lengths_cost_no_more_than_their_bytes() -> None:
    """Each of 5,000 records claims to be longer than what is left of the file; to believe it once each took 30 s."""
    records = [
        warc_record("conversion", b"Text %d" % number, "https://example.org/", "text/plain", length=15_000_000)
        for number in range(5_000)
    ]
    began = time.process_time()

    found = texts("a.warc", b"".join(records))

    assert found == ["[damaged]"] * 4_999 + ["[truncated]"]
    assert time.process_time() - began < 5


def test_a_line_that_is_only_almost_a_record_does_not_hold_the_reader_up() -> None:
    """One that would be searched for, and is none when it is read, was found again for ever."""
    data = arc(PAGES).replace(
        b"https://www.example.org/7 ",
        b"https://www.example.org/x 192.0.2.1 20240501100000 text/html x9\nhttps://www.example.org/7 ",
    )

    assert Counter(item.reason for item in documents("a.arc", data) if isinstance(item, Rejection)) == {
        RejectReason.DAMAGED: 1
    }
    assert texts("a.arc", data).count("[damaged]") == 1
    assert len(texts("a.arc", data)) == 41


def test_records_before_a_fault_are_read_although_their_lengths_reach_beyond_it() -> None:
    """A length is looked into ahead of what is taken, and what is damaged there does not count against what stands here."""
    records = warc(PAGES)
    records[2] = warc_record("response", http(b"<html>A lie"), "https://www.example.org/0", length=10**6)
    data = packed(b"".join(records), "gz")

    found = texts("a.warc", data[:-9])

    assert found[0] == "[damaged]"
    assert found[1:4] == [page(number) for number in (1, 2, 3)]
    assert found[-1] == "[truncated]"
