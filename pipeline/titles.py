"""The title of a page: the headline as the page prints it, or what the page declares, without the site's name."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

LONGEST_TITLE = 300
"""Characters; what is longer is a paragraph in a heading."""
ALIKE = 0.5
"""A heading is the headline when at least so much of its words, or of a declared title's, are in both."""
HEADLINE_WORDS = 4
"""Names of sections and sites rarely have as many."""
KICKER_WORDS = 3

_SEPARATOR = re.compile(r"\s+[|–—·•»«:/~-]+\s+|\s*[|｜]\s*|\s*::\s*|\s+[-–—]{2,}\s*|_(?=[^_]*$)")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_FEWEST_LETTERS = 4  # of a name that is looked for inside a longer one


class Title(NamedTuple):
    """A possible title and where it stands."""

    text: str
    source: str  # "h1", "json-ld", "opengraph", "meta", "microdata" or "title"


def choose_title(headings: Sequence[str], declared: Sequence[Title], names: Iterable[str]) -> Title | None:
    """
    Choose the headline the page prints if a declared title confirms it, else the first declared title.

    `names` are those of the site and its host. Of 1,229 gold pages whose titles people wrote down, 88% have it as the text
    of an h1, 53% as `og:title` and 22% as the title element, even without the site's name.

        >>> choose_title(["Example", "Rain again"], [Title("Rain again | Example", "title")], ["Example"])
        Title(text='Rain again', source='h1')
        >>> choose_title(["Our blog"], [Title("Rain again | Example", "title")], ["Example"])
        Title(text='Rain again', source='title')
    """
    sites = {letters(name) for name in names} - {""}
    titles = [Title(without_site(text, sites), source) for text, source in declared if text]
    titles = [title for title in titles if _is_title(title.text)]
    own = [title for title in titles if letters(title.text) not in sites]
    printed = [without_site(heading, sites) for heading in headings if _is_title(heading)]
    printed = [heading for heading in printed if letters(heading) not in sites]
    best = max(printed, key=lambda heading: _likeness(heading, own), default=None)
    if best is not None and (_likeness(best, own) >= ALIKE or _stands_alone(printed) or not own):
        return Title(_without_kicker(best, own), "h1")
    return next(iter([*own, *(Title(heading, "h1") for heading in printed), *titles]), None)


def _stands_alone(headings: Sequence[str]) -> bool:
    """Whether the only heading is as long as headlines are: editors give another title to search engines."""
    return len(headings) == 1 and len(_WORD.findall(headings[0])) >= HEADLINE_WORDS


def _without_kicker(heading: str, titles: Sequence[Title]) -> str:
    """
    Take the section or kicker off that some pages print inside the heading, if what is left was declared as the title.

        >>> _without_kicker("Politics | Rain again in Eastmere", [Title("Rain again in Eastmere", "opengraph")])
        'Rain again in Eastmere'
    """
    for title in titles:
        kicker = heading.removesuffix(title.text)
        if kicker != heading and 0 < len(kicker.split()) <= KICKER_WORDS and len(title.text.split()) >= HEADLINE_WORDS:
            return title.text
    return heading


def without_site(title: str, sites: Iterable[str]) -> str:
    """
    Take the site's name off the end or the start of a title; `sites` are names in letters and digits only.

        >>> without_site("Rain again - Weather | Example News", {"examplenews"})
        'Rain again - Weather'
        >>> without_site("example.org: Rain", {"exampleorg"}), without_site("Example News", {"examplenews"})
        ('example.org: Rain', 'Example News')
    """
    marks = list(_SEPARATOR.finditer(title))
    for mark in marks[-2:]:
        if is_site(title[mark.end() :], sites):
            return title[: mark.start()].strip()
    if marks and is_site(title[: marks[0].start()], sites):
        return title[marks[0].end() :].strip()
    return title


def is_site(text: str, sites: Iterable[str]) -> bool:
    """
    Whether a part of a title is the site's name, or one with a word more or less, as hosts have them.

        >>> is_site("Example News", {"example"}), is_site("The Example", {"example"}), is_site("For example", {"example"})
        (True, True, False)
    """
    name = letters(text)
    if len(text.split()) > 6 or not name:
        return False
    return any(
        name == site
        or (
            min(len(name), len(site)) >= _FEWEST_LETTERS
            and (name.removeprefix("the").startswith(site) or site.startswith(name))
        )
        for site in sites
    )


def letters(text: str) -> str:
    """Only the letters and digits, so that "Example News" equals "ExampleNews"."""
    return _NOT_ALPHANUMERIC.sub("", text.casefold())


def _is_title(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TITLE and any(char.isalnum() for char in text)


def _likeness(heading: str, titles: Sequence[Title]) -> float:
    """How much a heading is like the declared title that it is most like: 0 to 1, of the words of the shorter one."""
    words = set(_WORD.findall(heading.casefold()))
    best = 0.0
    for title in titles:
        others = set(_WORD.findall(title.text.casefold()))
        if words and others:
            best = max(best, len(words & others) / min(len(words), len(others)) - 0.001 * abs(len(words) - len(others)))
    return best
