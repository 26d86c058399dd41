"""Means over Gaussian numbers, one or a correlated pair, by quadrature that is split where the function has a kink.

A function that bends within a length `scale`, and is smooth but for its kinks, is integrated over panels: they end at
the kinks, are three standard deviations long at most, and grow geometrically away from zero in units of `scale`. On
each the rule of Gauss and Legendre converges geometrically. Beyond nine standard deviations nothing counts in double
precision for functions that grow like a power. Panels of length zero, where a limit lies outside, add nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray
REACH = 9.0  # standard deviations: what lies beyond weighs 2e-19
STEP = 3.0  # of them: the longest panel
GROWTH = (2.0, 5.0, 12.0, 30.0, 75.0, 190.0, 480.0, 1200.0)  # ends of panels in units of the function's scale
NODES = 20  # a panel, of a mean over one number
PAIR_NODES = 16  # a panel and dimension, of a mean over two
TURNS = (3.0, 6.0, 9.0)  # around a kink, in units of how wide it looks from the other number
FLAT = 0.2  # cosine of the angle between two numbers below which a kink of one is not sharp for the other


@functools.cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(nodes)


def _panels(ends: Array, nodes: int) -> tuple[Array, Array]:
    """Nodes and weights (..., (P - 1) nodes) of the panels between ends (..., P), which need not be sorted."""
    t, w = _legendre(nodes)
    ends = np.sort(ends, axis=-1)
    middle, half = (ends[..., 1:] + ends[..., :-1]) / 2, (ends[..., 1:] - ends[..., :-1]) / 2
    shape = (*ends.shape[:-1], -1)
    return (
        (middle[..., None] + half[..., None] * t).reshape(shape),
        (half[..., None] * w).reshape(shape),
    )


def _bends(reach: float, scale: float) -> list[float]:
    """Ends of panels that a function of that scale needs between -reach and reach, in its own units."""
    return [sign * g * scale for g in GROWTH if g * scale < reach for sign in (-1, 1)]


def _weighed(x: Array, w: Array, sd: Array) -> Array:
    z = x / sd
    return w * np.exp(-z * z / 2) / (sd * math.sqrt(2 * math.pi))


def nodes(sd: Array, kinks: Sequence[float] = (), scale: float = 1.0) -> tuple[Array, Array]:
    """Nodes x and weights, (..., N) each, of the mean over x ~ N(0, sd^2), for deviations (...) above zero."""
    sd = np.asarray(sd, float)[..., None]
    reach = REACH * float(sd.max())
    fixed = np.array([*_bends(reach, scale), *kinks])
    z = np.arange(-REACH, REACH + 1, STEP)
    inside = np.clip(np.broadcast_to(fixed, (*sd.shape[:-1], len(fixed))), -REACH * sd, REACH * sd)
    ends = np.concatenate([sd * z, inside], -1)
    x, w = _panels(ends, NODES)
    return x, _weighed(x, w, sd)


@functools.lru_cache(512)
def _octave(octave: int, scale: float) -> tuple[Array, Array]:
    """Nodes in standard deviations and weights, for deviations from 2^octave up to twice that and kinks at zero."""
    sd = 2.0 ** (octave + 1)
    x, w = nodes(np.array(sd), (0.0,), scale)
    kept = w > 0
    return x[kept] / sd, w[kept]


def scalar_nodes(sd: float, kinks: tuple[float, ...], scale: float) -> tuple[Array, Array]:
    """The same for one deviation; where no kink lies elsewhere than at zero they are kept from call to call."""
    if any(kinks):
        x, w = nodes(np.array(sd), kinks, scale)
        return x[w > 0], w[w > 0]
    z, w = _octave(math.frexp(sd)[1] - 1, scale)
    return sd * z, w


def mean(f: Callable[[Array], Array], sd: float, kinks: tuple[float, ...] = (), scale: float = 1.0) -> float:
    """E f(x) for x ~ N(0, sd^2).

    >>> round(mean(lambda x: np.maximum(x, 0) ** 2, 2.0, (0.0,)), 12)
    2.0
    """
    x, w = scalar_nodes(sd, kinks, scale)
    return float(w @ f(x))


def pair_nodes(
    sd_x: float, sd_y: float, angle: float, kinks: tuple[float, ...] = (), scale: float = 1.0
) -> tuple[Array, Array, Array]:
    """Nodes x (N, 1) and y (N, M) and weights (N, M) of the mean over a pair of deviations, correlated by cos(angle).

    The inner mean over y given x is split at the kinks; as a function of x it turns where the middle of y passes a
    kink, within a length that shrinks with the angle, and there the outer panels are short.
    """
    c, s = math.cos(angle), math.sin(angle)
    x, w = _outer(sd_x, sd_y, c, s, kinks, scale)
    spread = sd_y * s
    along = (sd_y / sd_x * c * x)[:, None]  # (N, 1): the mean of y given x
    fixed = np.array([*_bends(REACH * (sd_y + spread), scale), *kinks])
    reach = REACH * spread
    moved = np.clip(fixed - along, -reach, reach)  # (N, F): relative to the mean, so that no digit is lost
    z = np.broadcast_to(spread * np.arange(-REACH, REACH + 1, STEP), (len(x), int(2 * REACH / STEP) + 1))
    ends = np.concatenate([z, moved], 1)
    off, v = _panels(ends, PAIR_NODES)  # (N, M)
    v = _weighed(off, v, np.array(spread))
    used = (v > 0).any(0)
    return x[:, None], along + off[:, used], w[:, None] * v[:, used]


def _outer(sd_x: float, sd_y: float, c: float, s: float, kinks: tuple[float, ...], scale: float) -> tuple[Array, Array]:
    reach = REACH * sd_x
    ends = [*(sd_x * np.arange(-REACH, REACH + 1, STEP)), *_bends(reach, scale), *kinks]
    if abs(c) > FLAT:
        width = sd_x * s / abs(c)
        ends += [k * sd_x / (sd_y * c) + sign * t * width for k in kinks for t in TURNS for sign in (-1, 1)]
        ends += [k * sd_x / (sd_y * c) for k in kinks]
    x, w = _panels(np.clip(np.array(ends), -reach, reach), PAIR_NODES)
    weight = _weighed(x, w, np.array(sd_x))
    return x[weight > 0], weight[weight > 0]


def pair_mean(
    g: Callable[[Array, Array], Array], sd_x: float, sd_y: float, angle: float,
    kinks: tuple[float, ...] = (), scale: float = 1.0,
) -> float:  # fmt: skip
    """E g(x, y) for normal x and y of these deviations whose correlation is cos(angle); the angle is above zero.

    >>> round(pair_mean(lambda x, y: x * y, 1.0, 2.0, math.pi / 3), 12)
    1.0
    """
    x, y, w = pair_nodes(sd_x, sd_y, angle, kinks, scale)
    return float(np.sum(w * g(x, y)))
