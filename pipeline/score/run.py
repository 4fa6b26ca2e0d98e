"""Score a gold file: read it, make the texts, clean them with every system, and sum up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import GoldError
from pipeline.score.gold import LineGold, is_line_gold, read_lines, read_pages
from pipeline.score.lines import LineGroup, keep_everything, summarise_lines
from pipeline.score.pages import (
    Group,
    Key,
    PageScore,
    Sample,
    make_samples,
    score_page,
    score_raw,
    summarise_groups,
)
from pipeline.score.peers import HTML_PEERS, PEERS
from pipeline.score.shapes import Shape
from pipeline.score.systems import OURS, OURS_HTML, Result, System

RAW = "raw"
"""The name under which the uncleaned text stands among the systems."""

Tell = Callable[[str, int, int], None]
"""Called as work goes on with the system at work, the documents that are done, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class PageReport:
    """The figures of a file of page gold, in one shape."""

    gold: str
    shape: Shape
    documents: int
    blank: int  # left out: nothing to clean in this shape
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class LineReport:
    """The figures of a file of line gold."""

    gold: str
    documents: int
    groups: tuple[LineGroup, ...]


def say_nothing(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def systems_for(shape: Shape, *, peers: bool) -> list[System]:
    """Return ours and, if asked for, the peers that take this shape."""
    if shape is Shape.HTML:
        return [OURS_HTML, *(HTML_PEERS if peers else ())]
    return [OURS, *(PEERS if peers else ())]


def score_file(  # noqa: PLR0913  # what can be asked for on the command line
    path: Path,
    shape: Shape = Shape.DUMP,
    *,
    by: Sequence[Key] = tuple(Key),
    limit: int | None = None,
    peers: bool = True,
    tell: Tell = say_nothing,
) -> PageReport | LineReport:
    """Score a file of page or line gold; a limit takes its first documents."""
    if is_line_gold(path):
        return score_lines_file(path, systems_for(Shape.DUMP, peers=peers), limit, tell)
    return score_pages_file(path, shape, systems_for(shape, peers=peers), by, limit, tell)


def score_pages_file(  # noqa: PLR0913, PLR0917  # as `score_file`
    path: Path, shape: Shape, systems: Sequence[System], by: Sequence[Key], limit: int | None, tell: Tell
) -> PageReport:
    """Score a file of page gold."""
    pages = read_pages(path, shape.columns)
    samples = make_samples(pages, shape, limit)
    if not samples:
        raise GoldError(f"{path}: every page is blank as {shape}; there is nothing to score")
    scores = [(RAW, [score_raw(sample) for sample in samples])]
    for number, system in enumerate(systems):
        results = _clean(system, [sample.given for sample in samples], tell, number, len(systems))
        scores.append((system.name, score_samples(samples, results, titles=system.titles)))
    groups = summarise_groups(samples, scores, by)
    return PageReport(str(path), shape, len(samples), len(pages[:limit]) - len(samples), tuple(groups))


def score_lines_file(path: Path, systems: Sequence[System], limit: int | None, tell: Tell) -> LineReport:
    """Score a file of line gold, by the systems that work by lines."""
    documents = read_lines(path)[:limit]
    if not documents:
        raise GoldError(f"{path}: has no documents; there is nothing to score")
    texts = ["\n".join(document.lines) for document in documents]
    verdicts = [(RAW, keep_everything(documents))]
    for number, system in enumerate(systems):
        keeps = [result.keep for result in _clean(system, texts, tell, number, len(systems))]
        if all(keep is not None for keep in keeps):
            verdicts.append((system.name, [_fit(path, *pair) for pair in zip(documents, keeps, strict=True)]))
    return LineReport(str(path), len(documents), tuple(summarise_lines(documents, verdicts)))


def _fit(path: Path, document: LineGold, keep: Sequence[bool] | None) -> Sequence[bool]:
    """A document's verdicts; systems split lines themselves, so a label whose line has a line break fits none."""
    if keep is None or len(keep) != len(document.lines):
        raise GoldError(f"{path}: {document.id}: column 'lines' has a line with a line break in it")
    return keep


def score_samples(samples: Sequence[Sample], results: Sequence[Result], *, titles: bool) -> list[PageScore]:
    """Score what a system made of each sample."""
    return [score_page(sample, result, titles=titles) for sample, result in zip(samples, results, strict=True)]


def _clean(system: System, texts: Sequence[str | bytes], tell: Tell, number: int, systems: int) -> list[Result]:
    """Clean texts with one of several systems, telling how far the work is."""
    results: list[Result] = []
    done, total = number * len(texts), systems * len(texts)
    for result in system.run(texts):
        tell(system.name, done + len(results), total)
        results.append(result)
    tell(system.name, done + len(results), total)
    return results
