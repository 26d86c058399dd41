"""A net that folds a segment into as many pieces as it can, and what is left of them when its weights are moved."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife, smallest
from reversible.nets.pieces import pieces, segment
from reversible.nets.program import Program
from reversible.papers.hanin2019 import labels
from reversible.papers.hanin2019.nets import shaken, tent
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
SHAKES = (0.0, 0.01, 0.03, 0.1, 0.3)
KINDS = ("tent", "random")  # of the net that is moved; the random one has the same shape


@dataclass(frozen=True)
class Fold:
    """A net of `times` layers of two neurons on [0, 1]: each weight times 1 + c z, each bias plus c z, many times."""

    kind: str
    times: int
    c: float
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class FoldResult:
    """A number a draw: linear regions of the segment before the move and after it."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def fold(p: Fold) -> FoldResult:
    rng = np.random.default_rng(p.seed)
    found = []
    for _ in range(p.draws):
        layers = tent(p.times) if p.kind == "tent" else _alike(p.times, rng)
        found.append((_count(shaken(layers, 0.0, rng)), _count(shaken(layers, p.c, rng))))
    return FoldResult(*(tuple(column) for column in zip(*found, strict=True)))


def _count(net: Program) -> int:
    return pieces(net, segment([0.0], [1.0])).linear_regions


def _alike(times: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """The tent net's weights and biases with a random sign each: a net of the same numbers that was not built."""
    return [(W * rng.choice([-1.0, 1.0], W.shape), b * rng.choice([-1.0, 1.0], b.shape)) for W, b in tent(times)]


def cells(profile: str) -> list[Fold]:
    times, draws = {"smoke": (5, 6), "book": (8, 30), "full": (10, 500)}[profile]
    return [
        Fold(kind, times, c, draws, seed_of("hanin-fold", f"{kind}, {c}")) for kind in KINDS for c in SHAKES
    ]  # fmt: skip


def share_left(r: FoldResult) -> Estimate:
    """Mean after over mean before; exact where no draw differs from another."""
    before, after = np.array(r.before, float), np.array(r.after, float)
    if np.ptp(before) == 0 and np.ptp(after) == 0:
        return Estimate.exact(float(after[0] / before[0]))
    return jackknife(lambda a, b: float(a.mean() / b.mean()), after, before)


def measures(pairs: list[tuple[Fold, FoldResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        found[f"{'random_' if p.kind == 'random' else ''}left_{place_of(p.c)}"] = share_left(r)
    built = sorted(((p.c, r) for p, r in pairs if p.kind == "tent" and p.c > 0), key=lambda pair: pair[0])
    shares = [np.array(r.after) / np.array(r.before) for _, r in built]
    falls = [Estimate.of(before - after) for before, after in itertools.pairwise(shares)]
    return found | {"least_fall": smallest(falls)}


def place_of(c: float) -> str:
    return f"{c:g}".replace(".", "_")


EXPERIMENTS = {"hanin-fold": Experiment(cells, fold, measures, label=labels.fold)}
