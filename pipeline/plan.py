"""
What a run has to do: compare the raw folder with the state, and write the work down as shards.

A raw file is skipped only when size, times and inode are all as they were and it was cleaned with the same settings;
otherwise its bytes decide. Nothing is changed here but files below the run's own folder in `.store/tmp/`, and finished
shards of a dead run that cannot be used are removed.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.addresses import Place, absolute, place_of
from pipeline.errors import UsageError
from pipeline.hosts import site_of
from pipeline.limits import DEFAULT_LIMITS, WorkLimits
from pipeline.records import RawFile, RejectReason
from pipeline.report import Preview
from pipeline.resume import extent_of, take_over
from pipeline.sources.discover import Discovery, discover, look_again
from pipeline.sources.formats import promised_format, suffix_of
from pipeline.sources.opened import Fingerprint, fingerprint
from pipeline.sources.reading import Reading
from pipeline.sources.slices import count_slices, slices_of
from pipeline.store.layout import Layout
from pipeline.store.look import ask_state
from pipeline.store.pieces import discard_pieces
from pipeline.store.sources import stale_sources
from pipeline.store.state import KnownFile, known_files, open_state, rejected_files
from pipeline.voices import Voices
from pipeline.work import Deltas, FileCounts, Plan, cut, write_deltas, write_shards

SETTLE_ROUNDS = 5  # how many settle times a run waits for files that keep changing
SMALL_STORE = 3  # up to so many files may vanish at once, as long as some file is left


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How a run treats what it finds in the raw folder."""

    shard_size: int = 2_000
    settle: float = 2.0  # seconds without a change before a file counts as complete
    wait: bool = True  # for files that have not settled; otherwise they are left to the next run
    allow_mass_delete: bool = False
    reading: Reading = field(default_factory=Reading)
    limits: WorkLimits = DEFAULT_LIMITS
    retry: tuple[RejectReason, ...] = ()  # files with a record that was rejected for one of these are cleaned again


DEFAULT_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run found that it has to do."""

    scanned_ns: int
    deltas: Deltas
    shards: tuple[Sequence[RawFile], ...]  # files to clean, without what a dead run had finished
    counts: FileCounts


@dataclass(slots=True)
class _Sorted:
    """The raw files of one scan, sorted by what is to be done with them."""

    new: list[RawFile] = field(default_factory=list)
    changed: list[RawFile] = field(default_factory=list)
    outdated: list[RawFile] = field(default_factory=list)  # same bytes, other settings
    refreshed: list[tuple[int, RawFile]] = field(default_factory=list)
    unchanged: int = 0


def plan_files(raw: Place, layout: Layout, voices: Voices, options: PlanOptions) -> Plan:
    """Scan `raw`, compare it with the state, and write the run's shards and deltas below `.store/tmp/`."""
    with open_state(layout) as state:
        found = survey(raw, layout, state, voices, options, sliced=True)
    discard_pieces(layout, [left.pieces for left in found.deltas.leftovers])
    run_id = time.strftime("%Y%m%dT%H%M%S", time.gmtime(found.scanned_ns / 1e9)) + f".{found.scanned_ns % 10**9:09d}"
    folder = layout.tmp.absolute() / run_id  # workers may run in another folder
    folder.mkdir()
    return Plan(
        run_id=run_id,
        raw=raw,
        clean=layout.clean,
        settings=voices.settings_with(options.reading.digest),
        started_at=found.scanned_ns / 1e9,
        scanned_ns=found.scanned_ns,
        deltas=write_deltas(folder / "deltas.json", found.deltas),
        shards=tuple(
            write_shards(folder, layout.pieces.absolute(), raw, found.shards, voices, options.reading, options.limits)
        ),
        counts=found.counts,
    )


def survey(  # noqa: PLR0913 - a plan's inputs, one by one
    raw: Place, layout: Layout, state: sqlite3.Connection, voices: Voices, options: PlanOptions, *, sliced: bool = False
) -> Survey:
    """
    Find out what a run over `raw` has to do; nothing is written but temporary tables.

    Unless asked to, nothing is cut into slices, for which large files are read as a whole.
    """
    if options.shard_size < 1 or options.settle < 0:
        raise UsageError("a shard holds at least one file, and the settle time cannot be negative")
    settings = voices.settings_with(options.reading.digest)
    scanned_ns = time.time_ns()
    discovery = discover(raw, options.reading)
    known = known_files(state)
    settled, left = _settle(discovery.files, known, options)
    found = _sort(settled, known, settings.digest)
    vanished = _vanished(discovery, known)
    renamed, new = _renames(found.new, vanished, settings.digest, options.reading)
    gone = sorted(vanished.keys() - {old.key for old, _ in renamed})
    refused = _is_mass_delete(len(gone), len(known), discovery) and not options.allow_mass_delete
    removed = () if refused else tuple(known[key].file_id for key in gone)
    cleaned_ids = [known[file.key].file_id for file in found.changed]
    stale = stale_sources(state, removed, cleaned_ids, {old.file_id: file.key for old, file in renamed})
    others = {file.key for file in (*new, *found.changed)}
    retried = [key for key in rejected_files(state, options.retry) if key not in others]
    again = _recleaned(found.outdated, [*stale, *retried], settled)
    files = sorted([*new, *found.changed, *again], key=lambda file: file.key)
    work = [part for file in files for part in slices_of(file, options.reading)] if sliced else files
    leftovers = take_over(layout, work, settings.digest)
    taken = [file for left in leftovers for file in left.files]
    done = set(map(extent_of, taken))
    waiting = [file for file in work if extent_of(file) not in done] if done else work
    begun = {file.key for file in waiting if file.slice}
    return Survey(
        scanned_ns=scanned_ns,
        deltas=Deltas(removed, tuple((old.file_id, file) for old, file in renamed), tuple(found.refreshed), leftovers),
        shards=tuple(cut(waiting, options.shard_size)),
        counts=FileCounts(
            seen=len(discovery.files),
            new=len(new),
            changed=len(found.changed),
            removed=len(removed),
            renamed=len(renamed),
            unchanged=found.unchanged + len(found.outdated),
            recleaned=len(again),
            left=left,
            refused=len(gone) if refused else 0,
            ignored=discovery.ignored,
            resumed=len({file.key for file in taken} - begun),
            resumed_slices=sum(file.key in begun for file in taken),
        ),
    )


def preview(raw: Place, clean: Path, voices: Voices, options: PlanOptions = DEFAULT_OPTIONS) -> Preview:
    """
    Say what a run over `raw` would do, without writing anything and without the lock.

    While a run is active, this tells what would be done if that run were not there.
    """
    layout = Layout(clean)
    found = ask_state(
        layout, lambda state: survey(absolute(place_of(raw)), layout, state, voices, options), of_a_new_store=True
    )
    to_clean = [file for shard in found.shards for file in shard]
    return Preview(
        raw=place_of(raw),
        clean=clean,
        files=found.counts,
        to_clean=len(to_clean),
        bytes_to_clean=sum(file.size for file in to_clean),
        shards=len(found.shards) + sum(count_slices(file, options.reading) - 1 for file in to_clean),
    )


def _settle(
    files: Sequence[RawFile], known: Mapping[str, KnownFile], options: PlanOptions
) -> tuple[list[RawFile], int]:
    """
    Leave out files that are still being written; returns the others, and how many were left out.

    A file is complete when its last change is older than the settle time, or when it held still for as long while
    we waited: a clock set back, or times set by hand, must not keep a file out forever.
    """
    complete: list[RawFile] = []
    young: list[RawFile] = []
    for file in files:
        (young if _is_young(file, known, options.settle) else complete).append(file)
    for _ in range(SETTLE_ROUNDS if options.wait else 0):
        if not young:
            break
        time.sleep(options.settle)
        seen = [(file, look_again(file)) for file in young]
        complete += [file for file, now in seen if now == file]
        young = [now for file, now in seen if now is not None and now != file]
    return sorted(complete, key=lambda file: file.key), len(files) - len(complete)


def _is_young(file: RawFile, known: Mapping[str, KnownFile], settle: float) -> bool:
    """Whether a new or changed file changed so lately that it may not be complete."""
    old = known.get(file.key)
    if old is not None and old.same_status(file):
        return False
    return time.time_ns() - min(file.mtime_ns, file.ctime_ns) < settle * 1e9


def _sort(files: Iterable[RawFile], known: Mapping[str, KnownFile], digest: str) -> _Sorted:
    """Sort the raw files by what is to be done; bytes are compared only where the file status leaves a doubt."""
    found = _Sorted()
    for file in files:
        old = known.get(file.key)
        if old is None:
            found.new.append(file)
        elif old.proves_unchanged(file):
            _take_unchanged(found, file, old, digest)
        elif file.size != old.size or not old.sha256:
            found.changed.append(file)
        else:
            match fingerprint(file):
                case Fingerprint(file=now, sha256=sha256) if sha256 == old.sha256:
                    found.refreshed.append((old.file_id, now))
                    _take_unchanged(found, now, old, digest)
                case _:
                    found.changed.append(file)
    return found


def _take_unchanged(found: _Sorted, file: RawFile, old: KnownFile, digest: str) -> None:
    if old.settings != digest:
        found.outdated.append(file)
    else:
        found.unchanged += 1


def _vanished(discovery: Discovery, known: Mapping[str, KnownFile]) -> dict[str, KnownFile]:
    """Known files that the scan would have seen; nothing is known of folders that could not be listed."""
    present = {file.key for file in discovery.files}
    hidden = tuple(f"{folder}/" for folder in discovery.unreadable)
    return {key: old for key, old in known.items() if key not in present and not key.startswith(hidden or ("\0",))}


def _renames(
    new: Iterable[RawFile], vanished: Mapping[str, KnownFile], digest: str, reading: Reading
) -> tuple[list[tuple[KnownFile, RawFile]], list[RawFile]]:
    """
    Find the new files that are vanished ones under another name; returns the pairs, and the files that are new.

    A name that changes what the cleaning knows, the site or the format, makes a new file. Only sizes that match are
    read, so a run with nothing but new files reads each of them once.
    """
    by_size: dict[int, list[KnownFile]] = defaultdict(list)
    for key in sorted(vanished, reverse=True):
        if vanished[key].settings == digest:
            by_size[vanished[key].size].append(vanished[key])
    renamed, rest = [], []
    for file in new:
        alike = by_size.get(file.size)
        hints = _hints(file.key, reading) if alike else None
        candidates = [old for old in alike or () if _hints(old.key, reading) == hints]
        content = fingerprint(file) if candidates else None
        same = [old for old in candidates if isinstance(content, Fingerprint) and old.sha256 == content.sha256]
        if same and isinstance(content, Fingerprint):
            by_size[file.size].remove(same[-1])
            renamed.append((same[-1], content.file))
        else:
            rest.append(file)
    return renamed, rest


def _hints(key: str, reading: Reading) -> tuple[object, ...]:
    """What of a name the rows depend on: the format it promises, the site, and what the settings say of it."""
    return promised_format(key), suffix_of(key), site_of(key), reading.of(key)


def _is_mass_delete(gone: int, known: int, discovery: Discovery) -> bool:
    """
    Whether so many files are gone that it looks like an accident, such as a disk that is not mounted.

    That is more than half of the known files; in a small store, where one or two files are more than half, it takes
    a raw folder without any file.
    """
    return 2 * gone > known and (gone > SMALL_STORE or not discovery.files)


def _recleaned(outdated: Sequence[RawFile], stale: Iterable[str], settled: Iterable[RawFile]) -> list[RawFile]:
    """Unchanged files to clean again; one that is not there (or not complete) is left to the next run."""
    present = {file.key: file for file in settled}
    again = {file.key: file for file in outdated}
    again.update((key, present[key]) for key in stale if key in present)
    return list(again.values())
