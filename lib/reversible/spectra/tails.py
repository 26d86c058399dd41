"""Power laws fitted to the upper end of a spectrum, and three rivals that may fit it better.

**The fit.** For each value xmin but the largest, alpha is 1 + 1 / mean(y), with y = ln(x / xmin) of the values from
xmin up: the most likely one of a power law without an upper end. The xmin is taken whose law has the smallest
Kolmogorov distance D from these values (Clauset, Shalizi and Newman 2009). `fit` agrees with the package powerlaw in
its release 1.5 and is a hundred times as fast. With `ended` the law is cut off at the largest value in D alone, which
is what the package does where it is called as `Fit(values, xmax=max(values))`, as Martin and Mahoney's notebooks call
it: the upper end then has a say in xmin and none in alpha at that xmin.

**With an upper end throughout.** On [xmin, xmax] a power law has the density exp(-t y) for 0 <= y <= L, t = alpha - 1
and L = ln(xmax / xmin). The likelihood is largest where the mean of y is 1 / t - L / (exp(t L) - 1). This falls in t,
so that halving an interval finds it: `slope`.

**The rivals.** On that interval, or up to infinity, a lognormal law has the density exp(-t y - a y^2) with a >= 0, and
a power law with an exponential cut-off exp(-t y - a (exp(y) - 1)) with a >= 0. Both are a power law at a = 0. So twice
the gain in log-likelihood, of a true power law on a fixed interval, is above GAIN in one case of twenty: half of the
time it is zero, and else chi squared with one degree of freedom (Chernoff 1954). Without an upper end this is so for
the lognormal law, and for the cut-off where t > 2, so that x has a variance; in draws of few values, and of the
cut-off below that, it is up to three times as often. An exponential law is the second rival at t = -1. A power law
*stands* where neither gains more than GAIN on it, and where the values are enough to rule out the exponential law; see
`stands`. Of exponential samples about one in twenty pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError

Array = np.ndarray
GAIN = 2.706  # the 90 % point of chi squared with one degree of freedom
FAR = 300.0  # a length that is no end, and whose exponential still has a square
RULED_OUT = 3.841  # its 95 % point
FEWEST = 10  # values that a rival is tried on
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
BENDS: dict[str, Callable[[Array], Array]] = {"lognormal": np.square, "cutoff": np.expm1}
RIVALS = tuple(BENDS)
FIRST = 4.0 ** np.arange(-12, 4)  # values of a that are tried first, over the bend at the largest value


@dataclass(frozen=True)
class Tail:
    """A power law fitted to the values from xmin to xmax, which is infinite where the law has no upper end."""

    alpha: float
    xmin: float
    xmax: float
    distance: float  # D
    count: int  # values from xmin up

    @property
    def length(self) -> float:
        """L, the interval's length in logarithms."""
        return math.log(self.xmax / self.xmin)


def fit(values: Array, *, ended: bool) -> Tail:
    """See above; InputError for fewer than ten positive values."""
    x = np.sort(np.asarray(values, float))
    x = x[x > 0]
    if len(x) < FEWEST or x[0] == x[-1]:
        raise InputError(f"a tail needs {FEWEST} positive values that are not all the same, not {len(x)}")
    logs = np.log(x)
    places = np.unique(x, return_index=True)[1]  # of each value the first
    starts = places[:-1]
    means = np.cumsum(logs[::-1])[::-1][starts] / (len(x) - starts) - logs[starts]
    slopes = 1 / means
    distances = [
        _distance(logs[places[i:]] - logs[at], (places[i:] - at) / (len(x) - at), slopes[i], ended)
        for i, at in enumerate(starts)
    ]
    best = int(np.argmin(distances))
    at = starts[best]
    xmax = float(x[-1]) if ended else math.inf
    return Tail(1 + float(slopes[best]), float(x[at]), xmax, distances[best], len(x) - int(at))


def bounded(values: Array, tail: Tail) -> float:
    """The most likely alpha of a power law on [xmin, xmax], with the upper end in its likelihood, too."""
    if math.isinf(tail.xmax):
        return tail.alpha
    y = _logs(values, tail)
    return 1 + float(slope(np.array([y.mean()]), np.array([tail.length]))[0])


def _logs(values: Array, tail: Tail) -> Array:
    x = np.asarray(values, float)
    return np.log(x[x >= tail.xmin] / tail.xmin)


def slope(mean: Array, length: Array) -> Array:
    """The t >= 0 of exp(-t y) on [0, length] with that mean of y; 0 where it is half the length or more.

    >>> t = slope(np.array([0.3]), np.array([1e9]))
    >>> round(float(t[0]), 6)
    3.333333
    """
    low, high = np.zeros(len(mean)), 1 / np.maximum(mean, 1e-12)  # 1 / mean is that of no upper end, and larger
    for _ in range(60):
        middle = (low + high) / 2
        with np.errstate(over="ignore"):
            there = 1 / middle - length / np.expm1(middle * length)
        low, high = np.where(there > mean, middle, low), np.where(there > mean, high, middle)
    return (low + high) / 2


def _distance(y: Array, below: Array, t: float, ended: bool) -> float:
    """D of rising y, with the share `below` each, from exp(-t y) up to y's largest or on."""
    whole = -math.expm1(-t * y[-1]) if ended else 1.0
    return float(np.abs(-np.expm1(-t * y) / whole - below).max())


# --- rivals -----------------------------------------------------------------------------------------------------------


def gains(values: Array, tail: Tail) -> dict[str, float]:
    """Twice what the log-likelihood of each rival gains over the power law, all of them on [xmin, xmax]."""
    y, start = _logs(values, tail), np.array([bounded(values, tail) - 1, 0.0])
    length = _length(y, tail)
    found = {}
    for name, bend in BENDS.items():
        plain = _likelihood(start, y, length, bend)[0]
        found[name] = max(2 * len(y) * (_largest(start, y, length, bend) - plain), 0.0)
    return found


def _length(y: Array, tail: Tail) -> float:
    """L, or for a law without an upper end so much that what lies beyond is nothing to the largest y and to the law."""
    return tail.length if math.isfinite(tail.xmax) else min(max(2 * float(y.max()), 30 / (tail.alpha - 1)), FAR)


def over_exponential(values: Array, tail: Tail) -> float:
    """Twice what a power law's log-likelihood gains over that of an exponential law from xmin up without an end.

    >>> values = np.random.default_rng(0).uniform(size=200) ** -1.0
    >>> over_exponential(values, fit(values, ended=False)) > 100
    True
    """
    y = _logs(values, tail)
    t, rate = 1 / y.mean(), 1 / np.expm1(y).mean()
    return float(2 * len(y) * (math.log(t) - 1 - (math.log(rate) + y.mean() - 1)))


def stands(rivals: dict[str, float], over: float) -> bool:
    """Neither rival gains more than GAIN on the power law, and it gains more than RULED_OUT on an exponential law."""
    return over > RULED_OUT and max(rivals.values()) <= GAIN


def _largest(at: Array, y: Array, length: float, bend: Callable[[Array], Array]) -> float:
    """The mean log-likelihood of exp(-t y - a bend(y)) at its best t and a >= 0, by Newton's method: it is concave.

    The first a is the best of many, as far from zero as they may have to be: at a = 0 the law can have so long a tail
    that Newton's steps in a are next to nothing.
    """
    value, slopes, curve = _likelihood(at, y, length, bend)
    if slopes[1] <= 0:  # it would fall with a, and the likelihood is concave: a = 0 is best
        return value
    for a in FIRST / float(bend(y.max())):
        new = _likelihood(np.array([at[0], a]), y, length, bend)
        if new[0] > value:
            at, (value, slopes, curve) = np.array([at[0], a]), new
    for _ in range(100):
        unit = np.sqrt(np.diagonal(curve))
        step = np.linalg.solve(curve / np.outer(unit, unit) + 1e-12 * np.eye(2), slopes / unit) / unit
        size = 1.0
        while size > 1e-6:
            tried = at + size * step
            new = _likelihood(tried, y, length, bend)
            if tried[1] >= 0 and new[0] >= value:
                break
            size /= 2
        else:
            break
        gained, at, (value, slopes, curve) = new[0] - value, tried, new
        if gained < 1e-10:
            break
    return value


def _likelihood(at: Array, y: Array, length: float, bend: Callable[[Array], Array]) -> tuple[float, Array, Array]:
    """Mean log density of y, its slopes in (t, a), and minus its second derivatives, by quadrature over [0, length]."""
    nodes = length * (NODES + 1) / 2
    features = np.stack([nodes, bend(nodes)])
    exponent = -at @ features
    peak = exponent.max()
    weights = WEIGHTS * length / 2 * np.exp(exponent - peak)
    whole = weights.sum()
    shares = weights / whole
    mean = features @ shares
    seen = np.array([y.mean(), bend(y).mean()])
    off = features - mean[:, None]
    return float(-at @ seen - peak - math.log(whole)), mean - seen, (off * shares) @ off.T
