"""Figures beside what was aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, and what it may be at most; or at least, where more is better."""

    figure: str
    measured: float
    bound: float
    least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.bound if self.least else self.measured < self.bound


def show_targets(reached: Sequence[Target], console: Console) -> None:
    """Print for people."""
    table = Table("", "measured", "bound", "")
    for target in reached:
        bound = f"{'at least' if target.least else 'at most'} {target.bound:g}"
        table.add_row(target.figure, f"{target.measured:,.2f}", bound, "met" if target.is_met else "missed")
    console.print(table)
