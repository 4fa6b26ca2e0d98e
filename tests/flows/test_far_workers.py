"""Workers that see neither the raw files nor the store of a run, but addresses alone, give the same rows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from importlib.util import find_spec
from pathlib import Path
from socket import socket

import fsspec
import pytest

from bench.made_up import make_dump
from flows.runners import RunnerName
from pipeline import run
from pipeline.store import verify
from pipeline.store.layout import Layout
from tests.buckets import new_bucket, s3_server
from tests.flows.test_clean_raw import run_flow, tables
from tests.flows.test_clusters import STARTED, ended, wait_until

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server() as endpoint:
        yield new_bucket(endpoint, monkeypatch)


@pytest.fixture
def far_cluster(bucket: str, tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler whose two workers stand in a folder of their own, and find the bucket."""
    import distributed

    place, elsewhere = tmp_path / "scheduler.json", tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", place)
    worker = ("distributed.cli.dask_worker", *here, "--nthreads", "1", "--no-nanny", "--local-directory", elsewhere)
    with ExitStack() as stack, chdir(elsewhere):
        stack.enter_context(ended("distributed.cli.dask_scheduler", *here, "--port", "0"))
        wait_until(place.exists)
        for _ in range(2):
            stack.enter_context(ended(*worker))
        with distributed.Client(scheduler_file=str(place)) as client:
            client.wait_for_workers(2, timeout=STARTED)
            yield client.scheduler_info()["address"]


def test_a_flow_reads_raw_files_at_an_address(bucket: str, dumps: Path, tmp_path: Path) -> None:
    """As `serve` and a deployment give it, as text."""
    run.run_directly(dumps, tmp_path / "local")
    fsspec.filesystem("s3").put(f"{dumps}/", f"{bucket}/dumps/", recursive=True)

    report = run_flow(f"{bucket}/dumps", tmp_path / "far", runner=RunnerName.THREAD)

    assert (report.raw, report.articles) == (f"{bucket}/dumps", 6)
    assert tables(tmp_path / "far") == tables(tmp_path / "local")


@pytest.mark.long
def test_the_readme_says_how(bucket: str, dumps: Path, tmp_path: Path, user: dict[str, str], prefect_api: str) -> None:
    """The commands for machines that share no file system, as they stand there, on this machine alone."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = text.partition("## More than one machine")[2].partition("\n## ")[0].split("```")[1::2]
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    bin_ = f"{Path(sys.executable).parent}/"
    told = "".join(blocks).replace("10.0.0.5", "127.0.0.1").replace("8786", port).replace(".venv/bin/", bin_)
    scheduler, worker, _, the_run = (
        line.replace("s3://bucket", bucket).split() for line in told.splitlines() if line.strip()
    )
    for number in range(2_000):  # so that there are two shards: a single one needs no cluster
        (dumps / f"more-{number:04}.txt").write_text(make_dump(number), encoding="utf-8")
    fsspec.filesystem("s3").put(f"{dumps}/", f"{bucket}/dumps/", recursive=True)
    beside = user | {"PREFECT_API_URL": prefect_api}
    (tmp_path / "elsewhere").mkdir()
    with ExitStack() as stack:
        for command in (scheduler, worker):
            process = subprocess.Popen(command, cwd=tmp_path / "elsewhere", env=beside, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        done = subprocess.run(
            [*the_run, "--json"], cwd=tmp_path, env=beside, timeout=200, check=True, capture_output=True
        )

    report = json.loads(done.stdout)
    assert (report["raw"], report["shards"], report["shards_failed"]) == (f"{bucket}/dumps", 2, 0)
    run.run_directly(dumps, tmp_path / "local")
    assert tables(tmp_path / "clean") == tables(tmp_path / "local")


@pytest.mark.long
@pytest.mark.parametrize("runner", [RunnerName.DASK, RunnerName.RAY])
def test_workers_that_share_no_folder_give_the_same_rows(  # noqa: PLR0913, PLR0917 - cases and fixtures
    bucket: str,
    dumps: Path,
    tmp_path: Path,
    runner: RunnerName,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With raw files and scratch in a bucket, a large file in slices among them; nothing stays in the bucket."""
    if runner is RunnerName.RAY and find_spec("prefect_ray") is None:
        pytest.skip("the extra `ray` is not installed")
    cluster = request.getfixturevalue("far_cluster") if runner is RunnerName.DASK else None  # Ray starts its own
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 10_000)
    lines = [{"text": f"The ferry to town {number} left at six.\n" * 9} for number in range(100)]
    (dumps / "large.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    run.run_directly(dumps, tmp_path / "local")
    fsspec.filesystem("s3").put(f"{dumps}/", f"{bucket}/dumps/", recursive=True)
    clean = tmp_path / "far"

    report = run_flow(
        f"{bucket}/dumps", clean, runner=runner, cluster=cluster, scratch=f"{bucket}/scratch", shard_size=3
    )

    assert report.shards_failed == 0
    assert report.shards > 5
    assert tables(clean) == tables(tmp_path / "local")
    assert verify(clean) == []
    assert list(Layout(clean).pieces.iterdir()) == []
    fs = fsspec.filesystem("s3")
    fs.invalidate_cache()
    assert fs.find(f"{bucket}/scratch") == []
