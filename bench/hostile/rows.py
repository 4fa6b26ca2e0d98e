"""Tables and structured data: lines and fields beyond measure, depth, and footers that lie."""

import io
import json
import struct
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from bench.hostile.case import MIB, Case, case, chance, files, honest, long_text, one_file, repeated
from bench.hostile.containers import DAMAGED
from tests.sources import made


def _line(name: str, number: int) -> bytes:
    return json.dumps({"title": f"Wall {number}", "text": honest(name, number)}).encode() + b"\n"


def _long_line(size: int) -> Iterator[bytes]:
    yield _line("long-line", 0)
    yield b'{"text": "'
    yield from repeated(b"The council met. ", size)
    yield b'"}\n'
    yield _line("long-line", 1)


def _deep_lines(depth: int) -> Iterator[bytes]:
    """Depth beyond what the parser takes, just within it, and within the fields that are read."""
    yield _line("deep-lines", 0)
    for levels in (depth, 980, 900, 500, 200):
        yield b'{"text": "The council met.", "title": ' + b"[" * levels + b"]" * levels + b"}\n"
        yield b'{"text": "The council met.", "author": ' + b'{"name":' * levels + b'"x"' + b"}" * levels + b"}\n"
        yield b"[" * levels + b"\n"
    yield b'{"text": "The council met.", "date": ' + b"9" * depth + b"}\n"
    yield b'{"text": "The council met.", "date": 1e999, "tags": [1e999, null, true, {}, [], ""]}\n'
    yield _line("deep-lines", 1)


def _deep_value(depth: int) -> bytes:
    return b'{"articles": [' + _line("deep-value", 0) + b"," + b'{"a":[' * depth + b"]}" * depth + b"]}"


def _many_keys(count: int) -> Iterator[bytes]:
    """Objects with many keys of their own each."""
    yield _line("many-keys", 0)
    for number in range(40):
        keys = ",".join(f'"key {number} {key}":1' for key in range(count))
        yield f'{{"text":"The council met in line {number}.",{keys}}}\n'.encode()
    yield _line("many-keys", 1)


def _surrogates(_size: int) -> Iterator[bytes]:
    yield b'{"text": "A lone \\ud83d surrogate in \\udc00 the council\'s text, and \\u0000 a NUL.", "title": "\\udfff"}\n'
    yield b'{"text": "The council met\xff\xfe\xed\xa0\x80.", "author": ["\\ud800"], "\\ud800": 1, "url": "https://\\ud800/"}\n'


def _wide_table(count: int) -> Iterator[bytes]:
    yield b"text" + b",a" * count + b"\n"
    for _ in range(20):
        yield b"The council met." + b",1" * count + b"\n"


def _long_field(size: int) -> Iterator[bytes]:
    yield b"title,text\n" + b'Wall 0,"' + honest("long-field", 0).encode() + b'"\n'
    yield b'x,"'
    yield from repeated(b"The council met. ", size)
    yield b'"\n' + b'Wall 1,"' + honest("long-field", 1).encode() + b'"\n'


def _open_quote(count: int) -> bytes:
    return b"title,text\n" + b'x,"never closed\n' * count


def _nul_table(count: int) -> bytes:
    return b"text,title\n" + b"The council\0 met.,\0\n" * count + b'"""""""",""\n' + b"\r" * count


def _small_rows(count: int) -> bytes:
    """The same without any NUL, and no row twice."""
    return b"text,title\n" + b"".join(b"The council met %d times.,\n" % number for number in range(count))


def _dictionary(rows: int) -> bytes:
    """A Parquet file that names one long text over and over."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([long_text(rows)]))
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": text}), sink, compression="zstd")
    return sink.getvalue()


def _large_rows(rows: int) -> bytes:
    """A Parquet file of rows that pack well, and are small at first."""
    texts = ["The council met."] * 1000 + [long_text(rows)] * rows
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def _footers(count: int) -> Iterator[tuple[str, bytes]]:
    """Footers with wrong bytes, and lengths of footers that lie."""
    rows: list[dict[str, object]] = [
        {"text": honest("Rows", number), "title": f"Wall {number}"} for number in range(30)
    ]
    data = made.parquet(rows, row_group_size=10)
    length = struct.unpack("<I", data[-8:-4])[0]
    dice = chance("footers")
    for number in range(count):
        lying = bytearray(data)
        for _ in range(1 + number % 4):
            lying[len(data) - 8 - dice.randrange(1, length)] = dice.randrange(256)
        yield f"{number}.parquet", bytes(lying)
    for lie in (0, 1, length - 1, length + 1, len(data), 2**31 - 1, 2**32 - 1):
        yield f"length-{lie}.parquet", data[:-8] + struct.pack("<I", lie) + b"PAR1"
    yield "ends.parquet", b"PAR1PAR1"
    yield "start.parquet", b"PAR1" + bytes(12) + b"PAR1"


def _mails(size: int) -> Iterator[tuple[str, bytes]]:
    """Headers and parts without end."""
    body = b"\r\n\r\n" + honest("Mail", 1).encode()
    start = b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
    yield "subject.eml", start + b"Subject: " + b"word " * (size // 5) + body
    yield "encoded.eml", start + b"Subject: " + b"=?utf-8?q?a?= " * (size // 14) + body
    yield "folded.eml", start + b"Subject: x\r\n" + b" =?utf-8?b?YQ==?=\r\n" * (size // 19) + b"X: y" + body
    yield "sender.eml", b"From: " + b"a <a@example.org>, " * (size // 19) + b"b@example.org" + body
    yield "comments.eml", b"From: " + b"(" * size + b" a@example.org" + body
    yield (
        "parameters.eml",
        start + b"Content-Type: text/plain; " + b"".join(b"a*%d*=x; " % n for n in range(size // 9)) + b"b=c" + body,
    )
    yield "date.eml", start + b"Date: " + b"1 " * (size // 2) + body
    yield "many-headers.eml", start + b"".join(b"X-%d: y\r\n" % n for n in range(size // 8)) + b"X: y" + body
    parts = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"--b\r\n\r\nThe council met.\r\n" * (size // 24)
        + b"--b--"
    )
    yield "parts.eml", start + parts
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(size // 60)
    )
    yield "nested.eml", start + nested + b"\r\nThe council met."
    yield "forwarded.eml", start + b"Content-Type: message/rfc822\r\n\r\n" * (size // 32) + b"\r\nThe council met."


ROWS: tuple[Case, ...] = (
    case("long-line", one_file("a.jsonl", _long_line), 500_000_000, 18 * MIB, "too-large", inside=2),
    case("deep-lines", one_file("a.jsonl", _deep_lines), 100_000, 2_000, "article | damaged | no-text-column", inside=2),
    case("deep-value", one_file("a.json", _deep_value), 100_000, 2_000, "damaged | no-text-column", inside=1),
    case("many-keys", one_file("a.jsonl", _many_keys), 300_000, 1_000, "article | too-large", inside=2),
    case("surrogates", one_file("a.jsonl", _surrogates), 1, 1, "article"),
    case("wide-table", one_file("a.csv", _wide_table), 4_000_000, 1_000, "article | too-large | unsupported"),
    case("long-field", one_file("a.csv", _long_field), 100_000_000, 18 * MIB, "too-large | damaged", inside=2),
    case("open-quote", one_file("a.csv", _open_quote), 20_000, 200, "damaged | article | furniture-only | empty | too-large"),
    case("nul-table", one_file("a.csv", _nul_table), 100_000, 20, "damaged | article | empty | furniture-only"),
    case("small-rows", one_file("a.csv", _small_rows), 50_000, 20, "article | furniture-only"),
    case("dictionary", one_file("a.parquet", _dictionary), 1_000_000, 8, "article | expands-too-much"),
    case("large-rows", one_file("a.parquet", _large_rows), 40, 3, "article | expands-too-much"),
    case("lying-footers", files(_footers), 400, 10, DAMAGED),
    case("mails", files(_mails), 4 * MIB, 2_000, "article | damaged | empty | truncated | furniture-only | too-large"),
)  # fmt: skip
