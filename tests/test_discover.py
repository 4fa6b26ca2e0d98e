"""Finding raw files, naming them, and reading them safely."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.records import RawFile
from pipeline.sources.discover import discover, key_of, path_of, with_status
from pipeline.sources.opened import Fingerprint, OpenFile, ReadFailure, fingerprint, opened
from pipeline.sources.reading import Reading

# Bytes that make escapes, characters and broken characters likely; a path holds no NUL.
_PATHS = st.one_of(
    st.binary().map(lambda path: path.replace(b"\0", b"0")),
    st.lists(st.sampled_from([b"%", b"25", b"%25", b"E9", b"C3", b"A9", b"\xc3", b"\xa9", b"\xe9", b"a", b"/"])).map(
        b"".join
    ),
)


def test_takes_known_suffixes_at_any_depth_sorted_by_key(tmp_path: Path) -> None:
    """Text and HTML files count whatever the case of their suffix, however deep they lie."""
    for key in ("b.txt", "a/z.HTML", "a/b/c/d.htm", "Z.TXT"):
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"x")

    found = discover(tmp_path)

    assert [file.key for file in found.files] == ["Z.TXT", "a/b/c/d.htm", "a/z.HTML", "b.txt"]
    assert found.files[0].size == 1
    assert not found.ignored


def test_what_is_ignored_is_counted_with_its_reason(tmp_path: Path) -> None:
    """Hidden names, partial copies, the read-me, links, pipes and unknown formats are left alone and counted."""
    for name in (
        ".hidden.txt",
        "a.txt.part",
        "b.tmp",
        "c.crdownload",
        "d.filepart",
        "e.txt~",
        "README.md",
        "f.pdf",
    ):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "inside.txt").write_bytes(b"x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "f.pdf")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")

    found = discover(tmp_path)

    assert found.files == []
    assert found.ignored == {
        "hidden": 2,
        "not a regular file": 1,
        "partial copy": 5,
        "read-me": 1,
        "suffix .pdf": 1,
        "symbolic link": 2,
    }


def test_a_raw_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A missing folder is a mistake to report, never a folder whose files were all deleted."""
    with pytest.raises(UsageError, match="no such folder"):
        discover(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_names_that_are_no_text_get_a_key_and_are_read(tmp_path: Path) -> None:
    """A file name in an old encoding is found, named and read like any other."""
    name = b"caf\xe9.txt"
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"text")

    (file,) = discover(tmp_path).files

    assert file.key == "caf%E9.txt"
    assert path_of(file.key) == name
    with opened(file) as content:
        assert isinstance(content, OpenFile)
        assert content.stream.read() == b"text"


@given(_PATHS)
def test_a_key_leads_back_to_its_path(path: bytes) -> None:
    """No two paths share a key, since the path can be had from the key; and a key is always text."""
    key = key_of(path)

    assert path_of(key) == path
    key.encode()


@given(st.text(st.characters(exclude_characters="\0%", exclude_categories=["Cs"])))
def test_a_name_in_utf8_is_its_own_key(name: str) -> None:
    """Ordinary names stay readable as they are."""
    assert key_of(name.encode()) == name


def test_names_without_a_known_suffix_are_taken(tmp_path: Path) -> None:
    """Crawlers save pages under their address; what such a file is, its content says when it is read."""
    for name in ("g", "index.php", "article.2024", "page?id=3"):
        (tmp_path / name).write_bytes(b"x")

    assert [file.key for file in discover(tmp_path).files] == ["article.2024", "g", "index.php", "page?id=3"]


def test_settings_pass_files_over(tmp_path: Path) -> None:
    """A pattern of paths in the settings is counted like any other reason."""
    for name in ("a.txt", "old/b.txt", "old/c/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    found = discover(tmp_path, Reading(ignore=("old/*",)))

    assert ([file.key for file in found.files], found.ignored) == (["a.txt"], {"by the settings": 2})


def test_bytes_come_with_the_status_they_were_read_under(tmp_path: Path) -> None:
    """A file replaced between the scan and its turn is read as it is now, and says so."""
    (tmp_path / "a.txt").write_bytes(b"old")
    (file,) = discover(tmp_path).files
    (tmp_path / "a.txt").write_bytes(b"newer")

    found = fingerprint(file)

    assert found == Fingerprint(with_status(file, (tmp_path / "a.txt").stat()), hashlib.sha256(b"newer").hexdigest())
    assert found.file.size == 5


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda stream: stream.read(), id="whole"),
        pytest.param(lambda stream: stream.read(10), id="begun"),
        pytest.param(lambda _stream: None, id="not at all"),
        pytest.param(lambda stream: (stream.seek(-5, os.SEEK_END), stream.read()), id="from its end"),
        pytest.param(lambda stream: (stream.read(400_000), stream.seek(100), stream.read(1_000)), id="back and forth"),
    ],
)
def test_the_hash_is_of_all_bytes_however_they_are_read(tmp_path: Path, read: Callable[[Any], object]) -> None:
    """Readers may leave out, seek and read again: the hash is that of the file."""
    data = bytes(range(256)) * 4_000
    (tmp_path / "a.bin.txt").write_bytes(data)
    (file,) = discover(tmp_path).files

    with opened(file) as content:
        assert isinstance(content, OpenFile)
        read(content.stream)
        found = content.finish()

    assert isinstance(found, Fingerprint)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_that_grows_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    """The file status before the first byte and after the last must agree; the next run tries again."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"half of ")
    (file,) = discover(tmp_path).files

    with opened(file) as content:
        assert isinstance(content, OpenFile)
        with path.open("ab") as copier:
            copier.write(b"it")
        failure = content.finish()

    assert failure == ReadFailure("changed while it was read", changed=True)
    assert isinstance(fingerprint(file), Fingerprint)


@pytest.mark.parametrize(
    ("make", "vanished"),
    [
        pytest.param(Path.exists, True, id="gone"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), False, id="link"),
        pytest.param(os.mkfifo, False, id="pipe"),
        pytest.param(lambda path: path.mkdir(), False, id="folder"),
    ],
)
def test_what_is_no_regular_file_any_more_is_not_read(
    tmp_path: Path,
    make: Callable[[Path], object],
    vanished: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A path that became a link, a pipe or a folder since the scan fails at once instead of hanging or following."""
    path = tmp_path / "a.txt"
    make(path)

    content = fingerprint(RawFile(path, "a.txt", 1, 0, 0, 0))

    assert isinstance(content, ReadFailure)
    assert content.vanished is vanished


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files below an unreadable folder are unknown, not gone: the scan says where it could not look."""
    (tmp_path / "shut").mkdir()
    scan = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)

    assert discover(tmp_path).unreadable == ("shut",)
