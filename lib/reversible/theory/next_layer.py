"""One step of state evolution: from what inference sees at layer l to what it sees at layer l + 1.

`depth` has the law and its notation. All lengths here are in units of ||h_{l+1}||, so that active units have
h_j = alpha g_j with g_j > 0, silent ones h_j = 0, and all of them, with y_j ~ N(G h_j + b, sd^2), sd = sqrt(V) ||h_l||,

    e_j = relu(y_j),     G' = N E[g e],     V' = N E[e^2] / q.

The chapter on the laws of depth derives these and, as the terms of the next order, what is made here of the spread of
(G, V) from draw to draw. In the shapes `...` is that of the top codes' lengths, and U counts the rows of a quadrature.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

Array = np.ndarray


# --- one unit ---------------------------------------------------------------------------------------------------------


class Moments(NamedTuple):
    """m_k = E relu(y)^k for y ~ N(mean, sd^2), each of the shape of mean and sd."""

    m0: Array  # the chance that y > 0
    m1: Array
    m2: Array
    m3: Array
    m4: Array
    density: Array  # of y at 0, times sd


def relu_moments(mean: Array, sd: Array) -> Moments:
    """The `Moments` of a rectified Gaussian; sd may be 0.

    >>> [round(float(m), 4) for m in relu_moments(np.array(0.0), np.array(1.0))]
    [0.5, 0.3989, 0.5, 0.7979, 1.5, 0.3989]
    """
    edge = np.clip(mean / np.maximum(sd, 1e-150), -1e3, 1e3)  # the mean in standard deviations
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    m0 = special.ndtr(edge)
    m1 = mean * m0 + sd * density
    # By parts, m_k = mean m_(k-1) + (k - 1) sd^2 m_(k-2); rounding must not take it below 0.
    m2 = np.maximum(mean * m1 + sd**2 * m0, 0)
    m3 = np.maximum(mean * m2 + 2 * sd**2 * m1, 0)
    m4 = np.maximum(mean * m3 + 3 * sd**2 * m2, 0)
    return Moments(m0, m1, m2, m3, m4, density)


@functools.cache
def half_normal() -> tuple[Array, Array]:
    """Quadrature over g ~ N(0, 1) where g > 0: 200 nodes from 0 to 9 and their weights, 1/2 in all; (200,) each."""
    x, weight = np.polynomial.legendre.leggauss(200)  # on [-1, 1]
    g, weight = 4.5 * (x + 1), 4.5 * weight  # on [0, 9]
    return g, weight * np.exp(-(g**2) / 2) / np.sqrt(2 * np.pi)


# --- all units of a layer ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """The units of layer l as layer l + 1 sees them, in units of ||h_{l+1}||.

    What they all have is an array (U, ...): a row for each node of `half_normal`, where a unit is active, and a last
    one for a silent unit.
    """

    n: int  # how many
    gain: Array  # (...), G of layer l
    noise: Array  # (...), V of layer l
    spread: Array  # (2, 2, ...), covariance of (G, V) over draws
    drift: Array  # (2, ...), d(G, V) / d ln||h_l||: 0 where all offsets below follow the code's length
    bend: Array  # (2, ...), the second derivative, and 0 there, too
    norm: Array  # (...), ||h_l||
    b: Array  # (...), the offset of layer l
    b_follows: bool  # b grows with ||h_l||; otherwise it is a number, which in these units shrinks as ||h_{l+1}|| grows
    rho: float
    alpha: float
    q: float

    @functools.cached_property
    def g(self) -> Array:
        """(U, 1, ...): the nodes, and 0 in the last row, so that h_j = alpha g in every one."""
        nodes = half_normal()[0].reshape(-1, *[1] * self.norm.ndim)
        return np.concatenate([nodes, 0 * nodes[:1]])

    @functools.cached_property
    def weight(self) -> Array:
        """(U - 1, 1, ...), of the nodes."""
        return half_normal()[1].reshape(-1, *[1] * self.norm.ndim)

    @property
    def sd(self) -> Array:
        """(...), of every unit's y, given its g."""
        return np.sqrt(self.noise) * self.norm

    def moments(self, gain: Array, noise: Array, stretch: ArrayLike = 1.0) -> Moments:
        """Of every unit's e, (U, ...), where layer l has this gain and noise, and ||h_l||^2 is `stretch` its mean."""
        b = self.b * (np.sqrt(stretch) if self.b_follows else 1)
        return relu_moments(gain * self.alpha * self.g + b, np.sqrt(noise * stretch) * self.norm + 0 * self.g)

    def average(self, power: int, values: Array) -> Array:
        """E[g^power values] over one unit, (U, ...) -> (...), for the powers 0, 1 and 2."""
        active = (self.weight * self.g[:-1] ** power * values[:-1]).sum(0)
        # E[g^power; silent]: 1, g and g^2 have means 1, 0 and 1, of which 1/2, 1/sqrt(2 pi) and 1/2 come from g > 0.
        silent = -self.rho / np.sqrt(2 * np.pi) if power == 1 else 1 - self.rho / 2
        return self.rho * active + silent * values[-1]

    def pair(self, e: Array, square: Array) -> Array:
        """(G', V') = (N E[g e], N E[e^2] / q) from every unit's e and e^2, or from their derivatives: (2, ...)."""
        return np.stack([self.n * self.average(1, e), self.n * self.average(0, square) / self.q])


class Read(NamedTuple):
    """What inference sees at layer l + 1, before the offset there."""

    gain: Array  # (...), G'
    noise: Array  # (...), V'
    spread: Array  # (2, 2, ...), covariance of (G', V') over draws
    drift: Array  # (2, ...), d(G', V') / d ln||h_{l+1}||
    bend: Array  # (2, ...), its own derivative


def read(units: Units, limit: bool) -> Read:
    """The step from layer l to l + 1; `limit`: means at infinite width, otherwise right to second order."""
    moments = units.moments(units.gain, units.noise)
    slopes = _slopes(units, moments)
    spread = _spread(units, moments, slopes)
    gain, noise = units.pair(moments.m1, moments.m2) if limit else _means(units, moments, slopes)
    return Read(np.maximum(gain, 0), np.maximum(noise, 0), spread, slopes.drift, _bend(units))


# --- how (G', V') answers to what is below ----------------------------------------------------------------------------


class _Slopes(NamedTuple):
    """Derivatives of (G', V'), which are the first axis of each."""

    by_sd: Array  # (2, ...)
    by_gain: Array  # (2, ...), by G
    by_below: Array  # (2, 2, ...), by (G, V); 0 where V is 0, for there neither can vary
    by_square: Array  # (2, ...), by ln||h_l||^2
    drift: Array  # (2, ...), by ln||h_{l+1}||
    sd_by_noise: Array  # (...), not of (G', V') but of sd, by V


STEP = 0.01  # of ln||h_{l+1}||, in which second differences are taken: a part in 10^4 of a correction is lost


def _slopes(units: Units, moments: Moments) -> _Slopes:
    """By the mean of y the slopes of m1 and m2 are m0 and 2 m1; by its sd they are the density and 2 sd m0."""
    m0, m1, density = moments.m0, moments.m1, moments.density
    g, b, sd, noisy = units.g, units.b, units.sd, units.noise > 0
    by_mean, by_sd = units.pair(m0, 2 * m1), units.pair(density, 2 * sd * m0)  # (2, ...)
    by_gain = units.alpha * units.pair(g * m0, g * 2 * m1)  # (2, ...), through the mean of y, G alpha g + b
    sd_by_noise = units.norm / (2 * np.sqrt(np.maximum(units.noise, 1e-300))) * noisy  # (...)
    by_below = np.stack([by_gain * noisy, by_sd * sd_by_noise], 1)  # (2, 2, ...)
    through_below = np.einsum("ab...,b...->a...", by_below, units.drift)  # (2, ...), by ln||h_l||
    by_square = by_sd * sd / 2 + through_below / 2 + (by_mean * b / 2 if units.b_follows else 0)
    drift = through_below - (0 if units.b_follows else by_mean * b)
    return _Slopes(by_sd, by_gain, by_below, by_square, drift, sd_by_noise)


def _bend(units: Units) -> Array:
    """The second derivative of (G', V') by ln||h_{l+1}||, (2, ...): (G, V) follow, and a fixed offset shrinks."""

    def at(step: float) -> Array:
        gain, noise = np.stack([units.gain, units.noise]) + step * units.drift + step**2 / 2 * units.bend
        b = units.b * (1 if units.b_follows else np.exp(-step))
        moments = relu_moments(
            gain * units.alpha * units.g + b, np.sqrt(np.maximum(noise, 0)) * units.norm + 0 * units.g
        )
        return units.pair(moments.m1, moments.m2)

    return (at(STEP) - 2 * at(0) + at(-STEP)) / STEP**2


# --- how it spreads ---------------------------------------------------------------------------------------------------


def _spread(units: Units, moments: Moments, slopes: _Slopes) -> Array:
    """Covariance of (G', V') over draws, (2, 2, ...), from three sources.

    They are the units' own sum, the length of h_l which that same sum makes, and the spread from below; the projection
    P z in layer l acts as -sqrt(V) (u . z) added to the gain.
    """
    by_sums = np.zeros((2, 4, *units.norm.shape))  # slopes of (G', V') by the sums over units of `_unit_covariance`
    by_sums[0, 0] = by_sums[1, 1] = 1
    by_sums[:, 2] = slopes.by_square * 2 / (units.rho * units.n)
    by_sums[:, 3] = -slopes.by_gain * np.sqrt(units.noise)
    sums = units.n * _unit_covariance(units, moments)  # (4, 4, ...)
    from_units = np.einsum("ai...,ij...,bj...->ab...", by_sums, sums, by_sums)
    from_below = np.einsum("ab...,bc...,dc...->ad...", slopes.by_below, units.spread, slopes.by_below)
    return from_units + from_below


def _unit_covariance(units: Units, moments: Moments) -> Array:
    """Covariance, (4, 4, ...), of one unit's g e d/q, (e d/q)^2, relu(g)^2 n_drop and (h_j / ||h_l||) z_j."""
    m0, m1, m2, m3, m4, _ = moments
    average, g, sd, q, rho = units.average, units.g, units.sd, units.q, units.rho
    kappa = np.sqrt(2 / (rho * units.n))  # h_j / ||h_l|| = kappa g; and E[z e] = sd m0, E[z e^2] = 2 sd m1
    means, products = np.zeros((4, *sd.shape)), np.zeros((4, 4, *sd.shape))
    means[0], means[1], means[2] = average(1, m1), average(0, m2) / q, rho / 2
    products[0, 0], products[1, 1] = average(2, m2) / q, average(0, m4) / q**3
    products[2, 2], products[3, 3] = 1.5 * rho, 1 / units.n
    products[0, 1] = average(1, m3) / q**2
    products[0, 2], products[1, 2] = average(1, g**2 * m1), average(0, g**2 * m2) / q
    products[0, 3], products[1, 3] = kappa * average(1, g * sd * m0), kappa * average(0, g * 2 * sd * m1) / q
    for i, j in itertools.combinations(range(4), 2):
        products[j, i] = products[i, j]
    return products - means[:, None] * means[None]


# --- its mean ---------------------------------------------------------------------------------------------------------


def _means(units: Units, moments: Moments, slopes: _Slopes) -> Array:
    """E(G', V') at finite width, (2, ...): the mean over draws, and what comes of a unit being a part of ||h_l||.

    As such it moves its own offset and drift; the noise that it adds to that length is what the projection P takes from
    it, but for the mean.
    """
    m0, m1, density = moments.m0, moments.m1, moments.density
    g, sd, rho, drift = units.g, units.sd, units.rho, units.drift
    part = (g**2 - rho / 2) * 2 / (rho * units.n)  # (U, 1, ...), of ln||h_l||^2: what the unit makes, less the mean
    follows = units.b / 2 if units.b_follows else 0
    shift = follows + units.alpha * g * drift[0] / 2  # (U, ...), of y's mean by ln||h_l||^2,
    widen = slopes.sd_by_noise * drift[1] / 2  # (...), and of its sd
    itself = units.pair(part * (m0 * shift + density * widen), part * 2 * (m1 * shift + sd * m0 * widen))
    return _mean_over_draws(units) + itself - slopes.by_sd * sd / (2 * units.n)


def _mean_over_draws(units: Units) -> Array:
    """E(G', V') over (G, V) and ||h_l|| as they vary, (2, ...), by a cubature that is right to second order.

    Its points lie sqrt(3) standard deviations to both sides on each of three axes, and weigh 1/6 each.
    """
    total = np.zeros_like(units.drift)
    for axis in _axes(units):
        for root in (-np.sqrt(3), np.sqrt(3)):
            step = root * axis.sd
            gain = units.gain + step * axis.gain + step**2 * axis.bend[0]
            noise = np.maximum(units.noise + step * axis.noise + step**2 * axis.bend[1], 0)
            moments = units.moments(gain, noise, max(1 + step * axis.square, 0.05))
            total += units.pair(moments.m1, moments.m2) / 6
    return total


class _Axis(NamedTuple):
    """A direction in which layer l varies from draw to draw, independently of the other axes."""

    sd: float  # how far, as a standard deviation
    gain: Array  # (...), by how much G,
    noise: Array  # (...), V,
    square: float  # and ||h_l||^2 over its mean change per unit of that
    bend: Array  # (2, ...), and (G, V) beside that per square of it


def _axes(units: Units) -> list[_Axis]:
    """Two for (G, V), the columns of its spread's Cholesky factor, and one for ||h_l||^2, along which both drift.

    With ||h_l||^2 = (1 + x) its mean, ln||h_l|| is x/2 - x^2/4 + ..., so that the square of x moves (G, V) by
    -drift/4 + bend/8.
    """
    (of_gain, of_both), (_, of_noise) = units.spread
    gain = np.sqrt(np.maximum(of_gain, 0))
    with_gain = np.where(gain > 0, of_both / np.where(gain > 0, gain, 1), 0)
    alone = np.sqrt(np.maximum(of_noise - with_gain**2, 0))
    sd_of_square = np.sqrt((6 / units.rho - 1) / units.n)
    return [
        _Axis(1.0, gain, with_gain, 0.0, 0 * units.drift),
        _Axis(1.0, 0 * gain, alone, 0.0, 0 * units.drift),
        _Axis(sd_of_square, units.drift[0] / 2, units.drift[1] / 2, 1.0, units.bend / 8 - units.drift / 4),
    ]
