"""The network in integers: as good as in floating point, and the same everywhere."""

from dataclasses import fields
from itertools import chain

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipeline.model import LineModel
from pipeline.model.network import HIDDEN_STEPS, INPUT_STEPS, WEIGHT_STEPS, Dense, Network
from pipeline.train.learn import Parameters, forward, quantise, start_parameters

FEATURES = 20
EXACT = 2**24
"""Up to here float32 holds every integer."""


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return start_parameters(FEATURES, 32, seed=1)


@pytest.fixture(scope="module")
def sample() -> list[tuple[np.ndarray, np.ndarray]]:
    """Some documents of some paragraphs."""
    random = np.random.default_rng(2)
    sizes = [1, 2, 40, 7, 90, 300]
    return [(random.standard_normal((size, FEATURES)).astype(np.float32), np.zeros(1, np.int64)) for size in sizes]


@pytest.fixture(scope="module")
def network(parameters: Parameters, sample: list[tuple[np.ndarray, np.ndarray]]) -> Network:
    return quantise(parameters, sample)


def together(documents: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Documents as one batch."""
    sizes = np.array([len(each) for each in documents])
    return np.concatenate(documents), np.cumsum(sizes) - sizes


def layers(network: Network) -> dict[str, Dense]:
    """All layers by name."""
    found = {}
    for field in fields(network):
        value = getattr(network, field.name)
        for place, layer in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(layer, Dense):
                found[f"{field.name}{place}"] = layer
    return found


def test_integers_lose_little(
    parameters: Parameters, network: Network, sample: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    """Scores are those of the network that was trained, but for a few hundredths."""
    for features, heads in sample:
        exact = forward(parameters, np.clip(features, -6, 6), heads).log_odds
        given = network.log_odds(features, heads)

        assert np.abs(1 / (1 + np.exp(-given)) - 1 / (1 + np.exp(-exact))).max() < 0.05
        assert len(given) < 10 or np.corrcoef(given, exact)[0, 1] > 0.99


def test_a_document_has_the_same_scores_in_any_batch(
    network: Network, sample: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    """To the last bit, whatever stands above and below."""
    documents = [features for features, _ in sample]
    alone = [network.log_odds(*each) for each in sample]
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 1, 0, 2, 4], [1, 1, 2, 2, 5, 0]):
        scores = network.log_odds(*together([documents[place] for place in order]))

        assert np.array_equal(scores, np.concatenate([alone[place] for place in order]))


def test_threads_do_not_change_a_score(network: Network) -> None:
    """Sums are exact, so it does not matter in which order they are made."""
    features, heads = together([np.random.default_rng(3).standard_normal((5000, FEATURES)).astype(np.float32)] * 2)
    scores = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"):
            scores.append(network.log_odds(features, heads))

    assert np.array_equal(scores[0], scores[1])
    assert np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize("which", ["network", "tiny_model"])
def test_sums_are_exact(which: str, request: pytest.FixtureRequest) -> None:
    """Weights are integers of 8 bits, and the largest sum that inputs can make fits into float32."""
    made = request.getfixturevalue(which)
    networks = made.networks if isinstance(made, LineModel) else (made,)
    for name, layer in chain.from_iterable(layers(each).items() for each in networks):
        largest = INPUT_STEPS if name.startswith("enter") else HIDDEN_STEPS

        assert np.array_equal(layer.weights, np.rint(layer.weights)), name
        assert np.abs(layer.weights).max() <= WEIGHT_STEPS, name
        assert np.abs(layer.weights).sum(axis=0).max() * largest < EXACT, name


def test_no_weights_of_this_size_can_overflow(tiny_model: LineModel) -> None:
    """Not only these weights: any that training may find for layers as wide."""
    for name, layer in layers(tiny_model.networks[0]).items():
        assert layer.weights.shape[0] * WEIGHT_STEPS * HIDDEN_STEPS < EXACT, name
