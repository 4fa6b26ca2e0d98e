"""
Every exception the package raises on purpose.

    PipelineError
    ├── UsageError        a path or option that cannot be used (exit 2)
    │   └── GoldError     a gold file that cannot be read; names the file and the column
    ├── AddressError      an address of raw files or scratch cannot be listed, read or written; may pass by itself
    ├── RulePackError     a rule pack that cannot be read or compiled; names file and rule
    ├── BrokenSource      a raw file cannot be read on; becomes a rejection (`sources/found.py`)
    ├── ShardFailed       worker after worker died at a shard; its files are left to the next run
    └── StoreError        the store cannot be opened, read or written; names the path
        ├── StoreBusy     another run holds the lock (exit 3)
        └── StoreRefused  a change refused for safety, such as a mass delete (exit 4)

A document that is not wanted is no exception but a `Rejection` (`records.py`): it is counted and stored with its reason.
"""


class PipelineError(Exception):
    """Base of all errors of this package; its message is fit to be shown to a user."""

    exit_code = 1


class UsageError(PipelineError):
    """A path or option cannot be used as given."""

    exit_code = 2


class GoldError(UsageError):
    """A gold file cannot be scored against; the message names the file and the column."""


class AddressError(PipelineError):
    """An address cannot be listed, read or written; the message names it."""


class RulePackError(PipelineError):
    """A rule pack cannot be used; the message names the file, the rule and what to mend."""

    exit_code = 2


class ShardFailed(PipelineError):
    """Worker after worker died at a shard, which no record could be given the blame for."""


class StoreError(PipelineError):
    """The store below `clean/` cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another run holds the store's lock."""

    exit_code = 3


class StoreRefused(StoreError):
    """The store refused a change that looks like an accident."""

    exit_code = 4
