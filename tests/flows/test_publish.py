"""Publishing as part of a run, for who lets a schedule do it."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.runners import RunnerName
from flows.schedule import Schedule
from pipeline.errors import StoreError, StoreRefused
from pipeline.store import read_articles
from pipeline.voices import USUAL

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return (tmp_path / "published").as_uri()


def test_a_run_publishes_what_it_commits(
    pipeline: Command, dumps: Path, clean: Path, url: str, prefect_api: str
) -> None:
    """With Prefect or without, the counts stand on stdout as ever, and what was published on stderr."""
    arguments = ["run", "--raw", dumps, "--clean", clean, "--runner", "thread", "--json", "--publish", url]
    for how, told in (([], "snapshot 1; "), (["--no-prefect"], "snapshot 1, as before; ")):
        done = pipeline(*arguments, *how, PREFECT_API_URL=prefect_api)

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("{")
        assert f"{url}: {told}" in done.stderr
        assert read_articles(url).equals(read_articles(clean))


def test_an_address_is_checked_before_the_run(dumps: Path, clean: Path) -> None:
    """Nobody waits for a run to hear that there is a typing error in the address."""
    for command in (["run", "--no-prefect"], ["serve", "--every", "15m"]):
        arguments = [*command, "--raw", str(dumps), "--clean", str(clean), "--publish", "s4://bucket/news"]
        done = CliRunner().invoke(app, arguments)

        assert (done.exit_code, done.stdout) == (2, "")
        assert "s4" in done.stderr

    assert not clean.exists()


def test_the_flow_publishes(dumps: Path, clean: Path, url: str, prefect_api: str) -> None:
    """What a schedule runs publishes too; where it may not, the run has committed and fails all the same."""
    from flows.clean_raw import clean_raw
    from flows.serve import Served

    served = Served(dumps, clean, 2, RunnerName.THREAD, USUAL, Schedule(every=timedelta(minutes=15)), url)
    clean_raw(**served.parameters)
    assert read_articles(url).equals(read_articles(clean))

    other = clean.with_name("other")
    with pytest.raises(StoreRefused, match="another store publishes here"):
        clean_raw(dumps, other, 2, RunnerName.THREAD, address=url)
    assert read_articles(other).num_rows == 6


def test_a_target_that_fails_costs_the_publication_alone(dumps: Path, clean: Path, url: str, prefect_api: str) -> None:
    """The flow fails, and says where the rows are and where not; the next run publishes, though nothing changed."""
    from flows.clean_raw import clean_raw

    in_the_way = clean.with_name("published")
    in_the_way.touch()
    with pytest.raises(StoreError, match=f"{clean} has what the run made, but that could not be published: {url}"):
        clean_raw(dumps, clean, 2, RunnerName.THREAD, address=url)
    assert read_articles(clean).num_rows == 6

    in_the_way.unlink()
    assert not clean_raw(dumps, clean, 2, RunnerName.THREAD, address=url).published
    assert read_articles(url).equals(read_articles(clean))
