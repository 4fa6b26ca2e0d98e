"""What the part of a page that a line stands in says about it: why it goes if it goes, and whether a reader wrote it."""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.elements import Region, Rendering
from pipeline.records import Reason, RemovedLine

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


def region_hints(rendering: Rendering) -> Mapping[int, Reason]:
    """The reason that a line's part of the page gives, by line number."""
    region = rendering.elements.region[rendering.element]
    numbers = rendering.numbers
    hints: dict[int, Reason] = {}
    for bit, reason in reversed(_REASONS):
        hints |= {numbers[place]: reason for place in np.flatnonzero(region & bit).tolist()}
    return hints


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
