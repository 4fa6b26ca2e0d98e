"""The order of syncs, renames and the commit is the one that `pipeline/store/commit.py` argues with, step by step."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.tables import TABLES
from tests.crash.steps import Steps, watched
from tests.crash.test_disk_trouble import prepare, traced
from tests.crash.world import change_alike, run
from tests.tools import require_strace

pytestmark = pytest.mark.usefixtures("parts_of_few_rows")

PART = re.compile(r"\.store/parts/(\w+)/part-\d+\.\d+\.parquet$")
PIECES = re.compile(r"\.store/pieces/[^/]+$")
SNAPSHOT = re.compile(r"\.store/snapshots/\d+$")
RENAMES = ("rename", "replace", "renameat", "renameat2")


@dataclass(frozen=True, slots=True)
class Done:
    """Something a run did to the disk, in the order in which it did it."""

    call: str  # "fsync", "rename", "link", "commit", "unlink"
    path: str  # below the folder of the store; where something was renamed or linked, its new place
    origin: str = ""  # its old place


class Order:
    """What a run did, to ask what came before what."""

    def __init__(self, done: list[Done]) -> None:
        self.done = done

    def at(self, call: str, path: str | re.Pattern[str]) -> list[int]:
        """When this was done to whatever has this path."""
        return [
            place
            for place, done in enumerate(self.done)
            if done.call == call and (done.path == path if isinstance(path, str) else path.search(done.path))
        ]

    def once(self, call: str, path: str | re.Pattern[str]) -> int:
        (place,) = self.at(call, path)
        return place

    def synced(self, path: str, *, after: int, before: int) -> bool:
        """Whether a path was synced between two moments."""
        return any(after < place < before for place in self.at("fsync", path))


def check_order(order: Order) -> None:
    """Steps 2 to 7 of the argument at the top of `pipeline/store/commit.py`."""
    done = order.done
    commit = order.once("commit", "")
    (pieces,) = order.at("rename", PIECES)
    parts = order.at("rename", PART)
    (snapshot,) = (place for place in order.at("rename", SNAPSHOT))
    current = order.once("rename", ".store/current")
    assert len(parts) >= 4, "parts of several tables"

    # 2. Shards: each piece, then its folder, are synced before the rename, and that is synced.
    folder = done[pieces].origin
    files = [place for place in order.at("fsync", re.compile(rf"{re.escape(folder)}/[^/]+$")) if place < pieces]
    assert {Path(done[place].path).name for place in files} >= {"files.parquet", "articles.parquet", "shard.json"}
    assert order.synced(folder, after=max(files), before=pieces)
    assert order.synced(".store/pieces", after=pieces, before=parts[0])

    # 3. Parts: each is synced below tmp, then renamed into parts.
    for part in parts:
        assert done[part].origin.startswith(".store/tmp/")
        assert order.synced(done[part].origin, after=-1, before=part)

    # 4. Snapshot: the folders of parts, then its own folders, are synced; it is renamed, and that is synced.
    unseen = done[snapshot].origin
    links = [place for place in order.at("link", re.compile(rf"^{re.escape(unseen)}/")) if place < snapshot]
    assert len(links) >= len(parts)
    for table in TABLES:
        assert order.synced(f".store/parts/{table}", after=max(parts), before=commit)
        assert order.synced(f"{unseen}/{table}", after=max(links), before=snapshot)
    assert order.synced(unseen, after=max(links), before=snapshot)
    assert order.synced(".store/snapshots", after=snapshot, before=commit)

    # 5. The state's commit comes after all of it; 6. publication after the commit, and it is synced.
    assert max(*parts, *links, snapshot) < commit < current
    removals = [place for place in order.at("unlink", re.compile("")) if place > current]
    assert order.synced(".store", after=current, before=min(removals))

    # 7. What only older commits needed goes last.
    assert not [place for place in order.at("unlink", PART) if place < current]
    assert order.at("unlink", PART)


def test_each_step_is_on_the_disk_before_the_next_relies_on_it(raw: Path, clean: Path) -> None:
    """As Python sees it: wherever the tests run."""
    prepare(raw, clean)
    change_alike(raw, 3)
    steps = Steps()
    with watched(clean, steps):
        run(raw, clean)

    done = []
    for step in (step for step in steps.seen if step.moment == "after"):
        if step.call in RENAMES:
            done.append(Done("rename", step.paths[1], step.paths[0]))
        elif step.call == "link":
            done.append(Done("link", step.paths[1], step.paths[0]))
        elif step.call in {"fsync", "unlink"}:
            done.append(Done(step.call, step.paths[0]))
    commit = next(place for place, step in enumerate(steps.seen) if str(step) == "after COMMIT")
    earlier = sum(step.call in {*RENAMES, "link", "fsync", "unlink"} for step in steps.seen[:commit]) // 2
    done.insert(earlier, Done("commit", ""))
    check_order(Order(done))


def test_the_kernel_sees_the_same_order(raw: Path, clean: Path, tmp_path: Path) -> None:
    """As strace sees it, with SQLite's own syncs: its log is written and synced between snapshot and publication."""
    strace = require_strace(tmp_path)
    prepare(raw, clean)
    change_alike(raw, 3)
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
    ended = traced(strace, ["-e", calls], raw, clean, tmp_path)
    assert ended.returncode == 0, ended.stderr

    done = list(read_trace((tmp_path / "trace").read_text(encoding="utf-8"), clean))
    order = Order(done)
    (snapshot,) = order.at("rename", SNAPSHOT)
    current = order.once("rename", ".store/current")
    logs = [place for place in order.at("fdatasync", ".store/state.sqlite-wal") if snapshot < place < current]
    assert logs, "the log of the state is synced"
    done.insert(max(logs) + 1, Done("commit", ""))
    check_order(Order(done))


_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += 0", re.MULTILINE)
_RESUMED = re.compile(
    r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>\n((?:.*\n)*?)\1 +<\.\.\. \2 resumed>(.*)$", re.MULTILINE
)
_PATH = re.compile(r'<([^<>]+)>|"([^"]*)"')


def read_trace(trace: str, clean: Path) -> list[Done]:
    """What strace saw of the calls that succeeded, in the order in which they ended."""
    while (whole := _RESUMED.sub(r"\4\1 \2(\3\5", trace)) != trace:
        trace = whole
    done = []
    for call, arguments in _CALL.findall(trace):
        paths = _paths(arguments, clean)
        if call in RENAMES:
            done.append(Done("rename", paths[1], paths[0]))
        elif call in {"link", "linkat"}:
            done.append(Done("link", paths[1], paths[0]))
        else:
            done.append(Done(call.removesuffix("at"), paths[-1]))
    return done


def _paths(arguments: str, clean: Path) -> list[str]:
    """The paths of a call: a name in quotes stands below the folder before it, unless it is whole."""
    paths: list[str] = []
    folder = ""
    for opened, name in _PATH.findall(arguments):
        if name:
            paths.append(name if name.startswith("/") else f"{folder}/{name}")
        folder = opened
    found = paths or [folder]
    return [path.removeprefix(f"{clean}/") for path in found]
