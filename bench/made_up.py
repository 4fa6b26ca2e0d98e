"""
Made-up articles by the million, for measuring the store: what they say is noise, how they pack is like prose.

A raw file only names its articles; its reader makes them up as they are asked for, each from its own number. So a million
dumps of 5 KB need no 5 GB of disk, and are the same on every machine.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.records import (
    Article,
    Document,
    MediaType,
    Metadata,
    Quality,
    RawRecord,
    Reason,
    RemovedLine,
)
from pipeline.sources.opened import OpenFile
from pipeline.sources.reading import Reading
from pipeline.voices import Voices

PHRASES = 170
"""In one article: 850 words, about 5,300 bytes."""
PHRASE_WORDS = 5
PARAGRAPH_PHRASES = 10
VOCABULARY = 20_000
MANY_PHRASES = 1 << 18
STEEPNESS = 0.9
"""Of the words' frequencies by rank: with these, zstd 3 packs the text 1 : 2.6, as it does real articles."""
FURNITURE = ("Home", "Section {}", "{} comments", "Share this article", "Read more: number {}", "Follow us", "Page {}")
"""Lines of each dump that are removed, ahead of its article."""
AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What a raw file says: the numbers of its articles, and how many of them have been written anew since."""

    first: int
    count: int
    anew: int = 0  # from the first on
    edition: int = 0  # of those


def write_batch(path: Path, batch: Batch) -> None:
    """Write a raw file of articles."""
    write_old(path, json.dumps(asdict(batch)))


def write_old(path: Path, text: str) -> None:
    """Write a file whose time is long past, as it is of most files when a run sees them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    then = path.stat().st_mtime - AN_HOUR
    os.utime(path, (then, then))


def read_batch(content: OpenFile, _reading: Reading) -> Iterator[RawRecord]:
    """Yield the articles a raw file names, each as a dump."""
    batch = Batch(**json.loads(content.stream.read()))
    for place in range(batch.count):
        edition = batch.edition if place < batch.anew else 0
        dump = make_dump(batch.first + place, edition).encode()
        yield RawRecord(f"{content.file.key}#{place + 1}", dump, MediaType.TEXT)


def make_dump(number: int, edition: int = 0) -> str:
    """Furniture and an article, one paragraph a line."""
    draws = np.random.default_rng((number, edition)).integers(0, len(_lottery()), PHRASES)
    phrases: list[str] = _lottery()[draws].tolist()
    paragraphs = (" ".join(phrases[at : at + PARAGRAPH_PHRASES]) for at in range(0, PHRASES, PARAGRAPH_PHRASES))
    return "\n".join([*_furniture(number), *(f"{line}." for line in paragraphs)])


def make_note(number: int) -> str:
    """A small dump: the same furniture, and one line of text."""
    return "\n".join([*_furniture(number), f"Note {number}: the ferry left the quay at six, as it has every morning."])


def clean_trivially(records: Sequence[RawRecord], _voices: Voices) -> list[Article]:
    """Take the furniture off each dump: a cleaner that costs nothing, as cleaning is not what is measured."""
    return [_article(record) for record in records]


def _article(record: RawRecord) -> Article:
    lines = record.data.decode().split("\n")
    kept = range(len(FURNITURE), len(lines))
    text = "\n\n".join(lines[number] for number in kept)
    words = text.count(" ") + 1
    return Article(
        document=Document(
            record.source, record.article_id, record.raw_sha256, record.media_type, "", "utf-8", encoding_source="utf-8"
        ),
        metadata=Metadata(title=text[:40], site="news.example.org", language="en"),
        text=text,
        kept_lines=tuple(number + 1 for number in kept),
        removed=tuple(_removed(number, line) for number, line in enumerate(lines[: len(FURNITURE)])),
        removed_share=1 - len(text) / len(record.data),
        word_count=words,
        language_score=1.0,
        quality=Quality(len(text) / words, 1.0, 1.0, 0.0, 0.0),
    )


def _furniture(number: int) -> Iterator[str]:
    return (line.format(number % 97) for line in FURNITURE)


def _removed(number: int, line: str) -> RemovedLine:
    return RemovedLine(number + 1, number * 20, number * 20 + len(line), line, Reason.NAVIGATION, "made-up", 1.0)


@cache
def _lottery() -> npt.NDArray[np.object_]:
    """Phrases of made-up words; so many that one seldom comes back within a page of Parquet, and packs no better."""
    random = np.random.default_rng(20_261_122)
    words = np.array([_word(random) for _ in range(VOCABULARY)], dtype=object)
    weights = 1 / np.arange(2, VOCABULARY + 2) ** STEEPNESS
    draws = random.choice(VOCABULARY, (MANY_PHRASES, PHRASE_WORDS), p=weights / weights.sum())
    return np.array([" ".join(phrase) for phrase in words[draws].tolist()], dtype=object)


def _word(random: np.random.Generator) -> str:
    """One to four syllables."""
    consonants, vowels = "bcdfghklmnprstvw", "aeiou"
    closing = [*consonants, *[""] * 24]
    syllables = 1 + random.binomial(3, 0.4)
    return "".join(
        f"{random.choice([*consonants])}{random.choice([*vowels])}{random.choice(closing)}" for _ in range(syllables)
    )
