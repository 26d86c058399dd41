"""Section 3 of the paper: a middle layer and the top above it, and as many layers as it takes to fail."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from reversible.base.estimates import Estimate, ratio
from reversible.papers.arora2015.experiments.depth import Pairs, error_over_law, top_scores
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import LayerResult, MultiLayer, MultiLayerResult, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import best_top_offset, state_evolution


def best_top_alone(p: MultiLayer, hidden: float = 0.0) -> tuple[float, ...]:
    """Offsets of `hidden` in every hidden layer, and the best one at the top."""
    entries = p.layer(p.depth - 1).code_law.typical(p.k).numpy()
    offsets = (hidden,) * (p.depth - 1)
    states = state_evolution(p.widths, p.rho, (*offsets, 0.0), np.linalg.norm(entries), scales=p.scale, q=p.q)
    return (*offsets, best_top_offset(states[-1], entries)[1])


def middle_cells(profile: str) -> list[MultiLayer]:
    """5 of 100 entries, 400 of 8,000 units active, 16,000 pixels [ours]; three ways of reading them."""
    trials, part = {"smoke": (10, 8), "book": (12, 4), "full": (24, 1)}[profile]
    plain = MultiLayer(widths=(16000 // part, 8000 // part, 100), rho=(1, 0.1), k=5, trials=trials, batch=16, seed=6000)
    gain = float(state_evolution(plain.widths, plain.rho, (0.0, 0.0))[-1].gain)
    rescaled = replace(plain, scale=(1 / gain, 1), seed=6001)  # without hidden offset, alpha_0 scales all above it
    rescaled = replace(rescaled, offset=best_top_alone(rescaled))
    return [plain, rescaled, replace(plain, offset="optimal", seed=6002)]


def way_of(p: MultiLayer) -> str:
    """Which of the three ways of reading a cell of `middle_cells` has: "plain", "rescaled" or "best"."""
    if p.offset == "optimal":
        return "best"
    return "plain" if set(p.scale) == {1.0} else "rescaled"


def middle_measures(pairs: Pairs) -> dict[str, Estimate]:
    by_way = {way_of(p): (p, r) for p, r in pairs}
    p, plain = by_way["plain"]
    _, rescaled = by_way["rescaled"]
    _, best = by_way["best"]
    clean = math.sqrt(2 / (p.rho[1] * p.widths[1]))  # the top's noise if the middle were read exactly
    return {
        "middle_error_plain": _middle(plain).relative_error,
        "top_error_plain": plain.top.relative_error,
        "top_error_rescaled": rescaled.top.relative_error,
        "top_error_best": best.top.relative_error,
        "middle_error_best": _middle(best).relative_error,
        "middle_over_top_best": ratio(_middle(best).relative_error, best.top.relative_error),
        "top_noise_over_clean": plain.top.noise_sd.scaled(1 / clean),
        "error_over_law": error_over_law(pairs),
        "rms_z": top_scores(pairs),
    }


def _middle(r: MultiLayerResult) -> LayerResult:
    """Of two layers the lower one."""
    _top, middle = r.layers
    return middle


def depth_cells(profile: str) -> list[MultiLayer]:
    """5 of 50 entries under up to 8 layers, each 1.4 times the one above; an offset at the top alone, and the best."""
    first, deepest, trials = {"smoke": (200, 4, 8), "book": (300, 6, 12), "full": (600, 8, 20)}[profile]
    widths = [50, *(round(first * 1.4**i) for i in range(deepest))]
    cells = []
    for depth in range(1, deepest + 1):
        plain = MultiLayer(widths=tuple(widths[depth::-1]), rho=(1,) * depth, k=5, trials=trials, batch=16)
        cells += [replace(plain, offset=best_top_alone(plain)), replace(plain, offset="optimal")]
    return [replace(p, seed=6300 + i) for i, p in enumerate(cells)]


def depth_measures(pairs: Pairs) -> dict[str, Estimate]:
    best = {p.depth: r.top.relative_error for p, r in pairs if p.offset == "optimal"}
    plain = {p.depth: r.top.relative_error for p, r in pairs if p.offset != "optimal"}

    def deepest(errors: dict[int, Estimate]) -> Estimate:
        return Estimate.exact(max([depth for depth, error in errors.items() if error.ci95[1] < 0.5], default=0))

    return {
        "deepest_below_half": deepest(best),
        "deepest_below_half_no_hidden_offset": deepest(plain),
        "error_one_layer": best[1],
        "error_deepest": best[max(best)],
        "error_deepest_no_hidden_offset": plain[max(plain)],
        "error_over_law": error_over_law(pairs),
        "rms_z": top_scores(pairs),
    }


EXPERIMENTS = {
    "middle-and-top": Experiment(
        middle_cells,
        multi_layer,
        middle_measures,
        label=labels.middle_and_top,
        scores=("rms_z",),
        float64=float64_check,
    ),
    "depth-limit": Experiment(
        depth_cells, multi_layer, depth_measures, label=labels.depth_limit, scores=("rms_z",), float64=float64_check
    ),
}
