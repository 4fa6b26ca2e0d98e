"""
How right title, date and authors are, on gold that people made: `python -m bench.metadata [--gold DIR] [--limit N] [--json]`.

Prints, for the pages of each part that have the field in gold: title exact (case, white space and the kind of quotes and
dashes aside), date exact (`published_day`, on the clock that the page gives, as the peers' dates are), and the mean over pages of the F1 of the sets of authors; then,
for pages without the field, how often one is given all the same. Ours stands beside trafilatura, newspaper4k and htmldate
on the same HTML, and below it what we read from the flat text `dump` of the same pages. Last comes the CPU time a page of
our reading of metadata and of `trafilatura.extract`, which take turns page by page.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow.parquet as pq
import trafilatura
from htmldate import find_date
from rich.console import Console
from rich.table import Table
from trafilatura.metadata import extract_metadata

from pipeline import clean_batch, clean_html
from pipeline.clean import Cleaned
from pipeline.decode import decode_record, document_from_text
from pipeline.metadata import read_markup
from pipeline.records import Document, MediaType, RawRecord
from pipeline.score.measures import fold

GOLD = Path(__file__).resolve().parents[2] / "shared" / "gold"
PARTS = {"wcxb_dev articles": ("wcxb_dev", "article"), "news": ("news", None), "multilingual": ("multilingual", None)}
SPEED_PAGES = 150
COLUMNS = ["url", "page_type", "html", "dump", "title", "authors", "date"]
# Gold writes some dates with a time, some without leading zeros, and "UNKNOWN" for an author or a date it does not know.
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_UNKNOWN = "UNKNOWN"

console = Console(width=140)


@dataclass(frozen=True, slots=True)
class Fields:
    """Title, day ("2024-03-03") and authors of a page, as gold or a system has them."""

    title: str | None = None
    day: str | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A gold page with at least one of the fields."""

    url: str | None
    html: bytes
    dump: str
    gold: Fields


@dataclass(frozen=True, slots=True)
class Figures:
    """What a system reached on the pages of one part; None where it has no such field, or gold never has it."""

    part: str
    system: str
    title: float | None  # share of the pages with a title in gold
    date: float | None
    authors: float | None
    date_where_none: float | None  # share of the pages without a date in gold
    authors_where_none: float | None


@dataclass(frozen=True, slots=True)
class System:
    """Something that reads metadata, from the fields it knows."""

    name: str
    read: Callable[[Sequence[Page]], list[Fields]]
    fields: frozenset[str] = frozenset({"title", "day", "authors"})


def day_of(value: str | None) -> str | None:
    """
    The day of a date as gold or a library writes it.

    >>> day_of("2005-5-7 21:23:57"), day_of("UNKNOWN"), day_of(None)
    ('2005-05-07', None, None)
    """
    found = _DAY.match(value or "")
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else None


def load_pages(gold: Path, part: str) -> list[Page]:
    """The pages of a part whose gold has a title, a date or an author."""
    name, page_type = PARTS[part]
    rows = pq.read_table(gold / f"{name}.parquet", columns=COLUMNS).to_pylist()
    return [
        Page(row["url"], row["html"], row["dump"] or "", fields)
        for row in rows
        if page_type in {None, row["page_type"]} and (fields := _gold_fields(row)) != Fields()
    ]


def _gold_fields(row: dict[str, Any]) -> Fields:
    authors = tuple(name for name in row["authors"] or () if name and name != _UNKNOWN)
    return Fields(row["title"] or None, day_of(row["date"]), authors)


def _of_cleaned(cleaned: Cleaned) -> Fields:
    return Fields(cleaned.title, str(cleaned.published_day) if cleaned.published_day else None, cleaned.authors)


def _day(time: datetime | None) -> str | None:
    return time.date().isoformat() if time else None


def read_ours(pages: Sequence[Page]) -> list[Fields]:
    """What a user gets from HTML."""
    return [_of_cleaned(clean_html(page.html, url=page.url)) for page in pages]


def read_ours_flat(pages: Sequence[Page]) -> list[Fields]:
    """What a user gets from the flat text of the same pages."""
    texts: list[str | Document] = [document_from_text(page.dump, url=page.url) for page in pages]
    return [_of_cleaned(cleaned) for cleaned in clean_batch(texts)]


def read_trafilatura(pages: Sequence[Page]) -> list[Fields]:
    """Run trafilatura, with its defaults; pages that it cannot parse have none."""
    return [_trafilatura(page) for page in pages]


def _trafilatura(page: Page) -> Fields:
    try:
        found = extract_metadata(page.html, default_url=page.url)
    except Exception:  # noqa: BLE001  # a peer's failure is its result
        return Fields()
    authors = tuple(name.strip() for name in (found.author or "").split(";") if name.strip())
    return Fields(found.title, day_of(found.date), authors)


def read_newspaper(pages: Sequence[Page]) -> list[Fields]:
    """Run newspaper4k, with its defaults."""
    return [_newspaper(page) for page in pages]


def _newspaper(page: Page) -> Fields:
    import newspaper  # noqa: PLC0415  # in the extra `bench`

    try:
        article = newspaper.Article(page.url or "https://example.org/")
        article.download(input_html=page.html.decode("utf-8", "replace"))
        article.parse()
    except Exception:  # noqa: BLE001  # a peer's failure is its result
        return Fields()
    published = article.publish_date
    return Fields(article.title, _day(published) if isinstance(published, datetime) else None, tuple(article.authors))


def read_htmldate(pages: Sequence[Page]) -> list[Fields]:
    """Run htmldate for the date of publication."""
    return [_htmldate(page) for page in pages]


def _htmldate(page: Page) -> Fields:
    try:
        return Fields(day=day_of(find_date(page.html, original_date=True, url=page.url)))
    except Exception:  # noqa: BLE001  # a peer's failure is its result
        return Fields()


SYSTEMS = (
    System("ours", read_ours),
    System("trafilatura", read_trafilatura),
    System("newspaper4k", read_newspaper),
    System("htmldate", read_htmldate, frozenset({"day"})),
    System("ours, flat text", read_ours_flat),
)


def score(part: str, system: System, pages: Sequence[Page]) -> Figures:
    """Score one system on the pages of a part."""
    pairs = [(page.gold, found) for page, found in zip(pages, system.read(pages), strict=True)]
    titles = [fold(found.title or "") == fold(gold.title) for gold, found in pairs if gold.title]
    days = [found.day == gold.day for gold, found in pairs if gold.day]
    authors = [set_f1(found.authors, gold.authors) for gold, found in pairs if gold.authors]
    spare_days = [found.day is not None for gold, found in pairs if not gold.day]
    spare_authors = [bool(found.authors) for gold, found in pairs if not gold.authors]
    return Figures(
        part,
        system.name,
        title=_mean(titles) if "title" in system.fields else None,
        date=_mean(days),
        authors=_mean(authors) if "authors" in system.fields else None,
        date_where_none=_mean(spare_days),
        authors_where_none=_mean(spare_authors) if "authors" in system.fields else None,
    )


def set_f1(found: Sequence[str], gold: Sequence[str]) -> float:
    """
    F1 of two sets of names, case and the kind of quotes and dashes aside.

    >>> set_f1(["Jane Doe", "Staff"], ["JANE DOE"]), set_f1([], ["Jane Doe"])
    (0.6666666666666666, 0.0)
    """
    ours, theirs = set(map(fold, found)), set(map(fold, gold))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 4) if values else None


def measure_speed(pages: Sequence[Page]) -> dict[str, float]:
    """CPU milliseconds a page, of the systems in turns, so that whatever else the machine does slows all."""
    spent = {"ours, metadata": 0.0, "trafilatura, metadata": 0.0, "trafilatura.extract": 0.0}
    for page in pages:
        document = decode_record(RawRecord("bench#1", page.html, MediaType.HTML, url=page.url))
        if not isinstance(document, Document):
            continue
        flat = replace(document)
        spent["ours, metadata"] += _cpu_ms(lambda d=flat: read_markup(d))  # type: ignore[misc]
        spent["trafilatura, metadata"] += _cpu_ms(lambda p=page: _trafilatura(p))  # type: ignore[misc]
        spent["trafilatura.extract"] += _cpu_ms(lambda p=page: trafilatura.extract(p.html))  # type: ignore[misc]
    return {name: round(total / len(pages), 2) for name, total in spent.items()}


def _cpu_ms(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return (time.process_time() - began) * 1e3


def installed(systems: Sequence[System]) -> Iterator[System]:
    """The systems that can run here; newspaper4k is in the extra `bench`."""
    for system in systems:
        if system.name != "newspaper4k" or find_spec("newspaper"):
            yield system


def draw(figures: Sequence[Figures]) -> Table:
    """The figures, for people."""
    table = Table("part", "system", box=None, pad_edge=False, header_style="bold")
    for name in ("title exact", "date exact", "authors F1", "date where none", "authors where none"):
        table.add_column(name, justify="right")
    for row in figures:
        values = (row.title, row.date, row.authors, row.date_where_none, row.authors_where_none)
        table.add_row(row.part, row.system, *("-" if value is None else f"{value:.3f}" for value in values))
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD, help="folder with the gold files")
    parser.add_argument("--limit", type=int, help="so many pages of each part only")
    parser.add_argument("--ours", action="store_true", help="leave out the peers")
    parser.add_argument("--speed-pages", type=int, default=SPEED_PAGES, help="pages that times are taken on")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    parts = {part: load_pages(options.gold, part)[: options.limit] for part in PARTS}
    systems = [system for system in installed(SYSTEMS) if not options.ours or system.name.startswith("ours")]
    figures = [score(part, system, pages) for part, pages in parts.items() for system in systems]
    everything = [page for pages in parts.values() for page in pages]
    step = max(1, len(everything) // max(1, options.speed_pages))
    speed = measure_speed(everything[::step][: options.speed_pages])
    if options.json:
        print(json.dumps({"figures": [asdict(row) for row in figures], "cpu_ms_per_page": speed}, indent=2))
        return
    console.print(draw(figures))
    console.print("CPU ms a page: " + ", ".join(f"{name} {value}" for name, value in speed.items()))


if __name__ == "__main__":
    main()
