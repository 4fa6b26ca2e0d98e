"""Reader of flat text: one file is one document."""

import hashlib
from collections.abc import Iterator

from pipeline.hosts import site_of
from pipeline.records import MediaType, RawFile, RawRecord


def read_text(raw_file: RawFile, data: bytes) -> Iterator[RawRecord]:
    """Yield the file as its only record, "key#1"; an empty file too, so that it is counted as rejected."""
    yield RawRecord(
        source=f"{raw_file.key}#1",
        data=data,
        media_type=MediaType.TEXT,
        raw_sha256=hashlib.sha256(data).hexdigest(),
        site=site_of(raw_file.key),
    )
