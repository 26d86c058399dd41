"""The instrument before it is pointed at a net: laws against matrices, planted signals, matrices of a known kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from reversible.base.checks import integer, one_of
from reversible.base.estimates import Estimate, furthest, largest, over_law, pooled, root_mean_square
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Experiment
from reversible.spectra import bulk
from reversible.theory.singular_values import Array, largest_singular_value, singular_values, spiked, threshold

SIGMA_NEAR = 0.02  # a relative error of the noise level that is small
KURTOSIS = {"gaussian": 3.0, "laplace": 6.0, "sign": 1.0}


def noise(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Independent entries of mean zero and variance one."""
    if kind == "gaussian":
        return rng.standard_normal(shape)
    return rng.laplace(size=shape) / math.sqrt(2) if kind == "laplace" else rng.choice([-1.0, 1.0], size=shape)


def eigenvalues(matrix: Array) -> Array:
    """Squared singular values of a tall matrix, falling."""
    return np.maximum(np.linalg.eigvalsh(matrix.T @ matrix)[::-1], 0)


# --- the laws ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Law:
    """Singular values of `draws` random matrices n x p."""

    n: int
    p: int
    kind: str
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KURTOSIS)
        integer("p", self.p, low=2, high=integer("n", self.n))
        integer("draws", self.draws, low=2)


@dataclass(frozen=True)
class LawResult:
    ks: Estimate  # Kolmogorov's distance of a draw's singular values from the law at the true sigma
    mean: Estimate  # of s / (sigma sqrt(n)),
    predicted_mean: float  # 8 / (3 pi) where the matrix is square
    fourth: Estimate  # of (s / (sigma sqrt(n)))^4
    predicted_fourth: float  # 1 + ratio and what a finite matrix adds
    edge: Estimate  # of the largest eigenvalue, centred and scaled as Tracy and Widom's law wants it
    edge_sd: Estimate  # standard deviation of that, with its interval for Gaussian edges


def law(p: Law) -> LawResult:
    """Draw, and set beside the law. E s^4 of a finite matrix is 1 + (p - 1)/n + (kurtosis - 1)/n exactly."""
    frozen, columns = singular_values(p.p / p.n), []
    mu, tau = largest_singular_value(p.n, p.p)
    for draw in range(p.draws):
        squares = eigenvalues(noise(p.kind, (p.n, p.p), np.random.default_rng([p.seed, draw])))
        values = np.sqrt(squares / p.n)
        distance = bulk.distance(values, frozen.cdf(values))
        columns.append((distance, values.mean(), np.square(squares / p.n).mean(), (squares[0] - mu) / tau))
    ks, mean, fourth, edge = np.array(columns).T
    return LawResult(
        ks=Estimate.of(ks),
        mean=Estimate.of(mean),
        predicted_mean=float(frozen.mean()),
        fourth=Estimate.of(fourth),
        predicted_fourth=1 + (p.p - 1) / p.n + (KURTOSIS[p.kind] - 1) / p.n,
        edge=Estimate.of(edge),
        edge_sd=Estimate.of(np.square(edge - edge.mean()) * p.draws / (p.draws - 1)).sqrt(),
    )


def law_cells(profile: str) -> list[Law]:
    shapes, draws = {
        "smoke": (((80, 80), (160, 40)), 20),
        "book": (((200, 200), (400, 200), (800, 100)), 60),
        "full": (((400, 400), (800, 400), (1600, 200)), 400),
    }[profile]
    places = [(kind, shape) for kind in KURTOSIS for shape in shapes]
    return [Law(n=n, p=p, kind=kind, draws=draws, seed=8000 + i) for i, (kind, (n, p)) in enumerate(places)]


def law_measures(pairs: list[tuple[Law, LawResult]]) -> dict[str, Estimate]:
    gaussian = [r for p, r in pairs if p.kind == "gaussian"]
    square = [r.mean.scaled(3 * math.pi / 8) for p, r in pairs if p.n == p.p]
    return {
        "fourth_moment_rms_z": _scores([r.fourth.z(r.predicted_fourth) for _, r in pairs]),
        "largest_ks": largest([r.ks for _, r in pairs]),
        "square_mean_over_law": pooled(square),
        "fourth_moment_over_law": over_law((r.fourth, r.predicted_fourth) for _, r in pairs),
        "edge_mean": pooled([r.edge for r in gaussian]),
        "edge_sd": pooled([r.edge_sd for r in gaussian]),
    }


def _scores(scores: list[float]) -> Estimate:
    """Their root mean square, with the interval that chi squared gives that of as many normal ones."""
    found, n = root_mean_square(scores).mean, len(scores)
    low, high = (found * math.sqrt(n / special.chdtri(n, above)) for above in (0.025, 0.975))
    return Estimate(found, (low, high), n)


# --- planted signals --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Noise n x p of sd sigma, and a signal of round(share p) components, `low` to `high` times what can be seen."""

    n: int
    p: int
    kind: str
    share: float
    low: float = 1.5
    high: float = 6.0
    sigma: float = 0.02
    draws: int
    seed: int

    @property
    def spikes(self) -> int:
        return round(self.share * self.p)


@dataclass(frozen=True)
class PlantedResult:
    sigma_error: Estimate  # sigma found over sigma planted, less 1
    sigma_near: int  # draws in which that is within 2 %
    median_error: Estimate  # the same of the median alone, without the step from p to p - r
    count_error: Estimate  # spikes found less planted
    count_near: int  # draws in which that is within one
    ks: Estimate


def planted(p: Planted) -> PlantedResult:
    """Plant, fit, compare."""
    rows = []
    for draw in range(p.draws):
        values = np.sqrt(eigenvalues(plant(p, np.random.default_rng([p.seed, draw]))))
        fitted = bulk.fit(values, (p.n, p.p))
        median = float(np.median(values) / singular_values.median(p.p / p.n)) / math.sqrt(p.n)
        rows.append((fitted.sigma / p.sigma - 1, median / p.sigma - 1, fitted.n_spikes - p.spikes, fitted.ks))
    sigma, plain, count, ks = np.array(rows).T
    return PlantedResult(
        sigma_error=Estimate.of(sigma),
        sigma_near=int((np.abs(sigma) <= SIGMA_NEAR).sum()),
        median_error=Estimate.of(plain),
        count_error=Estimate.of(count),
        count_near=int((np.abs(count) <= 1).sum()),
        ks=Estimate.of(ks),
    )


def plant(p: Planted, rng: np.random.Generator) -> Array:
    """One such matrix: directions at random, strengths evenly spread."""
    matrix = noise(p.kind, (p.n, p.p), rng)
    if p.spikes:
        left, right = (np.linalg.qr(rng.standard_normal((size, p.spikes)))[0] for size in (p.n, p.p))
        strengths = np.linspace(p.low, p.high, p.spikes) * threshold(p.p / p.n) * math.sqrt(p.n)
        matrix += (left * strengths) @ right.T
    return p.sigma * matrix


def planted_cells(profile: str) -> list[Planted]:
    shapes = {
        "smoke": ((200, 200, 4), (300, 200, 4)),
        "book": ((512, 512, 3), (1024, 400, 3)),
        "full": ((512, 512, 20), (2048, 512, 20), (1024, 1024, 10), (2048, 1024, 10)),
    }[profile]
    places = [(*shape, kind, share) for shape in shapes for kind in KURTOSIS for share in (0, 0.01, 0.03, 0.1)]
    return [
        Planted(n=n, p=p, kind=kind, share=share, draws=draws, seed=8100 + i)
        for i, (n, p, draws, kind, share) in enumerate(places)
    ]


def planted_measures(pairs: list[tuple[Planted, PlantedResult]]) -> dict[str, Estimate]:
    most = [(p, r) for p, r in pairs if p.share == 0.1]
    return {
        "sigma_near": share_of(pairs, [r.sigma_near for _, r in pairs]),
        "sigma_error_furthest": furthest([r.sigma_error for _, r in pairs], 0.0),
        "within_one": share_of(pairs, [r.count_near for _, r in pairs]),
        "count_error_furthest": furthest([r.count_error for _, r in pairs], 0.0),
        "sigma_error_at_a_tenth": pooled([r.sigma_error for _, r in most]),
        "median_error_at_a_tenth": pooled([r.median_error for _, r in most]),
        "largest_ks": largest([r.ks for _, r in pairs]),
        "weakest_over_edge": Estimate.exact(min(_stands_out(p) for p, _ in pairs if p.share)),  # by the law
    }


def share_of(pairs: Sequence[tuple[Any, Any]], counts: Sequence[int]) -> Estimate:
    """The share of all draws of some cells that these counts are."""
    of, there = sum(p.draws for p, _ in pairs), sum(counts)
    return Estimate.of_share([1.0] * there + [0.0] * (of - there))


def extreme_share(counts: Sequence[tuple[int, int]], which: Callable[..., float]) -> Estimate:
    """The largest or smallest (`which` is max or min) of several true shares, each count of so many draws.

    With Clopper and Pearson's intervals, widened until all hold in 95 cases of 100 (Bonferroni), as `largest` has them.
    """
    level = 0.025 / len(counts)
    low = which(float(special.betaincinv(k, n - k + 1, level)) if k else 0.0 for k, n in counts)
    high = which(float(special.betaincinv(k + 1, n - k, 1 - level)) if k < n else 1.0 for k, n in counts)
    return Estimate(which(k / n for k, n in counts), (low, high), min(n for _, n in counts))


def _stands_out(p: Planted) -> float:
    """Where the weakest planted component is seen, over the edge of the law."""
    ratio = p.p / p.n
    return float(spiked(np.array(p.low * threshold(ratio)), ratio)) / (1 + math.sqrt(ratio))


EXPERIMENTS = {
    "spectral-laws": Experiment(
        law_cells, law, law_measures, label=labels.spectral_laws, scores=("fourth_moment_rms_z",)
    ),
    "planted-spikes": Experiment(planted_cells, planted, planted_measures, label=labels.planted_spikes),
}
