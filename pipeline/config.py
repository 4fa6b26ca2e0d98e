"""
Settings from a file: `pipeline.toml`, or `[tool.pipeline]` in `pyproject.toml`, in the folder a command is started in.

A message about a mistake names the file and the key. `pipeline.example.toml` shows every key.
"""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UsageError
from pipeline.limits import DEFAULT_LIMITS, WorkLimits
from pipeline.sources.reading import Reading

USUAL_FILES = (Path("pipeline.toml"), Path("pyproject.toml"))
"""Where settings are looked for; the first one that has any counts, and only that."""


class Config(BaseModel):
    """What a settings file may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read: Reading = Reading()
    limits: WorkLimits = DEFAULT_LIMITS


def load_config(path: Path | None = None, folder: Path = Path()) -> Config:
    """Read the settings file that is named, or the usual one of a folder; the defaults where there is none."""
    if path is not None:
        return _checked(path, _settings(path) if path.name != "pyproject.toml" else _section(path))
    for usual in USUAL_FILES:
        place = folder / usual
        if place.is_file():
            values = _settings(place) if usual.name == "pipeline.toml" else _section(place)
            if values or usual.name == "pipeline.toml":
                return _checked(place, values)
    return Config()


def _settings(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no TOML: {error}") from error


def _section(path: Path) -> dict[str, Any]:
    section: dict[str, Any] = _settings(path).get("tool", {}).get("pipeline", {})
    return section


def _checked(path: Path, values: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join(_describe(path, fault) for fault in error.errors())) from error


def _describe(path: Path, fault: Any) -> str:
    """One mistake: file, key, and what is wrong."""
    key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    what = "no such key" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
    return f"{path}: {key}: {what[0].lower()}{what[1:]}"
