"""Who leaves the sharp basin of the paper's loss in a plane: noise of five shapes, one trace, and two flat minima."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.zhu2019 import labels
from reversible.papers.zhu2019.toy import ARMS, BY_COVARIANCE, CENTRES, SUMS, escaped, runs
from reversible.runs.experiment import Experiment, seed_of

BESIDE = 250  # runs beside each other


@dataclass(frozen=True)
class Descents:
    """So many runs with noise of one shape."""

    arm: str
    place: str
    sums: str
    samples: int
    steps: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("arm", self.arm, ARMS)
        one_of("place", self.place, CENTRES)
        one_of("sums", self.sums, SUMS)


@dataclass(frozen=True)
class DescentsResult:
    escaped: int


def descents(p: Descents) -> DescentsResult:
    rng = np.random.default_rng(p.seed)
    count = 0
    for begun in range(0, p.draws, BESIDE):
        ends = runs(p.arm, p.place, p.sums, min(BESIDE, p.draws - begun), p.samples, p.steps, rng)
        count += int(escaped(ends, p.place).sum())
    return DescentsResult(count)


def cells(profile: str) -> list[Descents]:
    samples, steps, draws = {"smoke": (10, 300, 40), "book": (100, 500, 100), "full": (100, 500, 1000)}[profile]
    shapes = [
        (arm, place, sums) for place in CENTRES for sums in SUMS for arm in ARMS
        if sums == "own" or arm in BY_COVARIANCE
    ]  # fmt: skip
    return [
        Descents(*shape, samples, steps, draws, seed_of("zhu-toy", ", ".join(shape))) for shape in shapes
    ]  # fmt: skip


def less(one: tuple[Descents, DescentsResult], other: tuple[Descents, DescentsResult]) -> Estimate:
    """Share of one less that of the other, two independent binomials; a run more on each side keeps errors above 0."""
    shares = [r.escaped / p.draws for p, r in (one, other)]
    half = 1.96 * math.sqrt(sum(_variance(p, r) for p, r in (one, other)))
    mean = shares[0] - shares[1]
    return Estimate(mean, (mean - half, mean + half), one[0].draws)


def _variance(p: Descents, r: DescentsResult) -> float:
    share = (r.escaped + 1) / (p.draws + 2)
    return share * (1 - share) / p.draws


def measures(pairs: list[tuple[Descents, DescentsResult]]) -> dict[str, Estimate]:
    by = {(p.arm, p.place, p.sums): (p, r) for p, r in pairs}
    found: dict[str, Estimate] = {}
    for (arm, place, sums), (p, r) in by.items():
        name = f"{arm}_{place}_{sums}"
        outcomes = np.repeat([1.0, 0.0], [r.escaped, p.draws - r.escaped])
        found[f"success_{name}"] = Estimate.of_share(outcomes)
        if arm != "const":
            gap = less((p, r), by["const", place, "own"])
            found[f"more_than_const_{name}"] = gap
            found[f"above_const_{name}"] = Estimate.exact(1.96 * gap.mean / gap.half_width)
    found["diag_less_const"] = less(by["diag", "along", "own"], by["const", "along", "own"])
    found["leading_less_hessian"] = less(by["leading", "along", "own"], by["hessian", "along", "own"])
    return found


EXPERIMENTS = {"zhu-toy": Experiment(cells, descents, measures, label=labels.toy)}
