"""Cleaning takes time in proportion to the text, whatever its shape: no dump can hang a run."""

import time

import pytest

from pipeline.clean import clean_text

LINES = 20_000
SECONDS = 20
"""A run needs about half a second; a step that looks at every pair of lines needs minutes."""

PROSE = "The ferry left the quay at six, as it has every morning since the war, with eleven people on board.\n"
TEASER = "Latest\nA bridge was closed\nMarch 3, 2021\nThe old bridge over the river was closed on Monday after a …\n"
SHAPES = {
    "prose": PROSE * LINES,
    "one line of prose": PROSE.replace("\n", " ") * LINES,
    "prompts": "Read more\n" * LINES,
    "prompts in one line": PROSE.rstrip() + " Read more" * LINES,
    "prompts among prose": (PROSE + "Read more\n") * (LINES // 2),
    "teasers": TEASER * (LINES // 4),
    "teasers above prose": TEASER * (LINES // 4) + PROSE,
    "headings above prose": "Latest\nA bridge was closed\n" * (LINES // 2) + PROSE,
    "comments": (PROSE + "3 Comments\n") * (LINES // 2),
    "numbers": "1\n2\n3\n" * (LINES // 3),
    "titles": "Ferry returns with one more on board\n" * LINES,
    "short lines": "the old quay\n" * LINES,
    "no text": "\0\n" * LINES,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_time_is_linear_in_the_text(shape: str) -> None:
    """A dump of 20,000 lines of any one kind is done in seconds."""
    began = time.monotonic()
    clean_text(SHAPES[shape])

    assert time.monotonic() - began < SECONDS
