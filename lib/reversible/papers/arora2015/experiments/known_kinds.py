"""The verdict on matrices of a known kind: random-like, of unequal scales, spiked, heavy-tailed, structured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.arora2015.experiments.instrument import Planted, extreme_share, noise, plant, share_of
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Experiment
from reversible.spectra import matrix as spectra
from reversible.spectra import verdicts
from reversible.theory.singular_values import Array

Draw = Callable[[np.random.Generator, int, int], Array]


def _signal(rng: np.random.Generator, n: int, p: int, share: float = 0.05) -> Array:
    return plant(Planted(n=n, p=p, kind="gaussian", share=share, draws=1, seed=0), rng)


def _smooth(rng: np.random.Generator, n: int, p: int) -> Array:
    """Rows that are smooth: sums of three neighbours of a row of which each entry stands twice."""
    rough = np.repeat(rng.standard_normal((n, p // 2 + 1)), 2, axis=1)[:, :p]
    return rough + np.roll(rough, 1, 1) + np.roll(rough, 2, 1)


def _correlated(variances: Draw) -> Draw:
    """Columns of unequal variance, turned at random: Gaussian entries whose columns lean on each other."""

    def drawn(rng: np.random.Generator, n: int, p: int) -> Array:
        turned = np.linalg.qr(rng.standard_normal((p, p)))[0]
        return (rng.standard_normal((n, p)) * np.sqrt(variances(rng, 1, p)[0])) @ turned

    return drawn


def _autoregressive(rng: np.random.Generator, n: int, p: int) -> Array:
    """Rows in which each entry has a correlation of 0.9 with the one before."""
    matrix = rng.standard_normal((n, p))
    for j in range(1, p):
        matrix[:, j] = 0.9 * matrix[:, j - 1] + 0.19**0.5 * matrix[:, j]
    return matrix


def _unequal(rows: bool, columns: bool, signal: bool = False) -> Draw:
    """Noise whose rows or columns have log-normal scales, with a signal in it or without."""

    def drawn(rng: np.random.Generator, n: int, p: int) -> Array:
        matrix = _signal(rng, n, p, share=0.02) if signal else rng.standard_normal((n, p))
        matrix = matrix * np.exp(0.5 * rng.standard_normal((n, 1))) if rows else matrix
        return matrix * np.exp(0.5 * rng.standard_normal(p)) if columns else matrix

    return drawn


KINDS: dict[str, dict[str, Draw]] = {
    verdicts.RANDOM_LIKE: {
        "gaussian": lambda rng, n, p: rng.standard_normal((n, p)),
        "uniform": lambda rng, n, p: rng.random((n, p)) - 0.5,
        "sign": lambda rng, n, p: noise("sign", (n, p), rng),
    },
    verdicts.UNEQUAL: {
        "unequal rows": _unequal(True, False),
        "unequal columns": _unequal(False, True),
        "unequal both": _unequal(True, True),
        "large rows": lambda rng, n, p: rng.standard_normal((n, p)) * np.where(np.arange(n) < n // 10, 3, 1)[:, None],
        "power-law columns": lambda rng, n, p: rng.standard_normal((n, p)) * (p / np.arange(1, p + 1)) ** 0.5,
    },
    verdicts.SPIKES: {
        "signal": _signal,
        "mean": lambda rng, n, p: rng.standard_normal((n, p)) + 0.3,
        "signal, unequal": _unequal(True, True, signal=True),
    },
    verdicts.HEAVY_TAILED: {
        "student 2": lambda rng, n, p: rng.standard_t(2, (n, p)),
        "pareto 1.5": lambda rng, n, p: rng.pareto(1.5, (n, p)) * rng.choice([-1, 1], size=(n, p)),
    },
    verdicts.STRUCTURED: {
        "orthogonal": lambda rng, n, p: np.linalg.qr(rng.standard_normal((n, p)))[0],
        "smooth": _smooth,
        "autoregressive": _autoregressive,
        "exponential variances": _correlated(lambda rng, n, p: rng.exponential(1, (n, p))),
        "chi-square variances": _correlated(lambda rng, n, p: rng.chisquare(1, (n, p))),
        "one in each row": lambda rng, n, p: np.eye(p)[rng.permutation(np.arange(n) % p)],
        "low rank": lambda rng, n, p: rng.standard_normal((n, p // 4)) @ rng.standard_normal((p // 4, p)),
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
    """Draw, and let the rule judge, nulls and all."""
    rows = [
        spectra.analyse(KINDS[p.expected][p.kind](np.random.default_rng([p.seed, draw]), p.n, p.p), seed=draw)
        for draw in range(p.draws)
    ]
    verdicts = [row.verdict for row in rows]
    counts = {name: verdicts.count(name) for name in sorted(set(verdicts))}
    right = Estimate.of_share([verdict == p.expected for verdict in verdicts])
    return KindResult(right, counts, rows[-1].measured.kurtosis, rows[-1].measured.alpha)


def kind_cells(profile: str) -> list[Kind]:
    shapes = {
        "smoke": ((50, 40, 2),),
        "book": ((100, 80, 3), (160, 120, 1)),
        "full": ((120, 100, 60), (784, 300, 36), (400, 400, 36)),
    }[profile]
    places = [(expected, kind, *shape) for expected in KINDS for kind in KINDS[expected] for shape in shapes]
    return [
        Kind(expected=expected, kind=kind, n=n, p=p, draws=draws, seed=9300 + i)
        for i, (expected, kind, n, p, draws) in enumerate(places)
    ]


def kind_measures(pairs: list[tuple[Kind, KindResult]]) -> dict[str, Estimate]:
    measures = {}
    for expected in KINDS:
        mine = [(p, r) for p, r in pairs if p.expected == expected]
        name = expected.replace(" ", "_").replace("-", "_")
        measures[f"right_{name}"] = share_of(mine, [r.verdicts.get(expected, 0) for _, r in mine])
    families: dict[str, tuple[int, int]] = {}
    for p, r in pairs:
        right, draws = families.get(p.kind, (0, 0))
        families[p.kind] = right + r.verdicts.get(p.expected, 0), draws + p.draws
    return measures | {"right_least": extreme_share(list(families.values()), min)}


EXPERIMENTS = {"verdict-rule": Experiment(kind_cells, judged, kind_measures, label=labels.verdict_rule)}
