"""The lowest error of a method over its learning rates, from a curve that is measured with noise, and its interval.

Let u be the binary logarithm of the rate and f(u) a method's expected error, measured at rates h = SPACING apart. The
five rates about the one whose mean with its two neighbours is lowest are smoothed by a cubic (least squares), and its
lowest point within one rate of that one is taken. Above some rate training fails, of single seeds first, and errors
jump: no cubic follows that. So the five end below the first rate there at which a seed's error is more than FAILS times
the lowest mean. Where the minimum is, tuning seeds say, on held-out images. What the error is there, test seeds say, on
test images, by a cubic through the same five rates: no noise is both searched for its minimum and reported.

How far that is off, with f = a + c x^2 + d x^3 + q x^4 about its minimum, and the middle rate z h away from it:

* A parabola in place of the cubic would be off by d h^3 (z^3 - 3.4 z): a curve that is steeper on one side, as these
  are towards the rates at which training fails, would get another minimum wherever the grid happens to lie. The cubic
  has no such term. What is left of the fourth order is q h^4 (-72/35 + 31/7 z^2 - z^4).
* The place is uncertain. The cubic's slope in the middle has the variance k s^2 / (h^2 T) for T tuning seeds, if s is
  the spread of the part of an error that differs from rate to rate, and k = 65/72. The place is the slope over 2 c off,
  and the error there too high by c times the square of that, on average by k s^2 / (4 c h^2 T).

Both are small beside the gains that are looked for, and a comparison takes the difference of two of them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate

SPACING = 0.5  # of the rates, in factors of two: a factor sqrt(2)
AROUND = 2  # rates on each side of the lowest that are smoothed with it
_AT = np.arange(-AROUND, AROUND + 1.0)  # the five, in spacings from the middle one
_FIT = np.linalg.pinv(np.vander(_AT, 4, increasing=True))  # (4, 5): five errors -> the cubic's coefficients
SLOPE = float((_FIT[1] ** 2).sum())  # 65 / 72
FINE = np.linspace(-2, 2, 161)  # where its lowest point is looked for, in spacings from the middle rate
_VALUES = np.vander(FINE, 4, increasing=True) @ _FIT  # (161, 5): five errors -> the cubic there
FAILS = 1.5  # times the lowest mean error of its kind: a seed with more than that was not trained
DRAWS = 2000
BRACKETED = 0.9  # share of draws in which the minimum must be lower than both ends of the curve


@dataclass(frozen=True)
class Curve:
    """The errors of one method by rate, rates rising by SPACING: of tuning seeds and of test seeds."""

    tuning: np.ndarray  # (T, R), on held-out images
    test: np.ndarray  # (N, R), on test images

    def __post_init__(self) -> None:
        (tuning, rates), (test, same) = self.tuning.shape, self.test.shape
        if rates != same or rates < len(_AT) or min(tuning, test) < 2:
            raise InputError(
                f"a curve must have two seeds or more of each kind at {len(_AT)} rates or more, "
                f"not {tuning} at {rates} and {test} at {same}"
            )

    @functools.cached_property
    def usable(self) -> int:
        """How many rates there are below the first one, above the lowest error, at which training fails."""
        failing = [(errors > FAILS * errors.mean(0).min()).any(0) for errors in (self.tuning, self.test)]
        above = np.arange(self.tuning.shape[1]) > _lowest(self.tuning.mean(0)[None])
        first = np.flatnonzero(above & (failing[0] | failing[1]))
        return int(first[0]) if len(first) else len(above)

    def place(self, means: np.ndarray | None = None) -> Place:
        """Where the smooth minimum lies by the tuning seeds, or by other mean errors of them, (B, R)."""
        return place_of(self.tuning.mean(0)[None] if means is None else means, self.usable)


@dataclass(frozen=True)
class Place:
    """Where the smooth minimum of each of B curves lies."""

    rates: np.ndarray  # (B, 5): the rates that are smoothed, by their number on the curve
    weights: np.ndarray  # (B, 5): of their errors, whose sum is the smooth error at the minimum
    at: np.ndarray  # (B,): the minimum, in rates from the first one
    bracketed: np.ndarray  # (B,): whether it is lower than the errors at the first and at the last rate

    def spread(self, rates: int) -> np.ndarray:
        """The weights of all rates, (B, R)."""
        whole = np.zeros((len(self.rates), rates))
        np.put_along_axis(whole, self.rates, self.weights, 1)
        return whole


def place_of(means: np.ndarray, usable: int) -> Place:
    """Of mean errors by rate, (B, R), of which the first `usable` are smoothed."""
    lowest, last = _lowest(means), means.shape[1] - 1
    middle = lowest.clip(AROUND, max(AROUND, usable - 1 - AROUND))
    rates = middle[:, None] + _AT.astype(int)
    fitted = np.take_along_axis(means, rates, 1) @ _VALUES.T  # (B, 161)
    at = middle[:, None] + FINE
    near = (abs(at - lowest.clip(1, last - 1)[:, None]) <= 1) & (at >= 1) & (at <= last - 1)
    best = np.where(near, fitted, np.inf).argmin(1)
    error = np.take_along_axis(fitted, best[:, None], 1)[:, 0]
    inside = (error < np.minimum(means[:, 0], means[:, -1])) & (usable >= len(_AT))
    return Place(rates, _VALUES[best], middle + FINE[best], inside)


def _lowest(means: np.ndarray) -> np.ndarray:
    """The rate whose error is lowest in the mean with its two neighbours', (B,)."""
    beside = np.pad(means, ((0, 0), (1, 1)), mode="edge")
    return (beside[:, :-2] + beside[:, 1:-1] + beside[:, 2:]).argmin(1)


def smooth_errors(curve: Curve) -> np.ndarray:
    """The error of each test seed at the smooth minimum that all tuning seeds point to, (N,)."""
    place = curve.place()
    return curve.test[:, place.rates[0]] @ place.weights[0]


def minimum(curve: Curve, seed: int) -> Estimate:
    """The lowest error of a method, see `contrast`."""
    return contrast([(1.0, curve)], seed)


def gain(above: Curve, below: Curve, seed: int) -> Estimate:
    """By how much the lowest error of `below` lies under that of `above`, paired by seed, see `contrast`."""
    return contrast([(1.0, above), (-1.0, below)], seed)


def contrast(parts: list[tuple[float, Curve]], seed: int, draws: int = DRAWS) -> Estimate:
    """A sum of lowest errors of several methods that were run with the same seeds, each times its factor.

    The interval is that of a nested bootstrap, see `variance`, with Student's t for as many test seeds. Where the
    minimum of one of the methods is bracketed in fewer than BRACKETED of the draws nothing is known of what lies beyond
    the rates: the interval is then all that errors can differ by, and decides nothing.
    """
    tests = len(parts[0][1].test)
    if len({(len(curve.tuning), len(curve.test)) for _, curve in parts}) > 1:
        raise InputError("curves that are compared must have the same seeds")
    places = [curve.place(_drawn(curve, seed, draws)) for _, curve in parts]
    mean = sum(factor * float(smooth_errors(curve).mean()) for factor, curve in parts)
    if min(place.bracketed.mean() for place in places) < BRACKETED:
        most = sum(abs(factor) for factor, _ in parts)
        return Estimate(mean, (-most, most), tests)
    rates = [curve.test.shape[1] for _, curve in parts]
    weights = [part[0] * place.spread(count) for part, place, count in zip(parts, places, rates, strict=True)]
    taken = [factor * curve.place().spread(count) for (factor, curve), count in zip(parts, rates, strict=True)]
    found = variance(np.hstack(taken)[0], np.hstack(weights), np.hstack([curve.test for _, curve in parts]))
    half = float(special.stdtrit(tests - 1, 0.975) * np.sqrt(found))
    return Estimate(mean, (mean - half, mean + half), tests)


def variance(taken: np.ndarray, weights: np.ndarray, test: np.ndarray) -> float:
    """Of a weighted sum of mean errors, whose weights (K,) hang on tuning seeds and whose errors are (N, K).

    Over new tuning and test seeds it is E[w S w] + Var[w m]: S is the covariance of the mean errors, m what they are on
    average. The first is what resampling test seeds would find, in closed form, at the weights that were taken. For the
    second there are the weights (B, K) of draws of the tuning seeds; in it the means that were measured stand for m,
    and their noise moves the sum from draw to draw by tr(Cov[w] S), which is in the first already and is taken off. (A
    bootstrap that resamples both kinds of seeds and leaves it there has intervals that are too wide.)
    """
    covariance = np.cov(test, rowvar=False) / len(test)
    within = max(0.0, float(taken @ covariance @ taken))  # of equal seeds it rounds to a little less
    between = float(np.var(weights @ test.mean(0), ddof=1) - (np.cov(weights, rowvar=False) * covariance).sum())
    return within + max(0.0, between) / 3


def _drawn(curve: Curve, seed: int, draws: int) -> np.ndarray:
    """Mean errors by rate of tuning seeds that are drawn anew, (B, R); the same ones for curves of the same seeds.

    One seed less is drawn than there are: then the variance of the mean is that of new seeds on average.
    """
    seeds = len(curve.tuning)
    which = np.random.default_rng(seed).integers(seeds, size=(draws, seeds - 1))
    return curve.tuning[which].mean(1)


def bracketed(curve: Curve, seed: int, draws: int = DRAWS) -> float:
    """The share of draws of the tuning seeds in which the minimum is lower than both ends of the curve."""
    return float(curve.place(_drawn(curve, seed, draws)).bracketed.mean())


def power(gain: float, spread: float, seeds: int) -> float:
    """The probability that the 95 % interval of a mean over so many seeds lies above zero where `gain` is the truth.

    `spread` is the standard deviation of one seed's difference. By the noncentral t distribution.

    >>> power(0.003, 0.004, 32) > 0.98, power(0.0, 0.004, 32).__round__(3)
    (True, 0.025)
    """
    critical = special.stdtrit(seeds - 1, 0.975)
    return float(1 - special.nctdtr(seeds - 1, gain / spread * np.sqrt(seeds), critical))


def seeds_for(gain: float, spread: float, wanted: float = 0.8, most: int = 100_000) -> int:
    """The fewest seeds with which `power` is as large as wanted.

    >>> seeds_for(0.003, 0.005)
    24
    """
    low, high = 1, 2
    while power(gain, spread, high) < wanted:
        low, high = high, 2 * high
        if high > most:
            raise InputError(f"gain must be large enough to be seen with {most} seeds, not {gain}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(gain, spread, middle) >= wanted else (middle, high)
    return high
