"""
From gold files to a weights file: which files may be trained on, and the steps from them to a model.

Every page is learned from in all six flattenings (`pipeline.score.shapes`) and in more variants of them
(`pipeline.train.variants`), so that the model is good at more than one flattener's text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.blank import is_blank
from pipeline.clean import read_page
from pipeline.errors import UsageError
from pipeline.model.line_model import LineModel, load_model, read_model, write_model
from pipeline.records import Document, MediaType, RawRecord
from pipeline.rules import load_rules
from pipeline.score.cache import load_shape
from pipeline.score.gold import read_pages
from pipeline.score.run import Tell, say_nothing
from pipeline.score.shapes import FLATTENINGS, Shape, flattenings
from pipeline.train.counts import LEAST_SITES
from pipeline.train.examples import Example, Source, make_examples
from pipeline.train.train import EPOCHS, count_networks, train_model
from pipeline.train.variants import vary

TRAINING = ("wcxb_dev", "news", "multilingual")
"""Files that a model may be trained on, by licence and by purpose; all others are only ever scored."""
OWN = Path(__file__).parent / "own"
"""Texts written for training: languages and kinds of text that the gold files have few of."""
_OF_TEXT = (Shape.DUMP, Shape.NO_BLANK_LINES, Shape.WRAPPED)
PORTION = 500
"""Texts that are measured between two moves of the progress bar."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained, and from what."""

    weights: str  # path of the weights file
    size: int  # bytes
    version: str
    sites: int
    pages: int
    texts: int
    paragraphs: int
    ngrams: int  # in the lexicon
    epochs: int
    seed: int
    loss: float  # of the last epoch


def load_sources(
    folder: Path, cache: Path, names: Sequence[str] = TRAINING, *, tell: Tell = say_nothing
) -> list[Source]:
    """Every page of the training files in a folder, in all flattenings; `UsageError` for files that are for scoring."""
    for name in names:
        if name not in TRAINING:
            raise UsageError(f"{name}: is no file to train on; those are {', '.join(TRAINING)}")
    sources: list[Source] = []
    for done, name in enumerate(names):
        tell(f"reading {name}", done, len(names))
        path = folder / f"{name}.parquet"
        shapes = {shape: load_shape(path, shape, cache) for shape in FLATTENINGS}
        for index, page in enumerate(read_pages(path)):
            sources += [
                Source(f"{name}/{page.id}", page.domain, shape, shaped[index].text, page.gold)
                for shape, shaped in shapes.items()
            ]
    return sources


def own_sources() -> list[Source]:
    """The texts written for training, which ship with the package, in the shapes that need no HTML."""
    sources: list[Source] = []
    for path in sorted(OWN.glob("*.jsonl")):
        for page in read_pages(path):
            texts = {shape: flattenings([page], shape)[0] for shape in _OF_TEXT}
            texts[Shape.DUMP_FULL] = page.dump
            sources += [Source(page.id, page.id, shape, text, page.gold) for shape, text in texts.items()]
    return sources


def load_pages(folder: Path, names: Sequence[str] = TRAINING, *, tell: Tell = say_nothing) -> list[Source]:
    """Every page of the training files in a folder, as its markup shows it."""
    sources: list[Source] = []
    for done, name in enumerate(names):
        tell(f"reading {name}", done, len(names))
        for page in read_pages(folder / f"{name}.parquet", needs=("html",)):
            record = RawRecord(f"{page.id}#1", page.html, MediaType.HTML)
            read = read_page(record)
            if isinstance(read, Document):
                known = read.known.title or ""
                sources.append(
                    Source(f"{name}/{page.id}", page.domain, Shape.HTML, read.text, page.gold, read.rendering, known)
                )
    return sources


def load_page_examples(folder: Path, *, tell: Tell = say_nothing) -> list[Example]:
    """All that a model of pages is trained on, measured and labelled."""
    sources = load_pages(folder, tell=tell)
    _check_sites(folder, sources)
    return _measure(sources, tell)


def load_examples(folder: Path, cache: Path, seed: int = 0, *, tell: Tell = say_nothing) -> list[Example]:
    """All that a model is trained on: the training files' pages in every shape and variant, measured and labelled."""
    pages = load_sources(folder, cache, tell=tell)
    _check_sites(folder, pages)
    sources = [*pages, *own_sources()]
    return _measure([*sources, *vary(sources, seed)], tell)


def _check_sites(folder: Path, sources: Sequence[Source]) -> None:
    sites = len({source.site for source in sources if not is_blank(source.text)})
    if sites < LEAST_SITES:
        raise UsageError(f"{folder}: pages of {sites} sites with text; a model learns from {LEAST_SITES} or more")


def _measure(texts: Sequence[Source], tell: Tell) -> list[Example]:
    rules = load_rules()
    examples: list[Example] = []
    for start in range(0, len(texts), PORTION):
        tell("measuring texts", start, len(texts))
        examples += make_examples(texts[start : start + PORTION], rules)
    return examples


def train_on_gold(  # noqa: PLR0913 - what can be asked for on the command line
    folder: Path,
    out: Path,
    cache: Path,
    *,
    pages: bool = False,
    epochs: int = EPOCHS,
    seed: int = 0,
    tell: Tell = say_nothing,
) -> Trained:
    """
    Train a model on the gold files of a folder and write its weights; the same gold and seed give the same bytes.

    With `pages` a model of pages as their markup shows them, which starts from the installed model of texts; else one of
    flat texts.
    """
    _check_target(out)
    examples = load_page_examples(folder, tell=tell) if pages else load_examples(folder, cache, seed, tell=tell)
    start = load_model() if pages else None
    losses: list[float] = []

    def follow(epoch: int, loss: float) -> None:
        losses.append(loss)
        tell(f"training, loss {loss:.4f}", epoch + 1, epochs * networks)

    networks = count_networks(start)
    tell("training", 0, epochs * networks)
    model = save_model(train_model(examples, epochs=epochs, seed=seed, start=start, tell=follow), out)
    return Trained(
        weights=str(out),
        size=out.stat().st_size,
        version=model.version,
        sites=len({example.source.site for example in examples}),
        pages=len({example.source.page for example in examples}),
        texts=len(examples),
        paragraphs=sum(map(len, examples)),
        ngrams=len(model.lexicon.keys),
        epochs=epochs,
        seed=seed,
        loss=losses[-1],
    )


def save_model(model: LineModel, path: Path) -> LineModel:
    """Write a weights file that is there whole or not at all; returns the model as it will be read."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    write_model(model, unfinished)
    unfinished.replace(path)
    return read_model(path)


def _check_target(out: Path) -> None:
    """Training takes long; what is wrong with the file to write is said before."""
    if out.suffix != ".npz":
        raise UsageError(f"{out}: the name of a weights file ends in .npz")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder")
