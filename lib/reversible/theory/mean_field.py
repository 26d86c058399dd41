"""What an infinitely wide random net does to a signal from layer to layer: maps of variance, angle and sensitivity.

W ~ N(0, s_w^2 / fan-in), b ~ N(0, s_b^2). A preactivation of two inputs is then a Gaussian pair, layer by layer:

    q' = s_b^2 + s_w^2 E phi(x)^2                  the variance, x ~ N(0, q); F(q)
    q' c' = s_b^2 + s_w^2 E phi(x) phi(y)          the correlation of two inputs of one variance; c' = f(c)
    chi = s_w^2 E phi'(x)^2 = f'(1) q' / q         the sensitivity: how the square of a small distance grows

A residual layer adds its own input, which has the sizes of a dense layer's output and is independent of its weights:
q' = q + F(q), q' c' = q c + ..., and chi is one more.

The state of a pair is its *gap* 1 - c and not c: from q' (1 - c') = s_w^2 E (phi(x) - phi(y))^2 / 2 all terms are
positive, and no digit is lost however near to one c is. At a fixed variance the quotient of the two gaps is a smooth
function of the angle, of which polynomials of Chebyshev keep all digits: a layer then takes microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft

from reversible.base.checks import InputError, integer, positive, real
from reversible.theory.activations import Activation
from reversible.theory.pair_means import mean, pair_mean

Array = np.ndarray
NARROWEST = 1e-12  # a gap 1 - c below which the mean over a pair has no ten digits in double precision
DIGITS = 3e-13  # what the polynomial may lack, relative
DEGREES = (24, 48, 96, 192, 384)
LARGEST = 1e300  # a variance that has run away
STILL = 4e-16  # a relative change of the variance that is rounding


def deviation(name: str, value: object) -> float:
    """A standard deviation: zero or more.

    >>> deviation("s_b", "0.2")
    0.2
    """
    number = real(name, value)
    if number < 0:
        raise InputError(f"{name} must be a number from 0 to 1e+12, not {value!r}")
    return number


def gap_of(correlation: object) -> float:
    """1 - c of a correlation; InputError outside [-1, 1], and so near to one that float64 has lost the difference.

    >>> gap_of(0.25)
    0.75
    """
    c = real("the correlation", correlation)
    if not -1 <= c <= 1:
        raise InputError(f"the correlation must be a number from -1 to 1, not {correlation!r}")
    if 0 < 1 - c < NARROWEST:
        raise InputError(
            f"the correlation must be 1 or below 1 by {NARROWEST:g} or more, not {c!r}: nearer to one float64 runs out "
            "of digits; give the gap 1 - c instead"
        )
    return 1 - c


def _angle(gap: float) -> float:
    return 2 * math.asin(math.sqrt(min(gap, 2.0) / 2))


@dataclass(frozen=True, eq=False)
class Field:
    """A wide random net by its activation and the two deviations of its weights and biases."""

    activation: Activation
    s_w: float
    s_b: float = 0.0
    residual: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "s_w", deviation("s_w", self.s_w))
        object.__setattr__(self, "s_b", deviation("s_b", self.s_b))

    def _mean(self, f: Callable[[Array], Array], q: float) -> float:
        a = self.activation
        if q == 0:
            return float(f(np.zeros(1))[0])
        return mean(f, math.sqrt(q), a.kinks, a.scale)

    # --- one layer ----------------------------------------------------------------------------------------------------

    def variance(self, q: float) -> float:
        """The next layer's variance, F(q) of a dense layer."""
        return self.residual * q + self.s_b**2 + self.s_w**2 * self._mean(self.activation.squares, q)

    def chi(self, q: float) -> float:
        """By how much the square of a small distance grows in a layer whose preactivations have the variance q."""
        return self.residual + self.s_w**2 * self._mean(self.activation.steepness, q)

    def attraction(self, q: float) -> float:
        """F'(q): at a fixed point below one where it draws variances to it, above one where it drives them away.

        By Stein's lemma d/dq E phi(x)^2 = E x phi(x) phi'(x) / q, for which phi need not bend smoothly.
        """
        a = self.activation
        moved = self._mean(lambda x: x * a.phi(x) * a.slope(x), positive("q", q)) / q
        return self.residual + self.s_w**2 * moved

    def next_gap(self, gap: float, q: float) -> float:
        """1 - c' of two inputs of the variance q, by a mean over pairs."""
        return gap * self.s_gap(_angle(gap), q) * q / self.variance(q)

    def s_gap(self, angle: float, q: float) -> float:
        """How many times the product of gap and variance grows in a layer, by a mean over pairs; chi at angle zero."""
        if angle == 0:
            return self.chi(q)
        if 2 * math.sin(angle / 2) ** 2 < NARROWEST:
            raise InputError(
                f"the gap 1 - c must be 0 or {NARROWEST:g} or more for a mean over pairs, not "
                f"{2 * math.sin(angle / 2) ** 2:.3g}: float64 runs out of digits; `at(q)` goes on from there"
            )
        a, sd = self.activation, math.sqrt(q)
        half = pair_mean(lambda x, y: (a.phi(x) - a.phi(y)) ** 2 / 2, sd, sd, angle, a.kinks, a.scale)
        return self.residual + self.s_w**2 * half / (2 * q * math.sin(angle / 2) ** 2)

    def correlated(self, qx: float, qy: float, c: float) -> tuple[float, float, float]:
        """(q_x', q_y', c') of two inputs of any variances and correlation, by a mean over pairs."""
        gap, a = gap_of(c), self.activation
        x, y = self.variance(positive("qx", qx)), self.variance(positive("qy", qy))
        if gap == 0:  # one number decides both
            one = self._joint(math.sqrt(qx), math.sqrt(qy))
        else:
            sds = math.sqrt(qx), math.sqrt(qy)
            one = pair_mean(lambda u, v: a.phi(u) * a.phi(v), *sds, _angle(gap), a.kinks, a.scale)
        joint = self.residual * c * math.sqrt(qx * qy) + self.s_b**2 + self.s_w**2 * one
        return x, y, joint / math.sqrt(x * y)

    def _joint(self, sx: float, sy: float) -> float:
        """E phi(sx z) phi(sy z)."""
        a = self.activation
        kinks = tuple(k / s for k in a.kinks for s in (sx, sy))
        return mean(lambda z: a.phi(sx * z) * a.phi(sy * z), 1.0, kinks, a.scale / max(sx, sy))

    # --- many layers --------------------------------------------------------------------------------------------------

    def variances(self, q: float, layers: int) -> Array:
        """q_0 ... q_L (L + 1,); infinite from where it exceeds 1e300."""
        found = np.full(integer("layers", layers, low=0) + 1, math.inf)
        found[0] = q = positive("q", q)
        for layer in range(1, layers + 1):
            new = self.variance(q)
            if new > LARGEST:
                break
            if abs(new - q) <= STILL * q:
                found[layer:] = new
                break
            found[layer] = q = new
        return found

    def at(self, q: float) -> Pairs:
        """The map of gaps at a variance that stays, kept as a polynomial; InputError where none has the digits."""
        return Pairs.of(self, positive("q", q))

    def gaps(self, gap: float, q: float, layers: int) -> Array:
        """1 - c_0 ... 1 - c_L of two inputs that begin with the variance q, which may move.

        Where the variance stays the kept map is used, and nothing is lost near zero.
        """
        found = np.empty(integer("layers", layers, low=0) + 1)
        found[0] = gap
        for layer in range(1, layers + 1):
            new = self.variance(q)
            if abs(new - q) <= STILL * q or gap < NARROWEST:
                found[layer - 1 :] = self.at(q).gaps(gap, layers - layer + 1)
                break
            found[layer] = gap = self.next_gap(gap, q)
            q = new
        return found


@dataclass(frozen=True, eq=False)
class Pairs:
    """The map of gaps of a field at one variance: 1 - c' = (1 - c) R(angle), R as a polynomial of Chebyshev."""

    q: float
    coefficients: Array  # (N,), of angle 2 t / pi - 1
    degrees: Array  # 0 ... N - 1

    @classmethod
    def of(cls, field: Field, q: float) -> Pairs:
        """Twice as many nodes until the last coefficients vanish."""
        scale = q / field.variance(q)
        for count in DEGREES:
            nodes = np.cos(math.pi * (np.arange(count) + 0.5) / count)
            values = np.array([field.s_gap(math.pi * (x + 1) / 2, q) for x in nodes]) * scale
            found = fft.dct(values, type=2) / count  # pyright: ignore[reportOperatorIssue]
            found[0] /= 2
            if np.abs(found[-3:]).max() <= DIGITS * np.abs(found).max():
                return cls(q, found, np.arange(count, dtype=float))
        raise InputError(
            f"the map of correlations of {field.activation.name} at a variance of {q:.3g} must be smooth enough for "
            f"{DEGREES[-1]} coefficients, and it is not: take `next_gap`, layer by layer"
        )

    def ratio(self, gap: float) -> float:
        """(1 - c') / (1 - c)."""
        place = min(max(2 * _angle(gap) / math.pi - 1, -1.0), 1.0)
        return float(self.coefficients @ np.cos(self.degrees * math.acos(place)))

    @property
    def slope(self) -> float:
        """f'(1)."""
        return self.ratio(0.0)

    def next(self, gap: float) -> float:
        """1 - f(c)."""
        return gap * self.ratio(gap)

    def gaps(self, gap: float, layers: int) -> Array:
        """1 - c_0 ... 1 - c_L (L + 1,)."""
        found = np.empty(layers + 1)
        found[0] = gap
        for layer in range(1, layers + 1):
            found[layer] = gap = gap * self.ratio(gap)
        return found

    def resting(self) -> float:
        """The gap that all pairs end with: 0 where f'(1) <= 1, else where f crosses the diagonal."""
        if self.slope <= 1:
            return 0.0
        low, high = 0.0, 2.0
        while high - low > 1e-13 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.ratio(middle) > 1 else (low, middle)
        return (low + high) / 2

    def depth_scale(self) -> float:
        """xi with |c_l - c*| ~ exp(-l / xi); infinite on the edge."""
        gap = self.resting()
        if gap == 0:
            rate = self.slope
        else:
            h = 1e-5 * gap
            rate = (self.next(gap + h) - self.next(gap - h)) / (2 * h)
        return math.inf if abs(rate - 1) < 1e-12 else -1 / math.log(abs(rate)) if rate else 0.0
