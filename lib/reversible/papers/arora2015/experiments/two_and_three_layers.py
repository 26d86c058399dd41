"""Section 3 of the paper: two layers, three layers, and as many as it takes to fail."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from reversible.base.estimates import Estimate, logs, ratio, slope
from reversible.papers.arora2015.experiments.depth import Pairs, top_scores
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
        "middle_l2_error_plain": _middle(plain).relative_error.sqrt(),
        "top_error_plain": plain.top.relative_error,
        "top_error_rescaled": rescaled.top.relative_error,
        "top_error_best": best.top.relative_error,
        "middle_error_best": _middle(best).relative_error,
        "middle_over_top_best": ratio(_middle(best).relative_error, best.top.relative_error),
        "top_noise_over_clean": plain.top.noise_sd.scaled(1 / clean),
        "rms_z": top_scores(pairs),
    }


def _middle(r: MultiLayerResult) -> LayerResult:
    """Of two layers the lower one."""
    _top, middle = r.layers
    return middle


def two_layer_cells(profile: str) -> list[MultiLayer]:
    """k_1 = t_1 / 2 active units below k_2 entries, t_0 = 4 t_1; best offsets with and without dropout at inference,
    and the best top offset over a middle layer without one.
    """
    t1s, k2s = {
        "smoke": ((200, 800), (4, 8)), "book": ((100, 400, 1600), (4, 8)), "full": ((400, 1600, 6400), (4, 8, 16)),
    }[profile]  # fmt: skip
    trials = {"smoke": 8, "book": 10, "full": 12}[profile]
    base = [
        MultiLayer(widths=(4 * t1, 2 * t1, 100), rho=(1, 0.5), k=k2, codes="binary", trials=trials, batch=16)
        for t1 in t1s for k2 in k2s
    ]  # fmt: skip
    cells = [replace(p, offset="optimal") for p in base] + [replace(p, offset="optimal", q=0.5) for p in base]
    cells += [replace(p, offset=best_top_alone(p)) for p in base]
    return [replace(p, seed=6100 + i) for i, p in enumerate(cells)]


class Size(NamedTuple):
    """What the rates of Theorems 3.1 and 3.2 are in."""

    below: float  # k_1, active units of the layer below the top
    top: int  # k_2, entries of the top code

    @classmethod
    def of(cls, p: MultiLayer) -> Size:
        return cls(p.rho[-1] * p.widths[-2] / 2, p.k)

    @property
    def width(self) -> float:
        """k_1 / k_2: the larger, the better the top is read."""
        return self.below / self.top

    @property
    def log_squared(self) -> float:
        return math.log(self.width) ** 2


BySize = dict[Size, MultiLayerResult]  # cells of one kind, which differ in their sizes and seeds alone


def epsilon(r: MultiLayerResult) -> Estimate:
    """The largest E|h_hat_i - h_i|^2 / tau^2 of any coordinate: of binary codes all on the support are alike."""
    there = [e for e in (r.on_support, r.off_support) if e is not None]
    return max(there, key=lambda e: e.mean)


def two_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    best = {Size.of(p): r for p, r in pairs if p.offset == "optimal" and p.q == 1}
    dropped = {Size.of(p): r for p, r in pairs if p.offset == "optimal" and p.q < 1}
    no_middle = {Size.of(p): r for p, r in pairs if p.offset != "optimal"}
    widest = max(best, key=lambda size: size.width)
    smallest = epsilon(best[widest])
    return {
        **_slopes(best, ""),
        **_slopes(dropped, "_dropped"),
        "slope_k1_no_middle_offset": _slopes(no_middle, "")["slope_k1"],
        "constant": _largest_constant(best),
        "constant_dropped": _largest_constant(dropped),
        "smallest_epsilon": smallest,
        "no_middle_over_best": ratio(epsilon(no_middle[widest]), smallest),
        "middle_offset_at_widest": Estimate.exact(_middle(best[widest]).mean_offset),
        "dropped_over_kept": ratio(epsilon(dropped[widest]), smallest),
        "rms_z": top_scores(pairs),
    }


def _slopes(cells: BySize, label: str) -> dict[str, Estimate]:
    """Log-log slopes of epsilon in k_1 and k_2, plain and with the logarithm that the O~ hides divided out."""
    columns = [logs(size.below for size in cells), logs(size.top for size in cells)]
    plain = logs(epsilon(r).mean for r in cells.values())
    less = plain - logs(size.log_squared for size in cells)
    return {
        f"slope_k1{label}": slope(columns, plain, 0),
        f"slope_k2{label}": slope(columns, plain, 1),
        f"slope_k1_less_logs{label}": slope(columns, less, 0),
        f"slope_k2_less_logs{label}": slope(columns, less, 1),
    }


def _largest_constant(cells: BySize) -> Estimate:
    """The largest epsilon over (k_2 / k_1) ln^2(k_1 / k_2)."""
    constants = [epsilon(r).mean * size.below / size.top / size.log_squared for size, r in cells.items()]
    return Estimate.exact(max(constants))


def three_layer_cells(profile: str) -> list[MultiLayer]:
    """Three layers, each four times the one above, beside their own upper two, with the best offsets."""
    t2s = {"smoke": (50, 200), "book": (50, 100, 400), "full": (100, 400, 1600)}[profile]
    trials = {"smoke": 8, "book": 10, "full": 16}[profile]
    cells = []
    for t2 in t2s:
        for widths, rho in (((16 * t2, 8 * t2, 2 * t2, 100), (1, 0.5, 0.5)), ((4 * t2, 2 * t2, 100), (1, 0.5))):
            cells += [
                MultiLayer(widths=widths, rho=rho, k=k, codes="binary", offset="optimal", trials=trials, batch=16)
                for k in (3, 6)
            ]
    return [replace(p, seed=6200 + i) for i, p in enumerate(cells)]


def three_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    three, two = ({Size.of(p): r for p, r in pairs if p.depth == depth} for depth in (3, 2))
    widest = max(three, key=lambda size: size.width)
    return {
        "slope_k2": _slope_below(three),
        "slope_k2_of_two_layers": _slope_below(two),
        "smallest_epsilon": epsilon(three[widest]),
        "three_over_two": ratio(epsilon(three[widest]), epsilon(two[widest])),
        "rms_z": top_scores(pairs),
    }


def _slope_below(cells: BySize) -> Estimate:
    """Log-log slope of epsilon in the active units below the top, at the same entries of the top code."""
    columns = [logs(size.below for size in cells), logs(size.top for size in cells)]
    return slope(columns, logs(epsilon(r).mean for r in cells.values()))


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
    "theorem-3-1": Experiment(
        two_layer_cells,
        multi_layer,
        two_layer_measures,
        label=labels.theorem_3_1,
        scores=("rms_z",),
        float64=float64_check,
    ),
    "theorem-3-2": Experiment(
        three_layer_cells,
        multi_layer,
        three_layer_measures,
        label=labels.theorem_3_2,
        scores=("rms_z",),
        float64=float64_check,
    ),
    "depth-limit": Experiment(
        depth_cells, multi_layer, depth_measures, label=labels.depth_limit, scores=("rms_z",), float64=float64_check
    ),
}
