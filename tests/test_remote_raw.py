"""Raw files may lie in an object store: the rows are those that the same files give in a folder."""

import gzip
import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.addresses import list_objects, look_at, place_of
from pipeline.clean import clean_records
from pipeline.cli import app
from pipeline.doctor import examine
from pipeline.errors import AddressError, UsageError
from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, RawRecord, Rejection
from pipeline.report import RunReport
from pipeline.run import load_voices, run_directly
from pipeline.sources.discover import discover, file_at, look_again
from pipeline.sources.opened import AHEAD, OpenFile, ReadFailure, fingerprint, opened, opened_in_turn, read_range
from pipeline.sources.reading import Reading
from pipeline.store import history, status, verify
from pipeline.voices import Voices
from tests.buckets import CREDENTIALS, new_bucket, s3_server
from tests.crash.world import clean_trivially
from tests.store_cases import by_source, lasting, page, rows, story, write


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket for all of these tests, since a client takes a while to make."""
    with s3_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        yield new_bucket(endpoint, patch)
        fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def dumps(bucket: str) -> str:
    """The address of a folder of its own; put something into it."""
    return f"{bucket}/{uuid4().hex}/dumps"


def put(url: str, files: dict[str, bytes]) -> None:
    fs, root = fsspec.url_to_fs(url)
    for name, content in files.items():
        fs.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
        fs.pipe_file(f"{root}/{name}", content)


def remove(url: str, name: str) -> None:
    fs, root = fsspec.url_to_fs(url)
    fs.rm_file(f"{root}/{name}")


def line(number: int) -> bytes:
    return json.dumps({"text": story(f"Town {number}"), "url": f"https://n.example/{number}"}).encode() + b"\n"


def packed() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("m.example/one.html", page("Jade"))
        file.writestr("two.txt", story("Hunte"))
    return archive.getvalue()


def table() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": [story("Oste"), story("Ems")], "title": ["Oste", None]}), sink)
    return sink.getvalue()


FILES = {
    "a.txt": story("Ems").encode(),
    "copy of a.txt": story("Ems").encode(),
    "b é#1?%20.txt": story("Weser").encode(),
    "site.example/deep/c.html": page("Elbe").encode(),
    "lines.jsonl": b"".join(map(line, range(8))) + b"broken\n",
    "lines.jsonl.gz": gzip.compress(b"".join(map(line, range(4, 12))), mtime=0),
    "archive.zip": packed(),
    "table.parquet": table(),
    "empty.txt": b"",
    "cut.txt.gz": gzip.compress(os.urandom(3_000).hex().encode(), mtime=0)[:900],
    "README.md": b"About these files",
    "picture.png": b"\x89PNG",
    ".hidden/d.txt": b"hidden",
    "half.txt.part": b"half",
}


def run_trivially(raw: Any, clean: Path, cleaner: Any = clean_trivially, **options: Any) -> RunReport:
    return run_directly(raw, clean, workers=1, cleaner=cleaner, options=PlanOptions(**{"settle": 0, **options}))


def test_an_address_gives_the_rows_of_a_folder(dumps: str, raw: Path, clean: Path, tmp_path: Path) -> None:
    """Every format, also those that are read from their end; names are what they are."""
    put(dumps, FILES)
    for name, content in FILES.items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(content)
    local = run_trivially(raw, tmp_path / "local", clean_records)

    report = run_trivially(dumps, clean, clean_records)

    assert report.raw == history(clean)[0].raw == dumps
    assert (report.records, report.articles, report.duplicates) == (local.records, local.articles, local.duplicates)
    assert report.rejected_by_reason == local.rejected_by_reason == {"damaged": 1, "empty": 1, "truncated": 1}
    assert report.files.ignored == {"hidden": 1, "partial copy": 1, "read-me": 1, "suffix .png": 1}
    assert lasting(clean) == lasting(tmp_path / "local")
    assert verify(clean) == verify(clean, dumps) == []
    assert verify(clean, raw) == []


def test_only_what_changed_is_cleaned(dumps: str, clean: Path, tmp_path: Path, raw: Path) -> None:
    """New, changed, moved and removed objects are told from each other, by version and time, or by their bytes."""
    put(dumps, {f"{number}.txt": story(f"Town {number}").encode() for number in range(6)})
    assert run_trivially(dumps, clean).files.new == 6
    put(
        dumps, {"0.txt": story("Town 0").encode(), "1.txt": story("Town 9").encode(), "6.txt": story("Town 6").encode()}
    )
    put(dumps, {"moved/2.txt": story("Town 2").encode()})
    remove(dumps, "2.txt")
    remove(dumps, "3.txt")
    would = preview(dumps, clean, load_voices(), PlanOptions(settle=0))

    files = run_trivially(dumps, clean).files

    assert (files.new, files.changed, files.renamed, files.removed, files.unchanged) == (1, 1, 1, 1, 3)
    assert (would.files, would.raw) == (files, dumps)
    assert not run_trivially(dumps, clean).published
    names = {"0": 0, "1": 9, "moved/2": 2, "4": 4, "5": 5, "6": 6}
    write(raw, {f"{name}.txt": story(f"Town {town}") for name, town in names.items()})
    run_trivially(raw, tmp_path / "local")
    assert lasting(clean) == lasting(tmp_path / "local")


def test_an_object_that_was_just_put_is_waited_for(dumps: str, clean: Path) -> None:
    """Or left to the next run, by the time at which it was put."""
    put(dumps, {"a.txt": story("Ems").encode()})

    assert run_trivially(dumps, clean, settle=300, wait=False).files.left == 1
    assert run_trivially(dumps, clean, settle=1).files.new == 1


def test_a_large_object_is_cut_into_slices(
    dumps: str, raw: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which each worker fetches its own; the rows are those of a file that is not cut."""
    content = b"".join(map(line, range(60)))
    put(dumps, {"a.jsonl": content})
    (raw / "a.jsonl").write_bytes(content)
    run_trivially(raw, tmp_path / "local")
    monkeypatch.setattr("pipeline.sources.slices.SLICE_BYTES", 4_000)
    fetched: list[int] = []
    monkeypatch.setattr(
        "pipeline.sources.opened.read_range", lambda file, *ends: fetched.append(ends[1]) or read_range(file, *ends)
    )

    report = run_trivially(dumps, clean)

    assert (report.shards, len(fetched), max(fetched)) == (5, 5, len(content))
    assert lasting(clean) == lasting(tmp_path / "local")


def once(do: Callable[[], None]) -> Any:
    """A cleaner that does something before its first batch."""
    todo = [do]

    def clean(records: Sequence[RawRecord], voices: Voices) -> Sequence[Article | Rejection]:
        for now in todo:
            now()
        todo.clear()
        return clean_trivially(records, voices)

    return clean


CHANGES: dict[str, Callable[[str], None]] = {
    "replaced": lambda url: put(url, {"b.jsonl": b"".join(map(line, range(30, 60)))}),
    "replaced by the same size": lambda url: put(url, {"b.jsonl": b"".join(map(line, range(10, 40)))[::-1]}),
    "cut off": lambda url: put(url, {"b.jsonl": b""}),
    "deleted": lambda url: remove(url, "b.jsonl"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("before", [True, False])
def test_an_object_that_changes_while_it_is_read_is_rejected(
    dumps: str,
    clean: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    before: bool,  # noqa: FBT001 - as pytest passes it
) -> None:
    """Between two requests; none of it is published, and the next run cleans what is there then."""
    put(dumps, {"a.txt": story("Ems").encode(), "b.jsonl": b"".join(map(line, range(10, 40)))})

    def change_it(file: Any, *ends: int) -> bytes:
        if file.name == "b.jsonl" and before:
            CHANGES[change](dumps)
        content = bytes(read_range(file, *ends))
        if file.name == "b.jsonl" and not before:
            CHANGES[change](dumps)
        return content

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.sources.opened.read_range", change_it)
        report = run_trivially(dumps, clean)

    assert (report.records, report.rejected_by_reason) == (2, {"changed-while-read": 1})
    assert set(by_source(clean)) == {"a.txt#1"}
    files = run_trivially(dumps, clean).files
    assert (files.changed, files.removed) == ((0, 1) if change == "deleted" else (1, 0))


def test_small_objects_do_not_wait_for_each_other(dumps: str, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are fetched before their turn; where a run breaks off among them, nothing is left open."""
    put(dumps, {f"{number:02}.txt": story(f"Town {number}").encode() for number in range(20)})
    fetching, most = [0], [0]

    def slowly(file: Any, *ends: int) -> bytes:
        fetching[0] += 1
        most[0] = max(most[0], fetching[0])
        time.sleep(0.05)
        fetching[0] -= 1
        if file.name == "09.txt" and breaks:
            raise ConnectionError("no answer")
        return bytes(read_range(file, *ends))

    monkeypatch.setattr("pipeline.sources.opened.read_range", slowly)
    breaks = True
    assert run_trivially(dumps, clean).shards_failed == 1
    breaks = False
    assert run_trivially(dumps, clean).articles == 20
    assert 2 <= most[0] <= AHEAD


def test_an_object_that_went_before_its_turn_is_left_to_the_next_run(dumps: str, clean: Path) -> None:
    """As a file is."""
    put(dumps, {"a.txt": story("Ems").encode(), "b.txt": story("Weser").encode()})

    report = run_trivially(dumps, clean, once(lambda: remove(dumps, "b.txt")), shard_size=1)

    assert (report.files.vanished, report.records, report.shards_failed) == (1, 1, 0)
    assert run_trivially(dumps, clean).files.seen == 1


def test_a_network_that_fails_rejects_nothing(dumps: str, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing about the object: its shard is left to the next run, and the others are done."""
    put(dumps, {"a.txt": story("Ems").encode(), "b.txt": story("Weser").encode()})

    def fail(file: Any, *ends: int) -> bytes:
        if file.name == "a.txt":
            raise ConnectionError(f"{file}: timed out")
        return bytes(read_range(file, *ends))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.sources.opened.read_range", fail)
        report = run_trivially(dumps, clean, shard_size=1)

    assert (report.shards_failed, report.articles, report.rejected, report.exit_code) == (1, 1, 0, 1)
    assert run_trivially(dumps, clean).articles == 1


def test_nothing_of_an_object_stays_on_the_disk(dumps: str, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even while it is read, so a worker that is killed leaves nothing."""
    put(dumps, {"b.jsonl": b"".join(map(line, range(2100)))})
    place = clean.parent / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    seen: list[list[Path]] = []

    run_trivially(dumps, clean, once(lambda: seen.append(list(place.iterdir()))))

    assert seen == [[]]
    assert list(place.iterdir()) == []


def test_a_full_temporary_folder_is_named(dumps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing about the object, so it ends the run."""
    put(dumps, {"a.txt": b"text"})

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.sources.opened.read_range", full)
    with pytest.raises(OSError, match="No space") as caught:
        list(opened_in_turn(discover(dumps).files))
    assert caught.value.filename == tempfile.gettempdir()


def test_an_object_is_read_as_it_comes_for_its_hash(dumps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what stands in the way is told, whatever the store calls it."""
    put(dumps, {"a.txt": b"text"})
    (file,) = discover(dumps).files
    found = fingerprint(file)
    assert not isinstance(found, ReadFailure)
    assert found.file == look_again(file) == file
    gone = fingerprint(file_at(dumps, "gone.txt"))
    assert isinstance(gone, ReadFailure)
    assert gone.vanished
    assert look_again(file_at(dumps, "gone.txt")) is None
    with opened(file) as content:
        assert isinstance(content, OpenFile)
        put(dumps, {"a.txt": b"another text"})
        assert content.finish() == ReadFailure("changed while it was read", changed=True)


@pytest.mark.parametrize("command", ["run --no-prefect", "run", "retry --no-prefect", "run --dry-run", "doctor"])
def test_what_is_wrong_with_an_address_is_told_at_once(
    dumps: str, clean: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A bucket or folder that is not there, and an object instead of a folder: bad usage, and nothing is changed."""
    from flows.cli import app as with_flows

    put(dumps, {"a.txt": story("Ems").encode()})
    bucket = dumps.removesuffix("/dumps")
    wrong = {f"{bucket}/nothing": "no such bucket or folder", "s3://no-such-bucket-anywhere/dumps": "no such bucket"}
    wrong |= {} if command == "doctor" else {f"{dumps}/a.txt": "is an object; name the folder"}
    if command == "run":
        monkeypatch.setattr("flows.cli._run_flow", lambda *arguments: run_directly(arguments[2], clean))
    for url, why in wrong.items():
        where = [url] if command == "doctor" else ["--raw", url, "--clean", str(clean)]
        done = CliRunner().invoke(with_flows, [*command.split(), *where])

        assert (done.exit_code, done.stdout) == (2, "")
        assert f"{url}: {why}" in done.stderr.replace("\n", "")


def test_missing_credentials_and_packages_are_told(dumps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do about it, before anything is read."""
    put(dumps, {"a.txt": b"text"})
    fsspec.filesystem("s3").clear_instance_cache()
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with pytest.raises(UsageError, match=f"{dumps}: no credentials were found"):
        discover(dumps)
    fsspec.filesystem("s3").clear_instance_cache()

    def refuse(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("pipeline.addresses.url_to_fs", refuse)
    with pytest.raises(UsageError, match=r"pip install 'article-pipeline\[s3\]'"):
        discover(dumps)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (PermissionError("Access Denied"), UsageError, "may not be listed with these credentials: Access Denied"),
        (TimeoutError("no answer"), AddressError, "cannot be listed: no answer"),
        (ValueError(), AddressError, "cannot be listed: ValueError"),
    ],
)
def test_what_a_store_says_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], told: str
) -> None:
    """With the address, and as an error of this package."""

    def fail(*_: object, **__: object) -> None:
        raise error

    store = SimpleNamespace(invalidate_cache=lambda: None, find=fail)
    monkeypatch.setattr("pipeline.addresses.connect", lambda _: (store, "bucket"))

    with pytest.raises(kind, match=f"s3://bucket: {told}"):
        list(list_objects("s3://bucket"))


def test_a_store_that_tells_no_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nobody would see that an object was replaced."""
    found = {"b/a.txt": {"name": "b/a.txt", "size": 1, "type": "file"}}
    store = SimpleNamespace(invalidate_cache=lambda: None, find=lambda *_, **__: found)
    monkeypatch.setattr("pipeline.addresses.connect", lambda _: (store, "b"))

    with pytest.raises(UsageError, match=r"x://b/a\.txt: its store tells neither times nor versions"):
        list(list_objects("x://b"))


def test_other_stores_tell_their_versions_too(tmp_path: Path) -> None:
    """A listing and a look at one object agree, for folders by their address and for memory."""
    for url in (tmp_path.as_uri() + "/raw", "memory://listed/raw"):
        fs, root = fsspec.url_to_fs(url)
        fs.makedirs(root, exist_ok=True)
        put(url, {"a.txt": b"one", "b/c.txt": b"three"})
        before = dict(list_objects(url))

        assert {name: look_at(file_at(url, name).path) for name in before} == before  # type: ignore[arg-type]
        assert {name: status.size for name, status in before.items()} == {"a.txt": 3, "b/c.txt": 5}


def test_the_other_commands_take_addresses(dumps: str, clean: Path) -> None:
    """`doctor` and `explain` read an object as a file; `status` needs no network for what the store holds."""
    put(dumps, {"a.jsonl": b"".join(map(line, range(30))), "s.example/b.txt": story("Ems").encode()})
    run_trivially(dumps, clean)

    assert [(found.key, found.format, found.records) for found in examine(dumps, Reading()).files] == [
        ("a.jsonl", "jsonl", 20),
        ("s.example/b.txt", "text", 1),
    ]
    (one,) = examine(f"{dumps}/a.jsonl", Reading(), peek=3).files
    assert (one.key, one.records, one.whole) == ("a.jsonl", 3, False)
    explained = CliRunner().invoke(app, ["explain", f"{dumps}/s.example/b.txt", "--json"])
    assert json.loads(explained.stdout)["reasons"] == {"share": 1, "read-more": 1}
    told = CliRunner().invoke(app, ["status", "--clean", str(clean)])
    assert f"next run, of {dumps}:" in told.stdout
    assert "2 unchanged" in told.stdout
    for name in ("a.jsonl", "s.example/b.txt"):
        remove(dumps, name)
    told = CliRunner().invoke(app, ["status", "--clean", str(clean)])
    assert (told.exit_code, "gone or cannot be reached" in told.stdout) == (0, True)
    assert status(clean).last_run is not None


def test_a_mass_deletion_is_refused_for_addresses_too(dumps: str, clean: Path) -> None:
    """Rows stay when most objects are gone, and when all are, nothing is even tried."""
    put(dumps, {f"{number}.txt": story(f"Town {number}").encode() for number in range(8)})
    run_trivially(dumps, clean)
    for number in range(7):
        remove(dumps, f"{number}.txt")

    assert run_trivially(dumps, clean).exit_code == 4
    remove(dumps, "7.txt")
    with pytest.raises(UsageError, match="no such bucket or folder"):
        run_trivially(dumps, clean)
    assert len(rows(clean)) == 8


def test_an_address_is_told_from_a_path() -> None:
    assert place_of(Path("raw")) == place_of("raw") == Path("raw")
    assert place_of("s3://bucket/dumps/") == "s3://bucket/dumps"
