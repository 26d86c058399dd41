"""The laws of this paper's measures on random matrices, and the scales of weights at initialisation.

W is n x p, n >= p, its entries independent of variance sigma^2, and c = sqrt(p / n). Eigenvalues are of W^T W, the
squares of the singular values, so that the bulk ends at edge = sigma^2 (sqrt(n) + sqrt(p))^2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from reversible.theory.singular_values import (
    Array,
    largest_singular_value,
    marchenko_pastur,
    spiked,
    threshold,
    tracy_widom,
)

TRUNCATED = float(stats.truncnorm.std(-2, 2))  # sd of a standard normal variable cut off at two


def edge(n: int, p: int, sigma: float = 1.0) -> float:
    """Where the law of Marchenko and Pastur ends.

    >>> edge(400, 100)
    900.0
    """
    return sigma**2 * (math.sqrt(n) + math.sqrt(p)) ** 2


def top(n: int, p: int) -> tuple[float, float]:
    """Mean and sd of the largest eigenvalue at sigma = 1, by the law of Tracy and Widom for a finite matrix."""
    mu, tau = largest_singular_value(n, p)
    return mu + tau * float(tracy_widom.mean()), tau * float(tracy_widom.std())


def soft_rank(n: int, p: int) -> float:
    """The mean soft rank of a random matrix, edge over largest eigenvalue: 1 in the limit, more at a finite size.

    >>> round(soft_rank(512, 512), 3), round(soft_rank(128, 10), 3)
    (1.013, 1.087)
    """
    mean, sd = top(n, p)
    return edge(n, p) / mean * (1 + (sd / mean) ** 2)


def stable_rank(n: int, p: int) -> float:
    """The mean stable rank of a random matrix, sum over largest eigenvalue; in the limit p / (1 + c)^2.

    >>> round(stable_rank(512, 512), 1), 512 / 4
    (129.7, 128.0)
    """
    return n * p * soft_rank(n, p) / edge(n, p)


def glorot(n: int, p: int) -> float:
    """The sd of entries that Glorot and Bengio (2010) give a layer, whichever way round it is."""
    return math.sqrt(2 / (n + p))


def unit_sigma(sd: float, n: int) -> float:
    """The sigma of a law that is fitted to W^T W as if it were over n, as the authors' notebooks do: sd sqrt(n).

    >>> round(unit_sigma(glorot(2450, 500), 2450), 4), round(unit_sigma(TRUNCATED * glorot(4096, 384), 4096), 4)
    (1.2888, 1.1895)
    """
    return sd * math.sqrt(n)


def spiked_over_edge(strength: float, ratio: float) -> float:
    """Where a signal of `strength` times the threshold ratio^(1/4) is seen: its eigenvalue over the bulk's edge.

    (ratio + t)(1 + 1 / t) over (1 + sqrt(ratio))^2, t the squared signal; 1 at the threshold and below.

    >>> round(spiked_over_edge(2, 0.5) * (1 + 0.5**0.5) ** 2, 3), spiked_over_edge(0.5, 0.5)
    (4.505, 1.0)
    """
    theta = max(strength, 1.0) * threshold(ratio)
    return float((spiked(np.array(theta), ratio) / (1 + math.sqrt(ratio))) ** 2)


def overlaps(strength: float, ratio: float) -> tuple[float, float]:
    """Squared cosines of the signal's and the spike's directions, of length n and of length p; 0 below the threshold.

    Benaych-Georges and Nadakuditi (2012), theorem 2.9 of theirs for Gaussian noise.
    """
    if strength <= 1:
        return 0.0, 0.0
    square = strength**2 * math.sqrt(ratio)
    return 1 - (ratio + square) / (square * (square + 1)), 1 - ratio * (1 + square) / (square * (square + ratio))


def tail_exponent(mu: float) -> float:
    """That of the density of the largest eigenvalues: entries with P(|w| > x) ~ x^-mu, mu below 4, and no mean.

    The largest eigenvalues are those of the largest squared entries, whose density falls with the exponent 1 + mu / 2.
    """
    return 1 + mu / 2


def unequal(variances: Array, ratio: float, points: int = 400) -> tuple[Array, Array, Array]:
    """The law of the eigenvalues of C^(1/2) Z^T Z C^(1/2) / n, C with these `variances` as eigenvalues: a grid, its
    density there and its distribution function.

    With the Stieltjes transform m of Z C Z^T / n, which has n - p zeros more, z = -1 / m + ratio * mean(v / (1 + v m))
    (Marchenko and Pastur 1967, Silverstein and Bai 1995). Without these zeros it is (m + (1 - ratio) / z) / ratio; the
    density is its imaginary part over pi, next to the real line.
    """
    end = 1.02 * float(variances.max()) * (1 + math.sqrt(ratio)) ** 2
    grid = np.linspace(1e-3, 1, points) * end
    z = grid + 1e-3j * end
    m = (_companion(z, variances, ratio) + (1 - ratio) / z) / ratio
    density = np.maximum(m.imag, 0) / np.pi
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    return grid, density / below[-1], below / below[-1]


def _companion(z: Array, variances: Array, ratio: float, rounds: int = 2000) -> Array:
    """m of Z C Z^T / n by its fixed point, with half steps; it converges where Im z > 0."""
    m = np.full(z.shape, 1j)
    for _ in range(rounds):
        new = 1 / (ratio * (variances / (1 + np.multiply.outer(m, variances))).mean(-1) - z)
        if np.abs(new - m).max() < 1e-7 * np.abs(m).max():
            break
        m = (m + new) / 2
    return m


def bulk_pdf(values: Array, n: int, p: int) -> Array:
    """The density of the law of Marchenko and Pastur at eigenvalues over n, at sigma = 1."""
    law: Any = marchenko_pastur(p / n)
    return law.pdf(values)


def bulk_cdf(values: Array, n: int, p: int) -> Array:
    """The law of Marchenko and Pastur at eigenvalues over n, at sigma = 1."""
    return marchenko_pastur(p / n).cdf(values)
