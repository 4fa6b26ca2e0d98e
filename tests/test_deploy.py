"""The files for systemd and containers fit the program they start."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SERVICES = sorted(DEPLOY.glob("*.service"))


def options_of(command: str) -> set[str]:
    """The options that a command of the program has."""
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    return set(re.findall(r"--[a-z-]+", re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)))


def started(service: Path) -> list[str]:
    """The command line of a unit; systemd's files hold keys more than once, which does not matter here."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(service, encoding="utf-8")
    return shlex.split(unit["Service"]["ExecStart"])


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)
def test_units_call_the_program_with_options_it_has(service: Path) -> None:
    """A unit that does not start is noticed at night."""
    _, command, *arguments = started(service)

    assert {argument for argument in arguments if argument.startswith("--")} <= options_of(command)


def test_the_container_calls_the_program_with_options_it_has() -> None:
    """So is a container; and what it copies is there."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    (arguments,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    command, *options = re.findall(r'"([^"]+)"', arguments)
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in line.split()]

    assert {option for option in options if option.startswith("--")} <= options_of(command)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"pyproject.toml", "constraints.txt", "pipeline", "flows"} <= set(copied)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Every key is known, and every value can be read."""
    for path in DEPLOY.glob("article-pipeline*.*"):
        text = path.read_text(encoding="utf-8").replace(
            "/opt/article-pipeline/.venv/bin/pipeline", str(Path(sys.executable).with_name("pipeline"))
        )
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.glob("*"))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    ours = [line for line in done.stderr.splitlines() if "article-pipeline" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr
