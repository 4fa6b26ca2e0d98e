"""
Fit the network to examples, and put it into integers.

Plain gradient descent in NumPy: the network is small, so that a training framework of several gigabytes would save
nothing but the few lines of its derivative, which a test compares with finite differences. The same examples and seed
give the same weights bit for bit on one machine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model.network import (
    DILATIONS,
    HIDDEN_STEPS,
    INPUT_LIMIT,
    INPUT_STEPS,
    POOL_AFTER,
    WEIGHT_STEPS,
    Array,
    Dense,
    Network,
)
from pipeline.model.text import Ints

WIDTH = 64
"""Outputs of every hidden layer."""
RATE = 3e-3
"""The learning rate where it is highest."""
BETAS = (0.9, 0.999)
DECAY = 0.05
"""Weight decay of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
MOST_NORM = 1.0
"""Gradients are scaled down to this norm."""
AVERAGE = 0.998
"""The weights kept are a running average over steps (Polyak and Juditsky 1992)."""
WARM_UP = 100
"""Steps in which the learning rate rises; after them it falls along a cosine."""
SMOOTH = 0.01
"""Labels are taken to be wrong this often."""
RANGE = 0.9995
"""Share of a layer's inputs that must fit its integers; larger ones are cut."""

DROPPED: Mapping[str, float] = {"enter": 0.15, "compare": 0.3, "leave": 0.2} | {
    f"convolution{place}": 0.1 for place in range(len(DILATIONS))
}
"""Share of each layer's inputs left out at random in training (Srivastava et al. 2014)."""

Parameters = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Batch:
    """Paragraphs of whole documents: standardised features, heads of documents, labels (0 to 1) and weights."""

    features: Array
    heads: Ints
    labels: Array
    weights: Array


@dataclass(frozen=True, slots=True)
class Step:
    """What the forward pass leaves for the backward pass."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]
    of_doc: Ints
    count: Array
    log_odds: Array
    top: Ints
    masks: dict[str, Array]


def start_parameters(features: int, width: int, seed: int) -> Parameters:
    """Small random weights (He et al. 2015), zero biases."""
    random = np.random.default_rng(seed)
    sizes = {"enter": (features, width)}
    sizes |= {f"convolution{place}": (3 * width, width) for place in range(len(DILATIONS))}
    sizes |= {"pool": (2 * width, width), "compare": (2 * width, width), "leave": (width, 1)}
    parameters: Parameters = {}
    for name, (inputs, outputs) in sizes.items():
        gain = 0.5 if name.startswith("convolution") or name == "pool" else 1.0
        weights = random.standard_normal((inputs, outputs)) * gain * np.sqrt(2 / inputs)
        parameters[f"{name}.weights"] = weights.astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(outputs, np.float32)
    return parameters


def forward(parameters: Parameters, features: Array, heads: Ints, random: np.random.Generator | None = None) -> Step:
    """Log odds in floating point, with everything the derivative needs; `random` drops inputs, as in training."""
    count = np.diff(np.append(heads, len(features)))
    of_doc = np.repeat(np.arange(len(heads)), count)
    inputs: dict[str, Array] = {}
    outputs: dict[str, Array] = {}
    masks: dict[str, Array] = {}

    def drop(name: str, values: Array) -> Array:
        if random is not None and name in DROPPED:
            kept = 1 - DROPPED[name]
            masks[name] = (random.random(values.shape, np.float32) < kept).astype(np.float32) * np.float32(1 / kept)
            values = values * masks[name]
        inputs[name] = values
        return values

    def layer(name: str, values: Array) -> Array:
        values = drop(name, values)
        outputs[name] = np.maximum(values @ parameters[f"{name}.weights"] + parameters[f"{name}.bias"], 0)
        return outputs[name]

    own = layer("enter", features)
    hidden = own
    top = np.zeros((0, 0), np.int64)
    for place, dilation in enumerate(DILATIONS):
        name = f"convolution{place}"
        hidden = hidden + layer(name, neighbours(hidden, dilation, of_doc))
        if place == POOL_AFTER:
            most = np.maximum.reduceat(hidden, heads)
            mean = np.add.reduceat(hidden, heads) / count[:, None].astype(np.float32)
            top = _first_at(hidden, most, heads, of_doc)
            hidden = hidden + layer("pool", np.concatenate([mean, most], axis=1))[of_doc]
    compared = layer("compare", np.concatenate([hidden, own], axis=1))
    compared = drop("leave", compared)
    log_odds = (compared @ parameters["leave.weights"] + parameters["leave.bias"])[:, 0]
    return Step(inputs, outputs, of_doc, count.astype(np.float32), log_odds, top, masks)


def neighbours(values: Array, dilation: int, of_doc: Ints) -> Array:
    """Each row between the rows `dilation` above and below it in the same document; zeros where there are none."""
    rows, width = values.shape
    joined = np.empty((rows, 3 * width), np.float32)
    joined[:dilation, :width] = 0
    joined[-dilation:, 2 * width :] = 0
    joined[:, width : 2 * width] = values
    if rows > dilation:
        same = (of_doc[dilation:] == of_doc[:-dilation])[:, None]
        np.multiply(values[:-dilation], same, out=joined[dilation:, :width])
        np.multiply(values[dilation:], same, out=joined[:-dilation, 2 * width :])
    return joined


def _first_at(values: Array, most: Array, heads: Ints, of_doc: Ints) -> Ints:
    """For each document and column the row of the first maximum."""
    rows = np.where(values == most[of_doc], np.arange(len(values))[:, None], len(values))
    return np.minimum.reduceat(rows, heads)


def backward(parameters: Parameters, batch: Batch, step: Step) -> tuple[float, Parameters]:
    """The loss (weighted cross-entropy a document) and its derivative by every parameter."""
    documents = np.float32(len(batch.heads))
    probability = 1 / (1 + np.exp(-step.log_odds))
    labels = batch.labels * np.float32(1 - 2 * SMOOTH) + np.float32(SMOOTH)
    surprise = np.logaddexp(0, step.log_odds) - labels * step.log_odds
    loss = float((surprise * batch.weights).sum() / documents)
    gradients: Parameters = {}

    def layer(name: str, slope: Array) -> Array:
        if name != "leave":
            slope = slope * (step.outputs[name] > 0)
        gradients[f"{name}.weights"] = step.inputs[name].T @ slope
        gradients[f"{name}.bias"] = slope.sum(axis=0)
        if name == "enter":
            return slope
        above = slope @ parameters[f"{name}.weights"].T
        return np.asarray(above * step.masks[name] if name in step.masks else above)

    slope = ((probability - labels) * batch.weights / documents).astype(np.float32)[:, None]
    both = layer("compare", layer("leave", slope))
    width = both.shape[1] // 2
    hidden, own = both[:, :width], both[:, width:]
    for place in reversed(range(len(DILATIONS))):
        if place == POOL_AFTER:
            hidden = hidden + _unpool(layer("pool", np.add.reduceat(hidden, batch.heads)), step)
        joined = layer(f"convolution{place}", hidden)
        hidden = hidden + _unjoin(joined, DILATIONS[place], step.of_doc)
    layer("enter", hidden + own)
    return loss, gradients


def _unpool(pooled: Array, step: Step) -> Array:
    """The derivative by each paragraph, from that by the document's mean and maximum."""
    width = pooled.shape[1] // 2
    slope = (pooled[:, :width] / step.count[:, None])[step.of_doc]
    np.add.at(slope, (step.top, np.arange(width)[None, :]), pooled[:, width:])
    return np.asarray(slope)


def _unjoin(joined: Array, dilation: int, of_doc: Ints) -> Array:
    """The derivative by each row, from that by `neighbours`."""
    width = joined.shape[1] // 3
    slope = joined[:, width : 2 * width].copy()
    if len(joined) > dilation:
        same = (of_doc[dilation:] == of_doc[:-dilation])[:, None]
        slope[:-dilation] += joined[dilation:, :width] * same
        slope[dilation:] += joined[:-dilation, 2 * width :] * same
    return slope


def fit(  # noqa: PLR0913 - what training is asked for, one by one
    batches: Callable[[int], Iterator[Batch]],
    epochs: int,
    features: int,
    *,
    steps: int,
    seed: int = 0,
    start: Parameters | None = None,
    tell: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> Parameters:
    """
    Fit a network by AdamW, from small random weights or, at half the rate, from where another one ended.

    `batches(epoch)` yields that epoch's batches; `steps` is about how many there are in all, for the learning rate;
    `tell` is called after each epoch with its mean loss.
    """
    rate = RATE if start is None else RATE / 2
    begin = start_parameters(features, WIDTH, seed) | (start or {})
    parameters = {name: values.copy() for name, values in begin.items()}
    average = {name: values.copy() for name, values in parameters.items()}
    first = {name: np.zeros_like(values) for name, values in parameters.items()}
    second = {name: np.zeros_like(values) for name, values in parameters.items()}
    random = np.random.default_rng(seed + 1)
    taken = 0
    for epoch in range(epochs):
        losses = []
        for batch in batches(epoch):
            taken += 1
            loss, gradients = backward(parameters, batch, forward(parameters, batch.features, batch.heads, random))
            losses.append(loss)
            norm = np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values()))
            now = rate * min(1.0, taken / WARM_UP) * (0.5 * (1 + np.cos(np.pi * min(1.0, taken / steps))) + 0.01)
            keep = min(AVERAGE, taken / (taken + 10))
            for name, gradient in gradients.items():
                pull = gradient * np.float32(min(1.0, MOST_NORM / (norm + 1e-12)))
                first[name] += np.float32(1 - BETAS[0]) * (pull - first[name])
                second[name] += np.float32(1 - BETAS[1]) * (pull**2 - second[name])
                slope = first[name] / np.float32(1 - BETAS[0] ** taken)
                spread = np.sqrt(second[name] / np.float32(1 - BETAS[1] ** taken)) + np.float32(1e-8)
                decay = DECAY if name.endswith("weights") else 0.0
                parameters[name] -= np.float32(now) * (slope / spread + np.float32(decay) * parameters[name])
                average[name] += np.float32(1 - keep) * (parameters[name] - average[name])
        tell(epoch, float(np.mean(losses)))
    return average


def quantise(parameters: Parameters, sample: Sequence[tuple[Array, Ints]]) -> Network:
    """The network in integers; `sample` (standardised features, heads) shows how large its hidden values get."""
    steps = _steps(parameters, sample)
    convolutions = [_dense(parameters, f"convolution{place}", steps) for place in range(len(DILATIONS))]
    return Network(
        enter=_dense(parameters, "enter", {"enter": INPUT_STEPS / INPUT_LIMIT}),
        convolutions=tuple(convolutions),
        pool=_dense(parameters, "pool", steps),
        compare=_dense(parameters, "compare", steps),
        leave=_dense(parameters, "leave", steps),
        steps=steps,
    )


def parameters_of(network: Network) -> Parameters:
    """What a network in integers computes with, in floating point again."""
    steps = {"enter": INPUT_STEPS / INPUT_LIMIT, **network.steps}
    weights = {
        f"{name}.weights": layer.weights * layer.scale * np.float32(steps[name])
        for name, layer in network.layers.items()
    }
    return weights | {f"{name}.bias": layer.bias for name, layer in network.layers.items()}


def _steps(parameters: Parameters, sample: Sequence[tuple[Array, Ints]]) -> Mapping[str, float]:
    """For each layer how many steps one unit of its input has, so that nearly all of the sample fits."""
    seen: dict[str, list[float]] = {}
    for features, heads in sample:
        # Cut as the network cuts them: one value of a thousand deviations would make all steps too coarse.
        cut = np.clip(features, -INPUT_LIMIT, INPUT_LIMIT)
        for name, values in forward(parameters, cut, heads).inputs.items():
            if name != "enter":
                seen.setdefault(name, []).append(float(np.quantile(values, RANGE)))
    return {name: HIDDEN_STEPS / max(*tops, 1e-6) for name, tops in seen.items()}


def _dense(parameters: Parameters, name: str, steps: Mapping[str, float]) -> Dense:
    weights = parameters[f"{name}.weights"]
    largest = np.maximum(np.abs(weights).max(axis=0), 1e-12)
    whole = np.rint(weights / largest * WEIGHT_STEPS)
    scale = largest / WEIGHT_STEPS / steps[name]
    return Dense(whole.astype(np.float32), scale.astype(np.float32), parameters[f"{name}.bias"].astype(np.float32))
