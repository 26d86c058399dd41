"""What one step down by the transpose gives back of an input, whatever it is: exact for dense random weights.

W is N x n with independent Gaussian entries of variance 1 / n, h = W x, and some of the entries of h are *kept*, by a
ReLU, a max pooling or anything else that looks at h alone. The input comes back as x^ = W^T (kept h). With
e = |kept h|^2 / |x|^2,

    cos(x, x^)^2 = e / (e + chi^2_{n-1} / n)

exactly, for the rows of W are h_i x / |x|^2 and a part orthogonal to x that knows nothing of h. So the cosine is
sqrt(e / (1 + e)) up to terms of the order 1 / n. Through many layers the same argument gives a recursion. The proofs
are in the book's chapter on convolutional nets.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import integrate, special, stats

from reversible.base.checks import integer, positive


def cosine(kept: float) -> float:
    """cos(x, x^) of one step that keeps e = `kept` of the input's energy: sqrt(e / (1 + e)).

    >>> cosine(1.0).__round__(4)
    0.7071
    """
    return math.sqrt(positive("kept", kept) / (1 + kept))


def mean_cosine(kept: float, n: int) -> float:
    """The mean of the exact law for inputs of n entries, E sqrt(e / (e + chi^2_{n-1} / n))."""
    return float(np.mean(np.sqrt(positive("kept", kept) / (kept + _noises(integer("n", n, low=2))))))


@functools.cache
def _noises(n: int) -> np.ndarray:
    """A thousand quantiles of chi^2_{n-1} / n, in the middle of shares of the same size."""
    return stats.chi2(n - 1).ppf((np.arange(1000) + 0.5) / 1000) / n


def matched_error(cosine: float) -> float:
    """|x^ - x| / |x| once x^ is made as long as x: sqrt(2 - 2 cos)."""
    return math.sqrt(max(2 - 2 * cosine, 0.0))


def best_error(cosine: float) -> float:
    """|a x^ - x| / |x| with the best number a: sqrt(1 - cos^2), for random weights 1 / sqrt(1 + e)."""
    return math.sqrt(max(1 - cosine**2, 0.0))


def pooled_moment(size: int) -> float:
    """E max(0, g_1, ..., g_s)^2 of s = `size` independent standard Gaussians: 1/2 for a ReLU alone.

    >>> pooled_moment(1), round(pooled_moment(4) / 4, 3)
    (0.5, 0.386)
    """
    size = integer("size", size)
    if size == 1:
        return 0.5

    def density(g: float) -> float:
        return g**2 * size * special.ndtr(g) ** (size - 1) * math.exp(-(g**2) / 2) / math.sqrt(2 * math.pi)

    return float(integrate.quad(density, 0, 12, epsabs=1e-13)[0])


def unknown_gain(size: int) -> float:
    """What is left of the signal where pooled values go back to one fixed place: (1 - 2^-s) / s over `pooled_moment`.

    The mean of g_1 max(0, g_1, ..., g_s) is P[max > 0] / s by Stein's lemma. 1 for a ReLU alone.
    """
    return (1 - 0.5 ** integer("size", size)) / size / pooled_moment(size) if size > 1 else 1.0


@dataclass(frozen=True)
class Layer:
    """A layer going up: `units` units for each entry of its input, a ReLU, and the largest of each `pool` of them."""

    units: float  # K / M of a convolution that keeps the size of its maps
    pool: int = 1

    @property
    def kept(self) -> float:
        """e, the energy that its code has of its input's: units / s times the second moment of what is pooled."""
        return positive("units", self.units) / self.pool * pooled_moment(self.pool)


def cosines_down(layers: Sequence[Layer], switches: bool) -> list[float]:
    """cos(h_l, g_l) for l = 0, ..., L - 1: the codes h_l going up and what comes down, from the top code itself.

    With `switches` what comes down is put where the maxima were, and units that were off stay off. Without them it goes
    to one fixed place of each pool, and what reaches a unit that was off goes on. With q_l = 1 / cos^2,

        q_{l-1} = 1 + p_{l-1} q_l / (e_l f_l^2),   q_L = 1,

    p_l the share of the entries of level l that go on down (1 of the input), f_l = 1 with switches and `unknown_gain`
    without them.
    """
    q, found = 1.0, []
    for place, layer in reversed(list(enumerate(layers))):
        below = 0.0 if place == 0 or not switches else 0.5 ** layers[place - 1].pool
        gain = 1.0 if switches else unknown_gain(layer.pool)
        q = 1 + (1 - below) * q / (layer.kept * gain**2)
        found.append(1 / math.sqrt(q))
    return found[::-1]
