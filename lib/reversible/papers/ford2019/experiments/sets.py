"""Sets of errors whose distances are known in closed form, beside Gaussian points around x0 = 0 with sigma = 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, furthest, over_law
from reversible.papers.ford2019 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory import errors_in_noise as laws

Array = np.ndarray
Known = laws.Planes | laws.Slab | laws.Outside
KINDS = ("plane", "slab", "planes", "ball", "corner")
FACES, SIDES, DEPTH = 9, 6, 0.5  # planes at right angles; sides of the corner, and how far it is from x0
PARTS = (0.25, 0.5, 1.0, 1.25)  # of the flat distance: where the share of points with an error so near is looked at
TOGETHER = 5000  # points at once


@dataclass(frozen=True)
class Errors:
    """A set of errors of measure `mu` in n dimensions, and points around x0."""

    kind: str
    n: int
    mu: float
    points: int  # a draw
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class ErrorsResult:
    """A number a draw."""

    share: tuple[float, ...]  # of points in the set
    median: tuple[float, ...]  # of distances
    mean: tuple[float, ...]
    within: tuple[tuple[float, ...], ...]  # the share of points with an error within each of PARTS, a row a draw


def law_of(kind: str, mu: float, n: int) -> Known:
    """The closed form; InputError for the corner, which has none."""
    known = {
        "plane": lambda: laws.Planes(mu), "slab": lambda: laws.Slab(mu), "planes": lambda: laws.Planes(mu, FACES),
        "ball": lambda: laws.Outside(mu, n),
    }  # fmt: skip
    return known[one_of("kind", kind, known)]()


def measured(p: Errors) -> ErrorsResult:
    rng = np.random.default_rng(p.seed)
    far = distance_to(p, rng)
    c = laws.deviates(p.mu)
    found = [np.concatenate([far(part) for part in _points(p, rng)]) for _ in range(p.draws)]
    return ErrorsResult(
        tuple(float((d == 0).mean()) for d in found),
        tuple(float(np.median(d)) for d in found),
        tuple(float(d.mean()) for d in found),
        tuple(tuple(float((d <= part * c).mean()) for part in PARTS) for d in found),
    )


def _points(p: Errors, rng: np.random.Generator) -> list[Array]:
    sizes = [min(TOGETHER, p.points - at) for at in range(0, p.points, TOGETHER)]
    return [rng.standard_normal((size, p.n), dtype=np.float32) for size in sizes]


def distance_to(p: Errors, rng: np.random.Generator) -> Callable[[Array], Array]:
    """The distance of points (B, n) to the set, by geometry; the set lies in directions that are drawn."""
    frame = np.linalg.qr(rng.standard_normal((p.n, min(p.n, 1 + max(FACES, SIDES)))))[0].astype(np.float32)
    if p.kind == "corner":
        return lambda x: _to_corner(x @ frame[:, : 1 + SIDES])
    edge = law_of(p.kind, p.mu, p.n).clean
    along = {
        "plane": lambda x: x @ frame[:, 0],
        "slab": lambda x: np.abs(x @ frame[:, 0]),
        "planes": lambda x: (x @ frame[:, :FACES]).max(1),
        "ball": lambda x: np.linalg.norm(x, axis=1),
    }[p.kind]
    return lambda x: np.maximum(edge - along(x), 0.0)


def _to_corner(along: Array) -> Array:
    short = np.concatenate([DEPTH - along[:, :1], -along[:, 1:]], 1)
    return np.linalg.norm(np.maximum(short, 0.0), axis=1)


def cells(profile: str) -> list[Errors]:
    n, points, draws = {"smoke": (20, 4000, 4), "book": (64, 10_000, 5), "full": (200, 100_000, 10)}[profile]
    shares = {"smoke": (0.01,), "book": (0.01,), "full": (0.1, 0.01, 0.001)}[profile]
    places = [(kind, mu) for kind in KINDS[:-1] for mu in shares] + [("corner", laws.Corner(DEPTH, SIDES).mu)]
    return [Errors(kind, n, mu, points, draws, seed_of("ford-sets", f"{kind}, {mu}")) for kind, mu in places]


def score_of_bound(p: Errors, r: ErrorsResult) -> float:
    """The largest standard score by which too few points have an error near them; the law's own variance is taken."""
    bound = laws.near(np.array(PARTS) * laws.deviates(p.mu), p.mu, 1.0)
    error = np.sqrt(bound * (1 - bound) / (p.points * p.draws))
    return float(((bound - np.mean(r.within, axis=0)) / error).max())


def limit_of_scores(comparisons: int, level: float = 1e-3) -> float:
    """What the largest of so many standard scores exceeds with this probability at most."""
    return float(-special.ndtri(level / comparisons))


def measures(pairs: list[tuple[Errors, ErrorsResult]]) -> dict[str, Estimate]:
    known = [(p, r, law_of(p.kind, p.mu, p.n)) for p, r in pairs if p.kind != "corner"]
    found = {
        "closed_off": furthest([Estimate.of(np.array(r.median) / law.median) for _, r, law in known], 1),
        "share_over_law": over_law((Estimate.of(r.share), p.mu) for p, r, _ in known),
        "bound_score": Estimate.exact(max(score_of_bound(p, r) for p, r in pairs) / limit_of_scores(len(pairs) * 4)),
    }
    for p, r in pairs:
        if p.kind == "corner" or math.isclose(p.mu, 0.01):
            c = laws.deviates(p.mu)
            clean = DEPTH if p.kind == "corner" else law_of(p.kind, p.mu, p.n).clean
            found[f"noisy_{p.kind}"] = Estimate.of(np.array(r.median) / c)
            found[f"mean_{p.kind}"] = Estimate.of(np.array(r.mean) / laws.mean_distance(p.mu, 1.0))
            found[f"clean_{p.kind}"] = Estimate.exact(clean / c)
    return found


EXPERIMENTS = {"ford-sets": Experiment(cells, measured, measures, label=labels.sets)}
