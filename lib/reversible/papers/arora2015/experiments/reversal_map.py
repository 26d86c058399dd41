"""What the theory asks of a net: sparsity of the top code, depth and law of the weights, over the top's error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reversible.base.estimates import Estimate, logs, pooled, root_mean_square
from reversible.papers.arora2015.experiments.depth import Pairs
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import MultiLayer, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import EDGE

FAMILIES = ("gaussian", "sign", "sparse", "student", "skewed", "correlated")
K, TOP = 5, 100  # entries and width of the top code
WIDER = 2  # each layer over the one above


def map_cells(profile: str) -> list[MultiLayer]:
    """k/t of the layer below the top, depth and family; offsets are the best ones for Gaussian weights."""
    ts, trials = {
        "smoke": ((100,), 4), "book": ((100, 400), 6), "full": ((100, 200, 400, 800, 1600), 12),
    }[profile]  # fmt: skip
    gaussian = [
        MultiLayer(widths=(*(t * WIDER**i for i in range(depth - 1, -1, -1)), TOP), rho=(1,) * depth, k=K,
                   offset="optimal", trials=trials, batch=16)
        for depth in (1, 2, 3, 4) for t in ts
    ]  # fmt: skip
    best = [replace(p, offset=p.offsets()) for p in gaussian]
    places = [(family, p) for family in FAMILIES for p in best]
    return [replace(p, weights=family, seed=7000 + i) for i, (family, p) in enumerate(places)]


def map_measures(pairs: Pairs) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for family in FAMILIES:
        mine = [r.top for p, r in pairs if p.weights == family]
        over = [top.relative_error.scaled(1 / top.predicted_relative_error) for top in mine]
        measures[f"error_over_law_{family}"] = pooled(over)
    gaussian = [(p, r) for p, r in pairs if p.weights == "gaussian"]
    for depth in sorted({p.depth for p, _ in gaussian}):
        measures[f"edge_depth_{depth}"] = edge([(p, r) for p, r in gaussian if p.depth == depth])
    for depth in (2, 3, 4):
        measures[f"edge_step_{depth}"] = _less(measures[f"edge_depth_{depth}"], measures[f"edge_depth_{depth - 1}"])
    measures["rms_z"] = root_mean_square(r.top.error_z for _, r in gaussian)
    return measures


def edge(pairs: Pairs) -> Estimate:
    """The k/t at which the error crosses EDGE, by log-linear interpolation in the cells, of the interval's ends, too.

    Where the error is never as small as EDGE the edge lies below the sparsest code: that is the mean, and the lower end
    of the interval is 0. An upper end that is never reached stays at the grid's own.
    """
    pairs = sorted(pairs, key=lambda pair: -pair[0].widths[-2])
    x = logs(p.k / (p.rho[-1] * p.widths[-2]) for p, _ in pairs)  # growing, and the error with it
    errors = [r.top.relative_error for _, r in pairs]

    def crossing(values: list[float]) -> float:
        return float(np.exp(np.interp(np.log(EDGE), np.log(np.maximum.accumulate(values)), x)))

    low, high = crossing([e.ci95[1] for e in errors]), crossing([max(e.ci95[0], 1e-9) for e in errors])
    low = low if errors[0].ci95[1] <= EDGE else 0.0
    return Estimate(crossing([e.mean for e in errors]), (low, high), errors[0].n)


def _less(one: Estimate, other: Estimate) -> Estimate:
    """The difference of two edges, with the ends that are farthest apart."""
    (low, high), (least, most) = one.ci95, other.ci95
    return Estimate(one.mean - other.mean, (low - most, high - least), min(one.n, other.n))


EXPERIMENTS = {
    "reversal-map": Experiment(
        map_cells, multi_layer, map_measures, label=labels.reversal_map, scores=("rms_z",), float64=float64_check
    )
}
