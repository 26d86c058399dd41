"""The laws of singular values of random matrices, as scipy distributions, in numpy and scipy alone.

W is n x p with n >= p (transpose it otherwise): independent entries of mean zero and standard deviation sigma. The
*ratio* is p / n, in (0, 1]. Spectra are of W / sqrt(n), so that sigma is the scale of every law below.

**The law** (Marchenko and Pastur 1967; the quarter circle is its square case). With c = sqrt(ratio) and
s^2 = sigma^2 (1 + c^2 + 2 c cos t), the angle t in [0, pi] of a singular value s has the density

    2 sin^2 t / (pi (1 + c^2 + 2 c cos t)).

So s lies between sigma (1 - c) and sigma (1 + c), and with psi = arctan(c sin t / (1 + c cos t)) the share of singular
values above s is

    (2 / pi) G(t),   G = (2 c^2 (t - psi) + 2 (psi - c sin t)) / (4 c^2),

which follows by differentiation. Its moments are E (s / sigma)^r = 2F1(-r/2, 1 - r/2; 2; ratio) for every r >= 0: for
even r these are Narayana's polynomials, 1, 1 + ratio, ...; for r = 1 and the square case it is 8 / (3 pi).
"""

# Subclasses of scipy's distributions name their shape parameters:
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

Array = np.ndarray

NEARLY_ZERO = 1e-4  # below this c two terms of a series are as good as double precision gets


def _share_above(angle: Array, ratio: Array) -> Array:
    """P[s > s(t)] = (2 / pi) G(t): the distribution function of the angle."""
    c = np.sqrt(ratio)
    small = c < NEARLY_ZERO
    series = (angle - np.sin(angle) * np.cos(angle)) / np.pi - 4 * c / (3 * np.pi) * np.sin(angle) ** 3
    c = np.where(small, 1.0, c)
    psi = np.arctan2(c * np.sin(angle), 1 + c * np.cos(angle))
    exact = (c**2 * (angle - psi) + psi - c * np.sin(angle)) / (np.pi * c**2)
    return np.where(small, series, np.clip(exact, 0, 1))


def _angle_of(square: Array, ratio: Array) -> Array:
    """The angle t of s^2, at sigma = 1."""
    return np.arccos(np.clip((square - 1 - ratio) / (2 * np.sqrt(ratio)), -1, 1))


def _square_of(share: Array, ratio: Array) -> Array:
    """s^2 at sigma = 1 with `share` of the singular values above it, by halving the interval of its angle."""
    share, ratio = np.broadcast_arrays(np.asarray(share, float), np.asarray(ratio, float))
    low, high = np.zeros(share.shape), np.full(share.shape, np.pi)
    for _ in range(54):
        middle = (low + high) / 2
        below = _share_above(middle, ratio) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 1 + ratio + 2 * np.sqrt(ratio) * np.cos((low + high) / 2)


class _MarchenkoPastur(stats.rv_continuous):
    """Eigenvalues of W^T W / n, W n x p of independent entries of variance `scale`; shape parameter `ratio` = p / n.

    >>> law = marchenko_pastur(0.25, scale=4.0)
    >>> [float(round(edge, 6)) for edge in law.support()], float(round(law.mean(), 6))
    ([1.0, 9.0], 4.0)
    """

    power = 1  # the variable x stands for: s^2 = sigma^2 x^power

    def _argcheck(self, ratio: Any) -> Any:
        return (ratio > 0) & (ratio <= 1)

    def _get_support(self, ratio: Any) -> Any:
        root = np.sqrt(np.abs(ratio))  # asked before a negative one is refused
        return np.abs(1 - root) ** (2 / self.power), (1 + root) ** (2 / self.power)

    def _pdf(self, x: Any, ratio: Any) -> Any:
        low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
        square = x**self.power
        with np.errstate(divide="ignore", invalid="ignore"):  # the square case has a pole at 0, for s^2
            towards_low = np.where(ratio == 1, x ** (self.power / 2 - 1), np.sqrt(np.maximum(square - low, 0)) / x)
        return self.power * np.sqrt(np.maximum(high - square, 0)) * towards_low / (2 * np.pi * ratio)

    def _cdf(self, x: Any, ratio: Any) -> Any:
        return 1 - _share_above(_angle_of(x**self.power, ratio), ratio)

    def _sf(self, x: Any, ratio: Any) -> Any:
        return _share_above(_angle_of(x**self.power, ratio), ratio)

    def _ppf(self, q: Any, ratio: Any) -> Any:
        return _square_of(1 - q, ratio) ** (1 / self.power)

    def _isf(self, q: Any, ratio: Any) -> Any:
        return _square_of(q, ratio) ** (1 / self.power)

    def _munp(self, n: Any, ratio: Any) -> Any:
        return special.hyp2f1(-n / self.power, 1 - n / self.power, 2, ratio)


class _SingularValues(_MarchenkoPastur):
    """Singular values of W / sqrt(n), W n x p of independent entries of sd `scale`; shape parameter `ratio` = p / n.

    >>> law = singular_values(1.0, scale=2.0)
    >>> [float(round(edge, 6)) for edge in law.support()], float(round(law.mean() * 3 * np.pi / 16, 6))
    ([0.0, 4.0], 1.0)
    """

    power = 2


marchenko_pastur = _MarchenkoPastur(name="marchenko_pastur", shapes="ratio")
singular_values = _SingularValues(name="singular_values", shapes="ratio")


def quarter_circle(scale: float = 1.0) -> Any:
    """The law of a square matrix's singular values, sqrt(4 - s^2) / pi on [0, 2] at scale 1: `singular_values(1)`."""
    return singular_values(1.0, scale=scale)


# The largest eigenvalue of a real random matrix, centred and scaled, has the Tracy-Widom law with beta = 1. M. Chiani
# (J. Multivariate Analysis 129, 2014) gives this gamma law, shifted, for it: right to about 0.005 in the distribution.
tracy_widom = stats.gamma(46.446, loc=-9.84801, scale=0.186054)


def largest_singular_value(n: int, p: int) -> tuple[float, float]:
    """(mu, tau) of the largest eigenvalue of W^T W, W n x p of N(0, 1) entries: it is mu + tau TW (Johnstone 2001).

    With the halves of Ma (2012), which make it right to order min(n, p)^(-2/3).
    """
    roots = np.sqrt(max(n, p) - 0.5), np.sqrt(min(n, p) - 0.5)
    mu = (roots[0] + roots[1]) ** 2
    return float(mu), float((roots[0] + roots[1]) * (1 / roots[0] + 1 / roots[1]) ** (1 / 3))


def gaussian_singular_values(n: int, p: int, generator: np.random.Generator) -> Array:
    """Singular values, falling, of an n x p matrix of N(0, 1) entries, exact in law and in O(p^2) operations.

    Householder reflections bring such a matrix to a bidiagonal one of independent chi variables (Dumitriu and Edelman
    2002): chi_n, chi_(n-1), ... on the diagonal and chi_(p-1), ..., chi_1 beside it.
    """
    from scipy.linalg import eigh_tridiagonal

    n, p = max(n, p), min(n, p)
    diagonal = generator.chisquare(n - np.arange(p))
    beside = generator.chisquare(p - 1 - np.arange(p - 1)) if p > 1 else np.zeros(0)
    squares = diagonal + np.append(0.0, beside)  # B B^T: d_i^2 + e_(i-1)^2, e_i d_i
    values = eigh_tridiagonal(squares, np.sqrt(beside * diagonal[:-1]), eigvals_only=True)
    return np.sqrt(np.maximum(values[::-1], 0))


def threshold(ratio: float) -> float:
    """What a rank-one signal's singular value must exceed, over sigma sqrt(n), to leave the bulk: ratio^(1/4).

    Baik, Ben Arous and Peche (2005), Benaych-Georges and Nadakuditi (2012).
    """
    return ratio**0.25


def spiked(theta: Array, ratio: float) -> Array:
    """Where a signal of singular value theta > ratio^(1/4) is seen, both over sigma sqrt(n) (Benaych-Georges and N.).

    sqrt((1 + theta^2) (ratio + theta^2)) / theta; at the threshold it is the edge 1 + sqrt(ratio).
    """
    return np.sqrt((1 + theta**2) * (ratio + theta**2)) / theta


def largest_of_unequal_scales(rows: Array, columns: Array) -> tuple[float, float]:
    """(mu, tau) as `largest_singular_value` has them, of A Z B: Z n x p of N(0, 1) entries, A and B diagonal.

    On the diagonals stand the scales a = `rows` (n) and b = `columns` (p), not negative and not all zero. With
    H(u) = sum_i a_i^2 u / (1 - a_i^2 u) / n and F(v) = sum_j b_j^2 v / (1 - b_j^2 v) / n, both rising from 0 without
    end, each t > 0 has u(t) and v(t) with H(u) = F(v) = t. Then mu / n is the smallest x(t) = t / (u v), where the
    law of the eigenvalues over n ends (Silverstein and Bai 1995 for equal columns, Paul and Silverstein 2009), and
    tau = (mu^2 x'' / (2 n))^(1/3) comes from how steeply it ends. The book's chapter on spectra derives both. What a
    finite matrix takes off them is taken from equal scales.

    >>> mu, tau = largest_of_unequal_scales(np.ones(400), np.full(100, 2.0))
    >>> [round(found / 4 / equal, 9) for found, equal in zip((mu, tau), largest_singular_value(400, 100))]
    [1.0, 1.0]
    """
    a, b, n = np.square(rows), np.square(columns), len(rows)
    low, high, u, v, bends = -40.0, 40.0, 0.0, 0.0, 0.0  # low and high of log t
    for _ in range(64):
        middle = (low + high) / 2
        (u, slope, bend), (v, other, turn) = (_at(squares, n, np.exp(middle)) for squares in (a, b))
        low, high = (middle, high) if slope + other > 1 else (low, middle)
        bends = bend + turn
    t = np.exp((low + high) / 2)
    x = t / (u * v)
    curved = -bends * x / t**2  # x'': at its smallest value x' is zero, and -bends that of log x in log t
    mu, tau = largest_singular_value(n, len(b))
    c = np.sqrt(len(b) / n)
    finite = mu / (n * (1 + c) ** 2), tau / (n * (1 + c) ** 4 / c) ** (1 / 3)
    return float(n * x * finite[0]), float((n * x**2 * curved / 2) ** (1 / 3) * finite[1])


def _at(squares: Array, n: int, t: float) -> tuple[float, float, float]:
    """y with sum squares y / (1 - squares y) / n = t, and there the first and second d log y / d log t."""
    low, high = 0.0, 1 / float(squares.max())
    for _ in range(64):
        y = (low + high) / 2
        low, high = (y, high) if float((squares * y / (1 - squares * y)).sum()) < n * t else (low, y)
    y = (low + high) / 2
    parts = squares * y / (1 - squares * y)
    first, second = float(parts.sum()), float((parts * (1 + parts)).sum())
    third = float((parts * (1 + parts) * (1 + 2 * parts)).sum())
    slope = first / second
    return y, slope, slope * (1 - first * third / second**2)
