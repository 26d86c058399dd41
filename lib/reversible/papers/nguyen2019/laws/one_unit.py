"""The smallest net with a bad valley: one sample x = 1 with target 1, one unit, no bias: (v sigma(w) - 1)^2 / 2.

{loss <= a} is where c_1 <= v sigma(w) <= c_2 with c = 1 -+ sqrt(2 a). For a < 1/2 c_1 is above zero, so v and sigma(w)
have one sign, and no path leads from v, w > 0 to v, w < 0; at a = 1/2 the two axes join them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from reversible.base.checks import InputError, integer, positive
from reversible.papers.nguyen2019.nets import LEAK, activation

Array = np.ndarray
PASS = 0.5  # loss of the lowest way between the two pieces: that of giving zero


def loss(v: Array, w: Array, name: str) -> Array:
    """(v sigma(w) - 1)^2 / 2 for one of nets.ACTIVATIONS."""
    return 0.5 * np.square(v * activation(name).of(w) - 1)


def area_below(c: float, R: float) -> float:
    """Of {v w <= c} in [0, R]^2: c + c ln(R^2 / c), and R^2 where c is larger than that."""
    c = min(max(c, 0.0), R * R)
    return c + c * math.log(R * R / c) if c > 0 else 0.0


def areas(a: float, R: float) -> tuple[float, float]:
    """Of the parts of {loss <= a} with v, w > 0 and with v, w < 0 in [-R, R]^2, for the leaky ReLU.

    Where w < 0 the unit gives LEAK w, so that c stands over LEAK there. InputError for a that is not positive.
    """
    low, high = (max(0.0, 1 + sign * math.sqrt(2 * positive("a", a))) for sign in (-1, 1))
    above, below = (area_below(high / s, R) - area_below(low / s, R) for s in (1.0, LEAK))
    return above, below


def grid(R: float, points: int) -> tuple[Array, Array]:
    """Midpoints of points^2 cells of [-R, R]^2: v along the first axis, w along the second."""
    centres = (np.arange(integer("points", points)) + 0.5) * 2 * R / points - R
    v, w = np.meshgrid(centres, centres, indexing="ij")
    return v, w


def pieces(a: float, R: float, points: int, name: str) -> tuple[int, float, float]:
    """By flood fill on a grid: how many pieces {loss <= a} has, and its areas with v, w > 0 and with v, w < 0."""
    v, w = grid(R, points)
    inside = loss(v, w, name) <= a
    count = int(ndimage.label(inside)[1])  # pyright: ignore[reportIndexIssue]
    cell = (2 * R / points) ** 2
    return count, float((inside & (v > 0) & (w > 0)).sum() * cell), float((inside & (v < 0) & (w < 0)).sum() * cell)


def lowest_pass(R: float, points: int, name: str) -> float:
    """The smallest loss at which the grid's cells join (1, 1) to the other piece's (-1, -1 / LEAK), by bisection."""
    if points % 2:
        raise InputError(f"points must be even, so that no cell lies on an axis, not {points}")
    v, w = grid(R, points)
    heights = loss(v, w, name)
    ends = [_cell(at, R, points) for at in ((1.0, 1.0), (-1.0, -1.0 / LEAK))]
    levels = np.unique(heights[heights >= max(heights[end] for end in ends)])
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        label = ndimage.label(heights <= levels[middle])[0]  # pyright: ignore[reportIndexIssue]
        low, high = (low, middle) if label[ends[0]] == label[ends[1]] else (middle + 1, high)
    return float(levels[low])


def _cell(at: tuple[float, float], R: float, points: int) -> tuple[int, int]:
    row, column = (int((x + R) * points / (2 * R)) for x in at)
    return row, column
