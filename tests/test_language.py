"""Language identification."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.language import identify_language, identify_languages

SAMPLES = {
    "en": "The river rose by two metres overnight, and the ferry stayed on its side of the water.",
    "de": "Der Fluss stieg über Nacht um zwei Meter, und die Fähre blieb auf ihrer Seite des Wassers.",
    "fr": "La rivière est montée de deux mètres pendant la nuit et le bac est resté sur sa rive.",
    "es": "El río subió dos metros durante la noche y el transbordador se quedó en su orilla.",
    "it": "Il fiume è salito di due metri durante la notte e il traghetto è rimasto sulla sua riva.",
    "pt": "O rio subiu dois metros durante a noite e a balsa ficou do seu lado da água.",
    "pl": "Rzeka podniosła się w nocy o dwa metry, a prom pozostał po swojej stronie wody.",
    "ru": "За ночь река поднялась на два метра, и паром остался на своей стороне.",
    "sv": "Floden steg två meter under natten och färjan stannade på sin sida av vattnet.",
    "tr": "Nehir gece boyunca iki metre yükseldi ve feribot suyun kendi tarafında kaldı.",
    "ar": "ارتفع منسوب النهر مترين خلال الليل وبقيت العبّارة على ضفتها من الماء.",
    "hi": "रात भर में नदी का जलस्तर दो मीटर बढ़ गया और नाव अपने किनारे पर ही रही।",
    "zh": "河水一夜之间上涨了两米，渡船停在了自己的一侧。",
    "ja": "川は一晩で二メートル増水し、渡し船は岸に留まった。",
    "ko": "강물이 밤사이 2미터 불어나 나룻배는 제 쪽에 머물렀다.",
}


@pytest.mark.parametrize("code", SAMPLES)
def test_one_sentence_is_enough(code: str) -> None:
    """A sentence names its language, by its ISO 639-1 code, with a probability."""
    found, score = identify_language(SAMPLES[code])

    assert found == code
    assert score is not None
    assert 0.5 < score <= 1


@pytest.mark.parametrize("text", ["", "OK", "12:30 - 14.2 %", "\0\0\0", "北京", "John Smith"])
def test_too_little_text_has_no_language(text: str) -> None:
    """A name or a number tells nothing."""
    assert identify_language(text) == (None, None)


def test_the_answer_is_the_same_every_time_and_in_every_thread() -> None:
    """Rows must not depend on how the work was shared out."""
    texts = list(SAMPLES.values()) * 4
    alone = [identify_language(text) for text in texts]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(identify_language, texts)) == alone


def test_a_long_text_costs_no_more_than_its_start() -> None:
    """Only the first characters are looked at."""
    assert identify_language(SAMPLES["en"] * 12 + SAMPLES["ru"] * 50_000)[0] == "en"


def test_many_texts_at_once_are_identified_as_one_by_one() -> None:
    """The walk through all texts at once finds what py3langid finds in each, code and probability."""
    texts = [
        *SAMPLES.values(),
        "",
        "OK",
        *(text.upper() for text in SAMPLES.values()),
        *(text[:30] for text in SAMPLES.values()),
    ]
    texts += [" ".join(SAMPLES.values()), "ñ" * 900, "\0" * 40 + "a" * 30]

    assert identify_languages(texts) == [identify_language(text) for text in texts]
    assert identify_languages(texts[:3]) == [identify_language(text) for text in texts[:3]]
    assert identify_languages([]) == []
