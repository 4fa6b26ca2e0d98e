"""
What the part of a page that a line stands in says about it: why it goes if it goes, with which others, and whether a
reader wrote it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.elements import CELL_BAR, Declared, Floats, Ints, Region, Rendering
from pipeline.records import Judgement, Mark, Reason, Removal, RemovedLine

_REASONS: Sequence[tuple[int, Reason]] = (
    (Region.COMMENTS, Reason.COMMENTS),
    (Region.NAV, Reason.NAVIGATION),
    (Region.FOOTER, Reason.SITE_FURNITURE),
    (Region.DIALOG, Reason.SITE_FURNITURE),
    (Region.SELECT, Reason.NAVIGATION),
    (Region.FORM, Reason.SITE_FURNITURE),
    (Region.ASIDE, Reason.SITE_FURNITURE),
)
"""Of several the first holds: comments have forms in them, footers have menus."""


CONSENT_DIALOG = "consent-dialog"
"""
The rule that removes every line of a consent service's dialog. It holds since these services name their containers alike
on all sites, and put nothing else into them. What it hits and misses stands in `tests/test_regions.py`: it looks at names,
never at words, so that an article about cookies stays.
"""


def without_consent(judgement: Judgement, rendering: Rendering) -> Judgement:
    """
    What the rules say of a page once the lines of consent dialogs are gone; no model brings them back.

    Other marks stay as they are: a model that learned without this rule judges the lines around a dialog by them.
    """
    inside = (rendering.elements.region[rendering.element] & Region.CONSENT) > 0
    if not inside.any():
        return judgement
    asked = {number for number, own in zip(rendering.numbers, inside.tolist(), strict=True) if own}
    removal = Removal(Reason.COOKIE_NOTICE, CONSENT_DIALOG, 1.0)
    return judgement._replace(
        removed={**judgement.removed, **dict.fromkeys(sorted(asked), removal)},
        marks=[
            Mark.SURE if mark is Mark.RULED and number in asked else mark
            for number, mark in zip(judgement.numbers, judgement.marks, strict=True)
        ],
    )


def region_hints(rendering: Rendering) -> Mapping[int, Reason]:
    """The reason that a line's part of the page gives, by line number."""
    region = rendering.elements.region[rendering.element]
    numbers = rendering.numbers
    hints: dict[int, Reason] = {}
    for bit, reason in reversed(_REASONS):
        hints |= {numbers[place]: reason for place in np.flatnonzero(region & bit).tolist()}
    return hints


def agree_in_tables(kept: Floats, rendering: Rendering, words: Sequence[int]) -> Floats:
    """
    Give the rows of one table one probability, so that they stay or go together: figures mean nothing without their head.

    It is the mean over the rows, each with the root of its words as weight. A table of which that is in doubt is left to
    the judgement of its rows, and so are those whose lines mostly hold one cell, since old pages are laid out by them, and
    those of products, of whose data people keep a part.
    """
    if rendering.declared & Declared.PRODUCT:
        return kept
    agreed = kept.copy()
    table = _tables(rendering)
    several = np.fromiter((CELL_BAR in line for line in rendering.lines), bool, len(kept))
    weight = np.sqrt(np.array(words) + 0.1)
    for root in np.unique(table[several & (table >= 0)]).tolist():
        rows = np.flatnonzero(table == root)
        if len(rows) > 1 and 2 * several[rows].sum() >= len(rows):
            mean = np.average(kept[rows], weights=weight[rows])
            if abs(mean - 0.5) >= DECIDED:
                agreed[rows] = np.round(mean, 4)
    return agreed


DECIDED = 0.2
"""So far from one half, the probability of a table decides for its rows."""


def _tables(rendering: Rendering) -> Ints:
    """The outermost table around each line, by the place of its element; -1 for none."""
    elements = rendering.elements
    inside = (elements.region & Region.TABLE) > 0
    roots = np.flatnonzero(inside & ~((elements.parent >= 0) & inside[elements.parent]))
    at = rendering.element
    if not len(roots):
        return np.full(len(at), -1)
    nearest = roots[np.maximum(np.searchsorted(roots, at, side="right") - 1, 0)]
    return np.where(inside[at], nearest, -1)


def gather_comments(rendering: Rendering, removed: Sequence[RemovedLine]) -> str | None:
    """
    What readers wrote below an article, buttons, names and links apart; None where there is nothing of the kind.

    These are removed lines where the page has its comments.
    """
    region = rendering.elements.region[rendering.element]
    said = ((region & Region.COMMENTS) > 0) & ((region & _NO_COMMENT) == 0)
    ours = {number for number, own in zip(rendering.numbers, said.tolist(), strict=True) if own}
    lines = [entry.text for entry in removed if entry.line in ours and len(entry.text.split()) >= LEAST_WORDS]
    return "\n".join(lines) or None


_NO_COMMENT = Region.LINK | Region.BUTTON | Region.FORM | Region.HEADING | Region.TIME | Region.SELECT
LEAST_WORDS = 3
"""Shorter lines among comments are names, dates and buttons."""
