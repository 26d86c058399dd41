"""How large the largest correlation of random filters is: the law of coherence.

The correlation r of two independent directions in d dimensions has the density of r^2 ~ Beta(1/2, (d - 1)/2), with
either sign. K filters have K (K - 1) / 2 pairs, any two of which are independent. So the number of pairs above t is
nearly a Poisson variable (the Chen-Stein argument of Cai and Jiang 2012), and P[largest <= t] is nearly
exp(-pairs P[r > t]).
"""

from __future__ import annotations

import math

from scipy import special

from reversible.base.checks import fraction, integer


def pairs_of(filters: int) -> int:
    """K (K - 1) / 2."""
    return math.comb(integer("filters", filters, low=2), 2)


def tail(t: float, dimension: int, absolute: bool) -> float:
    """P[r > t], or P[|r| > t], of the correlation r of two independent directions.

    >>> round(tail(0.5, 3, True), 12)
    0.5
    """
    both = float(special.betainc((integer("dimension", dimension, low=2) - 1) / 2, 0.5, 1 - t**2))
    return both if absolute else both / 2


def largest_cdf(t: float, filters: int, dimension: int, absolute: bool = True) -> float:
    """P[the largest correlation, or modulus of one, of all pairs of `filters` is at most t]."""
    return math.exp(-pairs_of(filters) * tail(t, dimension, absolute))


def largest_quantile(share: float, filters: int, dimension: int, absolute: bool = True) -> float:
    """The t that the largest correlation stays below with probability `share`."""
    both = -math.log(fraction("share", share)) / pairs_of(filters) * (1 if absolute else 2)
    if both >= 1:
        return 0.0
    return math.sqrt(1 - float(special.betaincinv((dimension - 1) / 2, 0.5, both)))
