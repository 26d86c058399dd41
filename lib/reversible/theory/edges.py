"""Where variances stay, the edge of chaos of an activation, and how fast correlations go to one on it.

On the edge chi is one at a fixed point of the variance: a point of it is known by its variance q, since then
s_w^2 = 1 / E phi'^2 and s_b^2 = q - E phi^2 / E phi'^2. Derived in the chapter on Hayou, Doucet and Rousseau (2019).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from reversible.base.checks import InputError, positive
from reversible.theory.activations import Activation
from reversible.theory.mean_field import Field, deviation
from reversible.theory.pair_means import nodes

Array = np.ndarray
GRID = 400  # variances at which signs are looked at
RANGE = 1e-8, 1e8  # between these


@dataclass(frozen=True)
class FixedPoint:
    """A variance that a layer leaves as it is."""

    q: float
    slope: float  # F'(q)
    chi: float

    @property
    def attracts(self) -> bool:
        """Whether variances nearby come to it."""
        return self.slope < 1


def fixed_points(field: Field) -> tuple[FixedPoint, ...]:
    """All between 1e-8 and 1e8 with a sign of F(q) - q that changes, the smallest first.

    Raises InputError where there is none, or where every variance is one, as for ReLU at s_w^2 = 2 and s_b = 0.
    """
    a, (low, high) = field.activation, RANGE
    grid = np.geomspace(low, high, GRID)
    off = np.array([field.variance(q) / q - 1 for q in grid])
    if np.abs(off).max() < 1e-10:
        raise InputError(f"the variance of {a.name} at s_w = {field.s_w:g} must move, and every one is a fixed point")
    places = np.flatnonzero(np.sign(off[:-1]) * np.sign(off[1:]) < 0)
    if not len(places):
        raise InputError(
            f"{a.name} must have a fixed point of the variance between {low:g} and {high:g}, and at s_w = "
            f"{field.s_w:g}, s_b = {field.s_b:g} it has none"
        )
    roots = [_bisect(lambda q: field.variance(q) / q - 1, grid[i], grid[i + 1]) for i in places]
    return tuple(FixedPoint(q, field.attraction(q), field.chi(q)) for q in roots)


def _bisect(f: Callable[[float], float], low: float, high: float) -> float:
    """A root between two values of which f has different signs: halving of logarithms, then the regula falsi."""
    root = optimize.brentq(lambda u: f(math.exp(u)), math.log(low), math.log(high), xtol=1e-15, rtol=1e-15, maxiter=200)  # pyright: ignore[reportArgumentType]
    return math.exp(float(np.asarray(root)))


@dataclass(frozen=True)
class Edge:
    """A point of the edge of chaos: chi = 1 at a fixed point q of the variance."""

    s_b: float
    s_w: float
    q: float
    slope: float  # F'(q)

    @property
    def attracts(self) -> bool:
        """Whether variances nearby come to the fixed point, so that the edge can be held by a net."""
        return self.slope < 1


def _means(a: Activation, q: Array) -> tuple[Array, Array]:
    """E phi^2 and E phi'^2 at each variance (Q,)."""
    x, w = nodes(np.sqrt(q), a.kinks, a.scale)  # (Q, N)
    return (w * a.squares(x)).sum(-1), (w * a.steepness(x)).sum(-1)


def bias_on_edge(a: Activation, q: Array) -> Array:
    """s_b^2 of the point of the edge whose fixed point is q: q - E phi^2 / E phi'^2; below zero there is none.

    On the edge s_w^2 = 1 / E phi'^2, so the fixed point's equation says what s_b is left.
    """
    squares, steep = _means(a, q)
    return q - squares / steep


@functools.lru_cache(64)
def _edge_grid(a: Activation) -> tuple[Array, Array]:
    grid = np.geomspace(1e-10, RANGE[1], 4 * GRID)
    with np.errstate(all="ignore"):
        return grid, bias_on_edge(a, grid)


def edge_curve(a: Activation, s_b: Array) -> list[Edge]:
    """The edge at each s_b (S,): of several points the one with the smallest variance.

    Raises InputError where there is none: ReLU has a single point, at s_b = 0, and softplus has no edge at all.
    """
    wanted = np.array([deviation("s_b", s) for s in np.atleast_1d(s_b)]) ** 2
    grid, bias = _edge_grid(a)
    places = np.array([_rise(a, s, grid, bias) for s in wanted])
    q = _roots(a, wanted, grid[places], grid[places + 1])
    s_w = 1 / np.sqrt(_means(a, q)[1])
    return [
        Edge(math.sqrt(s), float(w), float(v), Field(a, float(w), math.sqrt(s)).attraction(float(v)))
        for s, w, v in zip(wanted, s_w, q, strict=True)
    ]


def _rise(a: Activation, s: float, grid: Array, bias: Array) -> int:
    """Where on the grid the curve rises through s_b^2 = s by more than rounding."""
    clear = ROUNDING * grid
    starts = bias[:-1] < s if s else bias[:-1] < -clear[:-1]
    rises = np.flatnonzero(starts & (bias[1:] >= np.maximum(s, clear)[1:]))
    if len(rises):
        return int(rises[0])
    if not (bias > clear).any():
        raise InputError(f"{a.name} must have an edge of chaos at s_b = {math.sqrt(s):g}, and it has none at all")
    some = np.sqrt(bias[bias > clear])
    raise InputError(f"s_b must be from above {some.min():.3g} to {some.max():.3g} for {a.name}, not {math.sqrt(s):g}")


ROUNDING = 1e-9  # of s_b^2 relative to q: what is smaller is none


def _roots(a: Activation, wanted: Array, low: Array, high: Array) -> Array:
    """Where bias_on_edge rises through each wanted value, to the last digits: halvings, all at once."""
    low, high = np.log(low), np.log(high)
    for _ in range(52):
        middle = (low + high) / 2
        above = bias_on_edge(a, np.exp(middle)) >= wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.exp((low + high) / 2)


def edge(a: Activation, s_b: float) -> Edge:
    """The edge of an activation at one s_b.

    For a line with slopes m and n on the two sides of zero it is the point s_b = 0, s_w^2 = 2 / (m^2 + n^2), where
    every variance is a fixed point: q is then nan. Raises InputError where there is none.
    """
    s_b = deviation("s_b", s_b)
    squares, steep = _means(a, np.array([1e-2, 1.0, 1e2]))
    homogeneous = np.ptp(squares / np.array([1e-2, 1.0, 1e2])) < 1e-12 * squares[1]
    if s_b == 0 and homogeneous:
        return Edge(0.0, float(1 / math.sqrt(steep[1])), math.nan, 1.0)
    if s_b and not homogeneous:
        return edge_curve(a, np.array([s_b]))[0]
    if homogeneous:
        raise InputError(
            f"s_b must be 0 for {a.name}, whose edge is the point s_w = {steep[1] ** -0.5:.6g}, not {s_b:g}"
        )
    return edge_curve(a, np.array([0.0]))[0]


# --- how correlations go to one on the edge ---------------------------------------------------------------------------


def smooth_rate(field: Field, q: float) -> float:
    """beta with 1 - c_l ~ beta / l on the edge of an activation with a continuous slope: 2 / f''(1).

    f''(1) = s_w^2 q^2 E phi''^2 / q' of a dense net.
    """
    bend = field._mean(lambda x: field.activation.bend(x) ** 2, positive("q", q))
    return 2 * field.variance(q) / (field.s_w**2 * q**2 * bend)


def kinked_rate(field: Field, q: float) -> float:
    """kappa with 1 - c_l ~ kappa / l^2 on the edge of an activation whose slope jumps: 4 / s^2.

    There f(c) = c + s (1 - c)^{3/2} + ..., and a jump J at k gives s = s_w^2 q J^2 p / q' 2 sqrt(2) / (3 sqrt(2 pi)),
    with p = exp(-k^2 / (2 q)): x and y lie on both sides of k with a probability of the angle times p / pi.
    """
    a = field.activation
    jumps = sum(j * j * math.exp(-k * k / (2 * q)) for k, j in zip(a.kinks, a.jumps, strict=True))
    s = field.s_w**2 * q / field.variance(q) * jumps * math.sqrt(2) / (3 * math.pi)
    return 4 / s**2
