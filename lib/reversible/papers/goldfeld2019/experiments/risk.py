"""How far the plug-in estimate of an entropy is from the truth, and how many samples it needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife, largest, smallest
from reversible.papers.goldfeld2019 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory.mixtures import (
    entropy,
    first_order_bias,
    information,
    information_box,
    information_line,
    spread_line,
)

Array = np.ndarray
SIGMA, WANTED = 0.5, 0.1  # the noise; the error whose samples are counted
KINDS = ("low", "high")  # dimensions in which the slope is read, and those in which samples are counted
AROUND = (0.6, 1.0, 1.6)  # sizes of samples in many dimensions, over those for which the law has the wanted error
FEW = 0.3  # a bias is held against its first order where that is at most so large


@dataclass(frozen=True)
class Risk:
    """Plug-in estimates from n samples each, of S uniform on [-1, 1]^d ("low"), or on its corners ("high")."""

    kind: str
    d: int
    n: int
    points: int  # draws of the mixture for each estimate
    draws: int  # estimates
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class RiskResult:
    """A number an estimate: how far it is above the truth, and the variance that the draws of the mixture give it.

    And of one estimate of the entropy itself, from fewer draws: that variance, for the paper's bound.
    """

    off: tuple[float, ...]
    variance: tuple[float, ...]
    entropy_variance: float


def risk(p: Risk) -> RiskResult:
    rng = np.random.default_rng(p.seed)
    each = information_box(SIGMA) if p.kind == "low" else information_line([-1.0, 1.0], SIGMA)
    truth = p.d * each  # coordinates are independent
    found = [information(_samples(p, rng), SIGMA, p.points, rng) for _ in range(p.draws)]
    whole = entropy(_samples(p, rng), SIGMA, p.points, rng)
    return RiskResult(
        tuple(e.mean - truth for e in found), tuple(_variance(e) for e in found), _variance(whole) * p.points
    )


def _samples(p: Risk, rng: np.random.Generator) -> Array:
    """(n, d)."""
    if p.kind == "low":
        return rng.uniform(-1, 1, (p.n, p.d))
    return rng.choice([-1.0, 1.0], (p.n, p.d))


def _variance(e: Estimate) -> float:
    return (e.half_width / 1.96) ** 2


def base() -> float:
    """A: by what the samples that are needed grow with a dimension."""
    return spread_line([-1.0, 1.0], SIGMA)


def cells(profile: str) -> list[Risk]:
    sizes, highest, draws, points = {
        "smoke": ((30, 60), 5, 10, 300), "book": ((30, 60, 120), 6, 40, 1000),
        "full": ((50, 100, 200, 400, 800), 8, 300, 4000),
    }[profile]  # fmt: skip
    low = [Risk("low", d, n, points, draws, 0) for d in (1, 2, 3) for n in sizes]
    high = [
        Risk("high", d, round(ratio * (base() ** d - 1) / (2 * WANTED)), points, max(8, draws // 3), 0)
        for d in range(4, highest + 1) for ratio in AROUND
    ]  # fmt: skip
    return [replace(p, seed=seed_of("goldfeld-risk", f"{p.kind}, {p.d}, {p.n}")) for p in [*low, *high]]


def root_mean_square_error(off: Array, variance: Array) -> float:
    """Without what the draws of the mixture add to it on average."""
    return math.sqrt(max(float(np.mean(off**2 - variance)), 1e-12))


def slope_of(same: list[tuple[Risk, RiskResult]]) -> Estimate:
    """Of the log of the error over the log of n, in one number of dimensions."""
    x = np.log([p.n for p, _ in same])
    weights = (x - x.mean()) / np.square(x - x.mean()).sum()
    columns = [np.array(v) for _, r in same for v in (r.off, r.variance)]
    return jackknife(
        lambda *c: float(weights @ np.log([root_mean_square_error(*c[i : i + 2]) for i in range(0, len(c), 2)])),
        *columns,
    )


def needed(same: list[tuple[Risk, RiskResult]]) -> Estimate:
    """The log of the number of samples at which the error is WANTED, on the straight line through the three sizes."""
    x = np.log([p.n for p, _ in same])

    def at(*columns: Array) -> float:
        y = np.log([root_mean_square_error(*columns[i : i + 2]) for i in range(0, len(columns), 2)])
        slope, height = np.polyfit(x, y, 1)
        return float((math.log(WANTED) - height) / slope)

    return jackknife(at, *(np.array(v) for _, r in same for v in (r.off, r.variance)))


def growth(more: Estimate, fewer: Estimate) -> Estimate:
    """The ratio of two numbers of samples, whose logs these are."""
    half = math.hypot(more.half_width, fewer.half_width)
    return Estimate(*_exp(more.mean - fewer.mean, half), min(more.n, fewer.n))


def _exp(mean: float, half: float) -> tuple[float, tuple[float, float]]:
    return math.exp(mean), (math.exp(mean - half), math.exp(mean + half))


def measures(pairs: list[tuple[Risk, RiskResult]]) -> dict[str, Estimate]:
    low = {d: [pair for pair in pairs if pair[0].kind == "low" and pair[0].d == d] for d in (1, 2, 3)}
    highest = max(p.d for p, _ in pairs)
    logs = {
        d: needed([pair for pair in pairs if pair[0].kind == "high" and pair[0].d == d]) for d in range(4, highest + 1)
    }
    growths = [growth(logs[d + 1], logs[d]) for d in range(4, highest)]
    slopes = {f"slope_{d}": slope_of(same) for d, same in low.items()}
    exponents = [*slopes.values()]
    return slopes | {
        "slope_highest": largest(exponents),
        "slope_lowest": smallest(exponents),
        "least_growth": smallest(growths),
        "growth_mean": Estimate(*_exp_of(logs, highest), logs[4].n),
        "base": Estimate.exact(base()),
        "bias_over_law": _bias_over_law(pairs),
        "most_above": largest([Estimate.of(r.off) for p, r in pairs if p.kind == "high"]),
        "variance_over_bound": Estimate.exact(max(_over_bound(p, r) for p, r in pairs)),
        "needed_4": _number(logs[4]),
        "needed_highest": _number(logs[highest]),
    }


def _exp_of(logs: dict[int, Estimate], highest: int) -> tuple[float, tuple[float, float]]:
    steps = highest - 4
    half = math.hypot(logs[highest].half_width, logs[4].half_width) / steps
    return _exp((logs[highest].mean - logs[4].mean) / steps, half)


def _number(log: Estimate) -> Estimate:
    return Estimate(*_exp(log.mean, log.half_width), log.n)


def _bias_over_law(pairs: list[tuple[Risk, RiskResult]]) -> Estimate:
    """The mean error over its first order, all cells together in which that is small and the dimensions are many."""
    laws = {(p.d, p.n): first_order_bias(base(), p.d, p.n) for p, _ in pairs}
    chosen = [(p, r) for p, r in pairs if p.kind == "high" and laws[p.d, p.n] <= FEW]
    ratios = np.array([-np.array(r.off) / laws[p.d, p.n] for p, r in chosen])
    return Estimate.of(ratios.mean(0))


def _over_bound(p: Risk, r: RiskResult) -> float:
    """The variance of -ln f over what the paper's bound has in its place, 2 d (2 + sigma^2) / sigma^2."""
    return r.entropy_variance / (2 * p.d * (2 + SIGMA**2) / SIGMA**2)


EXPERIMENTS = {"goldfeld-risk": Experiment(cells, risk, measures, label=labels.risk)}
