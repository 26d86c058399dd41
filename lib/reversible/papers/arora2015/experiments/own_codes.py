"""Random layers that read back their own codes, beside the law: how much of a code is lost that the weights made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import integer, one_of
from reversible.base.estimates import Estimate, furthest, over_law, ratio
from reversible.papers.arora2015.labels import own_codes as labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra.known import known
from reversible.theory.own_codes import Made, law_moments, moments, read_back
from reversible.theory.singular_values import Array

ENTRIES = ("gaussian", "signs", "laplace", "sparse")  # of the noise: kurtosis 3, 1, 6 and 30
ON = 0.1  # share of sparse entries that are not zero
UNEVEN = 0.5  # sd of the logarithm of a row's and a column's scale, where they are unequal
STRENGTH = (1.5, 6.0)  # of planted spikes, in units of the bulk's edge
BRIGHT = 0.3  # share of an input's entries that are not zero


@dataclass(frozen=True, kw_only=True)
class OwnCodes:
    """Layers (m, n) with `spikes` planted in noise: inputs go up, their codes down and up again."""

    m: int
    n: int
    entries: str = "gaussian"
    uneven: bool = False  # rows and columns of unequal scales
    spikes: int = 0
    bias: float = 0.0  # of all units, in standard deviations of what they see
    draws: int
    images: int = 40  # a draw
    seed: int

    def __post_init__(self) -> None:
        one_of("entries", self.entries, ENTRIES)
        integer("m", self.m, low=2)
        integer("n", self.n, low=2)
        integer("draws", self.draws, low=2)


@dataclass(frozen=True)
class OwnCodesResult:
    """Relative squared errors at the scale that is best by the law; a ratio is a draw's over the law's."""

    error: Estimate  # of codes that the layer made itself,
    over_law: Estimate  # and over the law's
    given: Estimate  # of codes of the same inputs that a layer of the same kind made,
    given_over_law: Estimate  # and over the law's
    found: Estimate  # spikes that the law was told of


def own_codes(p: OwnCodes) -> OwnCodesResult:
    """The law is told of each layer what `spectra.known` finds in it, and not what was planted."""
    columns = np.array([_draw(p, np.random.default_rng([p.seed, draw])) for draw in range(p.draws)]).T
    return OwnCodesResult(*(Estimate.of(column) for column in columns))


def _draw(p: OwnCodes, rng: np.random.Generator) -> tuple[float, ...]:
    A, other = layer(p, rng), layer(p, rng)
    x = inputs(p.images, p.n, rng)
    alpha = 2 * p.m / np.square(A).sum()
    told = known(A)
    row: list[float] = []
    for maker in (A, other):
        seen = x @ maker.T
        bias = np.full(p.m, p.bias * seen.std())
        h = np.maximum(seen + bias, 0)
        back = np.maximum(np.maximum(alpha * h @ A, 0) @ A.T + bias, 0)
        law = law_moments(h, read_back(told, h, alpha, Made(x, seen) if maker is A else None), bias)
        error = moments(h, back, back**2).error(law.best_scale)
        row += [error, error / law.error()]
    return (*row, float(len(told.values)))


def layer(p: OwnCodes, rng: np.random.Generator) -> Array:
    """A (m, n): a planted part, whose directions lean to what inputs and codes have in common, and noise."""
    noise = {
        "gaussian": lambda: rng.standard_normal((p.m, p.n)),
        "signs": lambda: rng.choice([-1.0, 1.0], (p.m, p.n)),
        "laplace": lambda: rng.laplace(size=(p.m, p.n)) / math.sqrt(2),
        "sparse": lambda: rng.standard_normal((p.m, p.n)) * (rng.random((p.m, p.n)) < ON) / math.sqrt(ON),
    }[p.entries]()
    if p.uneven:
        rows, columns = (np.exp(UNEVEN * rng.standard_normal(size)) for size in (p.m, p.n))
        noise *= np.outer(rows / np.sqrt(np.square(rows).mean()), columns / np.sqrt(np.square(columns).mean()))
    if not p.spikes:
        return noise
    left, right = (np.linalg.qr(rng.standard_normal((size, p.spikes)) + 1)[0] for size in (p.m, p.n))
    edge = math.sqrt(p.m) + math.sqrt(p.n)
    return noise + (left * np.linspace(*STRENGTH, p.spikes) * edge) @ right.T


def inputs(count: int, n: int, rng: np.random.Generator) -> Array:
    """(count, n): a few bright entries each, between 0 and 1."""
    return rng.random((count, n)) * (rng.random((count, n)) < BRIGHT)


def cells(profile: str) -> list[OwnCodes]:
    shapes, draws = {
        "smoke": (((100, 200),), 4),
        "book": (((100, 200), (200, 100)), 6),
        "full": (((100, 400), (200, 800), (400, 400), (800, 400), (1600, 200)), 12),
    }[profile]
    kinds = [
        {"entries": entries, "uneven": uneven, "spikes": spikes, "bias": bias}
        for entries in ENTRIES
        for uneven, spikes, bias in ((False, 0, 0.0), (False, 0, -0.5), (True, 0, 0.0), (False, 5, 0.0), (True, 5, 0.5))
    ]
    places = [{"m": m, "n": n, **kind} for m, n in shapes for kind in kinds]
    return [OwnCodes(**place, draws=draws, seed=seed_of("own-codes", i)) for i, place in enumerate(places)]


def measures(pairs: list[tuple[OwnCodes, OwnCodesResult]]) -> dict[str, Estimate]:
    """Mean ratios to the law by kind of layer; those with a few large entries among zeros are measured apart."""
    light = [(p, r) for p, r in pairs if p.entries != "sparse"]
    kinds = {
        "plain": [r for p, r in light if not p.spikes],
        "spiked": [r for p, r in light if p.spikes],
        "sparse": [r for p, r in pairs if p.entries == "sparse"],
    }
    found: dict[str, Estimate] = {}
    for kind, results in kinds.items():
        found[f"own_over_law_{kind}"] = _mean(r.over_law for r in results)
        found[f"given_over_law_{kind}"] = _mean(r.given_over_law for r in results)
    simplest = [r for p, r in light if p.entries == "gaussian" and not (p.uneven or p.spikes or p.bias)]
    return found | {
        "furthest_from_law": furthest([r.over_law for _, r in light], 1.0),
        "given_over_own": ratio(_mean(r.given for r in simplest), _mean(r.error for r in simplest)),
    }


def _mean(estimates: Iterable[Estimate]) -> Estimate:
    return over_law((estimate, 1.0) for estimate in estimates)


EXPERIMENTS = {"own-codes": Experiment(cells, own_codes, measures, label=labels.own_codes)}
