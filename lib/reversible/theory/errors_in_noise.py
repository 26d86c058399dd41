"""How far errors are, said by how often noise makes them: the flat law, Gauss's isoperimetry, and other closed forms.

A set E of errors has the measure mu under noise of deviation sigma around a point x0. Everything here is derived in the
chapter on errors in noise, or cited there; numpy and scipy alone. Distances are in units of the inputs where sigma is
an argument, else in units of sigma. The sets of this module lie as a net's errors might: beyond one plane, beyond two,
beyond k planes at right angles, outside of a ball, in a corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import InputError, integer, positive

Array = np.ndarray


def share(mu: object) -> float:
    """`mu` as a share of errors that a distance can be read off, above 0 and below a half; else InputError."""
    value = positive("the share of errors in noise", mu)
    if value >= 0.5:
        raise InputError(f"the share of errors in noise must be above 0 and below 0.5, not {mu!r}")
    return value


def deviates(mu: object) -> float:
    """c = -Phi^-1(mu), for mu above 0 and below a half.

    >>> round(deviates(0.01), 3)
    2.326
    """
    return float(-special.ndtri(share(mu)))


def flat_distance(mu: object, sigma: object) -> float:
    """c sigma: how far the errors are where they lie beyond one plane. InputError for a sigma that is not positive."""
    return positive("sigma", sigma) * deviates(mu)


def near(t: Array | float, mu: object, sigma: object) -> Array:
    """Phi(t / sigma - c): the least share of noisy points with an error within t >= 0, for any set; flat: equal."""
    return special.ndtr(np.asarray(t, float) / positive("sigma", sigma) - deviates(mu))


def mean_distance(mu: object, sigma: object) -> float:
    """sigma (c Phi(c) + phi(c)): the largest mean distance of noisy points from the errors; flat: equal.

    >>> round(mean_distance(0.01, 1.0), 4)
    2.3297
    """
    c = deviates(mu)
    return positive("sigma", sigma) * float(c * special.ndtr(c) + math.exp(-c * c / 2) / math.sqrt(2 * math.pi))


def beside(length: Array | float, mu: object, sigma: object) -> Array:
    """Phi(length / sigma - c): the largest share of errors in noise around a point so far from x0, whatever the set."""
    return near(length, mu, sigma)


# --- sets of which all is known ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planes:
    """Errors beyond any of k planes at right angles to each other, all equally far from x0; k = 1: a half-space."""

    mu: float
    k: int = 1

    def __post_init__(self) -> None:
        share(self.mu)
        integer("k", self.k)

    @property
    def clean(self) -> float:
        """The distance of x0: a with 1 - Phi(a)^k = mu."""
        return float(special.ndtri((1 - self.mu) ** (1 / self.k)))

    def within(self, t: Array | float) -> Array:
        """The share of noisy points with an error within t >= 0: 1 - Phi(a - t)^k."""
        return 1 - special.ndtr(self.clean - np.asarray(t, float)) ** self.k

    @property
    def median(self) -> float:
        """Of the distances of noisy points."""
        return self.clean - float(special.ndtri(0.5 ** (1 / self.k)))


@dataclass(frozen=True)
class Slab:
    """Errors beyond two parallel planes with x0 midway between them."""

    mu: float

    def __post_init__(self) -> None:
        share(self.mu)

    @property
    def clean(self) -> float:
        """The distance of x0: a with 2 Phi(-a) = mu."""
        return float(-special.ndtri(self.mu / 2))

    def within(self, t: Array | float) -> Array:
        """The share of noisy points with an error within t >= 0."""
        return np.minimum(1.0, 2 * special.ndtr(np.asarray(t, float) - self.clean))

    @property
    def median(self) -> float:
        """Of the distances of noisy points.

        >>> round(Slab(0.01).median / Planes(0.01).median, 3)
        0.817
        """
        return self.clean - float(special.ndtri(0.75))


@dataclass(frozen=True)
class Outside:
    """Errors outside of a ball around x0, in n dimensions."""

    mu: float
    n: int

    def __post_init__(self) -> None:
        share(self.mu)
        integer("n", self.n)

    @property
    def clean(self) -> float:
        """The distance of x0: the radius, the 1 - mu quantile of chi with n degrees of freedom."""
        return math.sqrt(2 * float(special.gammainccinv(self.n / 2, self.mu)))

    def within(self, t: Array | float) -> Array:
        """The share of noisy points with an error within t >= 0."""
        inner = np.maximum(self.clean - np.asarray(t, float), 0.0)
        return special.gammaincc(self.n / 2, inner**2 / 2)

    @property
    def median(self) -> float:
        """Of the distances of noisy points; over c it tends to 1 / sqrt(2) as n grows.

        >>> round(Outside(0.01, 10**8).median / Planes(0.01).median, 3)
        0.707
        """
        return self.clean - math.sqrt(2 * float(special.gammaincinv(self.n / 2, 0.5)))


@dataclass(frozen=True)
class Corner:
    """Errors where one coordinate is `clean` or more and `sides` others are not negative."""

    clean: float
    sides: int

    @property
    def mu(self) -> float:
        """Phi(-clean) / 2^sides."""
        return float(special.ndtr(-self.clean)) / 2**self.sides
