"""
What HTML cleaning is measured against: other extractors, all visible text, and the best choice of its lines.

Each extractor runs with the settings its authors ship, but for what the function's docstring says, and is untuned. It is
given the page's bytes where it takes them, and told the page's language where it asks for one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import justext
import trafilatura
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from pipeline.score import measures
from pipeline.score.gold import PageGold
from pipeline.score.peers import stoplist_for


@dataclass(frozen=True, slots=True)
class Extractor:
    """Something that takes the main text from a page; it may raise whatever it likes."""

    name: str
    extract: Callable[[PageGold], str]  # of a page with its HTML
    libraries: tuple[str, ...] = ()  # as PyPI calls them; their versions decide what comes out
    reads_gold: bool = False  # then its speed says nothing
    extract_many: Callable[[Sequence[PageGold]], object] | None = (
        None  # how it is timed, if it takes many pages at once
    )

    @property
    def versions(self) -> tuple[str, ...]:
        """The libraries with their versions; `PackageNotFoundError` if one is not installed."""
        return tuple(f"{library} {version(library)}" for library in self.libraries)


def is_installed(extractor: Extractor) -> bool:
    """Tell whether all libraries of an extractor are there."""
    try:
        return bool(extractor.versions) or not extractor.libraries
    except PackageNotFoundError:
        return False


def extract_trafilatura(page: PageGold, *, favor_precision: bool = False) -> str:
    """Run trafilatura's `extract`, which puts readers' comments below the text."""
    return trafilatura.extract(page.html, favor_precision=favor_precision) or ""


def extract_trafilatura_bare(page: PageGold) -> str:
    """Run trafilatura's `bare_extraction` as programs use it that want metadata and no comments."""
    found = trafilatura.bare_extraction(page.html, include_comments=False, with_metadata=True)
    return found.text or "" if found and not isinstance(found, dict) else ""


def extract_readability(page: PageGold) -> str:
    """Run readability-lxml, whose HTML is turned into text by resiliparse."""
    from readability import Document  # noqa: PLC0415  # in the extra `bench`, as newspaper

    return _visible(Document(page.html).summary(html_partial=True))


def extract_newspaper(page: PageGold) -> str:
    """
    Run newspaper4k without a network: no image is fetched.

    It raises on Arabic, Hindi and Korean pages, for which it wants libraries or data that have to be downloaded.
    """
    from newspaper import Article  # noqa: PLC0415
    from newspaper.languages import get_available_languages  # noqa: PLC0415

    language = {"language": page.lang} if page.lang in get_available_languages() else {}
    article = Article(page.url or "https://example.org/", fetch_images=False, **language)
    article.download(input_html=page.html)
    article.parse()
    return article.text or ""


def extract_justext(page: PageGold) -> str:
    """Run jusText; where it has no stop words of the language it works by length alone, as its authors advise."""
    stoplist = stoplist_for(page.lang)
    shares = {} if stoplist else {"stopwords_low": 0.0, "stopwords_high": 0.0}
    paragraphs = justext.justext(page.html, stoplist, **shares)
    return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)


def extract_resiliparse(page: PageGold) -> str:
    """Run resiliparse's main content, without the alternative texts of images and the marks of list items."""
    return extract_plain_text(_decode(page), main_content=True, alt_texts=False, list_bullets=False)


def read_visible(page: PageGold) -> str:
    """Return all visible text, with that for browsers without scripts: some forums put their threads there."""
    return _visible(_decode(page))


def choose_lines(page: PageGold) -> str:
    """Return the lines of all visible text that a perfect judge of lines keeps, who knows the gold text."""
    return measures.oracle(read_visible(page), page.gold)


def _visible(markup: str) -> str:
    return extract_plain_text(markup, main_content=False, alt_texts=False, list_bullets=False, noscript=True)


def _decode(page: PageGold) -> str:
    return bytes_to_str(page.html, detect_encoding(page.html, from_html_meta=True) or "utf-8")


TRAFILATURA = Extractor("trafilatura", extract_trafilatura, ("trafilatura", "lxml", "jusText"))
"""What speed is compared with."""
VISIBLE = Extractor("all visible text", read_visible, ("Resiliparse",))
ORACLE = Extractor("line oracle", choose_lines, ("Resiliparse",), reads_gold=True)

PEERS: Sequence[Extractor] = (
    TRAFILATURA,
    Extractor("trafilatura, precision", partial(extract_trafilatura, favor_precision=True), TRAFILATURA.libraries),
    Extractor("trafilatura, bare", extract_trafilatura_bare, (*TRAFILATURA.libraries, "htmldate", "courlan")),
    Extractor("readability-lxml", extract_readability, ("readability-lxml", "lxml", "Resiliparse")),
    Extractor("newspaper4k", extract_newspaper, ("newspaper4k", "lxml")),
    Extractor("jusText", extract_justext, ("jusText", "lxml")),
    Extractor("resiliparse", extract_resiliparse, ("Resiliparse",)),
    VISIBLE,
    ORACLE,
)
