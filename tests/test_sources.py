"""Readers of text and HTML files, and the hosts named by paths and addresses."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.hosts import host_of, site_of
from pipeline.records import MediaType, RawFile, RawRecord
from pipeline.sources.html import read_html
from pipeline.sources.text import read_text

Reader = Callable[[RawFile, bytes], Iterator[RawRecord]]


def raw_file(key: str) -> RawFile:
    return RawFile(path=Path(key), key=key, size=0, mtime_ns=0, ctime_ns=0, inode=0)


@pytest.mark.parametrize(("read", "media_type"), [(read_text, MediaType.TEXT), (read_html, MediaType.HTML)])
def test_a_file_is_one_record(read: Reader, media_type: MediaType) -> None:
    """The record is the whole file, with its address, its digest and the host its folder names."""
    (record,) = read(raw_file("www.Example.org/2024/a.x"), b"Hello")

    assert record.source == "www.Example.org/2024/a.x#1"
    assert record.data == b"Hello"
    assert record.media_type is media_type
    assert record.raw_sha256 == hashlib.sha256(b"Hello").hexdigest()
    assert record.site == "example.org"


@pytest.mark.parametrize("read", [read_text, read_html])
def test_an_empty_file_is_a_record_too(read: Reader) -> None:
    """It must be counted, so it is handed on and rejected where rejections are made."""
    assert [record.data for record in read(raw_file("a.txt"), b"")] == [b""]


@pytest.mark.parametrize(
    ("key", "site"),
    [
        ("example.org/2024/a.txt", "example.org"),
        ("dumps/News.Example.co.uk/a.html", "news.example.co.uk"),
        ("www.example.org/a.example.com/b.txt", "example.org"),
        ("xn--bcher-kva.example/a.txt", "xn--bcher-kva.example"),
        ("bücher.example/a.txt", "bücher.example"),
        ("example.org.txt", None),
        ("2024.05/a.txt", None),
        ("v1.2/a.txt", None),
        ("a.b c/a.txt", None),
        (".hidden/a.txt", None),
        ("..bad..org/a.txt", None),
        ("a.txt", None),
    ],
)
def test_site_is_the_first_folder_that_is_a_host(key: str, site: str | None) -> None:
    """Folders name hosts; dates, versions and file names do not."""
    assert site_of(key) == site


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.org/a?b=http://other.example", "example.org"),
        ("HTTP://user@Example.ORG.:80", "example.org"),
        ("http://192.0.2.1/", None),
        ("http://[::1", None),
        ("mailto:a", None),
        ("", None),
        (None, None),
        ("https://" + "a" * 300 + ".org", None),
    ],
)
def test_host_of_an_address(url: str | None, host: str | None) -> None:
    """Hosts are lower case, without "www."; anything else gives none and never raises."""
    assert host_of(url) == host
