"""How many patterns there are: laws that the chapter derives, with numpy's and Python's own arithmetic alone."""

from __future__ import annotations

from math import comb


def cones(neurons: int, inputs: int) -> int:
    """Patterns of one bias-free layer in general position, 2 sum over k < n of C(N - 1, k).

    >>> cones(12, 2), cones(12, 3)
    (24, 134)
    """
    return 2 * sum(comb(neurons - 1, k) for k in range(inputs))


def local_cones(filters: int) -> int:
    """Patterns of one circular convolution of filters of two taps on three samples.

    The filters at one place read the same two samples, so their planes share a line: of all pairs of the 3 c planes,
    the C(c, 2) at each place meet in one line and not in as many, which takes C(c, 2) - (c - 1) pairs of opposite
    patterns away for each place.

    >>> local_cones(1), local_cones(4)
    (8, 116)
    """
    lost = 3 * (comb(filters, 2) - (filters - 1))
    return cones(3 * filters, 3) - 2 * lost
