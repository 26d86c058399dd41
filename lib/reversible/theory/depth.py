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

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from reversible.theory.next_layer import Read, Units, half_normal, read
from reversible.theory.one_layer import thresholded_risk

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
        """From that of one code to those of codes `by` times as long, where no offset has a scale of its own."""
        one = np.ones_like(by)  # (...)
        spread = self.spread.reshape(2, 2, *[1] * by.ndim) * one  # (2, 2, ...)
        error = self.error * one
        return State(self.width, self.length * by, self.gain * one, self.noise * one, spread, self.offset * by, error)

    @classmethod
    def joined(cls, states: Sequence[State]) -> State:
        """One state of the codes of several, one after the other."""
        parts = [(s.length, s.gain, s.noise, s.spread, s.offset, s.error) for s in states]
        return cls(states[0].width, *(np.concatenate(part, -1) for part in zip(*parts, strict=True)))


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
    scales = [1.0] * len(rho) if scales is None else scales
    lengths = _lengths(widths, rho, scales, np.asarray(length, float))
    zero = np.zeros_like(lengths[-1])  # (...)
    # The image is read as it is: G = 1, V = 0.
    state = State(widths[0], lengths[0], zero + 1, zero, np.zeros((2, 2, *zero.shape)), zero, zero)
    drift = bend = np.zeros((2, *zero.shape))
    follows, states = True, []
    for layer, offset in enumerate(offsets):
        n, width, norm = state.width, widths[layer + 1], lengths[layer + 1]
        units = Units(
            n=n, gain=state.gain, noise=state.noise, spread=state.spread, drift=drift, bend=bend,
            norm=state.length / norm, b=state.offset / norm, b_follows=follows, rho=rho[layer],
            alpha=scales[layer] * 2 / (rho[layer] * n), q=q,
        )  # fmt: skip
        above = read(units, limit)
        drift, bend, follows = above.drift, above.bend, isinstance(offset, InNoise)
        b = offset.sds * (np.sqrt(above.noise) * norm) if isinstance(offset, InNoise) else zero + offset
        hidden = layer + 1 < len(rho)
        error = _hidden_error(above, b / norm, width, rho[layer + 1]) if hidden else zero * np.nan
        state = State(width, norm, above.gain, above.noise, above.spread, b, error)
        states.append(state)
    return states


def _lengths(widths: Sequence[int], rho: Sequence[float], scales: Sequence[float], top: Array) -> list[Array]:
    """||h_0|| ... ||h_L||, (...) each: ||h_l||^2 is at its mean, alpha_l^2 t_l / 2 times that of the layer above."""
    lengths = [top]
    for n, r, scale in zip(widths[-2::-1], rho[::-1], scales[::-1], strict=True):
        lengths.insert(0, lengths[0] * scale * np.sqrt(2 / (r * n)))
    return lengths


def proof_offsets(widths: Sequence[int]) -> tuple[InNoise, ...]:
    """b_l = -sqrt(2 ln N_l) noise standard deviations: the offset of Theorem 2.3's proof at every layer [ours]."""
    return tuple(InNoise(-float(np.sqrt(2 * np.log(max(width, 2))))) for width in widths[1:])


def _hidden_error(above: Read, b: Array, width: int, rho: float) -> Array:
    """E||relu(y + b) - h||^2 / ||h||^2 of a generated layer, (...): its entries are half-normal, or zero.

    `b` is in units of ||h||; `width` and `rho` are the layer's own.
    """
    g, weight = half_normal()  # (200,)
    h = g.reshape(-1, *[1] * b.ndim) / np.sqrt(rho * width / 2)  # (200, 1, ...), entries in units of ||h||
    sd = np.sqrt(above.noise)  # (...)
    on = np.tensordot(weight, thresholded_risk(above.gain * h, sd + 0 * h, h, b, -b), 1)  # (...)
    off = thresholded_risk(0 * sd, sd, 0.0, b, -b)  # (...)
    return width * (rho * on + (1 - rho / 2) * off)


# --- the error at the top, and the offsets that make it small ---------------------------------------------------------

EDGE = 0.25  # a relative squared error that still leaves a code recognisable: a convention, which no theorem gives


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

    Hidden offsets may come out positive: a layer that cuts less biases the one above less.
    """
    h = np.asarray(h, float)
    return best_offsets(
        widths, rho, float(np.linalg.norm(h)), lambda state: best_top_offset(state, h), scales=scales, q=q
    )


def best_offsets(
    widths: Sequence[int], rho: Sequence[float], length: float, best_top: Callable[[State], tuple[float, float]], *,
    scales: Sequence[float] | None = None, q: float = 1.0,
) -> tuple[float, ...]:  # fmt: skip
    """The offsets b_1 ... b_L with the smallest risk for top codes of a length; `best_top`: risk and offset at the top.

    In units of each layer's noise the hidden offsets are searched together (Nelder and Mead, from three starts), the
    top one inside by itself.
    """
    hidden = len(rho) - 1

    def climb(sds: Sequence[float]) -> tuple[float, tuple[float, ...]]:
        offsets = [*map(InNoise, sds), 0.0]
        states = state_evolution(widths, rho, offsets, length, scales=scales, q=q, limit=True)
        risk, top = best_top(states[-1])
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
