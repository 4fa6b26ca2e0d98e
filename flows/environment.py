"""
The settings Prefect must find before it is imported.

Prefect reads `prefect.toml` from the current folder only, and people start `pipeline` anywhere, so the command line
sets the same by environment. What the user set stays, but for telemetry, which is off in all cases.
This module imports nothing of Prefect.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

APPLICATION = "article-pipeline"

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",  # the SDK's usage events
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # the server's heartbeat, which does not heed DO_NOT_TRACK
}

DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    # A user wants the progress and the counts. The API still gets every line, so the UI shows them.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
}

LOOPBACK = "127.0.0.1,localhost"


def prepare(clean: Path) -> Path:
    """Set Prefect's environment for work on the store at `clean`; return the folder of Prefect's own state."""
    os.environ.update(missing_settings(os.environ, state_folder(clean), Path.home()))
    state = Path(os.environ["PREFECT_HOME"])
    state.mkdir(parents=True, exist_ok=True)  # Prefect itself makes only the last folder of the path
    return state


def missing_settings(environ: Mapping[str, str], state: Path, user_home: Path) -> dict[str, str]:
    """
    What has to be added to `environ`.

    Prefect's state moves to `state`, but a profile the user made (with the address of their server, say) still counts.
    A proxy, where one is set, must not be asked for this machine.

        >>> "PREFECT_HOME" in missing_settings({"PREFECT_HOME": "/mine"}, Path("/state"), Path("/nobody"))
        False
        >>> missing_settings({"DO_NOT_TRACK": "0"}, Path("/state"), Path("/nobody"))["DO_NOT_TRACK"]
        '1'
        >>> missing_settings({"no_proxy": "intranet"}, Path("/state"), Path("/nobody"))["no_proxy"]
        'intranet,127.0.0.1,localhost'
    """
    wanted = dict(DEFAULTS)
    if "PREFECT_HOME" not in environ:
        wanted["PREFECT_HOME"] = str(state)
        profiles = user_home / ".prefect" / "profiles.toml"
        if profiles.is_file():
            wanted["PREFECT_PROFILES_PATH"] = str(profiles)
    missing = {key: value for key, value in wanted.items() if key not in environ}
    no_proxy = {key: _join(environ.get(key, ""), LOOPBACK) for key in ("no_proxy", "NO_PROXY")}
    return missing | no_proxy | TELEMETRY_OFF


def _join(listed: str, more: str) -> str:
    return listed if more in listed else ",".join(filter(None, [listed, more]))


def state_folder(clean: Path) -> Path:
    """
    Where Prefect keeps its database for one store: in the user's data folder, never below `clean/`.

    One folder a store, so that two stores can be served side by side without sharing a database.
    """
    return _user_data(os.environ, sys.platform, Path.home()) / APPLICATION / "prefect" / store_name(clean)


def _user_data(environ: Mapping[str, str], system: str, user_home: Path) -> Path:
    """
    The user's data folder, by the custom of the system.

    https://specifications.freedesktop.org/basedir-spec/latest/ says that a relative path in the variable is ignored.

        >>> _user_data({}, "linux", Path("/home/ann")).as_posix()
        '/home/ann/.local/share'
        >>> _user_data({"XDG_DATA_HOME": "/big"}, "linux", Path("/home/ann")).as_posix()
        '/big'
    """
    if system == "darwin":
        return user_home / "Library" / "Application Support"
    given = Path(environ.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else user_home / ".local" / "share"


def store_name(clean: Path) -> str:
    """
    A name for the store that is readable, and unique among machines that share one Prefect server.

        >>> store_name(Path("/data/news/clean")) == store_name(Path("/data/news/../news/clean"))
        True
        >>> store_name(Path("/data/news/clean"))[:11]
        'news-clean-'
    """
    path = clean.resolve()
    digest = hashlib.sha256(os.fsencode(f"{platform.node()}:{path}")).hexdigest()
    words = "-".join(path.parts[-2:]).lower()
    readable = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words)
    return f"{readable.strip('-') or 'store'}-{digest[:8]}"
