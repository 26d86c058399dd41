"""The nets of this paper: random ones, and one that folds a segment again and again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from reversible.nets.program import Program

Array = np.ndarray


def random_net(widths: Sequence[int], s: float, rng: np.random.Generator) -> Program:
    """W ~ N(0, 2 / fan-in), b ~ N(0, s^2); the widths of the inputs, of the hidden layers and of what is given."""
    return Program.of(
        [
            (rng.standard_normal((m, n)) * math.sqrt(2 / n), s * rng.standard_normal(m))
            for n, m in itertools.pairwise(widths)
        ]
    )


def tent(times: int) -> list[tuple[Array, Array]]:
    """The tent map of [0, 1], 2 relu(x) - 4 relu(x - 1/2), so many times over: 2^times pieces with 2 times neurons."""
    first, fold = np.ones((2, 1)), np.array([[2.0, -4.0]])
    shift = np.array([0, -0.5])
    return [(first, shift), *[(first @ fold, shift)] * (times - 1), (fold, np.zeros(1))]


def shaken(layers: list[tuple[Array, Array]], c: float, rng: np.random.Generator) -> Program:
    """Every weight times 1 + c z and every bias plus c z, for independent standard normal z."""
    return Program.of(
        [(W * (1 + c * rng.standard_normal(W.shape)), b + c * rng.standard_normal(b.shape)) for W, b in layers]
    )
