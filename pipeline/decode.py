r"""
Raw bytes to text: find the encoding, make line ends "\n", change nothing else.

The order is that of certainty: a byte order mark, NUL bytes in the places where UTF-16 and UTF-32 put them, strict
UTF-8, UTF-8 with a few broken bytes, what the page or its header declares, and only then a detector. A text in another
encoding is almost never valid UTF-8, while nearly every byte string is valid in the single-byte encodings that old
pages declare by habit. Mojibake that is already in the bytes stays: mending it is a guess, and would break the promise
that kept and removed characters together are the dump.
"""

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from pipeline.blank import is_blank
from pipeline.hosts import host_of
from pipeline.records import Document, MediaType, Metadata, RawRecord, Rejection, RejectReason

# UTF-32's little-endian mark starts with UTF-16's, so the longest come first.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Where Python's codec of that name is narrower than what the web means by the label (https://encoding.spec.whatwg.org).
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
}

_DECLARED = re.compile(
    rb"""<meta\b[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_DECLARATION_BYTES = 4096  # WHATWG looks at 1024; many pages put scripts before the declaration

# The detector's mistakes for Western European, seen with few accents or only typographic quotes; hardly used on the web.
_RARE_LATIN = frozenset(
    {"cp437", "cp850", "cp852", "cp858", "cp860", "cp861", "cp862", "cp863", "cp865", "mac-roman", "mac-latin2"}
    | {f"iso8859-{part}" for part in (3, 4, 10, 13, 14, 16)}
)
# One or two bytes cannot tell these from Western European.
_LATIN = frozenset({"cp1250", "cp1254", "cp1257", "cp1258", "iso8859-2", "iso8859-9", "iso8859-15"})
_FEW_BYTES = 3
_HIGH_BYTES = bytes(range(0x80, 0x100))

_SAMPLE_BYTES = 65_536  # the detector is sure long before that
_PATTERN_BYTES = 16_384  # NUL positions repeat

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x00asm", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
)
# These two may be plain ASCII, so they are known by their first bytes alone.
_PRINTABLE_MAGIC = ((b"%PDF-", "a PDF document"), (b"{\\rtf", "an RTF document"))

# Control characters that no text needs; tab, line feed, vertical tab, form feed, carriage return and escape are used.
_CONTROLS = bytes({*range(0x20)} - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B}) + b"\x7f"
_C1_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")  # U+0085 is a line end on some systems
# Random bytes hold 11% controls in a one-byte encoding (28 of 256; 200 samples of 1 KB had 8% or more); the worst of
# 2,625 gold pages has 0.7%.
_MAX_CONTROL_SHARE = 0.05
# Bytes that are valid UTF-8 are not random; there NULs between words are tolerated as far as Perl's -T does.
_MAX_CONTROL_SHARE_IN_UTF8 = 0.3
# A text that lost all letters beyond ASCII has 4% (French) to 19% (Vietnamese); 200 samples of random bytes read as
# UTF-8 had 39% or more.
_MAX_LOST_SHARE = 0.3

_BEYOND_ASCII = re.compile("[^\x00-\x7f\ufffd]+")
_COMMON = re.compile("[\t\n\r -~\u3000-\u3002\uff01\uff0c\uff1a\uff1f]")
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffe\uffff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class _Decoded(NamedTuple):
    text: str
    encoding: str
    source: str  # as Document.encoding_source


def decode_record(record: RawRecord) -> Document | Rejection:
    r"""
    Decode a raw record, or say why it is no text.

    Control characters and NULs of real texts stay where they are; a leading byte order mark goes, and "\r\n" and "\r"
    become "\n". Never raises, whatever the bytes.

        >>> record = RawRecord("a.txt#1", "Ça va ?\r\nOui.".encode("cp1252"), MediaType.TEXT, raw_sha256="")
        >>> document = decode_record(record)
        >>> document.text, document.encoding, document.encoding_source
        ('Ça va ?\nOui.', 'cp1252', 'detected')
    """
    if not record.data:
        return _rejection(record, RejectReason.EMPTY, "the record has no bytes")
    kind = _kind_by_magic(record.data)
    if kind:
        return _rejection(record, RejectReason.BINARY, f"the first bytes are those of {kind}")
    decoded = _decode(record)
    if is_blank(decoded.text):
        if decoded.text.count("\0") * 2 > len(decoded.text):
            return _rejection(record, RejectReason.BINARY, "the record holds nothing but NUL bytes")
        return _rejection(record, RejectReason.EMPTY, "the record holds nothing but blank lines")
    damage = _damage(decoded)
    if damage:
        return _rejection(record, RejectReason.BINARY, f"{damage} (read as {decoded.encoding})")
    return Document(
        source=record.source,
        article_id=record.article_id,
        raw_sha256=record.raw_sha256,
        media_type=record.media_type,
        text=_plain_line_ends(decoded.text),
        encoding=decoded.encoding,
        encoding_source=decoded.source,
        known=replace(record.known, site=record.site or record.known.site or host_of(record.url), url=record.url),
        fetched_at=record.fetched_at,
        extra=record.extra,
    )


def document_from_text(
    text: str, *, url: str | None = None, source: str = "given#1", media_type: MediaType = MediaType.TEXT
) -> Document:
    r"""
    Wrap a string that somebody else decoded, for users of the library.

    Lone surrogates become U+FFFD: Arrow and every UTF-8 writer refuse them. A pair of them becomes its character.

        >>> document_from_text("One\r\ntwo \ud83d\ude00 \udcff").text
        'One\ntwo 😀 \ufffd'
    """
    sound = _replace_surrogates(text)
    digest = hashlib.sha256(sound.encode()).hexdigest()
    return Document(
        source=source,
        article_id=digest[:32],
        raw_sha256=digest,
        media_type=media_type,
        text=_plain_line_ends(sound.removeprefix("\ufeff")),
        encoding="utf-8",
        encoding_source="given",
        known=Metadata(site=host_of(url), url=url),
    )


def _decode(record: RawRecord) -> _Decoded:
    """Try each way to find the encoding, the surest first."""
    data = record.data
    return (
        _by_byte_order_mark(data)
        or _by_nul_pattern(data)
        or _by_escapes(data)
        or _as_utf8(data)
        or _as_damaged_utf8(data)
        or _as_declared(record)
        or _as_detected(data)
    )


def _by_byte_order_mark(data: bytes) -> _Decoded | None:
    """
    Read what a byte order mark announces.

    A UTF-8 mark before bytes that are not UTF-8 comes from glued files; the other ways then decide. UTF-16 and UTF-32
    are read even when damaged (a cut last character), since nothing else writes those marks before text.
    """
    marked = [(data[len(mark) :], encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)]
    for body, encoding in marked:
        text = _strictly(body, encoding)
        if text is not None:
            return _Decoded(text, encoding, "bom")
    wide = [(body, encoding) for body, encoding in marked if encoding != "utf-8"]
    if not wide:
        return None
    body, encoding = wide[-1]  # UTF-16 rather than UTF-32, which one wrong byte makes unreadable from there on
    return _Decoded(body.decode(encoding, "replace"), encoding, "bom")


def _by_nul_pattern(data: bytes) -> _Decoded | None:
    """
    Recognise UTF-32 and UTF-16 without a mark by where their NUL bytes stand; detectors take both for one-byte text.

    Read in the right one, a text shows ASCII (its NULs are the other half of each character) or the punctuation of
    Chinese and Japanese; read in the wrong byte order, its spaces and line ends are strange letters.
    """
    sample = data[:_PATTERN_BYTES]
    if b"\0" not in sample:
        return None
    for width, encodings in ((4, ("utf-32-le", "utf-32-be")), (2, ("utf-16-le", "utf-16-be"))):
        whole = sample[: len(sample) - len(sample) % width]
        share, encoding = max((_share_of_common(whole.decode(encoding, "replace")), encoding) for encoding in encodings)
        if len(whole) > width and _is_wide(whole, encoding, share):
            return _Decoded(data.decode(encoding, "replace"), encoding, "nul-pattern")
    return None


def _share_of_common(text: str) -> float:
    """Measure how many characters are printable ASCII, line ends or the punctuation of Chinese and Japanese."""
    return len(_COMMON.findall(text)) / len(text) if text else 0.0


def _is_wide(sample: bytes, encoding: str, share_of_common: float) -> bool:
    """
    Tell whether a sample is text in a wide encoding rather than one-byte text with stray NULs, or no text.

    Latin text in UTF-16 has a NUL in nearly every pair of bytes, other scripts at spaces and line ends. One-byte text
    with strays is valid UTF-8 without other control bytes, which UTF-16 is only if its NULs are many.
    """
    text = sample.decode(encoding, "replace")
    # The sample may end inside a surrogate pair, hence the last character.
    odd = text[:-1].count("\ufffd") + text.count("\0") + _count_controls(text) + len(_PRIVATE.findall(text))
    if odd > len(text) / 50:
        return False
    if encoding.startswith("utf-32") or share_of_common >= 0.6:
        return True
    controls = len(sample) - len(sample.translate(None, _CONTROLS)) - sample.count(0)
    looks_one_byte = controls < len(sample) / 10 and _is_start_of_utf8(sample)
    return share_of_common >= 0.02 and not looks_one_byte


def _by_escapes(data: bytes) -> _Decoded | None:
    """Read Japanese in seven bits (ISO-2022-JP), which would pass as ASCII; its escape sequences mean nothing else."""
    if b"\x1b$" not in data or not data.isascii():
        return None
    text = _strictly(data, "iso2022_jp_2")
    return None if text is None or "\x1b" in text else _Decoded(text, "iso2022_jp_2", "detected")


def _as_utf8(data: bytes) -> _Decoded | None:
    """Read valid UTF-8; plain ASCII is UTF-8 too."""
    text = _strictly(data, "utf-8")
    return None if text is None else _Decoded(text, "utf-8", "utf-8")


def _as_damaged_utf8(data: bytes) -> _Decoded | None:
    """
    Read UTF-8 with a few broken bytes: a cut last character, or a stray byte from another page.

    Bytes of another encoding form a valid UTF-8 sequence now and then, never twenty times as often as an invalid one.
    A short text that is only cut inside its last character has fewer sequences, and nothing else wrong.
    """
    body = data.removeprefix(codecs.BOM_UTF8)
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd") - body.count(b"\xef\xbf\xbd")
    sound = sum(map(len, _BEYOND_ASCII.findall(text)))
    if sound > 20 * broken or (sound and _is_start_of_utf8(body)):
        return _Decoded(text, "utf-8", "detected")
    return None


def _as_declared(record: RawRecord) -> _Decoded | None:
    """Read as declared by a header or, for HTML, by the page; a declaration that the bytes contradict is passed over."""
    labels = [record.declared_encoding] if record.declared_encoding else []
    if record.media_type is MediaType.HTML:
        labels.extend(_declared_in_markup(record.data))
    for label in labels:
        encoding = _codec_of(label)
        text = _strictly(record.data, encoding) if encoding else None
        if encoding and text is not None:
            return _Decoded(text, encoding, "declared")
    return None


def _declared_in_markup(data: bytes) -> Iterator[str]:
    """Yield the encodings a page declares; UTF-16 is left out, since the declaration could not be read in it."""
    head = _COMMENT.sub(b"", data[:_DECLARATION_BYTES])
    for match in _DECLARED.finditer(head):
        label = (match[1] or match[2]).decode("ascii", "replace")
        if not label.lower().startswith(("utf-16", "utf-32")):
            yield label


def _codec_of(label: str) -> str | None:
    """
    Return Python's codec for an encoding label as browsers read it (https://encoding.spec.whatwg.org/#names-and-labels).

    Pages that say ISO-8859-1 mean Windows-1252, and GB2312 pages use characters that only GB18030 has.

        >>> _codec_of("ISO-8859-1"), _codec_of("x-sjis"), _codec_of("utf-7"), _codec_of("nonsense")
        ('cp1252', 'cp932', None, None)
    """
    name = map_encoding_to_html5(label.strip().strip("\"';"), fallback_utf8=False)
    if not name:
        return None
    codec = codecs.lookup(name).name
    return _WIDER.get(codec, codec)


def _as_detected(data: bytes) -> _Decoded:
    """
    Ask a detector, and read its answer even when some bytes do not fit.

    It is shown the lines and text nodes that hold other bytes than ASCII: scripts and tags would thin out the evidence.
    Without an answer, or with one about Latin letters from a handful of bytes, Western European is the likeliest, as in
    browsers.
    """
    body = data.removeprefix(codecs.BOM_UTF8)
    telling = b"\n".join(run for run in re.split(rb"[<>\r\n]", body[: 16 * _SAMPLE_BYTES]) if not run.isascii())
    name = detect_encoding(telling or body, max_len=_SAMPLE_BYTES, html5_compatible=False)
    try:
        codec = codecs.lookup(name).name if name else "cp1252"
    except LookupError:  # the detector knows a few encodings that Python does not, such as VISCII
        codec = "cp1252"
    beyond_ascii = len(telling) - len(telling.translate(None, _HIGH_BYTES))
    unsure = codec in _RARE_LATIN or (codec in _LATIN and beyond_ascii < _FEW_BYTES)
    if unsure and _strictly(body, "cp1252") is not None:
        codec = "cp1252"
    encoding = _WIDER.get(codec, codec)
    return _Decoded(body.decode(encoding, "replace"), encoding, "detected")


def _strictly(data: bytes, encoding: str) -> str | None:
    """Decode without any mending, or return None."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_start_of_utf8(data: bytes) -> bool:
    """Tell whether bytes are valid UTF-8 but for a last character that may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _kind_by_magic(data: bytes) -> str | None:
    """Name the kind of a well-known binary file by its first bytes; a text may start with letters such as "MZ"."""
    for magic, kind in _PRINTABLE_MAGIC:
        if data.startswith(magic):
            return kind
    kinds = [kind for magic, kind in _MAGIC if data.startswith(magic)]
    head = data[:1024]
    if kinds and (len(head) != len(head.translate(None, _CONTROLS)) or not _is_start_of_utf8(head)):
        return kinds[0]
    return None


def _damage(decoded: _Decoded) -> str | None:
    """
    Say what shows that a decoded string is no text, or return None.

    NULs at the end do not count: a file that was given its size before it was filled is still a text.
    """
    body = decoded.text.rstrip("\0")
    limit = _MAX_CONTROL_SHARE_IN_UTF8 if decoded.source == "utf-8" else _MAX_CONTROL_SHARE
    controls, lost = _count_controls(body), body.count("\ufffd")
    if controls > limit * len(body):
        return f"{controls:,} of {len(body):,} characters are control characters"
    if lost > _MAX_LOST_SHARE * len(body):
        return f"{lost:,} of {len(body):,} characters could not be decoded"
    return None


def _count_controls(text: str) -> int:
    """Count the characters that no text needs."""
    encoded = text.encode("utf-8", "replace")
    return len(encoded) - len(encoded.translate(None, _CONTROLS)) + len(_C1_CONTROLS.findall(text))


def _plain_line_ends(text: str) -> str:
    r"""Make "\r\n" and "\r" to "\n"; the other separators of `str.splitlines` are left alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _replace_surrogates(text: str) -> str:
    """Join surrogate pairs to their character and replace lone surrogates by U+FFFD."""
    if not _LONE_SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _rejection(record: RawRecord, reason: RejectReason, detail: str) -> Rejection:
    return Rejection(record.source, record.raw_sha256, reason, detail, len(record.data), offset=record.offset)
