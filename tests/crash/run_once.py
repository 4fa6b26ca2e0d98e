"""
One run in a process of its own, for tests that limit or trace it: `python -m tests.crash.run_once RAW CLEAN`.

Errors end as those of the command do: one line on stderr, and the exit code.
"""

import sys
from pathlib import Path

from pipeline.errors import PipelineError
from tests.crash.world import run, small_parts

BEGIN, END = "the-run-begins", "the-run-ended"
"""Files that are looked for around the run, so that a trace shows where it is."""


def main(raw: Path, clean: Path) -> None:
    Path(BEGIN).exists()
    with small_parts(keep=2, seconds=0):
        try:
            run(raw, clean)
        except PipelineError as error:
            sys.exit(f"{type(error).__name__}: {error}")
        finally:
            Path(END).exists()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
