"""Noise in quadratic minima beside its laws, and how the ratio to isotropic noise grows with dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate, furthest, largest, smallest
from reversible.papers.zhu2019 import labels, laws
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
TIMES = (0.1, 1.0, 10.0)  # times the top eigenvalue of H
FINE = 0.05  # the coarser step of a simulated path, times the top eigenvalue; it is halved once
LATE = 10.0  # times the smallest eigenvalue
STEP = 0.5  # size of a discrete step, times the top eigenvalue
STEPS = (1, 5, 50)
MORE = 6  # times as many paths of discrete steps, which cost less


@dataclass(frozen=True)
class Quadratic:
    """A random H and a random Sigma that do not commute, and so many paths of the loss."""

    size: int
    paths: int
    seed: int


@dataclass(frozen=True)
class Path:
    """At one time: what the laws say, and the simulated mean loss with its standard error."""

    law: float
    linear: float
    mean: float
    error: float


@dataclass(frozen=True)
class QuadraticResult:
    commutator: float  # |H S - S H| over 2 |H| |S|, Frobenius norms
    flow: tuple[Path, ...]  # at TIMES; extrapolated to steps of size nought
    steps: tuple[Path, ...]  # after STEPS
    ratio: float  # Tr(H Sigma) over isotropic
    late: Path  # of the same noise at LATE
    isotropic: Path  # of isotropic noise of equal trace, at LATE


def quadratic(p: Quadratic) -> QuadraticResult:
    rng = np.random.default_rng(p.seed)
    H, S = drawn(p.size, rng)
    values = np.linalg.eigvalsh(H)
    top, late = float(values[-1]), LATE / float(values[0])
    round_one = np.trace(S) / p.size * np.eye(p.size)
    commutator = np.linalg.norm(H @ S - S @ H) / (2 * np.linalg.norm(H) * np.linalg.norm(S))
    return QuadraticResult(
        commutator=float(commutator),
        flow=tuple(flow(H, S, t / top, p.paths, rng) for t in TIMES),
        steps=tuple(steps(H, S, STEP / top, count, MORE * p.paths, rng) for count in STEPS),
        ratio=laws.ratio(H, S),
        late=ended(H, S, late, p.paths, rng),
        isotropic=ended(H, round_one, late, p.paths, rng),
    )


def drawn(size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Eigenvalues of H fall from one to a twentieth, those of Sigma to a hundredth; Sigma's basis is H's, turned."""
    basis, _ = np.linalg.qr(rng.standard_normal((size, size)))
    turned, _ = np.linalg.qr(np.eye(size) + 0.5 * rng.standard_normal((size, size)) / math.sqrt(size))
    turned = basis @ turned
    return (
        _with(basis, np.geomspace(1.0, 0.05, size)),
        _with(turned, np.geomspace(1.0, 0.01, size)),
    )


def _with(basis: Array, values: Array) -> Array:
    A = (basis * values) @ basis.T
    return (A + A.T) / 2


# --- simulated with plain steps, and no eigenvalue --------------------------------------------------------------------


def flow(H: Array, S: Array, t: float, paths: int, rng: np.random.Generator) -> Path:
    """dw = -H w dt + S^(1/2) dB by Euler's steps, coarse and halved on the same noise: twice the one less the other."""
    top = float(np.linalg.norm(H, 2))
    count = max(2, math.ceil(t * top / FINE))
    dt, root = t / count, np.linalg.cholesky(S)
    coarse, fine = np.zeros((2, paths, len(H)))
    for _ in range(count):
        first, second = (rng.standard_normal((paths, len(H))) @ root.T * math.sqrt(dt / 2) for _ in range(2))
        fine = fine - dt / 2 * fine @ H + first
        fine = fine - dt / 2 * fine @ H + second
        coarse = coarse - dt * coarse @ H + first + second
    return _path(laws.rise(H, S, t), laws.linear_rise(H, S, t), 2 * _losses(H, fine) - _losses(H, coarse))


def steps(H: Array, S: Array, size: float, count: int, paths: int, rng: np.random.Generator) -> Path:
    """Plain steps of gradient descent with Gaussian noise."""
    w, root = np.zeros((paths, len(H))), np.linalg.cholesky(S)
    for _ in range(count):
        w = w - size * (w @ H + rng.standard_normal(w.shape) @ root.T)
    linear = size * count * size / 2 * float(np.sum(H * S))
    return _path(laws.rise_of_steps(H, S, size, count), linear, _losses(H, w))


def ended(H: Array, S: Array, t: float, paths: int, rng: np.random.Generator) -> Path:
    """The flow at a late time, by few large steps that are exact: w(t + s) = e^(-Hs) w(t) and Gaussian noise.

    Its covariance is the integral of e^(-Hu) S e^(-Hu), here by Simpson's rule, so that the law has no part in it.
    """
    count, points = 8, 65
    s = t / count
    taylor = _exponential(-H * s / (points - 1))
    power, held = np.eye(len(H)), np.zeros_like(H)
    for i in range(points):
        weight = 1 if i in (0, points - 1) else 4 if i % 2 else 2
        held = held + weight * power @ S @ power
        power = power @ taylor
    root = np.linalg.cholesky(held * s / (points - 1) / 3)
    decay, w = _exponential(-H * s), np.zeros((paths, len(H)))
    for _ in range(count):
        w = w @ decay + rng.standard_normal(w.shape) @ root.T
    return _path(laws.rise(H, S, t), laws.linear_rise(H, S, t), _losses(H, w))


def _exponential(A: Array) -> Array:
    """e^A by Taylor's series of a small part of A, squared again and again."""
    doublings = max(0, math.ceil(math.log2(max(1e-9, float(np.abs(A).sum(1).max())))) + 4)
    small, term, total = A / 2**doublings, np.eye(len(A)), np.eye(len(A))
    for n in range(1, 12):
        term = term @ small / n
        total = total + term
    for _ in range(doublings):
        total = total @ total
    return total


def _losses(H: Array, w: Array) -> Array:
    return np.einsum("pi,ij,pj->p", w, H, w) / 2


def _path(law: float, linear: float, losses: Array) -> Path:
    return Path(law, linear, float(losses.mean()), float(losses.std(ddof=1) / math.sqrt(len(losses))))


# --- what is read off -------------------------------------------------------------------------------------------------


def quadratic_cells(profile: str) -> list[Quadratic]:
    size, paths, count = {"smoke": (3, 1000, 3), "book": (4, 5000, 4), "full": (6, 120_000, 10)}[profile]
    return [Quadratic(size, paths, seed_of("zhu-quadratic", draw)) for draw in range(count)]


def over_law(path: Path, paths: int, law: float) -> Estimate:
    """Simulated mean loss over what a law says."""
    half = 1.96 * path.error / law
    return Estimate(path.mean / law, (path.mean / law - half, path.mean / law + half), paths)


def quadratic_measures(pairs: list[tuple[Quadratic, QuadraticResult]]) -> dict[str, Estimate]:
    measures = {
        "commutator": Estimate.exact(min(r.commutator for _, r in pairs)),
        "flow_off": furthest([over_law(f, p.paths, f.law) for p, r in pairs for f in r.flow], 1),
        "steps_off": furthest([over_law(f, MORE * p.paths, f.law) for p, r in pairs for f in r.steps], 1),
        "ratio": Estimate.exact(min(r.ratio for _, r in pairs)),
        "late_off": furthest([_late(p, r) for p, r in pairs], 1),
    }
    for at, t in enumerate(TIMES):
        over = [over_law(r.flow[at], p.paths, r.flow[at].linear) for p, r in pairs]
        measures[f"linear_{labels.time_of(t)}"] = largest(over) if t >= 1 else smallest(over)
    scores = [(f.mean - f.law) / f.error for _, r in pairs for f in (*r.flow, *r.steps, r.late, r.isotropic)]
    return measures | {"rms_z": Estimate.exact(math.sqrt(float(np.mean(np.square(scores)))))}


def _late(p: Quadratic, r: QuadraticResult) -> Estimate:
    """Loss by the noise itself over that by isotropic noise."""
    mean = r.late.mean / r.isotropic.mean
    half = 1.96 * mean * math.hypot(r.late.error / r.late.mean, r.isotropic.error / r.isotropic.mean)
    return Estimate(mean, (mean - half, mean + half), p.paths)


# --- the exponent -----------------------------------------------------------------------------------------------------

KINDS = ("levels", "power")


@dataclass(frozen=True)
class Growth:
    """The ratio for Sigma = H: k eigenvalues of one and the others D^(-d), or the i-th eigenvalue i^(-d)."""

    kind: str
    d: float
    k: int
    sizes: tuple[int, ...]
    seed: int = 0


@dataclass(frozen=True)
class GrowthResult:
    ratios: tuple[float, ...]  # by size
    exponent: float


def growth(p: Growth) -> GrowthResult:
    ratios = []
    for size in p.sizes:
        values, counts = laws.two_levels(size, p.d, p.k) if p.kind == "levels" else _power(size, p.d)
        ratios.append(laws.ratio_of_values(values, counts))
    return GrowthResult(tuple(ratios), laws.growth(p.sizes, ratios))


def _power(size: int, d: float) -> tuple[Array, Array]:
    return np.arange(1, size + 1) ** -float(d), np.ones(size)


DS = (0.6, 0.75, 0.9, 1.25, 1.5, 2.0)


def growth_cells(profile: str) -> list[Growth]:
    sizes = {"smoke": (1000, 10_000), "book": (10_000, 100_000), "full": (10**6, 10**7)}[profile]
    shape = [("levels", 1), ("levels", 5), ("power", 1)]
    return [
        Growth(kind, d, k, sizes, seed_of("zhu-exponent", f"{kind}, {k}, {d}")) for kind, k in shape for d in DS
    ]  # fmt: skip


def growth_measures(pairs: list[tuple[Growth, GrowthResult]]) -> dict[str, Estimate]:
    paper = {p.d: r.exponent for p, r in pairs if p.kind == "levels" and p.k == 1}
    off = {d: abs(exponent - (2 * d - 1)) for d, exponent in paper.items()}
    beyond = [r.exponent for p, r in pairs if p.d > 1 and p.kind == "levels"]
    power = [abs(r.exponent - min(2 * p.d - 1, 1)) for p, r in pairs if p.kind == "power" and p.d != 0.9]
    return {
        **{f"exponent_{labels.place_of(d)}": Estimate.exact(value) for d, value in paper.items()},
        "off_below": Estimate.exact(max(value for d, value in off.items() if d < 1)),
        "off_above": Estimate.exact(max(value for d, value in off.items() if d > 1)),
        "least_above": Estimate.exact(min(beyond)),
        "most_above": Estimate.exact(max(beyond)),
        "power_off": Estimate.exact(max(power)),
    }


EXPERIMENTS = {
    "zhu-quadratic": Experiment(
        quadratic_cells, quadratic, quadratic_measures, label=labels.quadratic, scores=("rms_z",), repeats=("paths",)
    ),
    "zhu-exponent": Experiment(growth_cells, growth, growth_measures, label=labels.exponent),
}
