"""Flat text, and bytes that are none: sizes, encodings, and characters that are not what they seem."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from bench.hostile.case import MIB, Case, case, chance, files, honest, one_file, repeated

PROSE = (
    "Die Fähre fährt über den Fluß, und das Café am Ufer öffnet später als üblich, sagte die Bürgermeisterin gestern. "
)


def _lines(count: int) -> Iterator[bytes]:
    for start in range(0, count, 10_000):
        yield b"".join(b"Line no %d\n" % number for number in range(start, min(count, start + 10_000)))


def _prose_lines(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield f"Paragraph {number} tells of the ferry, of the harbour wall and of the council that met.\n".encode()


def _headings(count: int) -> Iterator[bytes]:
    """Lines that each may be the title, all of them different and no sentence among them."""
    for number in range(count):
        yield f"Council number {number} met at harbour wall {number * 7} - Quay {number % 90} News\n".encode()


def _largest(size: int) -> Iterator[bytes]:
    """As much prose as a record may hold, in nearly as many lines, with words of all kinds."""
    dice = chance("largest")
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 9))) for _ in range(20_000)]
    for _ in range(size // 340):
        yield (" ".join(dice.choices(words, k=50)).capitalize() + ".").encode()[:339].ljust(339, b".") + b"\n"


def _combining(size: int) -> bytes:
    """Marks in the wrong order, which normal forms sort."""
    return ("Zalgo met the council. a" + "\u0316\u0301" * (size // 4)).encode()[:size]


def _mixed(size: int) -> bytes:
    """Each paragraph in another encoding."""
    parts = [PROSE.encode(encoding) for encoding in ("utf-8", "cp1252", "cp850", "mac-roman")]
    return b"\n\n".join(parts * (1 + size // sum(map(len, parts))))[:size]


def _mojibake(size: int) -> bytes:
    """UTF-8 read as Windows' Western European, four times over."""
    text = PROSE
    for _ in range(4):
        text = text.encode().decode("cp1252", "replace").replace("\ufffd", "?")
    return (text * (1 + size // len(text))).encode()[:size]


def _scripts(_size: int) -> Iterator[tuple[str, bytes]]:
    """Characters that hide, reverse or break; `=cmd` and what a terminal or a browser would obey."""
    body = honest("Scripts", 0).encode()
    yield "bidi.txt", ("\u202eThe council met in reverse.\u202c \u2066isolated\u2069\n\n").encode() + body
    yield "zero-width.txt", "The\u200b coun\u200dcil\ufeff met\u2060 with\u00ad out.\n\n".encode() + body
    yield (
        "surrogates.txt",
        b"A lone \xed\xa0\xbd surrogate, and a pair \xed\xa0\xbd\xed\xb8\x80 in six bytes.\n\n" + body,
    )
    yield "nul.txt", b"The council\0 met\0 with NULs\0.\n\n" + body
    yield "terminal.txt", b"\x1b]0;owned\x07\x1b[2J\x1b[31mThe council met in red.\x1b[0m\x9b31m\n\n" + body
    yield (
        "formula.csv",
        b'title,text\n"=cmd|\' /C calc\'!A0","=HYPERLINK(""http://example.org"",""The council met"")"\n',
    )
    yield "markup.txt", b"Title: [bold red]<script>alert(1)</script>[/bold]\nURL: https://example.org/x\n\n" + body


def _wide(size: int) -> Iterator[tuple[str, bytes]]:
    text = PROSE * (1 + size // (4 * len(PROSE)))
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield f"no-mark-{encoding}.txt", text.encode(encoding)
    yield "odd.txt", codecs.BOM_UTF16_LE + text.encode("utf-16-le")[:-1]
    yield "glued.txt", b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode() + b"\xff\xfe" + text.encode("utf-16-le")


def _binary(size: int) -> Iterator[tuple[str, bytes]]:
    noise = chance("binary").randbytes(size)
    yield "noise.txt", noise
    yield "noise.html", noise
    yield "noise", noise
    yield "png.txt", b"\x89PNG\r\n\x1a\n" + noise
    yield "program", b"\x7fELF" + noise
    yield "sevens.txt", bytes(byte & 0x7F for byte in noise)


def _prompts(size: int) -> bytes:
    """Furniture without an end, in one line and in many."""
    return (b"Read more " * (size // 20)) + b"\n" + b"Share this article\n" * (size // 40)


def _front_matter(folder: Path, size: int) -> None:
    """Heads that parsers of YAML and TOML take long over, in as many bytes as they are shown."""
    heads = {
        "lists": b"---\ntitle: x\na: " + b"[" * size + b"\n---\n",
        "dashes": b"---\ntitle: x\na:\n " + b"- " * (size // 2) + b"\n---\n",
        "questions": b"---\ntitle: x\n" + b"? " * (size // 2) + b"\n---\n",
        "maps": b"---\ntitle: x\na: " + b"{a: " * (size // 4) + b"\n---\n",
        "aliases": b"---\ntitle: x\na: &a [b,b,b]\nc: &c [*a,*a,*a]\nd: [*c,*c,*c]\n---\n",
        "sixties": b"---\ntitle: x\na: " + b"1:" * (size // 2) + b"1\n---\n",
        "quotes": b'---\ntitle: x\na: "' + b"\\x41" * (size // 4) + b'"\n---\n',
        "dotted": b"+++\ntitle = 'x'\n" + b"a." * (size // 2) + b"a = 1\n+++\n",
        "arrays": b"+++\ntitle = 'x'\na = " + b"[" * size + b"\n+++\n",
        "tables": b"+++\ntitle = 'x'\n" + b"".join(b"[a%d]\n" % n for n in range(size // 8)) + b"+++\n",
    }
    for number, (name, head) in enumerate(heads.items()):
        (folder / f"{name}.md").write_bytes(head + honest("Heads", number).encode())


TEXTS: tuple[Case, ...] = (
    case("nothing", files(lambda size: [("void.txt", b""), ("spaces.txt", b" " * size), ("lines.txt", b"\n" * size)]), 8 * MIB, 1000, "empty"),
    case("nul-bytes", one_file("nul.txt", lambda size: repeated(b"\0", size)), 8 * MIB, 10_000, "binary"),
    case("one-line", one_file("line.txt", lambda size: repeated(b"The council met. ", size)), 1_000_000_000, 18 * MIB, "too-large"),
    case("one-long-line", one_file("line.txt", lambda size: repeated(b"The council met. ", size)), 15_900_000, 300_000, "article"),
    case("one-long-word", one_file("word.txt", lambda size: repeated(b"council", size)), 15_900_000, 300_000, "article | furniture-only"),
    case("million-lines", one_file("lines.txt", _lines), 1_000_000, 10_000, "too-large | article"),
    case("many-paragraphs", one_file("lines.txt", _prose_lines), 49_000, 2_000, "article"),
    case("many-headings", one_file("lines.txt", _headings), 49_000, 2_000, "article | furniture-only"),
    case("largest-text", one_file("text.txt", _largest), 16_600_000, 100_000, "article"),
    case("prompts", one_file("prompts.txt", _prompts), 15_900_000, 200_000, "article | furniture-only | too-large"),
    case("combining-marks", one_file("zalgo.txt", _combining), 15_900_000, 100_000, "article | furniture-only"),
    case("mixed-encodings", one_file("mixed.txt", _mixed), 2_000_000, 100_000, "article"),
    case("mojibake", one_file("mojibake.txt", _mojibake), 15_900_000, 100_000, "article"),
    case("unusual-characters", files(_scripts), 1, 1, "article"),
    case("wide-encodings", files(_wide), 8 * MIB, 10_000, "article | binary"),
    case("binary", files(_binary), 4 * MIB, 10_000, "binary | article | too-large"),
    case("front-matter", _front_matter, 60_000, 2_000, "article"),
)  # fmt: skip
