"""Normalised residual nets: sensitivity grows like a power of depth, as a recursion says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible import data
from reversible.base.estimates import Estimate, furthest
from reversible.papers.labatie2019 import labels, laws, published
from reversible.papers.labatie2019.depth import Units, residual
from reversible.papers.labatie2019.experiments.depth import MIDDLE, TOGETHER, WIDTH, exponential
from reversible.papers.labatie2019.signals import Signals
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray


@dataclass(frozen=True)
class Residual:
    """Nets of residual units with `inside` times batch normalisation, ReLU and a dense layer in the branch of each."""

    inside: int
    data: str
    width: int
    batch: int
    units: tuple[int, ...]  # those that are looked at
    draws: int
    seed: int


def run(p: Residual) -> Units | Absent:
    try:
        found = [
            residual(Signals.of(p.data, p.batch, p.width, min(TOGETHER, p.draws - at), p.seed + at), p.inside, p.units)
            for at in range(0, p.draws, TOGETHER)
        ]
    except data.NotAtHand as missing:
        return Absent(str(missing))
    looks = {name: tuple(sum(parts, ()) for parts in zip(*(getattr(each, name) for each in found), strict=True))
             for name in ("log_chi", "log_recursion", "rank")}  # fmt: skip
    whole = {name: sum((getattr(each, name) for each in found), ()) for name in ("branch", "factor")}
    return Units(p.units, **looks, **whole)


def cells(profile: str) -> list[Residual]:
    units = {"smoke": (1, 5, 10, 15), "book": (1, 5, 25, 50, 75), "full": (1, 2, 5, 12, 25, 60, 125, 250, 500)}[profile]
    draws = {"smoke": 2, "book": 3, "full": 24}[profile]
    name = "digits" if profile == "smoke" else "cifar10"
    return [
        Residual(inside, name, WIDTH, MIDDLE, units, draws, seed_of("labatie-residual", str(inside)))
        for inside in (2, 1)
    ]


def tau(p: Residual, r: Units) -> Array:
    """What the measured factors of its layers say of each net's power."""
    return laws.power(np.array(r.factor) ** (2 * p.inside))


def steepness(r: Units) -> Array:
    """Slope of log chi over log depth of each net, over the last doubling or so of units."""
    rows = np.array(r.log_chi)
    return (rows[-1] - rows[-2]) / np.log(r.units[-1] / r.units[-2])


def gamma_law(p: Residual, r: Units) -> Array:
    """log chi at each look by the law with one branch and one growth for all units, the means over units and nets."""
    growth = float(np.mean(r.factor)) ** (2 * p.inside)
    return np.log(laws.residual_chi(np.array(r.units), float(np.mean(r.branch)), growth))


def over(rows: tuple[tuple[float, ...], ...], law: tuple[tuple[float, ...], ...] | Array) -> list[Estimate]:
    """At each look the geometric mean of chi over what a law says, of logs (looks, nets) and (looks, nets or 1)."""
    return [exponential(Estimate.of(row)) for row in np.array(rows) - np.array(law)]


def stored(r: Units) -> Estimate:
    """How far chi is from what the author stored, where it is farthest."""
    known = [(rows, np.log(published.RESIDUAL_CHI[unit]))
             for unit, rows in zip(r.units, r.log_chi, strict=True) if unit in published.RESIDUAL_CHI]  # fmt: skip
    return furthest([exponential(Estimate.of(np.array(rows) - there)) for rows, there in known], 1)


def measures(pairs: list[tuple[Residual, Units | Absent]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        end = {2: "", 1: "_one"}[p.inside]
        slope, power = steepness(r), tau(p, r)
        found |= {
            f"slope{end}": Estimate.of(slope),
            f"tau{end}": Estimate.of(power),
            f"slope_less_tau{end}": Estimate.of(slope - power),
            f"factor{end}": Estimate.of(r.factor),
            f"recursion_off{end}": furthest(over(r.log_chi, r.log_recursion), 1),
            f"constants_last{end}": over(r.log_chi, gamma_law(p, r)[:, None])[-1],
            f"chi_last{end}": exponential(Estimate.of(r.log_chi[-1])),
            f"rank_last{end}": Estimate.of(r.rank[-1]),
        }
        if p.inside == 2:
            found["stored_off"] = stored(r)
    return found


EXPERIMENTS = {"labatie-residual": Experiment(cells, run, measures, label=labels.residual)}
