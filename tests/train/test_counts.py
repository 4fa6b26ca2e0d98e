"""The lexicon is counted site by site, and no site sees its own count."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.model.lexicon import STEP
from pipeline.train import counts
from pipeline.train.counts import LEAST_SITES, count_sites

Site = tuple[str, np.ndarray, np.ndarray]


def hashes(*keys: int) -> np.ndarray:
    """Hashes with these upper halves."""
    return np.array(keys, np.uint64) << np.uint64(32)


def site(name: str, **kept: float) -> Site:
    """A site where the n-gram `k7` is kept so often."""
    return name, hashes(*(int(key[1:]) for key in kept)), np.array(list(kept.values()))


@pytest.fixture
def sites() -> list[Site]:
    """Twenty sites with thirty n-grams, some of them everywhere."""
    random = np.random.default_rng(0)
    found = []
    for number in range(20):
        keys = np.flatnonzero(random.random(30) < np.linspace(0.05, 0.9, 30))
        keys = np.repeat(keys, random.integers(1, 4, len(keys)))
        found.append((f"site{number}", hashes(*keys), (random.random(len(keys)) < keys / 30).astype(float)))
    return found


def test_a_site_counts_once() -> None:
    """A site that shows a string on a thousand pages says no more than one that shows it once."""
    once = [site("a", k1=1, k2=0), site("b", k1=1, k2=0), site("c", k1=0, k2=1)]
    often = [(name, np.tile(keys, 1000), np.tile(kept, 1000)) for name, keys, kept in once]

    first, second = count_sites(once).lexicon(), count_sites(often).lexicon()

    assert first.keys.tolist() == second.keys.tolist() == [1, 2]
    assert first.scores.tolist() == second.scores.tolist()
    assert first.scores[0] > 0 > first.scores[1]


def test_a_string_of_few_sites_is_not_known() -> None:
    """So a site's own habits are not learned, and no text of a site is to be found in the weights."""
    sites = [site(str(number), k1=1, k2=0, k3=0) for number in range(LEAST_SITES - 1)]

    assert count_sites([*sites, site("last", k1=1, k3=0)]).lexicon().keys.tolist() == [1, 3]


def test_more_sites_make_a_score_surer() -> None:
    """What three sites drop is worth less than what thirty drop."""
    sites = [site(str(number), k1=0, k3=1, **({"k2": 0} if number < 3 else {})) for number in range(30)]

    lexicon = count_sites(sites).lexicon()
    scores = dict(zip(lexicon.keys.tolist(), lexicon.scores.tolist(), strict=True))

    assert scores[1] < scores[2] < 0 < scores[3]


def test_leaving_a_site_out_is_counting_without_it(sites: list[Site], monkeypatch: pytest.MonkeyPatch) -> None:
    """In training every site sees the lexicon as if it had never been counted."""
    every = count_sites(sites)
    monkeypatch.setattr(counts, "LEAST_SITES", LEAST_SITES - 1)  # what is known with the site from one site more
    for place, (name, own, _) in enumerate(sites):
        without = replace(count_sites(sites[:place] + sites[place + 1 :]), prior=every.prior)
        expected, expected_known = without.lexicon().look_up(own)
        monkeypatch.setattr(counts, "LEAST_SITES", LEAST_SITES)
        found, known = every.look_up_without(own, name)
        monkeypatch.setattr(counts, "LEAST_SITES", LEAST_SITES - 1)

        assert known.tolist() == expected_known.tolist()
        assert found == pytest.approx(expected)
        assert known.any()


def test_a_site_cannot_tell_its_own_labels(sites: list[Site]) -> None:
    """Whatever a site keeps, the scores it sees are the same."""
    name, own, kept = sites[4]
    turned = [*sites[:4], (name, own, 1 - kept), *sites[5:]]
    first, second = count_sites(sites), replace(count_sites(turned), prior=count_sites(sites).prior)

    assert first.look_up_without(own, name)[0] == pytest.approx(second.look_up_without(own, name)[0])


def test_scores_are_bytes_of_log_odds(sites: list[Site]) -> None:
    """Against the overall odds: an n-gram that is kept as often as any scores nothing."""
    lexicon = count_sites(sites).lexicon()
    same = count_sites([site(str(number), k1=0.5, k2=0.5) for number in range(9)]).lexicon()

    assert lexicon.scores.dtype == np.int8
    assert np.abs(lexicon.scores * STEP).max() < 8
    assert same.scores.tolist() == [0, 0]
