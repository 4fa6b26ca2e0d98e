"""
How what is said on stderr is written: as lines for people, or as one JSON object a line for programs.

The choice travels by the environment, since a run has worker processes, and a schedule starts a process for each run.
"""

import logging
import os
import sys
from enum import StrEnum

from pythonjsonlogger.json import JsonFormatter

ENVIRONMENT = "ARTICLE_PIPELINE_LOG_FORMAT"


class LogFormat(StrEnum):
    """What stderr is written for."""

    TEXT = "text"  # people
    JSON = "json"  # programs: time, level, logger, message, and what else is known, under names of its own


def log_format() -> LogFormat:
    """What was chosen for this process and those it starts."""
    return LogFormat(os.environ.get(ENVIRONMENT, LogFormat.TEXT))


def choose_log_format(chosen: LogFormat) -> None:
    """Choose for this process and those it starts; before anything is logged."""
    os.environ[ENVIRONMENT] = chosen
    set_up_logs()


def set_up_logs() -> None:
    """
    Let everything that is logged in this process be written as was chosen; may be called again.

    Whoever set up logs before, as Prefect does when it is imported, is overruled for JSON and otherwise left alone.
    Objects are plain ASCII: characters that a terminal would obey cannot get through.
    """
    if log_format() is not LogFormat.JSON:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            json_ensure_ascii=True,
        )
    )
    logging.getLogger().handlers = [handler]
    for ours in ("pipeline", "flows"):
        logging.getLogger(ours).setLevel(logging.INFO)
