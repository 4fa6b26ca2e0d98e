"""Readers: one module a format, each with one `read_<format>(...) -> Iterator[RawRecord]`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.records import MediaType, RawFile, RawRecord
from pipeline.sources.html import read_html
from pipeline.sources.text import read_text

Reader = Callable[[RawFile, bytes], Iterator[RawRecord]]


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one suffix are read, and what their records hold."""

    read: Reader
    media_type: MediaType


_TEXT = Format(read_text, MediaType.TEXT)
_HTML = Format(read_html, MediaType.HTML)

# By the last suffix of the file's name, in lower case.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {".txt": _TEXT, ".text": _TEXT, ".html": _HTML, ".htm": _HTML, ".xhtml": _HTML}
)
