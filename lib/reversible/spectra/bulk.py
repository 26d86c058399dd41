"""The bulk of a matrix's singular values: the noise level sigma, its law's edges, and the spikes that leave it.

**Method.** A random matrix W (n x p, n >= p, entries of sd sigma) that carries a signal of rank r has about r singular
values of its own, the *spikes*; the others are those of a random (n - r) x (p - r) matrix, whose law is known. So:

1. The p - r smallest singular values are set against the quantiles of that law; the slope through the middle half of
   them, by least squares, is sigma. Singular values are rigid: each lies within about 1/p of its quantile, so half of
   them give sigma to a part in p or so, and neither the spikes nor an outlier at zero has a say. The median alone
   (Gavish and Donoho 2014) is one point of this line; without the step from p to p - r it is biased by the signal.
2. Values above the edge of the law are spikes. The edge of a finite matrix is the 99 % point of the Tracy-Widom law
   of its largest value, so that one random matrix in a hundred shows one.
3. From r = 0 the two steps are repeated until r stays.

A signal whose singular value is below ratio^(1/4) sigma sqrt(n) leaves no trace in the singular values; above it, a
spike stands out once it is past the edge's own fluctuation. No method that sees only singular values finds others.

**The noise for which this is right** has independent entries of one variance, with light tails: x^4 P(|w| > x) -> 0,
which is what it takes for the largest singular value to stay at the edge (Ding and Yang 2018). In other noise values
leave the bulk without a signal: those of the largest entries of a heavy tail, of correlated rows, and of rows or
columns that are larger than others; where few entries are not zero, the few make a heavy tail. There is then no one
sigma to be found, and a spike is no signal. Unequal scales can be taken out first (`spectra.scales`); heavy tails show
beside a matrix's own entries in random order, correlations beside one of its own scales (`spectra.matrix`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from reversible.base.checks import InputError
from reversible.theory.singular_values import Array, largest_singular_value, singular_values, tracy_widom

FALSE_ALARM = 1e-2  # share of random matrices that show a spike
MIDDLE = (0.25, 0.75)  # of the singular values: what sigma is read from
FARTHEST, LEVELLED = 1.085, 1.7  # a of `farthest`: of a matrix as it is, and of a levelled one
TW = float(tracy_widom.isf(FALSE_ALARM))


@dataclass(frozen=True)
class Bulk:
    """The law of Marchenko and Pastur fitted to a matrix's singular values, all in the matrix's own units."""

    sigma: float  # sd of the noise's entries
    n_spikes: int  # singular values above spike_edge
    edge_low: float  # where the law begins and ends: sigma (sqrt(n - r) -+ sqrt(p - r)), r the number of spikes
    edge_high: float
    spike_edge: float  # edge_high and the Tracy-Widom fluctuation of the largest singular value
    ks: float  # largest distance of the distribution of the other values from the law: 0 fits, 1 is nothing alike


def fit(values: Array, shape: tuple[int, int]) -> Bulk:
    """The bulk of the singular values `values` (any order) of a matrix of that `shape`, at least 2 x 2.

    Where the noise has independent entries of one variance and of light tails (Gaussian, Laplace, random signs), and
    the signal up to a tenth of the rank, sigma is right within 2 % and the number of spikes within one of those that
    stand above the edge. For other noise nothing is promised. The book's chapter on spectra measures both.
    """
    n, p = max(shape), min(shape)
    values = np.sort(np.asarray(values, float))[::-1][:p]
    if p < 2 or len(values) < p or not values[0] > 0:
        raise InputError(f"a bulk needs {p} singular values, at least 2 and not all zero, not {len(values)} of {shape}")
    r = 0
    while True:
        sigma, law = _noise(values[r:], n - r, p - r)
        mu, tau = largest_singular_value(n - r, p - r)
        edge = sigma * np.sqrt(mu + TW * tau)
        found = min(int((values > edge).sum()), p - 2)
        if found <= r:
            break
        r = found
    low, high = law.support()
    ks = distance(values[r:], law.cdf(values[r:]))
    return Bulk(sigma, r, float(low), float(high), float(edge), ks)


def _noise(values: Array, n: int, p: int) -> tuple[float, Any]:
    """sigma from the middle of p falling singular values of an n x p matrix, and their law at that sigma."""
    places = (np.arange(p) + 0.5) / p
    middle = (places >= MIDDLE[0]) & (places <= MIDDLE[1])
    quantiles = singular_values.isf(places[middle], p / n)
    slope = float(values[middle] @ quantiles / (quantiles @ quantiles))
    return slope / np.sqrt(n), singular_values(p / n, scale=max(slope, 1e-300))


def farthest(p: int, levelled: bool = False) -> float:
    """The 99 % point of `Bulk.ks` where p values are left in the bulk of a random matrix, of any shape: (a + b ln p)/p.

    Singular values are rigid: how many lie below a point varies by ln p / pi^2 (its variance, for real matrices), and
    what is logarithmically correlated has a largest value of sqrt(2 / pi^2) ln p to first order (Claeys, Fahs, Lambert
    and Webb 2021 prove it for complex matrices). So b = sqrt(2) / pi, whatever the ratio; a is a fit to draws of
    Gaussian matrices of 32 to 2,048 singular values and ratios of 0.02 to 1. How often random matrices pass it is
    measured in the book's chapter on spectra. Below 32 values it is not known.

    A matrix that was `levelled` (`spectra.scales`) is farther: dividing by scales that were fitted to itself moves its
    values by a part in p. Its a is that of square matrices, and others pass it less often.
    """
    return ((LEVELLED if levelled else FARTHEST) + math.sqrt(2) / math.pi * math.log(p)) / p


def distance(values: Array, cdf: Array) -> float:
    """Kolmogorov's distance of falling `values` from the law whose distribution function is `cdf` at them."""
    p = len(values)
    below = (p - np.arange(p)) / p  # share of values up to each of them
    return float(np.maximum(below - cdf, cdf - below + 1 / p).max())


def split(matrix: Array) -> tuple[Array, Array]:
    """A matrix as (bulk, spikes): the sum of its singular components inside and outside of the bulk, float64."""
    matrix = np.asarray(matrix, float)
    left, values, right = linalg.svd(matrix, full_matrices=False, check_finite=False)
    r = fit(values, (matrix.shape[0], matrix.shape[1])).n_spikes
    spikes = (left[:, :r] * values[:r]) @ right[:r]
    return matrix - spikes, spikes
