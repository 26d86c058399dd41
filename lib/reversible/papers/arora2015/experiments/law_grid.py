"""The law on a grid, for the explorer: sizes of image and top code, sparsity, dropout and depth, over the top's error.

The grid has no simulation: every number is a quadrature at the end of a search for offsets, averaged over codes. The
offsets are the best ones of the law of infinite width; what they do in layers of these widths is the law in use. Some
of the grid's nets, drawn at random, are run beside it.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reversible.base.estimates import Estimate, largest, over_law, rms_gap
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import NEVER, MultiLayer, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import optimal_offsets, state_evolution, top_risk

PIXELS = (500, 1000, 2000, 4000, 8000, 16000, 32000)
NOTHING = 1.0  # the error of an answer of zero, whatever the code
LOW, HIGH = 0.5, 1.5  # entries that are on are uniform between them, as the simulation's are by default
CODES = 256  # over which the error is averaged: a per cent or less of it is left to chance
FEW = 100  # units kept under the code: with fewer the law is not trusted, and its nets are measured apart
WIDEST = 4000  # pixels of a net that is run: the grid's larger ones would take gigabytes


@dataclass(frozen=True, kw_only=True)
class LawRow:
    """A row of the grid: nets that differ in their images alone. Each layer keeps the same share of its units."""

    m: int  # width of the top code
    k: int  # its nonzero entries
    rho: float  # retention of the generation's dropout
    depth: int  # layers down to the image
    n: tuple[int, ...]  # pixels of each net's image, at least m


@dataclass(frozen=True)
class LawErrors:
    """Relative squared error of the top code, one number for each of the row's images."""

    errors: tuple[float, ...]


Pairs = list[tuple[LawRow, LawErrors]]


class Net(NamedTuple):
    """A point of the grid."""

    n: int
    m: int
    k: int
    rho: float
    depth: int


def law_rows(profile: str) -> list[LawRow]:
    """Every combination that is a net, in rows of one net or more."""
    ms, ks, rhos, depths = {
        "smoke": ((100,), (5,), (0.25, 1.0), (1, 2)),
        "book": ((100,), (5,), (0.25, 1.0), (1, 2, 3)),
        "full": ((50, 100, 200, 400, 800), (2, 5, 10, 20, 50), (0.1, 0.25, 0.5, 1.0), (1, 2, 3, 4)),
    }[profile]
    rows = [
        LawRow(m=m, k=k, rho=rho, depth=depth, n=tuple(n for n in PIXELS if is_net(Net(n, m, k, rho, depth))))
        for m, k, rho, depth in itertools.product(ms, ks, rhos, depths)
    ]
    return [row for row in rows if row.n]


def is_net(net: Net) -> bool:
    """Fewer entries are on than the code has, no image is narrower than its code, and no hidden layer falls silent.

    That one falls silent as a whole may have a chance of `NEVER`, as in the simulation.
    """
    hidden = layer_widths(net.n, net.m, net.depth)[1:-1]
    return net.k < net.m <= net.n and all((1 - net.rho / 2) ** width <= NEVER for width in hidden)


def layer_widths(n: int, m: int, depth: int) -> tuple[int, ...]:
    """N_0 = n, ..., N_L = m, each layer narrower than the one below it by the same factor.

    >>> layer_widths(8000, 125, 3)
    (8000, 2000, 500, 125)
    """
    return tuple(round(n * (m / n) ** (layer / depth)) for layer in range(depth + 1))


@functools.cache
def codes_of(k: int) -> np.ndarray:
    """The nonzero entries of CODES codes, the same ones for every net: (CODES, k)."""
    return np.random.default_rng(k).uniform(LOW, HIGH, (CODES, k))


def law_error(n: int, m: int, k: int, rho: float, depth: int) -> float:
    """What the law says of one net, over codes; `NOTHING` where it says more.

    With every offset low enough nothing passes and the error is 1: no offsets that are worse are the best ones. The
    search does not see it: it takes the law of infinite width, where no fluctuation of a narrow layer is in the way.
    """
    return min(law_as_run(n, m, k, rho, depth), NOTHING)


def law_as_run(n: int, m: int, k: int, rho: float, depth: int) -> float:
    """What the law says of one net with the offsets that the search finds, more than `NOTHING` or not."""
    widths, retention, codes = layer_widths(n, m, depth), (rho,) * depth, codes_of(k)
    typical = LOW + (HIGH - LOW) * (np.arange(k) + 0.5) / k
    offsets = optimal_offsets(widths, retention, typical)
    top = state_evolution(widths, retention, offsets, np.linalg.norm(codes, axis=1))[-1]
    return float(np.mean(top_risk(top, codes)))


def run_row(row: LawRow) -> LawErrors:
    """The law of each net of the row."""
    return LawErrors(tuple(law_error(n, row.m, row.k, row.rho, row.depth) for n in row.n))


def law_measures(pairs: Pairs) -> dict[str, Estimate]:
    """How many nets there are, of how many nothing comes back, and along which axes the error only goes one way."""
    errors = {
        Net(n, row.m, row.k, row.rho, row.depth): error
        for row, result in pairs
        for n, error in zip(row.n, result.errors, strict=True)
    }
    return {
        "values": Estimate.exact(len(errors)),
        "share_that_comes_to_nothing": Estimate.exact(float(np.mean([e == NOTHING for e in errors.values()]))),
        "share_better_with_pixels": share_of_steps(errors, "n", operator.gt),
        "share_better_with_units_kept": share_of_steps(errors, "rho", operator.gt),
        "share_worse_with_depth": share_of_steps(errors, "depth", operator.lt),
    }


def share_of_steps(errors: dict[Net, float], axis: str, holds: Callable[[float, float], bool]) -> Estimate:
    """Over all steps to an axis's next value, one net to the next: the share for which `holds(error, next error)`.

    Steps from nothing to nothing do not count.
    """
    after = dict(itertools.pairwise(sorted({getattr(net, axis) for net in errors})))
    nexts = [(net, net._replace(**{axis: after[getattr(net, axis)]})) for net in errors if getattr(net, axis) in after]
    steps = [(errors[net], errors[then]) for net, then in nexts if then in errors]
    told = [holds(*step) for step in steps if min(step) < NOTHING]
    return Estimate.exact(float(np.mean(told)))


# --- some of the nets, run --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NetRun:
    """One net of the grid: what the law says, more than `NOTHING` or not, and what a simulation of its sizes found."""

    law: float
    error: Estimate


def nets_to_run(profile: str) -> list[MultiLayer]:
    """Nets drawn from the grid without regard to what the law says of them, as the explorer's command runs them."""
    count, trials = {"smoke": (3, 4), "book": (8, 10), "full": (320, 80)}[profile]
    grid = [Net(n, r.m, r.k, r.rho, r.depth) for r in law_rows("full") for n in r.n if n <= WIDEST]
    drawn = np.random.default_rng(8900).choice(len(grid), size=count, replace=False)
    return [
        MultiLayer(
            widths=layer_widths(net.n, net.m, net.depth), rho=(net.rho,) * net.depth, k=net.k, offset="optimal",
            trials=trials, batch=4, seed=8901 + i,
        )
        for i, net in enumerate(grid[place] for place in drawn)
    ]  # fmt: skip


def run_net(p: MultiLayer) -> NetRun:
    """The law of the net that `p` runs, and the run."""
    return NetRun(law_as_run(p.widths[0], p.widths[-1], p.k, p.rho[0], p.depth), multi_layer(p).top.relative_error)


def net_measures(pairs: list[tuple[MultiLayer, NetRun]]) -> dict[str, Estimate]:
    """The simulated error over the law's: on average, depth by depth, and how far the nets lie off it one by one."""
    measures = {"nets": Estimate.exact(len(pairs))}
    for name, few in (("many", False), ("few", True)):
        mine = [(p.depth, run) for p, run in pairs if (p.rho[-1] * p.widths[-2] < FEW) == few]
        for depth in sorted({depth for depth, _ in mine}):
            told = over_law((run.error, run.law) for own, run in mine if own == depth)
            measures[f"error_over_law_{name}_kept_depth_{depth}"] = told
        ratios = [run.error.scaled(1 / run.law) for _, run in mine]
        if len(ratios) > 1:
            measures[f"nets_{name}_kept"] = Estimate.exact(len(ratios))
            measures[f"largest_over_law_{name}_kept"] = largest(ratios)
            measures[f"rms_gap_{name}_kept"] = rms_gap(ratios, 1.0)
    return measures


EXPERIMENTS = {
    "law-grid": Experiment(law_rows, run_row, law_measures, label=labels.law_grid),
    "law-grid-nets": Experiment(nets_to_run, run_net, net_measures, label=labels.law_grid_nets, float64=float64_check),
}
