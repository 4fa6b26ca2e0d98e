"""When `pipeline serve` runs the flow: a cron expression or a duration. Imports nothing of Prefect, so bad input is refused at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

from pipeline.errors import UsageError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DURATION = re.compile(r"(\d{1,6})([smhd])")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Exactly one of the two is set."""

    cron: str | None = None
    every: timedelta | None = None

    timezone: str = "UTC"  # of the cron expression

    def __str__(self) -> str:
        return f"at {self.cron} ({self.timezone})" if self.cron else f"every {self.every}"


def make_schedule(cron: str | None, every: str | None) -> Schedule:
    """
    Read the two options of the command line.

        >>> make_schedule(None, "15m")
        Schedule(cron=None, every=datetime.timedelta(seconds=900), timezone='UTC')
        >>> make_schedule("0 6 * * *", "1d")
        Traceback (most recent call last):
        pipeline.errors.UsageError: give either --cron or --every, and only one of them
    """
    if cron is not None and every is None:
        return Schedule(cron=_checked_cron(cron), timezone=_local_timezone(os.environ, Path("/etc/localtime")))
    if every is not None and cron is None:
        return Schedule(every=parse_duration(every))
    raise UsageError("give either --cron or --every, and only one of them")


def parse_duration(text: str) -> timedelta:
    """
    Read a duration such as 5s, 15m, 2h or 1d.

        >>> parse_duration("2h")
        datetime.timedelta(seconds=7200)
        >>> parse_duration("soon")
        Traceback (most recent call last):
        pipeline.errors.UsageError: --every 'soon': write a whole number and one of s, m, h, d, such as 15m
    """
    match = DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"--every {text!r}: write a whole number and one of s, m, h, d, such as 15m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _checked_cron(text: str) -> str:
    """
    Refuse what is no cron expression of five fields; the fields themselves Prefect checks.

        >>> _checked_cron("0 6 * *")
        Traceback (most recent call last):
        pipeline.errors.UsageError: --cron '0 6 * *': write five fields (minute, hour, day, month, weekday), such as '0 6 * * *'
    """
    if len(text.split()) != 5:
        raise UsageError(f"--cron {text!r}: write five fields (minute, hour, day, month, weekday), such as '0 6 * * *'")
    return text


def _local_timezone(environ: Mapping[str, str], link: Path) -> str:
    """
    The name of this machine's time zone, since "at six" means six o'clock here; Prefect would take UTC.

        >>> _local_timezone({"TZ": "Asia/Tokyo"}, Path("/nowhere"))
        'Asia/Tokyo'
        >>> _local_timezone({}, Path("/nowhere"))
        'UTC'
    """
    linked = str(link.resolve()).partition("zoneinfo/")[2]
    known = available_timezones()
    return next((name for name in (environ.get("TZ", "").lstrip(":"), linked) if name in known), "UTC")
