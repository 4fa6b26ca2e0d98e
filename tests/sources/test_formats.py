"""Files are recognised by what is in them, and then by their names."""

import pytest

from pipeline.sources.formats import Compression, Format, promised_format, recognise
from pipeline.sources.found import BrokenSource
from tests.sources.made import arc, http, json_lines, mail, packed, parquet, rss, saved_page, tarred, warc, zipped

PAGE = b"<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>"


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"A text.", "a.txt", Format.TEXT),
        (b"A text.", "a", Format.TEXT),
        (b"A text.", "index.php", Format.TEXT),
        (b"", "a.txt", Format.TEXT),
        (b"# A heading", "a.md", Format.MARKDOWN),
        (PAGE, "a.txt", Format.HTML),
        (PAGE, "article.aspx", Format.HTML),
        (b"\xef\xbb\xbf  \n<?xml version='1.0'?><!-- x --><html xmlns='x'>", "a", Format.HTML),
        ("<html><p>Hello".encode("utf-16"), "a", Format.HTML),
        (b"Plain words.", "a.html", Format.HTML),
        (b"<p>Half a page", "a.txt", Format.TEXT),
        (b"<strong>Bold</strong> start of a dump", "a.txt", Format.TEXT),
        (saved_page("<p>x</p>", "https://example.org/"), "a.mhtml", Format.MHTML),
        (saved_page("<p>x</p>", "https://example.org/"), "a", Format.MHTML),
        (mail("x", None, MIME_Version="1.0"), "a.eml", Format.MAIL),
        (mail("x", None, Message_ID="<1@example.org>"), "a.txt", Format.MAIL),
        (b"Subject: Re: the wall\n\nNo other header.", "a.eml", Format.MAIL),
        (b"Title: The wall\nURL: https://example.org/\n\nText.", "a.txt", Format.TEXT),
        (json_lines([{"text": "x"}] * 2), "a.jsonl", Format.JSON_LINES),
        (json_lines([{"text": "x"}] * 2), "a.json", Format.JSON_LINES),
        (json_lines([{"text": "x"}] * 2), "a.txt", Format.JSON_LINES),
        (json_lines([{"text": "x"}]), "a.json", Format.JSON),
        (b'{\n  "text": "x"\n}', "a.jsonl", Format.JSON),
        (b'[{"text": "x"}]', "a.jsonl", Format.JSON),
        (b'[{"text": "x"}]', "a.json", Format.JSON),
        (b"[Music] The band plays.", "a.txt", Format.TEXT),
        (b"{not json}", "a.txt", Format.TEXT),
        (b"text,title\nx,y\n", "a.csv", Format.CSV),
        (b"text\ttitle\nx\ty\n", "a.tsv", Format.TSV),
        (parquet([{"text": "x"}]), "a.dat", Format.PARQUET),
        (b"".join(warc({"https://example.org/": PAGE})), "a", Format.WARC),
        (arc({"https://example.org/": PAGE}), "a", Format.ARC),
        (rss([("https://example.org/", "x", "y")]), "a.html", Format.FEED),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', "index", Format.FEED),
        (zipped({"a.txt": b"x"}), "a.txt", Format.ZIP),
        (tarred({"a.txt": b"x"}), "a", Format.TAR),
        (http(PAGE), "a", Format.TEXT),
        *((packed(b"x", how), "a.txt", Compression(kind)) for how, kind in
          {"gz": "gzip", "bz2": "bz2", "xz": "xz", "zst": "zstd", "lz4": "lz4"}.items()),
    ],
)  # fmt: skip
def test_content_comes_before_the_name(head: bytes, name: str, kind: Format | Compression) -> None:
    """What only one format begins with decides; the name decides the rest."""
    assert recognise(head[:16_384], name) is kind


@pytest.mark.parametrize("name", ["a.parquet", "a.warc", "a.zip", "a.tar", "a.arc"])
def test_a_name_that_promises_what_the_bytes_are_not_is_told(name: str) -> None:
    """Such a file is damaged: its bytes are no article."""
    with pytest.raises(BrokenSource, match="does not begin"):
        recognise(b"Not what it is called", name)


def test_names_of_compressed_files_promise_what_is_in_them() -> None:
    """Up to two layers are looked through."""
    assert promised_format("a/b.jsonl.zst") is Format.JSON_LINES
    assert promised_format("a.TGZ") is Format.TAR
    assert promised_format("a.csv.gz.xz") is Format.CSV
    assert promised_format("a.gz") is None


@pytest.mark.parametrize(
    "head",
    [
        b"<?x ?>" * 2_500,
        b"<!-- -->" * 2_000,
        b"<!--" * 4_000,
        b"A: b\r\n" * 2_500,
        b"A:" * 8_000,
        b" \n" * 8_000,
        b"{" * 16_000,
        b"<?" * 8_000,
    ],
)
@pytest.mark.timeout(10)
def test_no_head_takes_long_to_recognise(head: bytes) -> None:
    """The patterns never try the same bytes twice."""
    for name in ("a", "a.txt", "a.json", "a.eml"):
        recognise(head, name)
