"""A model whose verdicts are known: it stands in for a trained one where only the plumbing is tested."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.decide import Aim, Floats
from pipeline.model import SeenLines
from pipeline.rules import Rules, load_rules
from pipeline.voices import Manner, Voices


@dataclass(frozen=True)
class StubModel:
    """Gives each line the probability listed for it, and .99 to all others."""

    kept: Mapping[str, float]
    version: str = "stub"

    def score_lines(self, lines: SeenLines) -> Floats:
        return np.array([self.kept.get(line.strip(), 0.99) for line in lines.texts])


def stub_voices(
    kept: Mapping[str, float], manner: Manner | Aim = Aim.BALANCED, rules: Rules | None = None, *, pages: bool = False
) -> Voices:
    """The rules and a stub beside them; with `pages` it has a say about the lines of pages, too."""
    model = StubModel(kept)
    manner = manner if isinstance(manner, Manner) else Manner(manner)
    return Voices(rules or load_rules(), model, model if pages else None, manner)  # type: ignore[arg-type]
