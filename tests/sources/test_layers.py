"""Compressed files and archives: streamed, within an allowance, and never trusted."""

import gc
import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from pipeline.records import RawRecord, Rejection, RejectReason
from pipeline.sources.crawled import _decoded
from pipeline.sources.found import Skipped
from pipeline.sources.reading import Limits, Reading
from tests.sources.made import documents, http, json_lines, packed, parquet, read, tarred, texts, warc_record, zipped

MIB = 1024 * 1024
HOW = ["gz", "bz2", "xz", "zst", "lz4"]
LINES = json_lines([{"text": f"Text {number} {random.Random(number).random()}"} for number in range(500)])
SMALL = Reading(limits=Limits(record_bytes=1_000_000, free_expansion=2_000_000, expansion=50))  # type: ignore[arg-type]


@pytest.mark.parametrize("how", HOW)
def test_compressed_files_are_read(how: str) -> None:
    """Whatever they are called, in several members, and twice over; the offset is that in what comes out."""
    data = packed(LINES, how)

    assert texts(f"a.jsonl.{how}", data) == texts("a.jsonl", LINES)
    assert texts("a.jsonl", data + packed(LINES, how)) == texts("a.jsonl", LINES + LINES)
    assert texts(f"a.txt.{how}.gz", packed(packed(b"Twice", how), "gz")) == ["Twice"]
    assert [item.offset for item in documents("a", data)] == [item.offset for item in documents("a.jsonl", LINES)]


@pytest.mark.parametrize("how", HOW)
def test_compressed_data_that_is_cut_off_is_told(how: str) -> None:
    """Records before the cut stay, the cut one is not taken for whole, and there is one rejection for the rest."""
    data = packed(LINES, how)
    whole = texts("a.jsonl", LINES)
    for place in (len(data) - 1, len(data) - 9, len(data) // 2, 40):
        found = texts("a.jsonl", data[:place])
        assert (found[-1], found[:-1]) == ("[truncated]", whole[: len(found) - 1])
    assert texts(f"a.txt.{how}", packed(b"One text " * 1_000, how)[:-3]) == ["[truncated]"]


@pytest.mark.parametrize("how", ["zst", "lz4"])
def test_a_stream_that_breaks_leaves_no_memory_behind(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some libraries keep what they had made room for when they raise; of a crawl's million pages that adds up."""
    monkeypatch.setattr("pipeline.sources.layers._LITTLE", MIB)
    data = packed(LINES, how)[:-9]

    assert _left_behind(lambda: texts("a.jsonl", data)) < MIB


def test_a_body_that_breaks_leaves_no_memory_behind() -> None:
    """The same for a page's own encoding, for which as much room is made as a page may have."""
    limits, headers = Limits(), {"content-encoding": "br"}

    assert _left_behind(lambda: _decoded(b"\xff no Brotli", headers, int(limits.record_bytes))) < MIB


def _left_behind(action: Callable[[], object]) -> int:
    """Bytes of Python's own that are left after an action was done many times."""
    tracemalloc.start()
    try:
        for _ in range(50):
            action()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("how", HOW)
def test_flipped_bits_never_raise(how: str) -> None:
    """They end in rejections, or in the same records where nothing depends on the bit."""
    data = packed(LINES[:10_000], how)
    chance = random.Random(how)
    for _ in range(30):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        assert documents("a.jsonl", bytes(damaged))


@pytest.mark.parametrize("how", HOW)
def test_a_bomb_is_stopped(how: str) -> None:
    """By the bytes that come out beside those that went in, as lines or as one text."""
    lines = packed(b"\n" * 20_000_000, how)

    assert texts("a.jsonl", lines, SMALL) == ["[expands-too-much]"]
    assert texts("a.txt", lines, SMALL) == ["[too-large]"]


def test_a_file_within_a_file_within_a_file_is_not_followed_for_ever() -> None:
    """Two layers of compression, two archives within each other."""
    data = b"Deep"
    for _ in range(3):
        data = packed(data, "gz")
    assert texts("a.txt.gz", data) == ["[unsupported]"]

    inner = zipped({"a.txt": b"Deep"})
    assert texts("a.zip", zipped({"b.zip": inner})) == ["Deep"]
    assert texts("a.zip", zipped({"c.zip": zipped({"b.zip": inner})})) == ["[unsupported]"]


@pytest.mark.parametrize("wrap", [zipped, tarred])
def test_archives_are_read_in_their_order(wrap: object) -> None:
    """Members of every format, numbered through; folders name sites, and what is no article is counted."""
    files = {
        "./a.txt": b"One",
        "www.example.org/b.html.gz": packed(b"<html><p>Two</p></html>", "gz"),
        "c.jsonl": json_lines([{"text": "Three"}, {"text": "Four"}]),
        "d.parquet": parquet([{"text": "Five"}]),
        "e.png": b"\x89PNG",
        "__MACOSX/a.txt": b"x",
        ".git/f.txt": b"x",
        "../../../etc/evil.txt": b"Six",
        "/absolute.txt": b"Seven",
        "void.txt": b"",
    }

    items = read("dump.bin", wrap(files))  # type: ignore[operator]
    records = [item for item in items if isinstance(item, RawRecord)]

    assert [record.data.decode() for record in records] == [
        "One", "<html><p>Two</p></html>", "Three", "Four", "Five", "Six", "Seven", "",
    ]  # fmt: skip
    assert [record.source for record in records] == [f"dump.bin#{number}" for number in range(1, 9)]
    assert [record.site for record in records[:3]] == [None, "example.org", None]
    assert sorted(item.what for item in items if isinstance(item, Skipped)) == [
        "hidden in an archive", "hidden in an archive", "suffix .png in an archive",
    ]  # fmt: skip


def test_links_and_devices_in_a_tar_archive_lead_nowhere() -> None:
    """They are counted, and nothing is opened or made."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, kind in (
            ("a.txt", tarfile.SYMTYPE),
            ("b.txt", tarfile.LNKTYPE),
            ("c.txt", tarfile.CHRTYPE),
            ("d.txt", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("void.txt"))

    items = read("a.tar", sink.getvalue())

    assert [item.what for item in items if isinstance(item, Skipped)] == [
        "symbolic link in an archive", "link in an archive", "device in an archive", "device in an archive",
    ]  # fmt: skip
    assert [item.data for item in items if isinstance(item, RawRecord)] == [b""]


def test_a_symbolic_link_in_a_zip_archive_leads_nowhere() -> None:
    """Its target would be read as a text."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")

    assert [type(item) for item in read("a.zip", sink.getvalue())][1:] == [Skipped]


def test_a_damaged_member_costs_no_other() -> None:
    """A flipped byte in one member of a ZIP archive is its rejection."""
    files = {f"{name}.txt": random.Random(name).randbytes(500).hex().encode() for name in "abc"}
    data = bytearray(zipped(files, zipfile.ZIP_STORED))
    data[data.index(files["b.txt"]) + 100] ^= 1

    found = documents("a.zip", bytes(data))

    assert [item.data if isinstance(item, RawRecord) else item.reason for item in found] == [
        files["a.txt"], RejectReason.DAMAGED, files["c.txt"],
    ]  # fmt: skip
    assert found[1].detail.startswith("'b.txt': ")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped({"a.txt": b"One"})[:-10], RejectReason.TRUNCATED),
        (zipped({}), RejectReason.EMPTY),
        (zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), RejectReason.UNSUPPORTED),
        (zipped({"mimetype": b"application/epub+zip"}), RejectReason.UNSUPPORTED),
    ],
)
def test_archives_that_hold_nothing_are_one_rejection(data: bytes, reason: RejectReason) -> None:
    """Cut off, empty, or an office document."""
    (found,) = documents("a.zip", data)

    assert isinstance(found, Rejection)
    assert found.reason is reason


def test_a_tar_archive_that_is_cut_off_is_told() -> None:
    """The member that is cut is not taken for whole."""
    data = tarred({"a.txt": b"One" * 1_000, "b.txt": b"Two" * 1_000})

    assert texts("a.tar", data[:5_000]) == ["One" * 1_000, "[truncated]", "[truncated]"]
    assert texts("a.tgz", packed(data, "gz")[:-20])[-1] == "[truncated]"


def test_an_archive_that_expands_too_much_is_stopped() -> None:
    """Over all of its members together; those before stay."""
    data = zipped({"a.txt": b"First", **{f"{number}.txt": b"x" * 400_000 for number in range(100)}})

    found = texts("a.zip", data, SMALL)

    assert found[0] == "First"
    assert (found[-1], found.count("[expands-too-much]")) == ("[expands-too-much]", 1)
    assert len(found) < 20


def test_an_encrypted_member_is_unsupported() -> None:
    """There is no password to ask for."""
    data = bytearray(zipped({"a.txt": b"Secret", "b.txt": b"Open"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1

    assert texts("a.zip", bytes(data)) == ["[unsupported]", "Open"]


def test_a_sum_that_is_wrong_is_damage() -> None:
    """The file's own checksum is believed."""
    data = bytearray(packed(b"One text", "gz"))
    data[-8:-4] = zlib.crc32(b"Another").to_bytes(4, "little")

    assert texts("a.txt.gz", bytes(data)) == ["[damaged]"]


def test_a_damaged_header_in_a_tar_archive_is_told() -> None:
    """The standard library takes it for the end of the archive, and says nothing of the members behind it."""
    data = bytearray(tarred({f"{number}.txt": b"One" * 400 for number in range(4)}))
    second = data.index(b"1.txt")
    data[second + 1] ^= 4

    assert texts("a.tar", bytes(data)) == ["One" * 400, "[damaged]"]


@pytest.mark.parametrize("place", [3 * 512, 3 * 512 + 100, 6 * 512])
def test_a_tar_archive_that_ends_where_a_header_should_stand_is_told(place: int) -> None:
    """Between two members too: an archive ends with blocks of zeros."""
    data = tarred({f"{number}.txt": b"One" * 200 for number in range(4)})

    assert texts("a.tar", data[:place]) == [*["One" * 200] * (place // (3 * 512)), "[truncated]"]


def test_a_tar_header_that_asks_for_much_memory_is_refused() -> None:
    """One that says more of the next member is read as a whole."""
    info = tarfile.TarInfo("a")
    info.type, info.size = tarfile.XHDTYPE, 100_000_000

    assert texts("a.tar", tarred({"a.txt": b"One"})[:1024] + info.tobuf() + b"x" * 10_000) == ["One", "[damaged]"]


def test_documents_that_their_own_format_packs_count_against_the_allowance() -> None:
    """A Parquet file names one text many times, and a crawl compresses its pages: a bomb is a bomb."""
    text = "The council met. " * 20_000
    table = parquet([{"text": text}] * 400)
    page = warc_record("response", http(gzip.compress(text.encode()), "text/plain", more="Content-Encoding: gzip\r\n"))

    for name, data in (("a.parquet", table), ("a.warc", page * 400)):
        found = texts(name, data, SMALL)
        assert found[0] == text
        assert found[-1] == "[expands-too-much]"
        assert len(found) < 200


def test_rows_that_would_take_all_memory_to_unpack_are_not_asked_for() -> None:
    """A group of rows of a Parquet file that claims to expand too much is refused; the others are read."""
    rows: list[dict[str, object]] = [{"text": "One"}, {"text": "x" * 900_000}, {"text": "y" * 900_000}, {"text": "z" * 900_000}]  # fmt: skip
    data = parquet([*rows, {"text": "Two"}, {"text": "Three"}, {"text": "Four"}, {"text": "Five"}], row_group_size=4)

    strict = Reading(limits=Limits(free_expansion=2_000_000, expansion=2))  # type: ignore[arg-type]

    assert texts("a.parquet", data, strict) == ["[expands-too-much]", "Two", "Three", "Four", "Five"]
