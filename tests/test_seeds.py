"""Five real dumps, labelled line by line: no line of the article is lost, no labelled furniture stays."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from pipeline import read_articles
from pipeline.clean import Cleaned, clean_batch
from pipeline.run import run_directly
from pipeline.store import verify
from tests.shared_data import require_shared


@dataclass(frozen=True)
class Labelled:
    """A line and what a person wants done with it: "title", "keep", "drop", "either", or "" for a blank line."""

    text: str
    label: str


Dump = tuple[Labelled, ...]


@pytest.fixture(scope="module")
def seeds() -> dict[str, tuple[Dump, str]]:
    """Each seed's labelled lines, and its title."""
    shared = require_shared()
    gold = json.loads((shared / "gold" / "seeds.json").read_text(encoding="utf-8"))
    return {name: (_labelled(shared / "seeds" / name, labels), labels["title"]) for name, labels in gold.items()}


def _labelled(path: Path, labels: dict[str, Any]) -> Dump:
    lines = path.read_text(encoding="utf-8").split("\n")
    by_number = {}
    for key, label in (("title_lines", "title"), ("keep", "keep"), ("drop", "drop"), ("either", "either")):
        by_number |= dict.fromkeys(labels[key], label)
    return tuple(Labelled(text, by_number.get(number, "")) for number, text in enumerate(lines, start=1))


def clean(dumps: Sequence[Dump]) -> list[Cleaned]:
    return clean_batch(["\n".join(line.text for line in dump) for dump in dumps])


def mistakes(dump: Dump, cleaned: Cleaned, title: str) -> list[str]:
    """What is wrong with a cleaned dump, compared line by line."""
    kept = [line for line, verdict in zip(dump, cleaned.verdicts, strict=True) if verdict.keep]
    found = [f"left: {line.text!r}" for line in kept if line.label in ("drop", "title")]
    wanted = [line for line in dump if line.label == "keep"]
    found += [f"lost: {line.text!r}" for line in wanted if line not in kept]
    text = cleaned.text
    for line in wanted:
        _, verbatim, text = text.partition(line.text)
        found += [] if verbatim else [f"not verbatim or out of order: {line.text!r}"]
    lines = cleaned.text.split("\n")
    found += [f"in the text: {line.text!r}" for line in dump if line.label in ("drop", "title") and line.text in lines]
    found += [] if cleaned.title == title else [f"title: {cleaned.title!r}"]
    found += [] if cleaned.published is None else [f"date: {cleaned.published}"]
    return found


def all_mistakes(cases: dict[str, tuple[Dump, str]]) -> dict[str, list[str]]:
    cleaned = clean([dump for dump, _ in cases.values()])
    found = {
        name: mistakes(dump, result, title)
        for (name, (dump, title)), result in zip(cases.items(), cleaned, strict=True)
    }
    return {name: each for name, each in found.items() if each}


def without_blank_lines(dump: Dump) -> Dump:
    return tuple(line for line in dump if line.label)


def test_seeds_are_cleaned_without_a_mistake(seeds: dict[str, tuple[Dump, str]]) -> None:
    """Every line of the five articles is kept, verbatim and in order, and nothing else."""
    assert all_mistakes(seeds) == {}


def test_blank_lines_do_not_matter(seeds: dict[str, tuple[Dump, str]]) -> None:
    """The same dumps squeezed to one line after another lose nothing either."""
    assert all_mistakes({name: (without_blank_lines(dump), title) for name, (dump, title) in seeds.items()}) == {}


SITES = {"Alibaba": "Nordbank", "MarketScale": "QuaysideDaily", "marketscale": "quaysidedaily", "Bloomberg": "Harbourwire",
         "Quantcast": "Quantcast", "linkedin": "facebook", "Reuters": "Pressnet"}  # fmt: skip
TAGS = ("Deep Sea", "Ferries", "harbour", "Winter Games 2031", "City Council", "Quayside", "Sea Power")
MONTHS = ("January", "March", "June", "September", "December")


def renamed(dump: Dump, seed: int) -> Dump:
    """Other numbers, dates, names of sites and channels, and tags, in furniture lines."""
    chance = random.Random(seed)
    return tuple(
        replace(line, text=_renamed(line.text, chance)) if line.label in ("drop", "either") else line for line in dump
    )


def _renamed(text: str, chance: random.Random) -> str:
    if re.search(r"[a-z][A-Z].*[a-z][A-Z]", text) and "." not in text:  # tags without the space between them
        return "".join(chance.sample(TAGS, 5))
    if text.startswith("2020 "):  # a line of tags
        return " ".join(chance.sample(TAGS, 3))
    text = re.sub(r"^Channel: .*", f"Channel: {chance.choice(['Sports Desk', 'World', 'Money & Markets'])}", text)
    for old, new in SITES.items():
        text = text.replace(old, new)
    text = re.sub("|".join(("November", *MONTHS)), lambda _: chance.choice(MONTHS), text)
    return re.sub(r"\d+", lambda match: _other_number(match[0], chance), text)


def _other_number(number: str, chance: random.Random) -> str:
    if number == "0":
        return str(chance.randrange(1000))
    if len(number) == 4 and number.startswith("20"):
        return str(chance.randrange(2001, 2026))
    if len(number) <= 2:
        return str(chance.randrange(1, 28))
    return str(chance.randrange(10 ** (len(number) - 1), 10 ** len(number)))


@pytest.mark.parametrize("seed", range(20))
def test_names_and_numbers_do_not_matter(seeds: dict[str, tuple[Dump, str]], seed: int) -> None:
    """Furniture of another site, with other tags, dates and counts, is removed as well."""
    changed = {name: (renamed(dump, seed), title) for name, (dump, title) in seeds.items()}
    squeezed = {f"{name} squeezed": (without_blank_lines(dump), title) for name, (dump, title) in changed.items()}

    assert all_mistakes(changed | squeezed) == {}


def parts(dump: Dump) -> tuple[Dump, Dump, Dump, Dump]:
    """A dump's furniture above the title, its title, the article from its first to its last line, and its tail."""
    article = [index for index, line in enumerate(dump) if line.label == "keep"]
    first, last = article[0], article[-1]
    title = next(index for index, line in enumerate(dump) if line.label == "title")
    above = tuple(line for line in dump[:title] if line.label != "title")
    below = tuple(line for line in dump[title + 1 : first] if line.label != "title")
    return (*above, *_marked(below)), (dump[title],), dump[first : last + 1], dump[last + 1 :]


def _marked(lines: Dump) -> Iterator[Labelled]:
    """Furniture that stood between title and article; captions that may stay are left where they belong."""
    return (line for line in lines if line.label != "either")


def swapped(head: Dump, body: Dump, tail: Dump) -> Dump:
    """A body with another dump's head and tail: the furniture above the title, the counters below it."""
    furniture = parts(head)[0]
    _, title, article, _ = parts(body)
    counters = tuple(line for line in furniture if re.fullmatch(r"\W?|\d+", line.text.strip()))
    above = tuple(line for line in furniture if line not in counters)
    blank = Labelled("", "")
    return (*above, blank, *title, blank, *counters, blank, *article, blank, *parts(tail)[3])


def test_heads_and_tails_of_other_dumps_are_removed(seeds: dict[str, tuple[Dump, str]]) -> None:
    """Any article with any other dump's head and tail is cleaned as well, with and without blank lines."""
    cases = {}
    for head, body, tail in permutations(seeds, 3):
        dump = swapped(seeds[head][0], seeds[body][0], seeds[tail][0])
        cases[f"{head} + {body} + {tail}"] = (dump, seeds[body][1])
        cases[f"{head} + {body} + {tail} squeezed"] = (without_blank_lines(dump), seeds[body][1])

    assert len(cases) == 120
    assert all_mistakes(cases) == {}


def test_a_run_over_the_seeds_publishes_five_articles(seeds: dict[str, tuple[Dump, str]], tmp_path: Path) -> None:
    """What the Parquet holds after a run is what a person labelled, line by line, and the store keeps its promises."""
    raw = require_shared() / "seeds"
    report = run_directly(raw, tmp_path / "clean", workers=1)
    rows = {row["source"]: row for row in read_articles(tmp_path / "clean").to_pylist()}

    assert report.exit_code == 0
    assert sorted(rows) == sorted(f"{name}#1" for name in seeds)
    for name, (dump, title) in seeds.items():
        row = rows[f"{name}#1"]
        kept = {index + 1 for index, line in enumerate(dump) if line.label == "keep"}
        free = {index + 1 for index, line in enumerate(dump) if line.label == "either"}
        assert row["title"] == title
        assert row["published"] is None
        assert set(row["kept_lines"]) - free == kept
        assert row["text"].replace("\n\n", "\n").split("\n") == [dump[line - 1].text for line in row["kept_lines"]]
    assert verify(tmp_path / "clean", raw) == []
