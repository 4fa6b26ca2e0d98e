"""Settings from a file, and what `pipeline doctor` says of their effect."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import cli
from pipeline.config import load_config
from pipeline.doctor import examine
from pipeline.errors import UsageError
from pipeline.limits import WorkLimits
from pipeline.sources.reading import FileReading, Reading
from tests.sources.made import json_lines, packed, rss, warc, zipped
from tests.store_cases import by_source, run, story, write

EXAMPLE = Path(__file__).parent.parent / "pipeline.example.toml"


def keys_of(values: Mapping[str, object], above: str = "") -> set[str]:
    """All keys of nested tables."""
    below = [keys_of(value, f"{above}{key}.") for key, value in values.items() if isinstance(value, Mapping)]
    return {f"{above}{key}" for key in values}.union(*below)


def test_the_example_shows_the_defaults() -> None:
    """Read as it is, it changes nothing; and it names every key, those without a default in a comment."""
    text = EXAMPLE.read_text(encoding="utf-8")

    assert load_config(EXAMPLE).read == Reading()
    assert load_config(EXAMPLE).read.digest is None
    assert load_config(EXAMPLE).limits == WorkLimits()
    assert keys_of(tomllib.loads(text)["limits"]) == keys_of(WorkLimits().model_dump())
    shown = keys_of(tomllib.loads(text)["read"])
    missing = keys_of(Reading().model_dump()) - shown
    assert {name for name in missing if f"\n# {name} = " not in text} == {"files"}
    assert "# [[read.files]]" in text


def test_settings_are_looked_for_in_two_places(tmp_path: Path) -> None:
    """`pipeline.toml` comes before `[tool.pipeline]`; where neither is, the defaults hold."""
    assert load_config(folder=tmp_path).read == Reading()
    (tmp_path / "pyproject.toml").write_text("[tool.pipeline.read]\nkeep_extra = true\n")
    assert load_config(folder=tmp_path).read.keep_extra
    assert load_config(tmp_path / "pyproject.toml").read.keep_extra
    (tmp_path / "pipeline.toml").write_text('[read]\nprefer = "html"\n')
    assert (load_config(folder=tmp_path).read.prefer, load_config(folder=tmp_path).read.keep_extra) == ("html", False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[read]\nprefers = 'html'", "pipeline.toml: read.prefers: no such key"),
        ("[read]\nprefer = 'pdf'", "pipeline.toml: read.prefer: input should be 'text' or 'html'"),
        ("[read]\nseparator = '(a'", "pipeline.toml: read.separator: neither one of form-feed, ---"),
        ("[read.limits]\nrecord_bytes = '12 apples'", "pipeline.toml: read.limits.record_bytes: "),
        ("[read.limits]\nrecords = 0", "pipeline.toml: read.limits.records: input should be greater than or equal to 1"),
        ("[[read.files]]\nmatch = 'a'\n[[read.files]]\nmatch = 'b'\ncolumns = {txt = 'a'}", "read.files[2].columns.txt: no such key"),
        ("[limits]\nseconds = 0", "pipeline.toml: limits.seconds: input should be greater than 0"),
        ("[limits]\nmemory = '1MiB'", "pipeline.toml: limits.memory: input should be greater than or equal to "),
        ("[[read.files]]\nseparator = '---'", "pipeline.toml: read.files[1].match: field required"),
        ("[read", "pipeline.toml: no TOML: "),
        ("read = 3", "pipeline.toml: read: input should be a valid dictionary"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    """And what may stand there."""
    path = tmp_path / "pipeline.toml"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        load_config(path)

    assert message in str(caught.value)


def test_a_settings_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """Only the usual ones may be missing."""
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path / "other.toml")


def test_rules_for_some_files_win_key_by_key() -> None:
    """The later over the earlier, and over what holds for all."""
    reading = Reading.model_validate(
        {
            "separator": "---",
            "files": [
                {"match": "forum/*", "columns": {"text": "post"}, "keep_extra": True},
                {"match": "forum/old/*.csv", "keep_extra": False, "site": "old.example.org"},
            ],
        }
    )

    assert reading.of("a.txt") == FileReading(separator="---")
    assert (reading.of("forum/a.csv").columns.text, reading.of("forum/a.csv").keep_extra) == (("post",), True)
    old = reading.of("forum/old/2024/a.csv")
    assert (old.columns.text, old.keep_extra, old.site, old.separator) == (("post",), False, "old.example.org", "---")
    assert reading.alone(Path("somewhere/raw/forum/a.csv")).of("anything") == reading.of("forum/a.csv")


def test_settings_change_rows_and_so_clean_again(tmp_path: Path) -> None:
    """A run with other settings makes new rows of unchanged files; each row says which settings made it."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write(raw, {"two.txt": story("Ems") + "=====\n" + story("Weser")})
    assert run(raw, clean).articles == 1

    reading = Reading(separator="=+")
    report = run(raw, clean, reading=reading)

    assert (report.files.recleaned, report.articles, sorted(by_source(clean))) == (1, 2, ["two.txt#1", "two.txt#2"])
    assert {row["reading_digest"] for row in by_source(clean).values()} == {reading.digest}
    assert run(raw, clean, reading=reading).files.recleaned == 0
    assert run(raw, clean).articles == 1


def test_a_file_moved_to_other_settings_is_cleaned_again(tmp_path: Path) -> None:
    """Its bytes are the same, its rows are not."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    reading = Reading.model_validate({"files": [{"match": "many/*", "separator": "=+"}]})
    write(raw, {"two.txt": story("Ems") + "=====\n" + story("Weser")})
    run(raw, clean, reading=reading)
    (raw / "many").mkdir()
    (raw / "two.txt").rename(raw / "many" / "two.txt")

    report = run(raw, clean, reading=reading)

    assert (report.files.renamed, report.files.new, sorted(by_source(clean))) == (
        0,
        1,
        ["many/two.txt#1", "many/two.txt#2"],
    )


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write(folder, {"news.example.org/a.txt": story("Ems"), "void.txt": "", "b.png": "x"})
    rows = [{"body": story(str(number)), "headline": str(number), "views": 3} for number in range(30)]
    (folder / "c.jsonl.zst").write_bytes(packed(json_lines(rows), "zst"))
    (folder / "d.zip").write_bytes(zipped({"x.html": b"<html><p>x</p></html>", "y.txt": b"y"}))
    (folder / "e.warc.gz").write_bytes(packed(b"".join(warc({"https://example.org/": b"<html>x</html>"})), "gz")[:-9])
    (folder / "f.csv").write_bytes(b"a,b\n1,2\n")
    (folder / "g").write_bytes(rss([("https://example.org/", "x", "<p>y</p>")]))
    return folder


def test_doctor_says_what_is_read_as_what(raw: Path) -> None:
    """Format, compression, records, columns, and the reason where something stands in the way."""
    found = {diagnosis.key: diagnosis for diagnosis in examine(raw, Reading(), peek=10).files}

    lines = found["c.jsonl.zst"]
    assert (lines.format, lines.layers, lines.records, lines.whole) == ("jsonl", ("zstd",), 10, False)
    assert (lines.columns, lines.metadata) == ({"text": "body", "title": "headline"}, ("title",))
    assert (found["d.zip"].format, found["d.zip"].records, found["d.zip"].whole) == ("zip (html, text)", 2, True)
    assert found["e.warc.gz"].skipped == {"WARC metadata": 1, "WARC request": 1, "WARC warcinfo": 1}
    assert found["e.warc.gz"].rejected == {"truncated": 1}
    assert found["f.csv"].problem == "no-text-column: no column for text or HTML among 'a', 'b'"
    assert (found["g"].format, found["g"].metadata) == (
        "feed",
        ("title", "authors", "published", "url", "site", "language"),
    )
    assert found["news.example.org/a.txt"].metadata == ("site",)


def test_doctor_prints_a_line_a_file_and_json(raw: Path, tmp_path: Path) -> None:
    """With the settings of the file that is named."""
    settings = tmp_path / "pipeline.toml"
    settings.write_text('[read.columns]\ntext = "a"\n[read]\nkeep_extra = true\nignore = "d.*"\n')

    plain = CliRunner().invoke(cli.app, ["doctor", str(raw), "--config", str(settings)])
    machine = CliRunner().invoke(cli.app, ["doctor", str(raw), "--config", str(settings), "--json"])

    assert plain.exit_code == machine.exit_code == 0
    assert "f.csv: csv; 1 text/plain; text = 'a'; known: extra" in plain.stdout
    assert "6 files; ignored: 1 by the settings, 1 suffix .png" in plain.stdout
    assert [file["key"] for file in json.loads(machine.stdout)["files"]] == [
        "c.jsonl.zst", "e.warc.gz", "f.csv", "g", "news.example.org/a.txt", "void.txt",
    ]  # fmt: skip
