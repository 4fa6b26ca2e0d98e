"""When a page's article was published and changed: places that tell a day vote on it, as they often contradict each other."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.dates import find_date, is_plausible, is_publication, is_update, read_date
from pipeline.declared import plain
from pipeline.head_lines import find_alone, find_labelled
from pipeline.metadata.page import DeclaredPage, Found, text_in

# Pages that call themselves a product or a list have no publication; a date found in their text is that of an item.
_UNDATED = frozenset({"product", "productgroup", "itemlist", "collectionpage", "searchresultspage", "offercatalog"})
_MODIFIED_TAGS = {
    "article:modified_time": "opengraph", "og:updated_time": "opengraph", "article:modified": "opengraph",
    "datemodified": "microdata", "last-modified": "meta", "lastmod": "meta", "revised": "meta", "dcterms.modified": "meta",
    "dc.date.modified": "meta",
}  # fmt: skip
_MIDNIGHT = time(tzinfo=UTC)
_LABEL_WORDS = 3
_A_DAY, _A_MINUTE = timedelta(days=1), timedelta(minutes=1)
_FARTHEST_CLOCKS, _ZONE_STEP = 14 * 60, 15  # minutes
_URL_DATE = re.compile(r"/(?P<year>19[9]\d|20\d\d)[/-](?P<month>[01]?\d)[/-](?P<day>[0-3]?\d)(?:[/-]|$)")
_LONGEST_RAW = 100


class Witness(NamedTuple):
    """A time the page gives for its publication."""

    time: datetime  # on the clock it is given in, or else UTC
    raw: str
    source: str
    weight: float


def find_published(page: DeclaredPage, url: Found | None) -> Witness | None:
    """Return the time of publication that most places agree on by the day, as the best of them gives it."""
    declared = [*_declared_dates(page)]
    if _is_front_page(page, url) or (page.kinds & _UNDATED and not page.articles and not declared):
        return None
    printed = [*_printed_dates(page)]
    witnesses = declared if _agree(declared) else [*declared, *printed, *_dates_of_url(page, url)]
    votes: dict[date, float] = {}
    for witness in witnesses:
        day = witness.time.date()
        votes[day] = votes.get(day, 0.0) + witness.weight
    winner = max(votes, key=votes.__getitem__, default=None)
    if winner is None or votes[winner] < _ENOUGH:
        return _only_labelled(page) or _only_updated(page) or _only_one(page)
    of_day = [witness for witness in witnesses if witness.time.date() == winner]
    best = max(of_day, key=lambda witness: (witness.time.timetz() != _MIDNIGHT, witness.weight))  # a time tells more
    line = next((witness for witness in printed if witness.source == "dateline"), None)
    return _as_printed(best, line) if line else best


def _as_printed(best: Witness, line: Witness) -> Witness:
    """
    Hold what was voted for against the dateline, which people wrote for people.

    On gold pages that print a date two days or more before what they declare, the printed one was right 8 times of 8.
    """
    if line.time.date() < best.time.date() - _A_DAY:
        return line  # a system that took the article over, or made it anew, declares the day on which it did
    if best.source == "url" and line.time < best.time + 2 * _A_DAY:
        return line  # the server's clock made the address
    return best._replace(time=_on_clock(best.time, line.time))


def _is_front_page(page: DeclaredPage, url: Found | None) -> bool:
    """Whether the address, given and declared, is that of a whole site: its dates are those of what is new there."""
    addresses = [url.text, page.known.url or url.text] if url and url.source != "given" else []
    return bool(addresses) and all(urlsplit(address).path in {"", "/"} for address in addresses)


def _on_clock(moment: datetime, printed: datetime) -> datetime:
    """
    A moment on the clock of a printed time, if that may be the same one: zones are quarters of an hour apart.

        >>> _on_clock(datetime(2024, 3, 4, 3, 22, 7, tzinfo=UTC), datetime(2024, 3, 3, 22, 22, tzinfo=UTC)).isoformat()
        '2024-03-03T22:22:07-05:00'
    """
    if printed.tzinfo is not UTC and abs(printed - moment) < _A_MINUTE:
        return moment.astimezone(printed.tzinfo)
    apart = round((printed.replace(second=0, microsecond=0) - moment.replace(second=0, microsecond=0)) / _A_MINUTE)
    is_zone = apart % _ZONE_STEP == 0 and abs(apart) <= _FARTHEST_CLOCKS and printed.timetz() != _MIDNIGHT
    return moment.astimezone(timezone(timedelta(minutes=apart))) if is_zone and moment.tzinfo is UTC else moment


def _only_labelled(page: DeclaredPage) -> Witness | None:
    """Return the date that the page calls that of its publication anywhere, if it calls but one day so: teasers differ."""
    return _if_one_day(page, find_labelled(page.markup))


def _only_one(page: DeclaredPage) -> Witness | None:
    """Return the date that stands by itself in the upper half of the page, if there is but one day: teasers differ."""
    return _if_one_day(page, find_alone(page.markup))


def _if_one_day(page: DeclaredPage, raws: Iterable[str]) -> Witness | None:
    found = [witness for raw in raws for witness in _witness(page, raw, "dateline", _ENOUGH)]
    return found[0] if len({witness.time.date() for witness in found}) == 1 else None


def _only_updated(page: DeclaredPage) -> Witness | None:
    """Return the printed day of the last update: of a page that tells of no other, this text was published then."""
    for raw, updated in _dates_in_head(page):
        if updated and not is_publication(raw):
            return next(_witness(page, raw, "updated", _ENOUGH), None)
    return None


def _agree(witnesses: Sequence[Witness]) -> bool:
    """Whether two sources name one day and none another; the rest of the page need not be asked."""
    return (
        len({witness.source for witness in witnesses}) > 1 and len({witness.time.date() for witness in witnesses}) == 1
    )


# How much a place counts, by how often it was right on gold pages: the address 96%, OpenGraph 93%, JSON-LD 90%, others less.
_WEIGHTS = {"json-ld": 3.0, "opengraph": 3.0, "meta": 2.0, "microdata": 2.0, "dateline": 1.9, "url": 2.5}
_REBUILT = 1.5
"""JSON-LD that gives one time for publication and change may give that of the page's making."""
_PAGE_WEIGHT = 0.5
"""Systems for web sites give every page a date, also those that are about a company or a product."""
_ENOUGH = 1.0
"""A day with fewer votes is none."""
_MOST_NODES = 3
_LIST_OF_DATES = 4
"""So many days around a headline are those of a list of articles."""


def _declared_dates(page: DeclaredPage) -> Iterator[Witness]:
    for nodes in (page.articles, page.pages):
        for node in nodes[:_MOST_NODES]:
            raw = text_in(node.get("datePublished"))
            weight = _REBUILT if raw == text_in(node.get("dateModified")) else _WEIGHTS["json-ld"]
            yield from _witness(page, raw, "json-ld", weight if nodes is page.articles else _PAGE_WEIGHT)
    others = {name: "meta" for name in page.declared.metas if name not in _DATE_TAGS and _PUBLISHED_TAG.search(name)}
    for name, source in (_DATE_TAGS | others).items():
        for raw in page.declared.metas.get(name, ())[:1]:
            yield from _witness(page, raw, source, _WEIGHTS[source])


def _printed_dates(page: DeclaredPage) -> Iterator[Witness]:
    """The date that the page is marked or printed with, unless it is that of a change."""
    marked = (mark.value or mark.text for mark in page.marks if not mark.is_author)
    yield from (
        witness for raw in list(marked)[:1] for witness in _witness(page, raw, "microdata", _WEIGHTS["microdata"])
    )
    plain_ones = (raw for raw, updated in _dates_in_head(page) if not updated)
    lines = [found for raw in plain_ones for found in _witness(page, raw, "dateline", _WEIGHTS["dateline"])]
    if len({line.time.date() for line in lines}) < _LIST_OF_DATES:
        yield from lines[:1]


def _dates_in_head(page: DeclaredPage) -> Iterator[tuple[str, bool]]:
    """Dates around the headline, and whether each is that of a change."""
    for line, above in zip(page.head, [None, *page.head], strict=False):
        found = find_date(line.text, page.declared.language)
        coded = next((part.datetime for part in line.parts if read_date(part.datetime, page.declared.language)), None)
        if found or coded:
            label = above.text if above and len(above.text.split()) <= _LABEL_WORDS else ""
            updated = found.updated if found else is_update(line.text)
            is_local = found is not None and found.time.tzinfo is not UTC
            yield line.text if is_local else coded or line.text, updated or is_update(label)


def _dates_of_url(page: DeclaredPage, url: Found | None) -> Iterator[Witness]:
    match = _URL_DATE.search(url.text) if url else None
    if match:
        yield from _witness(page, f"{match['year']}-{match['month']:0>2}-{match['day']:0>2}", "url", _WEIGHTS["url"])


def _witness(page: DeclaredPage, raw: str | None, source: str, weight: float) -> Iterator[Witness]:
    time = _time(page, raw)
    if time and raw:
        yield Witness(time, plain(raw)[:_LONGEST_RAW], source, weight)


def _time(page: DeclaredPage, raw: str | None) -> datetime | None:
    time = read_date(raw, page.declared.language) if raw else None
    return time if time and is_plausible(time, page.fetched_at) else None


_DATE_TAGS = {
    "article:published_time": "opengraph", "og:published_time": "opengraph", "article:published": "opengraph",
    "parsely-pub-date": "meta", "sailthru.date": "meta", "datepublished": "microdata", "pubdate": "meta",
    "publishdate": "meta", "publish-date": "meta", "publication_date": "meta", "dc.date.issued": "meta",
    "published": "meta", "dcterms.issued": "meta", "dcterms.created": "meta", "dc.date": "meta", "citation_publication_date": "meta",
    "citation_date": "meta", "date": "meta",
}  # fmt: skip


_PUBLISHED_TAG = re.compile(
    r"(?:publish|publication|posted?)\w*[-_.:]?(?:date|time|on)|date[-_.:]?publish|pub[-_.]?date", re.IGNORECASE
)


def find_modified(page: DeclaredPage) -> Witness | None:
    """Return the time of the last change, from the first place that gives one."""
    declared = [*page.json("dateModified"), *page.metas(_MODIFIED_TAGS)]
    for raw, source in declared:
        for witness in _witness(page, raw, source, 1.0):
            return witness
    return None
