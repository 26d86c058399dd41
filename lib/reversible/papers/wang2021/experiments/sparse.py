"""Why digits come back from units that are not one-to-one: solutions with few active units, in random transforms.

Near a solution u of T(u) = v with the active units S the plain iteration multiplies its error by -A D_S, whose
eigenvalues are those of the block of A on S, and zeros: the fewer units are active, the smaller is the block [ours].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.nets.one_to_one import certified
from reversible.nets.p_matrices import norm
from reversible.nets.residual import Unit, damped, newton, plain, transform
from reversible.papers.wang2021 import labels
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
SIZE = 2.5  # of Gaussian weights: norms near 5, as those of the ordinary nets for digits that were trained slowly
FEW, SOME, MANY = 0.04, 0.1, 0.2  # shares of active units; those nets have 0.19, the ones trained faster 0.04
SHARES = (FEW, SOME, MANY)
SAME = 1e-6  # of u, relative: found again


@dataclass(frozen=True)
class Sparse:
    """One matrix A = s G / sqrt(h), and so many solutions u for each share of active units."""

    h: int
    s: float
    sides: int
    iterations: int
    seed: int


@dataclass(frozen=True)
class SparseResult:
    """Shares of the solutions that are found again, by share of active units."""

    any: tuple[float, ...]
    plain: tuple[float, ...]
    damped: tuple[float, ...]
    newton: tuple[float, ...]
    radius: tuple[float, ...]  # mean spectral radius of the active block of A
    few_but_long: float  # by any, for FEW active units whose r(u) is as long as for MANY
    norm: float
    not_one_to_one: bool  # proved


def sparse(p: Sparse) -> SparseResult:
    """u with entries |N(0, 1)| on random active units and -|N(0, 1)| elsewhere; v = T(u) is given, and u is wanted."""
    rng = np.random.default_rng(p.seed)
    A = p.s * rng.standard_normal((p.h, p.h)) / math.sqrt(p.h)
    rows = [_found(A, *drawn(rng, p.h, p.sides, share), p.iterations) for share in SHARES]
    longer = _found(A, *drawn(rng, p.h, p.sides, FEW, math.sqrt(MANY / FEW)), p.iterations)
    return SparseResult(
        **{name: tuple(row[name] for row in rows) for name in ("any", "plain", "damped", "newton", "radius")},
        few_but_long=longer["any"],
        norm=float(norm(A)),
        not_one_to_one=certified(Unit(np.eye(p.h), np.zeros(p.h), A)).verdict == "not unique",
    )


def drawn(rng: np.random.Generator, h: int, sides: int, share: float, size: float = 1.0) -> tuple[Array, Array]:
    """Solutions u (sides, h), and which of their units are active."""
    active = rng.permuted(np.tile(np.arange(h) < round(share * h), (sides, 1)), axis=1)
    return np.abs(rng.standard_normal((sides, h))) * np.where(active, size, -1.0), active


def _found(A: Array, u: Array, active: Array, iterations: int) -> dict[str, float]:
    v = transform(A, u)
    tried = {
        "plain": plain(A, v, iterations),
        "damped": damped(A, v, steps=iterations),
        "newton": newton(A, v),
    }
    close = SAME * np.linalg.norm(u, axis=1)
    again = {name: found.converged & (np.linalg.norm(found.u - u, axis=1) <= close) for name, found in tried.items()}
    radii = [np.abs(np.linalg.eigvals(A[np.ix_(on, on)])).max(initial=0.0) for on in active]
    shares = {name: float(which.mean()) for name, which in again.items()}
    return shares | {"any": float(np.any(list(again.values()), axis=0).mean()), "radius": float(np.mean(radii))}


def sparse_cells(profile: str) -> list[Sparse]:
    h, sides, iterations, count = {
        "smoke": (50, 5, 200, 3),
        "book": (100, 5, 300, 3),
        "full": (100, 20, 2000, 40),
    }[profile]
    return [Sparse(h, SIZE, sides, iterations, seed_of("wang-sparse", place)) for place in range(count)]


def sparse_measures(pairs: list[tuple[Sparse, SparseResult]]) -> dict[str, Estimate]:
    """Each matrix is one repeat."""
    results = [r for _, r in pairs]
    measures = {
        f"{name}_{words}": Estimate.of([getattr(r, name)[place] for r in results])
        for place, words in enumerate(("few", "some", "many"))
        for name in ("any", "plain", "damped", "newton", "radius")
    }
    return measures | {
        "few_but_long": Estimate.of([r.few_but_long for r in results]),
        "norm": Estimate.of([r.norm for r in results]),
        "not_one_to_one": Estimate.of_share(np.array([r.not_one_to_one for r in results])),
    }


EXPERIMENTS = {"wang-sparse": Experiment(sparse_cells, sparse, sparse_measures, label=labels.sparse)}
