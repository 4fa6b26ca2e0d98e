"""The commands that need no orchestration, as a person at a terminal meets them."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import cli
from pipeline.decide import Aim
from pipeline.errors import PipelineError, RulePackError, StoreBusy, StoreError, StoreRefused
from pipeline.run import PlanOptions, run_directly
from tests.stub_model import stub_voices

DUMP = """Quantcast
Viewing all articles
Browse latest Browse all 13986

Ferry returns with one more on board

The ferry left the quay at six, as it has every morning since the war, with eleven people on board.

Nobody expected it to come back with twelve, and least of all the captain, who counts twice.

Sign Up For Our Newsletter
"""
TEXT = """The ferry left the quay at six, as it has every morning since the war, with eleven people on board.

Nobody expected it to come back with twelve, and least of all the captain, who counts twice.
"""
FURNITURE = "Quantcast\nViewing all articles\nBrowse latest Browse all 13986\n"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    return path


def run(*args: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.app, [str(arg) for arg in args], input=stdin)


def test_explain_shows_each_line_with_its_reason(dump: Path) -> None:
    """Every line stands there with its number and verdict, and a dropped one with reason and rule."""
    result = run("explain", dump)

    assert result.exit_code == 0
    assert re.search(r"^ *1 +drop +Quantcast +channel-header quantcast 1\.00", result.stdout, re.MULTILINE)
    assert re.search(r"^ *7 +keep +The ferry left", result.stdout, re.MULTILINE)
    assert "2 lines kept, 5 dropped" in result.stdout


def test_explain_is_plain_where_stdout_is_no_terminal(dump: Path) -> None:
    """Redirected output carries no escape sequences."""
    assert "\x1b" not in run("explain", dump).stdout


def test_explain_json_is_the_whole_story(dump: Path) -> None:
    """The JSON holds every line that is not blank, and each ledger entry points at its characters."""
    told = json.loads(run("explain", dump, "--json").stdout)

    assert told["outcome"] == "article"
    assert told["title"] == "Ferry returns with one more on board"
    assert [line["line"] for line in told["lines"]] == [1, 2, 3, 5, 7, 9, 11]
    for line in told["lines"]:
        for entry in line["removed"]:
            assert DUMP[entry["start"] : entry["end"]] == entry["text"]


def test_explain_names_the_reason_of_a_rejection(tmp_path: Path) -> None:
    """A rejected document is no failure: the reason goes to stderr."""
    path = tmp_path / "index.txt"
    path.write_text(FURNITURE, encoding="utf-8")

    result = run("explain", path)

    assert result.exit_code == 0
    assert "rejected, furniture-only" in result.stderr
    assert json.loads(run("explain", path, "--json").stdout)["outcome"] == "rejected"


def test_clean_prints_the_text_and_nothing_else(dump: Path) -> None:
    """What `clean` writes to stdout is the article's text with a line end."""
    result = run("clean", dump)

    assert (result.exit_code, result.stdout, result.stderr) == (0, TEXT, "")


def test_clean_reads_stdin() -> None:
    """A dash stands for stdin, in any encoding that is found."""
    result = run("clean", "-", stdin=DUMP.replace("captain", "capitán").encode("cp1252"))

    assert result.stdout == TEXT.replace("captain", "capitán")


def test_clean_takes_markup_on_stdin_for_a_page() -> None:
    """Without a file name, what begins like a page is read as one."""
    paragraphs = "".join(f"<p>{line}</p>" for line in TEXT.splitlines() if line)
    page = f"<!DOCTYPE html><html><body><article><h1>Ferry returns</h1>{paragraphs}</article></body></html>"

    result = run("clean", "-", stdin=page.encode())

    assert "The ferry left the quay" in result.stdout
    assert "<p>" not in result.stdout


def test_clean_says_why_nothing_is_left(tmp_path: Path) -> None:
    """A rejection leaves stdout empty, explains itself on stderr and counts as done."""
    path = tmp_path / "index.txt"
    path.write_text(FURNITURE, encoding="utf-8")

    result = run("clean", path)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "rejected, furniture-only" in result.stderr


def test_a_hostile_file_name_is_printed_harmlessly(tmp_path: Path) -> None:
    """Names of files are as little to be trusted as their content."""
    path = tmp_path / "\x1b[31mempty.txt"
    path.write_bytes(b"")

    result = run("clean", path)

    assert "\x1b" not in result.stderr
    assert "rejected, empty" in result.stderr


@pytest.mark.parametrize(
    "args",
    [("explain", "missing.txt"), ("clean",), ("explain", "{dump}", "--record", "2"), ("explain", "{dump}", "--bad")],
    ids=" ".join,
)
def test_bad_usage_exits_with_2(args: tuple[str, ...], dump: Path) -> None:
    """A path or option that cannot be used is told in a message."""
    result = run(*(arg.format(dump=dump) for arg in args))

    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output


def test_the_aim_decides_about_lines_in_doubt(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model half believes stays for recall and goes for precision; `explain` shows the model's doubt."""
    doubt = "Nobody expected it to come back with twelve, and least of all the captain, who counts twice."
    monkeypatch.setattr(cli, "load_voices", lambda manner: stub_voices({doubt: 0.4}, manner))

    cleaned = {aim: run("clean", dump, "--aim", aim.value).stdout for aim in Aim}
    told = json.loads(run("explain", dump, "--aim", "precision", "--json").stdout)

    assert doubt in cleaned[Aim.RECALL]
    assert doubt not in cleaned[Aim.PRECISION]
    (entry,) = [entry for line in told["lines"] for entry in line["removed"] if entry["rule"] == "model"]
    assert (entry["text"], entry["score"]) == (doubt, 0.6)
    assert run("clean", dump, "--aim", "perfection").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RulePackError("en.toml: rule 'x': pattern: Field required"), 2),
        (StoreBusy("clean: another run is active"), 3),
        (StoreRefused("most of raw/ is gone"), 4),
        (StoreError("state.sqlite: damaged"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_made_on_purpose_is_a_message_and_an_exit_code(
    error: PipelineError, code: int, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of the package end in one line on stderr and their exit code, never in a traceback."""

    def fail(_manner: object) -> None:
        raise error

    monkeypatch.setattr(cli, "load_voices", fail)
    result = run("clean", dump)

    assert result.exit_code == code
    assert result.stderr.strip() == f"error: {error}"


@pytest.mark.parametrize("command", sorted(command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback))  # fmt: skip
def test_every_command_has_an_example(command: str) -> None:
    """The help of each command shows how to call it."""
    result = run(command, "--help")

    assert result.exit_code == 0
    assert f"Example: pipeline {command}" in " ".join(ESCAPES.sub("", result.stdout).split())


@pytest.fixture
def store(tmp_path: Path, dump: Path) -> Path:
    raw = tmp_path / "raw"
    raw.mkdir()
    dump.rename(raw / "dump.txt")
    (raw / "index.txt").write_text(FURNITURE, encoding="utf-8")
    clean = tmp_path / "clean"
    run_directly(raw, clean, workers=1, options=PlanOptions(settle=0.0))
    return clean


def test_status_tells_what_the_store_holds(store: Path) -> None:
    """Articles, rejections and raw files are counted, for people and for programs."""
    told = run("status", "--clean", store).stdout
    counts = json.loads(run("status", "--clean", store, "--json").stdout)

    assert "1 articles from 1 documents, 1 rejected" in told
    assert (counts["articles"], counts["rejected"], counts["raw_files"]) == (1, 1, 2)


def test_status_tells_what_the_next_run_would_do(store: Path) -> None:
    """New raw files are counted, nothing is written, and the snapshots there are have a number and a size."""
    new = store.parent / "raw" / "new.txt"
    new.write_text(DUMP.replace("twelve", "thirteen"), encoding="utf-8")
    os.utime(new, (1, 1))  # it looks complete

    told = run("status", "--clean", store).stdout
    found = json.loads(run("status", "--clean", store, "--json").stdout)

    assert "raw files: 3 seen, 1 new, 0 changed" in told
    assert re.search(r"snapshots that can be read:\n  1, \d{4}-\d\d-\d\d \d\d:\d\d UTC, [\d,]+ bytes\n", told)
    assert (found["next_run"]["files"]["new"], found["next_run"]["to_clean"]) == (1, 1)
    assert [kept["number"] for kept in found["snapshots"]] == [1]
    assert found["store_bytes"] > found["parquet_bytes"] > 0


def test_status_without_the_raw_folder_says_so(store: Path) -> None:
    """What is in the store can be told all the same."""
    (store.parent / "raw").rename(store.parent / "elsewhere")

    assert "is gone; name the raw folder with --raw" in run("status", "--clean", store).stdout
    assert json.loads(run("status", "--clean", store, "--json").stdout)["next_run"] is None
    assert "1 new" not in run("status", "--clean", store, "--raw", store.parent / "elsewhere").stdout


def test_verify_finds_nothing_in_a_sound_store(store: Path) -> None:
    """A store that a run has just written keeps every promise."""
    result = run("verify", "--clean", store)

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(run("verify", "--clean", store, "--json").stdout) == {"findings": []}


def test_verify_exits_with_1_on_a_finding(store: Path) -> None:
    """A file that readers would see and no commit knows is found, named, and comes with a remedy."""
    (store / "articles" / "part-999999.parquet").write_bytes(b"stray")

    result = run("verify", "--clean", store)
    findings = json.loads(run("verify", "--clean", store, "--json").stdout)["findings"]

    assert result.exit_code == 1
    assert "part-999999.parquet" in result.stdout
    assert findings
    assert all(set(finding) == {"where", "what", "remedy"} for finding in findings)


def test_history_lists_the_last_runs(store: Path) -> None:
    """The latest first, with what came of each; programs get the whole reports."""
    (store.parent / "raw" / "index.txt").unlink()
    run_directly(store.parent / "raw", store, workers=1, options=PlanOptions(settle=0.0))

    told = run("history", "--clean", store).stdout.splitlines()
    runs = json.loads(run("history", "--clean", store, "--json").stdout)["runs"]
    one = json.loads(run("history", "--clean", store, "--json", "--limit", "1").stdout)["runs"]

    assert [line.split()[0] for line in told] == ["run", *(found["run_id"] for found in runs)]
    assert told[1].split()[2:] == ["0", "0", "1", "0", "0", "0", "0", "0"]
    assert [(found["articles"], found["rejected"], found["files"]["removed"]) for found in runs] == [
        (0, 0, 1),
        (1, 1, 0),
    ]
    assert one == runs[:1]


def test_report_is_a_page_of_any_run_that_is_kept(store: Path) -> None:
    """Markdown where it is piped, drawn on a terminal; a run that is not there is bad usage."""
    ((run_id),) = (found["run_id"] for found in json.loads(run("history", "--clean", store, "--json").stdout)["runs"])

    page = run("report", "--clean", store).stdout

    assert page.startswith(f"# Run {run_id}\n")
    assert "| index.txt#1 | furniture-only |" in page
    assert run("report", "--clean", store, "--run", run_id).stdout == page
    assert "furniture-only" in ESCAPES.sub("", on_a_terminal("report", "--clean", store))
    assert run("report", "--clean", store, "--run", "never").exit_code == 2


@pytest.mark.parametrize("command", ["status", "verify", "history", "report"])
def test_without_a_store_there_is_a_message(command: str, tmp_path: Path) -> None:
    """Asking for a store that was never made is no crash."""
    result = run(command, "--clean", tmp_path / "nothing")

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def on_a_terminal(*args: str | Path, **environment: str) -> str:
    """Run the real command with stdout on a pseudo-terminal, and return what the terminal received."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "pipeline.cli", *map(str, args)]
    process = subprocess.Popen(command, stdout=theirs, env={**clean, "TERM": "xterm-256color", **environment})
    os.close(theirs)
    received = b""
    try:
        while chunk := os.read(ours, 65_536):
            received += chunk
    except OSError:  # Linux reports the closed other end so
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return received.decode()


def test_a_terminal_gets_colours_and_no_foreign_escapes(tmp_path: Path) -> None:
    """On a terminal dropped lines are struck out, and sequences within the text arrive as visible escapes."""
    path = tmp_path / "hostile.txt"
    path.write_text(DUMP.replace("captain", "\x1b]0;owned\x07captain\x9b31m"), encoding="utf-8")

    drawn = on_a_terminal("explain", path)

    assert "\x1b[2;9mQuantcast" in drawn
    assert set(ESCAPES.sub("", drawn)).isdisjoint({"\x1b", "\x07", "\x9b"})
    assert "\x1b" not in on_a_terminal("clean", path)


def test_no_color_is_honoured(dump: Path) -> None:
    """With NO_COLOR set a terminal receives no colour."""
    assert "\x1b[31m" in on_a_terminal("explain", dump)
    assert "\x1b[31m" not in on_a_terminal("explain", dump, NO_COLOR="1")
