"""Mail, saved pages and feeds."""

import random
import time
from datetime import UTC, datetime

import pytest

from pipeline.records import MediaType, RawRecord
from pipeline.sources.reading import Limits, Reading
from tests.sources.made import documents, mail, rss, saved_page, texts


def record(key: str, data: bytes, reading: Reading | None = None) -> RawRecord:
    (found,) = documents(key, data, reading)
    assert isinstance(found, RawRecord)
    return found


def test_a_mail_tells_who_wrote_what_and_when() -> None:
    """Its headers are metadata, decoded; the address is that of its copy in the web."""
    data = mail(
        "The text.", "<p>The page.</p>",
        Subject="Grüße vom Hafen", From="Jürgen Ems <j@example.org>", Date="Wed, 01 May 2024 12:00:00 +0200",
        Archived_At="<https://www.example.org/letters/1>",
    )  # fmt: skip

    found = record("a.eml", data)

    assert (found.data, found.media_type, found.declared_encoding) == (b"The text.\n", MediaType.TEXT, "utf-8")
    assert (found.known.title, found.known.authors) == ("Grüße vom Hafen", ("Jürgen Ems",))
    assert (found.known.published, found.known.published_source) == (datetime(2024, 5, 1, 10, tzinfo=UTC), "mail")
    assert (found.url, found.site) == ("https://www.example.org/letters/1", "example.org")
    assert record("a.eml", data, Reading(prefer="html")).data == b"<p>The page.</p>\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mail(None, "<p>Page – only</p>"), ["<p>Page – only</p>\n"]),
        (mail("  \n", "<p>Page</p>"), ["<p>Page</p>\n"]),
        (mail("", None), ["[empty]"]),
        (b"From: a@example.org\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw==", ["[empty]"]),
        (
            b"From: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nCut off",
            ["Cut off"],
        ),
        (b"From: a\nContent-Type: text/plain; charset=no-such\n\nOdd", ["Odd"]),
        (b"From: a\nSubject: =?utf-8?b?/////?=\nDate: never\n\nOdd headers", ["Odd headers"]),
        (b"From: a\n" + b"X: y\n" * 10_000 + b"\nMany headers", ["Many headers"]),
        (b"From: " + b"(" * 3_000 + b"\nDate: " + b"(" * 3_000 + b"\n\nDeep comments", ["Deep comments"]),
        (
            b"From: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
            ["[too-large]"],
        ),
        (mail("x" * 3_000, None), ["[too-large]"]),
        (mail("x" * 9_000, None), ["[too-large]"]),
    ],
)
def test_mails_of_every_kind_end_as_one_outcome(data: bytes, expected: list[str]) -> None:
    """Page only, blank text, no text, broken parts and headers, beyond the limit."""
    small = Limits(record_bytes=2_000) if len(data) < 20_000 else Limits()  # type: ignore[arg-type]

    assert texts("a.eml", data, Reading(limits=small)) == expected


def test_attached_files_are_no_text() -> None:
    """Neither are their names."""
    data = (
        b"From: a\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nAttached\n"
        b"--x\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9\n--x--\n"
    )

    found = record("a.eml", data)

    assert (found.data, found.declared_encoding) == (b"Caf\xe9", "iso-8859-1")


def test_a_saved_page_tells_its_address_and_time() -> None:
    """The page without what was saved with it; its title is its own affair."""
    found = record("a.mhtml", saved_page("<html><p>Hällo</p></html>", "https://www.example.org/a"))

    assert (found.data.decode(), found.media_type) == ("<html><p>Hällo</p></html>", MediaType.HTML)
    assert (found.url, found.site) == ("https://www.example.org/a", "example.org")
    assert (found.fetched_at, found.known.title) == (datetime(2024, 5, 1, 10, tzinfo=UTC), None)


def test_a_feed_gives_its_entries_with_their_full_text() -> None:
    """The fuller of content and summary, as it stands there, with scripts and relative links."""
    page = '<p>The <a href="/wall">wall</a> of <b>Ems</b>.</p><script>count()</script>'

    first, second = documents(
        "feed.xml", rss([("https://example.org/1", "One", page), ("https://example.org/2", "Two", "2")])
    )

    assert isinstance(first, RawRecord)
    assert isinstance(second, RawRecord)
    assert (first.data.decode(), first.media_type) == (page, MediaType.HTML)
    assert (first.url, first.site, first.known.title) == ("https://example.org/1", "example.org", "One")
    assert (first.known.authors, first.known.language) == (("Odalys Brandt",), "en")
    assert (first.known.published, first.known.published_source) == (datetime(2024, 5, 1, 10, tzinfo=UTC), "feed")
    assert (second.source, second.data) == ("feed.xml#2", b"Short.")


def test_atom_is_a_feed_too() -> None:
    """With content as escaped markup or as text."""
    data = (
        b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title>'
        b'<entry><title>One</title><link href="https://example.org/1"/><updated>2024-05-01T10:00:00Z</updated>'
        b'<content type="html">&lt;p&gt;Text&lt;/p&gt;</content></entry>'
        b'<entry><title>Two</title><content type="text">Plain</content></entry></feed>'
    )

    assert texts("a.atom", data) == ["<p>Text</p>", "Plain"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (rss([("https://example.org/1", "One", "<p>The first text</p>")] * 2)[:-150], ["<p>The first text</p>", "[truncated]"]),
        (rss([]), ["[empty]"]),
        (b"<?xml version='1.0'?><rss><channel>", ["[truncated]"]),
        (b"<?xml version='1.0'?><urlset><url><loc>https://example.org/</loc></url></urlset>", ["[unsupported]"]),
        (b"<mediawiki><page><title>Harbour</title><revision><text>Ferries.</text>", ["[unsupported]"]),
        (
            b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<rss version="2.0"><channel><item><title>a</title>\n'
            b"<description>&x;</description></item></channel></rss>".replace(b"\n", b" "),
            None,
        ),
        (
            b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "' + b"x" * 1_000 + b'">'
            + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 50) for n in range(8))
            + b']><rss version="2.0"><channel><item><description>&i;</description></item></channel></rss>',
            None,
        ),
    ],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_broken_and_hostile_feeds_end_as_outcomes(data: bytes, expected: list[str] | None) -> None:
    """Cut off, empty, with entities that read files or grow without end."""
    found = texts("a.rss", data)

    assert found == expected if expected is not None else found
    assert not any("root:" in text or len(text) > 100_000 for text in found)


def test_raw_bytes_in_a_senders_name_are_read() -> None:
    """The standard library leaves them as surrogates, which no table takes: the whole shard failed. Found by fuzzing."""
    data = mail("The council met.", None).replace(b"From: Odalys", b"From: \xa0Odalys \xe9")

    (record,) = documents("a.eml", data)

    assert isinstance(record, RawRecord)
    assert record.known.authors == ("Odalys é Brandt",)


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("utf-8", "utf-8"), ("cp1252", "windows-1252"), ("cp1252", "utf-8"), ("utf-8", "ascii"), ("utf-8", "punycode"),
        ("utf-8", "nosuch"), ("utf-16", "utf-16"), ("utf-32", "utf-8"), ("utf-8", "unicode_escape"),
    ],
)  # fmt: skip
def test_a_feed_is_read_in_its_encoding_whatever_it_declares(written: str, declared: str) -> None:
    """What it declares is believed where its bytes allow it, and where it is an encoding of texts."""
    feed = rss([("https://example.org/1", "Fähre", "<p>Am Fluß – “ja”.</p>")]).decode()

    found = record("a.xml", feed.replace('encoding="utf-8"', f'encoding="{declared}"').encode(written))

    assert (found.known.title, found.data.decode()) == ("Fähre", "<p>Am Fluß – “ja”.</p>")


def test_a_feed_of_noise_takes_no_detector_for_ever() -> None:
    """One that happened to be installed took 15 s for half a megabyte. Found by fuzzing."""
    noise = random.Random(1).randbytes(500_000)
    began = time.process_time()

    assert documents("a.xml", rss([("https://example.org/1", "x", "y")])[:300] + noise + b"</rss>")
    assert time.process_time() - began < 5


def test_a_header_without_end_is_cut() -> None:
    """One of 100 KB, in pieces as RFC 2231 allows, took minutes."""
    pieces = b"".join(b"a*%d*=x; " % number for number in range(10_000))
    data = (
        b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; " + pieces + b"\r\n\r\nThe council met."
    )
    began = time.process_time()

    assert texts("a.eml", data) == ["The council met."]
    assert time.process_time() - began < 5


def test_a_feed_of_a_million_tags_is_refused_at_once() -> None:
    """The parser would take longer than any worker may."""
    assert texts("a.xml", b"<rss version='2.0'><channel><item>" + b"<a>" * 1_000_000 + b"</rss>") == ["[too-large]"]
