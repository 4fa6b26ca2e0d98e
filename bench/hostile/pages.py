"""Pages that take parsers long, make them silent, or tell more than they should."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from bench.hostile.case import Case, case, honest, one_file

SECRET = "no page may tell what this file says"  # noqa: S105 - made up


def _body(inner: bytes) -> bytes:
    return b"<html><head><title>A page</title></head><body>" + inner + b"</body></html>"


def _around(piece: bytes, end: bytes, count: int) -> bytes:
    """So many elements within each other, with an article at the bottom."""
    return _body(piece * count + honest("Bottom", 1).encode() + end * count)


def _entities(_size: int) -> bytes:
    """A billion laughs."""
    names = "abcdefghij"
    laughs = "".join(f'<!ENTITY {own} "{f"&{of};" * 10}">' for of, own in pairwise(names))
    return (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "ha">{laughs}]><html><body><p>{honest("Laughs", 1)} &j;</p></body></html>'
    ).encode()


def _feed_entities(_size: int) -> bytes:
    head = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    more = "".join(f'<!ENTITY {own} "{f"&{of};" * 10}">' for of, own in zip("bcdefghi", "cdefghij", strict=True))
    return (
        f'{head}{more}]><rss version="2.0"><channel><item><title>&j;</title><description>{honest("Feed", 1)} &j;'
        "</description></item></channel></rss>"
    ).encode()


def _outside(folder: Path, _size: int) -> None:
    """Entities that stand for a file of this machine, in a page, a page in XML and a feed."""
    secret = folder.parent.parent / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    doctype = f'<!DOCTYPE x [<!ENTITY xxe SYSTEM "{secret.as_uri()}">]>'
    told = f"{honest('Outside', 1)} &xxe;"
    (folder / "a.xhtml").write_text(f'<?xml version="1.0"?>{doctype}<html><body><p>{told}</p></body></html>')
    (folder / "b.html").write_text(f"{doctype}<html><body><p>{told}</p></body></html>")
    (folder / "c.xml").write_text(
        f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel><item><title>&xxe;</title>'
        f"<description>{told}</description></item></channel></rss>"
    )


def _many_entries(count: int) -> Iterator[bytes]:
    yield b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
    for number in range(count):
        yield b"<item><title>%d</title><description>The council of %d met.</description></item>" % (number, number)
    yield b"</channel></rss>"


def _linked_data(depth: int) -> bytes:
    """JSON-LD, nested; and one that refers to itself."""
    nested = '{"@graph":[' * depth + "]}" * depth
    looped = json.dumps({"@id": "#a", "@type": "NewsArticle", "author": {"@id": "#a"}, "headline": ["x"] * 1000})
    scripts = "".join(f'<script type="application/ld+json">{text}</script>' for text in (nested, looped))
    return f"<html><head>{scripts}</head><body><p>{honest('Linked', 1)}</p></body></html>".encode()


def _metas(count: int) -> bytes:
    metas = b"".join(
        b'<meta property="article:tag" content="tag %d"><meta name="author" content="A %d">' % (n, n)
        for n in range(count)
    )
    return b"<html><head>" + metas + b"</head><body><p>" + honest("Metas", 1).encode() + b"</p></body></html>"


def _page(inner: bytes) -> bytes:
    return _body(b"<p>" + honest("Page", 1).encode() + b"</p>" + inner)


PAGES: tuple[Case, ...] = (
    case("nested-divs", one_file("a.html", lambda n: _around(b"<div>", b"</div>", n)), 100_000, 3_000, "article"),
    case("nested-spans", one_file("a.html", lambda n: _around(b"<b><i><span>", b"</span></i></b>", n)), 100_000, 1_000, "article"),
    case("nested-tables", one_file("a.html", lambda n: _around(b"<table><tr><td>", b"</td></tr></table>", n)), 50_000, 500, "article"),
    case("nested-lists", one_file("a.html", lambda n: _around(b"<ul><li>", b"</li></ul>", n)), 50_000, 500, "article"),
    case("unclosed-tags", one_file("a.html", lambda n: _page(b"<b><p><a href=x>" * n)), 300_000, 1_000, "article | too-large"),
    case("paragraphs", one_file("a.html", lambda n: _body(b"<p>Paragraph" * n)), 1_000_000, 3_000, "article | furniture-only | too-large"),
    case("empty-paragraphs", one_file("a.html", lambda n: _page(b"<p>" * n)), 5_000_000, 3_000, "article | too-large"),
    case("line-breaks", one_file("a.html", lambda n: _page(b"x<br>" * n)), 3_000_000, 3_000, "article | too-large"),
    case("attributes-of-one", one_file("a.html", lambda n: _page(b"<p " + b"".join(b"a%d=1 " % i for i in range(n)) + b">x</p>")), 200_000, 5_000, "article"),
    case("attributes-of-many", one_file("a.html", lambda n: _page(b"<p class='a b c d' id=e role=f>word</p>" * n)), 350_000, 1_000, "article | too-large"),
    case("classes", one_file("a.html", lambda n: _page(b"".join(b"<p class='%s'>w</p>" % b" ".join(b"c%d" % (i * 7 + j) for j in range(20)) for i in range(n)))), 100_000, 500, "article | too-large"),
    case("text-node", one_file("a.html", lambda n: _body(b"<p>" + b"The council met. " * (n // 17))), 15_900_000, 100_000, "article"),
    case("entities", one_file("a.html", lambda n: _page(b"&amp;&#x41;&nosuch;&" * n)), 800_000, 1_000, "article | too-large"),
    case("comments", one_file("a.html", lambda n: _page(b"<!--" * n)), 3_900_000, 1_000, "article | too-large"),
    case("open-tags", one_file("a.html", lambda n: _page(b"<a " * n)), 5_000_000, 1_000, "article | too-large"),
    case("angles", one_file("a.html", lambda n: _page(b"<" * n)), 15_900_000, 1_000, "article | too-large"),
    case("quotes", one_file("a.html", lambda n: _page(b"<a href='" * n)), 1_700_000, 1_000, "article | too-large"),
    case("scripts", one_file("a.html", lambda n: _page(b"<script>" * n)), 1_900_000, 1_000, "article | too-large"),
    case("preformatted", one_file("a.html", lambda n: _body(b"<pre>" + b"Line of text\n" * n)), 1_200_000, 1_000, "article | furniture-only | too-large"),
    case("many-links", one_file("a.html", lambda n: _page(b"<a href='/x'>Link text</a> " * n)), 500_000, 1_000, "article | too-large"),
    case("linked-data", one_file("a.html", _linked_data), 500_000, 2_000, "article"),
    case("metas", one_file("a.html", _metas), 180_000, 1_000, "article"),
    case("laughs", one_file("a.xhtml", _entities), 1, 1, "article"),
    case("laughs-in-a-feed", one_file("a.xml", _feed_entities), 1, 1, "article | truncated | damaged | unsupported | empty"),
    case("entities-from-outside", _outside, 1, 1, "article"),
    case("feed-of-many", one_file("a.xml", _many_entries), 200_000, 500, "article | furniture-only | too-large"),
    case("feed-nested", one_file("a.xml", lambda n: b"<rss version='2.0'><channel><item>" + b"<a>" * n + b"</rss>"), 3_000_000, 1_000, "article | empty | damaged | truncated | furniture-only | too-large"),
    case("feed-broken", one_file("a.xml", lambda n: b"<rss version='2.0'><channel><item><title>x</title>" + b"<&<" * n + b"</rss>"), 5_000_000, 1_000, "article | empty | damaged | truncated | furniture-only | too-large"),
)  # fmt: skip
