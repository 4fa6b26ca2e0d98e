"""
Rules are data: TOML packs of line patterns, each with its reason, its `why`, its hits and its misses.

A pattern is matched by the regex engine inside Polars (Rust `regex`: linear time, no lookaround, no
back-references), so no rule, however careless, can hang a run. Case is ignored unless a pattern starts with `(?-i)`.

How a rule is applied, `match`:

- `line` (default): the pattern must match the whole line, in its bare form (`measure.py`: white space collapsed,
  typographic quotes made plain, bullets, arrows, brackets and ellipses stripped from both ends).
- `end`, `start`: the pattern matches a prompt glued to the end or start of a line of prose; only that span is cut.
  An `end` prompt must follow the end of a sentence, a `start` prompt must be followed by a capital, digit or quote.

Where a whole-line rule holds, `zone`:

- `any` (default): wherever the line stands; for strings that are furniture even between two paragraphs.
- `edge`: before the first and after the last paragraph of prose, or within a run of furniture lines; for strings
  that may also be a subhead or a short answer ("News", "Share", "10 November 2025").
- `tail`: after the last paragraph only.

What a line sets off, `opens`:

- `teasers`: a heading over teasers of other articles ("Latest", "Related articles").
- `tail`: nothing of the article follows it but short lines of furniture ("Please log in to comment").
- `comments`: the readers' comments follow.

`most_words` (default 20) is the most words a line may have for a whole-line rule to match, so that patterns need no
bounds of their own: write `.*`, not `.{0,80}`.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import RulePackError
from pipeline.records import Reason

CUT_MARKS = ("[[", "]]")


class Rule(BaseModel):
    """One row of a rule pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    reason: Reason
    why: Annotated[str, Field(min_length=10)]
    pattern: Annotated[str, Field(min_length=1)]
    match: Literal["line", "start", "end"] = "line"
    zone: Literal["any", "edge", "tail"] = "any"
    opens: Literal["teasers", "tail", "comments"] | None = None
    most_words: Annotated[int, Field(ge=1)] = 20
    hits: Annotated[tuple[str, ...], Field(min_length=1)]
    misses: Annotated[tuple[str, ...], Field(min_length=1)]
    site: str | None = None  # host, for packs below rulepacks/sites/; None holds everywhere

    @model_validator(mode="after")
    def _cuts_are_plain(self) -> "Rule":
        if self.match != "line" and (self.zone != "any" or self.opens):
            raise ValueError("zone and opens are for whole-line rules (match = 'line')")
        if self.match != "line" and not all(all(mark in hit for mark in CUT_MARKS) for hit in self.hits):
            raise ValueError("each hit of a cutting rule marks what is cut: 'A sentence.[[ Read more]]'")
        return self

    @property
    def regex(self) -> str:
        """The pattern as compiled for a whole line."""
        return f"^(?i:{self.pattern})$"


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """
    All rules of a run, in the order in which they are tried, and the digest that names them.

    Compared by identity, so that what is made of them once can be found again at once.
    """

    rules: tuple[Rule, ...]
    digest: str

    def whole_line(self) -> tuple[Rule, ...]:
        """Rules that judge a line as a whole; those that hold anywhere come first."""
        lines = [rule for rule in self.rules if rule.match == "line"]
        return tuple(sorted(lines, key=lambda rule: rule.zone != "any"))

    def cutting(self, side: Literal["start", "end"]) -> tuple[Rule, ...]:
        """Rules that cut a span at one side of a line."""
        return tuple(rule for rule in self.rules if rule.match == side)

    def reasons(self) -> dict[str, Reason]:
        """Each rule's reason by its id."""
        return {rule.id: rule.reason for rule in self.rules}


def read_pack(name: str, text: str, site: str | None = None) -> tuple[Rule, ...]:
    r"""
    The rules of one pack.

    `name` is the file's name for messages. Raises `RulePackError` that names the file, the rule and the field.

        >>> read_pack("mine.toml", "[[rule]]\nid = 'x'\n")
        Traceback (most recent call last):
        ...
        pipeline.errors.RulePackError: mine.toml: rule 'x': reason: Field required
    """
    rules = parse_pack(name, text, site)
    check_patterns(rules, name)
    return rules


def parse_pack(name: str, text: str, site: str | None = None) -> tuple[Rule, ...]:
    """What `read_pack` reads, with patterns that nobody has checked: that takes ten times as long as the rest."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulePackError(f"{name}: not TOML: {error}") from error
    unknown = sorted(set(data) - {"rule"})
    if unknown:
        raise RulePackError(f"{name}: unknown table {unknown[0]!r}; a pack holds [[rule]] tables only")
    return tuple(_read_rule(name, number, row, site) for number, row in enumerate(data.get("rule", []), start=1))


def _read_rule(name: str, number: int, row: object, site: str | None) -> Rule:
    label = repr(row["id"]) if isinstance(row, Mapping) and "id" in row else f"number {number}"
    try:
        return Rule.model_validate({**row, "site": site} if site and isinstance(row, Mapping) else row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise RulePackError(f"{name}: rule {label}: {field + ': ' if field else ''}{message}") from error


def check_patterns(rules: Iterable[Rule], name: str) -> None:
    """Raise `RulePackError` that names the first rule whose pattern the engine does not take; a millisecond a rule."""
    for rule in rules:
        try:
            pl.Series([""]).str.contains(rule.regex)
        except pl.exceptions.ComputeError as error:
            reason = " ".join(str(error).split())
            raise RulePackError(
                f"{name}: rule {rule.id!r}: pattern cannot be used: {reason} "
                "(patterns run in linear time: no lookaround, no back-references)"
            ) from error


def _packs(folder: Traversable) -> Iterable[tuple[str, str, str | None]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            yield entry.name, entry.read_text(encoding="utf-8"), None
    sites = folder / "sites"
    if sites.is_dir():
        for entry in sorted(sites.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".toml"):
                yield f"sites/{entry.name}", entry.read_text(encoding="utf-8"), entry.name.removesuffix(".toml")


def _check_unique(rules: Sequence[tuple[str, Rule]]) -> None:
    seen: dict[str, str] = {}
    for name, rule in rules:
        if rule.id in seen:
            raise RulePackError(f"{name}: rule {rule.id!r}: the id is taken by a rule in {seen[rule.id]}")
        seen[rule.id] = name


def read_rules(
    folder: Traversable | Path, read: Callable[[str, str, str | None], tuple[Rule, ...]] = read_pack
) -> Rules:
    """All packs of a folder, and `sites/<host>.toml` below it, as one `Rules`. Raises `RulePackError`."""
    named = [(name, rule) for name, text, site in _packs(folder) for rule in read(name, text, site)]
    _check_unique(named)
    rules = tuple(rule for _, rule in named)
    canonical = json.dumps([rule.model_dump(mode="json") for rule in rules], sort_keys=True, ensure_ascii=False)
    return Rules(rules, hashlib.sha256(canonical.encode()).hexdigest()[:16])


@cache
def load_rules() -> Rules:
    """The packs that ship with the package; its tests have checked their patterns, and so does `blame_patterns`."""
    return read_rules(resources.files("pipeline") / "rulepacks", parse_pack)


@contextmanager
def blame_patterns(rules: Rules) -> Iterator[None]:
    """Raise `RulePackError` where the engine refuses a pattern in the block, and it is that of a rule."""
    try:
        yield
    except pl.exceptions.ComputeError:
        check_patterns(rules.rules, "rules")
        raise
