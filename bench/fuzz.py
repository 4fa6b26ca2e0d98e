"""
Look for inputs that break decoding, the readers of containers, or the loading of rules.

    python -m bench.fuzz readers --minutes 10

Hypothesis changes sound files: bytes flipped, cut, repeated, put in from other files, and numbers and lengths that lie.
Nothing may raise, but for `RulePackError`; nothing may take longer than 10 s of CPU; what comes out must be fit for the
tables. A failing input is made small and kept in a folder; found ones become tests. At the end it is said how many inputs
there were, and how far the memory grew between the first tenth of them and the last.
"""

import argparse
import faulthandler
import gc
import gzip
import hashlib
import io
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipeline.decode import decode_record
from pipeline.errors import RulePackError
from pipeline.matching import make_matcher
from pipeline.records import Document, MediaType, RawRecord, Rejection
from pipeline.rules import read_pack
from pipeline.sources.layers import buffered
from pipeline.sources.read import read_stream
from pipeline.sources.reading import Limits, Reading
from tests.sources import made

MOST_SECONDS = 10.0
MOST_BYTES = 500_000
ROUND = 500
"""Inputs between two looks at the clock."""
SMALL = Reading(
    limits=Limits.model_validate(
        {"record_bytes": "1MiB", "free_expansion": "8MiB", "nested_bytes": "2MiB", "records": 5_000}
    ),
    keep_extra=True,
)

TOKENS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b$B", b"\x1b[31m", b"\r", b"\n\n", b"\r\n\r\n", b'"', b"'", b"<!--", b"]]>", b"<", b">",
    b"&#0;", b"&a;", b"{", b"[", b"}", b"]", b",", b":", b"-1", b"NaN", b"1e999", b"\\ud800", b"\\u0000", b"null", b"---\n", b"+++\n", b"\f\n",
    b"WARC/1.0\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 99999999\r\n", b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n",
    b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PAR1", b"\x1f\x8b\x08", b"=?utf-8?b?", b"boundary=", b"charset=utf-7", b"text/html", b"http://[",
    b"https://example.org:99999/", b"%00", b"%ff", "\u202e".encode(), "漢".encode("gb18030"), "é".encode("cp1252"), "ё".encode("koi8-r"),
)  # fmt: skip
NUMBERS = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_DIGITS = re.compile(rb"\d+")


def sound_files() -> dict[str, bytes]:
    """One small file of every format, and some packed."""
    rows: list[dict[str, object]] = [
        {"title": f"Wall {n}", "text": f"The council of Wall {n} met on Monday.", "url": f"https://example.org/{n}", "date": "2024-05-01",
         "author": ["Odalys Brandt"], "tags": "sea; wall", "language": "en"}
        for n in range(4)
    ]  # fmt: skip
    page = b"<html><head><title>Wall</title></head><body><p>The council met on Monday evening.</p></body></html>"
    pages = {f"https://example.org/{n}": page for n in range(3)}
    lines, crawl = made.json_lines(rows), made.warc(pages)
    text = b"Title: Wall\nURL: https://example.org/a\n\nThe council met.\n"
    matter = b"---\ntitle: Wall\ndate: 2024-05-01\ntags: [sea, wall]\n---\nThe council met.\n"
    packed_page = made.http(gzip.compress(page), more="Content-Encoding: gzip\r\n")
    table = b"title,text,url\n" + b'"Wall, a","The council ""met"".",https://example.org/\n' * 3
    return {
        "a.txt": text,
        "a.md": matter,
        "b.md": b"+++\ntitle = 'Wall'\n+++\nThe council met.\n",
        "a.html": page,
        "a.jsonl": lines,
        "a.json": b'{"articles": [' + lines.strip().replace(b"\n", b",") + b"]}",
        "a.csv": table,
        "a.tsv": table.replace(b",", b"\t"),
        "wide.csv": table.decode().encode("utf-16"),
        "a.parquet": made.parquet(rows, row_group_size=2),
        "a.warc": b"".join(crawl) + made.warc_record("response", packed_page, "https://example.org/packed"),
        "a.warc.gz": b"".join(map(gzip.compress, crawl)),
        "a.arc": made.arc(pages),
        "a.xml": made.rss((url, "Wall", page.decode()) for url in pages),
        "a.eml": made.mail("The council met.", page.decode(), Date="Wed, 01 May 2024 10:00:00 -0000"),
        "a.mhtml": made.saved_page(page.decode(), "https://example.org/a"),
        "a.zip": made.zipped({"a.txt": text, "example.org/b.html": page, "c.jsonl": lines}),
        "a.tar": made.tarred({"a.txt": text, "b.html.gz": gzip.compress(page)}),
        "a.tgz": gzip.compress(made.tarred({"a.md": matter})),
        **{f"a.jsonl.{how}": made.packed(lines, how) for how in ("gz", "bz2", "xz", "zst", "lz4")},
    }


@st.composite
def changed_files(draw: st.DrawFn, sound: Mapping[str, bytes]) -> tuple[str, bytes]:
    """A file's name and its bytes, of which some were changed."""
    names = sorted(sound)
    name = draw(st.sampled_from(names))
    data = sound[name]
    for _ in range(draw(st.integers(0, 6))):
        if data:
            data = _changed(draw, data, sound)[:MOST_BYTES]
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(names))
    return name, data


def _changed(draw: st.DrawFn, data: bytes, sound: Mapping[str, bytes]) -> bytes:  # noqa: PLR0911 - one return a kind
    place = draw(st.integers(0, len(data) - 1))
    match draw(st.sampled_from(("flip", "cut", "drop", "token", "repeat", "splice", "number", "digits", "noise"))):
        case "flip":
            return data[:place] + bytes([data[place] ^ draw(st.integers(1, 255))]) + data[place + 1 :]
        case "cut":
            return data[:place]
        case "drop":
            return data[:place] + data[place + draw(st.integers(1, 200)) :]
        case "token":
            return (
                data[:place]
                + draw(st.sampled_from(TOKENS)) * draw(st.sampled_from((1, 1, 1, 2, 50, 3_000)))
                + data[place:]
            )
        case "repeat":
            piece = data[place : place + draw(st.integers(1, 500))]
            return data[:place] + piece * draw(st.sampled_from((2, 3, 100, 1_000))) + data[place:]
        case "splice":
            other = sound[draw(st.sampled_from(sorted(sound)))]
            start = draw(st.integers(0, len(other) - 1))
            return data[:place] + other[start : start + draw(st.integers(1, 2_000))] + data[place:]
        case "number":
            width, order = draw(st.sampled_from((2, 4, 8))), draw(st.sampled_from(("little", "big")))
            number = draw(st.sampled_from(NUMBERS)) % (1 << 8 * width)
            return data[:place] + number.to_bytes(width, order) + data[place + width :]  # type: ignore[arg-type]
        case "digits":
            found = [*_DIGITS.finditer(data)]
            if not found:
                return data
            lie = draw(st.sampled_from(found))
            return data[: lie.start()] + b"%d" % draw(st.sampled_from(NUMBERS)) + data[lie.end() :]
        case _:
            return data[:place] + draw(st.binary(max_size=50)) + data[place:]


def check_reading(given_file: tuple[str, bytes]) -> None:
    """Every record and rejection is numbered, and fit for the tables; the records can be decoded."""
    name, data = given_file
    number = 0
    stream = buffered(io.BytesIO(data))  # type: ignore[arg-type]  # it has all that is asked of a raw stream
    for item in read_stream(stream, name, len(data), SMALL):
        if isinstance(item, RawRecord | Rejection):
            number += 1
            assert item.source == f"{name}#{number}"  # noqa: S101 - what is looked for
            repr(item).encode()
        if isinstance(item, RawRecord):
            for text in (item.url, item.site, item.extra, item.known.title, *item.known.authors, *item.known.tags):
                (text or "").encode()
        if isinstance(item, RawRecord) and number <= 20:
            _check_document(decode_record(item))


def _check_document(outcome: Document | Rejection) -> None:
    if isinstance(outcome, Document):
        outcome.text.encode()
        assert "\r" not in outcome.text  # noqa: S101 - as above
    else:
        outcome.detail.encode()


texts = st.sampled_from(
    [
        text.encode(encoding, "replace")
        for text in ("The council met – “on Monday”.\r\n" * 9, "Ça été déjà vu, où l’œuvre naît.\n" * 5, "Совет собрался в понедельник. " * 5, "市议会星期一开会。" * 9, "市議会は月曜日に開いた。" * 9)
        for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-32-be", "cp1252", "koi8-r", "cp1251", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp949", "mac-roman", "utf-7")
    ]
)  # fmt: skip
encodings = st.one_of(
    st.none(),
    st.sampled_from(("utf-8", "latin1", "utf-7", "punycode", "idna", "rot13", "hex", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "zlib", "utf-16", "big5", "x-user-defined", "iso-2022-cn-ext", "")),
    st.text(max_size=40),
)  # fmt: skip


@st.composite
def changed_texts(draw: st.DrawFn) -> RawRecord:
    """A record whose bytes were changed, with whatever is declared of them."""
    data = draw(st.one_of(texts, st.binary(max_size=3_000)))
    sound = {"other": draw(texts)}
    for _ in range(draw(st.integers(0, 5))):
        if data:
            data = _changed(draw, data, sound)[:MOST_BYTES]
    if draw(st.booleans()):
        declared = draw(st.sampled_from((b"utf-8", b"utf-16", b"koi8-r", b"utf-7", b"x" * 40, b"\xff")))
        data = b'<meta charset="' + declared + b'">' + data
    kind = draw(st.sampled_from(MediaType))
    return RawRecord(
        "a#1",
        data,
        kind,
        declared_encoding=draw(encodings),
        url=draw(st.sampled_from((None, "http://[", "https://example.org/"))),
    )


def check_decoding(record: RawRecord) -> None:
    """A document in plain text, or a rejection."""
    _check_document(decode_record(record))


PATTERN_PIECES = (
    "a", "read more", "é", "漢", "ſ", "\\d", "\\d+", "\\w*", "\\s?", "\\p{L}+", "\\p{Lu}", "\\P{Foo}", "\\b", "\\b{start}", "\\<", "[a-z]", "[^a]", "[[a-z]&&[^b]]",
    "[[:alpha:]]", "[", "]", "(", ")", "(?:", "(?i:", "(?P<x>", "(?=", "(?<!", "(?#", "(?-i)", "(?x)", "|", "*", "+", "?", "*?", "{2}", "{0,1000}", "{1000}", "{99999}",
    "{,", ".", "^", "$", "\\A", "\\z", "\\Z", "\\1", "\\k<x>", "\\x{1F600}", "\\u12", "\\Q", "\\", "©", " ", "(a+)+", "(a|a)*", "(a|ab)(c|bcd)(d*)", ".*.*.*",
)  # fmt: skip


@st.composite
def changed_packs(draw: st.DrawFn, packs: Mapping[str, bytes]) -> bytes:
    """A pack of one rule whose pattern is made of pieces, or a shipped pack of which something was changed."""
    if draw(st.booleans()):
        pattern = "".join(draw(st.lists(st.sampled_from(PATTERN_PIECES), max_size=30)))
        more = draw(
            st.sampled_from(
                (
                    "",
                    "zone = 'edge'\n",
                    "match = 'end'\n",
                    "opens = 'tail'\n",
                    "most_words = 99999999999999999999\n",
                    "x = 1\n",
                )
            )
        )
        hits = draw(st.sampled_from(('["a"]', '["a.[[ b]]"]', "[]", "[1]", '["\\u0000"]')))
        return f"[[rule]]\nid = 'x'\nreason = 'other'\nwhy = 'w'\npattern = '''{pattern}'''\n{more}hits = {hits}\nmisses = ['b']\n".encode()
    _, data = draw(changed_files(packs))
    return data


def check_rules(pack: bytes) -> None:
    """A pack is read, and its rules tried on lines; or it is refused with a message."""
    try:
        rules = read_pack("a.toml", pack.decode("utf-8", "replace"))
    except RulePackError as error:
        str(error).encode()
        return
    lines = [rule for rule in rules if rule.match == "line"]
    if lines:
        make_matcher(lines)


@dataclass(slots=True)
class Hunt:
    """What was tried so far."""

    check: Callable[[Any], None]
    tried: int = 0
    slowest: float = 0.0  # seconds of CPU
    last: object = None
    found: list[Path] = field(default_factory=list)

    def try_out(self, given_input: object) -> None:
        """Check one input, within its time."""
        self.tried += 1
        self.last = given_input
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        try:
            self.check(given_input)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.slowest = max(self.slowest, time.process_time() - began)

    def keep(self, folder: Path, error: BaseException) -> None:
        """Write the last input down, with what it led to."""
        folder.mkdir(parents=True, exist_ok=True)
        shown = repr(self.last)
        path = folder / f"{hashlib.sha256(shown.encode()).hexdigest()[:12]}.txt"
        path.write_text(f"{type(error).__name__}: {error}\n\n{shown}\n", encoding="utf-8", errors="backslashreplace")
        self.found.append(path)


class TooSlowError(Exception):
    """An input took too long."""


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    faulthandler.dump_traceback()
    raise TooSlowError(f"more than {MOST_SECONDS:g} s of CPU")


def hunt(what: str, minutes: float, folder: Path) -> Hunt:
    """Try inputs for so many minutes; each round with other ones."""
    strategy, check = _targets()[what]
    current = Hunt(check)
    signal.signal(signal.SIGPROF, _too_slow)
    end = time.monotonic() + minutes * 60
    number = early = 0
    while time.monotonic() < end:
        number += 1
        run = settings(
            max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
        )  # fmt: skip
        try:
            run(seed(number)(given(strategy)(current.try_out)))()
        except Exception as error:  # noqa: BLE001 - whatever is found
            current.keep(folder, error)
            print(f"found: {current.found[-1]}: {type(error).__name__}: {error}"[:300], flush=True)
        if time.monotonic() > end - minutes * 54 and not early:
            early = _resident()
    growth = _resident() - early
    print(
        f"{what}: {current.tried:,} inputs in {minutes:g} minutes, {len(current.found)} found; the slowest took {current.slowest:.2f} s"
        f" of CPU; {_resident() / 1e6:,.0f} MB at the end, {growth / 1e6:+,.0f} MB since the first tenth"
    )
    return current


def _targets() -> dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]]:
    packs = {
        entry.name: entry.read_bytes()
        for entry in (files("pipeline") / "rulepacks").iterdir()
        if entry.name.endswith(".toml")
    }
    packs = {name: data[:4_000] for name, data in packs.items()}
    return {
        "decode": (changed_texts(), check_decoding),
        "readers": (changed_files(sound_files()), check_reading),
        "rules": (changed_packs(packs), check_rules),
    }


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description="Look for inputs that break something.")
    parser.add_argument("what", choices=["decode", "readers", "rules"])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="where failing inputs are written")
    options = parser.parse_args()
    return 1 if hunt(options.what, options.minutes, options.keep).found else 0


if __name__ == "__main__":
    sys.exit(main())
