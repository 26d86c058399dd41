"""Entropies of Gaussian mixtures and what a noisy representation tells of its input, in nats; derived in the chapter.

A representation S takes values in d dimensions, and T = S + Z with Z ~ N(0, sigma^2 I). Where S takes the values s_1,
..., s_n with probabilities w_i, T is a mixture of n Gaussians. Exact by quadrature in one dimension, `entropy_line`; by
draws of the mixture itself in more, `entropy`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import special

from reversible.base.checks import InputError, integer, positive
from reversible.base.estimates import Estimate

Array = np.ndarray
REACH = 12.0  # standard deviations beyond which a Gaussian adds nothing to an integral
FINE = 24  # points of a quadrature to a standard deviation
TOGETHER = 4096  # draws
BLOCK = 2**17  # numbers of a block of distances: what a processor keeps near


def noise_entropy(d: int, sigma: float) -> float:
    """Of N(0, sigma^2 I) in d dimensions.

    >>> round(noise_entropy(1, 1.0), 6)
    1.418939
    """
    return d / 2 * math.log(2 * math.pi * math.e * positive("sigma", sigma) ** 2)


def partition_entropy(masses: Sequence[float] | Array) -> float:
    """Of which cluster a value is in, where they have these probabilities: the plateaus of information.

    >>> round(partition_entropy([0.5, 0.25, 0.25]) / math.log(2), 12)
    1.5
    """
    return float(special.entr(np.asarray(masses, float)).sum())


def most(power: float, d: int, sigma: float) -> float:
    """The most that T tells of its input where S varies by `power`, the mean of |S - E S|^2.

    >>> round(most(3.0, 1, 1.0) / math.log(2), 12)
    1.0
    """
    return d / 2 * math.log1p(power / (d * positive("sigma", sigma) ** 2))


# --- one dimension ----------------------------------------------------------------------------------------------------


def entropy_line(
    points: Sequence[float] | Array, sigma: float, weights: Sequence[float] | Array | None = None
) -> float:
    """Of a mixture of N(point, sigma^2), by the trapezoidal rule; its error is below 1e-9.

    Raises InputError where points, weights or sigma are no finite numbers, and for weights that do not sum to one.
    """
    values, shares, sigma = _checked(np.asarray(points, float).reshape(-1, 1), weights, positive("sigma", sigma))
    step = sigma / FINE
    return sum(float(special.entr(_density(x, values[:, 0], shares, sigma)).sum()) for x in _grid(values, step)) * step


def information_line(
    points: Sequence[float] | Array, sigma: float, weights: Sequence[float] | Array | None = None
) -> float:
    """What one noisy neuron tells of its input, which puts it at these points with these probabilities.

    >>> round(information_line([-1.0, 1.0], 0.01) / math.log(2), 9)
    1.0
    """
    return entropy_line(points, sigma, weights) - noise_entropy(1, sigma)


def spread_line(points: Sequence[float] | Array, sigma: float, weights: Sequence[float] | Array | None = None) -> float:
    """A = the integral of E phi(t - S)^2 / f(t): one plus the chi-squared information of T on S, from 1 to n.

    >>> round(spread_line([-1.0, 1.0], 0.01), 9)
    2.0
    """
    values, shares, sigma = _checked(np.asarray(points, float).reshape(-1, 1), weights, positive("sigma", sigma))
    total, step = 0.0, sigma / FINE
    for x in _grid(values, step):
        each = _gauss(x[:, None] - values[:, 0], sigma)  # (grid, n)
        f = each @ shares
        total += float((np.square(each) @ shares)[f > 0] @ (1 / f[f > 0])) * step
    return total


def information_box(sigma: float) -> float:
    """What T tells of S where S is uniform on [-1, 1].

    >>> round(information_box(1e-4) - math.log(2 / 1e-4) + noise_entropy(1, 1.0), 3)
    0.0
    """
    step = positive("sigma", sigma) / FINE
    x = np.arange(-1 - REACH * sigma, 1 + REACH * sigma, step)
    density = (special.ndtr((x + 1) / sigma) - special.ndtr((x - 1) / sigma)) / 2
    return float(special.entr(density).sum()) * step - noise_entropy(1, sigma)


def _grid(values: Array, step: float) -> Iterator[Array]:
    """Points `step` apart wherever a Gaussian reaches, in parts; gaps that none reaches are left out."""
    reach = round(REACH * FINE)
    low = np.unique(np.round(np.sort(values[:, 0]) / step).astype(np.int64))
    starts = [int(low[0]), *(int(b) for a, b in itertools.pairwise(low) if b - a > 2 * reach)]
    ends = [*(int(a) for a, b in itertools.pairwise(low) if b - a > 2 * reach), int(low[-1])]
    most_at_once = max(64, BLOCK // len(values))
    for first, last in zip(starts, ends, strict=True):
        for at in range(first - reach, last + reach + 1, most_at_once):
            yield step * np.arange(at, min(at + most_at_once, last + reach + 1))


def _gauss(x: Array, sigma: float) -> Array:
    return np.exp(-np.square(x / sigma) / 2) / (sigma * math.sqrt(math.tau))


def _density(x: Array, values: Array, shares: Array, sigma: float) -> Array:
    return _gauss(x[:, None] - values, sigma) @ shares


# --- any dimension ----------------------------------------------------------------------------------------------------


def entropy(
    points: Array, sigma: float, draws: int, rng: np.random.Generator, weights: Sequence[float] | Array | None = None
) -> Estimate:
    """Of a mixture of N(point, sigma^2 I), points (n, d): the mean of -ln f over so many draws from it.

    Where the points are a sample of S this is the plug-in estimate of the entropy of T. The interval is that of the
    draws alone. Memory is that of the points, the draws and a block of distances. Raises InputError as `entropy_line`.
    """
    values, shares, sigma = _checked(points, weights, positive("sigma", sigma))
    return Estimate.of(-_drawn(values, sigma, shares, integer("draws", draws, low=2), rng)[0])


def information(
    points: Array, sigma: float, draws: int, rng: np.random.Generator, weights: Sequence[float] | Array | None = None
) -> Estimate:
    """What T = S + Z tells of which of the `points` (n, d) S is: exact but for the draws, which its interval tells.

    It is the mean of ln of the density that a draw has in its own component over the mixture's.
    """
    values, shares, sigma = _checked(points, weights, positive("sigma", sigma))
    whole, own = _drawn(values, sigma, shares, integer("draws", draws, low=2), rng)
    return Estimate.of(own - whole)


def _drawn(values: Array, sigma: float, shares: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """At so many draws of the mixture ln f, and ln of the density of the component a draw came from: (draws,) each."""
    n, d = values.shape
    whole, own = np.empty(draws), np.empty(draws)
    for at in range(0, draws, TOGETHER):
        part = slice(at, min(at + TOGETHER, draws))
        chosen = rng.choice(n, part.stop - at, p=shares)
        noise = rng.standard_normal((part.stop - at, d))
        own[part] = -np.square(noise).sum(1) / 2 - d * math.log(sigma * math.sqrt(math.tau))
        whole[part] = own[part] + _above_own(values / sigma, chosen, noise, shares)
    return whole, own


def _above_own(scaled: Array, chosen: Array, noise: Array, shares: Array) -> Array:
    """ln of the mixture's density at scaled[chosen] + noise over that of the draw's own component, (draws,).

    A block of distances is one matrix product: with a column for the squared length of a component and one for the
    draw's own exponent, so that few exponents are above zero, and none by much.
    """
    n, d = scaled.shape
    y = scaled - scaled.mean(0)
    half = np.square(y).sum(1) / 2
    table = np.vstack([y.T, -half, np.ones(n)])  # (d + 2, n)
    x = y[chosen] + noise
    own = np.einsum("ij,ij->i", x, y[chosen]) - half[chosen]
    asked = np.column_stack([x, np.ones(len(x)), -own])  # (draws, d + 2)
    rows, sums = max(1, BLOCK // n), np.empty(len(x))
    block = np.empty((min(rows, len(x)), n))
    for at in range(0, len(x), rows):
        part = block[: min(rows, len(x) - at)]
        np.matmul(asked[at : at + rows], table, out=part)
        sums[at : at + rows] = _log_sums(part, shares, d)
    return sums


SAFE = 600  # dimensions in which no exponent above a draw's own is near the largest of a float


def _log_sums(exponents: Array, shares: Array, d: int) -> Array:
    """ln of the sum of shares * exp(exponents), by row; what it is given is written over."""
    top = np.zeros((len(exponents), 1)) if d <= SAFE else exponents.max(1, keepdims=True)
    if d > SAFE:
        exponents -= top
    np.exp(exponents, out=exponents)
    return np.log(exponents @ shares) + top[:, 0]


def first_order_bias(spread: float, d: int, n: int) -> float:
    """How far the plug-in of n samples lies below on average, to first order in 1/n: (A^d - 1) / (2 n).

    Where the d coordinates are independent and alike, and A = `spread` is that of one, by `spread_line`.

    >>> first_order_bias(2.0, 3, 70)
    0.05
    """
    return (spread**d - 1) / (2 * n)


def _checked(points: Array, weights: Sequence[float] | Array | None, sigma: float) -> tuple[Array, Array, float]:
    values = np.asarray(points, float)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InputError(f"points must be finite numbers of the shape (n, d), not {values.shape} with other entries")
    n = len(values)
    shares = np.full(n, 1 / n) if weights is None else np.asarray(weights, float)
    if shares.shape != (n,) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(f"weights must be {n} probabilities that sum to one, not {weights!r}")
    if np.abs(values - values.mean(0)).max() > 1e6 * sigma:
        raise InputError(f"sigma must be at least a millionth of the largest distance of points, not {sigma!r}")
    return values, shares / shares.sum(), sigma
