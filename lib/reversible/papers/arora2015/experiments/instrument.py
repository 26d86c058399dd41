"""The instrument before it is pointed at a net: laws against matrices, planted signals, matrices of a known kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import integer, one_of
from reversible.base.estimates import Estimate, largest, pooled, root_mean_square
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Experiment
from reversible.spectra import bulk
from reversible.spectra import matrix as spectra
from reversible.theory.singular_values import Array, largest_singular_value, singular_values, spiked, threshold

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
        "fourth_moment_rms_z": root_mean_square(r.fourth.z(r.predicted_fourth) for _, r in pairs),
        "largest_ks": largest([r.ks for _, r in pairs]),
        "square_mean_over_law": pooled(square),
        "fourth_moment_over_law": pooled([r.fourth.scaled(1 / r.predicted_fourth) for _, r in pairs]),
        "edge_mean": pooled([r.edge for r in gaussian]),
        "edge_sd": pooled([r.edge_sd for r in gaussian]),
    }


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
    worst_sigma_error: float  # of all draws, without its sign
    median_error: Estimate  # the same of the median alone, without the step from p to p - r
    within_one: Estimate  # share of draws whose number of spikes is within one of the planted one
    worst_count: int  # spikes found less planted, the farthest from 0
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
        worst_sigma_error=float(np.abs(sigma).max()),
        median_error=Estimate.of(plain),
        within_one=Estimate.of_share(np.abs(count) <= 1),
        worst_count=int(count[np.abs(count).argmax()]),
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
        "book": ((512, 512, 5), (1024, 512, 5)),
        "full": (
            (512, 512, 20),
            (2048, 512, 20),
            (1024, 1024, 10),
            (2048, 1024, 10),
            (2048, 2048, 4),
            (4096, 4096, 2),
        ),
    }[profile]
    places = [(*shape, kind, share) for shape in shapes for kind in KURTOSIS for share in (0, 0.01, 0.03, 0.1)]
    places = [place for place in places if place[0] < 4096 or place[4] in (0, 0.1)]
    return [
        Planted(n=n, p=p, kind=kind, share=share, draws=draws, seed=8100 + i)
        for i, (n, p, draws, kind, share) in enumerate(places)
    ]


def planted_measures(pairs: list[tuple[Planted, PlantedResult]]) -> dict[str, Estimate]:
    within = sum((round(r.within_one.mean * p.draws) for p, r in pairs), 0)
    draws = sum(p.draws for p, _ in pairs)
    most = [(p, r) for p, r in pairs if p.share == 0.1]
    return {
        "worst_sigma_error": Estimate.exact(max(r.worst_sigma_error for _, r in pairs)),
        "within_one": Estimate.of_share([1.0] * within + [0.0] * (draws - within)),
        "worst_count": Estimate.exact(max(abs(r.worst_count) for _, r in pairs)),
        "sigma_error_at_a_tenth": pooled([r.sigma_error for _, r in most]),
        "median_error_at_a_tenth": pooled([r.median_error for _, r in most]),
        "largest_ks": Estimate.exact(max(r.ks.mean for _, r in pairs)),
        "weakest_over_edge": Estimate.exact(min(_stands_out(p) for p, _ in pairs if p.share)),
    }


def _stands_out(p: Planted) -> float:
    """Where the weakest planted component is seen, over the edge of the law."""
    ratio = p.p / p.n
    return float(spiked(np.array(p.low * threshold(ratio)), ratio)) / (1 + math.sqrt(ratio))


# --- matrices of a known kind -----------------------------------------------------------------------------------------


def _signal(rng: np.random.Generator, n: int, p: int) -> Array:
    return plant(Planted(n=n, p=p, kind="gaussian", share=0.05, draws=1, seed=0), rng)


def _smooth(rng: np.random.Generator, n: int, p: int) -> Array:
    """Rows that are smooth: sums of three neighbours of a row of which each entry stands twice."""
    rough = np.repeat(rng.standard_normal((n, p // 2 + 1)), 2, axis=1)[:, :p]
    return rough + np.roll(rough, 1, 1) + np.roll(rough, 2, 1)


KINDS = {
    spectra.RANDOM_LIKE: {
        "gaussian": lambda rng, n, p: rng.standard_normal((n, p)),
        "uniform": lambda rng, n, p: rng.random((n, p)) - 0.5,
        "sign": lambda rng, n, p: noise("sign", (n, p), rng),
    },
    spectra.SPIKES: {
        "signal": _signal,
        "mean": lambda rng, n, p: rng.standard_normal((n, p)) + 0.3,
    },
    spectra.HEAVY_TAILED: {
        "student 2": lambda rng, n, p: rng.standard_t(2, (n, p)),
        "pareto 1.5": lambda rng, n, p: rng.pareto(1.5, (n, p)) * rng.choice([-1, 1], size=(n, p)),
        "power-law columns": lambda rng, n, p: rng.standard_normal((n, p)) * (p / np.arange(1, p + 1)) ** 0.5,
    },
    spectra.STRUCTURED: {
        "orthogonal": lambda rng, n, p: np.linalg.qr(rng.standard_normal((n, p)))[0],
        "smooth": _smooth,
    },
}  # what each kind of matrix is


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`draws` matrices n x p whose kind is known."""

    expected: str
    kind: str
    n: int
    p: int
    draws: int
    seed: int


@dataclass(frozen=True)
class KindResult:
    right: Estimate  # share of verdicts as expected
    verdicts: dict[str, int]
    kurtosis: float  # of the last draw, as the others
    alpha: float | None


def judged(p: Kind) -> KindResult:
    """Draw, and let the rule judge."""
    rows = [
        spectra.analyse(KINDS[p.expected][p.kind](np.random.default_rng([p.seed, draw]), p.n, p.p), nulls=False)
        for draw in range(p.draws)
    ]
    verdicts = [row.verdict for row in rows]
    counts = {name: verdicts.count(name) for name in sorted(set(verdicts))}
    right = Estimate.of_share([verdict == p.expected for verdict in verdicts])
    return KindResult(right, counts, rows[-1].measured.kurtosis, rows[-1].measured.alpha)


def kind_cells(profile: str) -> list[Kind]:
    shapes, draws = {
        "smoke": (((120, 100),), 5),
        "book": (((200, 120), (300, 300)), 10),
        "full": (((120, 100), (784, 300), (600, 600)), 40),
    }[profile]
    places = [(expected, kind, n, p) for expected in KINDS for kind in KINDS[expected] for n, p in shapes]
    return [
        Kind(expected=expected, kind=kind, n=n, p=p, draws=draws, seed=8300 + i)
        for i, (expected, kind, n, p) in enumerate(places)
    ]


def kind_measures(pairs: list[tuple[Kind, KindResult]]) -> dict[str, Estimate]:
    measures = {}
    for expected in KINDS:
        mine = [(p.draws, r.verdicts.get(expected, 0)) for p, r in pairs if p.expected == expected]
        draws, right = sum(d for d, _ in mine), sum(k for _, k in mine)
        name = expected.replace(" ", "_").replace("-", "_")
        measures[f"right_{name}"] = Estimate.of_share([1.0] * right + [0.0] * (draws - right))
    return measures


EXPERIMENTS = {
    "spectral-laws": Experiment(
        law_cells, law, law_measures, label=labels.spectral_laws, scores=("fourth_moment_rms_z",)
    ),
    "planted-spikes": Experiment(planted_cells, planted, planted_measures, label=labels.planted_spikes),
    "verdict-rule": Experiment(kind_cells, judged, kind_measures, label=labels.verdict_rule),
}
