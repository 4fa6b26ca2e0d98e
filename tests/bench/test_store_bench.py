"""`python -m bench.store`: every operation on every side, in small; and made-up articles that pack like real ones."""

import json
import time
from pathlib import Path

import pyarrow as pa
import pytest

from bench import store
from bench.made_up import make_dump
from bench.meter import Meter, Reading

OPERATIONS = 8


def test_everything_is_measured_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each operation has its bytes and seconds for the store; adding writes more the fuller the last part is."""
    store.main(["--articles", "500", "--raw-files", "20", "--rounds", "1", "--work", str(tmp_path), "--json"])

    sized, rest = map(json.loads, capsys.readouterr().out.splitlines())
    costs = {row["operation"]: row["costs"] for row in sized["rows"]}
    adding = [cost["store"]["megabytes"] for name, cost in costs.items() if name.startswith("add")]
    assert len(costs) == OPERATIONS
    assert all(
        cost["store"]["seconds"] > 0 and "one Parquet file" in cost
        for name, cost in costs.items()
        if "last part" not in name
    )
    assert 0 < adding[0] < adding[1] < adding[2] < store.MOST_MEGABYTES
    assert rest["idle"]["raw_files"] == 20
    assert 10 < rest["idle"]["peak_megabytes"] < store.MOST_IDLE_MEGABYTES
    assert {target["bound"] for target in rest["targets"]} == {15, 0.5, 10, 500}
    assert not list(tmp_path.iterdir())


def test_made_up_text_packs_like_prose() -> None:
    """Each dump is its own, the same every time, of about 5 KB, and zstd 3 makes it 2.3 to 3 times smaller."""
    dumps = [make_dump(number) for number in range(100)]
    text = "".join(dumps).encode()

    packed = pa.Codec("zstd", compression_level=3).compress(text, asbytes=True)

    assert len({*dumps, make_dump(0, edition=1)}) == 101
    assert make_dump(7) == dumps[7]
    assert 4_500 < len(text) / len(dumps) < 6_000
    assert 2.3 < len(text) / len(packed) < 3


def test_bytes_are_counted_and_left_out_seconds_are_not(tmp_path: Path) -> None:
    """What is left out of the time still counts as written."""
    meter = Meter()
    before = Reading.now()
    with meter.measure(), meter.leave_out():
        (tmp_path / "file").write_bytes(bytes(3_000_000))
        time.sleep(0.5)

    assert meter.costs[0].megabytes == pytest.approx(3, abs=0.01)
    assert meter.costs[0].seconds < 0.3
    assert (Reading.now() - before).to_files >= 3_000_000
