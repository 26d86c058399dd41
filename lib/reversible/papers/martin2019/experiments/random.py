"""Random matrices as training finds them, and with one signal in them: soft rank, stable rank, spikes, by law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, furthest, largest
from reversible.papers.martin2019 import labels, laws
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra import bulk

Array = np.ndarray
# First weights: normal, normal cut off at two deviations, uniform; and as a control Student's t with 3 degrees of
# freedom, whose fourth moment is infinite.
ENTRIES = ("normal", "truncated", "uniform", "student")
NEAR_ONE = 0.03  # how far from one the soft rank of random weights may be
LAYERS = {"lenet5": (2450, 500), "square": (512, 512), "alexnet1": (4096, 384), "alexnet2": (384, 192)}


@dataclass(frozen=True)
class Initial:
    """Matrices n x p with entries of the variance 2 / (n + p), of truncated ones less what is cut off."""

    entries: str
    n: int
    p: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("entries", self.entries, ENTRIES)


@dataclass(frozen=True)
class InitialResult:
    """A number a draw."""

    soft_rank: tuple[float, ...]
    stable_rank: tuple[float, ...]
    sigma: tuple[float, ...]  # of the fitted bulk, as the notebooks have it: sd times sqrt(n)
    spikes: tuple[int, ...]


def drawn(p: Initial, rng: np.random.Generator) -> Array:
    shape, sd = (p.n, p.p), laws.glorot(p.n, p.p)
    if p.entries == "uniform":
        return rng.uniform(-math.sqrt(3) * sd, math.sqrt(3) * sd, shape)
    if p.entries == "student":
        return rng.standard_t(3, shape) * sd / math.sqrt(3)
    z = rng.standard_normal(shape)
    while p.entries == "truncated" and (beyond := np.abs(z) > 2).any():
        z[beyond] = rng.standard_normal(int(beyond.sum()))
    return sd * z


def initial(p: Initial) -> InitialResult:
    rng = np.random.default_rng(p.seed)
    found = [_spectrum(drawn(p, rng)) for _ in range(p.draws)]
    return InitialResult(*(tuple(column) for column in zip(*found, strict=True)))


def _spectrum(matrix: Array) -> tuple[float, float, float, int]:
    n, p = matrix.shape
    values = np.sqrt(np.maximum(linalg.eigvalsh(matrix.T @ matrix), 0))[::-1]
    found = bulk.fit(values, (n, p))
    largest_one = float(values[0]) ** 2
    soft, stable = laws.edge(n, p, found.sigma) / largest_one, float(values @ values) / largest_one
    return soft, stable, laws.unit_sigma(found.sigma, n), found.n_spikes


def initial_cells(profile: str) -> list[Initial]:
    draws = {"smoke": 3, "book": 5, "full": 600}[profile]
    names = {"smoke": ("alexnet2",), "book": ("alexnet2", "square"), "full": tuple(LAYERS)}[profile]
    return [
        Initial(entries, *LAYERS[name], draws, seed_of("martin-initial, afresh", f"{entries} {name}"))
        for name in names for entries in ENTRIES
    ]  # fmt: skip


def initial_measures(pairs: list[tuple[Initial, InitialResult]]) -> dict[str, Estimate]:
    light = [(p, r) for p, r in pairs if p.entries != "student"]
    heavy = [r for p, r in pairs if p.entries == "student"]
    inside, inside_heavy = (
        [abs(value - 1) <= NEAR_ONE for r in kind for value in r.soft_rank] for kind in ([r for _, r in light], heavy)
    )
    measures = {
        "soft_rank_off": furthest([Estimate.of(r.soft_rank) for _, r in light], 1),
        "soft_rank_inside": Estimate.of_share(np.array(inside, float)),
        "soft_rank_inside_student": Estimate.of_share(np.array(inside_heavy, float)),
        "spikes_student": Estimate.of(np.array([count for r in heavy for count in r.spikes], float)),
        "stable_rank_off_limit": furthest(
            [_ratios(r.stable_rank, p.n * p.p / laws.edge(p.n, p.p)) for p, r in light], 1
        ),
        "stable_rank_off_law": furthest([_ratios(r.stable_rank, laws.stable_rank(p.n, p.p)) for p, r in light], 1),
        "sigma_off": furthest([_ratios(r.sigma, first_sigma(p)) for p, r in light], 1),
        "soft_rank_off_law": furthest(
            [_ratios(r.soft_rank, laws.soft_rank(p.n, p.p)) for p, r in light if p.entries == "normal"], 1
        ),
    }
    for p, r in light:
        if (p.n, p.p) == LAYERS["square"] and p.entries == "uniform":
            measures["stable_rank_square"] = Estimate.of(r.stable_rank)
    return measures


def first_sigma(p: Initial) -> float:
    """What the fitted sigma of these first weights has to be."""
    return laws.unit_sigma(laws.glorot(p.n, p.p), p.n) * (laws.TRUNCATED if p.entries == "truncated" else 1)


def _ratios(values: tuple[float, ...], law: float) -> Estimate:
    return Estimate.of(np.array(values) / law)


# --- one signal -------------------------------------------------------------------------------------------------------

SHAPES = ((1000, 500), (512, 512), (2450, 500))
STRENGTHS = (0.5, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
CLEAR, BELOW = 1.5, 0.8  # times the threshold: from where the law is asked for, and up to where nothing may be seen


@dataclass(frozen=True)
class Signals:
    """Gaussian matrices with one signal of `strength` times the threshold each."""

    n: int
    p: int
    strength: float
    draws: int
    seed: int


@dataclass(frozen=True)
class SignalsResult:
    """A number a draw."""

    over_edge: tuple[float, ...]  # the largest eigenvalue over the edge of the law
    left: tuple[float, ...]  # squared cosine of the signal's direction with the largest singular vector, length n
    right: tuple[float, ...]  # length p
    spikes: tuple[int, ...]


def signals(p: Signals) -> SignalsResult:
    rng = np.random.default_rng(p.seed)
    found = [_one_signal(p, rng) for _ in range(p.draws)]
    return SignalsResult(*(tuple(column) for column in zip(*found, strict=True)))


def _one_signal(p: Signals, rng: np.random.Generator) -> tuple[float, float, float, int]:
    """The signal is put along the first coordinates: Gaussian noise looks the same from all sides."""
    matrix = rng.standard_normal((p.n, p.p)) / math.sqrt(p.n)
    matrix[0, 0] += p.strength * (p.p / p.n) ** 0.25
    squares, right = linalg.eigh(matrix.T @ matrix)
    values = np.sqrt(np.maximum(squares, 0))[::-1]
    left = matrix @ right[:, -1] / values[0]
    over = p.n * float(values[0]) ** 2 / laws.edge(p.n, p.p)
    return over, float(left[0]) ** 2, float(right[0, -1]) ** 2, bulk.fit(values, (p.n, p.p)).n_spikes


def signal_cells(profile: str) -> list[Signals]:
    shapes = {"smoke": ((200, 100),), "book": ((400, 200), (256, 256)), "full": SHAPES}[profile]
    strengths = {"smoke": (0.5, 2.0), "book": (0.5, 1.0, 1.5, 2.0, 3.0), "full": STRENGTHS}[profile]
    draws = {"smoke": 6, "book": 10, "full": 150}[profile]
    return [
        Signals(n, p, strength, draws, seed_of("martin-spikes", f"{n} x {p}, {strength}"))
        for n, p in shapes for strength in strengths
    ]  # fmt: skip


def signal_measures(pairs: list[tuple[Signals, SignalsResult]]) -> dict[str, Estimate]:
    clear = [(p, r) for p, r in pairs if p.strength >= CLEAR]
    below = [r for p, r in pairs if p.strength <= BELOW]
    return {
        "place_off": furthest(
            [_ratios(r.over_edge, laws.spiked_over_edge(p.strength, p.p / p.n)) for p, r in clear], 1
        ),
        "excess_below": largest([Estimate.of(np.array(r.over_edge) - 1) for r in below]),
        "seen_below": Estimate.of_share(np.array([count > 0 for r in below for count in r.spikes], float)),
        "seen_clear": Estimate.of_share(np.array([count == 1 for _, r in clear for count in r.spikes], float)),
        "overlap_off": furthest([e for p, r in clear for e in _less_law(p, r)], 0),
        "overlap_below": largest([Estimate.of(side) for r in below for side in (r.left, r.right)]),
    }


def _less_law(p: Signals, r: SignalsResult) -> list[Estimate]:
    """The overlaps of both sides less their laws."""
    laid = laws.overlaps(p.strength, p.p / p.n)
    return [Estimate.of(np.array(side) - law) for side, law in zip((r.left, r.right), laid, strict=True)]


EXPERIMENTS = {
    "martin-initial": Experiment(
        initial_cells, initial, initial_measures, label=labels.initial
    ),
    "martin-spikes": Experiment(signal_cells, signals, signal_measures, label=labels.spikes),
}  # fmt: skip
