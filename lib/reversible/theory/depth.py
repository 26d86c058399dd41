"""State evolution: the law of inference through L random layers, a recursion of one-dimensional integrals.

Layers are counted from the image, l = 0, up to the top code, l = L; widths N_0 ... N_L; W_l is (N_l, N_{l+1}):

    h_l = relu(alpha_l W_l h_{l+1}) * n_drop       down: generation, rho_l, t_l = rho_l N_l, alpha_l = scale_l * 2 / t_l
    y_{l+1} = W_l^T (e_l * d_l) / q                up: inference, e_0 = h_0 and e_l = relu(y_l + b_l)

**The law.** Write u = h_{l+1} / ||h_{l+1}||. Row j of W_l is g_j u + P z_j, with g_j and z_j independent standard
normals and P = I - u u^T. What inference has made of unit j, e_j, depends on W_l through g_j alone, for below l all is
made from h_l and from weights that are independent of W_l. So, with no limit taken,

    y_{l+1} = A u + sqrt(Q) P z,     A = sum_j g_j e_j d_j / q,     Q = sum_j (e_j d_j / q)^2,     z ~ N(0, I) alone.

A layer is its gain G = A / ||h_{l+1}|| and its noise V = Q / ||h_{l+1}||^2, and with its own z
e_j = relu(G h_j + sqrt(V) ||h_l|| z_j + b) leads from one layer's pair to the next one's. Sums over the N_l units are
taken at their means; the spread of (G, V) from draw to draw is carried beside them as a covariance. A code of
few entries feels it, and it moves the next layer's means by order 1 / t_l, which counts where little passes an offset:
the curvature of these means, times the spread, is added. Derived for this project, not in the paper.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from reversible.theory.one_layer import thresholded_risk

EDGE = 0.25  # a relative error that still leaves a code recognisable

Array = np.ndarray


@dataclass(frozen=True)
class InNoise:
    """An offset in standard deviations of its layer's own noise, sqrt(V) ||h_l||: it follows each code's length."""

    sds: float


Offset = float | InNoise  # a number is the same for every code


@dataclass(frozen=True)
class State:
    """What inference sees at one layer; arrays have the shape of the top codes' lengths."""

    width: int
    length: Array  # ||h_l||, the typical one
    gain: Array  # G: y on the support is G h
    noise: Array  # V: y off the support has variance V ||h_l||^2
    spread: Array  # covariance of (G, V) over draws, (2, 2, ...)
    offset: Array  # b_l, in the units of h_l
    error: Array  # E||e_l - h_l||^2 / ||h_l||^2 of a hidden layer; nan at the top: it depends on the code's entries

    def scaled(self, by: Array) -> State:
        """The state for top codes `by` times as long, where no offset has a scale of its own."""
        one = np.ones_like(by)
        spread = self.spread[..., None].reshape(2, 2, *[1] * by.ndim) * one
        error = self.error * one
        return State(self.width, self.length * by, self.gain * one, self.noise * one, spread, self.offset * by, error)

    @classmethod
    def joined(cls, states: Sequence[State]) -> State:
        """One state of the codes of several, one after the other."""
        names = ("length", "gain", "noise", "spread", "offset", "error")
        return cls(states[0].width, *(np.concatenate([getattr(s, name) for s in states], -1) for name in names))


@functools.lru_cache(maxsize=1)
def _half_normal() -> tuple[Array, Array]:
    """Quadrature for a standard normal on its positive half: 200 nodes and weights of total mass 1/2."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    nodes, weights = 4.5 * (nodes + 1), 4.5 * weights
    return nodes, weights * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)


def relu_moments(mean: Array, sd: Array) -> list[Array]:
    """E relu(y)^k for k = 0 ... 4 and y ~ N(mean, sd^2), and last the density of y at 0 times sd; sd may be 0.

    >>> [round(float(m), 4) for m in relu_moments(np.array(0.0), np.array(1.0))]
    [0.5, 0.3989, 0.5, 0.7979, 1.5, 0.3989]
    """
    edge = np.clip(mean / np.maximum(sd, 1e-150), -1e3, 1e3)
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    moments = [special.ndtr(edge), mean * special.ndtr(edge) + sd * density]
    for k in (2, 3, 4):
        moments.append(np.maximum(mean * moments[-1] + (k - 1) * sd**2 * moments[-2], 0))
    return [*moments, density]


def two_layer_gain(t0: float, t1: float) -> float:
    """The gain of two layers without offset, 1/2 + arctan(sqrt(t_0 / t_1)) / pi.

    >>> two_layer_gain(800, 800)
    0.75
    """
    return float(0.5 + np.arctan(np.sqrt(t0 / t1)) / np.pi)


def two_layer_noise(n1: int, t0: float, t1: float) -> float:
    """V of two layers without offset, n_1 E e^2 / ||h_2||^2 in closed form.

    For an active unit e = relu(a g + s z) with a = 2/t_1 and s^2 = a^2 t_1 / t_0; in polar coordinates of (g, z) the
    mean of e^2 over g > 0 is (a^2 + s^2) (pi - f + sin(2 f) / 2) / (2 pi), tan f = s / a; elsewhere it is s^2 / 2.

    >>> round(two_layer_noise(8000, 8000.0, 800.0), 6)
    0.005109
    """
    a, angle = 2 / t1, np.arctan(np.sqrt(t1 / t0))
    s = a * np.sqrt(t1 / t0)
    active = (a**2 + s**2) * (np.pi - angle + np.sin(2 * angle) / 2) / (2 * np.pi)
    return float(t1 * active + (n1 - t1 / 2) * s**2 / 2)


def state_evolution(
    widths: Sequence[int], rho: Sequence[float], offsets: Sequence[Offset], length: ArrayLike = 1.0, *,
    scales: Sequence[float] | None = None, q: float = 1.0, limit: bool = False,
) -> list[State]:  # fmt: skip
    """The states of layers 1 ... L for top codes of the lengths given, any shape.

    `widths` N_0 ... N_L; `rho` and `scales` (alpha over the theory's 2/t) of layers 0 ... L-1; `offsets` b_1 ... b_L:
    numbers or `InNoise`. `q`: retention of dropout at inference, at the input of every layer. `limit`: means of sums at
    infinite width; otherwise the fluctuations of all layers enter to second order.
    """
    length = np.asarray(length, float)
    scales = [1.0] * len(rho) if scales is None else scales
    lengths = [length]
    for n, r, scale in zip(widths[-2::-1], rho[::-1], scales[::-1], strict=True):
        lengths.insert(0, lengths[0] * scale * np.sqrt(2 / (r * n)))
    none = np.zeros_like(length)
    state = State(widths[0], lengths[0], none + 1, none, np.zeros((2, 2, *length.shape)), none, none)
    states, drift = [], np.zeros((2, *length.shape))
    for layer, offset in enumerate(offsets):
        relative = layer == 0 or isinstance(offsets[layer - 1], InNoise)
        state, drift = _up(state, drift, relative, lengths[layer + 1], rho[layer], scales[layer], q, limit)
        sd = np.sqrt(state.noise) * lengths[layer + 1]
        b = offset.sds * sd if isinstance(offset, InNoise) else none + offset
        error = none * np.nan
        if layer + 1 < len(rho):
            error = _hidden_error(state, b, widths[layer + 1], rho[layer + 1])
        state = State(widths[layer + 1], lengths[layer + 1], state.gain, state.noise, state.spread, b, error)
        states.append(state)
    return states


def proof_offsets(widths: Sequence[int]) -> tuple[InNoise, ...]:
    """b_l = -sqrt(2 ln N_l) noise standard deviations: the offset of Theorem 2.3's proof, taken to every layer [D]."""
    return tuple(InNoise(-float(np.sqrt(2 * np.log(max(width, 2))))) for width in widths[1:])


def _hidden_error(state: State, b: Array, width: int, rho: float) -> Array:
    """E||relu(y + b) - h||^2 / ||h||^2 of a generated layer: its entries are half-normal, or zero."""
    g, weight = _half_normal()
    g = g.reshape(-1, *[1] * b.ndim)
    root = np.sqrt(rho * width / 2)  # the layer's length over its alpha times that of the layer above
    h, sd, shift = g / root, np.sqrt(state.noise), b / state.length
    on = np.tensordot(weight, thresholded_risk(state.gain * h, sd + 0 * h, h, shift, -shift), 1)
    off = thresholded_risk(0 * sd, sd, 0.0, shift, -shift)
    return width * (rho * on + (1 - rho / 2) * off)


@dataclass(frozen=True)
class _Units:
    """The units of layer l as layer l + 1 sees them, in units of ||h_{l+1}||; nodes of g come first in every array."""

    below: State
    relative: bool  # b follows the length of h_l
    length: Array
    rho: float
    alpha: float
    q: float

    @property
    def own(self) -> Array:
        """||h_l||."""
        return self.below.length / self.length

    @property
    def at(self) -> Array:
        """g of active units, and a last row of 0 for silent ones: h_j = alpha at."""
        g = _half_normal()[0].reshape(-1, *[1] * self.length.ndim)
        return np.concatenate([g, 0 * g[:1]])

    def average(self, power: int, values: Array) -> Array:
        """E[g^power values]: active units are kept and have g > 0, silent ones have the mean of g^power they have."""
        silent = (1 - self.rho / 2, -self.rho / np.sqrt(2 * np.pi), 1 - self.rho / 2)[power]
        weighted = _half_normal()[1].reshape(-1, *[1] * self.length.ndim) * self.at[:-1] ** power
        return self.rho * (weighted * values[:-1]).sum(0) + silent * values[-1]

    def moments(self, gain: Array, noise: Array, r: ArrayLike = 1.0) -> list[Array]:
        """`relu_moments` of the units where ||h_l||^2 is r times its mean."""
        b = self.below.offset / self.length * (np.sqrt(r) if self.relative else 1)
        return relu_moments(gain * self.alpha * self.at + b, np.sqrt(noise * r) * self.own + 0 * self.at)

    def pair(self, first: Array, second: Array) -> Array:
        """From e and e^2, or their derivatives, of every unit to gain and noise, (2, ...)."""
        n = self.below.width
        return np.stack([n * self.average(1, first), n * self.average(0, second) / self.q])

    def mean(self, drift: Array) -> Array:
        """E(G, V) above: over (G, V) below and the length of h_l as they vary, by a cubature right to second order."""
        deviation = np.sqrt((6 / self.rho - 1) / self.below.width)  # of r
        c = self.below.spread
        first = np.sqrt(np.maximum(c[0, 0], 0))
        lower = np.where(first > 0, c[0, 1] / np.where(first > 0, first, 1), 0)
        second = np.sqrt(np.maximum(c[1, 1] - lower**2, 0))
        steps = [(first, lower, 0.0), (0 * first, second, 0.0), (drift[0] / 2, drift[1] / 2, deviation)]
        total = np.zeros_like(drift)
        for gain, noise, r in steps:
            for root in (-np.sqrt(3), np.sqrt(3)):
                factor = root * (deviation if r else 1)
                moved = np.maximum(self.below.noise + factor * noise, 0)
                at = self.moments(self.below.gain + factor * gain, moved, max(1 + root * r, 0.05))
                total += self.pair(at[1], at[2]) / 6
        return total


def _up(
    below: State, drift: Array, relative: bool, length: Array, rho: float, scale: float, q: float, limit: bool
) -> tuple[State, Array]:
    """From layer l to l + 1, in units of ||h_{l+1}||: the new gain, noise and spread, and their drift.

    `drift` is d(G, V) / d ln||h_l||: 0 where all offsets follow the code's length (`relative`), for then nothing has a
    scale. The spread has three sources: the units' own sum, the length of h_l which that same sum makes, and the
    spread from below; the projection P z in layer l acts as -sqrt(V) (u . z) added to the gain.
    """
    units = _Units(below, relative, length, rho, scale * 2 / (rho * below.width), q)
    at, sd, b = units.at, np.sqrt(below.noise) * units.own, below.offset / length
    m0, m1, m2, m3, m4, density = relu_moments(below.gain * units.alpha * at + b, sd + 0 * at)
    by_mean, by_sd = units.pair(m0, 2 * m1), units.pair(density, 2 * sd * m0)
    by_gain = units.alpha * units.pair(at * m0, at * 2 * m1)
    per_noise = units.own / (2 * np.sqrt(np.maximum(below.noise, 1e-300))) * (below.noise > 0)
    inner = np.stack([by_gain * (below.noise > 0), by_sd * per_noise], 1)  # (2, 2, ...)
    carried = np.einsum("ab...,b...->a...", inner, drift)
    by_length = by_sd * sd / 2 + carried / 2 + (by_mean * b / 2 if relative else 0)
    moved = carried - (0 if relative else by_mean * b)

    to_state = np.zeros((2, 4, *length.shape))
    to_state[0, 0] = to_state[1, 1] = 1
    to_state[:, 2] = by_length * 2 / (rho * below.width)
    to_state[:, 3] = -by_gain * np.sqrt(below.noise)
    own_sum = below.width * _unit_covariance(units, sd, (m0, m1, m2, m3, m4))
    spread = np.einsum("ai...,ij...,bj...->ab...", to_state, own_sum, to_state)
    spread = spread + np.einsum("ab...,bc...,dc...->ad...", inner, below.spread, inner)
    if limit:
        gain, noise = units.pair(m1, m2)
    else:
        # A unit is part of the length that moves its own offset and drift; the noise that it adds to that length is
        # what the projection P takes from it, but for the mean.
        shift = (b / 2 if relative else 0) + units.alpha * at * drift[0] / 2
        widen = per_noise * drift[1] / 2
        excess = (at**2 - rho / 2) * 2 / (rho * below.width)
        itself = units.pair(excess * (m0 * shift + density * widen), excess * 2 * (m1 * shift + sd * m0 * widen))
        gain, noise = units.mean(drift) + itself - by_sd * sd / (2 * below.width)
    return State(0, length, np.maximum(gain, 0), np.maximum(noise, 0), spread, b, b), moved


def _unit_covariance(units: _Units, sd: Array, m: tuple[Array, ...]) -> Array:
    """Covariance, (4, 4, ...), of one unit's g e d/q, (e d/q)^2, relu(g)^2 n_drop and (h_j / ||h_l||) z_j."""
    m0, m1, m2, m3, m4 = m
    average, at, q, rho, n = units.average, units.at, units.q, units.rho, units.below.width
    kappa = np.sqrt(2 / (rho * n))
    square, zero = at**2 + 0 * m0, 0 * sd
    second = np.array(
        [
            [average(2, m2) / q, average(1, m3) / q**2, average(1, square * m1), kappa * average(1, at * sd * m0)],
            [zero, average(0, m4) / q**3, average(0, square * m2) / q, kappa * average(0, at * 2 * sd * m1) / q],
            [zero, zero, 1.5 * rho + zero, zero],
            [zero, zero, zero, 1 / n + zero],
        ]
    )
    second += np.swapaxes(np.triu(np.ones((4, 4)), 1)[(...,) + (None,) * sd.ndim] * second, 0, 1)
    first = np.array([average(1, m1), average(0, m2) / q, rho / 2 + zero, zero])
    return second - first[:, None] * first[None]


def top_risk(state: State, h: Array, offset: ArrayLike | None = None, estimate: str = "relu") -> Array:
    """E||h_hat - h||^2 / ||h||^2 at the top for codes with nonzero entries `h`, (..., k), of lengths `state.length`.

    On the support y_i is taken as Gaussian with the spread of the gain in it, off it as N(0, V ||h||^2).
    """
    h = np.asarray(h, float)
    norm = np.linalg.norm(h, axis=-1)
    b = np.broadcast_to(state.offset if offset is None else np.asarray(offset, float), norm.shape)
    shift, cut = {"relu": (b, -b), "hard": (0 * b, -b)}[estimate]
    variance = state.noise[..., None] * (norm[..., None] ** 2 - h**2) + state.spread[0, 0][..., None] * h**2
    mean = state.gain[..., None] * h
    on = thresholded_risk(mean, np.sqrt(np.maximum(variance, 0)), h, shift[..., None], cut[..., None]).sum(-1)
    off = thresholded_risk(0 * norm, np.sqrt(state.noise) * norm, 0.0, shift, cut)
    return (on + (state.width - h.shape[-1]) * off) / norm**2


def optimal_offsets(
    widths: Sequence[int], rho: Sequence[float], h: Array, *, scales: Sequence[float] | None = None, q: float = 1.0
) -> tuple[float, ...]:
    """The offsets b_1 ... b_L with the smallest risk at the top, for a code with nonzero entries `h`, (k,).

    In units of each layer's noise the hidden offsets are searched together (Nelder and Mead, from three starts), the
    top one inside by itself. Hidden offsets may come out positive: a layer that cuts less biases the one above less.
    """
    h = np.asarray(h, float)
    hidden = len(rho) - 1

    def climb(sds: Sequence[float]) -> tuple[float, tuple[float, ...]]:
        offsets = [*map(InNoise, sds), 0.0]
        states = state_evolution(widths, rho, offsets, np.linalg.norm(h), scales=scales, q=q, limit=True)
        risk, top = best_top_offset(states[-1], h)
        return risk, (*(float(state.offset) for state in states[:-1]), top)

    if not hidden:
        return climb(())[1]
    settings = {"xatol": 1e-3, "fatol": 1e-7, "maxfev": 80 * hidden}
    starts = [np.full(hidden, start) for start in (-1.0, 0.0, 1.5)]
    found = [optimize.minimize(lambda u: climb(u)[0], s, method="Nelder-Mead", options=settings) for s in starts]
    return climb(min(found, key=lambda result: result.fun).x)[1]


def best_top_offset(state: State, h: Array) -> tuple[float, float]:
    """The smallest risk at the top and the offset that has it: a grid first, for there can be two valleys."""
    sd = float(np.sqrt(state.noise) * state.length)
    grid = np.linspace(-2 * np.sqrt(2 * np.log(max(state.width, 2))), 1, 49) * sd
    best = int(np.argmin(top_risk(state, np.tile(h, (len(grid), 1)), grid)))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    top = float(np.asarray(optimize.fminbound(lambda b: float(top_risk(state, h, b)), low, high, xtol=1e-9)))
    return float(top_risk(state, h, top)), top
