"""A run as one file of HTML: the same as in Markdown, whole by itself, and obeying nothing that strangers wrote."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from pipeline.markdown import render_markdown
from pipeline.store import history
from pipeline.web import render_html
from tests.browser import look_at
from tests.store_cases import run, story, write

TITLE = "<title>obeyed</title><svg onload=document.title='obeyed'>"
HOSTILE = [
    "<img src=x onerror=document.title='obeyed'>.txt",
    "<svg onload=document.title='obeyed'>.txt",
    "![x](http:x.example) [y](javascript:document.title='obeyed').txt",
    "\x1b[2J\u202egnp.txt",
    "&lt;b&gt; | a | b `c` *d*.txt",
]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A store of which the last run met a hostile title, and names of files that are rejected."""
    write(tmp_path / "raw", {"fine.txt": f"{TITLE}\n\n{story('Ems')}", **dict.fromkeys(HOSTILE, "")})
    run(tmp_path / "raw", tmp_path / "clean")
    return tmp_path / "clean"


def words_of_markdown(page: str) -> list[str]:
    """The words that a reader of the Markdown sees: without marks of tables, heads and lists, and without backslashes."""
    bare = re.sub(r"^(#+|-) |^\|[ -]*---.*$", "", page, flags=re.MULTILINE)
    return re.sub(r"\\(?=[!-/:-@[-`{-~])|(?<!\\)\|", "", bare).split()


def test_the_page_says_what_the_markdown_says(clean: Path) -> None:
    """Word for word, with the hostile ones."""
    (report,) = history(clean)
    body = BeautifulSoup(render_html(report, clean), "html.parser").body

    assert body is not None
    assert body.get_text(" ").split() == words_of_markdown(render_markdown(report, clean))


def test_the_page_needs_nothing_else_and_has_no_tags_of_strangers(clean: Path) -> None:
    """Tables, lists and paragraphs are all there is: nothing that loads, runs or leads elsewhere."""
    (report,) = history(clean)
    page = BeautifulSoup(render_html(report, clean), "html.parser")

    assert {tag.name for tag in page.body.find_all()} == {
        *("h1", "h2", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td")
    }
    assert {name for tag in page.find_all() for name in tag.attrs} == {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
    }
    assert not set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", str(page)))


def test_a_browser_shows_hostile_names_and_obeys_none(clean: Path, tmp_path: Path) -> None:
    """In a real browser, beside a page that shows that it would obey, and ask, if it were let."""
    obeyed = tmp_path / "obeyed.html"
    obeyed.write_text(f"<title>run</title><img src=http://x.example/>{HOSTILE[0]}", encoding="utf-8")
    page = tmp_path / "run.html"
    (report,) = history(clean)
    page.write_text(render_html(report, clean), encoding="utf-8")

    seen, control = (look_at(each.as_uri(), tmp_path / f"{each.stem}-seen") for each in (page, obeyed))

    assert "<title>obeyed</title>" in control.dom
    assert "x.example" in control.asked
    assert f"<title>Run {report.run_id}</title>" in seen.dom
    assert not seen.asked
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[2], r"\x1b[2J\u202egnp.txt", HOSTILE[4]):
        assert f"{name}#1 empty" in seen.text
    assert seen.picture.stat().st_size > 10_000


def test_it_is_opened_in_the_browser_of_the_user(clean: Path, tmp_path: Path) -> None:
    """`--open` hands a file to the browser that the system names; without one, it says where the file is."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="ascii")
    browser.chmod(0o755)
    command = [Path(sys.executable).with_name("pipeline"), "report", "--clean", clean]
    graphical = {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"}
    place = {name: value for name, value in os.environ.items() if name not in graphical}
    place |= {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": str(tmp_path)}

    printed = subprocess.run([*command, "--html"], capture_output=True, text=True, check=True).stdout
    opened = subprocess.run(
        [*command, "--open"], env=place | {"BROWSER": str(browser)}, capture_output=True, text=True, check=True
    )
    none = subprocess.run([*command, "--open"], env=place, capture_output=True, text=True, check=False)

    path = Path(opened.stdout.strip())
    assert path.as_uri() == (tmp_path / "opened").read_text(encoding="ascii").strip()
    assert path.read_text(encoding="utf-8") == printed
    assert path.stat().st_mode & 0o777 == 0o600
    assert none.returncode == 1
    assert f"no browser could be started; the page is {none.stdout.strip()}" in none.stderr
