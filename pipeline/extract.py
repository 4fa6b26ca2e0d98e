"""
Markup to lines, by one of two engines.

`lines` takes all that a page shows, with where each line stands in the markup, and leaves it to the judges what of it
belongs to the article: nothing is lost without an entry in the ledger.

`trafilatura` takes the main text alone. It knows most page layouts. Where it finds nothing although the page shows text (it gives up
without a word on deep nesting and on very long text nodes, and some layouts are beyond it), resiliparse's main content
is taken, and then all visible text: lines that are furniture can still be judged, lines that are lost cannot.
"""

import re
from dataclasses import replace

from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml publishes no types
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction

from pipeline.markup import is_heavy, tame
from pipeline.records import Document, Engine, Rejection, RejectReason
from pipeline.render import render
from pipeline.words import PYTHON_WORD

# Below this trafilatura has often taken a notice for the page; resiliparse is then believed if it has five times as much.
# On the gold pages of all types this wins .004 to .006 word F1, and .02 to .03 on forums, without a loss on articles.
_FEW_WORDS = 100
_MUCH_MORE = 5

_BLANK_LINES = re.compile(r"\n\s*\n")


def extract_lines(document: Document) -> Document | Rejection:
    """
    Replace a page's markup by all lines that it shows; everything else of the document stays. Never raises on any markup.

        >>> from pipeline.decode import document_from_text
        >>> from pipeline.records import MediaType
        >>> extract_lines(document_from_text("<p>Hello<p>&amp; welcome", media_type=MediaType.HTML)).text.split()
        ['Hello', '&', 'welcome']
    """
    rendering = render(tame(document.text))
    if not PYTHON_WORD.search("\n".join(rendering.lines)):
        return _nothing_shown(document)
    return replace(document, text=rendering.text, rendering=rendering, engine=Engine.LINES)


def extract_main_text(document: Document) -> Document | Rejection:
    """
    Replace a page's markup by its main text; everything else of the document stays.

    Lines are paragraphs, headings, list items and table rows, in the page's order, and every word of them is on the
    page. Comments of readers are left out. Never raises on any markup.

        >>> from pipeline.decode import document_from_text
        >>> from pipeline.records import MediaType
        >>> page = document_from_text("<p>Hello &amp; <b>welcome</b></p>", media_type=MediaType.HTML)
        >>> extract_main_text(page).text
        'Hello & welcome'
    """
    markup = tame(document.text)
    main_text = _main_text(markup)
    main_content = _main_content(markup) if len(PYTHON_WORD.findall(main_text)) < _FEW_WORDS else ""
    text = _fuller(main_text, main_content) or _visible_text(markup)
    return replace(document, text=text, engine=Engine.TRAFILATURA) if text else _nothing_shown(document)


def _nothing_shown(document: Document) -> Rejection:
    return Rejection(
        source=document.source,
        raw_sha256=document.raw_sha256,
        reason=RejectReason.NO_MAIN_TEXT,
        detail=f"the page shows no text ({len(document.text):,} characters of markup)",
        size=len(document.text.encode()),
    )


def _main_text(markup: str) -> str:
    """Ask trafilatura; empty when it finds nothing or would take too long."""
    if is_heavy(markup):
        return ""
    try:
        found = bare_extraction(markup, include_comments=False, with_metadata=False)
    except (LxmlError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        # What lxml and trafilatura have been seen to raise on broken trees; the page is then read without them.
        return ""
    return _tidy(found.text or "") if found is not None and not isinstance(found, dict) else ""


def _main_content(markup: str) -> str:
    """Ask resiliparse for the main content: coarser, but at home in any markup."""
    return _tidy(extract_plain_text(markup, main_content=True, alt_texts=False, list_bullets=False, noscript=True))


def _fuller(main_text: str, main_content: str) -> str:
    """Choose trafilatura's text unless it is next to nothing beside resiliparse's."""
    much_more = len(PYTHON_WORD.findall(main_content)) > _MUCH_MORE * len(PYTHON_WORD.findall(main_text))
    return main_content if much_more else main_text


def _visible_text(markup: str) -> str:
    """Return all text a reader could see, with that for browsers without scripts: some forums put their threads there."""
    return _tidy(extract_plain_text(markup, main_content=False, alt_texts=False, list_bullets=False, noscript=True))


def _tidy(text: str) -> str:
    """Trim lines and runs of blank lines; a text without any letter or digit is none."""
    if not PYTHON_WORD.search(text):
        return ""
    lines = "\n".join(line.strip() for line in text.replace("\r", "\n").split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")
