"""
Learn the lexicon: how often each n-gram's paragraph is kept, site by site.

Every site counts once for an n-gram, however many pages it has, and an n-gram must be known from several sites, so a
site's own habits are not learned. In training a site's own count is left out of the odds that its paragraphs see
(leave-one-out target encoding; Micci-Barreca 2001), so that the network learns how much an n-gram is worth on a site
that the lexicon has never met.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.features import Floats
from pipeline.model.lexicon import STEP, Lexicon
from pipeline.model.text import Bools, Hashes, Ints

LEAST_SITES = 3
"""An n-gram on fewer sites is not known."""
SHRINK = 2.0
"""So many sites' worth of the overall share is added to each n-gram's, against chance."""


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """How often n-grams were kept, site by site: what a lexicon is made of."""

    keys: npt.NDArray[np.uint32]  # n-grams of at least `LEAST_SITES` sites, ascending
    sites: Floats  # on how many sites
    kept: Floats  # sum over sites of the share of occurrences that were kept
    prior: float  # mean share kept
    own_keys: Ints  # n-gram index * number of sites + site, ascending
    own_kept: Floats  # that site's share
    site_index: dict[str, int]

    def lexicon(self) -> Lexicon:
        """The lexicon to ship."""
        steps = np.clip(np.rint(self._log_odds(self.sites, self.kept) / STEP), -127, 127)
        return Lexicon(self.keys, steps.astype(np.int8))

    def look_up_without(self, hashes: Hashes, site: str) -> tuple[Floats, Bools]:
        """As `Lexicon.look_up`, as if the lexicon had been made without this site."""
        keys = (hashes >> np.uint64(32)).astype(np.uint32)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[place] == keys
        own = place * len(self.site_index) + self.site_index[site]
        at = np.minimum(np.searchsorted(self.own_keys, own), len(self.own_keys) - 1)
        mine = (self.own_keys[at] == own) & known
        sites = self.sites[place] - mine
        kept = self.kept[place] - np.where(mine, self.own_kept[at], 0.0)
        known &= sites >= LEAST_SITES - 1
        steps = np.clip(np.rint(self._log_odds(sites, np.maximum(kept, 0)) / STEP), -127, 127)
        return np.where(known, steps * STEP, 0.0), known

    def _log_odds(self, sites: Floats, kept: Floats) -> Floats:
        """Against the overall odds, shrunk towards them."""
        yes = kept + SHRINK * self.prior
        no = (sites - kept) + SHRINK * (1 - self.prior)
        return np.asarray(np.log(yes / no) - np.log(self.prior / (1 - self.prior)))


def count_sites(sites: Sequence[tuple[str, Hashes, Floats]]) -> SiteCounts:
    """
    Count n-grams by site.

    For each site its name, the hashes of all n-grams on it, and for each whether its paragraph is kept (0 to 1).
    """
    keys, kept, owner = [], [], []
    for index, (_, hashes, labels) in enumerate(sites):
        own, inverse, count = np.unique(
            (hashes >> np.uint64(32)).astype(np.uint32), return_inverse=True, return_counts=True
        )
        keys.append(own)
        kept.append(np.bincount(inverse, weights=labels, minlength=len(own)) / count)
        owner.append(np.full(len(own), index))
    every, share, site = np.concatenate(keys), np.concatenate(kept), np.concatenate(owner)
    distinct, inverse, count = np.unique(every, return_inverse=True, return_counts=True)
    enough = count >= LEAST_SITES
    chosen = enough[inverse]
    place = (np.cumsum(enough) - 1)[inverse[chosen]]
    own_keys = place * len(sites) + site[chosen]
    order = np.argsort(own_keys, kind="stable")
    return SiteCounts(
        keys=distinct[enough],
        sites=count[enough].astype(np.float64),
        kept=np.asarray(np.bincount(place, weights=share[chosen], minlength=int(enough.sum())), np.float64),
        prior=float(share[chosen].mean()),
        own_keys=own_keys[order],
        own_kept=share[chosen][order],
        site_index={name: index for index, (name, _, _) in enumerate(sites)},
    )
