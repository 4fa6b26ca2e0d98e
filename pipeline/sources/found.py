"""
What readers yield, in the order in which it stands in the file.

A reader knows nothing of the file's name, its number or its site: `read.py` makes records of what is found, and numbers
them. Whatever stands for a document is found or refused; nothing else counts as a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.errors import PipelineError
from pipeline.records import MediaType, Metadata, RejectReason


@dataclass(frozen=True, slots=True)
class Found:
    """One document."""

    data: bytes
    media_type: MediaType
    known: Metadata = field(default_factory=Metadata)
    declared_encoding: str | None = None
    fetched_at: datetime | None = None
    extra: str | None = None  # JSON
    offset: int | None = None  # of its first byte in the stream the reader was given


@dataclass(frozen=True, slots=True)
class Refused:
    """One document that cannot be had, or a stretch of the file in which nobody can tell how many there are."""

    reason: RejectReason
    detail: str
    size: int = 0  # bytes, as far as known
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that stands for no document, such as the request in a crawl; only counted."""

    what: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a stream was taken for; for `pipeline doctor`."""

    format: str
    layers: tuple[str, ...] = ()  # compressions, the outermost first
    member: str | None = None  # its path in an archive


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which columns of a table are read as what; for `pipeline doctor`."""

    columns: Mapping[str, str]  # field -> column


Item = Found | Refused | Skipped | Recognised | Chosen


class BrokenSource(PipelineError):
    """A stream cannot be read on; what was read before it counts, and the rest is rejected for this reason."""

    def __init__(self, reason: RejectReason, detail: str, offset: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.offset = offset

    def refused(self) -> Refused:
        """The same as an outcome."""
        return Refused(self.reason, self.detail, offset=self.offset)
