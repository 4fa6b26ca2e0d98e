"""
A run that finds nothing changed, alone in its process: `python -m bench.no_change RAW CLEAN`.

Prints the most memory the process held. The kernel's count for this process since it became Python is taken, not
`getrusage`, which on Linux starts from what the parent held when it started the child.
"""

import json
import re
import sys
import time
from pathlib import Path

from bench.meter import Reading
from pipeline.run import run_directly


def peak_megabytes() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if kilobytes is None:
        raise RuntimeError("/proc/self/status has no VmHWM")
    return int(kilobytes[1]) * 1024 / 1e6


def main() -> None:
    """Run once and print what it took."""
    raw, clean = map(Path, sys.argv[1:])
    report = run_directly(raw, clean)
    if report.published or report.files.unchanged != report.files.seen:
        raise RuntimeError(f"something changed: {report.to_json()}")
    measured = {
        "raw_files": report.files.seen,
        "megabytes": Reading.now().to_files / 1e6,
        "peak_megabytes": peak_megabytes(),
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
