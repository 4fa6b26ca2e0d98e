r"""
Publication dates as articles write them out, in the languages of most dumps.

Only absolute, complete dates count: "2 hours ago" or "Monday" would make a row depend on the day of the run. Own
patterns rather than dateparser, which finds a date in nearly any line ("may 5" in prose, "12.30" in a score) and
completes missing parts from today's date.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

# Month names, full and short, January first. A word that means the same month in several languages is listed once.
_MONTH_NAMES = (
    (
        "january jan januar jänner janvier janv enero ene gennaio gen janeiro stycznia styczeń sty январь января янв januari "
        "ocak січень січня"
    ),
    (
        "february feb februar feber février fevrier févr fév febrero febbraio fevereiro fev lutego luty lut февраль февраля "
        "фев февр februari şubat лютий лютого"
    ),
    "march mar märz maerz mär mrz mars marzo março marco marca marzec март марта мар maart mrt marts mart березень березня",
    "april apr avril avr abril abr aprile kwietnia kwiecień kwi апрель апреля апр nisan квітень квітня",
    "may mai mayo maggio mag maio maja maj май мая mei mayıs травень травня",
    "june jun juni juin junio giugno giu junho czerwca czerwiec cze июнь июня июн haziran червень червня",
    "july jul juli juillet juil julio luglio lug julho lipca lipiec lip июль июля июл temmuz липень липня",
    "august aug août aout agosto ago sierpnia sierpień sie август августа авг augustus augusti ağustos серпень серпня",
    (
        "september sep sept septembre septiembre setiembre settembre set setembro września wrzesień wrz сентябрь сентября "
        "сен сент eylül вересень вересня"
    ),
    (
        "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź октябрь октября окт "
        "ekim жовтень жовтня"
    ),
    "november nov novembre noviembre novembro listopada listopad lis ноябрь ноября ноя нояб kasım листопада",
    (
        "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudnia grudzień gru декабрь "
        "декабря дек desember aralık грудень грудня"
    ),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ORDINAL = r"(?:st|nd|rd|th|er|º|ª|°|\.)?"
_YEAR = r"(?P<year>1[89]\d\d|20\d\d)"

_WRITTEN = (
    # March 3, 2024 | Mar. 3rd 2024
    rf"\b(?P<month>{_MONTH})\.?\s+(?P<day>[0-3]?\d){_ORDINAL},?\s+{_YEAR}\b",
    # 3 March 2024 | 3. März 2024 | 3 de marzo de 2024 | 03-Mar-2024 | 3 марта 2024
    rf"\b(?P<day>[0-3]?\d){_ORDINAL}(?:\s+|-)(?:of\s+|de\s+|d[’'])?(?P<month>{_MONTH})\.?,?(?:\s+|-)(?:de\s+|del\s+)?{_YEAR}\b",
    # 2024 March 3
    rf"\b{_YEAR},?\s+(?P<month>{_MONTH})\.?\s+(?P<day>[0-3]?\d)\b",
    # 2024年3月3日, 2024년 3월 3일
    rf"{_YEAR}\s*[年년]\s*(?P<month_number>[01]?\d)\s*[月월]\s*(?P<day>[0-3]?\d)\s*[日일]",
    # 2024-03-03, 2024/3/3, 2024.03.03, 20240303 only where a separator shows what it is
    rf"(?<![\d/.-]){_YEAR}(?P<mark>[-/.])(?P<month_number>[01]?\d)(?P=mark)(?P<day>[0-3]?\d)(?![\d/-]|\.\d)",
)
_DATES = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _WRITTEN)
_NUMERIC = re.compile(
    rf"(?<![\d/.-])(?P<first>[0-3]?\d)(?P<mark>[./-])\s?(?P<second>[0-3]?\d)(?P=mark)\s?{_YEAR}(?![\d/-]|\.\d)"
)

# Languages whose every country writes the day first; English does not, and its readers cannot tell 03/04.
_DAY_FIRST = frozenset(
    re.findall(r"\w+", "de fr es it pt pl ru nl da nb no fi cs sk tr uk el ro bg hr sr sl id vi ar he")
)

_TIME = re.compile(
    r"(?<![\d:.])(?P<hour>[012]?\d)(?:(?P<colon>[:h])|\.)(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?|\s*(?P<clock>uhr|час))?"
    r"\s*\(?(?P<zone>z\b|[+-]\d\d:?\d\d\b|[a-zмск]{2,4}\b)?",
    re.IGNORECASE,
)
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 1, "west": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2,
    "eest": 3, "msk": 3, "мск": 3, "est": -5, "edt": -4, "et": -5, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
    "pst": -8, "pdt": -7, "pt": -8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11,
}  # fmt: skip  # hours east of Greenwich; names that two regions share and use differently (IST) are left out

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2040, 1, 1, tzinfo=UTC)
"""
Dates outside are mistakes: a template's year 1, a counter read as a date. When the text was fetched is a better bound, but
few dumps tell; today is none, since the same text would give another row tomorrow.
"""
_CLOCKS = timedelta(days=1)  # what clocks and time zones may be apart

_UPDATED = re.compile(
    r"(?:\b|_)(?:updated?|modified|edited|aktualisiert|geändert|stand|mis à jour|modifié|actualizado|actualizada|aggiornato|"
    r"atualizado|aktualizacja|обновлено|изменено)\b|更新|编辑|修改",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"publish|posted|created|original|veröffentlicht|publi|publicad|pubblicat|опубликован", re.IGNORECASE
)
_MAIL_DATE = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d")
_HAS_YEAR = re.compile(r"1[89]\d\d|20\d\d")
_LONGEST_LINE = 200  # characters; a dateline with a place, a byline and a reading time
_MOST_OTHER_WORDS = 12


def is_plausible(time: datetime, fetched_at: datetime | None) -> bool:
    """
    Whether a text that was fetched then can have been published at a time.

        >>> is_plausible(datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 3, tzinfo=UTC))
        False
    """
    return EARLIEST <= time < (fetched_at + _CLOCKS if fetched_at else LATEST)


class PrintedDate(NamedTuple):
    """A date written out in a line."""

    time: datetime  # on the clock it gives, or else UTC
    raw: str  # the line
    updated: bool  # it is said to be the date of a change


def parse_date(line: str, language: str | None = None) -> datetime | None:
    """
    Read the publication date from a dateline, or None where there is no complete, unambiguous date.

    Of several dates the first wins that is not said to be an update. It stays on the clock that the line names; without
    one the time is taken as UTC, and a date alone is its midnight. The language (ISO 639-1) settles 03/04/2024 where all its countries write the day first.

        >>> parse_date("Published: Monday, March 4, 2024 at 10:15 PM EST").isoformat()
        '2024-03-04T22:15:00-05:00'
        >>> parse_date("3. März 2024, 14:05 Uhr").isoformat(), parse_date("Сегодня, 3 марта 2024").isoformat()
        ('2024-03-03T14:05:00+00:00', '2024-03-03T00:00:00+00:00')
        >>> parse_date("03/04/2024"), parse_date("03/04/2024", "fr").isoformat(), parse_date("2 hours ago")
        (None, '2024-04-03T00:00:00+00:00', None)
    """
    found = find_date(line, language)
    return found.time if found else None


def find_date(line: str, language: str | None = None) -> PrintedDate | None:
    """
    Find the date that `parse_date` reads, with what else is known of it.

        >>> find_date("By Jane Doe, updated 5 March 2024").updated
        True
    """
    if len(line) > _LONGEST_LINE or not _HAS_YEAR.search(line):
        return None
    matches = sorted(_matches(line), key=lambda match: match.start())
    rest = line
    for match in matches:
        rest = rest.replace(match[0], " ")
    if not matches or len(rest.split()) > _MOST_OTHER_WORDS:
        return None
    updates = [_is_update(line, match) for match in matches]
    for updated, match in sorted(zip(updates, matches, strict=True), key=lambda pair: pair[0]):
        date = _date(line, match, language)
        if date:
            return PrintedDate(date, line, updated)
    return None


def read_date(value: str, language: str | None = None) -> datetime | None:
    """
    Read a date as machines write it: ISO 8601, RFC 5322 (mail and feeds), or written out as it is on some pages.

    It stays on the clock it gives; without one it is taken as UTC.

        >>> read_date("2024-03-03T14:05+0100").isoformat(), read_date("Sun, 03 Mar 2024 14:05:00").isoformat()
        ('2024-03-03T14:05:00+01:00', '2024-03-03T14:05:00+00:00')
    """
    text = value.strip()
    date = _iso(text) or _rfc_5322(text) or parse_date(text, language)
    return date.replace(tzinfo=date.tzinfo or UTC) if date else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc_5322(text: str) -> datetime | None:
    if not _MAIL_DATE.match(text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None


def without_dates(line: str) -> str:
    """
    The line without its dates, as bylines are read.

        >>> without_dates("By Jane Doe | Dec. 3, 2024")
        'By Jane Doe | '
    """
    if _HAS_YEAR.search(line) and len(line) <= _LONGEST_LINE:
        for match in list(_matches(line)):
            line = line.replace(match[0], "")
    return line


def is_publication(text: str) -> bool:
    """Whether words tell of the publication, be it with its date or not: "First published in March, updated ..."."""
    return bool(_PUBLISHED.search(text))


def is_update(text: str) -> bool:
    """Whether words say that a date is that of a change, and not also that of the publication."""
    return bool(_UPDATED.search(text)) and not is_publication(text)


def _matches(line: str) -> Iterator[re.Match[str]]:
    for pattern in (*_DATES, _NUMERIC):
        yield from pattern.finditer(line)


def _is_update(line: str, match: re.Match[str]) -> bool:
    """Tell whether the words just before a date say that it is the date of a change."""
    return bool(_UPDATED.search(line[max(0, match.start() - 25) : match.start()]))


def _date(line: str, match: re.Match[str], language: str | None) -> datetime | None:
    """Build the date of a match, with the time of day that stands beside it."""
    parts = match.groupdict()
    if "first" in parts:
        order = _day_and_month(int(parts["first"]), int(parts["second"]), parts["mark"], language)
        if order is None:
            return None
        day, month = order
    else:
        day = int(parts["day"])
        month = int(parts["month_number"]) if "month_number" in parts else _MONTHS.get(parts["month"].lower(), 0)
    try:
        date = datetime(int(parts["year"]), month, day, tzinfo=UTC)
    except ValueError:  # the 31st of February, or a capital that has no plain small letter
        return None
    return (
        _with_time(date, line[match.end() : match.end() + 40]) or _with_time(date, line[: match.start()][-25:]) or date
    )


def _day_and_month(first: int, second: int, mark: str, language: str | None) -> tuple[int, int] | None:
    """Order the numbers of 03/04/2024, or None if both ways are possible. Dots are used with the day first only."""
    if second > 12:
        return (second, first)
    if first > 12 or first == second or mark == "." or language in _DAY_FIRST:
        return (first, second)
    return None


def _with_time(date: datetime, beside: str) -> datetime | None:
    """Add the time of day found beside a date; a full stop between the numbers needs a word that says it is a time."""
    for match in _TIME.finditer(beside):
        hour = int(match["hour"])
        if (
            not (match["colon"] or match["half"] or match["clock"])
            or hour > 23
            or (match["half"] and not 1 <= hour <= 12)
        ):
            continue
        if match["half"]:
            hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
        zone = _zone((match["zone"] or "").lower())
        return date.replace(hour=hour, minute=int(match["minute"]), second=int(match["second"] or 0), tzinfo=zone)
    return None


def _zone(name: str) -> timezone:
    """Return a zone by its name or offset; UTC for one we do not know."""
    if name[:1] in {"+", "-"}:
        minutes = int(name[1:3]) * 60 + int(name[-2:])
        if minutes > 14 * 60:  # the farthest zone there is
            return UTC
        return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))
    return timezone(timedelta(hours=_ZONES.get(name, 0)))
