"""
How good and how fast HTML is cleaned, beside other extractors: `python -m bench.peers [--gold DIR] [--cv] ...`.

Prints, for every extractor, mean word F1 on articles and each other page type of wcxb_dev, on news and on multilingual,
the snippets of wcxb_dev that are found and rejected (quotes and dashes made plain), and pages per second of CPU, as a
ratio to trafilatura's `extract`, too; then precision and recall; then the pages that raise, take more than 5 s of CPU, or
come back empty although they show 200 words. Peers' outcomes are kept in the cache, for the versions that are installed;
speed is measured anew each time, the extractors taking turns on a sample of all pages. With `--cv`, ours cleans every
page by a model that saw nothing of its site.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path

from rich.console import Console

from bench.extracted import Failures, Outcomes, PartExtracted, find_failures, summarise
from bench.extractors import PEERS, TRAFILATURA, VISIBLE, Extractor, is_installed
from bench.folds import Cleaner, Voice
from bench.in_batches import IN_BATCHES
from bench.outcomes import Outcome, measure_pages, measure_peer
from bench.quality import OTHER_TYPES, PARTS, add_options, load_cleaners, progress
from bench.rows import Part
from bench.speed import use_one_thread
from bench.tables import draw_extracted, draw_failures, draw_shares
from bench.turns import Speed, compare_speed, sample_pages
from pipeline.errors import PipelineError
from pipeline.score.gold import PageGold, fold_of, read_pages
from pipeline.score.shapes import Shape
from pipeline.score.table import round_figures

WCXB = (PARTS[0], *OTHER_TYPES)
ALL_TYPES = "wcxb_dev all types"
OTHERS = (PARTS[1], PARTS[2])
"""News and multilingual."""
SPEED_PAGES = 150
WIDTH = 160


@dataclass(frozen=True, slots=True)
class Contest:
    """Who is measured on what."""

    gold: Path
    cache: Path
    ours: Sequence[Extractor]
    peers: Sequence[Extractor]
    limit: int | None  # pages of a part
    speed_pages: int
    tell: Callable[[str], None]  # called with what is being done


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is measured."""

    voices: Voice
    folds: int | None  # None for the cleaner as it is installed
    limit: int | None
    versions: dict[str, tuple[str, ...]]  # of the peers' libraries
    parts: tuple[PartExtracted, ...]
    failures: tuple[Failures, ...]
    speed_pages: int
    speeds: tuple[Speed, ...]


def clean_with(cleaners: Sequence[Cleaner], name: str = "ours") -> Extractor:
    """Return our cleaning of HTML as an extractor: by one cleaner, or each page by that of its fold."""

    def extract(page: PageGold) -> str:
        cleaner = cleaners[fold_of(page.domain, len(cleaners))]
        return next(cleaner.pages.run([page.html])).text

    return Extractor(name, extract)


def compare(contest: Contest, voices: Voice, folds: int | None) -> Comparison:
    """Measure everything."""
    sample: list[PageGold] = []
    parts: dict[str, Outcomes] = {}
    for file, members in (("wcxb_dev", WCXB), *((part.file, (part,)) for part in OTHERS)):
        chosen = choose_pages(contest, file, members)
        measured = measure_file(contest, file, chosen)
        parts.update(measured)
        if file == "wcxb_dev":
            parts[ALL_TYPES] = join(list(measured.values()))
        sample = sample_pages(chain(sample, *chosen.values()), contest.speed_pages)
    everything = join([outcomes for name, outcomes in parts.items() if name != ALL_TYPES])
    return Comparison(
        voices=voices,
        folds=folds,
        limit=contest.limit,
        versions={peer.name: peer.versions for peer in contest.peers},
        parts=tuple(
            PartExtracted(name, len(outcomes[VISIBLE.name]), summarise(outcomes)) for name, outcomes in parts.items()
        ),
        failures=find_failures(everything, everything[VISIBLE.name]),
        speed_pages=len(sample),
        speeds=tuple(measure_speed(contest, sample)),
    )


def choose_pages(contest: Contest, file: str, members: Sequence[Part]) -> dict[str, list[PageGold]]:
    """Read the pages of the parts of a gold file; a part without pages is left out."""
    contest.tell(f"{file}: reading")
    pages = read_pages(contest.gold / f"{file}.parquet", {"html"})
    chosen = {
        part.name: [page for page in pages if part.page_type in {None, page.page_type}][: contest.limit]
        for part in members
    }
    return {name: found for name, found in chosen.items() if found}


def measure_file(contest: Contest, file: str, parts: Mapping[str, list[PageGold]]) -> Mapping[str, Outcomes]:
    """Run every extractor on the pages of a gold file; what comes out is sorted by part."""
    pages = list(chain.from_iterable(parts.values()))
    measured: dict[str, dict[str, Sequence[Outcome]]] = {name: {} for name in parts}
    for extractor in (*contest.ours, *contest.peers):
        contest.tell(f"{file}: {extractor.name}")
        outcomes = iter(
            measure_pages(extractor, pages)
            if extractor in contest.ours
            else measure_peer(extractor, contest.gold / f"{file}.parquet", pages, contest.cache)
        )
        for name, members in parts.items():
            measured[name][extractor.name] = list(islice(outcomes, len(members)))
    return measured


def join(parts: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of several parts as those of one."""
    return {system: list(chain.from_iterable(part[system] for part in parts)) for system in parts[0]}


def measure_speed(contest: Contest, pages: Sequence[PageGold]) -> list[Speed]:
    """Let all extractors that see no gold take turns; nothing is measured on no pages."""
    contest.tell(f"speed on {len(pages)} pages")
    timed = [extractor for extractor in (*contest.ours, *IN_BATCHES, *contest.peers) if not extractor.reads_gold]
    return compare_speed(timed, TRAFILATURA, pages) if pages else []


def installed_peers() -> list[Extractor]:
    """Return the peers that can run here, with a note on stderr for each that cannot."""
    for peer in PEERS:
        if not is_installed(peer):
            Console(stderr=True).print(f"{peer.name} is not installed and is left out; '.[bench]' installs it")
    return [peer for peer in PEERS if is_installed(peer)]


def show(console: Console, comparison: Comparison) -> None:
    """Print all tables."""
    console.print(draw_extracted(comparison.parts, comparison.speeds, comparison.speed_pages, ALL_TYPES))
    console.print()
    console.print(draw_shares(comparison.parts))
    console.print()
    console.print(draw_failures(comparison.failures))
    for page in describe_failures(comparison.failures[0]):
        console.print(page)


def describe_failures(failures: Failures) -> list[str]:
    """Name the pages on which an extractor failed."""
    kinds = {"raised": failures.raised, "slow": failures.slow, "empty": failures.empty}
    return [f"{failures.system}, {kind}: {', '.join(pages)}" for kind, pages in kinds.items() if pages]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument(
        "--speed-pages",
        type=int,
        default=SPEED_PAGES,
        help=f"pages on which CPU time is taken (default {SPEED_PAGES}); 0 for none",
    )
    parser.add_argument("--ours", action="store_true", help="leave out the peers and CPU time, which take an hour")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = parse(arguments)
    try:
        with progress() as tell:
            ours = clean_with(load_cleaners(options, {Shape.HTML}, tell))
            peers, speed_pages = ([VISIBLE], 0) if options.ours else (installed_peers(), options.speed_pages)
            contest = Contest(options.gold, options.cache, [ours], peers, options.limit, speed_pages, tell)
            comparison = compare(contest, options.voices, options.folds if options.cv else None)
    except PipelineError as error:
        raise SystemExit(f"error: {error}") from error
    show(Console(width=WIDTH), comparison)
    if options.json:
        options.json.write_text(json.dumps(round_figures(asdict(comparison)), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    use_one_thread("bench.peers")
    main()
