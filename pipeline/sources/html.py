"""Reader of HTML files: one file is one page."""

import hashlib
from collections.abc import Iterator

from pipeline.hosts import site_of
from pipeline.records import MediaType, RawFile, RawRecord


def read_html(raw_file: RawFile, data: bytes) -> Iterator[RawRecord]:
    """Yield the file as its only record, "key#1"; what its markup declares is read by later stages."""
    yield RawRecord(
        source=f"{raw_file.key}#1",
        data=data,
        media_type=MediaType.HTML,
        raw_sha256=hashlib.sha256(data).hexdigest(),
        site=site_of(raw_file.key),
    )
