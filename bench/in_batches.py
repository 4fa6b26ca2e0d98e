"""
Our cleaning of HTML as a run does it, many pages at once: only timed, since what comes out is the same.

With metadata as in a run, and without: then the text and the ledger are all that is made, the title not being known.
"""

from collections.abc import Sequence

from bench.extractors import Extractor
from pipeline.clean import clean_documents, clean_pages
from pipeline.decode import decode_record
from pipeline.extract import extract_lines
from pipeline.records import Document, MediaType, RawRecord
from pipeline.score.gold import PageGold
from pipeline.voices import load_voices


def _clean(pages: Sequence[PageGold]) -> object:
    return clean_pages([page.html for page in pages])


def _clean_without_metadata(pages: Sequence[PageGold]) -> object:
    decoded = [decode_record(RawRecord(f"{page.id}#1", page.html, MediaType.HTML)) for page in pages]
    read = [extract_lines(document) for document in decoded if isinstance(document, Document)]
    return clean_documents([document for document in read if isinstance(document, Document)], load_voices())


def _nothing(_page: PageGold) -> str:
    return ""


IN_BATCHES: Sequence[Extractor] = (
    Extractor("ours, in batches", _nothing, extract_many=_clean),
    Extractor("ours, in batches, no metadata", _nothing, extract_many=_clean_without_metadata),
)
