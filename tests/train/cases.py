"""Invented pages to learn from: prose about a harbour, and furniture that many sites share."""

import random

from pipeline.train.examples import Source

NOUNS = (
    "ferry",
    "captain",
    "harbour",
    "council",
    "bridge",
    "baker",
    "lamp",
    "winter",
    "ledger",
    "school",
    "clock",
    "pier",
)
VERBS = ("left", "counted", "found", "closed", "repaired", "forgot", "painted", "heard", "carried", "watched")
ENDS = ("before six", "with eleven people on board", "in the old town", "after the storm", "as it has since the war")
INVENTED_FURNITURE = (
    "Share this", "Read more", "Subscribe", "Latest", "Home | News | Sport", "Follow us", "Comments (3)", "Advertisement",
    "Most popular", "Terms of use", "Privacy", "Tags: ferry, harbour", "Quay card", "Lamp fund",
)  # fmt: skip


def invent_sources(sites: int = 40, seed: int = 0) -> list[Source]:
    """One page a site, in two shapes."""
    chance = random.Random(seed)
    return [source for number in range(sites) for source in invent_page(number, chance)]


def invent_page(number: int, chance: random.Random) -> list[Source]:
    """The dump of one page, with blank lines and without."""
    prose = [" ".join(_sentence(chance) for _ in range(chance.randint(2, 5))) for _ in range(chance.randint(3, 8))]
    head = chance.sample(INVENTED_FURNITURE, 4)
    tail = chance.sample(INVENTED_FURNITURE, 6)
    lines = [*head, *prose, *tail]
    gold = "\n".join(prose)
    site = f"site{number}.example"
    return [
        Source(f"page{number}", site, shape, separator.join(lines), gold)
        for shape, separator in (("dump", "\n\n"), ("no_blank_lines", "\n"))
    ]


def _sentence(chance: random.Random) -> str:
    first, second = chance.sample(NOUNS, 2)
    return f"The {first} {chance.choice(VERBS)} the {second} {chance.choice(ENDS)}, and nobody was surprised."
