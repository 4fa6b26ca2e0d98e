"""
The driver: the only place that strings the stages together.

    decode -> extract (HTML) -> segment -> trim -> measure -> judge -> score -> decide -> assemble -> describe -> assess
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, pairwise, starmap
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import polars as pl

from pipeline.assemble import Draft, assemble_drafts
from pipeline.assess import assess_batch
from pipeline.decide import Aim, Floats, decide_lines
from pipeline.decode import decode_record, document_from_text
from pipeline.describe import describe
from pipeline.extract import extract_lines, extract_main_text, extract_unshown
from pipeline.judge import judge_lines
from pipeline.language import Language, identify_languages
from pipeline.measure import fold_titles, measure_lines
from pipeline.metadata import read_declared
from pipeline.model import SeenLines
from pipeline.records import (
    Article,
    Document,
    Engine,
    Judgement,
    MediaType,
    Quality,
    RawRecord,
    Reason,
    Rejection,
    RejectReason,
    RemovedLine,
)
from pipeline.regions import CONSENT_DIALOG, agree_in_tables, gather_comments, region_hints, without_consent
from pipeline.rules import Rules, blame_patterns
from pipeline.segment import split_lines
from pipeline.trim import trim_prompts
from pipeline.voices import Manner, Voices, load_voices

MOST_LINES = 50_000
"""Of a document, with the blank ones; the longest of 2,625 gold pages shows 6,439."""
MOST_TAGS = 1_000_000
"""Of a page; half a kilobyte each while it is read."""
MOST_SEEN = 200_000
"""Characters of a line that the model reads: all of a text of 30,000 words in one line. The rest would say nothing new."""
PART = 16_000_000
"""Characters that are cleaned together, unless one document has more."""
PIECE = 100
"""Each line or tag counts as so many characters more: it takes about as much memory."""


def clean_records(records: Sequence[RawRecord], voices: Voices) -> list[Article | Rejection]:
    """Clean a batch of raw records; one outcome a record, in order. Records that only their places tell apart are cleaned once."""
    given = list(map(_GIVEN, records))
    distinct = dict(zip(given, records, strict=True))
    decoded = [decode_record(record) for record in distinct.values()]
    cleaned = (outcome for part in _parts(decoded) for _, outcome in _clean(part, voices))
    outcomes = dict(zip(distinct, cleaned, strict=True))
    return [_in_place(outcomes[key], record) for key, record in zip(given, records, strict=True)]


_GIVEN = attrgetter("data", "media_type", "site", "url", "declared_encoding", "known", "fetched_at", "extra")
"""All of a record that its outcome depends on; the rest says where it stands."""


def _in_place(outcome: Article | Rejection, record: RawRecord) -> Article | Rejection:
    """A record's outcome with the place of the record in it."""
    if isinstance(outcome, Rejection):
        return replace(outcome, source=record.source, raw_sha256=record.raw_sha256, offset=record.offset)
    document = outcome.document
    if (document.source, document.raw_sha256) == (record.source, record.raw_sha256):
        return outcome
    return replace(outcome, document=replace(document, source=record.source, raw_sha256=record.raw_sha256))


def _parts(decoded: Sequence[Document | Rejection]) -> Iterator[list[Document | Rejection]]:
    """Documents that are cleaned together: no more than fit in the memory, however many lines or elements they have."""
    part: list[Document | Rejection] = []
    weight = 0
    for document in decoded:
        own = _weight(document)
        if part and weight + own > PART:
            yield part
            part, weight = [], 0
        part.append(document)
        weight += own
    yield part


def _weight(decoded: Document | Rejection) -> int:
    """What a document takes: its characters, and some more for each line or tag."""
    if isinstance(decoded, Rejection):
        return 0
    piece = "<" if decoded.media_type is MediaType.HTML else "\n"
    return len(decoded.text) + decoded.text.count(piece) * PIECE


def _clean(
    decoded: Sequence[Document | Rejection], voices: Voices
) -> list[tuple[Document | Rejection, Article | Rejection]]:
    """What was judged of each document, and the outcome."""
    read = [_with_few_lines(_read(document, voices)) for document in decoded]
    outcomes = iter(clean_documents([document for document in read if isinstance(document, Document)], voices))
    cleaned = [(document, document if isinstance(document, Rejection) else next(outcomes)) for document in read]
    return [_retried(given, *pair, voices) for given, pair in zip(decoded, cleaned, strict=True)]


def _with_few_lines(document: Document | Rejection) -> Document | Rejection:
    """Refuse a document of more lines than any article has: each takes some kilobytes, in whatever way it ends."""
    if isinstance(document, Rejection) or _has_few_lines(document):
        return document
    return _too_large(document, f"more than {MOST_LINES:,} lines")


def _has_few_lines(document: Document) -> bool:
    return document.text.count("\n") < MOST_LINES


def _too_large(document: Document, detail: str) -> Rejection:
    size = len(document.text.encode())
    return Rejection(document.source, document.raw_sha256, RejectReason.TOO_LARGE, detail, size)


def read_page(record: RawRecord) -> Document | Rejection:
    """A page's record decoded, with all lines that it shows and what it declares."""
    decoded = decode_record(record)
    if isinstance(decoded, Rejection):
        return decoded
    return extract_lines(read_declared(decoded))


def _read(decoded: Document | Rejection, voices: Voices) -> Document | Rejection:
    """From markup to lines and what it declares; flat text is ready as it is."""
    if isinstance(decoded, Rejection) or decoded.media_type is not MediaType.HTML:
        return decoded
    if decoded.text.count("<") > MOST_TAGS:
        return _too_large(decoded, f"more than {MOST_TAGS:,} tags")
    page = read_declared(decoded)
    return extract_main_text(page) if _by_trafilatura(voices) else extract_lines(page)


def _by_trafilatura(voices: Voices) -> bool:
    """Rules alone cannot tell a page's article from all else that it shows."""
    return voices.manner.engine is Engine.TRAFILATURA or voices.page_model is None


def _retried(
    decoded: Document | Rejection, read: Document | Rejection, outcome: Article | Rejection, voices: Voices
) -> tuple[Document | Rejection, Article | Rejection]:
    """A page that has more than the lines it shows is read in another way, which the row then names."""
    if isinstance(decoded, Rejection) or decoded.media_type is not MediaType.HTML or _by_trafilatura(voices):
        return read, outcome
    for again in _read_again(decoded, read, outcome):
        (second,) = clean_documents([again], voices)
        if not isinstance(second, Rejection):
            return again, second
    return read, outcome


def _read_again(decoded: Document, read: Document | Rejection, outcome: Article | Rejection) -> Iterator[Document]:
    """
    Other ways to read a page: the text that it holds as data, where that says much more than the lines that were kept,
    and where none was kept, what trafilatura finds.
    """
    if isinstance(read, Rejection) and read.reason is not RejectReason.NO_MAIN_TEXT:
        return
    is_lost = isinstance(outcome, Rejection) and {entry.rule for entry in outcome.removed} != {CONSENT_DIALOG}
    page = replace(read, text=decoded.text, rendering=None) if isinstance(read, Document) else read_declared(decoded)
    shown = read.text if isinstance(read, Document) else ""
    unshown = extract_unshown(page, shown, outcome.word_count if isinstance(outcome, Article) else 0)
    main_text = extract_main_text(page) if is_lost and isinstance(read, Document) else None
    yield from (way for way in (unshown, main_text) if isinstance(way, Document) and _has_few_lines(way))


def clean_documents(documents: Sequence[Document], voices: Voices) -> list[Article | Rejection]:
    """Clean a batch of decoded documents; one outcome a document, in order."""
    lines, judgements = judge_documents(documents, voices.rules)
    removals = decide_lines(judgements, _score(documents, lines, judgements, voices), voices.manner.aim)
    drafts = assemble_drafts(len(documents), lines, removals, voices.rules.reasons())
    qualities = assess_batch([draft.text for draft in drafts], [draft.word_count for draft in drafts])
    languages = identify_languages([draft.text for draft in drafts])
    outcomes = list(starmap(_outcome, zip(documents, judgements, drafts, qualities, languages, strict=True)))
    return list(map(_with_comments, outcomes)) if voices.manner.comments else outcomes


def _with_comments(outcome: Article | Rejection) -> Article | Rejection:
    if isinstance(outcome, Rejection) or outcome.document.rendering is None:
        return outcome
    return replace(outcome, comments=gather_comments(outcome.document.rendering, outcome.removed))


def judge_documents(documents: Sequence[Document], rules: Rules) -> tuple[pl.DataFrame, list[Judgement]]:
    """The measured lines of a batch, and what the rules say about each document."""
    with blame_patterns(rules):
        lines = measure_lines(trim_prompts(split_lines(documents), rules))
        titles = fold_titles([_known_title(document) for document in documents])
        judgements = judge_lines(lines, titles, rules)
    return lines, [_in_its_place(*pair) for pair in zip(documents, judgements, strict=True)]


def _in_its_place(document: Document, judgement: Judgement) -> Judgement:
    """What the part of a page hints at holds for lines for which no rule knows better."""
    if document.rendering is None:
        return judgement
    hints = region_hints(document.rendering)
    return without_consent(judgement, document.rendering)._replace(hints={**hints, **judgement.hints}, is_page=True)


def seen_lines(lines: pl.DataFrame, judgements: Sequence[Judgement]) -> SeenLines:
    """Judged lines as the learned model sees them."""
    return SeenLines(
        texts=lines["body"].str.head(MOST_SEEN).to_list(),
        doc=lines["doc"].to_numpy().astype(np.int64),
        gap=lines["gap"].to_numpy(),
        marks=np.fromiter(chain.from_iterable(judged.marks for judged in judgements), np.int64, len(lines)),
    )


def _score(
    documents: Sequence[Document], lines: pl.DataFrame, judgements: Sequence[Judgement], voices: Voices
) -> list[Floats | None]:
    """
    For each document its model's probability for each line that it belongs to its article.

    One model has learned from flat texts, one from all lines of pages; what an extractor leaves of a page is neither.
    """
    scores: list[Floats | None] = [None] * len(documents)
    seen = seen_lines(lines, judgements)
    flat = [index for index, document in enumerate(documents) if document.media_type is not MediaType.HTML]
    pages = [index for index, document in enumerate(documents) if document.rendering is not None]
    for model, chosen in ((voices.model, flat), (voices.page_model, pages)):
        if model is None or not chosen:
            continue
        own = seen.of(chosen) if len(chosen) < len(documents) else seen
        renderings = [rendering for index in chosen if (rendering := documents[index].rendering) is not None]
        kept = model.score_lines(replace(own, pages=renderings) if renderings else own)
        bounds = np.append(0, np.cumsum([len(judgements[index].numbers) for index in chosen]))
        for index, (start, end) in zip(chosen, pairwise(bounds), strict=True):
            scores[index] = _agreed(kept[start:end], documents[index], judgements[index])
    return scores


def _agreed(kept: Floats, document: Document, judgement: Judgement) -> Floats:
    return kept if document.rendering is None else agree_in_tables(kept, document.rendering, judgement.words)


def _known_title(document: Document) -> str | None:
    """None has the title looked for in the text; a page's markup is believed when it declares none."""
    return document.known.title or ("" if document.media_type is MediaType.HTML else document.known.title)


def _outcome(
    document: Document, judgement: Judgement, draft: Draft, quality: Quality, identified: Language
) -> Article | Rejection:
    if not draft.word_count:
        return _furniture_only(document, draft)
    language, score = identified
    metadata = describe(document, judgement.title_line, judgement.first_prose, draft.removed, language)
    return Article(
        document=document,
        metadata=metadata,
        text=draft.text,
        kept_lines=draft.kept_lines,
        removed=draft.removed,
        removed_share=draft.removed_share,
        word_count=draft.word_count,
        language_score=score,
        quality=quality,
    )


def _furniture_only(document: Document, draft: Draft) -> Rejection:
    reasons = sorted({entry.reason.value for entry in draft.removed})
    detail = f"no line is left of {len(draft.removed)}: {', '.join(reasons)}" if reasons else "no line holds a word"
    empty = not draft.removed and not draft.kept_lines
    return Rejection(
        source=document.source,
        raw_sha256=document.raw_sha256,
        reason=RejectReason.EMPTY if empty else RejectReason.FURNITURE_ONLY,
        detail=detail,
        size=len(document.text.encode()),
        removed=draft.removed,
    )


class Verdict(NamedTuple):
    """What was decided about one line of the input."""

    line: int  # from 1
    keep: bool  # blank lines and lines with a span cut off count as kept
    reason: Reason | None  # None for a kept line


@dataclass(frozen=True, slots=True)
class Cleaned:
    """
    What cleaning made of one text, for users of the library.

    For HTML, lines are those that the page shows, as `source_text` holds them.
    """

    title: str | None
    text: str  # empty when nothing but boilerplate was found: see `rejected`
    authors: tuple[str, ...]
    published: datetime | None  # UTC
    language: str | None  # ISO 639-1
    tags: tuple[str, ...]
    removed: tuple[RemovedLine, ...]
    source_text: str  # the text whose lines were judged, with line ends made `\n`
    rejected: Rejection | None
    comments: str | None = None  # what readers wrote below it; only where it was asked for and is told from the rest
    published_day: date | None = None  # of `published`, on the clock that the page gives, or else in UTC

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Keep or drop for every line of `source_text`, in order."""
        lines = self.source_text.split("\n")
        whole = {entry.line: entry for entry in self.removed if entry.end - entry.start == len(lines[entry.line - 1])}
        return tuple(
            Verdict(number, number not in whole, whole[number].reason if number in whole else None)
            for number in range(1, len(lines) + 1)
        )


def clean_text(text: str, *, url: str | None = None, title: str | None = None, aim: Aim = Aim.BALANCED) -> Cleaned:
    r"""
    Clean one flat text.

    `title` is its title where it is known; "" says that it has none. By default the title is looked for in the text.
    `aim` says what the learned model is to care for more: "precision", "balanced" or "recall".

        >>> cleaned = clean_text("Ferry counts twice\n\nThe ferry left at six, with eleven people on board.\n\nRead more")
        >>> cleaned.title, cleaned.text
        ('Ferry counts twice', 'The ferry left at six, with eleven people on board.')
    """
    document = document_from_text(text, url=url)
    return next(iter(clean_batch([replace(document, known=replace(document.known, title=title))], aim=aim)))


def clean_html(  # noqa: PLR0913 - what can be asked for
    html: str | bytes,
    *,
    url: str | None = None,
    voices: Voices | None = None,
    aim: Aim = Aim.BALANCED,
    engine: Engine = Engine.LINES,
    comments: bool = False,
) -> Cleaned:
    """
    Clean one HTML page; bytes are decoded as the page declares, or as detected.

    `voices` and `aim` are those of `clean_batch` and `clean_text`. `engine` makes the lines: "lines" takes all that the
    page shows and judges it, "trafilatura" what trafilatura finds. `comments` asks for what readers wrote, too.
    """
    chosen = voices or load_voices(Manner(Aim(aim), Engine(engine), comments))
    return _cleaned(*_clean([_decode_page(html, url)], chosen)[0])


def clean_pages(pages: Iterable[str | bytes], *, voices: Voices | None = None) -> list[Cleaned]:
    """Clean many HTML pages at once, which is the fast way; one result a page, in order."""
    decoded = [_decode_page(page, None) for page in pages]
    return [_cleaned(*pair) for pair in _clean(decoded, voices or load_voices())]


def _decode_page(html: str | bytes, url: str | None) -> Document | Rejection:
    if isinstance(html, str):
        return document_from_text(html, url=url, media_type=MediaType.HTML)
    return decode_record(RawRecord("given#1", html, MediaType.HTML, raw_sha256="", url=url))


def clean_batch(
    documents: Iterable[str | Document], *, voices: Voices | None = None, aim: Aim = Aim.BALANCED
) -> list[Cleaned]:
    """
    Clean many texts at once, which is the fast way; one result a text, in order.

    `voices` replaces the rules and the model that ship with the package, as tests and benches do.
    """
    read = [document_from_text(item) if isinstance(item, str) else item for item in documents]
    return [
        _cleaned(*pair)
        for pair in zip(read, clean_documents(read, voices or load_voices(Manner(Aim(aim)))), strict=True)
    ]


def _cleaned(document: Document | Rejection, outcome: Article | Rejection) -> Cleaned:
    source_text = document.text if isinstance(document, Document) else ""
    if isinstance(outcome, Rejection):
        return Cleaned(None, "", (), None, None, (), outcome.removed, source_text, outcome)
    found = outcome.metadata
    return Cleaned(
        title=found.title,
        text=outcome.text,
        authors=found.authors,
        published=found.published,
        language=found.language,
        tags=found.tags,
        removed=outcome.removed,
        source_text=source_text,
        rejected=None,
        comments=outcome.comments,
        published_day=found.published_day,
    )
