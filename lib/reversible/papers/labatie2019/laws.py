"""Laws of the size of signal and noise in random nets: exact ones, those of wide nets, and a recursion.

A *signal* is what a batch of inputs becomes at a layer, *noise* what small changes of these inputs become. mu_2 is the
variance of a channel over the batch, averaged over channels, nu_2 the mean square. chi^2 = nu_2(noise) / mu_2(signal),
over the same at the inputs. All is derived in the book's chapter "Signal and noise with depth".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special, stats

from reversible.base.checks import InputError, integer, one_of, positive

Array = np.ndarray
WEIGHTS = ("gaussian", "orthogonal")


def log_length(width: int, weights: str = "gaussian") -> tuple[float, float]:
    """Mean and variance of the log of what a ReLU layer multiplies an input's nu_2 by; exact at any width and depth.

    Of K = Binomial(width, 1/2) active neurons the factor is (2/n) chi^2_K for Gaussian weights of variance 2/n, and
    2 Beta(K/2, (n - K)/2) for an orthogonal matrix times sqrt(2). K = 0, of probability 2^-n, is left out. The factors
    of different layers are independent. The same holds for one noise. `width` from 2 to 100,000.
    """
    n = integer("width", width, low=2, high=100_000)
    active = np.arange(1, n + 1)
    share = stats.binom.pmf(active, n, 0.5)
    share = share / share.sum()
    each, spread = special.digamma(active / 2), special.polygamma(1, active / 2)
    mean = float(share @ each)
    variance = float(share @ spread + share @ (each - mean) ** 2)
    if one_of("weights", weights, WEIGHTS) == "orthogonal":
        return mean - float(special.digamma(n / 2)) + math.log(2), variance - float(special.polygamma(1, n / 2))
    return mean + math.log(4 / n), variance


def relu_factor(nu_1: Array | float, mu_2: Array | float = 1.0) -> Array | float:
    """What a ReLU behind batch normalisation multiplies chi by: (1 - nu_1^2 / (2 mu_2))^(-1/2).

    `nu_1` is the mean of |z|, `mu_2` the variance of z over the batch; exact on average over the signs of rows of
    weights, with the mean over channels of the squared mean of |z|. For Gaussian z it is sqrt(pi / (pi - 1)).
    """
    return 1 / np.sqrt(1 - np.square(nu_1) / (2 * np.asarray(mu_2)))


def mean_modulus(dimension: int) -> float:
    """The mean of |z| of an entry z of a random vector on the sphere of radius sqrt(dimension): sqrt(2/pi) for many.

    >>> round(mean_modulus(1), 12)
    1.0
    """
    d = integer("dimension", dimension)
    return math.sqrt(d / math.pi) * math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2))


def normalised_parts(batch: int) -> tuple[float, float]:
    """Rates of chi a layer, log a layer, of wide normalised nets: of batch normalisation, and of the ReLU.

    With B images the centred signal is spread evenly over d = B - 1 dimensions. The first is log(d / (d - 2)) / 2, the
    second that of `relu_factor` with the `mean_modulus` of d. `batch` from 4: with fewer the first is infinite.
    """
    d = integer("batch", batch, low=4) - 1
    return 0.5 * math.log(d / (d - 2)), float(np.log(relu_factor(mean_modulus(d))))


def ratio_of_squares(signal: Sequence[float] | Array, noise: Sequence[float] | Array, beyond: float) -> float:
    """E[sum_i noise_i w_i^2 + beyond v^2] / (sum_i signal_i w_i^2) for independent standard normal w_i and v.

    It is what a channel of a normalised layer makes of the noise's variance: `signal` are the eigenvalues of the
    signal's covariance, three positive ones or more, `noise` the noise's variances in these directions, `beyond` its
    variance in all others. By 1/s = int_0^inf exp(-s t) dt the mean is one integral, done to a relative 1e-10.
    """
    a, b = np.asarray(noise, float), np.asarray(signal, float)
    if a.shape != b.shape or b.ndim != 1 or np.sum(b > 0) < 3 or b.min(initial=0) < 0:
        raise InputError(f"signal must be 3 positive variances or more, with a noise each, not {b.tolist()[:5]}")
    x, weight = np.polynomial.legendre.leggauss(400)
    low, high = math.log(1e-14 / b.max()), math.log(1e16 / b[b > 0].min())
    t = np.exp(low + (high - low) * (x + 1) / 2)  # t = exp(u): the integrand is smooth in u
    widths = 1 + 2 * np.multiply.outer(t, b)  # (T, directions)
    left = (a / widths).sum(1) + beyond
    values = left * np.exp(-0.5 * np.log(widths).sum(1)) * t
    return float(values @ weight * (high - low) / 2)


def residual_chi(units: Array | int, branch: float, growth: float) -> Array:
    """chi after so many residual units that each add a variance `branch` and whose branch multiplies chi^2 by `growth`.

    The solution of the recursion chi'^2 = chi^2 (S + g b) / (S + b), S' = S + b from S = 1, chi = 1: a ratio of Gamma
    functions, which grows like units^((growth - 1) / 2).
    """
    b, g = positive("branch", branch), positive("growth", growth)
    steps = np.asarray(units, float)
    if steps.min() < 0:
        raise InputError(f"units must be 0 or more, not {steps.min():g}")
    upper = special.gammaln(steps + 1 / b + g) - special.gammaln(1 / b + g)
    lower = special.gammaln(steps + 1 / b + 1) - special.gammaln(1 / b + 1)
    return np.exp((upper - lower) / 2)


def residual_steps(branch: Array, growth: Array, start: float = 1.0) -> Array:
    """The same recursion with a `branch` and a `growth` of each unit's own, (units,) each: chi after every unit."""
    before = start + np.concatenate([[0.0], np.cumsum(branch)[:-1]])
    return np.exp(0.5 * np.cumsum(np.log((before + growth * branch) / (before + branch))))


def power(growth: Any) -> Any:
    """tau: the power of the number of units with which chi grows in the end; of a number or an array."""
    return (growth - 1) / 2


def largest_kurtosis(points: int) -> float:
    """The largest kurtosis that M numbers can have, M - 2 + 1/(M - 1): one of them apart from all others.

    >>> largest_kurtosis(3)
    1.5
    """
    m = integer("points", points, low=2)
    return m - 2 + 1 / (m - 1)
