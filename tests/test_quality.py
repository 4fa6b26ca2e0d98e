"""Quality has a floor: what was once reached on gold is reached by every later version."""

from pathlib import Path

import pytest

from tests.floors import Floors, find_fallen, measure_own, measure_shared, raise_floors, read_floors, write_floors
from tests.shared_data import require_shared


def test_our_own_gold_is_cleaned_as_well_as_ever() -> None:
    """On the gold written for this project no figure is below its floor."""
    assert find_fallen(measure_own(), read_floors().floors) == []


@pytest.mark.timeout(300)
def test_shared_gold_is_cleaned_as_well_as_ever() -> None:
    """On a fixed sample of the shared gold, in several shapes, no figure is below its floor."""
    assert find_fallen(measure_shared(require_shared() / "gold"), read_floors().floors) == []


def test_a_figure_below_its_floor_is_named() -> None:
    """A fall is reported with both figures; a figure that nobody has set a floor for is, too."""
    complaints = find_fallen({"a": 0.8999, "b": 0.9, "c": 0.5}, {"a": 0.9, "b": 0.9, "gone": 0.9})

    assert complaints == ["c: has no floor; run `make floors`", "a: 0.8999 is below its floor of 0.900"]


def test_floors_are_raised_by_themselves() -> None:
    """A better figure becomes the floor, rounded down; a worse one changes nothing."""
    floors = raise_floors(
        Floors({"better": 0.5, "worse": 0.5, "elsewhere": 0.5}, ()), {"better": 0.61899, "worse": 0.4}
    )

    assert floors == Floors({"better": 0.618, "worse": 0.5, "elsewhere": 0.5}, ())


def test_floors_are_lowered_for_a_reason_only() -> None:
    """Lowering leaves the reason and the former floor in the file."""
    floors = raise_floors(Floors({"worse": 0.5}, ()), {"worse": 0.4}, "captions count as furniture now")

    assert floors == Floors({"worse": 0.4}, ({"reason": "captions count as furniture now", "before": {"worse": 0.5}},))


def test_floors_are_kept_in_a_file(tmp_path: Path) -> None:
    """What is written is read again, sorted so that a change is easy to review; no file, no floors."""
    path = tmp_path / "floors.json"
    floors = Floors({"b": 0.4, "a": 0.5}, ({"reason": "because", "before": {"b": 0.6}},))

    assert read_floors(path) == Floors({}, ())
    write_floors(floors, path)
    assert read_floors(path) == floors
    assert path.read_text(encoding="utf-8").index('"a"') < path.read_text(encoding="utf-8").index('"b"')
