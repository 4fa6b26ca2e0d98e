"""Decoding: the encoding is found, line ends are made plain, and nothing else changes."""

import codecs
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.decode import decode_record, document_from_text
from pipeline.records import Document, MediaType, RawRecord, Rejection, RejectReason

FRENCH = "Le café où les élèves étaient déjà allés à l’été a fermé ; « très tôt », dit-elle."
GERMAN = "Die Straßenbahn fährt künftig über die Brücke, sagte der Bürgermeister am Dienstag."
CHINESE = "市政府今天宣布，新的图书馆将于下个月开放。市民可以免费借阅图书，也可以参加讲座。\n"
TAIWANESE = "市政府今天宣布，新的圖書館將於下個月開放。市民可以免費借閱圖書，也可以參加講座。\n"
JAPANESE = "市は今日、新しい図書館を来月開館すると発表しました。市民は無料で本を借りることができます。\n"
KOREAN = "시는 오늘 새로운 도서관을 다음 달에 연다고 발표했다. 시민들은 무료로 책을 빌릴 수 있다.\n"
RUSSIAN = "Город объявил сегодня, что новая библиотека откроется в следующем месяце для всех жителей.\n"
GREEK = "Ο δήμος ανακοίνωσε σήμερα ότι η νέα βιβλιοθήκη θα ανοίξει τον επόμενο μήνα για όλους.\n"
HINDI = "शहर ने आज बताया कि नया पुस्तकालय अगले महीने खुलेगा और किताबें मुफ्त होंगी।\n"
POLISH = "Miasto ogłosiło dziś, że nowa biblioteka zostanie otwarta w przyszłym miesiącu i będzie bezpłatna.\n"
TURKISH = "Belediye bugün yeni kütüphanenin gelecek ay açılacağını ve kitapların ücretsiz olduğunu söyledi.\n"
LITHUANIAN = "Miestas šiandien pranešė, kad naujoji biblioteka kitą mėnesį bus atidaryta ir knygos čia bus už dyką.\n"
HEBREW = "העירייה הודיעה היום כי הספרייה החדשה תיפתח בחודש הבא לכל התושבים.\n"
ARABIC = "أعلنت المدينة اليوم أن المكتبة الجديدة ستفتح أبوابها في الشهر المقبل لجميع السكان.\n"
SWEDISH = "Kommunen säger att det nya biblioteket öppnar nästa månad och att alla får låna böcker där.\n"
RANDOM = random.Random(1).randbytes(1_001_000)
ENGLISH = "The city said today that its new library will open next month.\nBooks are free to borrow.\n"


def record(data: bytes, media_type: MediaType = MediaType.TEXT, **fields: str) -> RawRecord:
    return RawRecord(source="a#1", data=data, media_type=media_type, raw_sha256="00", **fields)


def decoded(data: bytes, media_type: MediaType = MediaType.TEXT, **fields: str) -> Document:
    document = decode_record(record(data, media_type, **fields))
    assert isinstance(document, Document), document
    return document


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (FRENCH, "cp1252", "cp1252"),
        (GERMAN, "cp1252", "cp1252"),
        (CHINESE, "gb18030", "gb18030"),
        (TAIWANESE, "big5", "big5hkscs"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (JAPANESE, "iso2022_jp", "iso2022_jp_2"),
        (KOREAN, "euc_kr", "cp949"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "cp866", "cp866"),
        (RUSSIAN, "iso-8859-5", "iso8859-5"),
        (GREEK, "cp1253", "iso8859-7"),  # one text in both
        (POLISH, "cp1250", "cp1250"),
        (POLISH, "iso-8859-2", "iso8859-2"),
        (TURKISH, "cp1254", "cp1254"),
        (LITHUANIAN, "cp1257", "cp1257"),
        (HEBREW, "cp1255", "cp1255"),
        (ARABIC, "cp1256", "cp1256"),
        (FRENCH, "mac-roman", "mac-roman"),
        (SWEDISH, "cp850", "cp850"),
    ],
)
def test_encoding_without_any_sign_is_detected(text: str, encoding: str, named: str) -> None:
    """The encodings of old dumps are told by their bytes alone."""
    document = decoded(text.encode(encoding))

    assert (document.text, document.encoding, document.encoding_source) == (text, named, "detected")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [ENGLISH, FRENCH, CHINESE, JAPANESE, KOREAN, RUSSIAN, GREEK, HINDI])
def test_wide_encoding_without_mark_is_known_by_its_nuls(text: str, encoding: str) -> None:
    """UTF-16 and UTF-32 need no byte order mark, in any script; detectors take them for one-byte text."""
    document = decoded((text + "1 2").encode(encoding))

    assert (document.text, document.encoding, document.encoding_source) == (text + "1 2", encoding, "nul-pattern")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_mark_decides_and_is_removed(mark: bytes, encoding: str) -> None:
    """A mark names the encoding; UTF-32's is not mistaken for UTF-16's, which it begins with."""
    document = decoded(mark + FRENCH.encode(encoding))

    assert (document.text, document.encoding, document.encoding_source) == (FRENCH, encoding, "bom")


def test_utf8_mark_before_another_encoding_is_not_believed() -> None:
    """Glued files carry a UTF-8 mark before bytes that are not UTF-8."""
    assert decoded(codecs.BOM_UTF8 + FRENCH.encode("cp1252")).text == FRENCH


def test_utf16_cut_in_the_middle_of_a_character_is_read() -> None:
    """A truncated file loses its last character and no more."""
    data = codecs.BOM_UTF16_LE + ENGLISH.encode("utf-16-le")

    assert decoded(data[:-1]).text == ENGLISH[:-1] + "\ufffd"


@pytest.mark.parametrize("stray", [b"\xe9", "日".encode()[:2]])
def test_one_broken_byte_does_not_undo_utf8(stray: bytes) -> None:
    """A stray byte in a UTF-8 file becomes U+FFFD; the rest is not read as something else."""
    text = decoded(FRENCH.encode() * 3 + stray + FRENCH.encode() * 3).text

    assert text == FRENCH * 3 + "\ufffd" + FRENCH * 3


def test_utf8_cut_inside_its_only_long_character_is_still_utf8() -> None:
    """Even a short text that ends inside a character keeps its accents."""
    assert decoded("naïve caf".encode() + b"\xc3").text == "naïve caf\ufffd"


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1251">',
        "<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>",
        '<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_declaration_in_markup_is_believed(head: str) -> None:
    """What the page declares comes before detection."""
    document = decoded(f"<html>{head}<p>Да</p>".encode("cp1251"), MediaType.HTML)

    assert "Да" in document.text
    assert (document.encoding, document.encoding_source) == ("cp1251", "declared")


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1", "us-ascii"])
def test_latin1_labels_mean_windows_1252(label: str) -> None:
    """Curly quotes of pages that call themselves ISO-8859-1 are read as browsers do."""
    assert decoded("“Hi” – é".encode("cp1252"), declared_encoding=label).text == "“Hi” – é"


@pytest.mark.parametrize("label", ["windows-1251", "nonsense", "utf-7", "", "x-user-defined"])
def test_strict_utf8_comes_before_any_declaration(label: str) -> None:
    """Bytes that are UTF-8 are UTF-8, whatever a header says."""
    document = decoded(RUSSIAN.encode(), declared_encoding=label)

    assert (document.text, document.encoding_source) == (RUSSIAN, "utf-8")


def test_declaration_that_the_bytes_contradict_is_passed_over() -> None:
    """A page that says UTF-8 and is not is read by detection."""
    document = decoded(('<meta charset="utf-8">' + RUSSIAN).encode("cp1251"), MediaType.HTML)

    assert RUSSIAN in document.text
    assert document.encoding_source == "detected"


def test_declaration_in_a_comment_does_not_count() -> None:
    """Commented-out markup declares nothing."""
    page = f'<!-- <meta charset="windows-1252"> --><p>{RUSSIAN}</p>'

    assert RUSSIAN in decoded(page.encode("koi8-r"), MediaType.HTML).text


def test_flat_text_that_mentions_a_declaration_is_not_governed_by_it() -> None:
    """Only pages declare; an article about HTML is text."""
    assert decoded(('<meta charset="big5"> ' + FRENCH).encode("cp1252")).text.endswith(FRENCH)


def test_line_ends_become_plain_and_other_separators_stay() -> None:
    r"""Only "\r\n" and "\r" are line ends; U+2028, U+0085, VT and FF are characters of their line."""
    assert decoded("a\r\nb\rc\n\u2028d\x85e\x0bf\x0cg\r".encode()).text == "a\nb\nc\n\u2028d\x85e\x0bf\x0cg\n"


def broken_by(page: str, text: str) -> str:
    """What a program shows that takes UTF-8 for a code page."""
    return text.encode().decode(page)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        (FRENCH, "latin-1"),
        (GERMAN + " „Schöne Grüße aus Österreich“", "sloppy-windows-1252"),
        (RUSSIAN, "sloppy-windows-1251"),
        (SWEDISH, "sloppy-windows-1250"),
    ],
)
def test_text_that_is_mojibake_throughout_is_mended_and_says_so(text: str, page: str) -> None:
    """UTF-8 that somebody took for a code page is read as what it was, and the row tells."""
    document = decoded(broken_by(page, text).encode())

    assert (document.text, document.encoding, document.encoding_source) == (text, "utf-8", "repaired-mojibake")


def test_text_that_was_broken_twice_is_mended() -> None:
    """Two programs, each with the same mistake."""
    twice = broken_by("latin-1", broken_by("latin-1", FRENCH))

    assert decoded(twice.encode()).text == FRENCH


@pytest.mark.parametrize(
    "text",
    [
        "The cafÃ© was â€œopenâ€\x9d all day.",
        "Her name came out as “ZoÃ« BrontÃ«, cafÃ©, naÃ¯ve, Ã¼ber” on the ticket.",
        "Une page lit « Ã©tÃ©, dÃ©jÃ, trÃ¨s, forÃªt » quand l’encodage est faux.",
        broken_by("latin-1", FRENCH) + " Ça va ?",
        "SÃO PAULO – A CÂMARA DE SÃO JOÃO: ÂNCORA, PÃES, CORAÇÃO",
        "Ο δήμος ανακοίνωσε · “ﬁne” ‘quotes’ — and ligatures… €5 ±½",
        RUSSIAN + "РС РТ СССР",
        CHINESE,
    ],
)
def test_text_that_only_quotes_mojibake_or_looks_like_it_stays(text: str) -> None:
    """A few broken words, or proper signs beside them, are left: mending would be a guess."""
    document = decoded(text.encode())

    assert (document.text, document.encoding_source) == (text, "utf-8")


@pytest.mark.parametrize(
    ("text", "encoding", "label"),
    [
        (RUSSIAN, "cp1251", "iso-8859-1"),
        (RUSSIAN, "koi8-r", "windows-1251"),
        (GERMAN, "cp1252", "koi8-r"),
        (CHINESE, "gb18030", "windows-1252"),
        (KOREAN, "euc_kr", "iso-8859-1"),
        (GREEK, "cp1253", "iso-8859-1"),
    ],
)
def test_declaration_that_makes_no_words_is_passed_over(text: str, encoding: str, label: str) -> None:
    """A server's default says nothing against what the letters say."""
    document = decoded(text.encode(encoding), declared_encoding=label)

    assert (document.text, document.encoding_source) == (text, "detected")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Crème brûlée", "iso-8859-1"),
        ("ŽIVÉ VYSÍLÁNÍ", "windows-1250"),
        ("ВНИМАНИЕ", "windows-1251"),
        ("Ç", "ibm850"),
        ("Café", "cp437"),
        ("日本", "shift_jis"),
        ("Tschüß", "utf-32-be"),
    ],
)
def test_right_declaration_is_believed_for_few_bytes(text: str, encoding: str) -> None:
    """Where there is little to judge by, the declaration stands; those of DOS are known too."""
    assert decoded(text.encode(encoding), declared_encoding=encoding).text == text


def test_nuls_and_controls_of_a_text_stay_verbatim() -> None:
    """A few strays do not make a binary of a text, nor are they removed."""
    assert decoded(b"One\0 line.\x01\n\0Two lines.\n").text == "One\0 line.\x01\n\0Two lines.\n"


def test_padding_with_nuls_does_not_make_a_binary() -> None:
    """A file that was given its size before it was filled is still a text."""
    assert decoded(b"hello" + b"\0" * 1000).text == "hello" + "\0" * 1000


def test_stray_nuls_in_utf8_chinese_are_not_taken_for_utf16() -> None:
    """The pattern test needs more than one NUL at an odd place."""
    text = CHINESE * 300 + "a\0b" + CHINESE * 300

    assert decoded(text.encode()).text == text


@pytest.mark.parametrize("data", [b"", b"  \n\t\r\n", "\u00a0\u200b\ufeff\n".encode(), b"\xff\xfe", codecs.BOM_UTF8])
def test_nothing_to_read_is_empty(data: bytes) -> None:
    """No bytes, or blank lines only, are rejected as empty."""
    rejection = decode_record(record(data))

    assert isinstance(rejection, Rejection)
    assert rejection.reason is RejectReason.EMPTY
    assert rejection.size == len(data)


@pytest.mark.parametrize(
    "data",
    [
        RANDOM[:1_000_000],
        RANDOM[-1_000:],
        b"\0" * 1000,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"PK\x03\x04\x14\0\0\0\x08\0",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"{\\rtf1\\ansi Hello}",
        b"SQLite format 3\0\x10\0\1\1",
    ],
    ids=["random-1MB", "random-1KB", "nuls", "png", "pdf", "zip", "gzip", "rtf", "sqlite"],
)
def test_binary_is_rejected_with_a_reason_to_read(data: bytes) -> None:
    """Files that are no text are rejected, also under the name of a page, and the detail says what was seen."""
    rejection = decode_record(record(data, MediaType.HTML))

    assert isinstance(rejection, Rejection)
    assert rejection.reason is RejectReason.BINARY
    assert len(rejection.detail) > 20


@pytest.mark.parametrize(
    "text", ["MZ is short for Mark Zbikowski.", "ID3 tags name songs.", "BZh", "RIFF and OggS", "GIF89a?"]
)
def test_text_that_begins_like_a_binary_is_read(text: str) -> None:
    """Magic letters count only where the rest is no text."""
    assert decoded(text.encode()).text == text


def test_one_line_of_a_megabyte_is_read_whole() -> None:
    """Length is no reason to cut."""
    assert len(decoded(b"word " * 200_000).text) == 1_000_000


def test_hints_travel_with_the_document() -> None:
    """The folder's host, else the host of the address, is the site."""
    assert decoded(b"x", site="example.org", url="https://other.example/a").known.site == "example.org"
    assert decoded(b"x", url="https://www.other.example/a").known.site == "other.example"


def test_a_given_string_needs_no_decoding() -> None:
    """Users of the library hand in text; what no writer can store is replaced."""
    document = document_from_text("\ufeffOne\r\n\ud83d\ude00\ud800", url="https://www.example.org/a")

    assert document.text == "One\n😀\ufffd"
    assert document.encoding_source == "given"
    assert document.known.site == "example.org"


def test_the_same_text_has_the_same_id_given_or_read() -> None:
    """An article's id is that of its UTF-8 bytes."""
    assert document_from_text(FRENCH).article_id == decoded(FRENCH.encode()).article_id


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd\ufeff", include_characters="\n\r\t")
)


# The first text without a sign waits for the letters of all languages.
@settings(deadline=None)
@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
@example("%PDF-", "utf-8-sig")
def test_unicode_encodings_round_trip(text: str, encoding: str) -> None:
    """What was written in UTF-8, UTF-16 or UTF-32 is read back, apart from line ends."""
    outcome = decode_record(record(text.encode(encoding)))

    if isinstance(outcome, Document):
        assert outcome.text == text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        assert outcome.reason is RejectReason.EMPTY or text.startswith(("%PDF-", "{\\rtf"))


@settings(deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from(MediaType), st.sampled_from(["", "utf-16le", "big5", "iso-2022-jp", "x"])
)
def test_any_bytes_end_as_storable_text_or_as_a_rejection(data: bytes, media_type: MediaType, label: str) -> None:
    """Decoding never raises, and what it returns can be written as UTF-8."""
    outcome = decode_record(record(data, media_type, declared_encoding=label))

    assert outcome.detail if isinstance(outcome, Rejection) else outcome.text.encode() is not None


@given(st.text(st.characters(exclude_categories=[])))
def test_any_given_string_becomes_storable(text: str) -> None:
    """Strings with lone surrogates never reach a writer."""
    assert "\r" not in document_from_text(text).text.encode().decode()


def test_a_text_of_invisible_characters_is_empty() -> None:
    """What counts as blank between lines counts as blank for a whole record: a Hangul filler shows nothing."""
    record = RawRecord("a.txt#1", "\u3164\n\ufe0f\n".encode(), MediaType.TEXT, raw_sha256="")
    outcome = decode_record(record)

    assert isinstance(outcome, Rejection)
    assert outcome.reason is RejectReason.EMPTY
