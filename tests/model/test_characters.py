"""Kinds of characters: the same judgement in every script."""

import pytest

from pipeline.model.characters import FOLDED, KIND, WORD_KINDS, Kind

TYPICAL = {
    Kind.LOWER: "aßéłжяέაտ",  # Latin, Cyrillic, Greek, Georgian, Armenian
    Kind.UPPER: "AÉŁЖΈǅԱ",
    Kind.CASELESS: "عשकก한தአ\u0301",  # Arabic, Hebrew, Devanagari, Thai, Hangul, Tamil, Ethiopic, a mark
    Kind.DIGIT: "7٣५５²Ⅳ",
    Kind.CJK: "語漢あカー豈",
    Kind.SPACE: " \t\xa0\u3000\u200b\ufeff\u200e\xad\x00",
    Kind.END: ".!?…。！？؟।։",
    Kind.COMMA: ",;，、،",
    Kind.COLON: ":：",
    Kind.QUOTE: "'\"“”„«»‹›「」’",
    Kind.BRACKET: "()[]（）【】《》",
    Kind.DASH: "-–—―",
    Kind.ORNAMENT: "•▶►→★✓*",
    Kind.PIPE: "|/>｜",
    Kind.SIGN: "@#©®™_&",
    Kind.MONEY: "$€£₽¥₹%=",
    Kind.OTHER: "\u0378^",
}


@pytest.mark.parametrize(
    ("character", "kind"),
    [pytest.param(each, kind, id=f"U+{ord(each):04X}-{kind.name}") for kind, some in TYPICAL.items() for each in some],
)
def test_a_typical_character_has_its_kind(character: str, kind: Kind) -> None:
    """One letter, mark or sign of each script that pages are written in."""
    assert Kind(KIND[ord(character)]) is kind


def test_every_kind_has_typical_characters() -> None:
    """A new kind comes with examples."""
    assert set(TYPICAL) == set(Kind)


def test_kinds_of_words_come_first() -> None:
    """One comparison tells characters of words from others."""
    assert [kind.name for kind in Kind if kind < WORD_KINDS] == ["LOWER", "UPPER", "CASELESS", "DIGIT", "CJK"]


@pytest.mark.parametrize(("capital", "small"), ["Aa", "Éé", "Жж", "Σσ", "Աա"])
def test_case_folds(capital: str, small: str) -> None:
    """A word is the same at the start of a sentence."""
    assert FOLDED[ord(capital)] == FOLDED[ord(small)] == ord(small)


def test_all_digits_are_one() -> None:
    """Counters and dates differ in their digits only, in any script."""
    assert {int(FOLDED[ord(digit)]) for digit in "0123456789٣५５"} == {ord("0")}


def test_what_lies_beyond_the_table_is_an_ornament() -> None:
    """Emoji, for the most part."""
    assert Kind(KIND[0xFFFF]) is Kind.ORNAMENT
