"""What `verify` reports. README.md explains the remedies."""

from dataclasses import dataclass

RERUN = "move clean/.store away and run again; everything in it is made from the raw files"
NEXT_RUN = "the next run mends it"
REMOVE = "remove it"
NOT_CURRENT = "only readers of this older snapshot see it; it goes by itself, a day after the next commits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that does not hold: where, what is wrong, and what to do."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"
