"""What worker processes do without, so that they start fast."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.workers import ONE_THREAD

# A program of its own, as pyarrow looks for pandas once a process.
WITHOUT_PANDAS = """
import sys
import pyarrow as pa
from pipeline.workers import leave_pandas_out

leave_pandas_out()
assert pa.array(["a", None]).to_pylist() == ["a", None]
table = pa.Table.from_pylist([{"number": 1, "names": ["b"]}])
assert "pandas" not in sys.modules
assert table.to_pandas()["number"].tolist() == [1]
"""

A_PROGRAM = """
from pathlib import Path
from pipeline.plan import PlanOptions
from pipeline.run import run_directly

here = Path(__file__).parent
(here / f"imported as {__name__}").touch()
if __name__ == "__main__":
    report = run_directly(here / "raw", here / "clean", runner="process", options=PlanOptions(settle=0))
    assert report.articles == 1
    assert Path(__file__) == here / "program.py"
"""

# The tests themselves are told to start no threads.
A_WORKER = """
import os
from multiprocessing import get_context

import polars
import pyarrow
from pipeline.workers import spawned_lean

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "3"
    with spawned_lean():
        pool = get_context("spawn").Pool(1)
    assert "POLARS_MAX_THREADS" not in os.environ
    with pool:
        assert pool.apply(polars.thread_pool_size) == 1
        assert pool.apply(pyarrow.cpu_count) == 3
"""


def _run(*arguments: str | Path) -> None:
    unset = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True, env=unset)
    assert done.returncode == 0, done.stderr


def test_arrays_are_made_without_pandas_and_can_be_converted_to_it() -> None:
    """It takes a fifth of a second of each worker, none of which has a use for it; nothing is taken from who has."""
    _run("-c", WITHOUT_PANDAS)


def test_workers_leave_the_program_that_runs_them_alone(tmp_path: Path) -> None:
    """A schedule's is Prefect, which takes a second to import, and nothing of it is sent to them."""
    (tmp_path / "program.py").write_text(A_PROGRAM, encoding="utf-8")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.txt").write_text("The ferry left at six, with eleven people on board.\n", encoding="utf-8")

    _run(tmp_path / "program.py")

    assert [path.name for path in tmp_path.glob("imported*")] == ["imported as __main__"]


def test_the_libraries_of_a_worker_start_no_threads(tmp_path: Path) -> None:
    """There is a worker a core, so their threads would be in each other's way; what the user asks for is done."""
    (tmp_path / "program.py").write_text(A_WORKER, encoding="utf-8")

    _run(tmp_path / "program.py")
