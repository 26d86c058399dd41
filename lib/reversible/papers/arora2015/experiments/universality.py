"""What of the law of the weights counts, once a code is read at its best scale and offset: skew, kurtosis, correlation.

For a code of k ones let u = w_1 + ... + w_k be what a unit sees. Two numbers of the law of independent weights count,

    G = 2 E[w_1 relu(u)] = 2 E[relu(u)^2] / k,     S = 2 E[w_1^2 relu(u)^2]:

the gain is G, the noise off the support has the variance 2 k G / n, and on it 2 S / n - G^2 / n. Symmetric laws have
G = 1 and S = kurtosis + k - 1. To first order a skew of gamma has G = 1 + 2 gamma / (3 sqrt(2 pi k)).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import optimize, stats
from torch import Tensor

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, over_law, ratio
from reversible.base.runtime import one_thread, trial_generator
from reversible.papers.arora2015.labels import one_layer as labels
from reversible.random_nets import model
from reversible.runs.experiment import Experiment
from reversible.theory.one_layer import thresholded_risk

SKEWS = (-4.0, -2.0, 0.0, 2.0, 4.0)
TWO_POINTS = {f"two points, skew {skew:g}": skew for skew in SKEWS}  # kurtosis skew^2 + 1, the least there is
OTHERS = ("gaussian", "uniform", "exponential", "minus exponential", "sparse", "student 10")
CORRELATED = ("correlated",)
SKEWED = (*(name for name, skew in TWO_POINTS.items() if skew), "exponential", "minus exponential")
KURTOSIS = {
    "gaussian": 3.0, "uniform": 1.8, "exponential": 9.0, "minus exponential": 9.0, "sparse": 30.0, "student 10": 4.0,
    "correlated": 3.0, **{name: skew**2 + 1 for name, skew in TWO_POINTS.items()},
}  # fmt: skip


def two_points(skew: float) -> tuple[float, float, float]:
    """Of the law of two points with mean 0, variance 1 and `skew`: high and low value, the chance of the high one."""
    chance = (1 - skew / math.sqrt(4 + skew**2)) / 2
    return math.sqrt((1 - chance) / chance), -math.sqrt(chance / (1 - chance)), chance


def weights(name: str, n: int, m: int, generator: torch.Generator) -> Tensor:
    """(n, m) entries of the named law, mean zero and variance one; InputError for another name."""
    one_of("weights", name, KURTOSIS)
    if name in TWO_POINTS:
        high, low, chance = two_points(TWO_POINTS[name])
        return torch.where(torch.rand(n, m, generator=generator) < chance, high, low)
    if name.endswith("exponential"):
        W = model.sample_weights("skewed", n, m, generator, torch.float32)
        return -W if name.startswith("minus") else W
    if name == "student 10":
        squares = torch.randn(10, n, m, generator=generator).square_().sum(0)
        return torch.randn(n, m, generator=generator) / (squares / 8).sqrt()
    return model.sample_weights(name, n, m, generator, torch.float32)


@dataclass(frozen=True)
class Weights:
    """Codes of k ones among m, through one layer of n units with weights of the named law, and back."""

    weights: str
    n: int
    m: int
    k: int
    trials: int
    batch: int
    seed: int


@dataclass(frozen=True)
class WeightsResult:
    error: Estimate  # relative squared error at the best scale and offset, over draws of the weights
    predicted: float  # by the law; for correlated columns that of independent ones
    gain: Estimate  # on the support, before scale and offset
    predicted_gain: float  # G
    scale: float
    offset: float


def read_weights(p: Weights) -> WeightsResult:
    """The run and its law, by `units_of` and `best_error`."""
    with one_thread():
        on, off = zip(*(_trial(p, trial) for trial in range(p.trials)), strict=True)
    on, off = np.stack(on), np.stack(off)  # (trials, batch, k), (trials, batch, m - k)

    def squares(scale: float, b: float) -> np.ndarray:
        """Of each trial the summed squared error per one of its codes, over k."""
        errors = ((scale * np.maximum(on + b, 0) - 1) ** 2).sum(2) + ((scale * np.maximum(off + b, 0)) ** 2).sum(2)
        return errors.mean(1) / p.k

    def best_scale(b: float) -> float:
        kept, wrong = np.maximum(on + b, 0), np.maximum(off + b, 0)
        return float(kept.sum() / max((kept**2).sum() + (wrong**2).sum(), 1e-300))

    b = _best_offset(lambda b: float(squares(best_scale(b), b).mean()), float(off.std()))
    units, errors = units_of(p.weights, p.k), squares(best_scale(b), b)
    return WeightsResult(
        Estimate.of(errors), best_error(p, units), Estimate.of(on.mean((1, 2))), units.gain, best_scale(b), b
    )


def _trial(p: Weights, trial: int) -> tuple[np.ndarray, np.ndarray]:
    generator = trial_generator(p.seed, trial)
    W = weights(p.weights, p.n, p.m, generator)
    h = model.Codes("binary").sample(p.batch, p.m, p.k, generator, torch.float32)
    y = model.correlate(W, model.generate(W, h, 2 / p.n, 1.0))  # (batch, m)
    chosen = h > 0
    return y[chosen].view(p.batch, p.k).numpy(), y[~chosen].view(p.batch, p.m - p.k).numpy()


# --- the law ----------------------------------------------------------------------------------------------------------


class Units(NamedTuple):
    """What a unit contributes to reading a code of k ones: with weights w_1 ... w_k on it, u their sum."""

    gain: float  # G = 2 E[w_1 relu(u)] = 2 E[relu(u)^2] / k
    square: float  # S = 2 E[w_1^2 relu(u)^2]


@functools.cache
def units_of(name: str, k: int) -> Units:
    """Both numbers exactly: by the binomial law for two points, by the Gamma law of a sum for exponential weights.

    Of symmetric laws half of each second moment lies at u > 0, so that G = 1 and S = kurtosis + k - 1. Of k exponential
    variables with the sum g the squares add up to 2 g^2 / (k + 1) in the mean.

    >>> [tuple(round(x, 3) for x in units_of(name, 20)) for name in ("gaussian", "exponential", "minus exponential")]
    [(1.0, 22.0), (1.118, 46.2), (0.882, 9.8)]
    """
    if name in TWO_POINTS:
        up, down, chance = two_points(TWO_POINTS[name])
        count = np.arange(k + 1)
        above = np.maximum(count * up + (k - count) * down, 0) ** 2
        squares = count * up**2 + (k - count) * down**2
        chances = stats.binom.pmf(count, k, chance) * 2 / k
        return Units(float((chances * above).sum()), float((chances * above * squares).sum()))
    if name.endswith("exponential"):
        low, high = (k, None) if name == "exponential" else (None, k)

        def mean(of: Callable[[float], float]) -> float:
            return 2 / k * float(stats.gamma.expect(of, (k,), lb=low, ub=high))  # pyright: ignore

        return Units(mean(lambda g: (g - k) ** 2), mean(lambda g: (g - k) ** 2 * (2 * g**2 / (k + 1) - 2 * g + k)))
    return Units(1.0, KURTOSIS[name] + k - 1)


def best_error(p: Weights, units: Units) -> float:
    """The relative squared error at the best scale and offset, with every entry of y / G taken as Gaussian.

    Off the support it has the variance 2 k / (n G), and on it (2 S - G^2) / (n G^2).
    """
    off, on = math.sqrt(2 * p.k / (p.n * units.gain)), math.sqrt((2 * units.square / units.gain**2 - 1) / p.n)

    def parts(scale: float, b: float) -> float:
        one, shift, cut = np.array(1.0), np.array(b), np.array(-b)
        kept = thresholded_risk(one, np.array(on), 1 / scale, shift, cut)
        wrong = thresholded_risk(0 * one, np.array(off), 0.0, shift, cut)
        return float(scale**2 * (kept + (p.m - p.k) / p.k * wrong))

    def at(b: float) -> float:
        best = optimize.minimize_scalar(lambda a: parts(a, b), bounds=(0.3, 5), method="bounded")
        return float(best.fun)  # pyright: ignore

    return at(_best_offset(at, off))


def _best_offset(risk: Callable[[float], float], sd: float) -> float:
    """The offset with the smallest risk, from a grid in standard deviations of the noise, then refined."""
    grid = np.linspace(-5, 0.5, 23) * sd
    best = int(np.argmin([risk(b) for b in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.asarray(optimize.fminbound(risk, low, high, xtol=1e-4 * sd)))


# --- cells and measures -----------------------------------------------------------------------------------------------


def cells(profile: str) -> list[Weights]:
    n, m, ks, trials = {
        "smoke": (1000, 100, (5,), 12), "book": (2000, 200, (5, 20), 20), "full": (8000, 1000, (5, 20, 80), 60),
    }[profile]  # fmt: skip
    names = (*TWO_POINTS, *OTHERS, *CORRELATED)
    places = [(name, k) for name in names for k in ks]
    return [Weights(name, n, m, k, trials, 8, 3500 + i) for i, (name, k) in enumerate(places)]


def measures(pairs: list[tuple[Weights, WeightsResult]]) -> dict[str, Estimate]:
    by = {(p.weights, p.k): r for p, r in pairs}
    independent = [(p, r) for p, r in pairs if p.weights not in CORRELATED]
    skewed, symmetric = ([(p, r) for p, r in independent if (p.weights in SKEWED) == yes] for yes in (True, False))
    sparsest = min(p.k for p, _ in pairs)

    def beside(name: str, other: str) -> Estimate:
        return ratio(by[name, sparsest].error, by[other, sparsest].error)

    found = {
        "error_over_law_skewed": over_law((r.error, r.predicted) for _, r in skewed),
        "error_over_law_symmetric": over_law((r.error, r.predicted) for _, r in symmetric),
        "gain_over_law_skewed": over_law((r.gain, r.predicted_gain) for _, r in skewed),
        "positive_over_none": beside("two points, skew 2", "two points, skew 0"),
        "negative_over_none": beside("two points, skew -2", "two points, skew 0"),
        "sparse_over_gaussian": beside("sparse", "gaussian"),
        "correlated_over_gaussian": beside("correlated", "gaussian"),
    }
    return found


EXPERIMENTS = {
    "universality": Experiment(cells, read_weights, measures, label=labels.universality),
}
