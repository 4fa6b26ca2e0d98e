"""
Walk through a shard's files, record by record, from the place that earlier attempts came to.

A file of which records are done is read again from its beginning, as its hash is that of all its bytes; what is done is
passed over. If it is not the file that it was, it counts as changed while it was read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.records import RawFile, RawRecord, Rejection, RejectReason
from pipeline.sources.found import Skipped
from pipeline.sources.opened import CHANGED, Fingerprint, OpenFile, ReadFailure, opened_in_turn
from pipeline.sources.read import read_records
from pipeline.sources.reading import Reading
from pipeline.steps import CAREFREE, Caution, Note, Place, Stage
from pipeline.store.state import status_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shard is done, and what was counted on the way and makes no row."""

    read_ns: int  # before the first of its files was read
    file: int = 0  # the one that comes next, or of which records are done; from 0
    record: int = 1  # of it, the one that comes next
    status: tuple[int, int, int, int] | None = None  # of it, when records of it were read
    vanished: int = 0  # files that were gone when their turn came
    skipped: Mapping[str, int] = field(default_factory=dict)  # what stood for no document, by what it was

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Progress":
        """Undo `asdict` and JSON."""
        return cls(**{**values, "status": values["status"] and tuple(values["status"])})


@dataclass(frozen=True, slots=True)
class Pause:
    """What was given so far is to be done before more is asked for."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a file."""

    file: RawFile
    sha256: str  # hex; empty when it could not be read to the end, and what was read of it does not count
    rejection: Rejection | None = None  # which then says why


Item = RawRecord | Rejection | Pause | End


class Walk:
    """What is in a shard's files, in order, and how far one is: up to and with what was given last."""

    def __init__(
        self,
        files: Sequence[RawFile],
        reading: Reading,
        begin: Progress,
        caution: Caution = CAREFREE,
        note: Note | None = None,
    ) -> None:
        self.progress = begin
        self._files = files
        self._reading = reading
        self._caution = caution
        self._note = note or Note()

    def items(self) -> Iterator[Item]:
        """The records and rejections of each file, and then its end; one that is gone is left to the next run."""
        files = self._files[self.progress.file :]
        with closing(opened_in_turn(files)) as contents:
            for file, content in zip(files, contents, strict=True):
                yield from self._file(file, content)

    def _file(self, file: RawFile, content: OpenFile | ReadFailure) -> Iterator[Item]:
        """What is left to be done of the file that is next; that it changed while it was read shows at its end."""
        begin, skipped = self.progress, Counter[str]()
        outcome: Fingerprint | ReadFailure
        if isinstance(content, ReadFailure):
            outcome = content
        elif begin.record > 1 and begin.status != status_of(content.file):
            outcome = CHANGED
        else:
            self.progress = replace(begin, status=status_of(content.file))
            yield from self._records(content, skipped)
            outcome = content.finish()
        vanished = isinstance(outcome, ReadFailure) and outcome.vanished
        self.progress = Progress(
            begin.read_ns, begin.file + 1, 1, None, begin.vanished + vanished, dict(Counter(begin.skipped) + skipped)
        )
        if isinstance(outcome, Fingerprint):
            yield End(outcome.file, outcome.sha256)
        elif not outcome.vanished:
            why = RejectReason.CHANGED_WHILE_READ if outcome.changed else RejectReason.UNREADABLE
            yield End(file, "", Rejection(f"{file.key}#1", "", why, outcome.detail, file.size))

    def _records(self, content: OpenFile, skipped: Counter[str]) -> Iterator[Item]:
        """The records and rejections of a file; a file without any is one rejection, so that each is accounted for."""
        for outcome in self._outcomes(content):
            match outcome:
                case Skipped(what=what):
                    skipped[what] += 1
                case RawRecord() | Rejection():
                    given = self._unless_given_up(outcome)
                    self.progress = replace(self.progress, record=self.progress.record + 1)
                    yield given
                case Pause():
                    yield outcome
        if self.progress.record == 1:
            what = ", ".join(f"{count:,} {what}" for what, count in sorted(skipped.items()))
            detail = f"no document, only {what}"[:300] if skipped else "no record"
            self.progress = replace(self.progress, record=2)
            yield Rejection(f"{content.file.key}#1", "", RejectReason.EMPTY, detail, content.file.size)

    def _outcomes(self, content: OpenFile) -> Iterator[RawRecord | Rejection | Skipped | Pause]:
        """What a file's reader gives and is not done yet, each step noted, up to a record whose reading is given up."""
        outcomes = read_records(content, self._reading)
        done = self.progress.record - 1
        while True:
            due = self._due
            if due == self._caution.alone:
                yield Pause()
            blame = self._caution.given_up.get(due)
            if blame is not None and blame.stage is Stage.READING:
                what = "its slice of the file" if content.file.slice else "the file"
                detail = f"{blame.detail}; the rest of {what} was not read"
                yield Rejection(content.file.source(due.record), "", blame.reason, detail, content.file.size)
                return
            self._note.begin(Stage.READING, due)
            outcome = next(outcomes, None)
            self._note.end()
            match outcome:
                case None:
                    return
                case RawRecord() | Rejection() if done:
                    done -= 1
                case RawRecord() | Rejection() | Skipped():
                    yield outcome

    @property
    def _due(self) -> Place:
        return Place(self.progress.file, self.progress.record)

    def _unless_given_up(self, outcome: RawRecord | Rejection) -> RawRecord | Rejection:
        blame = self._caution.given_up.get(self._due)
        if blame is None or isinstance(outcome, Rejection):
            return outcome
        return Rejection(outcome.source, "", blame.reason, blame.detail, len(outcome.data), offset=outcome.offset)
