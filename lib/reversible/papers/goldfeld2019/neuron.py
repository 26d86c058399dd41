"""One neuron with noise, tanh(w x + b) + N(0, sigma^2), on four inputs: the smallest net that compresses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reversible.base.checks import integer

Array = np.ndarray
INPUTS, WANTED = (-3.0, -1.0, 1.0, 3.0), (-1.0, -1.0, -1.0, 1.0)
BEGINS, RATE = (0.1, 0.0), 0.01  # w and b before training; the length of a step
EQUAL = (0.25, 0.25, 0.25, 0.25)  # how probable the inputs are
THIRDS = (1 / 6, 1 / 6, 1 / 3, 1 / 3)  # the first two together are as probable as each other
PLATEAU = 1.5 * math.log(2)  # two of four equal inputs have merged: masses 1/2, 1/4, 1/4


def descent(shares: Sequence[float], steps: Sequence[int], sigma: float = 0.0, seed: int = 0) -> Array:
    """(w, b) after each of these rising `steps` of gradient descent on the mean squared error, (len(steps), 2).

    With `sigma` each step sees noise of that size on what the neuron gives, drawn anew from the seed.
    """
    rng, (w, b), found, at = np.random.default_rng(seed), BEGINS, [], 0
    for step in steps:
        count = integer("steps", step - at, low=0)
        noise = sigma * rng.standard_normal((count, len(INPUTS))) if sigma else np.zeros((count, len(INPUTS)))
        for z in noise.tolist():
            w, b = _stepped(w, b, shares, z)
        at = step
        found.append((w, b))
    return np.array(found)


def _stepped(w: float, b: float, shares: Sequence[float], noise: Sequence[float]) -> tuple[float, float]:
    slope_w = slope_b = 0.0
    for x, wanted, share, z in zip(INPUTS, WANTED, shares, noise, strict=True):
        s = math.tanh(w * x + b)
        slope = 2 * share * (s + z - wanted) * (1 - s * s)
        slope_w, slope_b = slope_w + slope * x, slope_b + slope
    return w - RATE * slope_w, b - RATE * slope_b


def given(w: float, b: float) -> Array:
    """What the neuron gives for each input, before the noise."""
    return np.tanh(w * np.array(INPUTS) + b)
