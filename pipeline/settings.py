"""What, besides the raw file itself, decides how a record is cleaned."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

from pipeline.tables import SCHEMA_VERSION

CLEANER_VERSION = "0.1.0"
"""Also the package's version; to be raised with every change of code that changes a row."""


@dataclass(frozen=True)
class Settings:
    """The versions behind a row; when one of them changes, every raw file is cleaned again."""

    rules_digest: str
    cleaner_version: str = CLEANER_VERSION
    model_version: str | None = None
    schema_version: int = SCHEMA_VERSION
    html_settings: str = ""  # what makes lines of pages, with versions, and what is kept of them
    reading_digest: str | None = None  # of what `pipeline.toml` says about reading; None for the defaults

    @cached_property
    def digest(self) -> str:
        """One value to compare instead of six; asked for with every record."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]
