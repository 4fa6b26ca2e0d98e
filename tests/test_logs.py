"""What is logged can be read by programs: one object a line, whatever the text holds."""

import json
import subprocess
import sys
from pathlib import Path

from tests.store_cases import story, write

LOGGING = """
import logging
from pipeline.logs import LogFormat, choose_log_format
choose_log_format(LogFormat.JSON)
choose_log_format(LogFormat.JSON)
logging.getLogger("pipeline.some").info("one\\ntwo \\x1b[31m %s", "caf\\u00e9", extra={"shards": 3})
logging.getLogger("other").info("not ours, and not worth a line")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("other").exception("it broke")
"""


def test_each_line_is_an_object_with_what_is_known() -> None:
    """Level, logger, time and message, further values under their names, and the traceback within the line."""
    done = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)

    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["level"], first["logger"], first["shards"]) == ("INFO", "pipeline.some", 3)
    assert first["message"] == "one\ntwo \x1b[31m caf\u00e9"
    assert "\x1b" not in done.stderr
    assert first["time"] < second["time"]
    assert "ZeroDivisionError" in second["exc_info"]


def test_a_run_logs_its_steps_and_its_counts(tmp_path: Path) -> None:
    """Stdout stays what it was, and stderr tells the progress and the whole report."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write(raw, {"a.txt": story("Ems"), "empty.txt": ""})
    command = [sys.executable, "-P", "-m", "flows", "run", "--no-prefect", "--log-format", "json"]

    done = subprocess.run(
        [*command, "--raw", raw, "--clean", clean], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    refused = subprocess.run(
        [*command, "--raw", tmp_path / "nowhere", "--clean", clean],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert done.stdout.splitlines()[-1].startswith("load: ")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["shards_done"], line["records_done"]) for line in lines if "shards_done" in line] == [(1, 2)]
    (report,) = [line["report"] for line in lines if "report" in line]
    assert (report["articles"], report["rejected"]) == (1, 1)
    assert refused.returncode == 2
    (error,) = map(json.loads, refused.stderr.splitlines())
    assert error["level"] == "ERROR"
    assert "no such folder" in error["message"]
