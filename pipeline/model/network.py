"""
The network that judges paragraphs in their context, in integers.

A dense layer reads each paragraph's features; residual convolutions with growing dilation read its neighbours, up to 31
paragraphs each way; mean and maximum over the document tell every paragraph what kind of document it stands in; a last
layer compares what the paragraph is by itself with what it is in context.

Inputs of every matrix product are integers of 8 bits, so all sums stay below 2**24 and are exact in float32: a score
does not depend on the machine, the number of threads, or what else is in the batch (quantisation as in Jacob et al.
2018, arXiv 1712.05877, after training).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.text import Ints

Array = npt.NDArray[np.float32]

INPUT_LIMIT = 6.0
"""Standardised features are cut at so many standard deviations."""
INPUT_STEPS = 127
HIDDEN_STEPS = 255
WEIGHT_STEPS = 127
DILATIONS = (1, 2, 4, 8, 16)
POOL_AFTER = 1
"""The document is pooled after this convolution (from 0)."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer: `weights` (integers in float32, one column an output), `scale` and `bias` one an output."""

    weights: Array
    scale: Array
    bias: Array

    def __call__(self, inputs: Array) -> Array:
        outputs = inputs @ self.weights
        outputs *= self.scale
        outputs += self.bias
        return outputs


@dataclass(frozen=True, slots=True)
class Network:
    """All layers; `steps` gives, for each layer but the first, how many integer steps one unit of its input has."""

    enter: Dense
    convolutions: tuple[Dense, ...]
    pool: Dense
    compare: Dense
    leave: Dense
    steps: Mapping[str, float]

    @property
    def layers(self) -> Mapping[str, Dense]:
        """All layers by name."""
        convolutions = {f"convolution{place}": layer for place, layer in enumerate(self.convolutions)}
        ends = {"enter": self.enter, "pool": self.pool, "compare": self.compare, "leave": self.leave}
        return ends | convolutions

    def log_odds(self, features: Array, heads: Ints) -> npt.NDArray[np.float64]:
        """
        Log odds that each paragraph is kept.

        `features` are standardised, one row a paragraph; `heads` holds the index of each document's first paragraph.
        """
        own = _relu(self.enter(np.rint(np.clip(features, -INPUT_LIMIT, INPUT_LIMIT) * (INPUT_STEPS / INPUT_LIMIT))))
        count = np.diff(np.append(heads, len(features)))
        of_doc = np.repeat(np.arange(len(heads)), count)
        hidden = own.copy()
        steps, outputs, scratch = np.empty_like(own), np.empty_like(own), np.empty_like(own)
        for place, convolution in enumerate(self.convolutions):
            self._integers(hidden, f"convolution{place}", steps)
            hidden += _relu(_convolve(convolution, steps, DILATIONS[place], of_doc, outputs, scratch))
            if place == POOL_AFTER:
                self._integers(hidden, "pool", steps)
                mean = np.rint(np.add.reduceat(steps, heads, dtype=np.float64) / count[:, None]).astype(np.float32)
                pooled = np.concatenate([mean, np.maximum.reduceat(steps, heads)], axis=1)
                hidden += _relu(self.pool(pooled))[of_doc]
        both = np.concatenate([hidden, own], axis=1)
        compared = _relu(self.compare(self._integers(both, "compare", both)))
        return self.leave(self._integers(compared, "leave", compared))[:, 0].astype(np.float64)

    def _integers(self, values: Array, layer: str, steps: Array) -> Array:
        """Non-negative values in whole steps, written to `steps`."""
        np.multiply(values, np.float32(self.steps[layer]), out=steps)
        np.minimum(steps, np.float32(HIDDEN_STEPS), out=steps)
        return np.rint(steps, out=steps)


def _convolve(  # noqa: PLR0913, PLR0917
    layer: Dense, values: Array, dilation: int, of_doc: Ints, outputs: Array, scratch: Array
) -> Array:
    """
    The layer's outputs for each row together with the rows `dilation` above and below it in the same document.

    The layer's weights are those for the row above, the row itself and the row below. Written to `outputs`; both it
    and `scratch` are there to be used again, as large arrays made anew cost more than what is done with them.
    """
    width = values.shape[1]
    above, own, below = layer.weights[:width], layer.weights[width : 2 * width], layer.weights[2 * width :]
    np.matmul(values, own, out=outputs)
    if len(values) > dilation:
        parted = np.flatnonzero(of_doc[dilation:] != of_doc[:-dilation])
        np.matmul(values, above, out=scratch)
        scratch[parted] = 0
        outputs[dilation:] += scratch[:-dilation]
        np.matmul(values, below, out=scratch)
        scratch[parted + dilation] = 0
        outputs[:-dilation] += scratch[dilation:]
    outputs *= layer.scale
    outputs += layer.bias
    return outputs


def _relu(values: Array) -> Array:
    return np.maximum(values, np.float32(0), out=values)
