"""
How raw files are read, as far as users may say so: the table `[read]` of `pipeline.toml`.

Everything here changes rows, so all of it is in the digest that each row carries. `pipeline.example.toml` shows and
explains each key; a test holds the two together.
"""

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, field_validator

from pipeline.sources.formats import Format
from pipeline.sources.separators import check_separator

MIB = 1024 * 1024


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Strict):
    """What a file may cost. Sizes are bytes, or text such as "16MiB"."""

    record_bytes: ByteSize = Field(ByteSize(16 * MIB), ge=1024)
    """Of one document; the largest of 2,625 gold pages has 6 MB."""
    records: int = Field(10_000_000, ge=1)
    """Of one file; the rest is rejected as a whole."""
    expansion: int = Field(200, ge=2)
    """Times the size of a compressed file or archive; a log of one line over and over reaches 1,000, articles 3 to 15."""
    free_expansion: ByteSize = ByteSize(64 * MIB)
    """So much may come out of any file, however small it is."""
    nested_bytes: ByteSize = ByteSize(256 * MIB)
    """Of a ZIP archive or Parquet file within a compressed file or archive: they are read from their end, in memory."""


class Columns(_Strict):
    """Columns that are read as a field, before those of the usual names (`columns.py`)."""

    text: Names = ()
    html: Names = ()
    title: Names = ()
    author: Names = ()
    date: Names = ()
    url: Names = ()
    site: Names = ()
    language: Names = ()
    tags: Names = ()
    fetched: Names = ()


class FileReading(_Strict):
    """How one file is read."""

    format: Format | None = None
    """Read as this, whatever content and name say."""
    site: str | None = None
    """The host that the texts come from; "" for none, whatever the folders are called."""
    columns: Columns = Columns()
    prefer: Literal["text", "html"] = "text"
    """Which one is cleaned where a row or a mail has both."""
    keep_extra: bool = False
    """Whether the other columns of a table go into the column `extra`."""
    separator: str | None = None
    """What parts the articles of a text file: "form-feed", "---", or a pattern that a whole line matches."""
    header_blocks: bool = True
    """Whether `Title: ...` lines and front matter at the head of a text are read as metadata."""

    @field_validator("separator")
    @classmethod
    def _is_separator(cls, value: str | None) -> str | None:
        if value is not None:
            check_separator(value)
        return value


class FileRule(_Strict):
    """Other settings for the files whose path below raw/ matches a pattern such as "dumps/*.jsonl.zst"."""

    match: str = Field(min_length=1)
    format: Format | None = None
    site: str | None = None
    columns: Columns | None = None
    prefer: Literal["text", "html"] | None = None
    keep_extra: bool | None = None
    separator: str | None = None
    header_blocks: bool | None = None

    _is_separator = field_validator("separator")(FileReading._is_separator.__func__)  # type: ignore[attr-defined]  # noqa: SLF001

    def given(self) -> Mapping[str, object]:
        """What it says, by field."""
        fields = FileReading.model_fields
        return {name: getattr(self, name) for name in fields if getattr(self, name) is not None}


class Reading(FileReading):
    """How all files are read."""

    limits: Limits = Limits()
    ignore: Names = ()
    """Patterns of paths below raw/ that are passed over."""
    files: tuple[FileRule, ...] = ()
    """For some files: of several that match, a later one wins, field by field."""

    @cached_property
    def digest(self) -> str | None:
        """One value that changes with everything here; None for the defaults."""
        if self == Reading():
            return None
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]

    def of(self, key: str) -> FileReading:
        """How the file of this key is read."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in FileReading.model_fields}
        for rule in self.files:
            if fnmatchcase(key, rule.match):
                fields.update(rule.given())
        return FileReading(**fields)

    def alone(self, path: PurePath) -> "Reading":
        """The same for one file that is read by itself; its path counts from the last folder named raw on."""
        folders = [place for place, part in enumerate(path.parts[:-1]) if part == "raw"]
        settings = self.of("/".join(path.parts[folders[-1] + 1 :] if folders else path.parts))
        given = {name: getattr(settings, name) for name in FileReading.model_fields}
        return self.model_copy(update={**given, "files": ()})

    def ignores(self, key: str) -> bool:
        """Whether the file of this key is passed over."""
        return any(fnmatchcase(key, pattern) for pattern in self.ignore)
