"""Publishing to an object store: what its readers see, whatever happens to who publishes."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from typer.testing import CliRunner
from werkzeug.serving import make_server

from pipeline import cli
from pipeline.errors import StoreBusy, StoreError, StoreRefused, UsageError
from pipeline.store import place, publish_to, read_articles, read_table, remote, remote_snapshot
from pipeline.store.layout import Layout, hold_lock, hold_publishing
from pipeline.store.remote import claim, load_manifests
from pipeline.store.target import Target, open_target
from pipeline.tables import REJECTED, SCHEMA_VERSION, TABLES
from tests.buckets import CREDENTIALS, new_bucket, s3_server
from tests.store_cases import rows, run, story, write

ROOT = Path(__file__).parent.parent

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server on this machine."""
    with s3_server() as endpoint:
        yield endpoint


@contextmanager
def served(wrap: Callable[[Application], Application]) -> Iterator[str]:
    """An S3 server on this machine that does not do all that is asked of it."""
    application = wrap(DomainDispatcherApplication(create_backend_app))
    odd = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=odd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{odd.port}"
    odd.shutdown()
    thread.join()
    odd.server_close()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in a fresh bucket; the endpoint and the credentials are where every S3 client looks for them."""
    return f"{new_bucket(server, monkeypatch)}/clean"


@pytest.fixture(params=["s3", "file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of each kind."""
    if request.param == "file":
        return (tmp_path / "published").as_uri()
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
def memory() -> str:
    """An address where the kind of target does not matter."""
    return f"memory://{uuid4().hex}/clean"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw folder and its store after one run, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    texts = {"a.txt": story("Ems"), "b.txt": story("Weser"), "site.example/c.txt": story("Elbe"), "d.txt": ""}
    write(folder / "raw", texts)
    run(folder / "raw", folder / "clean")
    return folder


@pytest.fixture
def raw(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "raw", tmp_path / "raw")


@pytest.fixture
def clean(made: Path, tmp_path: Path) -> Path:
    """A store after one run over `raw`; it was never published."""
    return shutil.copytree(made / "clean", tmp_path / "clean", symlinks=True)


def objects(url: str) -> dict[str, bytes]:
    """Everything below an address."""
    fs, root = fsspec.url_to_fs(url)
    fs.invalidate_cache()
    return {path.removeprefix(root).lstrip("/"): fs.cat_file(path) for path in fs.find(root)}


def sources(table: pa.Table) -> list[str]:
    return table["source"].to_pylist()


def test_what_is_published_reads_as_it_does_locally(clean: Path, url: str) -> None:
    """Every table, to the row, from every kind of target; nothing but the owner, parts and a manifest is there."""
    done = publish_to(url, clean)

    for table in TABLES:
        assert read_table(table, url).equals(read_table(table, clean))
    assert read_articles(url).equals(read_articles(clean))
    assert (done.snapshot, done.new, done.parts, done.uploaded, done.removed) == (1, True, 3, 3, 0)
    assert sorted(key.partition("/")[0] for key in objects(url)) == ["parts"] * 3 + ["snapshots", "store.json"]


def test_every_reader_opens_the_files_of_a_snapshot(clean: Path, s3: str) -> None:
    """pandas, polars and DuckDB read the addresses that one resolution gives."""
    publish_to(s3, clean)
    snapshot = remote_snapshot(s3)
    expected = sources(read_articles(clean))

    assert pd.read_parquet(snapshot.articles, filesystem=snapshot.filesystem)["source"].tolist() == expected
    assert pl.read_parquet(snapshot.articles)["source"].to_list() == expected
    assert pl.scan_parquet(snapshot.removed_lines).collect().height == len(rows(clean, "removed_lines"))
    with duckdb.connect() as connection:
        connection.register_filesystem(snapshot.filesystem)
        found = connection.read_parquet(snapshot.articles).order("source").project("source").fetchall()
    assert found == [(source,) for source in expected]


def test_storage_options_say_how_to_connect(clean: Path, s3: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in the environment can be given, for publishing and for reading."""
    for name in [*CREDENTIALS, "AWS_ENDPOINT_URL"]:
        monkeypatch.delenv(name)
    options = {"key": "somebody", "secret": "something", "endpoint_url": server}

    publish_to(s3, clean, storage_options=options)

    assert sources(read_articles(s3, storage_options=options)) == sources(read_articles(clean))


def test_the_manifest_says_what_a_snapshot_is(clean: Path, memory: str) -> None:
    """Its store and commit, the versions its rows name, and each part with its size, rows and digest."""
    publish_to(memory, clean)
    content = json.loads(objects(memory)["snapshots/00000001.json"])
    row = rows(clean)[0]

    assert content["store"] == Layout(clean).identity.read_text(encoding="ascii")
    assert (content["snapshot"], content["schema_version"], content["format"]) == (1, SCHEMA_VERSION, 1)
    assert content["versions"] == [
        {name: row[name] for name in ("cleaner_version", "rules_digest", "model_version")},
    ]
    assert list(content["tables"]) == list(TABLES)
    (part,) = content["tables"]["articles"]
    published = objects(memory)[part["key"]]
    assert part["key"] == f"parts/articles/part-000001.00000001-{part['sha256'][:16]}.parquet"
    assert (part["bytes"], part["rows"]) == (len(published), pq.read_metadata(io.BytesIO(published)).num_rows)
    assert Layout(clean).part("articles", "part-000001.00000001.parquet").read_bytes() == published


def test_publishing_again_does_nothing(clean: Path, url: str) -> None:
    """A schedule that publishes after every run leaves every object alone when no row changed."""
    publish_to(url, clean)
    before = objects(url)

    done = publish_to(url, clean)

    assert (done.snapshot, done.new, done.uploaded, done.uploaded_bytes) == (1, False, 0, 0)
    assert objects(url) == before


def test_only_new_parts_are_uploaded(raw: Path, clean: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of one file among many uploads the parts of its bucket; what was published stays as it was."""
    monkeypatch.setattr(place, "BUCKET_ROWS", 3)
    write(raw, {f"many/{number}.txt": story(f"Town {number}") for number in range(6)})
    run(raw, clean)
    first = publish_to(url, clean)
    before = objects(url)
    write(raw, {"many/1.txt": story("a place renamed")})
    run(raw, clean)

    done = publish_to(url, clean)

    after = objects(url)
    assert first.parts == done.parts == 7
    assert (done.new, done.uploaded) == (True, 2)
    assert done.uploaded_bytes == sum(
        len(after[key]) for key in after.keys() - before.keys() if key.startswith("parts")
    )
    assert {key: after[key] for key in before} == before
    assert read_articles(url).equals(read_articles(clean))


def test_a_table_without_rows_reads_as_empty(raw: Path, clean: Path, memory: str) -> None:
    """With nothing rejected there is no part, and reading still gives a table with its columns."""
    (raw / "d.txt").unlink()
    run(raw, clean)
    publish_to(memory, clean)

    assert remote_snapshot(memory).rejected == []
    assert read_table("rejected", memory).equals(REJECTED.empty_table())


KILLED_AT = {
    "claimed": ("pipeline.store.remote.load_manifests", 1),
    "first part uploaded": ("pipeline.store.target.Target.upload", 2),
    "parts uploaded": ("pipeline.store.remote.put_manifest", 1),
    "committed": ("pipeline.store.remote.remove_old", 1),
}
_KILL = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from pipeline.store import remote, target
remote.SIDE_BY_SIDE = 1
url, clean, point, which = sys.argv[1:]
calls = 0
def dying(real):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == int(which):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call
owner = target.Target if ".Target." in point else remote
name = point.rpartition(".")[2]
setattr(owner, name, dying(getattr(owner, name)))
remote.publish_to(url, Path(clean))
"""


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_killed_publication_is_done_by_the_next_one(raw: Path, clean: Path, s3: str, point: str) -> None:
    """Readers see the old snapshot, to the row, or the new one; the next publication uploads what is missing only."""
    publish_to(s3, clean)
    before = {table: read_table(table, clean) for table in TABLES}
    write(raw, {"a.txt": story("Aller"), "new.txt": ""})
    (raw / "b.txt").unlink()
    run(raw, clean)
    arguments = [sys.executable, "-c", _KILL, s3, str(clean), KILLED_AT[point][0], str(KILLED_AT[point][1])]
    killed = subprocess.run(arguments, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL

    committed = point == "committed"
    for table in TABLES:
        assert read_table(table, s3).equals(read_table(table, clean) if committed else before[table])
    done = publish_to(s3, clean)

    assert done.uploaded == {"claimed": 3, "first part uploaded": 2, "parts uploaded": 0, "committed": 0}[point]
    assert done.new is not committed
    for table in TABLES:
        assert read_table(table, s3).equals(read_table(table, clean))


def test_of_two_copies_of_a_store_one_wins(raw: Path, clean: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both upload their parts and commit in the same moment: one manifest is there, the other copy is told why not."""
    publish_to(url, clean)
    copy = clean.with_name("copy")
    shutil.copytree(clean, copy, symlinks=True)
    for number, store in enumerate((clean, copy)):
        write(raw, {"a.txt": story(f"Town {number}")})
        run(raw, store)
    together = threading.Barrier(2)
    real = remote.put_manifest
    outcomes: dict[Path, object] = {}

    def put_together(*arguments: Any) -> bool:
        together.wait(60)
        return real(*arguments)

    def publish(store: Path) -> None:
        try:
            outcomes[store] = publish_to(url, store)
        except StoreRefused as error:
            outcomes[store] = error

    monkeypatch.setattr(remote, "put_manifest", put_together)
    racers = [threading.Thread(target=publish, args=(store,)) for store in (clean, copy)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    (winner,) = [store for store, outcome in outcomes.items() if isinstance(outcome, remote.Published)]
    (loser,) = {clean, copy} - {winner}
    assert isinstance(outcomes[loser], StoreRefused)
    assert "by a copy of it" in str(outcomes[loser])
    assert read_articles(url).equals(read_articles(winner))
    with pytest.raises(StoreRefused):
        publish_to(url, loser)


def test_a_store_is_published_by_one_at_a_time_while_runs_go_on(raw: Path, clean: Path, memory: str) -> None:
    """The second publication says that one is active; neither waits for a run, nor a run for them."""
    with hold_publishing(Layout(clean)):
        with pytest.raises(StoreBusy, match="is being published already"):
            publish_to(memory, clean)
        write(raw, {"new.txt": story("Leine")})
        assert run(raw, clean).published

    with hold_lock(Layout(clean)):
        assert publish_to(memory, clean).snapshot == 2


def test_a_second_store_is_refused(raw: Path, clean: Path, url: str, tmp_path: Path) -> None:
    """Two stores never mix at one address, whatever the numbers of their snapshots: nothing of the second gets there."""
    publish_to(url, clean)
    before = objects(url)
    other = tmp_path / "other"
    for name in ("Oker", "Leine"):
        write(raw, {"a.txt": story(name)})
        run(raw, other)

    with pytest.raises(StoreRefused, match="another store publishes here"):
        publish_to(url, other)

    assert objects(url) == before
    assert read_articles(url).equals(read_articles(clean))


def test_of_two_new_stores_one_gets_the_address(raw: Path, clean: Path, url: str, tmp_path: Path) -> None:
    """Claiming an address is atomic too: stores whose snapshots have different numbers do not share it."""
    other = tmp_path / "other"
    shutil.copytree(clean, other, symlinks=True)
    write(raw, {"a.txt": story("Oker")})
    run(raw, other)
    outcomes: list[object] = []

    def publish(store: Path) -> None:
        try:
            outcomes.append(publish_to(url, store))
        except StoreRefused as error:
            outcomes.append(error)

    racers = [threading.Thread(target=publish, args=(store,)) for store in (clean, other)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Published", "StoreRefused"]
    assert len(load_manifests(open_target(url))) == 1


def test_a_store_that_was_set_back_is_refused(raw: Path, clean: Path, memory: str) -> None:
    """A backup brought back knows nothing of the snapshots since; its next ones would contradict them."""
    backup = clean.with_name("backup")
    shutil.copytree(clean, backup, symlinks=True)
    publish_to(memory, clean)
    shutil.copy(Layout(clean).identity, Layout(backup).identity)
    write(raw, {"a.txt": story("Aller")})
    run(raw, clean)
    publish_to(memory, clean)

    with pytest.raises(StoreRefused, match=r"00000002\.json: was not committed by this store"):
        publish_to(memory, backup)

    assert read_articles(memory).equals(read_articles(clean))


def test_a_part_that_is_gone_is_loud_and_comes_back(clean: Path, url: str) -> None:
    """Rows never go missing quietly: reading names the part, publishing again uploads it."""
    publish_to(url, clean)
    key = next(key for key in objects(url) if key.startswith("parts/articles/"))
    open_target(url).remove(key)

    with pytest.raises(StoreError, match=f"{key}: belongs to the snapshot and is gone"):
        read_articles(url)

    assert publish_to(url, clean).uploaded == 1
    assert read_articles(url).equals(read_articles(clean))


def test_a_part_that_was_replaced_is_loud(clean: Path, memory: str) -> None:
    """Other bytes of the same length, and rows that no manifest counted, are told from what was published."""
    publish_to(memory, clean)
    target = open_target(memory)
    part = load_manifests(target)[0].tables["articles"][0]
    content = bytearray(objects(memory)[part.key])
    content[len(content) // 3] ^= 0xFF
    target.fs.pipe_file(f"{target.root}/{part.key}", bytes(content))

    with pytest.raises(StoreError, match="its bytes are not those that were published"):
        read_articles(memory)


def test_a_manifest_that_miscounts_is_loud(clean: Path, memory: str) -> None:
    """The rows of a part are those that its manifest promises to readers that check nothing."""
    publish_to(memory, clean)
    target = open_target(memory)
    content = json.loads(objects(memory)["snapshots/00000001.json"])
    content["tables"]["articles"][0]["rows"] += 1
    target.fs.pipe_file(f"{target.root}/snapshots/00000001.json", json.dumps(content).encode())

    with pytest.raises(StoreError, match="holds 3 rows, not the 4 of its manifest"):
        read_articles(memory)


def test_damage_of_the_local_store_is_not_published(clean: Path, memory: str) -> None:
    """A part whose bytes changed on disk is found before it is uploaded, and nothing is committed."""
    (part,) = (Layout(clean).snapshots / "00000001" / "articles").iterdir()
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 0xFF
    part.write_bytes(content)

    with pytest.raises(StoreError, match="pipeline verify"):
        publish_to(memory, clean)

    assert not [key for key in objects(memory) if key.startswith("snapshots/")]


def test_old_snapshots_go_but_not_while_they_may_be_read(raw: Path, clean: Path, url: str) -> None:
    """The last few are kept, and all that were the latest within the keeping time; parts go with their last manifest."""
    held = []
    for number in range(5):
        write(raw, {"a.txt": story(f"Town {number}")})
        run(raw, clean)
        assert publish_to(url, clean, keep=2, seconds=3600).removed == 0
        held.append((remote_snapshot(url), read_articles(clean)))
    assert all(snapshot.read("articles").equals(seen) for snapshot, seen in held)

    done = publish_to(url, clean, keep=2, seconds=0)

    assert done.removed == 3 + 3 + 3  # manifests, and parts of articles and of removed lines
    assert [manifest.snapshot for manifest in load_manifests(open_target(url))] == [5, 6]
    assert all(snapshot.read("articles").equals(seen) for snapshot, seen in held[-2:])
    with pytest.raises(StoreError, match="is gone"):
        held[0][0].read("articles")
    listed = {key for manifest in load_manifests(open_target(url)) for key in manifest.keys}
    assert {key for key in objects(url) if key.startswith("parts/")} == listed


def test_a_snapshot_is_replaced_when_the_next_one_is_put(raw: Path, clean: Path, memory: str) -> None:
    """Publishing the same snapshot again and again does not make the one before it look as if it just went."""
    publish_to(memory, clean)
    write(raw, {"a.txt": story("Aller")})
    run(raw, clean)
    publish_to(memory, clean)
    target = open_target(memory)
    content = json.loads(objects(memory)["snapshots/00000002.json"])
    content["published_at"] = "2026-01-01T00:00:00Z"
    target.fs.pipe_file(f"{target.root}/snapshots/00000002.json", json.dumps(content).encode())

    assert publish_to(memory, clean, keep=2).removed == 0
    assert publish_to(memory, clean, keep=1).removed == 1
    assert [manifest.snapshot for manifest in load_manifests(target)] == [2]


def test_parts_that_no_manifest_lists_are_left_for_a_while(clean: Path, url: str) -> None:
    """They may belong to a publication under way; those that a killed one left go in time."""
    target = open_target(url)
    publish_to(url, clean)
    stray = "parts/articles/part-000009.00000009-0123456789abcdef.parquet"
    target.create(stray, b"unfinished business")

    assert publish_to(url, clean).removed == 0
    assert publish_to(url, clean, seconds=0).removed == 1
    assert stray not in objects(url)
    assert read_articles(url).equals(read_articles(clean))


def test_an_object_that_is_gone_by_now_is_nothing_to_remove(url: str) -> None:
    """Another publication's unfinished part may be listed, and finished when it is looked at."""
    assert remote.remove_old(open_target(url), [], {"parts/articles/.unfinished": 3}, keep=3, seconds=0) == 0


def test_readers_see_one_snapshot_while_others_are_published(raw: Path, clean: Path, s3: str) -> None:
    """Each read is one commit: articles of one generation, and the ledger of just these articles."""
    wrong: list[object] = []
    reads = 0
    done = threading.Event()

    def generation(number: int) -> dict[str, str]:
        return {f"{name}.txt": story(f"{name} of generation {number:02}") for name in ("a", "b", "e", "f")}

    def read() -> None:
        nonlocal reads
        while not done.is_set():
            snapshot = remote_snapshot(s3)
            articles, ledger = snapshot.read("articles"), snapshot.read("removed_lines")
            generations = {text.rpartition("generation ")[2][:2] for text in articles["text"].to_pylist()}
            if articles.num_rows != 4 or len(generations) != 1:
                wrong.append(articles)
            if set(ledger["article_id"].to_pylist()) != set(articles["article_id"].to_pylist()):
                wrong.append(ledger)
            reads += 1

    (raw / "site.example/c.txt").unlink()
    write(raw, generation(0))
    run(raw, clean)
    publish_to(s3, clean)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 4):
        write(raw, generation(number))
        run(raw, clean)
        publish_to(s3, clean)
    done.set()
    for reader in readers:
        reader.join()

    assert wrong == []
    assert reads > 3


def test_a_server_that_ignores_the_condition_is_refused(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some that speak S3 overwrite whatever is asked: nothing may be committed there."""

    def unconditional(application: Application) -> Application:
        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            environ.pop("HTTP_IF_NONE_MATCH", None)
            return application(environ, start)

        return answer

    with served(unconditional) as endpoint:
        url = f"{new_bucket(endpoint, monkeypatch)}/clean"
        with pytest.raises(UsageError, match="cannot create an object only where there is none"):
            publish_to(url, clean)

        assert list(objects(url)) == ["store.json"]


def test_a_target_that_looks_first_and_writes_then_is_refused(tmp_path: Path) -> None:
    """Between the look and the write somebody else commits; fsspec does so wherever it knows nothing better."""
    target = Target("wrapped://", ArrowFSWrapper(pyarrow.fs.LocalFileSystem()), str(tmp_path))

    with pytest.raises(UsageError, match="cannot create an object only where there is none"):
        claim(target, "mine")


def test_an_answer_that_gets_lost_is_no_conflict(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client repeats the commit and hears that the object exists: it is our own."""
    lost = []

    def forgetful(application: Application) -> Application:
        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            if environ["REQUEST_METHOD"] == "PUT" and "/snapshots/" in environ["PATH_INFO"] and not lost:
                lost.append(list(application(environ, lambda *_: None)))
                start("500 Internal Server Error", [("Content-Length", "0")])
                return [b""]
            return application(environ, start)

        return answer

    with served(forgetful) as endpoint:
        url = f"{new_bucket(endpoint, monkeypatch)}/clean"
        done = publish_to(url, clean)

        assert len(lost) == 1
        assert done.new
        assert read_articles(url).equals(read_articles(clean))


def test_a_folder_never_shows_half_an_object(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails while it is copied is not there under its name, and leaves nothing behind."""
    url = (tmp_path / "published").as_uri()

    def fail_half_way(source: Path, to: Path) -> None:
        to.write_bytes(source.read_bytes()[:100])
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.target.shutil.copyfile", fail_half_way)
        with pytest.raises(StoreError, match="No space left"):
            publish_to(url, clean)
        assert list(objects(url)) == ["store.json"]

    assert publish_to(url, clean).uploaded == 3


def test_errors_say_what_to_do(clean: Path, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No store, nothing published, no such bucket, nobody there, no such kind of address, a package that is missing."""
    with pytest.raises(StoreError, match="pipeline run"):
        publish_to(s3, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(StoreError, match="`pipeline publish` does that"):
        read_articles(s3)
    with pytest.raises(StoreError, match="bucket does not exist"):
        publish_to("s3://no-such-bucket/clean", clean)
    nobody = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 0}}}
    with pytest.raises(StoreError, match=r"Could not connect to the endpoint URL: \"http://127\.0\.0\.1:9/"):
        read_articles(s3, storage_options=nobody)
    with pytest.raises(UsageError, match="Protocol not known: cloud"):
        read_articles("cloud://news/clean")
    with pytest.raises(UsageError, match="names no bucket"):
        publish_to("s3://", clean)
    with pytest.raises(UsageError, match="a folder's begins with file://"):
        publish_to(str(tmp_path / "published"), clean)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3")
    with pytest.raises(UsageError, match=r"pip install 'article-pipeline\[s3\]'"):
        read_articles(s3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "is of format 2, this program reads 1"),
        ({"schema_version": 999}, f"have schema 999, this program reads {SCHEMA_VERSION}"),
        ({"tables": None}, "is no manifest of a store"),
    ],
    ids=["newer format", "newer schema", "no manifest"],
)
def test_what_a_reader_does_not_know_is_loud(clean: Path, memory: str, changes: dict[str, Any], message: str) -> None:
    """A manifest of a later version, or something else under its name, is never half understood."""
    publish_to(memory, clean)
    target = open_target(memory)
    content = json.loads(objects(memory)["snapshots/00000001.json"]) | changes
    target.create("snapshots/00000002.json", json.dumps(content).encode())

    with pytest.raises(StoreError, match=message):
        read_articles(memory)


def test_the_command_says_what_it_did(clean: Path, s3: str) -> None:
    """People read one line, programs one object, and neither the second time any news."""
    first, again = (CliRunner().invoke(cli.app, ["publish", s3, "--clean", str(clean)]) for _ in range(2))
    told = json.loads(CliRunner().invoke(cli.app, ["publish", s3, "--clean", str(clean), "--json"]).stdout)

    size = sum(len(content) for key, content in objects(s3).items() if key.startswith("parts/"))
    assert first.stdout == f"{s3}: snapshot 1; 3 of 3 parts uploaded, {size:,} bytes\n"
    assert again.stdout == f"{s3}: snapshot 1, as before; 0 of 3 parts uploaded, 0 bytes\n"
    assert told == {
        "url": s3,
        "snapshot": 1,
        "new": False,
        "parts": 3,
        "uploaded": 0,
        "uploaded_bytes": 0,
        "removed": 0,
    }


def test_the_command_refuses_with_its_exit_codes(clean: Path, tmp_path: Path, memory: str) -> None:
    """4 where another store publishes, 2 where an address stands in the place of a folder or the other way round."""
    open_target(memory).create("store.json", b'{"store": "another"}')
    refused = CliRunner().invoke(cli.app, ["publish", memory, "--clean", str(clean)])
    address = CliRunner().invoke(cli.app, ["publish", memory, "--clean", "s3://bucket/news"])
    folder = CliRunner().invoke(cli.app, ["publish", str(tmp_path), "--clean", str(clean)])

    assert (refused.exit_code, address.exit_code, folder.exit_code) == (4, 2, 2)
    assert "another store publishes here" in refused.stderr
    assert "the store is a local folder" in address.stderr
    assert "file://" in folder.stderr
