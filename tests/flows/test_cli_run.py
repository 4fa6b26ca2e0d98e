"""`pipeline run`: its counts, its exit codes, and what it keeps to itself."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.run import open_store, run_directly

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_json_stands_alone_on_stdout(pipeline: Command, dumps: Path, clean: Path, prefect_api: str) -> None:
    """A program reads stdout, whatever Prefect has to say; the Parquet is where the report says it is."""
    done = pipeline("run", "--raw", dumps, "--clean", clean, "--json", PREFECT_API_URL=prefect_api)

    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["records"] == report["articles"] + report["duplicates"] + report["rejected"] == 8
    assert len(pd.read_parquet(report["articles_path"])) == 6


def test_the_last_lines_are_the_counts(pipeline: Command, dumps: Path, clean: Path) -> None:
    """A person reads how many files and records there were, and the line that loads the result."""
    done = pipeline("run", "--raw", dumps, "--clean", clean, "--no-prefect", "--runner", "thread")

    assert "8 seen, 8 new, 0 changed" in done.stdout
    assert "8 = 6 articles + 1 exact duplicates + 1 rejected" in done.stdout
    assert done.stdout.splitlines()[-1] == f'load: pd.read_parquet("{clean / "articles"}")'
    assert not done.stderr


def test_rejections_fail_a_strict_run_only(pipeline: Command, dumps: Path, clean: Path) -> None:
    """A rejected record is counted; who wants none asks for it, and may ask again later."""
    command = ("run", "--raw", dumps, "--clean", clean, "--no-prefect", "--runner", "thread")

    assert pipeline(*command, "--strict").returncode == 5
    assert pipeline(*command).returncode == 0


@pytest.mark.parametrize("how", [["--no-prefect"], []], ids=["directly", "flow"])
def test_an_active_run_keeps_others_out(
    pipeline: Command, dumps: Path, clean: Path, prefect_api: str, how: list[str]
) -> None:
    """The second of two runs says why it does nothing, without a traceback."""
    with open_store(clean):
        done = pipeline("run", "--raw", dumps, "--clean", clean, *how, PREFECT_API_URL=prefect_api)

    assert done.returncode == 3
    assert "another run is active" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_mass_delete_is_refused_until_allowed(pipeline: Command, dumps: Path, clean: Path) -> None:
    """A folder that lost most of its files may be an accident; its articles stay until the user says so."""
    arguments = ["run", "--raw", dumps, "--clean", clean, "--no-prefect", "--json"]
    run_directly(dumps, clean)
    for path in dumps.glob("landing-*.txt"):
        path.unlink()

    refused, allowed = pipeline(*arguments), pipeline(*arguments, "--allow-mass-delete")

    assert (refused.returncode, json.loads(refused.stdout)["store"]["articles"]) == (4, 6)
    assert (allowed.returncode, json.loads(allowed.stdout)["store"]["articles"]) == (0, 1)


def test_a_dry_run_counts_and_writes_nothing(pipeline: Command, dumps: Path, clean: Path) -> None:
    """It tells what the run would do, to people and programs, and exits as the run would."""
    told = pipeline("run", "--raw", dumps, "--clean", clean, "--dry-run")
    found = json.loads(pipeline("run", "--raw", dumps, "--clean", clean, "--dry-run", "--json").stdout)

    assert told.stdout.splitlines()[-1].startswith("to clean: 8 raw files of ")
    assert (told.returncode, found["files"]["new"], found["shards"]) == (0, 8, 1)
    assert not clean.exists()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "--runner", "spark"], "'thread', 'process'"),
        (["run", "--raw", "nowhere", "--no-prefect"], "no such folder"),
        (["serve"], "--cron or --every"),
        (["serve", "--cron", "0 6 * * *", "--every", "1d"], "only one"),
        (["serve", "--every", "soon"], "such as 15m"),
        (["serve", "--every", "0s"], "such as 15m"),
        (["serve", "--cron", "0 6 * *"], "five fields"),
        (["serve", "--cron", "99 6 * * *"], "99"),
    ],
    ids=str,
)
def test_bad_usage_says_what_is_right(
    arguments: list[str], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong option costs nothing but a message and the exit code 2."""
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ, {"HOME": str(tmp_path)}):  # the commands set Prefect's settings there
        done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 2
    assert hint in " ".join(done.stderr.replace("│", " ").split())


def test_an_api_that_does_not_answer_is_named(pipeline: Command, dumps: Path, clean: Path) -> None:
    """A configured server that is down is not silently replaced by another one."""
    done = pipeline("run", "--raw", dumps, "--clean", clean, PREFECT_API_URL="http://127.0.0.1:9/api")

    assert done.returncode == 1
    assert "http://127.0.0.1:9/api does not answer" in done.stderr
