"""Raw files of every format, made by tests: what is in them is invented, how they are built is as people have them."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.message import EmailMessage

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.records import RawRecord, Rejection
from pipeline.sources.layers import buffered
from pipeline.sources.read import Outcome, read_stream
from pipeline.sources.reading import Reading


def read(key: str, data: bytes, reading: Reading | None = None) -> list[Outcome]:
    """Everything that is said of a file of this name and content."""
    return list(read_stream(buffered(io.BytesIO(data)), key, len(data), reading or Reading()))  # type: ignore[arg-type]


def documents(key: str, data: bytes, reading: Reading | None = None) -> list[RawRecord | Rejection]:
    """Its records and rejections."""
    return [item for item in read(key, data, reading) if isinstance(item, RawRecord | Rejection)]


def texts(key: str, data: bytes, reading: Reading | None = None) -> list[str]:
    """The text of each record, and the reason of each rejection in brackets."""
    return [
        item.data.decode("utf-8", "replace") if isinstance(item, RawRecord) else f"[{item.reason}]"
        for item in documents(key, data, reading)
    ]


def json_lines(rows: Iterable[Mapping[str, object]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def parquet(rows: Sequence[dict[str, object]], row_group_size: int = 100) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink, row_group_size=row_group_size)
    return sink.getvalue()


def http(body: bytes, content_type: str = "text/html; charset=utf-8", status: str = "200 OK", more: str = "") -> bytes:
    """An HTTP response."""
    head = f"HTTP/1.1 {status}\r\nServer: made\r\nContent-Type: {content_type}\r\n{more}\r\n"
    return head.encode() + body


def warc_record(
    kind: str,
    body: bytes,
    url: str = "",
    content_type: str = "application/http; msgtype=response",
    length: int | None = None,
) -> bytes:
    """One record of a WARC file; `length` is a lie about its length."""
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        *([f"WARC-Target-URI: {url}"] if url else []),
        "WARC-Date: 2024-05-01T10:00:00Z",
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def warc(pages: Mapping[str, bytes]) -> list[bytes]:
    """The records of a crawl, one entry a record: information, and for each page request, response and metadata."""
    records = [warc_record("warcinfo", b"software: made\r\n", content_type="application/warc-fields")]
    for url, page in pages.items():
        records += [
            warc_record("request", b"GET / HTTP/1.1\r\n\r\n", url, "application/http; msgtype=request"),
            warc_record("response", http(page), url),
            warc_record("metadata", b"fetchTimeMs: 12\r\n", url, "application/warc-fields"),
        ]
    return records


def arc(pages: Mapping[str, bytes]) -> bytes:
    version = b"1 0 Made\nURL IP-address Archive-date Content-type Archive-length\n"
    records = [b"filedesc://made.arc 0.0.0.0 20240501100000 text/plain %d\n" % len(version) + version + b"\n"]
    for url, page in pages.items():
        block = http(page)
        records.append(f"{url} 192.0.2.1 20240501100000 text/html {len(block)}\n".encode() + block + b"\n")
    return b"".join(records)


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)  # of 1980, not of now
    return sink.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def packed(data: bytes, how: str) -> bytes:
    """Compressed as a suffix says."""
    match how:
        case "gz":
            return gzip.compress(data, mtime=0)  # the same bytes in every process of a test run
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, {"zst": "zstd", "lz4": "lz4"}[how]) as stream:  # type: ignore[arg-type]
        stream.write(data)
    result: bytes = sink.getvalue().to_pybytes()
    return result


def mail(text: str | None, page: str | None, **headers: str) -> bytes:
    message = EmailMessage()
    for name, value in {"Subject": "Harbour news", "From": "Odalys Brandt <odalys@example.org>"}.items():
        message[name] = headers.pop(name, value)
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text is not None:
        message.set_content(text)
    if page is not None:
        (message.add_alternative if text is not None else message.set_content)(page, subtype="html")
    return message.as_bytes()


def saved_page(page: str, url: str) -> bytes:
    """A page as Chrome saves it."""
    head = (
        "From: <Saved by Blink>\r\n"
        f"Snapshot-Content-Location: {url}\r\n"
        "Subject: A page\r\n"
        "Date: Wed, 01 May 2024 10:00:00 -0000\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="----MultipartBoundary--x----"\r\n\r\n\r\n'
        "------MultipartBoundary--x----\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n"
        f"Content-Location: {url}\r\n\r\n"
    )
    tail = "\r\n------MultipartBoundary--x----\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
    return (head + page + tail + "------MultipartBoundary--x------\r\n").encode()


def rss(entries: Iterable[tuple[str, str, str]]) -> bytes:
    """A feed of (address, title, page)."""
    items = "".join(
        f"<item><title>{title}</title><link>{url}</link><pubDate>Wed, 01 May 2024 10:00:00 GMT</pubDate>"
        f"<dc:creator>Odalys Brandt</dc:creator><description>Short.</description>"
        f"<content:encoded><![CDATA[{page}]]></content:encoded></item>"
        for url, title, page in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Harbour</title><link>https://example.org/</link>'
        f"<language>en</language>{items}</channel></rss>"
    ).encode()
