"""What the tests of the flow share: a Prefect server for the session, folders with raw files, and the real command."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

STORY = """{title}

The harbor board voted on Tuesday to keep the {title} open through the winter, after hearing from forty residents.
Ridership rose by a fifth last year, the board's chair said, and the new landing at the mill will open in the spring.

Sign up for our newsletter
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def write_story(raw: Path) -> Callable[[str], Path]:
    """Write one flat dump that becomes an article, its title and text made from its name."""

    def write(name: str) -> Path:
        path = raw / f"{name}.txt"
        path.write_text(STORY.format(title=f"Ferry to {name}"), encoding="utf-8")
        return path

    return write


@pytest.fixture
def dumps(raw: Path, write_story: Callable[[str], Path]) -> Path:
    """A raw folder with six articles, an exact duplicate of one, and a file that is rejected."""
    for number in range(6):
        write_story(f"landing-{number}")
    (raw / "copy.txt").write_bytes((raw / "landing-0.txt").read_bytes())
    (raw / "empty.txt").write_text("\n \n", encoding="utf-8")
    return raw


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    The API of a throw-away Prefect server, to which this process is connected; it shows the user interface too.

    Asked for by flow tests only, since it takes 15 s to start. It schedules no runs, which would come between those of tests.
    """
    from flows import environment

    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")  # so that the end of the block takes the server's address away again
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        for name, value in environment.missing_settings(os.environ, home, home).items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED", "false")
        from prefect.context import refresh_global_settings_context

        from flows.connection import prefect_api as connected

        refresh_global_settings_context()
        with connected(home, scheduler=True) as address:
            yield f"{address}/api"
    refresh_global_settings_context()


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who never heard of Prefect and has an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "XDG_"))}
    return kept | {"HOME": str(tmp_path)}


@pytest.fixture
def pipeline(tmp_path: Path, user: dict[str, str]) -> Command:
    """Run the installed command `pipeline` from a folder that is not the repository."""

    def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("pipeline"), *arguments],
            cwd=tmp_path,
            env=user | environ,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return run
