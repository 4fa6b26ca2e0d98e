"""Dates as containers tell them: typed, in ISO 8601, as in mail, as seconds since 1970, or written out."""

from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime

from pipeline.dates import parse_date

# Dates outside are mistakes: a template's year 1, a counter read as a date. Fixed, as rows must not depend on today.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2040, 1, 1, tzinfo=UTC)
_LONGEST = 100


def told_date(value: object) -> datetime | None:
    """
    Read a date in UTC, or None where there is none between 1900 and 2040.

    A date without a zone is taken as UTC. Numbers are seconds, milliseconds or microseconds since 1970, told apart by
    their size.

        >>> told_date("2024-05-01T12:00:00+02:00").isoformat(), told_date("Wed, 01 May 2024 10:00:00 GMT").isoformat()
        ('2024-05-01T10:00:00+00:00', '2024-05-01T10:00:00+00:00')
        >>> told_date(1714557600), told_date("20240501100000") == told_date(1714557600000), told_date("yesterday")
        (datetime.datetime(2024, 5, 1, 10, 0, tzinfo=datetime.timezone.utc), True, None)
    """
    try:
        found = _read(value)
        utc = None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return utc if utc and EARLIEST <= utc <= LATEST else None


def _read(value: object) -> datetime | None:
    match value:
        case datetime():
            return value
        case date():
            return datetime.combine(value, time())
        case bool() | None:
            return None
        case int() | float():
            return _from_number(float(value))
        case str() if len(value) <= _LONGEST:
            return _from_text(value.strip())
        case _:
            return None


def _from_number(number: float) -> datetime | None:
    """Seconds up to the year 5138, so milliseconds from 1973 and microseconds from 1973 on; small numbers are none."""
    for unit in (1, 1_000, 1_000_000):
        if 1e8 <= abs(number) / unit < 1e11:
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _from_text(text: str) -> datetime | None:
    if text.isascii() and text.isdigit() and len(text) == 14:  # as in ARC and Internet Archive addresses
        return datetime.strptime(text + "+0000", "%Y%m%d%H%M%S%z")
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) >= 9:
        return _from_number(float(text))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return parse_date(text)
