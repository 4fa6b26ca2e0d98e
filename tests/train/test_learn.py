"""Learning: the derivative is right, the loss falls, and the same examples give the same network."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipeline.train import learn
from pipeline.train.learn import Batch, Parameters, backward, fit, forward, parameters_of, quantise, start_parameters

FEATURES = 7


def make_batch(seed: int, sizes: tuple[int, ...] = (1, 2, 40, 9)) -> Batch:
    """Documents whose labels hang on their features and on their neighbours'."""
    random = np.random.default_rng(seed)
    heads = np.cumsum(sizes) - np.array(sizes)
    features = random.standard_normal((sum(sizes), FEATURES)).astype(np.float32)
    labels = (features[:, 0] + np.roll(features[:, 1], 1) > 0).astype(np.float32)
    return Batch(features, heads, labels, np.full(len(labels), 0.1, np.float32))


def in_double(values: np.ndarray, dilation: int, of_doc: np.ndarray) -> np.ndarray:
    """`neighbours` in double precision, row by row."""
    rows, width = values.shape
    joined = np.zeros((rows, 3 * width))
    for row in range(rows):
        for part, other in enumerate((row - dilation, row, row + dilation)):
            if 0 <= other < rows and of_doc[other] == of_doc[row]:
                joined[row, part * width : (part + 1) * width] = values[other]
    return joined


@pytest.fixture
def parameters() -> Parameters:
    """In double precision, with biases that are not zero."""
    random = np.random.default_rng(5)
    start = start_parameters(FEATURES, 6, seed=4)
    return {name: values + 0.1 * random.standard_normal(values.shape) for name, values in start.items()}


@pytest.mark.parametrize("name", sorted(start_parameters(FEATURES, 6, seed=4)))
def test_the_derivative_is_that_of_finite_differences(
    name: str, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every parameter of every layer, biases too."""
    monkeypatch.setattr(learn, "neighbours", in_double)
    batch = make_batch(1)
    batch = Batch(batch.features.astype(float), batch.heads, batch.labels, batch.weights)

    def loss(values: np.ndarray) -> float:
        return backward(moved := parameters | {name: values}, batch, forward(moved, batch.features, batch.heads))[0]

    _, gradients = backward(parameters, batch, forward(parameters, batch.features, batch.heads))
    values, step = parameters[name], 1e-6
    places = list(np.ndindex(values.shape))
    for place in np.random.default_rng(6).permutation(len(places))[:12]:
        move = np.zeros_like(values)
        move[places[place]] = step
        slope = (loss(values + move) - loss(values - move)) / (2 * step)

        assert gradients[name][places[place]] == pytest.approx(slope, rel=2e-3, abs=2e-6)


def test_the_derivative_holds_with_inputs_left_out(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropping inputs, as training does, drops them from the derivative, too."""
    monkeypatch.setattr(learn, "neighbours", in_double)
    batch = make_batch(2)
    direction = {name: np.random.default_rng(7).standard_normal(each.shape) for name, each in parameters.items()}

    def at(step: float) -> tuple[float, Parameters]:
        moved = {name: values + step * direction[name] for name, values in parameters.items()}
        random = np.random.default_rng(8)  # the same inputs are left out each time
        return backward(moved, batch, forward(moved, batch.features.astype(float), batch.heads, random))

    slope = (at(1e-6)[0] - at(-1e-6)[0]) / 2e-6
    along = sum(float((gradient * direction[name]).sum()) for name, gradient in at(0)[1].items())

    assert along == pytest.approx(slope, rel=1e-3)


def test_documents_do_not_see_each_other(parameters: Parameters) -> None:
    """In floating point as in integers."""
    batch = make_batch(3)
    bounds = np.append(batch.heads, len(batch.features))
    single = {name: values.astype(np.float32) for name, values in parameters.items()}
    together = forward(single, batch.features, batch.heads).log_odds
    for start, end in pairwise(bounds):
        alone = forward(single, batch.features[start:end], np.zeros(1, np.int64)).log_odds

        assert together[start:end] == pytest.approx(alone, abs=1e-4)


def batches(_epoch: int) -> Iterator[Batch]:
    """Four batches, the same in every epoch."""
    yield from (make_batch(seed, (30, 20, 50)) for seed in range(4))


def test_the_loss_falls_and_labels_are_found() -> None:
    """Within some seconds, on a task that takes features and a neighbour's."""
    losses: list[float] = []
    with threadpool_limits(1, user_api="blas"):
        parameters = fit(batches, 40, FEATURES, steps=160, tell=lambda _epoch, loss: losses.append(loss))
    batch = make_batch(0, (30, 20, 50))
    network = quantise(parameters, [(batch.features, batch.heads)])
    found = network.log_odds(batch.features, batch.heads) > 0

    assert losses[-1] < 0.5 * losses[0]
    assert len(losses) == 40
    assert np.mean(found == batch.labels) > 0.9


def test_the_same_examples_give_the_same_network() -> None:
    """Bit for bit, with the same seed; another seed starts elsewhere."""
    with threadpool_limits(1, user_api="blas"):
        first, again, other = (fit(batches, 2, FEATURES, steps=8, seed=seed) for seed in (3, 3, 4))

    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["enter.weights"], other["enter.weights"])


def test_learning_goes_on_where_it_ended() -> None:
    """What a network in integers computes with is a start that is hardly worse than where it came from."""
    batch = make_batch(0, (30, 20, 50))
    with threadpool_limits(1, user_api="blas"):
        first = fit(batches, 40, FEATURES, steps=160)
        network = quantise(first, [(batch.features, batch.heads)])
        again, bias = parameters_of(network), network.enter.bias.copy()
        losses: list[float] = []
        fit(batches, 1, FEATURES, steps=160, start=again, tell=lambda _epoch, loss: losses.append(loss))
    kept = forward(first, batch.features, batch.heads).log_odds
    given = forward(again, batch.features, batch.heads).log_odds

    assert set(again) == set(first)
    assert np.abs(given - kept).max() < 0.3
    assert losses[0] < 0.5 * np.log(2) * 10
    assert np.array_equal(network.enter.bias, bias)  # what was started from stays as it is
