"""A large file is cleaned in slices, side by side, and its rows are those of a file that is read as a whole."""

import codecs
import errno
import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, RawFile, RawRecord, Rejection
from pipeline.report import RunReport
from pipeline.run import commit_run, load_voices, open_store, plan_run, run_directly
from pipeline.shards import clean_shard
from pipeline.sources import slices
from pipeline.sources.discover import discover
from pipeline.sources.formats import Format
from pipeline.sources.reading import Reading
from pipeline.sources.slices import Start, slices_of
from pipeline.store import verify
from pipeline.store.layout import Layout
from pipeline.voices import Voices
from pipeline.work import read_shard
from tests.crash.world import clean_trivially
from tests.sources.made import http, warc, warc_record
from tests.store_cases import by_source, lasting, rows, run, story, write

ROOT = Path(__file__).parent.parent


def line(number: int, end: bytes = b"\n") -> bytes:
    return (
        json.dumps({"text": story(f"Town {number}"), "url": f"https://n{number % 3}.example/{number}"}).encode() + end
    )


def nasty_lines() -> bytes:
    """Lines of all kinds that JSON Lines come in, and that they should not come in."""
    chance = random.Random(5)
    odd = [
        b"\n",
        b"\r\n",
        b"\n\n\r\n \t\n",
        b"\0\0\0\n",
        b"\xef\xbb\xbf\n",
        b"\x1e" + line(1),
        b'{"text": "broken\n',
        b'{"text": "half a }\n',
        b"[1, 2]\n",
        b'"a string"\n',
        b'{"title": "no text"}\n',
        b'{"text": ""}\n',
        b'{"text": "caf\xe9"}\n',
        b'{"text": "a\0b"}\n',
        b" " * 5_000 + b"\n",
        b'{"text": "' + b"too long " * 400 + b'"}\n',
        b'{"text": "' + b"much too long " * 3_000 + b'"}\n',
        b"}\n{\n}\n{\n",
        line(2, b"\r\n"),
        line(2, b"\r\r\n"),
        line(3) * 3,
    ]
    rest = [chance.choice(odd) if chance.random() < 0.5 else line(number) for number in range(200)]
    shuffled = [*odd, *rest]
    chance.shuffle(shuffled)
    return b"".join(shuffled)


NASTY: dict[str, bytes] = {
    "of all kinds": nasty_lines(),
    "with a mark, and no end": codecs.BOM_UTF8 + line(1) + nasty_lines() + line(500, b""),
    "with blank lines at both ends": b"\n" * 9_000 + nasty_lines() + b"\r\n" * 9_000,
    "that ends within a line": nasty_lines() + b'{"text": "cut off',
}


@pytest.mark.parametrize(("lines", "size"), list(product(NASTY, [3_001, 20_000])))
def test_slices_give_the_rows_of_the_whole(  # noqa: PLR0913, PLR0917 - cases and fixtures
    raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, size: int
) -> None:
    """Column by column, with numbers, offsets, duplicates and rejections, wherever the file is cut."""
    (raw / "a.jsonl").write_bytes(NASTY[lines])
    write(raw, {"b.txt": story("Town 7")})
    whole = run_trivially(raw, tmp_path / "whole")
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", size)

    report = run_trivially(raw, clean)

    assert whole.shards == 1
    assert report.shards > 10_000 / size
    assert (report.records, report.duplicates, report.rejected) == (whole.records, whole.duplicates, whole.rejected)
    assert report.rejected_by_reason == whole.rejected_by_reason
    assert {"damaged", "too-large", "no-text-column", "empty"} <= whole.rejected_by_reason.keys()
    assert lasting(clean) == lasting(tmp_path / "whole")
    assert verify(clean) == []
    assert run_trivially(raw, clean).files.unchanged == 2


def run_trivially(raw: Path, clean: Path, records: int = 10_000, **settings: Any) -> RunReport:
    reading = Reading.model_validate({"limits": {"record_bytes": 3_000, "records": records}, **settings})
    options = PlanOptions(settle=0, reading=reading)
    return run_directly(raw, clean, workers=2, cleaner=clean_anything, options=options)


def nasty_crawl() -> bytes:
    """Records of all kinds, with lengths that lie, and bytes that are no record."""
    chance = random.Random(6)

    def page(number: int, **lie: Any) -> bytes:
        url = f"https://n{number % 3}.example/{number}"
        return warc_record("response", http(story(f"Town {number}").encode(), "text/plain"), url, **lie)

    odd = [
        *warc({})[:1],
        warc_record("request", b"GET / HTTP/1.1\r\n\r\n", "https://example.org/"),
        warc_record("metadata", b"fetchTimeMs: 12\r\n" * 900, "https://example.org/", "application/warc-fields"),
        warc_record("response", http(b"", status="404 Not Found"), "https://example.org/"),
        warc_record("response", http(b"too long " * 400, "text/plain"), "https://example.org/"),
        warc_record("response", http(b"much too long " * 2_000, "text/plain"), "https://example.org/"),
        warc_record("conversion", b"WARC/1.0\r\nWARC-Type: response\r\n", "https://example.org/", "text/plain"),
        page(1, length=20),
        page(2, length=2_000),
        page(3, length=10**9),
        page(4).replace(b"Content-Length", b"Content-Size"),
        b"bytes that are no record\r\n\r\n",
        b"\r\n" * 40,
        b"\n\n",
    ]
    rest = [chance.choice(odd) if chance.random() < 0.3 else page(number) for number in range(200)]
    shuffled = [*odd, *rest]
    chance.shuffle(shuffled)
    return b"".join(shuffled)


def nasty_texts(separator: str) -> bytes:
    """Texts with a separator between them, or several, or none."""
    chance = random.Random(7)
    odd = [
        "",
        "\n \n",
        "Title: Harbour\nURL: https://example.org/a\n\n" + story("Ems"),
        "---\ntitle: Quay\n---\n" + story("Inn"),
    ]
    odd += ["too long " * 400, "much too long\n" * 3_000, f"a {separator} within\na line", "\f", "caf\xe9"]
    rest = [chance.choice(odd) if chance.random() < 0.4 else story(f"Town {number}") for number in range(200)]
    shuffled = [*odd, *rest]
    chance.shuffle(shuffled)
    return f"\n{separator}\n".join(shuffled).encode("latin-1")


OTHERS: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "a crawl": ("a.warc", nasty_crawl(), {}),
    "a crawl that is cut off": ("a.warc", nasty_crawl()[:-700], {}),
    "a crawl without documents at its ends": ("a.warc", warc({})[0] * 60 + nasty_crawl() + warc({})[0] * 60, {}),
    "texts": ("a.txt", nasty_texts("====="), {"separator": "={3,}"}),
    "texts by form feeds": ("a.md", nasty_texts("\f"), {"separator": "form-feed"}),
    "texts that end with a separator": ("a.txt", nasty_texts("*****") + b"\n*****\n" * 30, {"separator": r"\*+"}),
    "texts, and front matter between dashes further down": (
        "a.txt",
        nasty_texts("=====") + b"\n ---\ntitle: Quay\n ---\n" + nasty_texts("=====") + nasty_texts(" ---"),
        {"separator": "={3,}| ---"},
    ),
    "texts between dashes": ("a.txt", nasty_texts("---"), {"separator": "---", "header_blocks": False}),
}


@pytest.mark.parametrize(("what", "size"), list(product(OTHERS, [3_001, 20_000])))
def test_so_do_slices_of_crawls_and_of_texts(  # noqa: PLR0913, PLR0917 - cases and fixtures
    raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, size: int
) -> None:
    """Wherever one begins, its documents have the numbers that they have in the file, and what is no document is counted."""
    name, content, settings = OTHERS[what]
    (raw / name).write_bytes(content)
    whole = run_trivially(raw, tmp_path / "whole", **settings)
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", size)

    report = run_trivially(raw, clean, **settings)

    assert whole.shards == 1
    assert report.shards > 5
    assert (report.records, report.skipped) == (whole.records, whole.skipped)
    assert report.rejected_by_reason == whole.rejected_by_reason
    assert "too-large" in whole.rejected_by_reason
    assert lasting(clean) == lasting(tmp_path / "whole")
    assert verify(clean) == []


def clean_anything(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
    """As the trivial cleaner does, which wants UTF-8."""
    told = [replace(record, data=record.data.decode("utf-8", "replace").encode()) for record in records]
    return clean_trivially(told, voices)


@pytest.mark.parametrize("most", [1, 57, 58, 150])
def test_the_records_of_a_file_are_limited_as_a_whole(
    raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Not slice by slice: the same record is the last, and one rejection stands for the rest."""
    (raw / "a.jsonl").write_bytes(nasty_lines())
    run_trivially(raw, tmp_path / "whole", records=most)
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 2_000)

    assert run_trivially(raw, clean, records=most).rejected_by_reason["too-many-records"] == 1
    assert lasting(clean) == lasting(tmp_path / "whole")


def test_real_texts_are_the_same_in_slices(
    raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As rules and model clean them."""
    (raw / "a.jsonl").write_bytes(b"".join(map(line, range(40))))
    run(raw, tmp_path / "whole")
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 5_000)

    report = run(raw, clean)

    assert (report.shards, report.articles) == (3, 40)
    assert lasting(clean) == lasting(tmp_path / "whole")


UNCUT: dict[str, tuple[str, bytes]] = {
    "UTF-16": ("a.jsonl", b"".join(map(line, range(30))).decode().encode("utf-16")),
    "UTF-32": ("a.jsonl", b"".join(map(line, range(30))).decode().encode("utf-32")),
    "compressed": ("a.jsonl.gz", gzip.compress(os.urandom(9_000).hex().encode())),
    "JSON": ("a.json", b"[\n" + b",\n".join(line(number, b"") for number in range(30)) + b"]"),
    "CSV": ("a.csv", b"text\n" + b"".join(b'"a ""{""\n{ b}"\n' for _ in range(900))),
    "text": ("a.txt", b"{a}\n" * 3_000),
    "text without its separator": ("b.txt", b"{a}\n" * 3_000),
    "text with front matter, perhaps": ("c.txt", b"a\n---\n" * 3_000),
    "a crawl of requests": ("a.warc", warc({})[0] * 90),
    "a compressed crawl": ("a.warc.gz", gzip.compress(os.urandom(9_000).hex().encode())),
    "one line": ("a.jsonl", b'{"text": "' + b"word " * 3_000 + b'"}\n'),
    "no objects": ("a.jsonl", b'{"text":\n"a"\n}\n\n' * 900),
}


@pytest.mark.parametrize("what", UNCUT)
def test_what_cannot_be_cut_is_not(raw: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Where a line end may be no end of a record, or none is seen, the file stays whole."""
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 1_000)
    name, content = UNCUT[what]
    (raw / name).write_bytes(content)

    separators = {"b.txt": "form-feed", "c.txt": "---"}
    reading = Reading.model_validate({"files": [{"match": k, "separator": v} for k, v in separators.items()]})
    assert slices_of(only(raw), reading) == [only(raw)]


def test_a_file_that_cannot_be_read_to_its_end_is_not_cut(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reader says why; where a network fails, the run ends, as it says nothing about the file."""
    (raw / "a.jsonl").write_bytes(line(1) * 99)
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 1_000)

    def read_with(error: OSError) -> list[RawFile]:
        def fail(*_: object) -> Iterator[Start]:
            yield Start(0, may_begin=False)
            raise error

        monkeypatch.setitem(slices._STARTS, Format.JSON_LINES, fail)
        return slices_of(only(raw), Reading())

    assert read_with(OSError(errno.EIO, "Input/output error")) == [only(raw)]
    with pytest.raises(ConnectionError):
        read_with(ConnectionError("reset"))


def test_settings_may_say_that_a_file_is_json_lines(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its name; and that it is not."""
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 1_000)
    (raw / "a.dump").write_bytes(b"no JSON\n" + b"".join(map(line, range(30))))

    assert len(slices_of(only(raw), Reading())) == 1
    assert len(slices_of(only(raw), Reading(format="jsonl"))) > 5


def test_slices_cover_a_file_and_begin_with_a_row(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They follow each other without a gap, are about as large as each other, and depend on the bytes alone."""
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 10_000)
    content = b"".join(map(line, range(100)))
    (raw / "a.jsonl").write_bytes(content)

    slices = [file.slice for file in slices_of(only(raw), Reading()) if file.slice]

    pieces = [content[part.begin : part.end] for part in slices]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) < 10_000 + 600
    assert min(map(len, pieces)) > 6_000
    assert all(content[part.begin :].startswith(line(part.record - 1)) for part in slices)
    os.utime(raw / "a.jsonl", (1, 1))
    assert [file.slice for file in slices_of(only(raw), Reading())] == slices


def only(raw: Path) -> RawFile:
    (file,) = discover(raw).files
    return file


class Log:
    """A cleaner that notes each batch by its first record, and may do something at one of them."""

    def __init__(self, path: Path, at: int = sys.maxsize, what: Callable[[], None] = lambda: None) -> None:
        self.path, self.at, self.what = path, at, what

    def __call__(self, records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        with self.path.open("a", encoding="utf-8") as log:
            log.write(f"{records[0].source}\n")
        if len(self.batches()) == self.at:
            self.what()
        return clean_trivially(records, voices)

    def batches(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").split() if self.path.exists() else []


@pytest.fixture
def large(raw: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A raw folder with a file of 6 slices and a small one."""
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 6_000)
    (raw / "a.jsonl").write_bytes(b"".join(map(line, range(120))))
    write(raw, {"b.txt": story("Ems")})
    return raw


def run_logged(raw: Path, clean: Path, log: Any, workers: int = 1) -> RunReport:
    return run_directly(raw, clean, workers=workers, cleaner=log, options=PlanOptions(settle=0))


def undisturbed(raw: Path, clean: Path) -> dict[str, list[dict[str, Any]]]:
    run_logged(raw, clean, clean_trivially)
    return lasting(clean)


_RUN = """
import os, signal, sys
from pathlib import Path
from pipeline.sources import slices
from tests.test_slices import Log, run_logged
slices.SLICE_BYTES = 6_000
raw, clean, log, at = sys.argv[1:]
run_logged(Path(raw), Path(clean), Log(Path(log), int(at), lambda: os.kill(os.getpid(), signal.SIGKILL)))
"""


def test_a_killed_run_goes_on_slice_by_slice(large: Path, clean: Path, tmp_path: Path) -> None:
    """Killed with -9 while the fourth of six slices is cleaned, a run leaves three; only the others are cleaned."""
    first, second = Log(tmp_path / "first"), Log(tmp_path / "second")
    killed = subprocess.run([sys.executable, "-c", _RUN, large, clean, first.path, "4"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    would = preview(large, clean, load_voices(), PlanOptions(settle=0))

    report = run_logged(large, clean, second)

    assert (would.files.resumed, would.to_clean, would.shards) == (0, 2, 6)  # a look reads no large file
    assert (report.files.resumed, report.files.resumed_slices, report.shards) == (0, 3, 4)
    assert "taken over: 3 slices of other files" in report.summary()
    assert len(first.batches()) == 4
    assert set(first.batches()) & set(second.batches()) == {first.batches()[3]}
    assert lasting(clean) == undisturbed(large, tmp_path / "undisturbed")
    assert verify(clean) == []
    assert list(Layout(clean).pieces.iterdir()) == []


def test_a_file_of_which_all_slices_are_finished_is_taken_over(large: Path, clean: Path, tmp_path: Path) -> None:
    """A run that died before its commit leaves nothing to clean."""
    with open_store(clean) as store:
        for shard in plan_run(store, large, load_voices(), PlanOptions(settle=0)).shards:
            clean_shard(shard, clean_trivially)

    report = run_logged(large, clean, Log(tmp_path / "log"))

    assert (report.files.resumed, report.files.resumed_slices, report.shards) == (2, 0, 0)
    assert Log(tmp_path / "log").batches() == []
    assert lasting(clean) == undisturbed(large, tmp_path / "undisturbed")


def test_slices_of_other_bytes_are_not_taken_over(large: Path, clean: Path, tmp_path: Path) -> None:
    """One byte of the file is another, in any slice: all of them are cleaned again."""
    with open_store(clean) as store:
        for shard in plan_run(store, large, load_voices(), PlanOptions(settle=0)).shards[:3]:
            clean_shard(shard, clean_trivially)
    content = (large / "a.jsonl").read_bytes()
    (large / "a.jsonl").write_bytes(content.replace(b"Town 119", b"Town 911"))

    report = run_logged(large, clean, clean_trivially)

    assert (report.files.resumed_slices, report.shards) == (0, 7)
    assert lasting(clean) == undisturbed(large, tmp_path / "undisturbed")


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(line(999))


def _replace(path: Path) -> None:
    path.with_suffix(".new").write_bytes(path.read_bytes())
    path.with_suffix(".new").replace(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "grows": _append,
    "is replaced": _replace,
    "is cut off": lambda path: os.truncate(path, 5_000),
    "is deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_is_rejected_as_a_whole(
    large: Path, clean: Path, tmp_path: Path, change: str, at: int
) -> None:
    """Whichever slice is read when it does; the next run cleans what is there then."""
    report = run_logged(large, clean, Log(tmp_path / "log", at, lambda: CHANGES[change](large / "a.jsonl")))

    assert (report.records, report.rejected_by_reason) == (2, {"changed-while-read": 1})
    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["raw_sha256"]) == ("a.jsonl#1", "")
    assert set(by_source(clean)) == {"b.txt#1"}
    assert verify(clean) == []
    assert list(Layout(clean).pieces.iterdir()) == []
    again = run_logged(large, clean, clean_trivially)
    assert (again.files.changed, again.files.removed) == ((0, 1) if change == "is deleted" else (1, 0))
    assert lasting(clean) == undisturbed(large, tmp_path / "undisturbed")


def test_a_slice_that_fails_leaves_its_file_to_the_next_run(large: Path, clean: Path, tmp_path: Path) -> None:
    """The other slices wait for it, and readers see the file's rows as they were, or none."""
    run_logged(large, clean, clean_trivially)
    before = lasting(clean)
    (large / "a.jsonl").write_bytes(b"".join(map(line, range(200, 320))))
    os.utime(large / "a.jsonl", (1, 1))

    with open_store(clean) as store:
        plan = plan_run(store, large, load_voices(), PlanOptions(settle=0))
        failed = commit_run(store, plan, [clean_shard(shard, clean_trivially) for shard in plan.shards[1:]])

    assert (failed.shards_failed, failed.published) == (1, False)
    assert lasting(clean) == before
    assert verify(clean) == []
    log = Log(tmp_path / "log")
    report = run_logged(large, clean, log)
    assert (report.files.resumed_slices, log.batches()) == (5, ["a.jsonl#1"])
    assert lasting(clean) == undisturbed(large, tmp_path / "undisturbed")


def test_a_slice_is_a_shard_by_itself(large: Path, clean: Path) -> None:
    """With the small files in others; the plan holds byte ranges and numbers, so that any worker can do it."""
    with open_store(clean) as store:
        shards = [read_shard(path).files for path in plan_run(store, large, load_voices()).shards]

    assert [len(files) for files in shards] == [1] * 7
    assert [file.slice.record for (file,) in shards if file.slice] == [1, 22, 42, 62, 82, 102]


def test_a_rejected_record_is_named_by_its_number_in_the_file(
    large: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its worker died of it, in a slice of which it is not the first record."""
    from tests.poison import clean_poisoned

    lines = (large / "a.jsonl").read_bytes().splitlines(keepends=True)
    lines[69] = json.dumps({"text": "poison: fail"}).encode() + b"\n"
    (large / "a.jsonl").write_bytes(b"".join(lines))

    run_directly(large, clean, workers=1, runner="process", cleaner=clean_poisoned, options=PlanOptions(settle=0))

    (rejected,) = rows(clean, "rejected")
    assert (rejected["source"], rejected["reason"]) == ("a.jsonl#70", "failed")
    assert rejected["byte_offset"] == sum(map(len, lines[:69]))
