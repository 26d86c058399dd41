"""Noise of other kinds under the fit of the bulk, levelled or not; and how far a random bulk lies from the law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import integer, one_of
from reversible.base.estimates import Estimate, pooled, slope
from reversible.papers.arora2015.experiments.instrument import (
    Planted,
    eigenvalues,
    extreme_share,
    noise,
    plant,
    share_of,
)
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra import bulk, scales
from reversible.theory.singular_values import Array, gaussian_singular_values, largest_of_unequal_scales

# --- how far a random bulk lies from the law --------------------------------------------------------------------------

SIGNAL = 0.05  # of the singular values are spikes in matrices with a signal
DRAWN = ("gaussian", "laplace", "signal", "levelled")


@dataclass(frozen=True, kw_only=True)
class Distance:
    """`draws` random matrices n x p: Gaussian or Laplace entries, with a signal, or Gaussian and levelled."""

    what: str
    n: int
    p: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("what", self.what, DRAWN)
        integer("p", self.p, low=32, high=integer("n", self.n))
        integer("draws", self.draws, low=2)


@dataclass(frozen=True)
class DistanceResult:
    beyond: int  # draws whose distance from the law is above `bulk.farthest`
    point: Estimate  # the 99 % point of the distance times p, with an interval by order statistics


def distance(p: Distance) -> DistanceResult:
    """Draw, fit, and count."""
    fits = [bulk.fit(_values(p, np.random.default_rng([p.seed, draw])), (p.n, p.p)) for draw in range(p.draws)]
    beyond = sum(one.ks > bulk.farthest(p.p - one.n_spikes, p.what == "levelled") for one in fits)
    return DistanceResult(beyond, _quantile(np.sort([p.p * one.ks for one in fits]), 0.99))


def _values(p: Distance, rng: np.random.Generator) -> Array:
    if p.what == "gaussian":
        return gaussian_singular_values(p.n, p.p, rng)
    if p.what == "signal":
        drawn = plant(Planted(n=p.n, p=p.p, kind="gaussian", share=SIGNAL, draws=1, seed=0), rng)
    else:
        drawn = noise("laplace" if p.what == "laplace" else "gaussian", (p.n, p.p), rng)
    return np.sqrt(eigenvalues(_levelled(drawn) if p.what == "levelled" else drawn))


def _levelled(matrix: Array) -> Array:
    found = scales.fit(matrix)
    assert found is not None  # there are no zeros
    return found.level


def _quantile(values: Array, share: float) -> Estimate:
    """A quantile of rising independent values, its interval between the two that hold it in 95 cases of 100."""
    n = len(values)
    low, high = special.bdtrik(0.025, n, share), special.bdtrik(0.975, n, share)
    ends = values[max(math.floor(low) - 1, 0)], values[min(math.ceil(high) + 1, n - 1)]
    return Estimate(float(np.quantile(values, share)), (float(ends[0]), float(ends[1])), n)


def distance_cells(profile: str) -> list[Distance]:
    sizes, ratios, dense = {
        "smoke": (((32, 100), (64, 50)), (0.3, 1.0), ((40, 15),)),
        "book": (((32, 400), (128, 150), (512, 20)), (0.02, 1.0), ((64, 60),)),
        "full": (
            ((32, 6000), (64, 4000), (128, 3000), (256, 2000), (512, 800), (1024, 600), (4096, 20)),
            (0.02, 0.3, 1.0),
            ((64, 2000), (256, 500)),
        ),
    }[profile]
    places = [("gaussian", p, ratio, draws) for p, draws in sizes for ratio in ratios]
    places += [(what, p, ratio, draws) for what in DRAWN[1:] for p, draws in dense for ratio in (0.3, 1.0)]
    return [
        Distance(what=what, n=round(p / ratio), p=p, draws=draws, seed=seed_of("bulk-distance", i))
        for i, (what, p, ratio, draws) in enumerate(places)
    ]


def distance_measures(pairs: list[tuple[Distance, DistanceResult]]) -> dict[str, Estimate]:
    """Shares of draws beyond the 99 % point; its slope is that of p times the point in ln p."""
    gaussian = [(p, r) for p, r in pairs if p.what == "gaussian"]
    counts = [(r.beyond, p.draws) for p, r in gaussian if p.draws >= 100]
    measures = {}
    for what in DRAWN:
        own = [(p, r) for p, r in pairs if p.what == what]
        measures[f"beyond_{what}"] = share_of(own, [r.beyond for _, r in own])
    return measures | {
        "beyond_of_the_largest": share_of(*_largest(gaussian)),
        "beyond_at_most": extreme_share(counts, max),
        "beyond_at_least": extreme_share(counts, min),
        "slope": slope([np.log([p.p for p, _ in gaussian])], np.array([r.point.mean for _, r in gaussian])),
        "point_smallest": min((r.point for _, r in gaussian), key=lambda e: e.mean),
    }


def _largest(pairs: list[tuple[Distance, DistanceResult]]) -> tuple[list[tuple[Distance, DistanceResult]], list[int]]:
    """The cells of the largest p, and how many draws of each are beyond."""
    most = max(p.p for p, _ in pairs)
    own = [(p, r) for p, r in pairs if p.p == most]
    return own, [r.beyond for _, r in own]


# --- noise of other kinds ---------------------------------------------------------------------------------------------

SPREAD = 1.0  # of the logarithms of unequal scales: the largest is e times the smallest
LEAN = 0.5  # correlation of neighbours in a row
KEPT = 0.1  # of the entries, where nine in ten are zero


def even_scales(count: int) -> Array:
    """Scales of mean square one whose logarithms are evenly spread."""
    found = np.exp(SPREAD * (np.arange(count) + 0.5) / count)
    return found / math.sqrt(float(np.square(found).mean()))


def _leaning(rng: np.random.Generator, n: int, p: int) -> Array:
    """Rows of autoregressive entries, of variance one."""
    drawn = rng.standard_normal((n, p))
    for j in range(1, p):
        drawn[:, j] = LEAN * drawn[:, j - 1] + math.sqrt(1 - LEAN**2) * drawn[:, j]
    return drawn


def _student(freedom: int) -> Callable[[np.random.Generator, int, int], Array]:
    return lambda rng, n, p: rng.standard_t(freedom, (n, p)) * math.sqrt(1 - 2 / freedom)


def _sparse(rng: np.random.Generator, n: int, p: int) -> Array:
    return rng.standard_normal((n, p)) * (rng.random((n, p)) < KEPT) / math.sqrt(KEPT)


def _scaled(rows: bool, columns: bool) -> Callable[[np.random.Generator, int, int], Array]:
    def drawn(rng: np.random.Generator, n: int, p: int) -> Array:
        r, c = _scales_of(rows, columns, n, p)
        return rng.standard_normal((n, p)) * r[:, None] * c

    return drawn


def _scales_of(rows: bool, columns: bool, n: int, p: int) -> tuple[Array, Array]:
    return even_scales(n) if rows else np.ones(n), even_scales(p) if columns else np.ones(p)


SCALED = {"rows": (True, False), "columns": (False, True), "both": (True, True)}
NOISES: dict[str, Callable[[np.random.Generator, int, int], Array]] = {  # entries of variance one
    "gaussian": lambda rng, n, p: rng.standard_normal((n, p)),
    "laplace": lambda rng, n, p: noise("laplace", (n, p), rng),
    **{f"student_{freedom}": _student(freedom) for freedom in (5, 4, 3)},
    "sparse": _sparse,
    "correlated": _leaning,
    **{kind: _scaled(*which) for kind, which in SCALED.items()},
}


@dataclass(frozen=True, kw_only=True)
class Noise:
    """`draws` matrices n x p of nothing but noise of a kind, its entries of variance one."""

    kind: str
    n: int
    p: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, NOISES)
        integer("p", self.p, low=32, high=integer("n", self.n))
        integer("draws", self.draws, low=2)


@dataclass(frozen=True)
class NoiseResult:
    sigma: Estimate  # found by the fit
    spikes: Estimate  # singular values above the bulk
    any_spike: int  # draws with a spike
    off: int  # draws whose bulk is farther from the law than 99 in 100 random ones
    largest: Estimate  # singular value, over the edge of the law of equal scales, 1 + sqrt(p / n)
    edge: Estimate  # its square, centred and scaled as Tracy and Widom's law wants it for the scales that are there
    levelled_spikes: Estimate  # the same of the matrix levelled, where it has scales; as it is, where it has none
    levelled_off: int


def other_noise(p: Noise) -> NoiseResult:
    """Draw, fit, level, fit again."""
    seen, levelled = [], []
    mu, tau = largest_of_unequal_scales(*_scales_of(*SCALED.get(p.kind, (False, False)), p.n, p.p))
    for draw in range(p.draws):
        drawn = NOISES[p.kind](np.random.default_rng([p.seed, draw]), p.n, p.p)
        values = np.sqrt(eigenvalues(drawn))
        seen.append((*_read(values, p), values[0] / (math.sqrt(p.n) + math.sqrt(p.p)), (values[0] ** 2 - mu) / tau))
        found = scales.fit(drawn)
        levelled.append(_read(np.sqrt(eigenvalues(found.level if found else drawn)), p, True))
    sigma, spikes, off, top, edge = np.array(seen).T
    _, left, levelled_off = np.array(levelled).T
    return NoiseResult(
        sigma=Estimate.of(sigma),
        spikes=Estimate.of(spikes),
        any_spike=int((spikes > 0).sum()),
        off=int(off.sum()),
        largest=Estimate.of(top),
        edge=Estimate.of(edge),
        levelled_spikes=Estimate.of(left),
        levelled_off=int(levelled_off.sum()),
    )


def _read(values: Array, p: Noise, levelled: bool = False) -> tuple[float, int, bool]:
    found = bulk.fit(values, (p.n, p.p))
    return found.sigma, found.n_spikes, found.ks > bulk.farthest(p.p - found.n_spikes, levelled)


def noise_cells(profile: str) -> list[Noise]:
    shapes, draws = {
        "smoke": (((120, 80),), 4),
        "book": (((200, 200), (400, 130)), 4),
        "full": (((600, 600), (1200, 400)), 20),
    }[profile]
    places = [(kind, n, p) for kind in NOISES for n, p in shapes]
    return [
        Noise(kind=kind, n=n, p=p, draws=draws * (2 if kind in SCALED else 1), seed=seed_of("other-noise", i))
        for i, (kind, n, p) in enumerate(places)
    ]


def noise_measures(pairs: list[tuple[Noise, NoiseResult]]) -> dict[str, Estimate]:
    """By kind of noise, over all shapes."""
    measures = {}
    for kind in NOISES:
        own = [(p, r) for p, r in pairs if p.kind == kind]
        measures |= {
            f"sigma_{kind}": pooled([r.sigma for _, r in own]),
            f"spikes_{kind}": pooled([r.spikes for _, r in own]),
            f"any_spike_{kind}": share_of(own, [r.any_spike for _, r in own]),
            f"off_{kind}": share_of(own, [r.off for _, r in own]),
            f"levelled_spikes_{kind}": pooled([r.levelled_spikes for _, r in own]),
            f"levelled_off_{kind}": share_of(own, [r.levelled_off for _, r in own]),
        }
    unequal = [r for p, r in pairs if p.kind in SCALED]
    return measures | {
        "edge_mean_unequal": pooled([r.edge for r in unequal]),
        "largest_over_equal": pooled([r.largest for r in unequal]),
    }


EXPERIMENTS = {
    "bulk-distance": Experiment(distance_cells, distance, distance_measures, label=labels.bulk_distance),
    "other-noise": Experiment(noise_cells, other_noise, noise_measures, label=labels.other_noise),
}
