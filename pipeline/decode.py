r"""
Raw bytes to text: find the encoding, make line ends "\n", change nothing else.

The order is that of certainty: a byte order mark, NUL and other control bytes in the places where UTF-16 and UTF-32 put
them, strict UTF-8, UTF-8 with a few broken bytes, what the page or its header declares unless the bytes contradict it,
and only then what makes the likeliest text. A text in another encoding is almost never valid UTF-8, while nearly every
byte string is valid in the single-byte encodings that old pages declare by habit.

How likely a text is, its letters say: their shares in some 40 languages come from jusText's lists of frequent words. No
detector is right alone, `python -m bench.encodings` compares them; one has a vote.

Mojibake in the bytes is mended only when a whole text certainly is (`encoding_source` then says so). The promise that
kept and removed characters together are the dump holds for the mended text.
"""

import codecs
import hashlib
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import ftfy.bad_codecs  # noqa: F401  # registers the codecs of `_MOJIBAKE_PAGES`
import numpy as np
import numpy.typing as npt
from ftfy.badness import is_bad
from justext import get_stoplist
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

# Code pages of DOS and the Mac, and UTF-32: browsers refuse them, mail and disks hold them. No codec that runs or hides text.
_OFF_THE_WEB = re.compile(
    r"cp\d{3,4}|mac-\w+|utf-32(-[lb]e)?|johab|hz|iso2022_(jp|kr)\w*|iso8859-\d+|koi8-t|kz1048|ptcp154"
)

_DECLARED = re.compile(
    rb"""<meta\b[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_DECLARATION_BYTES = 4096  # WHATWG looks at 1024; many pages put scripts before the declaration

# What single-byte text may be in, with the log odds of meeting it (`_CODE_PAGES["cp1252"]` is the yardstick). Windows' pages
# outnumber the others on the web (https://w3techs.com/technologies/overview/character_encoding); those of DOS and the old
# Mac come from disks only.
_CODE_PAGES = {
    "cp1252": 0.0,
    **dict.fromkeys(("cp1250", "cp1251", "cp1253", "cp1255", "cp1256", "koi8-r"), -1.0),
    **dict.fromkeys(("cp1254", "cp1257", "iso8859-2", "iso8859-7"), -1.5),
    **dict.fromkeys(("iso8859-15", "koi8-u"), -2.0),
    **dict.fromkeys(("iso8859-5", "iso8859-6", "cp866"), -3.0),
    **dict.fromkeys(("mac-cyrillic", "mac-roman", "cp850", "cp852"), -4.0),
}
# The detector's mistakes for Western European, seen with few accents or only typographic quotes; hardly used on the web.
_RARE_LATIN = frozenset(
    {"cp437", "cp858", "cp860", "cp861", "cp862", "cp863", "cp865", "cp1258", "mac-latin2"}
    | {f"iso8859-{part}" for part in (1, 3, 4, 9, 10, 13, 14, 16)}
)
# Languages with letters in these code pages, by the names of jusText's lists of their most frequent words.
_LANGUAGES = (
    *(
        "Albanian",
        "Arabic",
        "Azerbaijani",
        "Belarusian",
        "Bulgarian",
        "Catalan",
        "Croatian",
        "Czech",
        "Danish",
        "Dutch",
    ),
    *("English", "Estonian", "Finnish", "French", "Galician", "German", "Greek", "Hebrew", "Hungarian", "Icelandic"),
    *("Indonesian", "Irish", "Italian", "Latvian", "Lithuanian", "Macedonian", "Norwegian_Bokmal", "Norwegian_Nynorsk"),
    *("Persian", "Polish", "Portuguese", "Romanian", "Russian", "Serbian", "Slovak", "Slovenian", "Spanish", "Swedish"),
    *("Turkish", "Ukrainian", "Urdu", "Welsh"),
)
# Shares of characters in running text, rough to a factor of two: an encoding that is wrong is so by many factors of ten.
_OF_PUNCTUATION = {
    **dict.fromkeys("’", 0.004),
    **dict.fromkeys("“”–\u00a0«»„", 0.002),
    **dict.fromkeys("—…‘", 0.001),
    **dict.fromkeys("•·€£°©®™§½²،؟", 0.0002),
}
# Running text and headings: the share of a letter that is its small form's, its capital's, and the log odds of such a text.
_STYLES = ((0.95, 0.05, 0.0), (0.5, 0.5, -6.0))
_OF_FOREIGN_LETTERS = 1e-5
_OF_OTHER_SIGNS = 1e-6
_OF_CONTROLS = 1e-9
_ODD = -6.0  # a capital or what opens a quotation right after a small Latin letter, or another script beside one
_OPENING = frozenset("„‚¿¡")
_OF_LATIN_ELSEWHERE = 2e-3  # a Latin letter in a text of another script
# Neighbouring ASCII letters depend on each other; counted in full, they would outvote the bytes in question.
_ASCII_WEIGHT = 0.3

# East Asian encodings: the codec of their character set, and the first bytes there of its commonest ideographs.
_IDEOGRAPHS = {
    "gb18030": ("gb2312", 0xB0, 0xD7),
    "big5hkscs": ("big5", 0xA4, 0xC6),
    "cp932": ("euc_jp", 0xB0, 0xCF),
    "euc_jp": ("euc_jp", 0xB0, 0xCF),
    "cp949": ("euc_kr", 0xFF, 0xFF),  # Korean is written without
}
_EAST_ASIAN_SIGNS = re.compile("[\u3000-\u3011\uff01-\uff1f\u2013-\u201d\u2026\u00b7]")
_KANA = re.compile("[\u3041-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_ASCII_LETTERS = string.ascii_letters.encode()
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]+")
# Logarithms of the share of one such character, where all are about as frequent: some 30 signs, 80 kana, 500 syllables,
# and the commonest 500 ideographs in four of five places.
_LOG_SIGN, _LOG_KANA, _LOG_HANGUL, _LOG_COMMON, _LOG_RARE, _LOG_STRANGE = -4.0, -4.5, -6.0, -6.5, -11.0, -14.0

# How much likelier (in logarithms) another encoding must make a text than the one that is declared.
# The right declarations of `python -m bench.encodings` are behind by 8 at most, where a text has a single accent.
_CONTRADICTION = 12.0
_VOTE = 2.0  # what the detector's word is worth

_TELLING_BYTES = 4_096  # to weigh letters; more does not change the order
_SAMPLE_BYTES = 65_536  # the detector is sure long before that
_PATTERN_BYTES = 16_384  # NUL positions repeat
_LOW = bytes(range(0x20))
_LOW_HALVES = 0.9  # what is left are typographic quotes and dashes (U+2013 to U+2026)

# ftfy's codecs, which write the five bytes that Windows-1252 leaves out as Python's Latin-1 does.
_MOJIBAKE_PAGES = ("sloppy-windows-1252", "latin-1", "sloppy-windows-1251", "sloppy-windows-1250", "macroman")
_MOST_LAYERS = 2
_FEWEST_MENDED = 5  # a text may quote some

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
_C1_CONTROLS = re.compile(b"\xc2[\x80-\x84\x86-\x9f]")  # in UTF-8; U+0085 is a line end on some systems
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
    decoded = _without_mojibake(_decode(record))
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
        known=_known(record),
        fetched_at=record.fetched_at,
        extra=record.extra,
    )


def _known(record: RawRecord) -> Metadata:
    known, site = record.known, record.site or record.known.site or host_of(record.url)
    return known if (known.site, known.url) == (site, record.url) else replace(known, site=site, url=record.url)


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


def _without_mojibake(decoded: _Decoded) -> _Decoded:
    """
    Mend a text that was UTF-8, was read as a code page and written anew, when that is certain; some were so twice.

    Certain is: the whole text can be written in that code page, what comes out is UTF-8 without a fault and has fewer
    characters, there are several of them, and ftfy calls the text bad, but not what comes out. An article that
    quotes mojibake has proper quotes or accents elsewhere, or little of it; neither is touched.
    """
    text = inner = decoded.text
    for _ in range(_MOST_LAYERS):
        first = _BEYOND_ASCII.search(inner, _end_of_ascii(inner))
        if first is None or len(first[0]) == 1:  # UTF-8 has two bytes or more for what is beyond ASCII
            break
        inner = next(filter(None, (_one_layer_off(inner, page) for page in _MOJIBAKE_PAGES)), inner)
    if inner is text or sum(map(len, _BEYOND_ASCII.findall(inner))) < _FEWEST_MENDED:
        return decoded
    certain = is_bad(text) and not is_bad(inner) and not _C1_CONTROLS.search(inner.encode("utf-8", "replace"))
    return _Decoded(inner, decoded.encoding, "repaired-mojibake") if certain else decoded


def _end_of_ascii(text: str) -> int:
    """Return where a text's first other character stands; a codec finds it ten times as fast as a pattern."""
    try:
        text.encode("ascii")
    except UnicodeEncodeError as error:
        return error.start
    return len(text)


def _one_layer_off(text: str, page: str) -> str | None:
    """Read what a text is in a code page as UTF-8, or return None if it cannot be."""
    try:
        return text.encode(page).decode("utf-8")
    except UnicodeError:
        return None


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
    if len(sample) == len(sample.translate(None, _CONTROLS)):
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
    if max(_share_of_low(sample[::2]), _share_of_low(sample[1::2])) >= _LOW_HALVES:
        return True
    controls = len(sample) - len(sample.translate(None, _CONTROLS)) - sample.count(0)
    looks_one_byte = controls < len(sample) / 10 and _is_start_of_utf8(sample)
    return share_of_common >= 0.02 and not looks_one_byte


def _share_of_low(halves: bytes) -> float:
    """Measure how many bytes are below space: in UTF-16 nearly all first halves of alphabets up to Thai and Tibetan."""
    return 1 - len(halves.translate(None, _LOW)) / len(halves) if halves else 0.0


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
    """
    Read as declared by a header or, for HTML, by the page.

    A declaration is passed over when the bytes contradict it: they are not valid in it, or make a text that is far less
    likely than what they make in another encoding.
    """
    labels = [record.declared_encoding] if record.declared_encoding else []
    if record.media_type is MediaType.HTML:
        labels.extend(_declared_in_markup(record.data))
    for label in labels:
        encoding = _codec_of(label)
        text = _strictly(record.data, encoding) if encoding else None
        if encoding and text is not None and not _is_contradicted(record.data, encoding):
            return _Decoded(text, encoding, "declared")
    return None


def _is_contradicted(data: bytes, encoding: str) -> bool:
    """Tell whether another encoding makes a far likelier text; of encodings that are not weighed nothing is known."""
    telling = _telling(data)
    likelihoods = _likelihoods(telling, _named_by_detector(telling))
    if encoding in _IDEOGRAPHS:
        likelihoods[encoding] = _east_asian_likelihood(telling, encoding)
    declared = likelihoods.get(encoding)
    return declared is not None and max(likelihoods.values()) - declared > _CONTRADICTION


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
    stripped = label.strip().strip("\"';")
    name = map_encoding_to_html5(stripped, fallback_utf8=False)
    try:
        codec = codecs.lookup(name or stripped).name
    except (LookupError, ValueError):  # a NUL in the label
        return None
    return _WIDER.get(codec, codec) if name or _OFF_THE_WEB.fullmatch(codec) else None


def _as_detected(data: bytes) -> _Decoded:
    """
    Read in the encoding that makes the likeliest text, even when some bytes do not fit.

    The detector has a vote on code pages, and the word on encodings that are not weighed, such as Thai ones.
    """
    body = data.removeprefix(codecs.BOM_UTF8)
    telling = _telling(body)
    named = _named_by_detector(telling)
    likelihoods = _likelihoods(telling, named)
    unknown = named not in likelihoods and named not in _RARE_LATIN and named is not None
    if unknown and named and _strictly(body, named) is not None:
        return _Decoded(body.decode(named), named, "detected")
    encoding = max(likelihoods, key=likelihoods.__getitem__)
    return _Decoded(body.decode(encoding, "replace"), encoding, "detected")


def _telling(data: bytes) -> bytes:
    """Leave only lines and text nodes that hold other bytes than ASCII: scripts and tags would thin out the evidence."""
    runs = re.split(rb"[<>\r\n]", data[: 16 * _SAMPLE_BYTES])
    return b"\n".join(run for run in runs if not run.isascii())[:_SAMPLE_BYTES] or data[:_SAMPLE_BYTES]


def _named_by_detector(telling: bytes) -> str | None:
    """Ask the detector for a codec; it knows a few encodings that Python does not, such as VISCII."""
    name = detect_encoding(telling, max_len=_SAMPLE_BYTES, html5_compatible=False)
    try:
        codec = codecs.lookup(name).name if name else None
    except LookupError:
        return None
    return _WIDER.get(codec, codec) if codec else None


def _likelihoods(telling: bytes, named: str | None) -> dict[str, float]:
    """
    Say how likely bytes are as text in each encoding: the logarithm for the language that fits best, and what is prior.

    An East Asian encoding takes part when it is the one that the detector names, so that most texts need not be read as such.
    """
    counts = _counts_in_context(telling[:_TELLING_BYTES])
    seen = counts.nonzero()[0]
    fits = (counts[seen] @ _letter_weights()[seen]).reshape(len(_CODE_PAGES), len(_STYLES), len(_LANGUAGES))
    fits = (fits.max(axis=2) + [odds for *_, odds in _STYLES]).max(axis=1)
    likelihoods = {page: float(fit) + prior for (page, prior), fit in zip(_CODE_PAGES.items(), fits, strict=True)}
    if named in likelihoods:
        likelihoods[named] += _VOTE
    elif named in _IDEOGRAPHS:
        likelihoods[named] = _east_asian_likelihood(telling, named) + _VOTE
    return likelihoods


def _counts_in_context(sample: bytes) -> npt.NDArray[np.float32]:
    """Count each byte, apart by the small Latin letters beside it: nowhere, before it, after it, on both sides."""
    places = np.frombuffer(sample, np.uint8).astype(np.int64)
    small = (places >= ord("a")) & (places <= ord("z"))
    before, after = np.zeros(len(places), np.int64), np.zeros(len(places), np.int64)
    before[1:], after[:-1] = small[:-1], small[1:]
    return np.bincount(places + 256 * (before + 2 * after), minlength=1024).astype(np.float32)


@cache
def _letter_weights() -> npt.NDArray[np.float32]:
    """Weigh each byte of each code page in each language and context: logarithms, 1024 x (code pages x styles x languages)."""
    pages = [[bytes([byte]).decode(page, "replace") for byte in range(256)] for page in _CODE_PAGES]
    characters = sorted({character for page in pages for character in page})
    column = {character: place for place, character in enumerate(characters)}
    places = np.array([[column[character] for character in page] for page in pages])
    shares = [_letter_shares(get_stoplist(language)) for language in _LANGUAGES]
    voices = [(of, small, capital) for small, capital, _ in _STYLES for of in shares]
    plain = np.array([[_weight(character, *voice) for character in characters] for voice in voices], np.float32)
    odd = np.array([[_oddness(character, beside) for character in characters] for beside in range(4)], np.float32)
    weights = plain[:, None, :] + odd[None, :, :]  # voices x contexts x characters
    in_pages = weights[:, :, places]  # voices x contexts x code pages x bytes
    return np.ascontiguousarray(in_pages.transpose(1, 3, 2, 0).reshape(1024, -1))


def _letter_shares(words: Iterable[str]) -> dict[str, float]:
    """
    How often each letter occurs among letters, judged by a language's most frequent words.

    >>> _letter_shares(["día", "ida"])["a"]
    0.3333333333333333
    """
    counts = Counter(character for word in words for character in word.lower() if character.isalpha())
    total = counts.total()
    return {letter: count / total for letter, count in counts.items()}


def _weight(character: str, shares: dict[str, float], small: float, capital: float) -> float:
    """Take the logarithm of a character's share in a language; ASCII counts by its letters and less."""
    lower = character.lower()
    own = shares.get(lower, 0.0) * (small if character == lower else capital)
    if character.isascii():
        return _ASCII_WEIGHT * math.log(max(own, _OF_LATIN_ELSEWHERE)) if character.isalpha() else 0.0
    if character.isalpha():
        return math.log(max(own, _OF_FOREIGN_LETTERS))
    if character == "\ufffd" or unicodedata.category(character) == "Cc":
        return math.log(_OF_CONTROLS)
    return math.log(_OF_PUNCTUATION.get(character, _OF_OTHER_SIGNS))


def _oddness(character: str, beside: int) -> float:
    """Weigh what hardly stands beside a small Latin letter, in a context of `_counts_in_context`; ASCII says nothing."""
    if character.isascii() or not beside:
        return 0.0
    is_other_script = character.isalpha() and "LATIN" not in unicodedata.name(character, "LATIN")
    is_start = character.isupper() or character in _OPENING
    return _ODD if is_other_script or (is_start and beside & 1) else 0.0


def _east_asian_likelihood(telling: bytes, encoding: str) -> float:
    """Say how likely bytes are as Chinese, Japanese or Korean, on the scale of `_likelihoods`."""
    text = telling[:_TELLING_BYTES].decode(encoding, "replace")
    ascii_part = text.encode("ascii", "ignore")
    latin, beyond = len(ascii_part) - len(ascii_part.translate(None, _ASCII_LETTERS)), len(text) - len(ascii_part)
    signs, kana = len(_EAST_ASIAN_SIGNS.findall(text)), len(_KANA.findall(text))
    hangul = sum(map(len, _HANGUL.findall(text)))
    ideographs = "".join(_IDEOGRAPH.findall(text))
    charset, first, last = _IDEOGRAPHS[encoding]
    common = sum(first <= lead <= last for lead in ideographs.encode(charset, "ignore")[::2])
    rare = len(ideographs) - common
    strange = beyond - signs - kana - hangul - len(ideographs)
    return (
        latin * _ASCII_WEIGHT * math.log(_OF_LATIN_ELSEWHERE)
        + signs * _LOG_SIGN
        + kana * _LOG_KANA
        + hangul * _LOG_HANGUL
        + common * _LOG_COMMON
        + rare * _LOG_RARE
        + strange * _LOG_STRANGE
    )


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
    return len(encoded) - len(encoded.translate(None, _CONTROLS)) + len(_C1_CONTROLS.findall(encoded))


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
