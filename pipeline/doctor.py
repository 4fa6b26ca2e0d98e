"""
What would be read as what: for each raw file its format, the columns that are chosen, and what stands in the way.

Each file is opened as a run would open it, by the same readers, for its first few records. Nothing is cleaned or written.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from pipeline.addresses import Place, is_object, path_in
from pipeline.records import RawFile, RawRecord, Rejection
from pipeline.sources.discover import discover, file_alone
from pipeline.sources.found import Chosen, Recognised, Skipped
from pipeline.sources.opened import OpenFile, opened
from pipeline.sources.read import Outcome, read_records
from pipeline.sources.reading import Reading

PEEKED = 20
"""Records of each file that are looked at, unless asked for another number."""
_MOST_ITEMS = 10_000  # a crawl may hold any number of requests before its first page


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a run would make of one raw file, going by its first records."""

    key: str
    size: int  # bytes
    format: str | None  # "jsonl"; of an archive its own, then those of its members: "zip (html, text)"
    layers: tuple[str, ...] = ()  # compressions, the outermost first
    records: int = 0  # that were looked at
    whole: bool = True  # whether these are all
    media_types: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)  # field -> column
    metadata: tuple[str, ...] = ()  # what is known of the records before they are cleaned
    rejected: Mapping[str, int] = field(default_factory=dict)  # reason -> how many of those looked at
    skipped: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None  # the first rejection, or why the file cannot be read

    def summary(self) -> str:
        """One line for a person."""
        how = " in ".join([self.format or "not read", *reversed(self.layers)])
        found = ", ".join(f"{count} {kind}" for kind, count in self.media_types.items())
        more = "" if self.whole else " so far"
        parts = [how, f"{found or 'no records'}{more}"]
        parts += [", ".join(f"{name} = {column!r}" for name, column in self.columns.items())] if self.columns else []
        parts += [f"known: {', '.join(self.metadata)}"] if self.metadata else []
        parts += (
            [f"no documents: {', '.join(f'{n} {what}' for what, n in self.skipped.items())}"] if self.skipped else []
        )
        parts += [f"rejected: {sum(self.rejected.values())}, the first: {self.problem}"] if self.rejected else []
        parts += [self.problem] if self.problem and not self.rejected else []
        return f"{self.key}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What is below a raw folder."""

    files: Sequence[Diagnosis]
    ignored: Mapping[str, int]  # why -> how many

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def examine(raw: Place, reading: Reading, peek: int = PEEKED) -> Findings:
    """Look at every raw file below a folder or an address, or at one file or object."""
    if is_object(raw) if isinstance(raw, str) else raw.is_file():
        return Findings(
            [diagnose(replace(file_alone(raw), key=path_in(raw).name), reading.alone(path_in(raw)), peek)], {}
        )
    found = discover(raw, reading)
    return Findings([diagnose(file, reading, peek) for file in found.files], found.ignored)


def diagnose(file: RawFile, reading: Reading, peek: int = PEEKED) -> Diagnosis:
    """Look at the first records of one raw file."""
    with opened(file) as content:
        if not isinstance(content, OpenFile):
            return Diagnosis(file.key, file.size, None, problem=content.detail)
        seen = _Seen()
        for count, item in enumerate(_first(read_records(content, reading), peek)):
            seen.take(item)
            seen.whole = count < _MOST_ITEMS - 1
        return seen.diagnosis(file.key, content.file.size, peek)


def _first(outcomes: Iterator[Outcome], peek: int) -> Iterator[Outcome]:
    """What comes up to the first so many records, and one more, to know whether these are all."""
    records = 0
    for _, item in zip(range(_MOST_ITEMS), outcomes, strict=False):
        records += isinstance(item, RawRecord | Rejection)
        yield item
        if records > peek:
            return


@dataclass(slots=True)
class _Seen:
    """What was seen of a file so far."""

    recognised: list[Recognised] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    records: list[RawRecord | Rejection] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    whole: bool = True

    def take(self, item: Outcome) -> None:
        match item:
            case Recognised():
                self.recognised.append(item)
            case Chosen(columns=columns):
                self.columns = {**columns, **self.columns}
            case Skipped(what=what):
                self.skipped[what] += 1
            case _:
                self.records.append(item)

    def diagnosis(self, key: str, size: int, peek: int) -> Diagnosis:
        looked = self.records[:peek]
        sound = [record for record in looked if isinstance(record, RawRecord)]
        refused = [record for record in looked if isinstance(record, Rejection)]
        return Diagnosis(
            key=key,
            size=size,
            format=self._format(),
            layers=self.recognised[0].layers if self.recognised else (),
            records=len(looked),
            whole=self.whole and len(self.records) <= peek,
            media_types=_counted(record.media_type.value for record in sound),
            columns=self.columns,
            metadata=tuple(name for name in _KNOWN if any(_is_known(record, name) for record in sound)),
            rejected=_counted(rejection.reason.value for rejection in refused),
            skipped=dict(sorted(self.skipped.items())),
            problem=f"{refused[0].reason}: {refused[0].detail}" if refused else None,
        )

    def _format(self) -> str | None:
        """The file's format; of an archive with those of its members."""
        if not self.recognised:
            return None
        members = sorted({item.format for item in self.recognised[1:]})
        return self.recognised[0].format + (f" ({', '.join(members)})" if members else "")


_KNOWN = ("title", "authors", "published", "url", "site", "language", "tags", "fetched_at", "extra")


def _is_known(record: RawRecord, name: str) -> bool:
    return bool(getattr(record, name, None) or getattr(record.known, name, None))


def _counted(values: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
