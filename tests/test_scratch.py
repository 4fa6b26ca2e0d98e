"""Workers that share no file system with the run hand over what they made at an address, and the rows are the same."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from flows.runners import RunnerName, check_runner
from pipeline.errors import ShardFailed, StoreError, UsageError
from pipeline.isolation import end_crew
from pipeline.plan import PlanOptions
from pipeline.report import RunReport
from pipeline.run import commit_run, load_voices, open_store, plan_run, run_directly
from pipeline.scratch import WORK, clean_elsewhere, open_scratch
from pipeline.store import verify
from pipeline.store.layout import Layout
from pipeline.work import Plan
from tests.buckets import new_bucket, s3_server
from tests.crash.world import clean_trivially
from tests.store_cases import lasting, story, write

OPTIONS = PlanOptions(settle=0, shard_size=2)


@pytest.fixture(autouse=True)
def _no_worker_stays() -> Iterator[None]:
    yield
    end_crew()


@pytest.fixture
def raw(raw: Path) -> Path:
    """Raw files for four shards."""
    write(raw, {f"{number}.txt": story(f"Town {number % 6}") for number in range(7)} | {"empty.txt": ""})
    return raw


@pytest.fixture
def url() -> str:
    return f"memory://{uuid4().hex}/scratch"


def objects(url: str) -> list[str]:
    fs, root = fsspec.url_to_fs(url)
    fs.invalidate_cache()
    return sorted(path.rpartition("/")[2] for path in fs.find(root))


def run_away(raw: Path | str, clean: Path, url: str, elsewhere: Path) -> tuple[RunReport, Plan]:
    """A run whose shards are cleaned by who stands in another folder and knows their addresses alone."""
    with open_store(clean) as store:
        scratch = open_scratch(url, store)
        plan = plan_run(store, raw, load_voices(), OPTIONS)
        addresses = {shard: scratch.hand_out(shard) for shard in plan.shards}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(elsewhere)
            done = {shard: clean_elsewhere(address, clean_trivially) for shard, address in addresses.items()}
        report = commit_run(store, plan, [scratch.take_in(shard, result) for shard, result in done.items()])
        scratch.clear()
    return report, plan


def undisturbed(raw: Path, clean: Path) -> dict[str, list[dict[str, object]]]:
    run_directly(raw, clean, cleaner=clean_trivially, options=OPTIONS)
    return lasting(clean)


def test_raw_files_and_pieces_may_both_be_far_away(
    raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In buckets, and the rows are those of a run on one machine; nothing stays at the address."""
    with s3_server() as endpoint:
        bucket = new_bucket(endpoint, monkeypatch)
        fsspec.filesystem("s3").put(f"{raw}/", f"{bucket}/dumps/", recursive=True)
        (tmp_path / "elsewhere").mkdir()

        report, plan = run_away(f"{bucket}/dumps", clean, f"{bucket}/scratch", tmp_path / "elsewhere")

        assert (report.shards, report.shards_failed, len(plan.shards)) == (4, 0, 4)
        assert objects(f"{bucket}/scratch") == []
        assert verify(clean) == []
    assert lasting(clean) == undisturbed(raw, tmp_path / "undisturbed")
    assert list(Layout(clean).pieces.iterdir()) == list((tmp_path / "elsewhere").iterdir()) == []


def test_what_a_run_that_died_had_not_fetched_is_taken_over(raw: Path, clean: Path, url: str, tmp_path: Path) -> None:
    """The next run fetches whole pieces before it plans, and removes the rest."""
    with open_store(clean) as store:
        scratch = open_scratch(url, store)
        plan = plan_run(store, raw, load_voices(), OPTIONS)
        addresses = [scratch.hand_out(shard) for shard in plan.shards]
        for address in addresses[:2]:
            clean_elsewhere(address, clean_trivially)
    fs, _ = fsspec.url_to_fs(url)
    fs.pipe_file(f"{fsspec.url_to_fs(addresses[1])[1]}/articles.parquet", b"damaged")

    report, _ = run_away(raw, clean, url, tmp_path)

    assert (report.files.resumed, report.shards) == (2, 3)
    assert objects(url) == []
    assert lasting(clean) == undisturbed(raw, tmp_path / "undisturbed")
    assert verify(clean) == []
    with pytest.raises(ShardFailed, match="is no longer to be done; its run has ended"):
        clean_elsewhere(addresses[3], clean_trivially)


def test_pieces_that_are_not_what_was_put_there_are_refused(raw: Path, clean: Path, url: str) -> None:
    """Their shard fails, and is left to the next run."""
    with open_store(clean) as store:
        scratch = open_scratch(url, store)
        shard, *_ = plan_run(store, raw, load_voices(), OPTIONS).shards
        address = scratch.hand_out(shard)
        result = clean_elsewhere(address, clean_trivially)
        assert objects(address) == sorted([WORK, "shard.json", *(f"{name}.parquet" for name in _tables())])
        fs, path = fsspec.url_to_fs(f"{address}/rejected.parquet")
        fs.pipe_file(path, b"damaged")

        with pytest.raises(StoreError, match="are not the pieces that a worker put there"):
            scratch.take_in(shard, result)
        assert list(store.pieces.iterdir()) == []


def _tables() -> list[str]:
    return ["articles", "files", "rejected", "removed_lines"]


def test_stores_do_not_meet_at_one_address(raw: Path, clean: Path, url: str, tmp_path: Path) -> None:
    """Each has a folder of its own, so what one run clears is its own."""
    with open_store(clean) as store, open_store(tmp_path / "other") as other:
        (shard, *_) = plan_run(store, raw, load_voices(), OPTIONS).shards
        open_scratch(url, store).hand_out(shard)

        open_scratch(url, other).clear()

        assert objects(url) == [WORK]


def test_scratch_is_for_clusters() -> None:
    """Workers of this machine need none; and an address that nothing reaches is refused before the run."""
    with pytest.raises(UsageError, match="--scratch is for dask and ray, not for --runner process"):
        check_runner(RunnerName.PROCESS, None, "memory://scratch/here")
    with pytest.raises(UsageError, match="s4://bucket/scratch: cannot be reached"):
        check_runner(RunnerName.DASK, None, "s4://bucket/scratch")
    check_runner(RunnerName.DASK, None, "memory://scratch/here")
