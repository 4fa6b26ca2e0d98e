"""
Markup to lines, by one of two engines, or from what the page holds as data.

`lines` takes all that a page shows, with where each line stands in the markup, and leaves it to the judges what of it
belongs to the article: nothing is lost without an entry in the ledger.

`trafilatura` takes the main text alone. It knows most page layouts. Where it finds nothing although the page shows text (it gives up
without a word on deep nesting and on very long text nodes, and some layouts are beyond it), resiliparse's main content
is taken, and then all visible text: lines that are furniture can still be judged, lines that are lost cannot.

Some pages show the beginning of an article, or nothing, and hold all of it as data: for machines, in JSON-LD, or for the
script that builds the page. `extract_unshown` finds that.
"""

import re
from dataclasses import replace
from html import unescape

from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml publishes no types
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction

from pipeline.markup import is_heavy, tame
from pipeline.records import Document, Maker, Rejection, RejectReason
from pipeline.render import render
from pipeline.rich_text import rich_text
from pipeline.words import PYTHON_WORD

# Below this trafilatura has often taken a notice for the page; resiliparse is then believed if it has five times as much.
# On the gold pages of all types this wins .004 to .006 word F1, and .02 to .03 on forums, without a loss on articles.
_FEW_WORDS = 100
_MUCH_MORE = 5

# A page's own account of its text is believed where what was kept of it is next to nothing beside that, and most runs of its
# words are nowhere on the page. On gold no declared body of any of 174 pages comes near: all show theirs, or more.
_LEAST_DECLARED = 50  # words; shorter ones are teasers and summaries
_TIMES_KEPT = 2
_RUN = 5  # words; a run of so many in common is no accident
_MOST_RUNS = 100  # are looked for, spread over the text
_LITTLE_SHOWN = 0.5  # of them
_LITTLE_KEPT = 300  # words; rich text is looked for where fewer were kept: reading it takes some ms
_SURE_WORDS = 8  # of a line that the page shows and that its rich text has, too
_MARKUP = re.compile(r"</?[A-Za-z]")
_CUT_OFF = re.compile(r"(?:\.\.\.|…)\W*$")

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
    return replace(document, text=rendering.text, rendering=rendering, engine=Maker.LINES)


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
    return replace(document, text=text, engine=Maker.TRAFILATURA) if text else _nothing_shown(document)


def extract_unshown(document: Document, shown: str, kept: int) -> Document | None:
    """
    Replace a page's markup by the text that it holds as data, where it shows little of it; None where there is none such.

    That is the `articleBody` of its JSON-LD, or else rich text in the state of its scripts. `shown` are the lines that the
    page shows, `kept` how many words of them were judged to be its article's. A teaser is no such text, nor one that is cut
    off and shorter than what is shown.
    """
    declared = document.declared_body and _declared_text(document.declared_body)
    if declared and _is_unshown(declared, shown, kept):
        return replace(document, text=declared, engine=Maker.DECLARED)
    state = rich_text(tame(document.text)) if kept < _LITTLE_KEPT else ""
    if state and _is_continued(shown, state) and _is_unshown(state, shown, kept):
        return replace(document, text=state, engine=Maker.DECLARED)
    return None


def _declared_text(body: str) -> str:
    """A declared body as lines: those of its markup where it has any, or else its own."""
    text = unescape(body)
    return _tidy(render(tame(text)).text if _MARKUP.search(text) else text)


def _is_continued(shown: str, text: str) -> bool:
    """Whether a page shows a line of a text: the state of its scripts may hold other pages' articles, too."""
    return any(line in text for line in shown.split("\n") if len(PYTHON_WORD.findall(line)) >= _SURE_WORDS)


def _is_unshown(text: str, shown: str, kept: int) -> bool:
    """Whether a text has much more than was kept of a page, and most of it is not among its shown lines."""
    words = PYTHON_WORD.findall(text.lower())
    if len(words) < max(_LEAST_DECLARED, _TIMES_KEPT * kept):
        return False
    on_page = PYTHON_WORD.findall(shown.lower())
    if _CUT_OFF.search(text) and len(words) < len(on_page):
        return False
    joined = f" {' '.join(on_page)} "
    starts = range(0, len(words) - _RUN + 1, max(1, len(words) // _MOST_RUNS))
    found = sum(f" {' '.join(words[start : start + _RUN])} " in joined for start in starts)
    return found < _LITTLE_SHOWN * len(starts)


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
