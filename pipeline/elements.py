"""
Where the lines of a page stand: the elements around them, in arrays.

A leaf like `records`: made by `render`, read by the judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

CELL_BAR = " | "
"""Parts the cells of a table's row in its line."""


class Region:
    """What stands around an element, itself included, as bits of a number: enumerations are ten times slower to combine."""

    MAIN = 1
    ARTICLE = 2
    ASIDE = 4
    NAV = 8
    HEADER = 16
    FOOTER = 32
    FORM = 64
    FIGURE = 128
    TABLE = 256
    LIST = 512
    QUOTE = 1024
    CODE = 2048
    LINK = 4096
    BUTTON = 8192
    HIDDEN = 16384
    NOSCRIPT = 32768
    SECTION = 65536
    DETAILS = 131072
    DIALOG = 262144
    SELECT = 524288
    BOLD = 1048576
    HEADING = 2097152
    TIME = 4194304
    COMMENTS = 8388608
    VERBATIM = 16777216  # white space is shown as it is
    UNSEEN = 33554432  # what no browser shows
    CONSENT = 67108864  # the dialog of a service that asks for consent to cookies


class Declared:
    """What a page says that it is, as bits of a number, by its JSON-LD and OpenGraph types."""

    ARTICLE = 1
    PRODUCT = 2
    FORUM = 4
    LISTING = 8
    RECIPE = 16
    MEDIA = 32
    PLACE = 64  # businesses, events
    PAGE = 128  # about pages, contact pages, FAQ pages and the like


TAGS = (
    "p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "dt", "dd", "blockquote", "pre", "figcaption", "caption",
    "div", "section", "article", "a", "span", "button", "label", "option", "summary", "time", "address", "b", "strong",
    "em", "i", "small", "code", "font", "center", "body",
)  # fmt: skip
"""Tags that are told apart; all others are one."""


@dataclass(frozen=True, slots=True)
class Elements:
    """
    The elements of a page in document order, one entry each; all others are inside the first.

    `parent` (place of the element around it, -1 for the first), `depth`, `end` (one past the last element inside it),
    `tag` (1 + place in `TAGS`, or 0), `region` (`Region` bits, those of the elements around it included), `block` (place
    of the nearest element that breaks lines, itself included), `path` (a hash of tags and classes from the first down),
    `naming` (which set of names it has). `names` are hashes of the words in class, id, role and itemprop of each set,
    and of pairs of them; `named` says whose each is.
    """

    parent: Ints
    depth: Ints
    end: Ints
    tag: Ints
    region: Ints
    block: Ints
    path: Ints
    naming: Ints
    names: Ints
    named: Ints


@dataclass(frozen=True, slots=True)
class Rendering:
    """
    A page's lines and where they stand. `lines` are non-blank.

    One entry a line: `gap` (an empty line above), `element` (innermost one around its first text), `linked` and `bold`
    (characters in links, in bold type), `links` (how many pieces of text in links).
    """

    lines: Sequence[str]
    gap: Bools
    element: Ints
    linked: Ints
    bold: Ints
    links: Ints
    elements: Elements
    declared: int  # bits of `Declared`
    is_whole: bool  # False where the parser gave up and another one took the text without its elements

    @property
    def numbers(self) -> list[int]:
        """The number of each line in `text`, from 1."""
        numbers: list[int] = np.cumsum(1 + self.gap * (np.arange(len(self.gap)) > 0)).tolist()
        return numbers

    @property
    def text(self) -> str:
        """The lines as one text, with empty lines between paragraphs."""
        joints = ["", *("\n\n" if gap else "\n" for gap in self.gap[1:].tolist())]
        return "".join(chain.from_iterable(zip(joints, self.lines, strict=False)))
