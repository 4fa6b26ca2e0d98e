"""Compressed files, archives and crawls: bombs, files that hold themselves, lies about lengths, links, damage."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.hostile.case import MIB, Case, case, chance, files, honest, honest_page, long_text, one_file, repeated
from bench.hostile.quine import gzip_quine
from tests.sources import made

PACKINGS = ("gz", "bz2", "xz", "zst", "lz4")
DAMAGED = "article | truncated | damaged | unsupported | empty | expands-too-much | too-large | binary | no-page | no-text-column | furniture-only | no-main-text"
"""What may become of bytes of which some were changed: anything but a run that fails."""


def _bombs(folder: Path, size: int) -> None:
    """Line feeds in many members, of which each is small; and the same in two layers."""
    member = min(size, 64 * MIB)
    for how in PACKINGS:
        packed = made.packed(b"\n" * member, how)
        with (folder / f"lines.jsonl.{how}").open("wb") as file:
            file.writelines(repeated(packed, len(packed) * (size // member)))
        (folder / f"text.txt.{how}").write_bytes(packed)
    (folder / "layers.jsonl.gz").write_bytes(gzip.compress(gzip.compress(b"\n" * member) * (size // member)))


def _overlapping(count: int) -> bytes:
    """A ZIP archive whose directory names one member many times: a kilobyte that stands for a gigabyte each."""
    data = bytearray(made.zipped({"a.txt": b"\n" * MIB}))
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06", directory)
    entries = bytes(data[directory:end]) * count
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entries), directory, 0)
    return bytes(data[:directory]) + entries + tail


def _nested(levels: int) -> Iterator[tuple[str, bytes]]:
    data = b"The council met at the bottom."
    name = "a.txt"
    for level in range(levels):
        data, name = made.zipped({name: data}), f"{level}.zip"
    yield "deep.zip", data
    for _ in range(levels):
        data = gzip.compress(data)
    yield "deep.gz", data


def _quine(_size: int) -> bytes:
    return gzip_quine()


def _members(count: int) -> bytes:
    return made.zipped({f"{number}.txt": b"" for number in range(count)}, zipfile.ZIP_STORED)


def _slips(_size: int) -> Iterator[tuple[str, bytes]]:
    """Members whose names lead out of the archive, and links and devices."""
    names = ("../../../../evil.txt", "/tmp/evil.txt", "..\\..\\evil.txt", "C:\\evil.txt", "a/../../evil.txt")  # noqa: S108
    members = {name: honest("Slips", number).encode() for number, name in enumerate(names)}
    yield "slip.zip", made.zipped(members)
    yield "slip.tar", made.tarred(members)
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for number, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
        ):
            info = tarfile.TarInfo(f"{number}.txt")
            info.type, info.linkname, info.mode = kind, "/etc/passwd", 0o4777
            archive.addfile(info)
        info = tarfile.TarInfo("honest.txt")
        info.size = len(text := honest("Slips", 9).encode())
        archive.addfile(info, io.BytesIO(text))
    yield "links.tar", sink.getvalue()
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as zipped:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/passwd")
        zipped.writestr("honest.txt", text)
    yield "links.zip", sink.getvalue()


def _tar_header(name: str, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def _headers(kind: bytes) -> Callable[[int], Iterable[bytes]]:
    """A tar archive with a header that takes as much memory as it claims."""

    def write(size: int) -> Iterator[bytes]:
        yield _tar_header("first.txt", tarfile.REGTYPE, len(text := honest("tar-headers", 0).encode()))
        yield text + bytes(-len(text) % 512)
        yield _tar_header("header", kind, size)
        yield from repeated(b"30 mtime=1700000000.123456789\n", size)

    return write


def _tar_headers(folder: Path, size: int) -> None:
    for name, kind in (("pax", tarfile.XHDTYPE), ("global", tarfile.XGLTYPE), ("name", tarfile.GNUTYPE_LONGNAME)):
        one_file(f"{name}.tar", _headers(kind))(folder, size)


def _lying_crawl(count: int) -> Iterator[bytes]:
    """Records that all claim to be nearly as long as any may be; three tell the truth."""
    for number in range(count):
        if number % (count // 3) == 1:
            yield _honest_record("false-lengths", number // (count // 3))
        yield made.warc_record("conversion", b"A lie", "https://example.org/lie", "text/plain", length=15_900_000)


def _honest_record(name: str, number: int) -> bytes:
    url = f"https://example.org/{name}/{number}"
    return made.warc_record("response", made.http(honest_page(name, number)), url)


def _odd_crawl(size: int) -> Iterator[bytes]:
    """Lengths that are none, that are beyond the file, and headers without an end, with honest records between."""
    yield _honest_record("odd-crawl", 0)
    for length in ("-1", "1e9", "99999999999999999999", "0x10", "", "2000000000"):
        yield made.warc_record("response", b"x", "https://example.org/").replace(
            b"Content-Length: 1", f"Content-Length: {length}".encode()
        )
    yield _honest_record("odd-crawl", 1)
    yield b"WARC/1.0\r\nX-Long: " + b"x" * size + b"\r\n\r\n"
    yield b"WARC/1.0\r\n" + b"X-Many: x\r\n" * (size // 10) + b"\r\n"
    yield b"no record " * (size // 10)
    yield b"\r\n" + _honest_record("odd-crawl", 2)
    yield made.warc_record("response", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (size // 6), "https://example.org/")


def _packed_pages(count: int) -> Iterator[bytes]:
    """Pages that their transfer encoding makes a thousand times as large."""
    yield _honest_record("packed-pages", 0)
    body = gzip.compress(long_text(count).encode())
    for number in range(count):
        yield made.warc_record(
            "response",
            made.http(body, "text/plain", more="Content-Encoding: gzip\r\n"),
            f"https://example.org/{number}",
        )


def _whole() -> dict[str, bytes]:
    """One sound file of every kind that has lengths, sums or marks."""
    rows: list[dict[str, object]] = [
        {"text": honest("Rows", number), "title": f"Wall {number}"} for number in range(40)
    ]
    pages = {f"https://example.org/{number}": honest_page("Pages", number) for number in range(40)}
    lines = made.json_lines(rows)
    members = {f"{number}.html": page for number, page in enumerate(pages.values())}
    entries = [(url, url, page.decode()) for url, page in pages.items()]
    return {
        **{f"lines.jsonl.{how}": made.packed(lines, how) for how in PACKINGS},
        "lines.jsonl": lines,
        "rows.parquet": made.parquet(rows),
        "crawl.warc": b"".join(made.warc(pages)),
        "crawl.warc.gz": b"".join(map(gzip.compress, made.warc(pages))),
        "crawl.arc": made.arc(pages),
        "pages.zip": made.zipped(members),
        "pages.tar": made.tarred(members),
        "pages.tar.gz": gzip.compress(made.tarred(members)),
        "feed.xml": made.rss(entries),
        "page.mhtml": made.saved_page(honest_page("Saved", 1).decode(), "https://example.org/"),
        "mail.eml": made.mail(honest("Mail", 1), None),
    }


def _cut(count: int) -> Iterator[tuple[str, bytes]]:
    """Sound files, cut off at random places."""
    dice = chance("cut")
    for name, data in _whole().items():
        for number in range(count):
            yield f"{number}-{name}", data[: dice.randrange(1, len(data))]


def _flipped(count: int) -> Iterator[tuple[str, bytes]]:
    """Sound files with one bit wrong, or a few."""
    dice = chance("flipped")
    for name, data in _whole().items():
        for number in range(count):
            damaged = bytearray(data)
            for _ in range(1 + number % 3):
                damaged[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            yield f"{number}-{name}", bytes(damaged)


CONTAINERS: tuple[Case, ...] = (
    case("bombs", _bombs, 10_000_000_000, 2 * MIB, "expands-too-much | too-large | empty"),
    case("overlapping-zip", one_file("a.zip", _overlapping), 60_000, 200, "expands-too-much | empty | damaged"),
    case("nested-archives", files(_nested), 30, 5, "unsupported"),
    case("quine", one_file("a.gz", _quine), 1, 1, "unsupported"),
    case("many-members", one_file("a.zip", _members), 100_000, 100, "empty"),
    case("zip-slip", files(_slips), 1, 1, "article"),
    case("tar-headers", _tar_headers, 500_000_000, 2 * MIB, "article | damaged | truncated"),
    case("false-lengths", one_file("a.warc", _lying_crawl), 60_000, 300, "damaged | truncated", inside=3),
    case("odd-crawl", one_file("a.warc", _odd_crawl), 50 * MIB, MIB, "damaged | truncated | no-page | too-large", inside=3),
    case("packed-pages", one_file("a.warc", _packed_pages), 30, 6, "article | expands-too-much", inside=1),
    case("cut-off", files(_cut), 40, 1, DAMAGED),
    case("flipped-bits", files(_flipped), 40, 1, DAMAGED),
)  # fmt: skip
