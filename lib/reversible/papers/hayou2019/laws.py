"""What this chapter derives beside the maps of `theory.mean_field`: ReLU's logarithm, and finite widths."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

Array = np.ndarray
S = 2 * math.sqrt(2) / (3 * math.pi)  # f(c) = c + S (1 - c)^{3/2} + ... of ReLU on its edge


def relu_root(layers: Array, constant: float, s: float = S) -> Array:
    """u_l = (1 - c_l)^{-1/2} of ReLU on its edge: s l / 2 + (3 s / 4) ln l + C, up to what vanishes with l."""
    return s * layers / 2 + 0.75 * s * np.log(layers) + constant


def fall(angle: Array) -> Array:
    """By how much ln sin^2 of a small angle falls in a layer of infinite width: 2 angle / (3 pi), to first order."""
    return 2 * angle / (3 * math.pi)


def extra_fall(n: int) -> float:
    """By how much more it falls, on average, in a ReLU layer of n neurons with Gaussian weights; about 2 / n.

    For a small angle sin^2 is multiplied by chi^2_{K-1} / chi^2_K, independent, where K ~ Bin(n, 1/2) neurons are
    active: the mean of psi(K / 2) - psi((K - 1) / 2), K at least two.

    >>> round(1000 * extra_fall(1000), 2)
    2.01
    """
    K = np.arange(2, n + 1)
    log = special.gammaln(n + 1) - special.gammaln(K + 1) - special.gammaln(n - K + 1) - n * math.log(2)
    weight = np.exp(log)
    return float((weight * (special.psi(K / 2) - special.psi((K - 1) / 2))).sum() / weight.sum())
