"""The length of what a block-sparse code makes through random filters, and what recovers it: exact laws and bounds.

K filters of `channels` x l entries slide over an input of `channels` x D. The row (i, j) of the matrix W is filter i at
its shift j and zero elsewhere. A code z has at most one nonzero entry among the shifts of a filter, k in all: it lies
in M_k, and x = W^T z. The filters' entries are independent Gaussians of mean zero and variance 1 / (channels l), so
that a row has length one on average; `unit` rows are scaled to length one each.

All proofs are in the book's chapter on convolutional nets; everything is in numpy alone.
"""

from __future__ import annotations

import math

import numpy as np

from reversible.base.checks import InputError, fraction, integer, positive

Array = np.ndarray
NET_CONSTANT = 25.0  # (2/5 delta + 2/25 delta^2 <= delta/2 for delta <= 1): with it a net of 9^k points is enough


def overlaps(places: Array, window: tuple[int, ...], others: Array | None = None) -> Array:
    """How many positions two windows share: (k, dims) corners, and (m, dims) others -> (k, m); all pairs if None.

    >>> overlaps(np.array([[0], [2], [9]]), (5,)).astype(int).tolist()
    [[5, 3, 0], [3, 5, 0], [0, 0, 5]]
    """
    others = places if others is None else others
    apart = np.abs(places[:, None, :] - others[None, :, :])  # (k, m, dims)
    return np.prod(np.maximum(np.array(window) - apart, 0), axis=-1).astype(float)


def length_variance(z: Array, places: Array, window: tuple[int, ...], channels: int, unit: bool = False) -> float:
    """Variance of |W^T z|^2 / |z|^2, whose mean is 1: z (k) nonzero entries of different filters at `places` (k, dims).

    (2 / (M l^2)) sum over i, i' of z_i^2 z_i'^2 o_ii' / |z|^4, with o_ii' = l where i = i', left out for unit rows.
    """
    energy = _energies(z)
    shared = overlaps(places, window)
    if unit:
        np.fill_diagonal(shared, 0.0)
    return float(2 * energy @ shared @ energy / (channels * math.prod(window) ** 2))


def response_energy(
    z: Array, places: Array, window: tuple[int, ...], channels: int, rows: Array, filters: int
) -> float:
    """E |W W^T z|^2 / |z|^2 over all units: each of `filters` filters at each of `rows`, the corners (n, dims).

    1 + 1 / (M l) + (K / (M l^2)) sum over i and j of z_i^2 o_ij / |z|^2; off the edges the last term is K / M.
    """
    taps = math.prod(window)
    shared = overlaps(places, window, rows).sum(1)
    return float(1 + 1 / (channels * taps) + filters / (channels * taps**2) * (_energies(z) @ shared))


def support_energy(z: Array, places: Array, window: tuple[int, ...], channels: int) -> float:
    """E |(W W^T z) on z's support|^2 / |z|^2, exactly."""
    return 1 + support_error(z, places, window, channels)


def support_error(z: Array, places: Array, window: tuple[int, ...], channels: int) -> float:
    """E |(W W^T z - z) on z's support|^2 / |z|^2, exactly: to first order E |x^ - x|^2 where the support is known."""
    taps = math.prod(window)
    return float(_energies(z) @ (overlaps(places, window).sum(1) + taps) / (channels * taps**2))


def _energies(z: Array) -> Array:
    energy = np.square(np.asarray(z, float))
    if energy.ndim != 1 or not energy.sum() > 0:
        raise InputError(f"z must be a vector with a nonzero entry, not of shape {energy.shape}")
    return energy / energy.sum()


def sufficient_fan_in(delta: float, k: int, filters: int, shifts: int, failure: float) -> float:
    """A number of entries of a filter, M l, from which W^T has d_k <= delta <= 1 with probability 1 - failure.

    (25 / delta^2) (k ln(9 n) + ln C(K, k) + ln(2 / failure)): it hangs on the length D of the input through ln n alone.
    """
    delta, failure = fraction("delta", delta), fraction("failure", failure)
    k = integer("k", k, high=integer("filters", filters))
    chosen = math.lgamma(filters + 1) - math.lgamma(k + 1) - math.lgamma(filters - k + 1)
    logs = k * math.log(9 * integer("shifts", shifts)) + chosen + math.log(2 / failure)
    return NET_CONSTANT / delta**2 * logs


def papers_scale(k: int, filters: int, shifts: int, failure: float, channels: int, window: int, length: int) -> float:
    """What Theorem 3.1 lets d_k grow with: sqrt(k (ln K + ln n - ln failure) D / (M l^2)), its constant C left out."""
    logs = math.log(filters) + math.log(shifts) - math.log(fraction("failure", failure))
    return math.sqrt(k * logs * length / (channels * window**2))


def coincident_scale(k: int, fan_in: int) -> float:
    """About what d_k is at least: k windows at one place are a Wishart matrix, its largest eigenvalue (1 + sqrt y)^2.

    2 sqrt y + y with y = k / (M l); the search over filters adds logarithms.
    """
    y = integer("k", k) / integer("fan_in", fan_in)
    return 2 * math.sqrt(y) + y


def typical_largest(share: float) -> float:
    """Near what lambda_max of W_S W_S^T is on a typical support of share * M n units: (1 + sqrt share)^2.

    Off the edges of the input each row and each column of W_S then has the same energy, 1 and share, and the law of
    such matrices is that of Marchenko and Pastur.
    """
    return (1 + math.sqrt(positive("share", share))) ** 2


def papers_bound(d_k: float, d_2k: float) -> float:
    """Theorem 3.3: |x^ - x| over |x| after one step is at most 5 d_2k / (1 - d_k) sqrt((1 + d_2k) / (1 - d_2k))."""
    if not 0 <= d_k <= d_2k < 1:
        raise InputError(f"Theorem 3.3 asks for 0 <= d_k <= d_2k < 1, not {d_k:g} and {d_2k:g}")
    return 5 * d_2k / (1 - d_k) * math.sqrt((1 + d_2k) / (1 - d_2k))


def sharper_bound(d_k: float, d_2k: float) -> float:
    """The same with M as a projection: 2 d_2k sqrt((1 + d_2k) / (1 - d_k)); d_2k may be above 1."""
    if not 0 <= d_k < 1 or d_2k < d_k:
        raise InputError(f"the bound asks for 0 <= d_k < 1 and d_k <= d_2k, not {d_k:g} and {d_2k:g}")
    return 2 * d_2k * math.sqrt((1 + d_2k) / (1 - d_k))
