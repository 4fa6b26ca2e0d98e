"""A dry run: the counts of the run to come, and not a byte written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.plan import PlanOptions, preview
from pipeline.run import load_voices, open_store
from pipeline.store.layout import Layout
from pipeline.work import FileCounts
from tests.store_cases import run, story, write

AT_ONCE = PlanOptions(settle=0)
ROOT = Path(__file__).parent.parent


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write(folder, {f"{name}.txt": story(name) for name in ("Ems", "Weser", "Elbe", "Aller", "Leine", "Oker")})
    return folder


def everything(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """All that a write would change: names, sizes and times, also of folders."""
    paths = [folder, *folder.rglob("*")]
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns, path.lstat().st_ino) for path in paths}


def test_without_a_store_nothing_is_made(raw: Path, clean: Path, tmp_path: Path) -> None:
    """Before the first run, everything is to be cleaned, and no folder appears."""
    before = everything(tmp_path)

    found = preview(raw, clean, load_voices(), AT_ONCE)

    assert (found.files.new, found.to_clean, found.shards, found.exit_code) == (6, 6, 1, 0)
    assert found.bytes_to_clean == sum(path.stat().st_size for path in raw.iterdir())
    assert everything(tmp_path) == before


def _disturb(raw: Path) -> None:
    """New, changed, touched, renamed and removed files."""
    write(raw, {"Ems.txt": story("Ems and more"), "new.txt": story("Ilse")})
    os.utime(raw / "Elbe.txt", (1, 1))
    (raw / "Aller.txt").rename(raw / "renamed.txt")
    (raw / "Leine.txt").unlink()


def test_it_says_what_the_run_then_does(raw: Path, clean: Path) -> None:
    """Its counts of files are the run's, and neither a file of the store nor its times change."""
    run(raw, clean)
    _disturb(raw)
    before = everything(clean)

    found = preview(raw, clean, load_voices(), AT_ONCE)

    assert everything(clean) == before
    counts = found.files
    assert (counts.new, counts.changed, counts.renamed, counts.removed, counts.unchanged) == (1, 1, 1, 1, 3)
    assert found.to_clean == 2
    assert found.summary().splitlines()[-1].startswith("to clean: 2 raw files of ")
    assert FileCounts(**json.loads(found.to_json())["files"]) == counts
    assert run(raw, clean).files == counts


def test_a_run_that_is_active_is_not_disturbed(raw: Path, clean: Path) -> None:
    """It needs no lock, reads the last commit, and takes no file away from under the run."""
    run(raw, clean)
    _disturb(raw)
    with open_store(clean) as store:
        (store.tmp / "work").mkdir()
        (store.pieces / "shard").mkdir()
        before = everything(clean)

        assert preview(raw, clean, load_voices(), AT_ONCE).files.changed == 1

        assert everything(clean) == before


def test_while_the_state_is_written_the_last_commit_is_seen(raw: Path, clean: Path) -> None:
    """A transaction of another process that is not committed yet does not show, nor does it hold up the dry run."""
    run(raw, clean)
    script = (
        "import sqlite3, sys\n"
        "state = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "state.execute('BEGIN IMMEDIATE'); state.execute('DELETE FROM raw_files')\n"
        "print('deleted', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(Layout(clean).state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "deleted\n"
        found = preview(raw, clean, load_voices(), AT_ONCE)
        writer.communicate("")

    assert (found.files.unchanged, found.files.new) == (6, 0)


def test_a_mass_delete_is_foretold(raw: Path, clean: Path) -> None:
    """The exit code is the one that the run would have."""
    run(raw, clean)
    for path in sorted(raw.iterdir())[:4]:
        path.unlink()

    assert preview(raw, clean, load_voices(), AT_ONCE).exit_code == 4
    assert preview(raw, clean, load_voices(), PlanOptions(settle=0, allow_mass_delete=True)).files.removed == 4


def test_a_wrong_raw_folder_is_bad_usage(raw: Path, clean: Path) -> None:
    """As for a run."""
    with pytest.raises(UsageError, match="no such folder"):
        preview(raw / "typo", clean, load_voices())
