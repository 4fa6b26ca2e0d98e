"""`python -m bench.scale`: runs of the flow beside the same steps without Prefect, and the planning of many files."""

import json
from pathlib import Path

import pytest

from bench import scale


@pytest.mark.usefixtures("prefect_api")
def test_everything_is_measured_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each size is run with each number of workers, each step has its share of the time; nothing is left behind."""
    scale.main(
        [
            "--documents",
            "6",
            "12",
            "--workers",
            "1",
            "--rounds",
            "2",
            "--planned",
            "1500",
            "--work",
            str(tmp_path),
            "--json",
        ]
    )

    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(each["documents"], each["workers"]) for each in measured["runs"]] == [(6, 1), (12, 1)]
    for each in measured["runs"]:
        assert all(0 < share < 1 for share in each["shares"].values())
        assert sum(each["shares"].values()) == pytest.approx(1)
    assert measured["planned"]["raw_files"] == 1500
    assert 50 < measured["planned"]["peak_megabytes"] < scale.MOST_PLAN_MEGABYTES
    assert not list(tmp_path.iterdir())


def test_targets_say_what_is_met() -> None:
    """Two workers against one, large against small, and Prefect's share of each run."""
    runs = [
        scale.Run(100, 1, 10.0, 0.1, 9.5, 0.2),
        scale.Run(100, 2, 5.0, 0.1, 3.7, 0.2),
        scale.Run(1000, 1, 120.0, 1.0, 116.0, 2.0),
        scale.Run(1000, 2, 80.0, 1.0, 76.0, 2.0),
    ]

    reached = {target.figure: target.is_met for target in scale.targets(runs, scale.Planned(50, 61.0, 900.0))}

    assert list(reached.values()) == [True, False, False, False, True, False, True, True, False, True]
