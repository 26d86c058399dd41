"""The error of every entry of the top code, as Theorem 3.1 asks for it, and the offsets that make the largest small.

A binary code has k ones. All its entries that are on are alike, and so are those that are off, so that "for every i"
is two numbers, E|h_hat_i - h_i|^2 of an entry that is on and of one that is off. With a higher offset at the top the
second grows and the first, at the offsets that matter, falls: where the larger is smallest the two are equal, unless
the first is smallest before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from reversible.theory.depth import State, best_offsets, state_evolution
from reversible.theory.one_layer import thresholded_risk

Array = np.ndarray
GRID = np.linspace(-10, 3, 53)  # offsets in standard deviations of the noise at the top, where the search begins


def entry_risks(state: State, k: int, offset: ArrayLike | None = None) -> tuple[Array, Array]:
    """E|h_hat_i - h_i|^2 of an entry of a binary code that is on, and of one that is off, of the offset's shape.

    `state` is that of the top, for the length sqrt(k); the offset is its own unless another is given.
    """
    b = np.asarray(state.offset if offset is None else offset, float)
    noise, spread = float(state.noise), float(state.spread[0, 0])
    sd_on, sd_off = np.sqrt(np.maximum([noise * (k - 1) + spread, noise * k], 0))
    on = thresholded_risk(state.gain + 0 * b, sd_on + 0 * b, 1.0, b, -b)
    return on, thresholded_risk(0 * b, sd_off + 0 * b, 0.0, b, -b)


def best_for_every_entry(state: State, k: int) -> tuple[float, float]:
    """The smallest possible risk of the worst entry of a binary code, and the top offset that has it."""

    def worst(b: ArrayLike) -> Array:
        return np.maximum(*entry_risks(state, k, b))

    sd = float(np.sqrt(state.noise * k))
    grid = GRID * sd
    best = int(np.argmin(worst(grid)))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    top = float(np.asarray(optimize.fminbound(lambda b: float(worst(b)), low, high, xtol=1e-9 * sd, maxfun=200)))
    return float(worst(top)), top


def minimax_offsets(
    widths: Sequence[int], rho: Sequence[float], k: int, *, scales: Sequence[float] | None = None, q: float = 1.0
) -> tuple[float, ...]:
    """The offsets b_1 ... b_L with which the worst entry of a binary code of k ones has the smallest risk.

    Of two layers the hidden one gets a positive offset once it is wide: it costs noise and saves bias.

    >>> [round(b, 4) for b in minimax_offsets((25600, 12800, 100), (1.0, 0.5), 4)]
    [0.0002, 0.0409]
    """
    return best_offsets(widths, rho, k**0.5, lambda state: best_for_every_entry(state, k), scales=scales, q=q)


def worst_risk(widths: Sequence[int], rho: Sequence[float], k: int, *, q: float = 1.0) -> float:
    """The risk of the worst entry with those offsets, by the law's means: right where the layers are wide."""

    offsets = minimax_offsets(widths, rho, k, q=q)
    top = state_evolution(widths, rho, offsets, k**0.5, q=q, limit=True)[-1]
    return float(np.maximum(*entry_risks(top, k)))


def logarithms(x: ArrayLike, risk: ArrayLike) -> Array:
    """From one x to the next, the power p with which risk = C ln(x)^p / x would fall as it does, (n,) -> (n - 1,).

    A power law x^-a with a < 1 has a p that grows like ln x, whatever a is.

    >>> x = np.array([1e3, 1e4, 1e5])
    >>> logarithms(x, np.log(x) ** 2 / x).round(2).tolist()
    [2.0, 2.0]
    """
    x, risk = np.asarray(x, float), np.asarray(risk, float)
    return np.diff(np.log(risk * x)) / np.diff(np.log(np.log(x)))
