"""`pipeline train`: which files it reads, what it writes, and that both are the same each time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import GoldError, UsageError
from pipeline.model import read_model
from pipeline.score.shapes import FLATTENINGS
from pipeline.train.gold import TRAINING, load_examples, load_sources, own_sources, train_on_gold
from tests.score.gold_cases import page_row, write_gold
from tests.train.cases import invent_sources


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three files to train on, with a few invented pages each."""
    folder = tmp_path_factory.mktemp("gold")
    for seed, name in enumerate(TRAINING):
        pages = [source for source in invent_sources(sites=8, seed=seed) if source.shape == "dump"]
        rows = [
            page_row(number, host=f"{name}-{page.site}", gold=page.gold, dump=page.text, dump_full=f"Home\n{page.text}")
            | {"html": f"<html><body><p>{page.text}</p></body></html>".encode()}
            for number, page in enumerate(pages)
        ]
        write_gold(folder / f"{name}.parquet", rows)
    return folder


def test_every_page_is_read_in_all_flattenings(gold: Path, tmp_path: Path) -> None:
    """Pages keep file and site apart, so that no two of them are taken for one."""
    sources = load_sources(gold, tmp_path)

    assert len(sources) == len(TRAINING) * 8 * len(FLATTENINGS)
    assert len({source.page for source in sources}) == len(TRAINING) * 8
    assert {source.page.split("/")[0] for source in sources} == set(TRAINING)
    assert {source.shape for source in sources} == set(FLATTENINGS)
    assert load_sources(gold, tmp_path) == sources


@pytest.mark.parametrize("name", ["line_labels", "sites_ru_pl", "mine"])
def test_files_for_scoring_are_refused(gold: Path, tmp_path: Path, name: str) -> None:
    """What is only ever scored is never learned from, whoever asks."""
    with pytest.raises(UsageError, match=f"{name}: is no file to train on; those are wcxb_dev, news, multilingual"):
        load_sources(gold, tmp_path, [name])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A folder without gold is bad usage."""
    with pytest.raises(GoldError, match=r"wcxb_dev\.parquet"):
        load_sources(tmp_path, tmp_path)


def test_examples_are_shapes_and_variants(gold: Path, tmp_path: Path) -> None:
    """The model sees more shapes than the six it is scored on, and the same ones each time."""
    examples = load_examples(gold, tmp_path)

    assert {example.source.shape for example in examples} > set(FLATTENINGS)
    assert [example.source for example in load_examples(gold, tmp_path)] == [example.source for example in examples]


def test_too_few_sites_are_refused(tmp_path: Path) -> None:
    """From one site nothing can be learned about others; that is said before any work."""
    for name in TRAINING:
        write_gold(tmp_path / f"{name}.parquet", [page_row(1, host="one.example", html=b"<p>One</p>")])

    with pytest.raises(UsageError, match="1 sites"):
        load_examples(tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("out", ["weights", "missing/weights.npz"])
def test_a_target_that_cannot_be_written_is_refused_first(gold: Path, tmp_path: Path, out: str) -> None:
    """Nobody trains for an hour to learn that the folder is not there."""
    with pytest.raises(UsageError):
        train_on_gold(gold, tmp_path / out, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_same_gold_and_seed_give_the_same_bytes(gold: Path, tmp_path: Path) -> None:
    """On one machine, in another process, with any number of threads; another seed gives another model."""
    paths = {}
    for threads, seed in (("1", "0"), ("2", "0"), ("2", "1")):
        out = paths[threads, seed] = tmp_path / f"weights-{threads}-{seed}.npz"
        command = [Path(sys.executable).with_name("pipeline"), "train", "--gold", gold, "--cache", tmp_path / "cache"]
        subprocess.run(
            [*command, "--out", out, "--epochs", "2", "--seed", seed],
            check=True,
            capture_output=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
        )
    first, again, other = (path.read_bytes() for path in paths.values())

    assert first == again
    assert first != other
    assert sorted(tmp_path.iterdir()) == sorted([*paths.values(), tmp_path / "cache"])


def test_the_summary_says_what_was_made_of_what(gold: Path, tmp_path: Path) -> None:
    """Counts for a person, and the same for programs; the version is the one that rows will carry."""
    out = tmp_path / "weights.npz"
    arguments = ["train", "--gold", str(gold), "--out", str(out), "--epochs", "1", "--cache", str(tmp_path / "cache")]

    told = CliRunner().invoke(app, arguments)
    fields = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)

    assert told.exit_code == 0
    own = len({source.page for source in own_sources()})
    assert f"{24 + own} pages of {24 + own} sites" in told.stdout
    assert fields["version"] == read_model(out).version
    assert fields["size"] == out.stat().st_size
    assert fields["version"] in told.stdout
    assert fields["texts"] > 24 * len(FLATTENINGS)
    assert fields["ngrams"] == len(read_model(out).lexicon.keys) > 0
