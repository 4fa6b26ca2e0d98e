"""Score page gold: words, snippets and titles, one page at a time, then means over groups of pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from statistics import fmean

from pipeline.score.gold import PageGold
from pipeline.score.measures import WORSE, Bag, WordScore, count_found, count_words, fold, gap_closed, oracle, word_f1
from pipeline.score.shapes import Shape, flattenings
from pipeline.score.systems import Result


class Key(StrEnum):
    """What pages can be grouped by."""

    DATASET = "dataset"
    PAGE_TYPE = "page_type"
    LANG = "lang"


@dataclass(frozen=True, slots=True)
class Sample:
    """A page in one shape, ready to be cleaned and scored by any number of systems."""

    page: PageGold
    given: str | bytes  # what a system is given
    text: str  # flat text without any cleaning: `given`, or all visible text of an HTML page
    gold: Bag
    raw: WordScore  # of `text`
    best: float  # word F1 of the oracle's choice from the lines of `text`


@dataclass(frozen=True, slots=True)
class PageScore:
    """How one system did on one page. Snippets and titles count only where the page has them in gold."""

    words: WordScore
    change: float  # of word F1, against the raw text
    words_in: int
    words_out: int
    wanted: tuple[int, int]  # snippets that must stay: found, of how many
    unwanted: tuple[int, int]  # snippets that must go: gone, of how many
    title: bool | None  # exact, after folding; None where gold has none or the system looks for none


@dataclass(frozen=True, slots=True)
class Figures:
    """What a system did to a group of pages; None where nothing in the group says so."""

    system: str
    f1: float  # mean over pages, as are the next two
    precision: float
    recall: float
    gap_closed: float | None
    worse: float  # share of pages made worse by more than WORSE; less is better
    with_found: float | None  # share of all snippets
    without_rejected: float | None
    title_exact: float | None
    words_removed: float  # share of all words of the raw texts; neither more nor less is better


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some pages: all, or those with one value of a key."""

    by: str  # "all", or a `Key`
    value: str
    documents: int
    raw: float  # mean word F1
    oracle: float
    systems: tuple[Figures, ...]  # the raw text first


def make_samples(pages: Sequence[PageGold], shape: Shape, limit: int | None = None) -> list[Sample]:
    """
    Return the pages in one shape; pages that are blank in it are left out, as there is nothing to clean.

    A limit takes the first pages of the file after the shapes are made, so a page's text does not depend on it.
    """
    chosen = pages[:limit]
    if shape is Shape.HTML:
        return [make_sample(page, page.html, page.dump_full) for page in chosen if page.html.strip()]
    texts = flattenings(pages, shape) if shape is Shape.STITCHED else flattenings(chosen, shape)
    return [make_sample(page, text, text) for page, text in zip(chosen, texts, strict=False) if text.strip()]


def make_sample(page: PageGold, given: str | bytes, text: str, best: float | None = None) -> Sample:
    """Return one page in a shape with what is known before cleaning; `best` may be known from before."""
    gold = count_words(page.gold)
    if best is None:
        best = word_f1(count_words(oracle(text, page.gold)), gold).f1
    return Sample(page, given, text, gold, word_f1(count_words(text), gold), best)


def score_page(sample: Sample, result: Result, *, titles: bool) -> PageScore:
    """Score what a system made of one page."""
    page, words = sample.page, count_words(result.text)
    score = word_f1(words, sample.gold)
    wanted, unwanted = page.with_ or (), page.without or ()
    return PageScore(
        words=score,
        change=score.f1 - sample.raw.f1,
        words_in=count_words(sample.text).total(),
        words_out=words.total(),
        wanted=(count_found(result.text, wanted), len(wanted)),
        unwanted=(len(unwanted) - count_found(result.text, unwanted), len(unwanted)),
        title=fold(page.title) == fold(result.title or "") if titles and page.title else None,
    )


def score_raw(sample: Sample) -> PageScore:
    """Score the text as it is, without any cleaning."""
    return score_page(sample, Result(sample.text), titles=False)


def summarise(system: str, samples: Sequence[Sample], scores: Sequence[PageScore]) -> Figures:
    """Return the means of a system over some pages."""
    f1 = fmean(score.words.f1 for score in scores)
    raw, best = fmean(sample.raw.f1 for sample in samples), fmean(sample.best for sample in samples)
    return Figures(
        system=system,
        f1=f1,
        precision=fmean(score.words.precision for score in scores),
        recall=fmean(score.words.recall for score in scores),
        gap_closed=gap_closed(f1, raw, best),
        worse=fmean(score.change < -WORSE for score in scores),
        with_found=_pool(score.wanted for score in scores),
        without_rejected=_pool(score.unwanted for score in scores),
        title_exact=_pool((score.title, 1) for score in scores if score.title is not None),
        words_removed=1 - (_pool((score.words_out, score.words_in) for score in scores) or 0.0),
    )


def group_pages(samples: Sequence[Sample], by: Sequence[Key]) -> Iterator[tuple[str, str, list[int]]]:
    """Yield all pages, then the pages of each value of each key; a key that tells nothing apart is left out."""
    yield "all", "all", list(range(len(samples)))
    for key in by:
        values = [str(getattr(sample.page, key) or "-") for sample in samples]
        order = sorted(range(len(samples)), key=values.__getitem__)
        groups = [(value, list(indices)) for value, indices in groupby(order, key=values.__getitem__)]
        if len(groups) > 1:
            yield from ((key, value, indices) for value, indices in groups)


def summarise_groups(
    samples: Sequence[Sample], scores: Sequence[tuple[str, Sequence[PageScore]]], by: Sequence[Key]
) -> list[Group]:
    """Return the figures of every system for every group of pages; `scores` are a system's name and its pages."""
    groups = []
    for key, value, indices in group_pages(samples, by):
        chosen = [samples[index] for index in indices]
        figures = [summarise(name, chosen, [each[index] for index in indices]) for name, each in scores]
        raw, best = fmean(sample.raw.f1 for sample in chosen), fmean(sample.best for sample in chosen)
        groups.append(Group(key, value, len(chosen), raw, best, tuple(figures)))
    return groups


def _pool(shares: Iterable[tuple[int, int]]) -> float | None:
    """One share from many: the sums of parts and wholes."""
    parts, wholes = 0, 0
    for part, whole in shares:
        parts, wholes = parts + part, wholes + whole
    return parts / wholes if wholes else None
