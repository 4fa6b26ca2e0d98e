"""Train a line model: lexicon, standardisation, network."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pipeline.model.dom import NAME_COLUMNS
from pipeline.model.features import Floats
from pipeline.model.lexicon import COLUMNS, score_columns
from pipeline.model.line_model import MARKS, LineModel, feature_names, named
from pipeline.model.network import Array, Network
from pipeline.model.text import Hashes
from pipeline.train.counts import SiteCounts, count_sites
from pipeline.train.examples import Example, group_by_page
from pipeline.train.learn import Batch, Parameters, fit, parameters_of, quantise, start_parameters

EPOCHS = 24
ANEW = 2
"""
Networks of a model of pages beside the one that starts from a model of texts.

By cross-validation the three are worth .005 of word F1 over all page types, against one that starts anew. On two folds the
one that starts from texts had nearly all of that by itself, but lost .027 on multilingual pages of one, which these hold.
"""
UNKNOWN = 0.3
"""What of the usual spread weights begin with that a model started from does not have."""
TEXTS_A_PAGE = 2
"""So many of a page's texts, drawn anew, are learned from in each epoch."""
BATCH = 6_000
"""Paragraphs of a batch, at least; documents stay whole."""
NO_LEXICON = 0.25
"""Share of documents shown without the lexicon's columns, as those of a language that it does not know are."""
NO_RULES = 0.25
"""Share of documents shown without what the rules say, as those of a language without a rule pack are."""
NO_NAMES = 0.15
"""Share of pages shown without what names of elements say, as those of an unknown framework are."""
NAMES = slice(-len(NAME_COLUMNS) - len(COLUMNS) - len(MARKS), -len(COLUMNS) - len(MARKS))
LEXICON = slice(-len(COLUMNS) - len(MARKS), -len(MARKS))
RULES = slice(-len(MARKS), None)
"""Where these columns stand among the features."""
PARAGRAPH_SHARE = 0.3
"""Of a document's weight, this much is shared among paragraphs equally, the rest by words, which is what is scored."""
SAMPLE = 400
"""Documents that show how large hidden values get."""

Half = npt.NDArray[np.float16]
Tell = Callable[[int, float], None]


def train_model(
    examples: Sequence[Example],
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    start: LineModel | None = None,
    tell: Tell | None = None,
) -> LineModel:
    """
    Train on these examples, which are all texts or all pages; `tell` is called after each epoch of each network.

    With `start`, a model of texts, it becomes a model of pages of several networks: one starts from that, which has learned
    from many more texts; `ANEW` others do not.

    The same examples in the same order give the same model on one machine.

    On one thread: several round sums in another order, and on a busy machine they are slower, too.
    """
    with threadpool_limits(1, user_api="blas"):
        return _train(examples, epochs, seed, start, tell or (lambda _epoch, _loss: None))


def count_networks(start: LineModel | None) -> int:
    """How many networks `train_model` trains."""
    return 1 if start is None else 1 + ANEW


def _train(examples: Sequence[Example], epochs: int, seed: int, start: LineModel | None, tell: Tell) -> LineModel:
    counts = count_sites(list(_by_site(examples)))
    names = count_sites(list(_names_by_site(examples))) if examples[0].source.rendering else None
    features = [_with_lexicon(example, counts, names) for example in examples]
    mean, spread = _standard(features)
    inputs = [np.asarray(((each - mean) / spread).astype(np.float16)) for each in features]
    del features
    lesson = _Lesson(
        examples, inputs, np.asarray((-mean / spread).astype(np.float16)), epochs, of_pages=names is not None
    )
    begun = None if start is None else _begin(start, mean, spread, seed)
    begins = [(begun, seed), *((None, seed + number) for number in range(count_networks(start) - 1))]

    def follow(number: int) -> Tell:
        return lambda epoch, loss: tell(number * epochs + epoch, loss)

    networks = [_train_network(lesson, *begin, follow(number)) for number, begin in enumerate(begins)]
    return LineModel(counts.lexicon(), mean, spread, tuple(networks), "unsaved", names.lexicon() if names else None)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What every network of a model learns from; its draws hang on its own seed alone."""

    examples: Sequence[Example]
    inputs: Sequence[Half]  # of the network, an example each
    blank: Half  # what stands for columns that are not shown
    epochs: int
    of_pages: bool


def _train_network(lesson: _Lesson, begin: Parameters | None, seed: int, tell: Tell) -> Network:
    examples, inputs = lesson.examples, lesson.inputs
    pages = _pages(examples)
    random = np.random.default_rng(seed)
    hideable = [(LEXICON, NO_LEXICON), (RULES, NO_RULES), *([(NAMES, NO_NAMES)] if lesson.of_pages else [])]

    def batches(_epoch: int) -> Iterator[Batch]:
        drawn = [index for page in pages for index in random.permutation(page)[:TEXTS_A_PAGE]]
        random.shuffle(drawn)
        for some in _batched(drawn, [len(example) for example in examples]):
            chosen = [examples[index] for index in some]
            yield _batch(chosen, [inputs[index] for index in some], lesson.blank, hideable, random)

    mean_size = np.mean([len(example) for example in examples])
    steps = max(lesson.epochs, int(lesson.epochs * TEXTS_A_PAGE * len(pages) * mean_size / BATCH))
    width = inputs[0].shape[1]
    parameters = fit(batches, lesson.epochs, width, steps=steps, seed=seed, start=begin, tell=tell)
    chosen = random.permutation(len(examples))[:SAMPLE]
    return quantise(parameters, [(inputs[index].astype(np.float32), np.zeros(1, np.int64)) for index in chosen])


def _begin(start: LineModel, mean: Array, spread: Array, seed: int) -> Parameters:
    """
    The parameters of a network of pages that says what the first network of a model of texts says of a page's text.

    What only markup tells enters with small random weights.
    """
    known = parameters_of(start.networks[0])
    names = feature_names(of_pages=True)
    there = [names.index(name) for name in feature_names()]
    weights, bias = known["enter.weights"], known["enter.bias"]
    entering = start_parameters(len(names), weights.shape[1], seed)["enter.weights"] * np.float32(UNKNOWN)
    entering[there] = weights * (spread[there] / start.spread)[:, None]
    shift = ((mean[there] - start.mean) / start.spread) @ weights
    return known | {"enter.weights": entering, "enter.bias": (bias + shift).astype(np.float32)}


def _by_site(examples: Sequence[Example]) -> Iterator[tuple[str, Hashes, Floats]]:
    sites: dict[str, list[Example]] = {}
    for example in examples:
        sites.setdefault(example.source.site, []).append(example)
    for site, own in sites.items():
        hashes = np.concatenate([example.hashes for example in own])
        labels = np.concatenate([example.labels[example.owners] for example in own])
        yield site, hashes, labels.astype(np.float64)


def _names_by_site(examples: Sequence[Example]) -> Iterator[tuple[str, Hashes, Floats]]:
    sites: dict[str, list[Example]] = {}
    for example in examples:
        sites.setdefault(example.source.site, []).append(example)
    for site, own in sites.items():
        labels = np.concatenate([example.labels[example.named] for example in own])
        yield site, np.concatenate([example.names for example in own]), labels.astype(np.float64)


def _with_lexicon(example: Example, counts: SiteCounts, names: SiteCounts | None) -> Half:
    site = example.source.site
    lexical = score_columns(
        len(example), example.owners.astype(np.int64), *counts.look_up_without(example.hashes, site)
    )
    columns = [example.features, lexical.astype(np.float16), example.marks]
    if names is not None and example.source.rendering is not None:
        told = named([example.source.rendering], lambda hashes: names.look_up_without(hashes, site))
        columns.insert(1, told[: len(example)].astype(np.float16))
    return np.concatenate(columns, axis=1)


def _standard(features: Sequence[Half]) -> tuple[Array, Array]:
    """Mean and spread of each feature, over a fifth of the documents."""
    some = np.concatenate(features[::5]).astype(np.float32)
    return some.mean(axis=0), some.std(axis=0) + np.float32(1e-3)


def _pages(examples: Sequence[Example]) -> list[list[int]]:
    index = {id(example): place for place, example in enumerate(examples)}
    return [[index[id(example)] for example in page] for page in group_by_page(examples).values()]


def _batched(drawn: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    some: list[int] = []
    size = 0
    for index in drawn:
        some.append(index)
        size += sizes[index]
        if size >= BATCH:
            yield some
            some, size = [], 0
    if some:
        yield some


def _batch(
    examples: Sequence[Example],
    inputs: Sequence[Half],
    blank: Half,
    hideable: Sequence[tuple[slice, float]],
    random: np.random.Generator,
) -> Batch:
    rows = []
    for own in inputs:
        shown = own.astype(np.float32)
        for columns, share in hideable:
            if random.random() < share:
                shown[:, columns] = blank[columns]
        rows.append(shown)
    sizes = np.array([len(example) for example in examples])
    return Batch(
        features=np.clip(np.concatenate(rows), -6, 6),
        heads=np.cumsum(sizes) - sizes,
        labels=np.concatenate([example.labels for example in examples]).astype(np.float32),
        weights=np.concatenate([_weights(example) for example in examples]).astype(np.float32),
    )


def _weights(example: Example) -> Floats:
    """
    What each paragraph weighs: by words, as word F1 does, and a little by lines.

    Documents of many paragraphs weigh more than short ones, by the square root, since they tell more.
    """
    by_words = example.words / max(int(example.words.sum()), 1)
    mixed = (1 - PARAGRAPH_SHARE) * by_words + PARAGRAPH_SHARE / len(example)
    return np.asarray(mixed * np.sqrt(min(len(example), 400) / 60 + 0.3))
