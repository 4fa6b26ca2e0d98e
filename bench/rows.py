"""One part of the gold in one shape: what is scored on it, and what comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from bench.folds import Cleaner, clean_by_fold
from bench.peer_scores import peer_f1s, peers_for
from pipeline.score.cache import load_shape
from pipeline.score.gold import PageGold, read_pages
from pipeline.score.measures import WORSE, gap_closed
from pipeline.score.pages import Figures, Sample, make_sample, score_page, summarise
from pipeline.score.shapes import Shape


@dataclass(frozen=True, slots=True)
class Part:
    """The pages of one gold file, or those of one type."""

    name: str
    file: str
    page_type: str | None = None


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What a peer did to the pages of a row."""

    f1: float  # mean over pages
    gap_closed: float | None
    worse: float  # share of pages made worse by more than WORSE


@dataclass(frozen=True, slots=True)
class Row:
    """One part in one shape."""

    part: str
    shape: Shape
    documents: int
    blank: int  # pages without text in this shape, left out
    raw: float  # mean word F1, as the next
    oracle: float
    ours: Figures
    peers: dict[str, PeerFigures]


@dataclass(frozen=True, slots=True)
class Headline:
    """One part over several shapes: the mean, and the worst of them."""

    part: str
    f1: float
    gap_closed: float
    worst_gap_closed: float
    worst_shape: Shape
    worse: float  # share of pages
    most_worse: float
    best_peer: str | None  # the one with the highest mean of the gap closed
    best_peer_gap_closed: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scored against what, and where gold and cache lie."""

    gold: Path
    cache: Path
    cleaners: Sequence[Cleaner]  # one a fold
    peers: bool
    limit: int | None  # pages of a part
    tell: Callable[[str], None]  # called with what is being done

    def path(self, name: str) -> Path:
        """A gold file."""
        return self.gold / f"{name}.parquet"


def measure(plan: Plan, part: Part, shape: Shape) -> Row | None:
    """Score one part in one shape; None where none of its pages has text."""
    plan.tell(f"{part.name}, {shape}: texts")
    chosen = load_samples(plan, part, shape)
    samples = [sample for sample in chosen if sample.given.strip()]
    if not samples:
        return None
    plan.tell(f"{part.name}, {shape}: ours")
    results = clean_by_fold(plan.cleaners, shape, [each.page for each in samples], [each.given for each in samples])
    scores = [score_page(sample, result, titles=True) for sample, result in zip(samples, results, strict=True)]
    return Row(
        part=part.name,
        shape=shape,
        documents=len(samples),
        blank=len(chosen) - len(samples),
        raw=fmean(sample.raw.f1 for sample in samples),
        oracle=fmean(sample.best for sample in samples),
        ours=summarise("ours", samples, scores),
        peers=measure_peers(plan, part, shape, samples) if plan.peers else {},
    )


def measure_peers(plan: Plan, part: Part, shape: Shape, samples: Sequence[Sample]) -> dict[str, PeerFigures]:
    """Score the peers on the same pages."""
    raw, best = fmean(sample.raw.f1 for sample in samples), fmean(sample.best for sample in samples)
    figures = {}
    for peer in peers_for(shape):
        plan.tell(f"{part.name}, {shape}: {peer.name}")
        f1s = peer_f1s(peer, plan.path(part.file), shape, samples, plan.cache)
        worse = fmean(f1 - sample.raw.f1 < -WORSE for f1, sample in zip(f1s, samples, strict=True))
        figures[peer.name] = PeerFigures(fmean(f1s), gap_closed(fmean(f1s), raw, best), worse)
    return figures


def load_samples(plan: Plan, part: Part, shape: Shape) -> list[Sample]:
    """The pages of a part in one shape; of HTML, the raw text is all visible text."""
    path = plan.path(part.file)
    pages = read_pages(path, shape.columns) if shape is Shape.HTML else load_pages(path)
    shaped = load_shape(path, Shape.DUMP_FULL if shape is Shape.HTML else shape, plan.cache)
    pairs = [pair for pair in zip(pages, shaped, strict=True) if part.page_type in {None, pair[0].page_type}]
    return [
        make_sample(page, page.html if shape is Shape.HTML else each.text, each.text, each.best)
        for page, each in pairs[: plan.limit]
    ]


@cache
def load_pages(path: Path) -> list[PageGold]:
    """A file's pages without their HTML, read once."""
    return read_pages(path, {"dump", "dump_full"})


def headline(rows: Sequence[Row]) -> Headline:
    """Sum up the rows of one part; where the oracle is no better than the raw text, nothing of a gap is closed."""
    worst = min(rows, key=lambda row: row.ours.gap_closed or 0.0)
    peers = {name: fmean(row.peers[name].gap_closed or 0.0 for row in rows) for name in rows[0].peers}
    best = max(peers, key=peers.__getitem__, default=None)
    return Headline(
        part=rows[0].part,
        f1=fmean(row.ours.f1 for row in rows),
        gap_closed=fmean(row.ours.gap_closed or 0.0 for row in rows),
        worst_gap_closed=worst.ours.gap_closed or 0.0,
        worst_shape=worst.shape,
        worse=fmean(row.ours.worse for row in rows),
        most_worse=max(row.ours.worse for row in rows),
        best_peer=best,
        best_peer_gap_closed=peers[best] if best else None,
    )
