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
taken at their means, the error being of order 1 / t_l; the spread of (G, V) from draw to draw is carried beside them as
a covariance, which is what a code of few entries feels. Derived for this project, not in the paper.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from reversible.laws import thresholded_risk

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
    error: (
        Array  # E||e_l - h_l||^2 / ||h_l||^2 of a hidden layer; nan at the top, where it depends on the code's entries
    )


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
    0.007225
    """
    a, angle = 2 / t1, np.arctan(np.sqrt(t1 / t0))
    s = a * np.sqrt(t1 / t0)
    active = (a**2 + s**2) * (np.pi - angle + np.sin(2 * angle) / 2) / (2 * np.pi)
    return float(t1 * active + (n1 - t1 / 2) * s**2 / 2)


def state_evolution(
    widths: Sequence[int], rho: Sequence[float], offsets: Sequence[Offset], length: ArrayLike = 1.0, *,
    scales: Sequence[float] | None = None, q: float = 1.0,
) -> list[State]:  # fmt: skip
    """The states of layers 1 ... L for top codes of the lengths given, any shape.

    `widths` N_0 ... N_L; `rho` and `scales` (alpha over the theory's 2/t) of layers 0 ... L-1; `offsets` b_1 ... b_L:
    numbers or `InNoise`. `q`: retention of dropout at inference, at the input of every layer.
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
        state, drift = _up(state, drift, relative, lengths[layer + 1], rho[layer], scales[layer], q)
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


def _up(
    below: State, drift: Array, relative: bool, length: Array, rho: float, scale: float, q: float
) -> tuple[State, Array]:
    """From layer l to l + 1, in units of ||h_{l+1}||: the new gain, noise and spread, and their drift.

    `drift` is d(G, V) / d ln||h_l||: 0 where all offsets follow the code's length (`relative`), for then nothing has a
    scale. The spread has three sources: the units' own sum, the length of h_l which that same sum makes, and the
    spread from below; the projection P z in layer l acts as -sqrt(V) (u . z) added to the gain.
    """
    n = below.width
    alpha, own = scale * 2 / (rho * n), below.length / length
    g, weight = _half_normal()
    g = g.reshape(-1, *[1] * length.ndim)
    sd, b = np.sqrt(below.noise) * own, below.offset / length
    mean = np.concatenate([below.gain * alpha * g + b, (0 * g[:1] + b)])  # the last row: units that were silent
    m0, m1, m2, m3, m4, density = relu_moments(mean, sd + 0 * mean)
    zero = 0 * g[:1]
    at = np.concatenate([g, zero])  # g of active units, 0 for silent ones: h_j = alpha at

    def average(power: int, values: Array) -> Array:
        """E[g^power values]: active units are kept and have g > 0, silent ones have the mean of g^power they have."""
        silent = (1 - rho / 2, -rho / np.sqrt(2 * np.pi), 1 - rho / 2)[power]
        return rho * np.tensordot(weight, g**power * values[:-1], 1) + silent * values[-1]

    gain, noise = np.maximum(n * average(1, m1), 0), n * average(0, m2) / q
    by_mean = [n * average(1, at * 0 + m0), n * average(0, 2 * m1) / q]
    by_gain = [n * alpha * average(1, at * m0), n * alpha * average(0, at * 2 * m1) / q]
    by_sd = [n * average(1, density), n * average(0, 2 * sd * m0) / q]
    by_noise = [own * d / (2 * np.sqrt(np.maximum(below.noise, 1e-300))) for d in by_sd]
    inner = np.stack([np.stack(by_gain), np.stack(by_noise)], 1) * (below.noise > 0)  # (2, 2, ...)
    carried = np.einsum("ab...,b...->a...", inner, drift)
    by_length = np.stack(by_sd) * sd / 2 + carried / 2 + (np.stack(by_mean) * b / 2 if relative else 0)
    moved = carried - (0 if relative else np.stack(by_mean) * b)

    own_sum = _unit_covariance(average, at, sd, (m0, m1, m2, m3, m4), rho, q, n)
    to_state = np.zeros((2, 4, *length.shape))
    to_state[0, 0] = to_state[1, 1] = 1
    to_state[:, 2] = by_length * 2 / (rho * n)
    to_state[:, 3] = -np.stack(by_gain) * np.sqrt(below.noise)
    spread = np.einsum("ai...,ij...,bj...->ab...", to_state, n * own_sum, to_state)
    spread = spread + np.einsum("ab...,bc...,dc...->ad...", inner, below.spread, inner)
    return State(0, length, gain, noise, spread, b, b), moved


def _unit_covariance(average, at: Array, sd: Array, m: tuple[Array, ...], rho: float, q: float, n: int) -> Array:
    """Covariance, (4, 4, ...), of one unit's g e d/q, (e d/q)^2, relu(g)^2 n_drop and (h_j / ||h_l||) z_j."""
    m0, m1, m2, m3, m4 = m
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
        states = state_evolution(widths, rho, offsets, np.linalg.norm(h), scales=scales, q=q)
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
