"""Power laws fitted to spectra of heavy-tailed matrices and to plain samples: exponents, means, and rival laws."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels
from reversible.papers.martin2019.kinds import eigenvalues
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra import tails
from reversible.spectra.measures import NO_TAIL, power_law

Array = np.ndarray
TAILS = (0.4, 1.2, 2.5, 3.5, 5.0)  # of the notebook
N, P = 1000, 300  # its matrices, turned
VERSIONS = ("one_sided", "signs", "centred")


@dataclass(frozen=True)
class Pareto:
    """Matrices n x p with entries P(w > x) = (1 + x)^-mu, each in three versions."""

    mu: float
    n: int
    p: int
    draws: int
    seed: int


@dataclass(frozen=True)
class ParetoResult:
    """By version, a number a draw."""

    alpha: dict[str, tuple[float, ...]]  # with an upper end, as the notebooks have it
    alpha_open: dict[str, tuple[float, ...]]  # without, as this library has it
    distance: dict[str, tuple[float, ...]]
    top_over_mean: tuple[float, ...]  # one-sided: the largest eigenvalue over n p times the squared mean entry


def pareto(p: Pareto) -> ParetoResult:
    """As drawn; with a random sign for each entry; and with the mean of the entries taken off."""
    rng = np.random.default_rng(p.seed)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in VERSIONS}
    tops = []
    for _ in range(p.draws):
        W = rng.pareto(p.mu, (p.n, p.p))
        versions = {"one_sided": W, "signs": W * rng.choice([-1.0, 1.0], W.shape), "centred": W - W.mean()}
        spectra = {name: eigenvalues(matrix) for name, matrix in versions.items()}
        for name, values in spectra.items():
            found[name].append(_exponents(values))
        tops.append(float(spectra["one_sided"][0] / (W.size * W.mean() ** 2)))
    alpha, plain, distance = (
        {name: tuple(row[place] for row in rows) for name, rows in found.items()} for place in range(3)
    )
    return ParetoResult(alpha, plain, distance, tuple(tops))


def _exponents(values: Array) -> tuple[float, float, float]:
    fitted = tails.fit(values, ended=True)
    alpha, _ = power_law(values)
    return fitted.alpha, NO_TAIL if alpha is None else alpha, fitted.distance


def pareto_cells(profile: str) -> list[Pareto]:
    n, p, draws = {"smoke": (200, 60, 2), "book": (500, 150, 3), "full": (N, P, 10)}[profile]
    return [Pareto(mu, n, p, draws, seed_of("martin-tails", f"{mu}")) for mu in TAILS]


def pareto_measures(pairs: list[tuple[Pareto, ParetoResult]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for p, r in pairs:
        place = place_of(p.mu)
        alpha = {name: np.array(r.alpha[name]) for name in VERSIONS}
        for name in VERSIONS:
            measures[f"alpha_{name}_{place}"] = Estimate.of(alpha[name])
        measures[f"centring_{place}"] = Estimate.of(alpha["centred"] - alpha["one_sided"])
        measures[f"upper_end_{place}"] = Estimate.of(alpha["signs"] - np.array(r.alpha_open["signs"]))
        measures[f"top_over_mean_{place}"] = Estimate.of(r.top_over_mean)
    return measures


def place_of(mu: float) -> str:
    return f"{mu:g}".replace(".", "_")


# --- rivals on plain samples ------------------------------------------------------------------------------------------

LAWS = ("power", "lognormal")
EXPONENT = 2.5


@dataclass(frozen=True)
class Samples:
    """Samples of so many independent values of one law."""

    law: str
    size: int
    trials: int
    seed: int

    def __post_init__(self) -> None:
        one_of("law", self.law, LAWS)


@dataclass(frozen=True)
class SamplesResult:
    """A number a sample."""

    alpha: tuple[float, ...]
    count: tuple[int, ...]  # values in the fitted tail
    lognormal: tuple[float, ...]  # twice what the log-likelihood gains on this tail
    cutoff: tuple[float, ...]
    lognormal_whole: tuple[float, ...]  # and on the whole sample
    cutoff_whole: tuple[float, ...]


def samples(p: Samples) -> SamplesResult:
    rng = np.random.default_rng(p.seed)
    rows = []
    for _ in range(p.trials):
        values = sample(p.law, p.size, rng)
        tail = tails.fit(values, ended=True)
        whole = replace(tail, xmin=float(values.min()), count=p.size)
        gained = [tails.gains(values, t)[rival] for t in (tail, whole) for rival in tails.RIVALS]
        rows.append((tail.alpha, tail.count, *gained))
    return SamplesResult(*(tuple(column) for column in zip(*rows, strict=True)))


def sample(law: str, size: int, rng: np.random.Generator) -> Array:
    """A power law from 1 up, or a lognormal law with a deviation of 1."""
    if law == "lognormal":
        return np.exp(rng.standard_normal(size))
    return rng.uniform(size=size) ** (-1 / (EXPONENT - 1))


def sample_cells(profile: str) -> list[Samples]:
    trials = {"smoke": 5, "book": 30, "full": 2000}[profile]
    return [
        Samples(law, size, trials, seed_of("martin-rivals, afresh", f"{law}, {size}"))
        for law in LAWS for size in (100, 1000)
    ]  # fmt: skip


def sample_measures(pairs: list[tuple[Samples, SamplesResult]]) -> dict[str, Estimate]:
    measures = {}
    for p, r in pairs:
        for rival in tails.RIVALS:
            for where in ("", "_whole"):
                better = np.array(getattr(r, f"{rival}{where}")) > tails.GAIN
                measures[f"{rival}{where}_better_{p.law}_{p.size}"] = Estimate.of_share(better.astype(float))
        measures[f"tail_share_{p.law}_{p.size}"] = Estimate.of(np.array(r.count) / p.size)
    return measures


EXPERIMENTS = {
    "martin-tails": Experiment(pareto_cells, pareto, pareto_measures, label=labels.tails),
    "martin-rivals": Experiment(sample_cells, samples, sample_measures, label=labels.rivals),
}
