"""The texts written for training are what they claim to be."""

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.score.shapes import Shape
from pipeline.train.gold import OWN, own_sources

ROWS = [
    json.loads(line) for path in sorted(OWN.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_what_is_to_be_kept_stands_in_the_dump(row: dict[str, str]) -> None:
    """Every line of gold is a line of the dump, in order, so that labels are what the writer meant."""
    lines = iter(row["dump"].split("\n"))

    assert [line for line in row["gold"].split("\n") if line.strip() and line not in lines] == []


def test_every_text_is_a_site_of_its_own() -> None:
    """No two texts share a name or a site, and none bears the name of a real one."""
    assert max(Counter(row["id"] for row in ROWS).values()) == 1
    assert max(Counter(row["site"] for row in ROWS).values()) == 1
    assert [row["site"] for row in ROWS if not row["site"].endswith(".example")] == []


def test_a_text_that_scores_is_not_learned_from() -> None:
    """No text of the gold that is only ever scored is among them."""
    scored = Path(__file__).parents[1] / "gold"
    texts = {
        json.loads(line)[key]
        for name, key in (("pages", "dump"), ("clean", "text"))
        for line in (scored / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }

    assert [row["id"] for row in ROWS if row["dump"] in texts] == []


def test_own_texts_come_in_the_shapes_that_need_no_page() -> None:
    """Each as it is, without blank lines and hard-wrapped; and the whole text stands for all that is visible."""
    shapes = Counter(source.shape for source in own_sources())

    assert shapes == dict.fromkeys((Shape.DUMP, Shape.DUMP_FULL, Shape.NO_BLANK_LINES, Shape.WRAPPED), len(ROWS))
