"""A full disk under the flow, as under a run without Prefect: a message, the exit code, and a next run that finishes."""

import shlex
import subprocess
import sys
from pathlib import Path
from random import Random

from tests.tools import require_small_disk

ROOM, LARGE = "400k", 300_000  # what the disk holds at first, and random bytes in a raw file


def test_a_full_disk_ends_the_flow_with_a_message(
    dumps: Path, clean: Path, user: dict[str, str], prefect_api: str
) -> None:
    """Once, without a traceback and without further attempts; with room, the next run does all of it."""
    (dumps / "large.txt").write_text(f"{Random(7).randbytes(LARGE).hex()}\n", encoding="ascii")
    clean.mkdir()
    command = shlex.quote(str(Path(sys.executable).with_name("pipeline")))
    places = shlex.join(["--raw", str(dumps), "--clean", str(clean)])
    script = f"""
        mount -t tmpfs -o size={ROOM} tmpfs {shlex.quote(str(clean))} || exit 9
        {command} run {places} >&2; echo full $?
        echo now there is room >&2
        mount -o remount,size=20m {shlex.quote(str(clean))} || exit 9
        {command} run {places}; echo run $?
        {command} verify {places}; echo verify $?
    """

    done = subprocess.run(
        [*require_small_disk(clean), "sh", "-c", script],
        env=user | {"PREFECT_API_URL": prefect_api},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert {"full 1", "run 0", "verify 0"} <= set(told), done.stdout + done.stderr
    assert any(line.startswith("records: 9 =") for line in told)
    full = done.stderr.partition("now there is room")[0]
    (message,) = [line for line in full.splitlines() if "No space left on device" in line]
    assert message.startswith(f"error: {clean}")
    assert message.endswith("See to the disk and run again: what was finished is taken over")
    assert "Traceback" not in full
