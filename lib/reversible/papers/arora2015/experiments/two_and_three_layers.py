"""Section 3 of the paper: two layers, three layers, and as many as it takes to fail."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from reversible.base.estimates import Estimate, logs, ratio, slope
from reversible.papers.arora2015.experiments.depth import Pairs, top_scores
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import MultiLayer, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import best_top_offset, state_evolution


def best_top_alone(p: MultiLayer, hidden: float = 0.0) -> tuple[float, ...]:
    """Offsets of `hidden` in every hidden layer, and the best one at the top."""
    entries = p.layer(p.depth - 1).code_law.typical(p.k).numpy()
    offsets = (hidden,) * (p.depth - 1)
    states = state_evolution(p.widths, p.rho, (*offsets, 0.0), np.linalg.norm(entries), scales=p.scale, q=p.q)
    return (*offsets, best_top_offset(states[-1], entries)[1])


def middle_cells(profile: str) -> list[MultiLayer]:
    """5 of 100 entries, 400 of 8,000 units active, 16,000 pixels [D]; three ways of reading them."""
    trials, part = {"smoke": (10, 8), "book": (12, 4), "paper": (24, 1)}[profile]
    plain = MultiLayer(widths=(16000 // part, 8000 // part, 100), rho=(1, 0.1), k=5, trials=trials, batch=16, seed=6000)
    gain = float(state_evolution(plain.widths, plain.rho, (0.0, 0.0))[-1].gain)
    rescaled = replace(plain, scale=(1 / gain, 1), seed=6001)  # without hidden offset, alpha_0 scales all above it
    rescaled = replace(rescaled, offset=best_top_alone(rescaled))
    return [plain, rescaled, replace(plain, offset="optimal", seed=6002)]


def middle_measures(pairs: Pairs) -> dict[str, Estimate]:
    plain, rescaled, best = (r for _, r in pairs)
    p = pairs[0][0]
    clean = math.sqrt(2 / (p.rho[1] * p.widths[1]))  # the top's noise if the middle were read exactly
    return {
        "middle_l2_error_plain": plain.layers[1].relative_error.sqrt(),
        "top_error_plain": plain.top.relative_error,
        "top_error_rescaled": rescaled.top.relative_error,
        "top_error_best": best.top.relative_error,
        "middle_error_best": best.layers[1].relative_error,
        "middle_over_top_best": ratio(best.layers[1].relative_error, best.top.relative_error),
        "top_noise_over_clean": plain.top.noise_sd.scaled(1 / clean),
        "rms_z": top_scores(pairs),
    }  # fmt: skip


def two_layer_cells(profile: str) -> list[MultiLayer]:
    """k_1 = t_1 / 2 active units below k_2 entries, t_0 = 4 t_1; best offsets with and without dropout at inference,
    and the best top offset over a middle layer without one.
    """
    t1s, k2s = {
        "smoke": ((200, 800), (4, 8)), "book": ((100, 400, 1600), (4, 8)), "paper": ((400, 1600, 6400), (4, 8, 16)),
    }[profile]  # fmt: skip
    trials = {"smoke": 8, "book": 10, "paper": 12}[profile]
    base = [
        MultiLayer(widths=(4 * t1, 2 * t1, 100), rho=(1, 0.5), k=k2, codes="binary", trials=trials, batch=16)
        for t1 in t1s for k2 in k2s
    ]  # fmt: skip
    cells = [replace(p, offset="optimal") for p in base] + [replace(p, offset="optimal", q=0.5) for p in base]
    cells += [replace(p, offset=best_top_alone(p)) for p in base]
    return [replace(p, seed=6100 + i) for i, p in enumerate(cells)]


def epsilon(r) -> Estimate:
    """The largest E|h_hat_i - h_i|^2 / tau^2 of any coordinate: of binary codes all on the support are alike."""
    return max((r.on_support, r.off_support), key=lambda e: e.mean)


def two_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    def active(p: MultiLayer) -> float:
        return p.rho[1] * p.widths[1] / 2

    def log_squared(p: MultiLayer) -> float:
        return math.log(active(p) / p.k) ** 2

    def slopes(mine: Pairs, label: str) -> dict[str, Estimate]:
        """Log-log slopes of epsilon in k_1 and k_2, plain and with the logarithm that the O~ hides divided out."""
        columns = [logs(active(p) for p, _ in mine), logs(p.k for p, _ in mine)]
        plain = logs(epsilon(r).mean for _, r in mine)
        less = plain - logs(log_squared(p) for p, _ in mine)
        return {
            f"slope_k1{label}": slope(columns, plain, 0),
            f"slope_k2{label}": slope(columns, plain, 1),
            f"slope_k1_less_logs{label}": slope(columns, less, 0),
            f"slope_k2_less_logs{label}": slope(columns, less, 1),
        }

    best = [(p, r) for p, r in pairs if p.offset == "optimal" and p.q == 1]
    dropped = [(p, r) for p, r in pairs if p.offset == "optimal" and p.q < 1]
    no_middle = [(p, r) for p, r in pairs if p.offset != "optimal"]
    widest = max(range(len(best)), key=lambda i: best[i][0].widths[1] / best[i][0].k)
    return {
        **slopes(best, ""),
        **slopes(dropped, "_dropped"),
        "slope_k1_no_middle_offset": slopes(no_middle, "")["slope_k1"],
        "constant": Estimate.exact(max(epsilon(r).mean * active(p) / p.k / log_squared(p) for p, r in best)),
        "constant_dropped": Estimate.exact(max(epsilon(r).mean * active(p) / p.k / log_squared(p) for p, r in dropped)),
        "smallest_epsilon": epsilon(best[widest][1]),
        "no_middle_over_best": ratio(epsilon(no_middle[widest][1]), epsilon(best[widest][1])),
        "middle_offset_at_widest": Estimate.exact(best[widest][1].layers[1].mean_offset),
        "dropped_over_kept": ratio(epsilon(dropped[widest][1]), epsilon(best[widest][1])),
        "rms_z": top_scores(pairs),
    }


def three_layer_cells(profile: str) -> list[MultiLayer]:
    """Three layers, each four times the one above, beside their own upper two, with the best offsets."""
    t2s = {"smoke": (50, 200), "book": (50, 100, 400), "paper": (100, 400, 1600)}[profile]
    trials = {"smoke": 8, "book": 10, "paper": 16}[profile]
    cells = []
    for t2 in t2s:
        for widths, rho in (((16 * t2, 8 * t2, 2 * t2, 100), (1, 0.5, 0.5)), ((4 * t2, 2 * t2, 100), (1, 0.5))):
            cells += [
                MultiLayer(widths=widths, rho=rho, k=k, codes="binary", offset="optimal", trials=trials, batch=16)
                for k in (3, 6)
            ]
    return [replace(p, seed=6200 + i) for i, p in enumerate(cells)]


def three_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    three, two = ([(p, r) for p, r in pairs if p.depth == depth] for depth in (3, 2))

    def column(mine: Pairs) -> list[np.ndarray]:
        return [logs(p.rho[-1] * p.widths[-2] / 2 for p, _ in mine), logs(p.k for p, _ in mine)]

    last = max(range(len(three)), key=lambda i: three[i][0].widths[-2] / three[i][0].k)
    return {
        "slope_k2": slope(column(three), logs(epsilon(r).mean for _, r in three)),
        "slope_k2_of_two_layers": slope(column(two), logs(epsilon(r).mean for _, r in two)),
        "smallest_epsilon": epsilon(three[last][1]),
        "three_over_two": ratio(epsilon(three[last][1]), epsilon(two[last][1])),
        "rms_z": top_scores(pairs),
    }


def depth_cells(profile: str) -> list[MultiLayer]:
    """5 of 50 entries under up to 8 layers, each 1.4 times the one above; an offset at the top alone, and the best."""
    first, deepest, trials = {"smoke": (200, 4, 8), "book": (300, 6, 12), "paper": (600, 8, 20)}[profile]
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
