"""A run as a page of Markdown: it says what there is to say, and obeys nothing that strangers wrote."""

from pathlib import Path

from markdown_it import MarkdownIt

from pipeline.markdown import LONGEST_CELL, REJECTIONS_SHOWN, plain, rejections_of, render_markdown
from tests.store_cases import run, story, write

HOSTILE = [
    "![](http://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "a | b | c",
    "`code` and *stars* and __lines__ ~~gone~~",
    "https://evil.example www.evil.example someone@evil.example",
    "| --- |\n# head\n- item\n\n> quote",
    "\\`*\\|&lt;b&gt;",
    "\x1b[31mred\x1b[0m \u202edrow",
]


def tokens(page: str) -> list[str]:
    """The kinds of all parts that a reader of GitHub's dialect sees."""
    parsed = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(page)
    return [part.type for token in parsed for part in (token, *(token.children or ()))]


def shown(text: str) -> str:
    """What is to be read in a table's only cell."""
    (cell,) = [
        token
        for token in MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(f"| {plain(text)} |\n| --- |\n")
        if token.type == "inline"
    ]
    assert {part.type for part in cell.children or ()} <= {"text", "text_special"}
    return "".join(part.content for part in cell.children or ())


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    """No link, picture, tag, emphasis or further cell comes of it, and a person reads what stood there."""
    for text in HOSTILE[:-1]:
        assert shown(text) == " ".join(text.split())
    assert shown(HOSTILE[-1]) == r"\x1b[31mred\x1b[0m \u202edrow"
    assert len(plain("x" * 1_000)) == LONGEST_CELL


def test_names_of_files_cannot_change_the_page(tmp_path: Path) -> None:
    """A file called like markup is a cell of the tables like any other."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    names = ["![x](y).txt", "<b>|.txt", "`a` # [c].txt"]
    write(raw, {"fine.txt": story("Ems"), **{f"{name}": "" for name in names}})
    write(tmp_path / "raw2", {"fine.txt": story("Ems"), **{f"{number}.txt": "" for number in range(3)}})

    hostile = render_markdown(run(raw, clean), clean)
    harmless = render_markdown(run(tmp_path / "raw2", tmp_path / "clean2"), tmp_path / "clean2")

    def structure(page: str) -> list[str]:
        return [kind for kind in tokens(page) if kind not in {"text", "text_special"}]

    assert structure(hostile) == structure(harmless)


def test_only_rejections_of_the_run_are_shown_and_not_too_many(tmp_path: Path) -> None:
    """The page is of one run; what was rejected before stands in the table `rejected`."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write(raw, {f"old-{number:03d}.txt": "" for number in range(REJECTIONS_SHOWN + 7)})
    first = run(raw, clean)
    write(raw, {"new.txt": ""})
    second = run(raw, clean)
    third = run(raw, clean)

    assert [row.source for row in rejections_of(first, clean)][:2] == ["old-000.txt#1", "old-001.txt#1"]
    assert len(rejections_of(first, clean)) == REJECTIONS_SHOWN
    assert "7 more are in the table `rejected`" in render_markdown(first, clean)
    assert [row.source for row in rejections_of(second, clean)] == ["new.txt#1"]
    assert rejections_of(third, clean) == []


def test_a_run_stands_beside_the_last_one_that_had_records(tmp_path: Path) -> None:
    """Runs without work in between say nothing of what changed."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    write(raw, {f"{name}.txt": story(name) for name in ("Ems", "Weser", "Elbe")})
    first = run(raw, clean)
    run(raw, clean)
    write(raw, {"Oker.txt": story("Oker")})

    page = render_markdown(run(raw, clean), clean)

    assert "| outcome | this run | the run before |" in page
    assert "| article | 1 | 3 |" in page
    assert f"The run before is {first.run_id}" in page
