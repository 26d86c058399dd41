"""Laws of random ReLU nets, W ~ N(0, 2 / fan-in), b ~ N(0, s^2), all derived in the chapter; numpy alone.

In a wide net a preactivation of layer l is Gaussian along a line x + t u, with variance q + p t^2 + 2 r t, where
q = 2 |x|^2 / n + l s^2, p = 2 |u|^2 / n and r = 2 x u / n. Along any curve its variance is |X|^2, with the vector
X = (sqrt(2 / n) x, sqrt(l) s), and it is zero as often as the direction of X turns by pi.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def zeros(x: Array, u: Array, layer: int, s: float, low: float = -math.inf, high: float = math.inf) -> float:
    """Mean number of zeros of a neuron of `layer`, from 1 up, on x + t u for t from `low` to `high`: wide limit.

    A line through the origin has all zeros of a net without biases there, one a neuron.

    >>> zeros(np.ones(3), np.array([1.0, 0, 0]), 2, 0.1)
    1.0
    """
    n = len(x)
    q, p, r = 2 * x @ x / n + layer * s**2, 2 * u @ u / n, 2 * x @ u / n
    root = math.sqrt(max(p * q - r * r, 0))
    if not root:
        return float(low < -r / p < high)
    return (math.atan((p * high + r) / root) - math.atan((p * low + r) / root)) / math.pi


def zeros_around(points: Array, layer: int, s: float) -> float:
    """Mean number of zeros of a neuron of `layer` around a closed curve through these many points (m, n): wide limit.

    That is the length, over pi, of the path of the direction of (sqrt(2 / n) x, sqrt(layer) s) on the sphere.

    >>> angles = np.linspace(0, math.tau, 1000, endpoint=False)
    >>> round(zeros_around(np.stack([np.cos(angles), np.sin(angles)], 1), 3, 0.0), 6)  # around the origin
    2.0
    """
    count, n = points.shape
    lifted = np.concatenate([math.sqrt(2 / n) * points, np.full((count, 1), math.sqrt(layer) * s)], 1)
    lengths = np.linalg.norm(lifted, axis=1, keepdims=True)
    one = (lifted / np.where(lengths, lengths, 1))[lengths[:, 0] > 0]
    other = np.roll(one, -1, axis=0)
    turns = 2 * np.arctan2(np.linalg.norm(one - other, axis=1), np.linalg.norm(one + other, axis=1))
    return float(turns.sum()) / math.pi


def regions_of_line(neurons: int) -> int:
    """Mean number of pieces of a whole line: every neuron cuts it once on average."""
    return 1 + neurons


def regions_of_plane(neurons: int) -> int:
    """Pieces of a plane that so many lines in general position make.

    >>> regions_of_plane(3)
    7
    """
    return 1 + neurons + neurons * (neurons - 1) // 2


def distance(widths: Sequence[int], square: float, s: float) -> float:
    """Mean distance from a point with |x|^2 / n = `square` to the nearest switch of a neuron: wide limit."""
    rate = sum(m * 2 / math.sqrt(math.pi * (2 * square + layer * s**2)) for layer, m in enumerate(widths, 1))
    return 1 / rate
