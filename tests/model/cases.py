"""Texts for the tests of the model."""

from collections.abc import Sequence

import numpy as np

from pipeline.model import SeenLines
from pipeline.model.text import Bools, Ints, Text, read_text
from pipeline.records import Mark

PROSE = (
    (
        "The ferry left the quay at six, as it has every morning since the war, with eleven people on board. Nobody "
        "expected it to come back with twelve, and least of all the captain, who counts twice before he lets go the ropes."
    ),
    (
        "“We looked under every bench,” said the harbour master, “and behind the coffee machine.” The company does not yet "
        "know what it will do about the count; a spokesman said that the twelfth passenger had a valid ticket."
    ),
    (
        "Der Zähler der Fähre wurde am Dienstag ausgebaut und in ein Labor der Hochschule gebracht, wo er seither in einer "
        "Schublade liegt. Gezählt wird bis auf Weiteres von Hand, und zwar zweimal, wie schon zur Zeit der Großväter."
    ),
    (
        "Паром вышел в море в шесть утра, и на борту было одиннадцать человек, не считая капитана. Никто не ожидал, что "
        "вернутся двенадцать, и меньше всех капитан, который всегда пересчитывает пассажиров дважды перед отплытием."
    ),
    "The council meets again on Thursday. Until then the old timetable holds, and the lamps on the pier stay lit.",
)
HOSTILE = (
    " ", "\u200b", "\xad\u200d", "a", "7", ".", "\u0301", "\u0301\u0302\u0303", "😀", "😀" * 40, "👩‍👩‍👧‍👦 family", "אבג דהו", "\u202eabc\u202c",
    "a\u0301" * 50, "\x00", "\x1b[31mred\x07", "|||||", "........", "'" * 9, "1:1:1:1", "//////", "x" * 100_000, "ab " * 30_000,
    "語" * 5_000, "\ufffd", "\uffff", "\U0010ffff", "İstanbul", "ﬁ", "١٢:٣٤", "\u3000　", "<p>", "2019 1999 20", "https://a.b//c",
)  # fmt: skip


def one_document(lines: Sequence[str], gaps: Sequence[bool] | None = None) -> tuple[Sequence[str], Ints, Bools]:
    """The arguments of `read_text` for one document."""
    gap = np.array(gaps if gaps is not None else [place == 0 for place in range(len(lines))], bool)
    return lines, np.zeros(len(lines), np.int64), gap


def documents(texts: Sequence[Sequence[str]]) -> tuple[list[str], Ints, Bools]:
    """The arguments of `read_text` for several documents, every third line below a blank one."""
    lines = [line for text in texts for line in text]
    doc = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    gap = np.array([place % 3 == 0 for text in texts for place in range(len(text))], bool)
    return lines, doc, gap


def seen(lines: Sequence[str], doc: Ints, gap: Bools) -> SeenLines:
    """The same lines as the model is given them, with some marks that hang on nothing but the line."""
    marks = np.array([len(line) % len(Mark) if len(line) < 12 else Mark.NONE for line in lines], np.int64)
    return SeenLines(lines, doc, gap, marks)


def read_paragraphs(text: str) -> list[str]:
    """The paragraphs of one text as the model sees them, their lines joined by a space."""
    kept = [(line, place == 0 or not above) for place, (line, above) in enumerate(_with_above(text)) if line]
    read = read_text(*one_document([line for line, _ in kept], [gap for _, gap in kept]))
    paragraphs: list[list[str]] = [[] for _ in range(len(read))]
    for (line, _), paragraph in zip(kept, read.paragraph_of, strict=True):
        paragraphs[paragraph].append(line)
    return [" ".join(lines) for lines in paragraphs]


def _with_above(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.split("\n")]
    return list(zip(lines, ["", *lines], strict=False))


def word_hashes(text: Text) -> list[int]:
    """The hashes of all words, in order."""
    return [int(each) for each in text.word_hash]
