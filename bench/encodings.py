"""
How often bytes are read as the very text that was written: `python -m bench.encodings [--gold DIR] [--limit N] [--json FILE]`.

Gold texts are written in the encodings of their language, cut to 100 bytes, 1 KB and 10 KB at a character's end, and read
by ours, charset-normalizer, chardet and resiliparse: with the right declaration (as a server's header gives it), without
one, and with a wrong one. Declarations are given to peers as `requests` does: believed when the bytes allow it, and else
the detector is asked. A reading is right when it is the text, character by character. A passage is the start of the first
line from which the cut holds anything beyond ASCII, as pure ASCII reads the same everywhere; a text that a code page
cannot hold is left out for it. Means are over encodings, so that no language's number of texts weighs.
"""

import argparse
import json
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq
from resiliparse.parse.encoding import bytes_to_str, detect_encoding
from rich.console import Console
from rich.table import Table

from pipeline.decode import decode_record
from pipeline.records import Document, MediaType, RawRecord

GOLD = Path(__file__).resolve().parents[2] / "shared" / "gold"
PARTS = ("multilingual", "sites_ru_pl", "wcxb_dev", "news")
SIZES = {"100 B": 100, "1 KB": 1_000, "10 KB": 10_000}
DECLARED = ("right", "none", "wrong")
# A shorter text says nothing about its size.
_LEAST_SHARE = 0.6

_WIDE = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "utf-16-be-bom", "utf-32", "utf-32-le")
_WESTERN = ("cp1252", "iso-8859-1", "iso-8859-15", "mac-roman", "cp850")
_CENTRAL = ("cp1250", "iso-8859-2", "cp852")
_CYRILLIC = ("cp1251", "koi8-r", "iso-8859-5", "cp866")
_TURKISH = ("cp1254",)
_ARABIC = ("cp1256",)
_BALTIC = ("cp1257",)
_NARROW = {
    **dict.fromkeys(
        ("en", "de", "fr", "es", "it", "pt", "nl", "da", "no", "nb", "nn", "sv", "fi", "is", "id"), _WESTERN
    ),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro"), _CENTRAL),
    **dict.fromkeys(("ru", "bg", "uk", "be", "sr"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur"), _ARABIC),
    **dict.fromkeys(("lt", "lv", "et"), _BALTIC),
    "tr": _TURKISH,
    "el": ("cp1253", "iso-8859-7"),
    "he": ("cp1255",),
    "th": ("cp874",),
    "vi": ("cp1258",),
    "zh": ("gb18030", "gbk", "big5"),
    "ja": ("shift_jis", "euc-jp", "iso-2022-jp"),
    "ko": ("euc-kr",),
}
# What writes files that are called so, where Python's codec of the name is older; and marks, which codecs do not write.
_CODECS = {"shift_jis": "cp932", "big5": "cp950", "euc-kr": "cp949", "utf-16-be-bom": "utf-16-be"}
_LABELS = {"utf-8-sig": "utf-8", "utf-16-be-bom": "utf-16", "cp874": "windows-874", "mac-roman": "macintosh"}
# Declared by habit, by a template or by a server's default.
_WRONG = ("iso-8859-1", "utf-8", "windows-1251", "shift_jis", "iso-8859-2", "gb2312", "koi8-r", "windows-1254")

console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Sample:
    """A passage as somebody wrote it to a file."""

    encoding: str
    size: str  # a key of SIZES
    text: str
    data: bytes
    wrong: str  # a label under which `data` reads as another text, or not at all


@dataclass(frozen=True, slots=True)
class System:
    """Something that makes text of bytes; `declared` is a label or empty."""

    name: str
    read: Callable[[bytes, str], str | None]
    module: str  # what must be installed


@dataclass(frozen=True, slots=True)
class Figure:
    """The share of samples that a system reads right."""

    system: str
    declared: str  # one of DECLARED
    encoding: str
    size: str
    samples: int
    right: float


def load_texts(gold: Path, limit: int) -> dict[str, list[str]]:
    """At most `limit` gold texts of each language, in the order of the files."""
    texts: dict[str, list[str]] = defaultdict(list)
    for part in PARTS:
        rows = pq.read_table(gold / f"{part}.parquet", columns=["lang", "gold"]).to_pylist()
        for row in rows:
            if row["gold"] and len(texts[row["lang"]]) < limit:
                texts[row["lang"]].append(row["gold"].replace("\r\n", "\n").replace("\r", "\n"))
    return texts


def make_samples(texts: dict[str, list[str]]) -> Iterator[Sample]:
    """Every text in every encoding and size that its language and its length allow."""
    for language, of_language in sorted(texts.items()):
        for text in of_language:
            for encoding in (*_WIDE, *_NARROW.get(language, ())):
                for size in SIZES:
                    sample = _sample(text, encoding, size)
                    if sample:
                        yield sample


def _sample(text: str, encoding: str, size: str) -> Sample | None:
    for start in line_starts(text):
        passage = cut(text[start:], encoding, SIZES[size])
        if passage is None or len(write(passage, encoding)) < _LEAST_SHARE * SIZES[size]:
            return None
        if not passage.isascii():
            data = write(passage, encoding)
            return Sample(encoding, size, passage, data, wrong_label(passage, data))
    return None


def line_starts(text: str) -> list[int]:
    r"""
    Where the lines of a text start.

    >>> line_starts("ab\nc")
    [0, 3]
    """
    return [0, *(place + 1 for place, character in enumerate(text) if character == "\n")]


def cut(text: str, encoding: str, size: int) -> str | None:
    """
    The longest start of a text that takes no more than `size` bytes, or None if the encoding cannot hold it.

    >>> cut("naïve", "utf-8", 3), cut("naïve", "utf-8", 4), cut("naïve", "koi8-r", 4)
    ('na', 'naï', None)
    """
    passage = text[:size]
    try:
        while excess := len(write(passage, encoding)) - size:
            if excess < 0:
                break
            passage = passage[: -max(1, excess // 4)]
    except UnicodeEncodeError:
        return None
    return passage


def write(text: str, encoding: str) -> bytes:
    r"""
    Encode as programs do that call their output so.

    >>> write("a", "utf-16-be-bom")
    b'\xfe\xff\x00a'
    """
    mark = b"\xfe\xff" if encoding == "utf-16-be-bom" else b""
    return mark + text.encode(_CODECS.get(encoding, encoding))


def wrong_label(text: str, data: bytes) -> str:
    """One of the labels under which the bytes do not read as the text, another one from sample to sample."""
    turn = zlib.crc32(data) % len(_WRONG)
    labels = (*_WRONG[turn:], *_WRONG[:turn])
    return next(label for label in labels if data.decode(label, "replace").removeprefix("\ufeff") != text)


def read_ours(data: bytes, declared: str) -> str | None:
    """Read as a raw file whose server declared its encoding."""
    outcome = decode_record(RawRecord("bench#1", data, MediaType.TEXT, raw_sha256="", declared_encoding=declared))
    return outcome.text if isinstance(outcome, Document) else None


def read_charset_normalizer(data: bytes, declared: str) -> str | None:
    """Read what is declared, else take its best guess."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  # in the extra `bench`

    found = as_declared(data, declared)
    if found is None and (best := from_bytes(data).best()):
        found = str(best)
    return found


def read_chardet(data: bytes, declared: str) -> str | None:
    """Read what is declared, else as it detects."""
    import chardet  # noqa: PLC0415  # in the extra `bench`

    found = as_declared(data, declared)
    if found is None and (name := chardet.detect(data)["encoding"]):
        found = data.decode(name, "replace")
    return found


def read_resiliparse(data: bytes, declared: str) -> str | None:
    """Read what is declared, else as it detects."""
    found = as_declared(data, declared)
    return bytes_to_str(data, detect_encoding(data) or "utf-8") if found is None else found


def as_declared(data: bytes, declared: str) -> str | None:
    r"""
    Read as declared, if there is a declaration and the bytes allow it.

    >>> as_declared(b"caf\xe9", "latin-1"), as_declared(b"caf\xe9", "utf-8"), as_declared(b"caf\xe9", "")
    ('café', None, None)
    """
    try:
        return data.decode(declared) if declared else None
    except (UnicodeDecodeError, LookupError):
        return None


SYSTEMS = (
    System("ours", read_ours, "pipeline"),
    System("charset-normalizer", read_charset_normalizer, "charset_normalizer"),
    System("chardet", read_chardet, "chardet"),
    System("resiliparse", read_resiliparse, "resiliparse"),
)


def installed(systems: Sequence[System]) -> list[System]:
    """Those that can run here; charset-normalizer and chardet are in the extra `bench`."""
    return [system for system in systems if find_spec(system.module)]


def is_right(system: System, sample: Sample, declared: str) -> bool:
    """Tell whether a system reads a sample as it was written; a byte order mark that stays is no fault."""
    label = {"right": _LABELS.get(sample.encoding, sample.encoding), "wrong": sample.wrong, "none": ""}[declared]
    found = system.read(sample.data, label)
    return found is not None and found.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n") == sample.text


def score(system: System, samples: Sequence[Sample], declared: str) -> list[Figure]:
    """The share that a system reads right, by encoding and size."""
    outcomes: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for sample in samples:
        outcomes[sample.encoding, sample.size].append(is_right(system, sample, declared))
    return [
        Figure(system.name, declared, encoding, size, len(right), round(fmean(right), 4))
        for (encoding, size), right in outcomes.items()
    ]


def measure_speed(systems: Sequence[System], samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """CPU microseconds a KB without a declaration, by size, the systems in turns."""
    spent: dict[str, dict[str, float]] = {system.name: dict.fromkeys(SIZES, 0.0) for system in systems}
    amounts = dict.fromkeys(SIZES, 0)
    for sample in samples:
        amounts[sample.size] += len(sample.data)
        for system in systems:
            began = time.process_time()
            system.read(sample.data, "")
            spent[system.name][sample.size] += time.process_time() - began
    return {
        name: {size: round(seconds * 1e9 / amounts[size], 1) for size, seconds in by_size.items() if amounts[size]}
        for name, by_size in spent.items()
    }


def draw(figures: Sequence[Figure], declared: str) -> Table:
    """The figures with one kind of declaration, an encoding a line."""
    names = list(dict.fromkeys(figure.system for figure in figures))
    shares = {(f.encoding, f.size, f.system): f for f in figures if f.declared == declared}
    table = Table(title=f"read right, in percent; declaration: {declared}")
    table.add_column("encoding")
    for size in SIZES:
        table.add_column("n", justify="right", style="dim")
        for name in names:
            table.add_column(f"{name}\n{size}", justify="right")
    for encoding in dict.fromkeys(f.encoding for f in figures):
        cells: list[str] = []
        for size in SIZES:
            row = [shares.get((encoding, size, name)) for name in names]
            cells.append(str(row[0].samples) if row[0] else "")
            cells.extend(f"{100 * figure.right:.1f}" if figure else "-" for figure in row)
        table.add_row(encoding, *cells)
    means = [cell for size in SIZES for cell in ("", *(_mean_cell(figures, declared, size, name) for name in names))]
    table.add_section()
    table.add_row("mean", *means)
    return table


def _mean_cell(figures: Sequence[Figure], declared: str, size: str, name: str) -> str:
    shares = [f.right for f in figures if (f.declared, f.size, f.system) == (declared, size, name)]
    return f"{100 * fmean(shares):.1f}" if shares else "-"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--limit", type=int, default=20, help="texts of each language")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    samples = list(make_samples(load_texts(options.gold, options.limit)))
    systems = installed(SYSTEMS)
    figures = [figure for declared in DECLARED for system in systems for figure in score(system, samples, declared)]
    for declared in DECLARED:
        console.print(draw(figures, declared))
    speed = measure_speed(systems, samples[:: max(1, len(samples) // 2_000)])
    console.print("CPU microseconds a KB, without a declaration:", speed)
    if options.json:
        report = {"figures": [asdict(figure) for figure in figures], "microseconds_a_kb": speed}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
