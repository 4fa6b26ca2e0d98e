"""
The planning of a first run, alone in its process: `python -m bench.plan_once RAW CLEAN`.

Prints how long it took and the most memory the process held, as `bench.no_change` does.
"""

import json
import sys
import time
from pathlib import Path

from bench.no_change import peak_megabytes
from pipeline.plan import PlanOptions
from pipeline.run import load_voices, open_store, plan_run


def main() -> None:
    """Plan once and print what it took."""
    raw, clean = map(Path, sys.argv[1:])
    voices = load_voices()
    with open_store(clean) as store:
        began = time.perf_counter()
        plan = plan_run(store, raw, voices, PlanOptions(settle=0))
        seconds = time.perf_counter() - began
    print(json.dumps({"raw_files": plan.counts.new, "seconds": seconds, "peak_megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
