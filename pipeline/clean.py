"""
The driver: the only place that strings the stages together.

    decode -> extract (HTML) -> segment -> trim -> measure -> judge -> score -> decide -> assemble -> describe -> assess
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, pairwise, starmap
from typing import NamedTuple

import numpy as np
import polars as pl

from pipeline.assemble import Draft, assemble_drafts
from pipeline.assess import assess_batch
from pipeline.decide import Aim, Floats, decide_lines
from pipeline.decode import decode_record, document_from_text
from pipeline.describe import describe
from pipeline.extract import extract_main_text
from pipeline.judge import judge_lines
from pipeline.language import Language, identify_languages
from pipeline.measure import fold_titles, measure_lines
from pipeline.metadata import read_markup
from pipeline.model import LineModel, SeenLines
from pipeline.records import (
    Article,
    Document,
    Judgement,
    MediaType,
    Quality,
    RawRecord,
    Reason,
    Rejection,
    RejectReason,
    RemovedLine,
)
from pipeline.rules import Rules
from pipeline.segment import split_lines
from pipeline.trim import trim_prompts
from pipeline.voices import Voices, load_voices


def clean_records(records: Sequence[RawRecord], voices: Voices) -> list[Article | Rejection]:
    """Clean a batch of raw records; one outcome a record, in order."""
    return _clean([_read(decode_record(record)) for record in records], voices)


def _read(decoded: Document | Rejection) -> Document | Rejection:
    """From markup to its main text and what it declares; flat text is ready as it is."""
    if isinstance(decoded, Rejection) or decoded.media_type is not MediaType.HTML:
        return decoded
    return extract_main_text(replace(decoded, known=read_markup(decoded)))


def _clean(read: Sequence[Document | Rejection], voices: Voices) -> list[Article | Rejection]:
    documents = [document for document in read if isinstance(document, Document)]
    outcomes = iter(clean_documents(documents, voices))
    return [document if isinstance(document, Rejection) else next(outcomes) for document in read]


def clean_documents(documents: Sequence[Document], voices: Voices) -> list[Article | Rejection]:
    """Clean a batch of decoded documents; one outcome a document, in order."""
    lines, judgements = judge_documents(documents, voices.rules)
    removals = decide_lines(judgements, _score(documents, lines, judgements, voices.model), voices.aim)
    drafts = assemble_drafts(len(documents), lines, removals, voices.rules.reasons())
    qualities = assess_batch([draft.text for draft in drafts], [draft.word_count for draft in drafts])
    languages = identify_languages([draft.text for draft in drafts])
    measures = zip(documents, judgements, drafts, qualities, languages, strict=True)
    return list(starmap(_outcome, measures))


def judge_documents(documents: Sequence[Document], rules: Rules) -> tuple[pl.DataFrame, list[Judgement]]:
    """The measured lines of a batch, and what the rules say about each document."""
    lines = measure_lines(trim_prompts(split_lines(documents), rules))
    titles = fold_titles([_known_title(document) for document in documents])
    return lines, judge_lines(lines, titles, rules)


def seen_lines(lines: pl.DataFrame, judgements: Sequence[Judgement]) -> SeenLines:
    """Judged lines as the learned model sees them."""
    return SeenLines(
        texts=lines["body"].to_list(),
        doc=lines["doc"].to_numpy().astype(np.int64),
        gap=lines["gap"].to_numpy(),
        marks=np.fromiter(chain.from_iterable(judged.marks for judged in judgements), np.int64, len(lines)),
    )


def _score(
    documents: Sequence[Document], lines: pl.DataFrame, judgements: Sequence[Judgement], model: LineModel | None
) -> list[Floats | None]:
    """
    For each document the model's probability for each line that it belongs to its article.

    The model has learned from flat text: what an extractor leaves of a page is not its business.
    """
    if model is None:
        return [None] * len(documents)
    kept = model.score_lines(seen_lines(lines, judgements))
    bounds = np.append(0, np.cumsum([len(judged.numbers) for judged in judgements]))
    return [
        None if document.media_type is MediaType.HTML else kept[start:end]
        for document, (start, end) in zip(documents, pairwise(bounds), strict=True)
    ]


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

    For HTML, lines are those of the main text taken from the page, which is `source_text`.
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


def clean_html(
    html: str | bytes, *, url: str | None = None, voices: Voices | None = None, aim: Aim = Aim.BALANCED
) -> Cleaned:
    """
    Clean one HTML page; bytes are decoded as the page declares, or as detected.

    `voices` and `aim` are those of `clean_batch` and `clean_text`.
    """
    if isinstance(html, str):
        read = _read(document_from_text(html, url=url, media_type=MediaType.HTML))
    else:
        read = _read(decode_record(RawRecord("given#1", html, MediaType.HTML, raw_sha256="", url=url)))
    return _cleaned(read, next(iter(_clean([read], voices or load_voices(Aim(aim))))))


def clean_batch(
    documents: Iterable[str | Document], *, voices: Voices | None = None, aim: Aim = Aim.BALANCED
) -> list[Cleaned]:
    """
    Clean many texts at once, which is the fast way; one result a text, in order.

    `voices` replaces the rules and the model that ship with the package, as tests and benches do.
    """
    read = [document_from_text(item) if isinstance(item, str) else item for item in documents]
    return [_cleaned(*pair) for pair in zip(read, clean_documents(read, voices or load_voices(Aim(aim))), strict=True)]


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
    )
