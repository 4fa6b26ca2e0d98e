"""
How much memory a raw file takes that is larger than it: one JSONL.zst, of a run in all its processes together.

    python -m bench.streaming --bytes 2_000_000_000

Each line is a frame of its own: a made-up article of some 5 KB, and a column of noise that is not read, as exports have
their embeddings or pictures. Noise does not pack, so the compressed file gets its size; `--noise 0` has nothing but articles.
"""

import argparse
import base64
import json
import os
import random
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from bench.made_up import make_dump
from bench.memory import MemoryMeter
from pipeline.plan import PlanOptions
from pipeline.report import RunReport
from pipeline.run import run_directly

MIB = 1024 * 1024


def write_frames(path: Path, size: int, noise: int) -> int:
    """
    Write frames of lines until the compressed file has `size` bytes; returns how many bytes the lines have.

    The noise of all frames is the same, which the frames' window does not reach: made once, it costs no time.
    """
    chance = random.Random(0)  # noqa: S311 - noise, no secret
    column = base64.b64encode(chance.randbytes(noise)).decode()
    written = number = 0
    with path.open("wb") as file:
        while file.tell() < size:
            text = make_dump(number)
            line = (
                json.dumps({"url": f"https://news.example.org/{number}", "text": text, "noise": column}).encode()
                + b"\n"
            )
            file.write(pa.compress(line, codec="zstd", asbytes=True))
            written += len(line)
            number += 1
    return written


def measure(folder: Path, size: int, noise: int) -> str:
    """Make the file, run once over it in worker processes, and say what that took."""
    raw = folder / "raw"
    raw.mkdir()
    path = raw / "dump.jsonl.zst"
    unpacked = write_frames(path, size, noise)
    meter = MemoryMeter(os.getpid())
    meter.start()
    began = time.monotonic()
    report: RunReport = run_directly(raw, folder / "clean", workers=2, runner="process", options=PlanOptions(settle=0))
    seconds = time.monotonic() - began
    return (
        f"{path.stat().st_size / MIB:,.0f} MiB compressed, {unpacked / MIB:,.0f} MiB of lines: {report.records:,} records"
        f" = {report.articles:,} articles + {report.duplicates:,} duplicates + {report.rejected:,} rejected;"
        f" {seconds:,.0f} s, at most {meter.end() / MIB:,.0f} MiB in all processes together"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of a run over one large compressed file.")
    parser.add_argument("--bytes", type=lambda text: int(text.replace("_", "")), default=2_000_000_000)
    parser.add_argument("--noise", type=int, default=1_000_000, help="bytes of noise in each line")
    parser.add_argument(
        "--work", type=Path, default=None, help="where the files are made; by default a temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        print(measure(Path(folder), options.bytes, options.noise))


if __name__ == "__main__":
    main()
