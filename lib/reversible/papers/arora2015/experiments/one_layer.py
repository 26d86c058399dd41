"""Section 2 of the paper, claim by claim: the baby theorem, the lemmas, Theorems 2.3 and 2.4, and their edges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from reversible.base.estimates import (
    Estimate,
    furthest,
    largest,
    logs,
    over_law,
    pooled,
    ratio,
    root_mean_square,
    slope,
    smallest,
)
from reversible.papers.arora2015.labels import one_layer as labels
from reversible.random_nets.one_layer import OneLayer, OneLayerResult, float64_check, one_layer
from reversible.runs.experiment import Experiment
from reversible.theory import one_layer as laws

Pairs = list[tuple[OneLayer, OneLayerResult]]


def grid(trials: int, **axes: Iterable[Any]) -> list[OneLayer]:
    """One cell for each combination of the axes' values; a cell's seed is its place, so no two share a draw."""
    names, values = list(axes), list(itertools.product(*axes.values()))
    return [OneLayer(**dict(zip(names, v, strict=True)), trials=trials, seed=1000 + i) for i, v in enumerate(values)]


def bound(p: OneLayer) -> float:
    """Theorem 2.3 with the constant and the logarithm derived here, for t q in place of t under dropout."""
    return laws.theorem_bound(p.k, p.t * p.q, p.m)


def over_bound(pairs: Pairs) -> Estimate:
    """The largest ratio of a cell's mean error to the bound."""
    return largest([r.relative_error.scaled(1 / bound(p)) for p, r in pairs])


def error_over_law(pairs: Pairs) -> Estimate:
    """The mean ratio of the relative error to the exact law's."""
    return over_law((r.relative_error, r.predicted_relative_error) for _, r in pairs)


# --- unbiased inference and its noise ---------------------------------------------------------------------------------


def unbiased_cells(profile: str) -> list[OneLayer]:
    sizes = {"smoke": (500, 1000), "book": (1000, 4000), "full": (1000, 4000, 16000)}[profile]
    trials = {"smoke": 20, "book": 40, "full": 150}[profile]
    cells = grid(trials, n=sizes, m=(200, 1000), k=(5, 50), rho=(0.25, 1.0), batch=(8,))
    # And the same question without the factor 2 in alpha.
    plain = grid(trials, n=sizes, m=(200,), k=(5, 50), rho=(0.5,), batch=(8,))
    return cells + [_changed(p, alpha=1 / p.t, seed=p.seed + 500) for p in plain]


def _changed(p: OneLayer, **fields: Any) -> OneLayer:
    return OneLayer(**{**vars(p), **fields})


def unbiased_measures(pairs: Pairs) -> dict[str, Estimate]:
    theory = [(p, r) for p, r in pairs if p.alpha is None]
    half = [r for p, r in pairs if p.alpha is not None]
    noise = [(p, r.noise_sd_times_sqrt_t) for p, r in theory if r.noise_sd_times_sqrt_t]
    dense, sparse = (pooled([e for p, e in noise if p.k == end(q.k for q, _ in noise)]) for end in (max, min))
    return {
        "gain": pooled([r.mean_gain for _, r in theory]),
        "gain_without_the_2": pooled([r.mean_gain for r in half]),
        "gain_rms_z": root_mean_square(r.mean_gain.z(r.predicted_mean_gain) for _, r in pairs),
        "gain_furthest": furthest([r.mean_gain.scaled(1 / r.predicted_mean_gain) for _, r in pairs], 1.0),
        "noise_sd_times_sqrt_t": pooled([e for _, e in noise]),
        "noise_rms_z": root_mean_square(e.z(math.sqrt(2)) for _, e in noise),
        "noise_dense_over_sparse": ratio(dense, sparse),
    }


# --- Lemma 2.5: the l-infinity rate -----------------------------------------------------------------------------------


def linf_cells(profile: str) -> list[OneLayer]:
    sizes = {
        "smoke": (250, 1000, 2000),
        "book": (500, 2000, 8000),
        "full": (500, 1000, 2000, 4000, 8000, 16000, 32000),
    }[profile]
    trials = {"smoke": 20, "book": 30, "full": 120}[profile]
    return grid(trials, n=sizes, m=(100, 1000), k=(20,), rho=(0.5,), batch=(4,))


def linf_measures(pairs: Pairs) -> dict[str, Estimate]:
    columns = [logs(p.t for p, _ in pairs), logs(math.log(p.m) for p, _ in pairs)]
    error = logs(r.linf_times_sqrt_t.mean / math.sqrt(p.t) for p, r in pairs)
    over_law = [r.linf_times_sqrt_t.scaled(1 / r.predicted_linf_times_sqrt_t) for _, r in pairs]
    over = [r.linf_times_sqrt_t.scaled(1 / (2 * math.sqrt(math.log(p.m)))) for p, r in pairs]
    return {
        "slope_t": slope(columns, error, 0),
        "slope_log_m": slope(columns, error, 1),
        "linf_over_law": pooled(over_law),
        "largest_delta_constant": largest(over),
    }


# --- Theorem 2.3: the grid and the regime -----------------------------------------------------------------------------

LINEAR = 0.004  # k/t up to which every entry of [1/2, 3/2] stands well above the proof's delta, for m up to 1000


def theorem_cells(profile: str) -> list[OneLayer]:
    if profile == "smoke":
        return grid(10, n=(500, 5000), m=(100, 400), k=(2, 4, 8), rho=(0.5, 1.0), batch=(8,))
    trials, sizes = (6, (2500, 10000)) if profile == "book" else (80, (2500, 10000, 20000))
    cells = grid(trials, n=sizes, m=(300, 1000), k=(5, 10, 20, 40), rho=(0.5, 1.0), batch=(8,))
    return cells if profile == "book" else [*cells, OneLayer(n=20000, m=5000, k=40, trials=40, batch=8, seed=999)]


def theorem_measures(pairs: Pairs) -> dict[str, Estimate]:
    linear = [(p, r) for p, r in pairs if p.k / p.t <= LINEAR]
    columns = [
        logs(p.k for p, _ in linear),
        logs(p.t for p, _ in linear),
        logs(2 + 4 * math.log(p.m) for p, _ in linear),
    ]
    error = logs(r.relative_error.mean for _, r in linear)
    over = [r.relative_error.scaled(1 / r.predicted_relative_error) for _, r in pairs]
    normal = [law_of_typical_code(p, exact=False) / law_of_typical_code(p) - 1 for p, _ in pairs]
    return {
        "cells": Estimate.exact(len(pairs)),
        "error_over_law": error_over_law(pairs),
        "rms_z": root_mean_square(r.relative_error_z for _, r in pairs),
        "worst_deviation": furthest(over, 1.0),
        "worst_gap_of_the_normal_limit": Estimate.exact(max(map(abs, normal))),
        "slope_k": slope(columns, error, 0),
        "slope_t": slope(columns, error, 1),
        "slope_log": slope(columns, error, 2),
        "worst_over_bound": over_bound(pairs),
        "linear_over_bound": pooled([r.relative_error.scaled(1 / bound(p)) for p, r in linear]),
    }


def law_of_typical_code(p: OneLayer, **how: Any) -> float:
    """The law's relative error for the code without randomness in it, with `how` passed on to the law."""
    typical = p.code_law.typical(p.k).numpy()
    offset = p.offset_for(np.linalg.norm(typical, axis=-1, keepdims=True))[0]
    return float(laws.relative_risk(typical, p.n, p.m, p.rho, offset=offset, q=p.q, **how))


def regime_cells(profile: str) -> list[OneLayer]:
    if profile == "smoke":
        return grid(5, n=(30, 300, 3000), m=(200,), k=(2, 16, 128), rho=(1.0,), batch=(4,))
    sizes = (10, 40, 160, 640, 2560, 10240) + ((40960,) if profile == "full" else ())
    return grid(30 if profile == "full" else 4, n=sizes, m=(1000,), k=(2, 6, 18, 54, 162, 486), rho=(1.0,), batch=(8,))


def regime_measures(pairs: Pairs) -> dict[str, Estimate]:
    inside = [(p, r) for p, r in pairs if p.k < p.t < p.k**2]
    above, below = [(p, r) for p, r in pairs if p.t >= p.k**2], [r for p, r in pairs if p.t <= p.k]
    return {
        "inside_over_bound": over_bound(inside),
        "above_over_bound": over_bound(above),
        "error_below": pooled([r.relative_error for r in below]),
        "smallest_error_inside": smallest([r.relative_error for _, r in inside]),
    }


# --- Theorem 2.4: dropout at inference --------------------------------------------------------------------------------


def dropout_cells(profile: str) -> list[OneLayer]:
    sizes = {"smoke": (2000,), "book": (8000,), "full": (8000, 20000)}[profile]
    trials = {"smoke": 15, "book": 12, "full": 60}[profile]
    return grid(trials, n=sizes, m=(500,), k=(5, 10), rho=(0.5, 1.0), q=(1.0, 0.75, 0.5, 0.25), batch=(8,))


def dropout_measures(pairs: Pairs) -> dict[str, Estimate]:
    columns = [logs(p.q for p, _ in pairs)]
    noise = logs((r.noise_sd_times_sqrt_t.mean if r.noise_sd_times_sqrt_t else math.nan) ** 2 for _, r in pairs)
    halves = [ratio(r.relative_error, _partner(pairs, p).relative_error) for p, r in pairs if p.q == 0.5]
    return {
        "noise_slope_q": slope(columns, noise),
        "error_at_half_over_full": pooled(halves),
        "half_over_bound": over_bound([(p, r) for p, r in pairs if p.q == 0.5]),
        "error_over_law": error_over_law(pairs),
        "rms_z": root_mean_square(r.relative_error_z for _, r in pairs),
    }


def _partner(pairs: Pairs, p: OneLayer) -> OneLayerResult:
    return next(r for o, r in pairs if (o.n, o.m, o.k, o.rho, o.q) == (p.n, p.m, p.k, p.rho, 1.0))


# --- what the ReLU and the offset do ----------------------------------------------------------------------------------

VARIANTS: dict[str, tuple[str, str | float]] = {
    "linear": ("linear", 0.0),
    "relu": ("relu", 0.0),
    "proof": ("relu", "proof"),
    "optimal": ("relu", "optimal"),
    "hard": ("hard", "optimal"),
}


def offset_cells(profile: str) -> list[OneLayer]:
    widths = {"smoke": (100, 200, 400), "book": (250, 500, 1000), "full": (250, 500, 1000, 2000, 4000)}[profile]
    trials, n = {"smoke": (15, 2000), "book": (20, 8000), "full": (40, 8000)}[profile]
    places = [(m, estimate, offset) for m in widths for estimate, offset in VARIANTS.values()]
    return [
        OneLayer(n=n, m=m, k=20, estimate=estimate, offset=offset, trials=trials, batch=8, seed=2000 + i)
        for i, (m, estimate, offset) in enumerate(places)
    ]


def offset_measures(pairs: Pairs) -> dict[str, Estimate]:
    rows = {name: [(p, r) for p, r in pairs if (p.estimate, p.offset) == kind] for name, kind in VARIANTS.items()}
    widest = {name: max(row, key=lambda pair: pair[0].m) for name, row in rows.items()}

    def growth(name: str) -> Estimate:
        return slope([logs(p.m for p, _ in rows[name])], logs(r.relative_error.mean for _, r in rows[name]))

    p, best = widest["optimal"]
    in_logarithm = [logs(2 + 4 * math.log(p.m) for p, _ in rows["proof"])]
    return {
        "growth_linear": growth("linear"),
        "growth_relu": growth("relu"),
        "growth_proof": growth("proof"),
        "growth_optimal": growth("optimal"),
        "logarithm_proof": slope(in_logarithm, logs(r.relative_error.mean for _, r in rows["proof"])),
        "relu_over_linear": ratio(widest["relu"][1].relative_error, widest["linear"][1].relative_error),
        "optimal_over_relu": ratio(best.relative_error, widest["relu"][1].relative_error),
        "proof_over_optimal": ratio(widest["proof"][1].relative_error, best.relative_error),
        "hard_over_optimal": ratio(widest["hard"][1].relative_error, best.relative_error),
        "optimal_over_minimax": best.relative_error.scaled(1 / laws.minimax_rate(p.k, p.t, p.m)),
        "error_over_law": error_over_law(pairs),
        "rms_z": root_mean_square(r.relative_error_z for _, r in pairs),
    }


EXPERIMENTS = {
    "unbiased-inference": Experiment(
        unbiased_cells,
        one_layer,
        unbiased_measures,
        label=labels.unbiased_inference,
        scores=("gain_rms_z", "noise_rms_z"),
        float64=float64_check,
    ),
    "linf-rate": Experiment(linf_cells, one_layer, linf_measures, label=labels.linf_rate, float64=float64_check),
    "theorem-2-3": Experiment(
        theorem_cells, one_layer, theorem_measures, label=labels.theorem_2_3, scores=("rms_z",), float64=float64_check
    ),
    "regime-map": Experiment(regime_cells, one_layer, regime_measures, label=labels.regime_map, float64=float64_check),
    "inference-dropout": Experiment(
        dropout_cells,
        one_layer,
        dropout_measures,
        label=labels.inference_dropout,
        scores=("rms_z",),
        float64=float64_check,
    ),
    "relu-and-offset": Experiment(
        offset_cells, one_layer, offset_measures, label=labels.relu_and_offset, scores=("rms_z",), float64=float64_check
    ),
}
