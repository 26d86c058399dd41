"""What can be had exactly: one neuron by quadrature, beside draws, beside an independent library, and in training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, furthest, root_mean_square
from reversible.papers.goldfeld2019 import labels
from reversible.papers.goldfeld2019.neuron import BEGINS, EQUAL, PLATEAU, THIRDS, descent, given
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory.mixtures import information, information_line, partition_entropy

LN3 = math.log(3)
MASSES = ((0.25,) * 4, (0.5, 0.25, 0.25), (0.75, 0.25), (0.5, 0.5), (1.0,))  # all ways in which four inputs merge


# --- quadrature, draws and an independent library ---------------------------------------------------------------------


@dataclass(frozen=True)
class Laws:
    """Random neurons tanh(w x + b) on four equally likely inputs, with noise of random sizes from 0.05 to 0.5."""

    neurons: int
    points: int  # draws for the plug-in
    samples: int  # of input and output for the independent library
    seed: int


@dataclass(frozen=True)
class LawsResult:
    """A number a neuron; and how far clusters far apart are from the entropy of their masses, at most."""

    exact: tuple[float, ...]
    drawn: tuple[float, ...]
    error: tuple[float, ...]  # standard error of what was drawn
    library: tuple[float, ...]
    plateau_off: float


def laws(p: Laws) -> LawsResult:
    rng = np.random.default_rng(p.seed)
    found = [_compared(p, rng) for _ in range(p.neurons)]
    return LawsResult(*(tuple(column) for column in zip(*found, strict=True)), plateau_off=_plateau_off())


def _compared(p: Laws, rng: np.random.Generator) -> tuple[float, float, float, float]:
    values = given(rng.normal(), rng.normal())
    sigma = math.exp(rng.uniform(math.log(0.05), math.log(0.5)))
    drawn = information(values[:, None], sigma, p.points, rng)
    return information_line(values, sigma), drawn.mean, _error(drawn), _by_library(values, sigma, p.samples, rng)


def _error(e: Estimate) -> float:
    return e.half_width / 1.96


def _by_library(values: np.ndarray, sigma: float, samples: int, rng: np.random.Generator) -> float:
    """scikit-learn's estimate from samples alone, by nearest neighbours (Ross 2014): it knows no Gaussian."""
    from sklearn.feature_selection import mutual_info_classif

    which = rng.integers(0, len(values), samples)
    noisy = values[which] + sigma * rng.standard_normal(samples)
    return float(mutual_info_classif(noisy[:, None], which, random_state=int(rng.integers(2**31)))[0])


def _plateau_off() -> float:
    """For clusters 60 standard deviations apart."""
    return max(
        abs(information_line(0.6 * np.arange(len(m)), 0.01, m) - partition_entropy(m)) for m in MASSES
    )  # fmt: skip


def laws_cells(profile: str) -> list[Laws]:
    neurons, points, samples = {"smoke": (4, 2000, 300), "book": (10, 20_000, 1000), "full": (50, 100_000, 4000)}[
        profile
    ]
    return [Laws(1, points, samples, seed_of("goldfeld-laws", i)) for i in range(neurons)]


def laws_measures(pairs: list[tuple[Laws, LawsResult]]) -> dict[str, Estimate]:
    columns = zip(*((r.exact, r.drawn, r.error, r.library) for _, r in pairs), strict=True)
    exact, drawn, error, library = (np.concatenate(column) for column in columns)
    return {
        "z_drawn": root_mean_square((drawn - exact) / error),
        "plateau_off": Estimate.exact(max(r.plateau_off for _, r in pairs)),
        "library_off": Estimate.of(library - exact),
    }


# --- one neuron in training -------------------------------------------------------------------------------------------

SIGMAS = (0.01, 0.1)
A_DECADE = 40  # looks to a factor of ten
KINDS = ("equal", "thirds", "noisy")
LEVEL_AT = 10_000  # steps, where the level of the plateau is read


@dataclass(frozen=True)
class Neuron:
    """The neuron in gradient descent from w = 0.1, b = 0."""

    kind: str
    steps: int
    draws: int  # runs, each with noise of its own
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class NeuronResult:
    """By look: the step, what the neuron gives for each input in the first run; by sigma and look: information."""

    steps: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    information: tuple[tuple[float, ...], ...]
    level: tuple[
        float, ...
    ]  # information at LEVEL_AT, or at the end of a shorter run, for sigma = 0.01: a number a run


def looked_at(steps: int) -> list[int]:
    """0, and rising steps that are equally far from each other on a logarithmic scale."""
    count = math.floor(A_DECADE * math.log10(steps))
    return [0, *sorted({round(10 ** (i / A_DECADE)) for i in range(count + 1)} | {min(LEVEL_AT, steps), steps})]


def neuron(p: Neuron) -> NeuronResult:
    steps, shares = looked_at(p.steps), THIRDS if p.kind == "thirds" else EQUAL
    noise = SIGMAS[0] if p.kind == "noisy" else 0.0
    paths = [[given(w, b) for w, b in descent(shares, steps, noise, p.seed + run)] for run in range(p.draws)]
    at = steps.index(min(LEVEL_AT, p.steps))
    return NeuronResult(
        steps=tuple(steps),
        values=tuple(tuple(v.tolist()) for v in paths[0]),
        information=tuple(tuple(information_line(v, sigma, shares) for v in paths[0]) for sigma in SIGMAS),
        level=tuple(information_line(path[at], SIGMAS[0], shares) for path in paths),
    )


def neuron_cells(profile: str) -> list[Neuron]:
    steps, draws = {"smoke": (40_000, 2), "book": (100_000, 3), "full": (300_000, 10)}[profile]
    return [
        Neuron(
            kind,
            steps if kind != "noisy" else LEVEL_AT,
            draws if kind == "noisy" else 1,
            seed_of("goldfeld-neuron", kind),
        )
        for kind in KINDS
    ]


def decades(steps: tuple[int, ...], information: tuple[float, ...], level: float, within: float) -> float:
    """How many factors of ten the information stays that near the level without a break, at most."""
    best, first = 0.0, 0
    for step, value in zip(steps, information, strict=True):
        near = step > 0 and abs(value - level) <= within
        first = (first or step) if near else 0
        best = max(best, math.log10(step / first) if first else 0.0)
    return best


def neuron_measures(pairs: list[tuple[Neuron, NeuronResult]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        sharp, blunt = r.information
        if p.kind == "noisy":
            found |= {"noisy_off": furthest([Estimate.of(r.level)], PLATEAU), "noisy_level": Estimate.of(r.level)}
            continue
        exact = {
            "level": r.level[0],
            "at_plateau": decades(r.steps, sharp, PLATEAU, 0.005),
            "at_ln3": decades(r.steps, sharp, LN3, 0.01),
            "at_ln3_narrow": decades(r.steps, sharp, LN3, 0.005),
            "start_blunt": blunt[0],
            "peak_blunt": max(blunt),
            "end_blunt": blunt[-1],
            "end": sharp[-1],
        }
        found |= {f"{name}_{p.kind}": Estimate.exact(value) for name, value in exact.items()}
    return found


EXPERIMENTS = {
    "goldfeld-laws": Experiment(laws_cells, laws, laws_measures, label=labels.laws, scores=("z_",)),
    "goldfeld-neuron": Experiment(neuron_cells, neuron, neuron_measures, label=labels.neuron),
}
__all__ = ["BEGINS", "EXPERIMENTS", "Laws", "Neuron", "decades", "looked_at"]
