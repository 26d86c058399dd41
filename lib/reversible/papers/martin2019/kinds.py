"""The 5+1 phases as matrices whose law is known, and the rule by which this book tells them apart [ours].

The names of the phases are known from other works on the paper [secondary]; how the paper tells them apart is not. So
each is given a matrix here that has to show it, and a rule on what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.papers.martin2019 import laws
from reversible.spectra import bulk
from reversible.spectra.decomposed import rank_of
from reversible.spectra.measures import power_law
from reversible.spectra.verdicts import LARGEST_ALPHA, TAIL_FIT, TAIL_SHARE, on_law

Array = np.ndarray
RANDOM, BLEEDING, SPIKES, DECAY, HEAVY, COLLAPSE = PHASES = (
    "random-like", "bleeding-out", "bulk+spikes", "bulk-decay", "heavy-tailed", "rank-collapse"
)  # fmt: skip
NEAR = 0.8  # a soft rank above it: what has left the bulk is still beside it
GONE = 0.05  # share of singular values that are zero where the rank has collapsed
MU = 1.5  # of the entries of the heavy-tailed matrix


@dataclass(frozen=True)
class Spectrum:
    """What is read off the singular values of one matrix."""

    sigma: float  # of the bulk
    soft_rank: float  # sigma^2 (sqrt(n) + sqrt(p))^2 over the largest eigenvalue
    stable_rank: float
    spikes: int
    distance: float  # of the bulk from its law
    phase: str


def measured(matrix: Array) -> Spectrum:
    """The spectrum of a matrix of at least 32 rows and columns, and the phase it is in."""
    n, p = max(matrix.shape), min(matrix.shape)
    values = np.linalg.svd(np.asarray(matrix, float), compute_uv=False)
    found = bulk.fit(values, (n, p))
    soft = float(laws.edge(n, p, found.sigma) / values[0] ** 2)
    stable = float((values / values[0]) @ (values / values[0]))
    return Spectrum(float(found.sigma), soft, stable, found.n_spikes, float(found.ks), phase(values, found, soft))


def phase(values: Array, found: bulk.Bulk, soft: float) -> str:
    """The phase that falling singular values are in; the first line that fits is taken.

    1. rank-collapse: a twentieth of the values are zero but for rounding.
    2. heavy-tailed: a power law with alpha <= 6 fits the upper end within 0.1, and a third of it has left the bulk.
    3. bulk-decay: the bulk is not on the law of Marchenko and Pastur.
    4. bulk+spikes: it is, and values have left it; the soft rank is below 0.8.
    5. bleeding-out: it is, and values have left it; the soft rank is 0.8 or more.
    6. random-like: it is, and nothing has left it.

    Lines 2 and 3 are those of this library's own verdict (`spectra.matrix`), with the same limits.
    """
    p = len(values)
    rank = rank_of(values)
    if p - rank >= GONE * p:
        return COLLAPSE
    alpha, settings = power_law(np.square(values[:rank]))
    fits = alpha is not None and alpha <= LARGEST_ALPHA and settings["distance"] <= TAIL_FIT
    if fits and found.n_spikes >= TAIL_SHARE * settings["n_tail"]:
        return HEAVY
    if not on_law(found, p):
        return DECAY
    if found.n_spikes == 0:
        return RANDOM
    return BLEEDING if soft >= NEAR else SPIKES


# --- a matrix for each, and how far it is from its law ----------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """A matrix of a phase with its eigenvalues over n, falling, and how far they are from their law."""

    matrix: Array
    values: Array
    off: float  # Kolmogorov's distance of those that have a continuous law from it
    top_off: float  # largest relative gap of those that have a place of their own from it; 0 where there is none


def _gaussian(n: int, p: int, rng: np.random.Generator) -> Array:
    return rng.standard_normal((n, p)) / math.sqrt(n)


def _directions(n: int, r: int, rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.standard_normal((n, r)))[0]


def strengths(phase: str) -> Array:
    """Of the signals of a phase, in units of the weakest that is seen."""
    return np.linspace(1.35, 1.25, 3) if phase == BLEEDING else np.linspace(4, 2, 8)


def variances(p: int) -> Array:
    """Of the directions of the matrix whose bulk decays: from 0.2 to 3, more of the small ones."""
    return 0.2 * 15 ** ((np.arange(p) + 0.5) / p)


def with_signals(n: int, p: int, times: Array, rng: np.random.Generator) -> Array:
    """A Gaussian matrix of variance 1/n with signals of so many times the threshold in random directions."""
    left, right = _directions(n, len(times), rng), _directions(p, len(times), rng)
    return _gaussian(n, p, rng) + (left * times * (p / n) ** 0.25) @ right.T


def _random(n: int, p: int, rng: np.random.Generator) -> Drawn:
    matrix = _gaussian(n, p, rng)
    values = eigenvalues(matrix)
    return Drawn(matrix, values, _off(values, laws.bulk_cdf(values, n, p)), 0.0)


def _signals(name: str) -> Callable[[int, int, np.random.Generator], Drawn]:
    def drawn(n: int, p: int, rng: np.random.Generator) -> Drawn:
        times = strengths(name)
        matrix = with_signals(n, p, times, rng)
        values = eigenvalues(matrix)
        law = np.array([laws.spiked_over_edge(t, p / n) for t in times]) * laws.edge(n, p) / n
        r = len(times)
        off = _off(values[r:], laws.bulk_cdf(values[r:] * n / (n - r), n - r, p - r))
        return Drawn(matrix, values, off, float(np.abs(values[:r] / law - 1).max()))

    return drawn


def _decay(n: int, p: int, rng: np.random.Generator) -> Drawn:
    """Directions of unequal variance, turned at random so that no row or column shows it."""
    matrix = _gaussian(n, p, rng) * np.sqrt(variances(p)) @ _directions(p, p, rng).T
    values = eigenvalues(matrix)
    grid, _, below = laws.unequal(variances(p), p / n)
    return Drawn(matrix, values, _off(values, np.interp(values, grid, below)), 0.0)


def _heavy(n: int, p: int, rng: np.random.Generator) -> Drawn:
    """Entries +-u^(-1/mu): the largest eigenvalue is near the largest squared entry, whose law is known."""
    matrix = rng.uniform(size=(n, p)) ** (-1 / MU) * rng.choice([-1.0, 1.0], (n, p))
    values = eigenvalues(matrix)
    return Drawn(matrix, values, 0.0, float(abs(values[0] / np.square(matrix).max() - 1)))


def _collapse(n: int, p: int, rng: np.random.Generator) -> Drawn:
    """A third of the directions are left; the rest are exactly none."""
    r = p // 3
    matrix = _gaussian(n, r, rng) @ _directions(p, r, rng).T
    values = eigenvalues(matrix)
    return Drawn(matrix, values, _off(values[:r], laws.bulk_cdf(values[:r], n, r)), float(values[r] / values[0]))


def eigenvalues(matrix: Array) -> Array:
    """Of W^T W, falling."""
    return np.linalg.svd(matrix, compute_uv=False) ** 2


def _off(values: Array, cdf: Array) -> float:
    return bulk.distance(values, cdf)


DRAW: dict[str, Callable[[int, int, np.random.Generator], Drawn]] = {
    RANDOM: _random, BLEEDING: _signals(BLEEDING), SPIKES: _signals(SPIKES), DECAY: _decay, HEAVY: _heavy,
    COLLAPSE: _collapse,
}  # fmt: skip
