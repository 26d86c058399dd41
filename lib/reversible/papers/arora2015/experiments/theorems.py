"""Theorems 3.1 and 3.2: every entry of the top code of two layers, and of three, with offsets for the worst one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from reversible.base.estimates import Estimate, logs, pooled, ratio, slope
from reversible.papers.arora2015.experiments.depth import Pairs
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import MultiLayer, MultiLayerResult, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import InNoise, state_evolution
from reversible.theory.every_entry import best_for_every_entry, entry_risks, logarithms, minimax_offsets, worst_risk

MIDDLE = {"none": 0.0, "negative": -1.0}  # other offsets of the middle layer, in standard deviations of its noise
LARGE = 10 ** np.arange(3, 9)  # t_1 of the nets that only the law can read


def for_every_entry(p: MultiLayer) -> MultiLayer:
    """The net with the offsets that make the largest error of an entry smallest."""
    return replace(p, offset=minimax_offsets(p.widths, p.rho, p.k, scales=p.scale, q=p.q))


def with_middle(p: MultiLayer, sds: float) -> MultiLayer:
    """The net of two layers with a given offset in the middle, and the one that is best for every entry at the top."""
    states = state_evolution(p.widths, p.rho, (InNoise(sds), 0.0), p.k**0.5, scales=p.scale, q=p.q)
    return replace(p, offset=(float(states[0].offset), best_for_every_entry(states[-1], p.k)[1]))


def two_layers(t1: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Widths and rho of two layers with t_0 = 4 t_1 and k_1 = t_1 / 2 active units in the middle."""
    return (round(4 * t1), round(2 * t1), 100), (1.0, 0.5)


def two_layer_cells(profile: str) -> list[MultiLayer]:
    """Middle layers of several widths under codes of k_2 ones; with dropout at inference; with other middle offsets."""
    t1s, k2s, trials = {
        "smoke": ((100, 200), (4, 8), 8), "book": ((100, 400, 1600), (4, 8), 6),
        "full": ((400, 1600, 6400), (4, 8, 16), 24),
    }[profile]  # fmt: skip
    base = [
        MultiLayer(widths=widths, rho=rho, k=k2, codes="binary", trials=trials, batch=16)
        for t1 in t1s for k2 in k2s for widths, rho in [two_layers(t1)]
    ]  # fmt: skip
    widest = max(base, key=lambda p: Size.of(p).width)
    cells = [for_every_entry(p) for p in base] + [for_every_entry(replace(p, q=0.5)) for p in base]
    cells += [with_middle(widest, sds) for sds in MIDDLE.values()]
    return [replace(p, seed=6400 + i) for i, p in enumerate(cells)]


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


BySize = dict[Size, MultiLayerResult]  # cells of one kind, which differ in their sizes and seeds alone


def epsilon(r: MultiLayerResult) -> Estimate:
    """The larger of E|h_hat_i - h_i|^2 / tau^2 of an entry that is on and of one that is off."""
    there = [e for e in (r.on_support, r.off_support) if e is not None]
    return max(there, key=lambda e: e.mean)


def two_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    *pairs, none, negative = sorted(pairs, key=lambda pair: pair[0].seed)  # in the order of the cells
    others = dict(zip(MIDDLE, (none, negative), strict=True))
    kept, dropped = ([(p, r) for p, r in pairs if (p.q == 1) == whole] for whole in (True, False))
    results, thinned = ({Size.of(p): r for p, r in part} for part in (kept, dropped))
    widest = max(results, key=lambda size: size.width)
    smallest = epsilon(results[widest])
    return {
        **_over_law(kept, ""),
        **_over_law(dropped, "_dropped"),
        **_slopes(results, ""),
        **_slopes(thinned, "_dropped"),
        **_by_law(1.0, ""),
        **_by_law(0.5, "_dropped"),
        "smallest_epsilon": smallest,
        "dropped_over_kept": ratio(epsilon(thinned[widest]), smallest),
        **{f"{name}_middle_over_best": ratio(epsilon(r), smallest) for name, (_, r) in others.items()},
        "negative_over_none_middle": ratio(*(epsilon(others[name][1]) for name in ("negative", "none"))),
    }


def _over_law(pairs: Pairs, label: str) -> dict[str, Estimate]:
    """Measured errors of entries over the law's, on and off the support, over all sizes."""
    on, off = [], []
    for p, r in pairs:
        top = state_evolution(p.widths, p.rho, p.offsets(), p.k**0.5, scales=p.scale, q=p.q)[-1]
        law_on, law_off = entry_risks(top, p.k)
        assert r.off_support is not None
        on.append(r.on_support.scaled(1 / float(law_on)))
        off.append(r.off_support.scaled(1 / float(law_off)))
    return {f"on_over_law{label}": pooled(on), f"off_over_law{label}": pooled(off)}


def _slopes(cells: BySize, label: str) -> dict[str, Estimate]:
    """Log-log slopes of epsilon in k_1 and k_2, at the sizes that were run."""
    columns = [logs(size.below for size in cells), logs(size.top for size in cells)]
    values = logs(epsilon(r).mean for r in cells.values())
    return {f"slope_k1{label}": slope(columns, values, 0), f"slope_k2{label}": slope(columns, values, 1)}


def _by_law(q: float, label: str) -> dict[str, Estimate]:
    """Which power of ln(k_1/k_2) the law's epsilon holds beside k_2/k_1, in small nets and in very large ones.

    In k_1 from the first two and from the last two of LARGE, at k_2 = 4; in k_2 from 16 to 64 at the last of them.
    """
    risks = {(t1, 4): worst_risk(*two_layers(t1), 4, q=q) for t1 in LARGE[[0, 1, -2, -1]]}
    risks |= {(LARGE[-1], k): worst_risk(*two_layers(LARGE[-1]), k, q=q) for k in (16, 64)}
    small, large = (logarithms(pair / 2 / 4, [risks[t1, 4] for t1 in pair])[0] for pair in (LARGE[:2], LARGE[-2:]))
    in_k2 = logarithms(LARGE[-1] / 2 / np.array([64, 16]), [risks[LARGE[-1], k] for k in (64, 16)])[0]
    found = {"large": large, "growth": large / small, "k2": in_k2}
    found["slope"] = np.log10(risks[LARGE[-1], 4] / risks[LARGE[-2], 4])
    return {f"law_{name}{label}": Estimate.exact(float(value)) for name, value in found.items()}


def three_layer_cells(profile: str) -> list[MultiLayer]:
    """Three layers, each four times the one above, beside their own upper two."""
    t2s = {"smoke": (50, 100), "book": (50, 100, 400), "full": (100, 400, 1600)}[profile]
    trials = {"smoke": 8, "book": 6, "full": 24}[profile]
    cells = []
    for t2 in t2s:
        for widths, rho in (((16 * t2, 8 * t2, 2 * t2, 100), (1, 0.5, 0.5)), ((4 * t2, 2 * t2, 100), (1, 0.5))):
            cells += [
                for_every_entry(MultiLayer(widths=widths, rho=rho, k=k, codes="binary", trials=trials, batch=16))
                for k in (3, 6)
            ]
    return [replace(p, seed=6500 + i) for i, p in enumerate(cells)]


def three_layer_measures(pairs: Pairs) -> dict[str, Estimate]:
    by_depth = {depth: [(p, r) for p, r in pairs if p.depth == depth] for depth in (3, 2)}
    three, two = ({Size.of(p): r for p, r in part} for part in by_depth.values())
    widest = max(three, key=lambda size: size.width)
    return {
        **_over_law(by_depth[3], ""),
        "slope_k2": _slope_below(three),
        "slope_k2_of_two_layers": _slope_below(two),
        "smallest_epsilon": epsilon(three[widest]),
        "three_over_two": ratio(epsilon(three[widest]), epsilon(two[widest])),
    }


def _slope_below(cells: BySize) -> Estimate:
    """Log-log slope of epsilon in the active units below the top, at the same entries of the top code."""
    columns = [logs(size.below for size in cells), logs(size.top for size in cells)]
    return slope(columns, logs(epsilon(r).mean for r in cells.values()))


EXPERIMENTS = {
    "theorem-3-1": Experiment(
        two_layer_cells, multi_layer, two_layer_measures, label=labels.theorem_3_1, float64=float64_check
    ),
    "theorem-3-2": Experiment(
        three_layer_cells, multi_layer, three_layer_measures, label=labels.theorem_3_2, float64=float64_check
    ),
}
