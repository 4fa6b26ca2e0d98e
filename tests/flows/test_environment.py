"""Prefect's settings hold wherever the command is started."""

import doctest
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from flows import environment, schedule


@pytest.mark.parametrize("module", [environment, schedule], ids=lambda module: module.__name__)
def test_examples_hold(module: ModuleType) -> None:
    """The examples in the docstrings are true."""
    assert doctest.testmod(module).failed == 0


def test_the_file_and_the_environment_say_the_same() -> None:
    """`prefect.toml`, read in this folder only, and the settings of the command do not drift apart."""
    server = tomllib.loads(Path(__file__).parents[2].joinpath("prefect.toml").read_text(encoding="utf-8"))["server"]
    settings = environment.missing_settings({}, Path("state"), Path("nobody"))

    assert settings["PREFECT_SERVER_ANALYTICS_ENABLED"] == str(server["analytics_enabled"]).lower()
    assert settings["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] == str(
        server["ephemeral"]["startup_timeout_seconds"]
    )
    assert settings["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == ",".join(server["services"]["db_vacuum"]["enabled"])


def test_what_the_user_set_stays_but_for_telemetry() -> None:
    """Settings are added, not replaced; nothing may be reported to anyone, whatever is set."""
    mine = {"PREFECT_HOME": "mine", "PREFECT_SERVER_ANALYTICS_ENABLED": "true"}

    added = environment.missing_settings(mine, Path("state"), Path("nobody"))

    assert "PREFECT_HOME" not in added
    assert added["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_profile_of_the_user_still_counts(tmp_path: Path) -> None:
    """Prefect's state moves to a folder of ours, but not the address of the server somebody set up."""
    profiles = tmp_path / ".prefect" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.touch()

    added = environment.missing_settings({}, tmp_path / "state", tmp_path)

    assert added["PREFECT_PROFILES_PATH"] == str(profiles)


def test_state_never_stands_in_the_store(tmp_path: Path) -> None:
    """Two stores have two folders of Prefect's state, and neither is below a store."""
    first, second = (environment.state_folder(tmp_path / name / "clean") for name in ("a", "b"))

    assert first != second
    assert not first.is_relative_to(tmp_path / "a" / "clean")


def test_the_console_script_starts_without_prefect() -> None:
    """`pipeline explain` must not pay for an import it does not use."""
    import subprocess

    code = "import sys, flows.cli; print([name for name in ('prefect', 'sqlalchemy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
