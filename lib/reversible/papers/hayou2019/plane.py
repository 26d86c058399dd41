"""The plane of s_b and s_w at once, to a few digits: for pictures. What is exact is in `theory.mean_field`.

With Hermite polynomials, E phi(x) phi(y) = sum of a_k(q)^2 c^k (Mehler), so many nets are one matrix product a layer.
A kink makes the coefficients fall slowly; what is cut off of the slope at c = 1 is put on one higher power.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.theory.activations import Activation
from reversible.theory.pair_means import nodes

Array = np.ndarray
TERMS = 32
WIDEST = 8.0  # standard deviation for which the nodes are made: they serve all smaller ones
CAP = 64.0  # variances beyond are looked at there: a function is like a line, or saturates
GRID = 18, 10  # values of s_w and of s_b
DEPTHS = (1, 2, 5, 10, 20, 50, 100, 200)
NEAR, FAR = 0.01, 0.5  # 1 - c of two pairs of inputs


@dataclass(frozen=True, eq=False)
class Hermite:
    """Nodes (N,) of a standard normal number, and orthonormal Hermite polynomials there times the weights (N, K)."""

    z: Array
    w: Array
    weighed: Array

    @classmethod
    def of(cls, terms: int = TERMS) -> Hermite:
        """The first so many."""
        x, w = nodes(np.array(WIDEST), (0.0,))
        x, w = x[w > 0] / WIDEST, w[w > 0]
        rows = [np.ones_like(x), x]
        for k in range(1, terms - 1):
            rows.append((x * rows[k] - np.sqrt(k) * rows[k - 1]) / np.sqrt(k + 1))
        return cls(x, w, np.array(rows).T * w[:, None])


@dataclass(frozen=True, eq=False)
class Step:
    """One layer of many nets (G,): E phi^2, E phi'^2, and squares of coefficients (G, K)."""

    square: Array
    steep: Array
    squares: Array

    @classmethod
    def of(cls, a: Activation, h: Hermite, q: Array) -> Step:
        """At these variances (G,), those beyond CAP scaled up from there."""
        inside = np.minimum(q, CAP)
        x = np.sqrt(inside)[:, None] * h.z
        value, slope = a.phi(x), a.slope(x)
        up = (q / inside)[:, None]
        return cls((value * value) @ h.w * up[:, 0], (slope * slope) @ h.w, (value @ h.weighed) ** 2 * up)

    def apart(self, gap: Array, q: Array) -> Array:
        """E (phi(x) - phi(y))^2 / 2 of pairs with these gaps (G, P): (G, P)."""
        k = np.arange(self.squares.shape[1])
        c = np.clip(1 - gap, -1, 1)
        powers = 1 - c[..., None] ** k  # (G, P, K)
        cut = np.maximum(q * self.steep - self.squares @ k, 0)  # of the slope at c = 1
        high = 2 * len(k)
        return np.einsum("gk,gpk->gp", self.squares, powers) + cut[:, None] / high * (1 - c**high)


def grid() -> tuple[Array, Array]:
    """s_w and s_b of the picture, two arrays."""
    return np.linspace(0.6, 2.5, GRID[0]), np.linspace(0, 1.1, GRID[1])


def followed(a: Activation, s_w: Array, s_b: Array, gaps: tuple[float, ...], layers: int) -> Array:
    """1 - c of pairs that begin with these gaps and the variance 1, in nets (G,): (layers + 1, G, P)."""
    h, q = Hermite.of(), np.ones_like(s_w)
    gap = np.tile(np.array(gaps), (len(s_w), 1))
    found = [gap]
    for _ in range(layers):
        step = Step.of(a, h, q)
        new = np.minimum(s_b**2 + s_w**2 * step.square, 1e200)
        gap = np.clip(s_w[:, None] ** 2 * step.apart(gap, q) / np.maximum(new, 1e-200)[:, None], 0, 2)
        q = np.maximum(new, 1e-200)
        found.append(gap)
    return np.array(found)


def left(a: Activation) -> Array:
    """Share of the difference of a far and a near pair that is left after each of DEPTHS, (depths, s_b, s_w)."""
    s_w, s_b = grid()
    b, w = (part.ravel() for part in np.meshgrid(s_b, s_w, indexing="ij"))
    gaps = followed(a, w, b, (NEAR, FAR), DEPTHS[-1])[list(DEPTHS)]
    share = np.abs(gaps[..., 1] - gaps[..., 0]) / (FAR - NEAR)
    return share.reshape(len(DEPTHS), len(s_b), len(s_w))


def depth_scales(a: Activation, s_w: Array, s_b: Array, layers: int = 300) -> Array:
    """xi of nets (G,) with |c - c*| ~ exp(-l / xi): from the slope of the map where correlations have come to rest."""
    h, q = Hermite.of(80), np.ones_like(s_w)
    for _ in range(layers):
        q = np.clip(s_b**2 + s_w**2 * Step.of(a, h, q).square, 1e-200, 1e200)
    step = Step.of(a, h, q)
    low, high = np.zeros_like(q), np.full_like(q, 2.0)
    for _ in range(40):  # where the map crosses the diagonal, if it does below c = 1
        middle = (low + high) / 2
        grows = s_w**2 * step.apart(middle[:, None], q)[:, 0] / q > middle
        low, high = np.where(grows, middle, low), np.where(grows, high, middle)
    rest = np.where(s_w**2 * step.steep > 1, (low + high) / 2, 0.0)
    k = np.arange(1, step.squares.shape[1])
    slope = s_w**2 * (step.squares[:, 1:] * k * (1 - rest[:, None]) ** (k - 1)).sum(1) / q
    rate = np.where(rest == 0, s_w**2 * step.steep, slope)
    with np.errstate(divide="ignore"):
        return -1 / np.log(np.clip(rate, 1e-300, 1 - 1e-9))
