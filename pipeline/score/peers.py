"""
The peers beside ours: line rules that others publish for flat text, and trafilatura for HTML.

None of them is tuned here. C4 and RefinedWeb were made for English web text; jusText is given the language that we
find, and works on lines as if each were a paragraph without links.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace

import justext
import trafilatura
from justext.core import classify_paragraphs, revise_paragraph_classification
from justext.paragraph import Paragraph

from pipeline.language import identify_language
from pipeline.score.systems import Result, System

Edit = Callable[[str], str]
"""From one line to what is left of it; empty when the line goes."""

# The code that made C4: tensorflow_datasets/text/c4_utils.py; Raffel et al. 2020, section 2.2.
C4_LEAST_WORDS = 5
C4_LEAST_SENTENCES = 3
C4_LONGEST_WORD = 1000
_C4_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_C4_ENDS = (".", "?", "!", '"')
_C4_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
# C4 counts sentences with NLTK's Punkt model, which has to be downloaded; only "at least three a document" hangs on it.
_SENTENCE_END = re.compile(r"[.?!][\"')\]]*(?:\s|$)")

# RefinedWeb, Penedo et al. 2023, appendix G.2, with the patterns that DCLM (baselines/mappers) fills in.
REFINED_UPPER_CASE = 0.5
REFINED_SHORT = 10
_COUNTER = re.compile(
    r"\W*\d[\d.,]*[kmb]?\s+"
    r"(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)\W*",
    re.IGNORECASE,
)
_PROMPT = re.compile(r"^sign-in\s?|\s?items in cart|\s?read more\.\.\.$", re.IGNORECASE)

# jusText's list for each language that has one; without a list it works by length alone, as its authors advise.
_STOPLISTS: Mapping[str, str] = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "ms": "Malay", "nb": "Norwegian_Bokmal", "nl": "Dutch", "nn": "Norwegian_Nynorsk",
    "no": "Norwegian_Bokmal", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
}  # fmt: skip


def _by_document(clean: Callable[[list[str]], list[str]]) -> Callable[[Sequence[str]], list[Result]]:
    """A system from a function that says of all lines of a document what is left of each."""

    def clean_all(texts: Sequence[str]) -> list[Result]:
        return [_result(clean(text.split("\n"))) for text in texts]

    return clean_all


def _result(left: Sequence[str]) -> Result:
    return Result("\n".join(line for line in left if line), keep=tuple(map(bool, left)))


def clean_c4(lines: list[str]) -> list[str]:
    """Keep what C4's code keeps: sentences of five words or more, of documents with three of them and no brace."""
    left = [_edit_c4(line.strip()) for line in lines]
    sentences = sum(max(1, len(_SENTENCE_END.findall(line))) for line in left if line)
    spoilt = any("{" in line or "lorem ipsum" in line.lower() for line in left)
    return [""] * len(lines) if spoilt or sentences < C4_LEAST_SENTENCES else left


def _edit_c4(line: str) -> str:
    words = line.split()
    text = _C4_CITATION.sub("", line)
    folded = text.lower()
    unwanted = (
        any(len(word) > C4_LONGEST_WORD for word in words)
        or not text.endswith(_C4_ENDS)
        or text.endswith("...")
        or len(text.split()) < C4_LEAST_WORDS
        or "javascript" in folded
        or any(phrase in folded for phrase in _C4_POLICY)
    )
    return "" if unwanted else text


def clean_refinedweb(lines: list[str]) -> list[str]:
    """
    Keep what RefinedWeb's line-wise corrections keep: no shouted lines, numbers, counters or single words.

    Its last step, to drop a document of which more than 5% of the words went, is left out: it picks documents for a
    corpus, and would only make empty texts here.
    """
    return [_edit_refinedweb(line) for line in lines]


def _edit_refinedweb(line: str) -> str:
    words = line.split()
    unwanted = (
        len(words) < 2  # a single word
        or sum(map(str.isupper, line)) > REFINED_UPPER_CASE * len(line)
        or line.strip().isdigit()
        or _COUNTER.fullmatch(line)
    )
    if unwanted:
        return ""
    return _PROMPT.sub("", line) if len(words) <= REFINED_SHORT else line


def clean_justext(lines: list[str]) -> list[str]:
    """Keep the lines that jusText calls good, each taken for a paragraph without links or tags."""
    paragraphs = [_paragraph(line) for line in lines if line.strip()]
    language, _score = identify_language("\n".join(lines))
    stoplist = stoplist_for(language)
    if stoplist:
        classify_paragraphs(paragraphs, stoplist)
    else:
        classify_paragraphs(paragraphs, stoplist, stopwords_low=0.0, stopwords_high=0.0)
    revise_paragraph_classification(paragraphs)
    classes = iter(paragraphs)
    return [line if line.strip() and not next(classes).is_boilerplate else "" for line in lines]


def _paragraph(line: str) -> Paragraph:
    paragraph = Paragraph(SimpleNamespace(dom="p", xpath="/p[1]"))
    paragraph.append_text(line)
    return paragraph


@cache
def stoplist_for(language: str | None) -> frozenset[str]:
    """Return jusText's stop words of a language (ISO 639-1); none where it has no list."""
    name = _STOPLISTS.get(language or "")
    return justext.get_stoplist(name) if name else frozenset()


def _trafilatura(pages: Sequence[bytes]) -> list[Result]:
    return [Result(trafilatura.extract(page) or "") for page in pages]


PEERS: tuple[System, ...] = (
    System("C4 (TFDS)", _by_document(clean_c4)),
    System("RefinedWeb line-wise", _by_document(clean_refinedweb)),
    System("jusText on lines", _by_document(clean_justext)),
)
"""Peers for flat text."""
HTML_PEERS: tuple[System, ...] = (System("trafilatura", _trafilatura),)
"""Peers for HTML."""
