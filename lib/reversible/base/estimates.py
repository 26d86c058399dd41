"""A number with its 95 % interval and the number of independent repeats behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import InputError


@dataclass(frozen=True)
class Estimate:
    """A mean, its 95 % interval and how many independent repeats stand behind it (0: exact, no sampling)."""

    mean: float
    ci95: tuple[float, float]
    n: int

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) for x in (self.mean, *self.ci95)):
            raise InputError(f"an estimate must be finite, not {self.mean} with interval {self.ci95}")

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray) -> Estimate:
        """Mean and Student t interval of independent `values`, at least two.

        >>> Estimate.of([1.0, 2.0, 3.0]).mean
        2.0
        """
        values = np.asarray(values, float)
        if len(values) < 2:
            raise InputError(f"an interval needs at least 2 independent values, not {len(values)}")
        mean, half = float(values.mean()), _t(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
        return cls(mean, (mean - half, mean + half), len(values))

    @classmethod
    def of_share(cls, shares: Sequence[float] | np.ndarray) -> Estimate:
        """Clopper-Pearson interval of a proportion; a repeat that is itself a share counts as one trial, no more."""
        shares = np.asarray(shares, float)
        n, k = len(shares), round(float(shares.sum()))
        low = float(special.betaincinv(k, n - k + 1, 0.025)) if k else 0.0
        high = float(special.betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
        return cls(float(shares.mean()), (low, high), n)

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """A number without sampling error, from quadrature or a worst case over all that was run."""
        return cls(float(value), (float(value), float(value)), 0)

    def sqrt(self) -> Estimate:
        """The square root of a mean, with its interval carried over."""
        low, high = (math.sqrt(max(x, 0.0)) for x in self.ci95)
        return Estimate(math.sqrt(max(self.mean, 0.0)), (low, high), self.n)

    def scaled(self, by: float) -> Estimate:
        """The estimate times a known positive number."""
        return Estimate(self.mean * by, (self.ci95[0] * by, self.ci95[1] * by), self.n)

    @property
    def half_width(self) -> float:
        return (self.ci95[1] - self.ci95[0]) / 2

    def z(self, value: float) -> float:
        """Standard score of the mean against `value`: the normal deviate as likely as its Student t."""
        error = self.half_width / _t(self.n - 1)
        if error == 0:
            return 0.0 if self.mean == value else math.copysign(40, self.mean - value)
        t = (self.mean - value) / error
        return math.copysign(float(-special.ndtri(max(special.stdtr(self.n - 1, -abs(t)), 1e-300))), t)

    def __str__(self) -> str:
        if self.n == 0:
            return f"{self.mean:.4g}"
        digits = max(0, 1 - math.floor(math.log10(self.half_width))) if self.half_width > 0 else 4
        text = f"{{:.{digits}f}}" if digits <= 5 else "{:.3g}"
        low, high = (text.format(x) for x in self.ci95)
        return f"{text.format(self.mean)} [{low}, {high}]"


def pooled(estimates: Sequence[Estimate]) -> Estimate:
    """The plain mean of independent estimates, with the interval that their standard errors give it."""
    errors = [e.half_width / _t(e.n - 1) for e in estimates]
    mean = sum(e.mean for e in estimates) / len(estimates)
    half = 1.96 * math.sqrt(sum(error**2 for error in errors)) / len(estimates)
    return Estimate(mean, (mean - half, mean + half), sum(e.n for e in estimates))


def over_law(measured: Iterable[tuple[Estimate, float]]) -> Estimate:
    """The mean ratio of independent estimates to what a law says of each, which is 1 where the law is right.

    >>> over_law([(Estimate(2.0, (1.8, 2.2), 10), 2.0), (Estimate(3.3, (3.1, 3.5), 10), 3.0)]).mean.__round__(6)
    1.05
    """
    return pooled([estimate.scaled(1 / law) for estimate, law in measured])


def largest(estimates: Sequence[Estimate]) -> Estimate:
    """The largest of several true values, with an interval that holds it in 95 cases of 100 or more.

    Each estimate's interval is widened until all hold together (Bonferroni); the largest true value then lies between
    the largest of the lower ends and the largest of the upper ones. The mean is the largest mean.

    >>> largest([Estimate.exact(1.0), Estimate.exact(3.0)]).ci95
    (3.0, 3.0)
    """
    ends = [_together(e, len(estimates)) for e in estimates]
    low, high = (max(end) for end in zip(*ends, strict=True))
    return Estimate(max(e.mean for e in estimates), (low, high), min(e.n for e in estimates))


def smallest(estimates: Sequence[Estimate]) -> Estimate:
    """The smallest of several true values, as `largest`."""
    found = largest([Estimate(-e.mean, (-e.ci95[1], -e.ci95[0]), e.n) for e in estimates])
    return Estimate(-found.mean, (-found.ci95[1], -found.ci95[0]), found.n)


def furthest(estimates: Sequence[Estimate], law: float) -> Estimate:
    """The largest distance of several true values from what a law says of all, with an interval as `largest` has it."""
    low, high = 0.0, 0.0
    for e in estimates:
        below, above = (end - law for end in _together(e, len(estimates)))
        low, high = max(low, below, -above), max(high, abs(below), abs(above))
    return Estimate(max(abs(e.mean - law) for e in estimates), (low, high), min(e.n for e in estimates))


def rms_gap(estimates: Sequence[Estimate], law: float) -> Estimate:
    """How far several true values lie from what a law says of all, root mean square: 0 where the law holds for each.

    The square of an estimate's distance is too large by the square of its standard error, on average; that is taken
    off. The interval is for the values of which these are a random sample.

    >>> rms_gap([Estimate.exact(1.1), Estimate.exact(0.9), Estimate.exact(1.1)], 1.0).mean.__round__(6)
    0.1
    """
    return Estimate.of([(e.mean - law) ** 2 - _error(e) ** 2 for e in estimates]).sqrt()


def _error(e: Estimate) -> float:
    """The standard error of an estimate; none of an exact number."""
    return e.half_width / _t(e.n - 1) if e.n > 1 else 0.0


def _together(e: Estimate, count: int) -> tuple[float, float]:
    """The interval of one of `count` estimates with which all hold in 95 cases of 100."""
    if e.n < 2:
        return e.ci95
    wider = float(special.stdtrit(e.n - 1, 1 - 0.025 / count)) / _t(e.n - 1)
    return e.mean - wider * (e.mean - e.ci95[0]), e.mean + wider * (e.ci95[1] - e.mean)


def ratio(above: Estimate, below: Estimate) -> Estimate:
    """Ratio of two independent positive estimates, its interval by the delta method."""
    mean = above.mean / below.mean
    half = mean * math.hypot(above.half_width / above.mean, below.half_width / below.mean)
    return Estimate(mean, (mean - half, mean + half), min(above.n, below.n))


def root_mean_square(values: Iterable[float]) -> Estimate:
    """Of z-scores: about 1 where a law is exact, whatever the precision of the run; larger where it is not."""
    return Estimate.exact(math.sqrt(float(np.mean(np.square(list(values))))))


def logs(values: Iterable[float]) -> np.ndarray:
    """Natural logarithms as an array."""
    return np.log(np.array(list(values), float))


def slope(x: Sequence[np.ndarray], y: np.ndarray, which: int = 0) -> Estimate:
    """Least squares of y on the columns `x` and a constant: the coefficient of column `which`, with its t interval.

    >>> slope([np.array([0.0, 1.0, 2.0])], np.array([1.0, 3.0, 5.0])).mean.__round__(6)
    2.0
    """
    design = np.column_stack([*x, np.ones(len(y))])
    freedom = len(y) - design.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        raise InputError(f"a slope in {len(x)} variables cannot be read off these {len(y)} points")
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ coefficients
    covariance = np.linalg.inv(design.T @ design) * (residual @ residual) / freedom
    mean, half = float(coefficients[which]), _t(freedom) * math.sqrt(covariance[which, which])
    return Estimate(mean, (mean - half, mean + half), len(y))


def _t(freedom: int) -> float:
    return float(special.stdtrit(freedom, 0.975))


def jackknife(statistic: Callable[..., float], *columns: np.ndarray) -> Estimate:
    """A smooth `statistic` of columns that are paired by row: mean and Student t interval of its pseudo-values.

    >>> jackknife(np.mean, np.array([1.0, 2.0, 3.0])) == Estimate.of([1.0, 2.0, 3.0])
    True
    """
    n, whole = len(columns[0]), statistic(*columns)
    without = [statistic(*(np.delete(column, i) for column in columns)) for i in range(n)]
    return Estimate.of([n * whole - (n - 1) * part for part in without])
