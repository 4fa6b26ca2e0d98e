"""Reader of HTML files: one file is one page."""

import io
from collections.abc import Iterator

from pipeline.records import MediaType, RejectReason
from pipeline.sources.found import Found, Refused
from pipeline.sources.layers import read_whole
from pipeline.sources.reading import FileReading, Limits


def read_html(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """Yield the page; what its markup declares is read by later stages."""
    data = read_whole(stream, limits.record_bytes)
    if data is None:
        yield Refused(RejectReason.TOO_LARGE, f"a page of more than {limits.record_bytes:,} bytes", offset=0)
    else:
        yield Found(data, MediaType.HTML, offset=0)
