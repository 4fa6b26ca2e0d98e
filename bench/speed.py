"""
How fast flat text is cleaned: `python -m bench.speed --text [--gold DIR] [--mb N] [--json]`.

From `str` to articles and ledger in memory, in one process with one thread, in batches as a run makes them. Prints MB/s
of UTF-8, microseconds a line by stage, the time for one short text, and how memory grows with the texts. Beside it, on
the same texts and taking turns with it, runs the chain of datatrove's filters for English text: GopherQuality,
GopherRepetition, C4Quality and FineWebQuality. They split words with spaCy's English tokenizer, as they come, or with a
regular expression, given to them as their documentation provides for, which is much faster.
"""

import argparse
import json
import os
import re
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from types import FunctionType
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from pipeline import clean, judge
from pipeline.plan import PlanOptions
from pipeline.work import SHARD_BYTES

ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Polars and NumPy read these when they are imported."""
GOLD = Path(__file__).resolve().parents[2] / "shared" / "gold"
ROUNDS = 5
"""How often each side runs; the fastest and the median round are printed."""
PEER_MEGABYTES = 2.0
"""So much text for datatrove with spaCy's tokenizer, which is slow."""

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Rounds:
    """The times of the rounds of one side."""

    megabytes: float
    lines: int
    seconds: tuple[float, ...]

    @property
    def speed(self) -> float:
        """MB/s of the fastest round, which the machine disturbed least."""
        return self.megabytes / min(self.seconds)

    def as_row(self) -> dict[str, Any]:
        """The figures, for programs."""
        best, middle = min(self.seconds), median(self.seconds)
        return {
            "megabytes": round(self.megabytes, 3),
            "mb_per_s": round(self.megabytes / best, 3),
            "mb_per_s_median": round(self.megabytes / middle, 3),
            "lines_per_s": round(self.lines / best),
            "us_per_line": round(best / self.lines * 1e6, 2),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured in one call."""

    texts: int
    lines: int
    source: str
    ours: dict[str, Any]
    stages_us_per_line: dict[str, float]
    one_text_ms: float
    memory: dict[str, float]
    peers: dict[str, dict[str, Any]]


class StageTimer:
    """Adds up the time spent in the functions the driver calls, without what they spend in one another."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def watch(self, module: Any) -> None:
        """Time every function that a module took from another module of the package."""
        for name, value in list(vars(module).items()):
            foreign = isinstance(value, FunctionType) and value.__module__ != module.__name__
            if foreign and value.__module__.startswith("pipeline."):
                setattr(module, name, self._timed(value))

    def _timed(self, function: FunctionType) -> Callable[..., Any]:
        name = f"{function.__module__.removeprefix('pipeline.')}.{function.__name__}"

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - began
                self.seconds[name] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        return timed


def gold_texts(gold: Path) -> list[str]:
    """The flat texts of the English gold pages."""
    column = pq.read_table(gold / "wcxb_dev.parquet", columns=["dump"])["dump"]
    return [text for text in column.to_pylist() if text]


def made_texts(count: int = 1000) -> list[str]:
    """Dumps made of a few sentences and strings of furniture; no line but a few of these is the same twice."""
    prose = "The ferry left the quay at {} o'clock, as it has every morning since the war, with {} people on board and {} crates."
    furniture = ("Home", "Share this article", "{} Comments", "Read more", "Posted by Jane Roe on March {}, 2021")
    texts = []
    for number in range(count):
        title = f"Ferry number {number} returns with one more on board"
        body = [prose.format(number + line, number * line, line) for line in range(1, 60)]
        frame = [line.format(number % 28 + 1) for line in furniture]
        texts.append("\n\n".join([*frame[:2], title, *body, *frame[2:]]))
    return texts


def cut(texts: Sequence[str], megabytes: float | None) -> list[str]:
    """So many texts from the start as make up the megabytes."""
    size = 0.0
    kept: list[str] = []
    for text in texts:
        if megabytes is not None and kept and size >= megabytes:
            break
        kept.append(text)
        size += megabytes_of([text])
    return kept


def megabytes_of(texts: Sequence[str]) -> float:
    """Size in UTF-8, in millions of bytes."""
    return sum(len(text.encode()) for text in texts) / 1e6


def lines_of(texts: Sequence[str]) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for text in texts for line in text.split("\n"))


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Batches of texts, as large as the shards of a run."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if batch and (len(batch) == PlanOptions().shard_size or size + length > SHARD_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch


def clean_all(texts: Sequence[str]) -> None:
    """What is measured: from `str` to articles with their ledgers; nothing is kept."""
    for batch in batches(texts):
        clean.clean_batch(batch)


def seconds_of(action: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def stages(texts: Sequence[str], lines: int) -> dict[str, float]:
    """Microseconds a line for each stage; called last, since the functions stay wrapped."""
    timer = StageTimer()
    timer.watch(clean)
    timer.watch(judge)
    whole = min_by_total([_timed_pass(timer, texts) for _ in range(3)])
    return {name: round(value / lines * 1e6, 3) for name, value in sorted(whole.items(), key=lambda item: -item[1])}


def _timed_pass(timer: StageTimer, texts: Sequence[str]) -> dict[str, float]:
    timer.seconds.clear()
    total = seconds_of(lambda: clean_all(texts))
    return {**timer.seconds, "clean (driver)": total - sum(timer.seconds.values())}


def min_by_total(passes: Sequence[dict[str, float]]) -> dict[str, float]:
    """The fastest pass."""
    return min(passes, key=lambda stages: sum(stages.values()))


def one_text(texts: Sequence[str]) -> float:
    """Median milliseconds for `clean_text` on a text of the usual length, once everything is loaded."""
    text = sorted(texts, key=len)[len(texts) // 2]
    return round(median(seconds_of(lambda: clean.clean_text(text)) for _ in range(30)) * 1e3, 2)


def peak_megabytes() -> float:
    """The most memory the process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def memory(texts: Sequence[str]) -> dict[str, float]:
    """Peak memory after a small batch, after a large one, and after ten times as much text in large ones."""
    peaks = {}
    before = peak_megabytes()
    large = texts[: PlanOptions().shard_size]
    for name, work in (("small_batch", [large[: len(large) // 8]]), ("batch", [large]), ("ten_batches", [large] * 10)):
        for batch in work:
            clean.clean_batch(batch)
        peaks[name] = round(peak_megabytes() - before, 1)
    return peaks


def datatrove_chain(tokenizer: Any) -> Callable[[Sequence[str]], None]:
    """The chain of datatrove's filters with their default settings, as one call over texts."""
    from datatrove.data import Document  # noqa: PLC0415  # a peer that need not be installed
    from datatrove.pipeline.filters import (  # noqa: PLC0415
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from loguru import logger  # noqa: PLC0415

    logger.remove()
    kinds = (GopherQualityFilter, GopherRepetitionFilter, C4QualityFilter, FineWebQualityFilter)

    def run(texts: Sequence[str]) -> None:
        stream: Any = (Document(text=text, id=str(number)) for number, text in enumerate(texts))
        for kind in kinds:
            stream = kind(language=tokenizer).run(stream)
        for _ in stream:
            pass

    return run


class RegexTokenizer:
    """Words and sentences by regular expressions: about the least work a tokenizer can do."""

    language = "en"
    _word = re.compile(r"\w+|[^\w\s]")
    _sentence = re.compile(r"[^.!?]+[.!?]*")

    def word_tokenize(self, text: str) -> list[str]:
        """Words and single marks."""
        return self._word.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """Sentences, by their end marks."""
        return [text[start:end].strip() for start, end in self.span_tokenize(text)]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Where sentences start and end."""
        return [match.span() for match in self._sentence.finditer(text)]


def peer_chains() -> dict[str, Callable[[Sequence[str]], None]]:
    """The chains that can run here: none without datatrove, one without spaCy."""
    if not find_spec("datatrove"):
        return {}
    from datatrove.utils.word_tokenizers import WordTokenizer  # noqa: PLC0415  # see datatrove_chain

    WordTokenizer.register(RegexTokenizer)
    chains = {"datatrove, regex tokenizer": datatrove_chain(RegexTokenizer())}
    if find_spec("spacy"):
        chains["datatrove, spaCy tokenizer"] = datatrove_chain("eng")
    return chains


def race(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Times of two calls that take turns, so that whatever else the machine does slows both."""
    ours()
    theirs()
    times = [(seconds_of(ours), seconds_of(theirs)) for _ in range(rounds)]
    return [our for our, _ in times], [their for _, their in times]


def compare(texts: Sequence[str], rounds: int) -> tuple[Rounds, dict[str, dict[str, Any]]]:
    """Our speed, and that of each peer with the ratio of ours to it."""
    clean_all(texts)
    seconds = [seconds_of(lambda: clean_all(texts)) for _ in range(rounds)]
    peers = {}
    for name, chain in peer_chains().items():
        sample = cut(texts, PEER_MEGABYTES if "spaCy" in name else None)
        size, lines = megabytes_of(sample), lines_of(sample)
        ours, theirs = race(lambda s=sample: clean_all(s), lambda s=sample, c=chain: c(s), rounds)  # type: ignore[misc]
        if len(sample) == len(texts):
            seconds += ours
        peer = Rounds(size, lines, tuple(theirs))
        ratio = Rounds(size, lines, tuple(ours)).speed / peer.speed
        peers[name] = peer.as_row() | {"ours_to_theirs": round(ratio, 2)}
    return Rounds(megabytes_of(texts), lines_of(texts), tuple(seconds)), peers


def measure(texts: Sequence[str], source: str, rounds: int) -> Report:
    """Everything; memory first, since a peak never falls again, and one text before the peers fill the memory."""
    clean.clean_batch(texts[:3])
    peaks = memory(texts)
    latency = one_text(texts)
    ours, peers = compare(texts, rounds)
    return Report(len(texts), ours.lines, source, ours.as_row(), stages(texts, ours.lines), latency, peaks, peers)


def show(report: Report) -> None:
    """Print for people."""
    table = Table("", "MB", "MB/s", "median MB/s", "lines/s", "µs a line", "ours / theirs")
    for name, row in {"article-pipeline": report.ours, **report.peers}.items():
        numbers = (row["megabytes"], row["mb_per_s"], row["mb_per_s_median"], row["lines_per_s"], row["us_per_line"])
        table.add_row(name, *(f"{number:,}" for number in numbers), str(row.get("ours_to_theirs", "")))
    console.print(f"{report.source}: {report.texts:,} texts, {report.lines:,} lines; one process, one thread")
    console.print(table)
    console.print("µs a line by stage: " + ", ".join(f"{name} {us}" for name, us in report.stages_us_per_line.items()))
    console.print(f"one text of usual length: {report.one_text_ms} ms")
    console.print(
        "memory above that of the loaded package, MB: "
        + ", ".join(f"{name.replace('_', ' ')} {megabytes}" for name, megabytes in report.memory.items())
    )


def use_one_thread(module: str) -> None:
    """Start this command anew, unless it was told already that libraries may use one thread only."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], os.environ | ONE_THREAD)  # noqa: S606


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="store_true", required=True, help="flat text, from str to articles and ledger")
    parser.add_argument("--gold", type=Path, default=GOLD, help="folder with the gold files; made-up dumps without it")
    parser.add_argument("--mb", type=float, help="so many MB of text only")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each side (default {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    use_one_thread("bench.speed")
    there = (options.gold / "wcxb_dev.parquet").exists()
    texts = cut(gold_texts(options.gold) if there else made_texts(), options.mb)
    report = measure(texts, "wcxb_dev dumps" if there else "made-up dumps", options.rounds)
    if options.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
