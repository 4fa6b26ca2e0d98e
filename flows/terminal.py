"""What Prefect prints: its warnings and errors, but nothing that `pipeline` itself says better."""

import logging

from pipeline.errors import PipelineError
from pipeline.logs import set_up_logs
from pipeline.store.layout import is_disk_trouble

SAID_BETTER = (
    "Finished in state",  # after any error, which was said
    "Still processing items",  # a queue being emptied at the end, as it should be
)


def keep_terminal_quiet() -> None:
    """
    Leave out of the terminal what would be said twice; Prefect's user interface still shows all of it.

    That is the traceback of an error whose message is enough, as it was made on purpose or a disk is full, and what
    stands in `SAID_BETTER`.
    With `--log-format json` each line of what is left is an object.
    """
    set_up_logs()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_worth_saying)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PipelineError) or (error and is_disk_trouble(error)):
        return False
    return not str(record.msg).startswith(SAID_BETTER)
