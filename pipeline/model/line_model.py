"""The learned line model: lines in, the probability that each belongs to the article out."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from pipeline.elements import Rendering
from pipeline.model.dom import DOM_COLUMNS, NAME_COLUMNS, dom_columns, hashes_of, linked_shares, name_columns
from pipeline.model.features import GROUPS, Floats, Layout, ngrams
from pipeline.model.lexicon import COLUMNS, Lexicon, score_columns
from pipeline.model.network import DILATIONS, Array, Dense, Network
from pipeline.model.text import Bools, Hashes, Ints, Text, read_text
from pipeline.records import Mark

_BLAS = ThreadpoolController()
"""Small matrices lose by threads: on two cores scoring took three times as long with both."""
FORMAT = 2
"""Of the weights file; also to be raised when the meaning of a feature changes."""
CHUNK = 300_000
"""Characters scored at a time, documents being whole: what fits a processor's cache is measured fastest."""
LINE = 20
"""A line counts as so many characters more: it has some 6 KB of features."""
WEIGHTS = "weights.npz"
PAGE_WEIGHTS = "page_weights.npz"
MARKS = tuple(mark for mark in Mark if mark)
"""Each is a feature."""


@dataclass(frozen=True, slots=True)
class SeenLines:
    """
    The lines of a batch as the model sees them, one entry each.

    `texts` are non-blank and hold no line end; `doc` (ascending) says whose each is; `gap` whether a blank line stands
    above; `marks` how far the rules went with it (`pipeline.records.Mark`). `pages`, one a document, say where the lines
    stand in their markup; None for flat text.
    """

    texts: Sequence[str]
    doc: Ints
    gap: Bools
    marks: Ints
    pages: Sequence[Rendering] | None = None

    def __getitem__(self, part: slice) -> "SeenLines":
        """Some documents' lines."""
        pages = self.pages
        if pages is not None:
            first = len(np.unique(self.doc[: part.start]))
            pages = pages[first : first + len(np.unique(self.doc[part]))]
        return SeenLines(self.texts[part], self.doc[part], self.gap[part], self.marks[part], pages)

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, documents: Sequence[int]) -> "SeenLines":
        """The lines of some documents, by the numbers in `doc`; without their pages."""
        chosen = np.flatnonzero(np.isin(self.doc, documents))
        texts = [self.texts[place] for place in chosen.tolist()]
        return SeenLines(texts, self.doc[chosen], self.gap[chosen], self.marks[chosen])


@dataclass(frozen=True, slots=True)
class LineModel:
    """
    Features are standardised by `mean` and `spread` before the networks see them.

    Where there are several networks, they differ by where their training began; the mean of what they say errs less than each
    of them (Hansen and Salamon 1990, "Neural network ensembles"). With `names`, a lexicon of the names of elements, it judges
    pages; without, flat texts.
    """

    lexicon: Lexicon
    mean: Array
    spread: Array
    networks: tuple[Network, ...]
    version: str  # of the weights
    names: Lexicon | None = None

    def score_lines(self, lines: SeenLines) -> Floats:
        """
        For each line the probability that it belongs to its article, rounded to 4 decimals.

        Lines of one paragraph have one score. A document's scores are the same in any batch.
        """
        scores = [np.zeros(0)]
        for part in chunks(lines):
            layout = lay_out(part)
            text = layout.text
            owners, hashes = ngrams(layout)
            lexical = score_columns(len(text), owners, *self.lexicon.look_up(hashes))
            groups = [measured(layout, part.pages), lexical, mark_columns(text, part.marks)]
            if self.names is not None and part.pages is not None:
                groups.insert(1, named(part.pages, self.names.look_up))
            features = np.concatenate(groups, axis=1)
            with _BLAS.limit(limits=1, user_api="blas"):
                kept = probabilities(self.log_odds(self.standardise(features), layout.heads))
            scores.append(kept[text.paragraph_of])
        return np.concatenate(scores)

    def log_odds(self, features: Array, heads: Ints) -> Floats:
        """The mean over the networks; `features` are standardised, as `Network.log_odds` takes them."""
        return np.asarray(np.mean([network.log_odds(features, heads) for network in self.networks], axis=0))

    def standardise(self, features: Floats) -> Array:
        """Features as the network takes them."""
        return np.asarray(((features - self.mean) / self.spread).astype(np.float32))


def lay_out(lines: SeenLines) -> Layout:
    """The paragraphs of a batch: a page's markup tells where they end."""
    text = read_text(lines.texts, lines.doc, lines.gap, broken=lines.pages is None)
    return Layout(text, None if lines.pages is None else linked_shares(lines.pages))


def measured(layout: Layout, pages: Sequence[Rendering] | None = None) -> Floats:
    """All features but those of lexicons and rules, one row a paragraph."""
    columns = [column for group in GROUPS.values() for column in group(layout).values()]
    flat = np.stack([column.astype(np.float64) for column in columns], axis=1)
    return flat if pages is None else np.concatenate([flat, dom_columns(pages, layout)], axis=1)


def named(pages: Sequence[Rendering], look_up: Callable[[Hashes], tuple[Floats, Bools]]) -> Floats:
    """What a lexicon says of the names of the elements around each line."""
    return np.concatenate([name_columns(page, *look_up(hashes_of(page))) for page in pages])


def mark_columns(text: Text, marks: Ints) -> Floats:
    """What the rules say about each paragraph's lines: for each mark whether one of them has it."""
    first = np.flatnonzero(np.append(True, text.paragraph_of[1:] != text.paragraph_of[:-1]))
    columns = [np.maximum.reduceat(marks == mark, first) for mark in MARKS]
    return np.stack(columns, axis=1).astype(np.float64)


def feature_names(*, of_pages: bool = False) -> list[str]:
    """The names of all features, in the order of their columns."""
    layout = Layout(read_text(["a"], np.zeros(1, np.int64), np.ones(1, bool)))
    return (
        [name for group in GROUPS.values() for name in group(layout)]
        + [*DOM_COLUMNS, *NAME_COLUMNS] * of_pages
        + list(COLUMNS)
        + [f"rules_{mark.name.lower()}" for mark in MARKS]
    )


def probabilities(log_odds: Floats) -> Floats:
    """Log odds as probabilities, rounded to 4 decimals."""
    return np.round(1 / (1 + np.exp(-np.clip(log_odds, -50, 50))), 4)


def chunks(lines: SeenLines) -> Iterator[SeenLines]:
    """Cut a batch between documents into pieces of about `CHUNK` characters."""
    if not len(lines):
        return
    heads = np.append(np.flatnonzero(np.append(True, lines.doc[1:] != lines.doc[:-1])), len(lines))
    size = np.append(0, np.cumsum(np.fromiter(map(len, lines.texts), np.int64, len(lines)) + LINE))
    start = 0
    for head in heads[1:]:
        if size[head] - size[start] >= CHUNK or head == len(lines):
            yield lines[start : int(head)]
            start = int(head)


@cache
def load_model() -> LineModel:
    """The model of flat texts that ships with the package."""
    with as_file(files("pipeline.model") / WEIGHTS) as path:
        return read_model(path)


@cache
def load_page_model() -> LineModel:
    """The model of pages that ships with the package."""
    with as_file(files("pipeline.model") / PAGE_WEIGHTS) as path:
        return read_model(path)


def read_model(path: Path) -> LineModel:
    """Read a weights file."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LineModel(
        lexicon=Lexicon(arrays["lexicon.keys"], arrays["lexicon.scores"]),
        mean=arrays["mean"],
        spread=arrays["spread"],
        networks=tuple(_network(own) for own in _by_member(arrays)),
        version=f"{FORMAT}-{digest[:12]}",
        names=Lexicon(arrays["names.keys"], arrays["names.scores"]) if "names.keys" in arrays else None,
    )


def write_model(model: LineModel, path: Path) -> None:
    """Write a weights file; the same model gives the same bytes."""
    arrays: dict[str, Any] = {"mean": model.mean, "spread": model.spread}
    arrays |= {"lexicon.keys": model.lexicon.keys, "lexicon.scores": model.lexicon.scores}
    if model.names is not None:
        arrays |= {"names.keys": model.names.keys, "names.scores": model.names.scores}
    for member, network in enumerate(model.networks):
        arrays |= {f"{_MEMBER}{member}.{name}": values for name, values in _arrays(network).items()}
    np.savez_compressed(path, **arrays)


_MEMBER = "network"
"""What the names of a network's arrays begin with, before its number."""


def _arrays(network: Network) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for name, layer in network.layers.items():
        arrays |= {f"{name}.weights": layer.weights.astype(np.int8), f"{name}.scale": layer.scale}
        arrays |= {f"{name}.bias": layer.bias}
    return arrays | {f"steps.{name}": np.float64(value) for name, value in network.steps.items()}


def _by_member(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arrays of each network, in order."""
    members: dict[int, dict[str, Any]] = {}
    for name, values in arrays.items():
        member, _, own = name.partition(".")
        if member.startswith(_MEMBER):
            members.setdefault(int(member.removeprefix(_MEMBER)), {})[own] = values
    return [members[number] for number in sorted(members)]


def _network(arrays: dict[str, Any]) -> Network:
    return Network(
        enter=_dense(arrays, "enter"),
        convolutions=tuple(_dense(arrays, f"convolution{place}") for place in range(len(DILATIONS))),
        pool=_dense(arrays, "pool"),
        compare=_dense(arrays, "compare"),
        leave=_dense(arrays, "leave"),
        steps={name.removeprefix("steps."): float(value) for name, value in arrays.items() if "steps." in name},
    )


def _dense(arrays: dict[str, Any], name: str) -> Dense:
    return Dense(arrays[f"{name}.weights"].astype(np.float32), arrays[f"{name}.scale"], arrays[f"{name}.bias"])
