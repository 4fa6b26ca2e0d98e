"""
Whether the articles of a site still look as they did: how much of them is removed, and how long they are.

A scraper that breaks, a site that gets another layout or a wall before its texts, or a rule that takes too much all show
in the same two figures: more of each document is removed, or what is left of it is shorter. Each site is compared with
its own past, since sites differ far more from each other than from themselves.

The past of a site is one row of the state: how many articles, and the sums and sums of squares of two measures. So it
costs the same however many runs there were, and two pasts can be added. The measures are the share of characters that
was removed (`removed_share`) and the natural logarithm of the number of words, since lengths are spread by factors: the
mean of logarithms is that of the typical article, and one very long one hardly moves it.

What a run made is set aside until a site has `ENOUGH` new articles, in one run or several, and then compared:

* the mean removed share has risen by `JUMP` or more, or the typical length has fallen to `SHRINK` of what it was or less,
* and by `SURE` standard errors or more of the difference of two means, with the spread of the past, but at least
  `LEAST_SPREAD`: a site whose pages are all alike is not to cry out at a little.

Then a warning is given, and the past begins anew with the new articles: a change is told once, not on every run until
the old past is outweighed. Otherwise the new articles are added to the past, which counts as `MEMORY` articles at most,
so that slow changes are followed.

`JUMP` and `SHRINK` say what is worth a look; `SURE` keeps chance away. On the visible text of the six hosts of gold pages
that have 15 pages or more (17 to 58), five pages drawn at random as new and the others as the past, 2,000 times a host,
nothing having changed: 0.09% of the draws had a warning of more removed, 0.05% of shorter ones. With two standard errors
it was 0.56% and 1.5%, with one tenth in place of `JUMP` 0.12%. What a change must be to be seen follows from the spreads there, .05
to .14 and .17 to .63.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import nlargest
from itertools import groupby
from operator import attrgetter, itemgetter

import numpy as np
import pyarrow as pa

from pipeline.store.pieces import PieceReader

ENOUGH = 5  # new articles of a site, before it is compared
PAST = 15  # articles of its past, before anything is compared with it
JUMP = 0.15  # of the characters
SHRINK = 0.6  # of the words of the typical article
SURE = 3.0  # standard errors
LEAST_SPREAD = (0.05, 0.2)  # standard deviations: of the removed share, of the logarithm of words
MEMORY = 500.0  # articles that the past counts as at most
SITES_TOLD = 20
CHANGES_TOLD = 10
WARNINGS_TOLD = 50


class Drift(StrEnum):
    """What a site is warned of."""

    MORE_REMOVED = "more-removed"
    SHORTER = "shorter"


@dataclass(frozen=True, slots=True)
class Sums:
    """What is known of some articles of a site: enough for the mean and the spread of both measures."""

    articles: float = 0.0
    share: float = 0.0
    share_squares: float = 0.0
    length: float = 0.0
    length_squares: float = 0.0

    @property
    def removed_share(self) -> float:
        """The mean share of characters that was removed."""
        return self.share / self.articles

    @property
    def words(self) -> float:
        """The number of words of the typical article: the geometric mean."""
        return math.exp(self.length / self.articles)

    @property
    def spreads(self) -> tuple[float, float]:
        """The standard deviations of both measures, or what they are taken to be at least."""
        sums = ((self.share, self.share_squares), (self.length, self.length_squares))
        return (
            max(LEAST_SPREAD[0], _deviation(self.articles, *sums[0])),
            max(LEAST_SPREAD[1], _deviation(self.articles, *sums[1])),
        )

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(mine + theirs for mine, theirs in zip(self.row(), other.row(), strict=True)))

    def at_most(self, articles: float) -> "Sums":
        """The same means and spreads, as of fewer articles."""
        scale = min(1.0, articles / self.articles) if self.articles else 1.0
        return Sums(*(value * scale for value in self.row()))

    def row(self) -> tuple[float, float, float, float, float]:
        return self.articles, self.share, self.share_squares, self.length, self.length_squares


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """The articles of one site whose rows a run made, beside those before."""

    site: str  # empty: none is known
    articles: int
    removed_share: float  # mean over its articles, of the characters in non-blank lines
    words: int  # of the typical article
    past_articles: int = 0  # as many as the past counts for
    past_removed_share: float | None = None
    past_words: int | None = None


@dataclass(frozen=True, slots=True)
class SiteWarning:
    """A site whose articles no longer look as they did."""

    site: str
    what: Drift
    articles: int  # that were compared with the past; of this run, and of those before that waited
    before: float  # the removed share, or the words of the typical article
    now: float
    errors: float  # the difference in standard errors

    def __str__(self) -> str:
        name = self.site or "articles without a site"
        if self.what is Drift.MORE_REMOVED:
            change = f"{self.now:.0%} of the characters are removed, before {self.before:.0%}"
        else:
            change = f"articles have {self.now:,.0f} words, before {self.before:,.0f}"
        return f"{name}: {change} ({self.articles:,} articles)"


@dataclass(frozen=True, slots=True)
class SiteFindings:
    """What a run found out about sites; lists are cut to what a person reads."""

    count: int = 0  # sites with articles whose rows the run made
    largest: tuple[SiteCounts, ...] = ()  # by number of articles
    changed: tuple[SiteCounts, ...] = ()  # by change of the removed share; with a past, and enough articles
    warning_count: int = 0
    warnings: tuple[SiteWarning, ...] = ()


def take_sites(state: sqlite3.Connection, pieces: PieceReader) -> SiteFindings:
    """
    Compare the articles whose rows this run made with the past of their sites, and add them to it.

    Within the commit's transaction, after `apply_changes`.
    """
    seen: list[tuple[SiteCounts, Sums]] = []
    warnings: list[SiteWarning] = []
    for site, made in _measure(state, pieces):
        past, waiting = _read(state, site)
        waiting = waiting.plus(made)
        seen.append((_counts(site, made, past), past))
        if waiting.articles >= ENOUGH:
            found = list(compare(site, past, waiting))
            warnings.extend(found)
            past, waiting = (waiting if found else past.plus(waiting)), Sums()
        _write(state, site, past.at_most(MEMORY), waiting)
    comparable = (counts for counts, past in seen if counts.articles >= ENOUGH and past.articles >= PAST)
    return SiteFindings(
        count=len(seen),
        largest=tuple(nlargest(SITES_TOLD, (counts for counts, _ in seen), key=attrgetter("articles"))),
        changed=tuple(nlargest(CHANGES_TOLD, comparable, key=_change)),
        warning_count=len(warnings),
        warnings=tuple(nlargest(WARNINGS_TOLD, warnings, key=attrgetter("errors"))),
    )


def compare(site: str, past: Sums, new: Sums) -> Iterator[SiteWarning]:
    """
    Say what is worth a warning about new articles of a site; see the module for what is.

        >>> usual = Sums(100, 30.0, 9.3, 600.0, 3610.0)  # 30% removed, 403 words
        >>> [str(warning) for warning in compare("a.example", usual, Sums(10, 7.0, 4.95, 60.0, 361.0))]
        ['a.example: 70% of the characters are removed, before 30% (10 articles)']
        >>> [str(warning) for warning in compare("a.example", usual, Sums(10, 3.0, 0.93, 40.0, 161.0))]
        ['a.example: articles have 55 words, before 403 (10 articles)']
        >>> list(compare("a.example", usual, Sums(10, 3.5, 1.25, 58.0, 340.0)))
        []
    """
    if past.articles < PAST:
        return
    error = math.sqrt(1 / past.articles + 1 / new.articles)
    share_spread, length_spread = past.spreads
    risen = new.removed_share - past.removed_share
    fallen = math.log(past.words / new.words)
    found = {
        Drift.MORE_REMOVED: (risen >= JUMP, risen / (share_spread * error), past.removed_share, new.removed_share),
        Drift.SHORTER: (fallen >= -math.log(SHRINK), fallen / (length_spread * error), past.words, new.words),
    }
    for what, (is_large, errors, before, now) in found.items():
        if is_large and errors >= SURE:
            yield SiteWarning(site, what, round(new.articles), round(before, 4), round(now, 4), round(errors, 1))


def _measure(state: sqlite3.Connection, pieces: PieceReader) -> list[tuple[str, Sums]]:
    """The sums over the articles whose rows come from this run, by site; a piece at a time, two columns of it."""
    chosen = state.execute("SELECT piece, row FROM chosen ORDER BY piece, row")
    total: dict[str, Sums] = {}
    for piece, places in groupby(chosen, key=itemgetter(0)):
        for site, sums in _sums_by_site(pieces, piece, [row for _, row in places]):
            total[site] = total.get(site, Sums()).plus(sums)
    return sorted(total.items())


def _sums_by_site(pieces: PieceReader, piece: int, rows: Sequence[int]) -> Iterator[tuple[str, Sums]]:
    """By NumPy, whose sums need no threads: those of Polars would hang in a process that was forked beside them."""
    columns = ["site", "removed_share", "word_count"]
    table = pa.Table.from_batches(pieces.batches(piece, "articles", columns)).take(rows)
    sites = table["site"].combine_chunks().fill_null("").dictionary_encode()
    share = table["removed_share"].to_numpy().astype(np.float64)
    length = np.log(np.maximum(table["word_count"].to_numpy(), 1))
    weights = (np.ones(len(rows)), share, share * share, length, length * length)
    sums = zip(*(np.bincount(sites.indices, each, len(sites.dictionary)).tolist() for each in weights), strict=True)
    yield from zip(sites.dictionary.to_pylist(), (Sums(*each) for each in sums), strict=True)


def _read(state: sqlite3.Connection, site: str) -> tuple[Sums, Sums]:
    """A site's past, and its articles that wait to be compared."""
    rows = state.execute(
        "SELECT is_past, articles, share_sum, share_squares, length_sum, length_squares FROM site_measures WHERE site = ?",
        (site,),
    )
    found = {is_past: Sums(*sums) for is_past, *sums in rows}
    return found.get(1, Sums()), found.get(0, Sums())


def _write(state: sqlite3.Connection, site: str, past: Sums, waiting: Sums) -> None:
    state.execute("DELETE FROM site_measures WHERE site = ?", (site,))
    for is_past, sums in ((1, past), (0, waiting)):
        if sums.articles:
            state.execute("INSERT INTO site_measures VALUES (?, ?, ?, ?, ?, ?, ?)", (site, is_past, *sums.row()))


def _counts(site: str, made: Sums, past: Sums) -> SiteCounts:
    known = (round(past.articles), round(past.removed_share, 4), round(past.words)) if past.articles else ()
    return SiteCounts(site, round(made.articles), round(made.removed_share, 4), round(made.words), *known)


def _change(counts: SiteCounts) -> float:
    return abs(counts.removed_share - (counts.past_removed_share or 0.0))


def _deviation(number: float, total: float, squares: float) -> float:
    """The standard deviation, of `number` values with this sum and this sum of squares."""
    if number <= 1:
        return 0.0
    return math.sqrt(max(0.0, (squares - total * total / number) / (number - 1)))
