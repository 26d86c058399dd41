"""Depth: state evolution against simulation, where finite width breaks it, and what is left at infinite depth."""

from __future__ import annotations

import math
from collections.abc import Iterable

from reversible.base.estimates import Estimate, furthest, over_law, pooled, ratio, root_mean_square, smallest
from reversible.papers.arora2015.labels import many_layers as labels
from reversible.random_nets.deep import LayerResult, MultiLayer, MultiLayerResult, float64_check, multi_layer
from reversible.runs.experiment import Experiment
from reversible.theory.depth import InNoise, state_evolution, two_layer_gain, two_layer_noise

Pairs = list[tuple[MultiLayer, MultiLayerResult]]


def top_scores(pairs: Pairs) -> Estimate:
    """Root mean square of the standard scores of gain, noise and error at the top of every cell."""
    return root_mean_square(z for _, r in pairs for z in (r.top.gain_z, r.top.noise_z, r.top.error_z))


def error_over_law(pairs: Pairs) -> Estimate:
    """The mean ratio of the relative error at the top to the law's."""
    return over_law((r.top.relative_error, r.top.predicted_relative_error) for _, r in pairs)


def gain_cells(profile: str) -> list[MultiLayer]:
    size, trials = {"smoke": (200, 16), "book": (400, 20), "full": (800, 80)}[profile]
    ratios = (0.25, 1.0, 4.0) if profile == "smoke" else (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    places = [(r, rho) for r in ratios for rho in ((1.0, 1.0), (0.5, 0.25))]
    return [
        MultiLayer(
            widths=(round(r * size / rho[0]), round(size / rho[1]), 100), rho=rho, k=5, trials=trials, batch=8,
            seed=5000 + i,
        )
        for i, (r, rho) in enumerate(places)
    ]  # fmt: skip


def gain_measures(pairs: Pairs) -> dict[str, Estimate]:
    def ts(p: MultiLayer) -> tuple[float, float]:
        return p.rho[0] * p.widths[0], p.rho[1] * p.widths[1]

    gains = [r.top.mean_gain.scaled(1 / two_layer_gain(*ts(p))) for p, r in pairs]
    noises = [r.top.noise_sd.scaled(1 / math.sqrt(two_layer_noise(p.widths[1], *ts(p)))) for p, r in pairs]
    return {
        "gain_over_formula": pooled(gains),
        "noise_over_formula": pooled(noises),
        "gain_worst_deviation": furthest(gains, 1.0),
        "noise_worst_deviation": furthest(noises, 1.0),
        "spread_over_law": spread_over_law(pairs),
        "rms_z": root_mean_square(z for _, r in pairs for z in (r.top.gain_z, r.top.noise_z)),
    }


def spread_over_law(pairs: Pairs) -> Estimate:
    """Spread of the top's gain over draws of the weights, over the law's; cells are independent runs."""
    return Estimate.of([r.gain_sd_over_law for _, r in pairs if r.gain_sd_over_law is not None])


SHAPES: dict[int, list[tuple[tuple[int, ...], tuple[float, ...]]]] = {  # depth: widths and rho
    1: [((2000, 100), (0.5,)), ((4000, 400), (0.25,)), ((1000, 100), (1.0,))],
    2: [((4000, 1000, 100), (1.0, 0.5)), ((3000, 2000, 200), (0.5, 0.25)), ((2000, 1000, 50), (1.0, 1.0))],
    3: [((4000, 2000, 1000, 100), (1.0, 1.0, 0.5)), ((6000, 3000, 1200, 60), (0.5, 0.5, 0.5)),
        ((3000, 3000, 2000, 100), (1.0, 0.5, 0.25))],
    4: [((5000, 3000, 2000, 1000, 100), (1.0, 1.0, 1.0, 1.0)), ((4000, 3000, 2000, 1000, 50), (0.5, 0.5, 0.5, 0.5)),
        ((6000, 4000, 2000, 1000, 100), (1.0, 0.5, 1.0, 0.5))],
}  # fmt: skip


def law_cells(profile: str) -> list[MultiLayer]:
    """Per depth three shapes under three offsets, with and without dropout at inference, binary and uniform codes.

    The proof's offset is kept to the shallow nets: where it is stacked nothing passes, see `stacked_cells`.
    """
    trials = {"smoke": 6, "book": 8, "full": 300}[profile]
    cells = []
    for depth, shapes in SHAPES.items():
        for i, (widths, rho) in enumerate(shapes[:1] if profile == "smoke" else shapes):
            k = 6 + 4 * i
            for j, offset in enumerate(("0", "optimal", "proof" if depth < 3 else cut_half_a_noise(widths, rho, k))):
                cells.append(
                    MultiLayer(
                        widths=widths, rho=rho, k=k, offset=offset, q=(1.0, 0.5)[(i + j) % 2], trials=trials, batch=8,
                        codes=("uniform", "binary")[j % 2], seed=15100 + 10 * depth + 3 * i + j,
                    )
                )  # fmt: skip
    return cells


def cut_half_a_noise(widths: tuple[int, ...], rho: tuple[float, ...], k: int) -> tuple[float, ...]:
    """Offsets of half a noise standard deviation below zero at every layer, for a code of k ones."""
    states = state_evolution(widths, rho, [InNoise(-0.5)] * len(rho), math.sqrt(k))
    return tuple(float(state.offset) for state in states)


def law_measures(pairs: Pairs) -> dict[str, Estimate]:
    measures = {"cells": Estimate.exact(len(pairs)), "depths": Estimate.exact(len({p.depth for p, _ in pairs}))}
    for depth in sorted({p.depth for p, _ in pairs}):
        mine = [r.top for p, r in pairs if p.depth == depth]
        for name in ("mean_gain", "noise_sd", "relative_error"):
            beside = [(getattr(top, name), getattr(top, f"predicted_{name}")) for top in mine]
            measures[f"{name}_over_law_depth_{depth}"] = over_law(beside)
            measures[f"worst_{name}_depth_{depth}"] = furthest([e.scaled(1 / law) for e, law in beside], 1.0)
        measures[f"rms_z_depth_{depth}"] = top_scores([(p, r) for p, r in pairs if p.depth == depth])
    measures["spread_over_law"] = spread_over_law(pairs)
    return measures


def width_cells(profile: str) -> list[MultiLayer]:
    """Widths 4 : 2 : 1, growing; a quarter of the top code is on; no offset, and the proof's in both layers."""
    sizes = {"smoke": (16, 64), "book": (16, 32, 64, 128), "full": (16, 32, 64, 128, 256)}[profile]
    draws = {"smoke": 6400, "book": 16000, "full": 100000}[profile]
    return [
        MultiLayer(widths=(4 * s, 2 * s, s), rho=(1, 1), k=s // 4, offset=offset, trials=draws // s, batch=16,
                   seed=5200 + 2 * s + i)
        for s in sizes for i, offset in enumerate(("0", "proof"))
    ]  # fmt: skip


def width_measures(pairs: Pairs) -> dict[str, Estimate]:
    """Noise variance at the top over the law less one: of infinite width, and with fluctuations to second order."""
    measures = {}
    cut, uncut = ([(p, r) for p, r in pairs if (p.offset == "proof") == proof] for proof in (True, False))
    for label, mine in (("", uncut), ("_cut", cut)):
        narrowest, widest = (end(mine, key=lambda pair: pair[0].widths) for end in (min, max))
        for place, (p, r) in (("narrowest", narrowest), ("widest", widest)):
            limit = math.sqrt(limit_noise(p))
            measures[f"limit_deviation{label}_{place}"] = _gap(r, limit)
            measures[f"deviation{label}_{place}"] = _gap(r, r.top.predicted_noise_sd)
    p, r = min(uncut, key=lambda pair: pair[0].widths)
    off_cut = furthest([measures["deviation_cut_narrowest"]], 0.0)
    return measures | {"nearer_narrowest": _nearer(r, math.sqrt(limit_noise(p))), "off_cut_narrowest": off_cut}


def _nearer(r: MultiLayerResult, limit: float) -> Estimate:
    """By how much of it the law in use is nearer to the measured noise variance than a law `limit` is."""
    far, near = _gap(r, limit), _gap(r, r.top.predicted_noise_sd)
    mean, *ends = (abs(a) - abs(b) for a, b in zip((far.mean, *far.ci95), (near.mean, *near.ci95), strict=True))
    return Estimate(mean, (min(mean, *ends), max(mean, *ends)), far.n)


def limit_noise(p: MultiLayer) -> float:
    """V at the top of `p` by the law of infinite width, for a code of length one."""
    return float(state_evolution(p.widths, p.rho, p.offsets(), 1.0, scales=p.scale, q=p.q, limit=True)[-1].noise)


def _gap(r: MultiLayerResult, law: float) -> Estimate:
    """Measured noise variance over that of `law`, a standard deviation, less one."""
    mean, low, high = ((x / law) ** 2 - 1 for x in (r.top.noise_sd.mean, *r.top.noise_sd.ci95))
    return Estimate(mean, (low, high), r.top.noise_sd.n)


def stacked_cells(profile: str) -> list[MultiLayer]:
    """The proof's offset at every layer of nets of depth 1 to 4 that end in the same two layers."""
    widths, trials = (8000, 4000, 2000, 1000, 100), {"smoke": 3, "book": 6, "full": 40}[profile]
    return [
        MultiLayer(widths=widths[-depth - 1 :], rho=(1,) * depth, k=5, offset=offset, trials=trials, batch=4,
                   seed=5250 + 10 * depth + i)
        for depth in (1, 2, 3, 4) for i, offset in enumerate(("proof", "optimal"))
    ]  # fmt: skip


def stacked_measures(pairs: Pairs) -> dict[str, Estimate]:
    measures = {}
    for p, r in pairs:
        measures[f"gain_{p.offset}_depth_{p.depth}"] = r.top.mean_gain
        measures[f"error_{p.offset}_depth_{p.depth}"] = r.top.relative_error
        measures[f"predicted_gain_{p.offset}_depth_{p.depth}"] = Estimate.exact(r.top.predicted_mean_gain)
    return measures


LAST = 12  # layers of the simulated nets
DEEP = 40  # layers of the law
BETAS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
SLOWEST = 1.5  # the beta whose error stays below one longest
STEEP = 2, 5  # layers between which the gain fades far above its own noise


def phase_cells(profile: str) -> list[MultiLayer]:
    """Nets of equal width; beta = 2 is where the theory's alpha puts them, another beta scales every layer."""
    width, trials = {"smoke": (200, 40), "book": (400, 100), "full": (1000, 1600)}[profile]
    return [
        MultiLayer(widths=(width,) * (LAST + 1), rho=(1,) * LAST, k=width // 2, scale=(beta / 2,) * LAST,
                   trials=trials if beta == 2 else trials // 4, batch=8, seed=15300 + i)
        for i, beta in enumerate(BETAS)
    ]  # fmt: skip


def phase_measures(pairs: Pairs) -> dict[str, Estimate]:
    """Growth of noise a layer in the simulation, of noise and gain in the law far down; the errors there."""
    two = next(r for p, r in pairs if p.scale[0] == 1)
    growth = _growth(two.layers[0].noise_sd, two.layers[4].noise_sd, 4)
    low, high = growth.ci95
    nets = (1000,) * (DEEP + 1), [1000 * 2**i for i in range(DEEP, -1, -1)]
    deep, wide = (state_evolution(net, (1.0,) * DEEP, (0.0,) * DEEP, limit=True) for net in nets)
    gain = [float((net[-1].gain / net[-11].gain) ** 0.1) for net in (deep, wide)]
    by_law = two.layers[-STEEP[1]].predicted_mean_gain / two.layers[-STEEP[0]].predicted_mean_gain
    fading = ratio(two.layers[-STEEP[1]].mean_gain, two.layers[-STEEP[0]].mean_gain).scaled(1 / by_law)
    slow = next(r for p, r in pairs if p.scale[0] == SLOWEST / 2)
    noise = float((deep[-1].noise / deep[-11].noise) ** 0.05)
    return {
        "critical_beta_of_noise": Estimate(2 / growth.mean, (2 / high, 2 / low), growth.n),
        "critical_beta_of_noise_by_law": Estimate.exact(2 / noise),
        "critical_beta_of_gain_by_law": Estimate.exact(2 / gain[0]),
        "critical_beta_of_gain_by_law_expanding": Estimate.exact(2 / gain[1]),
        "gain_of_two_layers": two.layers[-2].mean_gain,
        "gain_of_four_layers": two.layers[-4].mean_gain,
        "predicted_gain_of_four_layers": Estimate.exact(two.layers[-4].predicted_mean_gain),
        "gain_fading_over_law": fading,
        "shortfall_deeper_over_shallower": ratio(*(shortfall(slow.layers[-level]) for level in (LAST - 1, LAST // 2))),
        # of the generated layer just below the top code: its own entries are half-normal, as in the limit
        "smallest_error_simulated": smallest([r.layers[1].relative_error for _, r in pairs]),
        "smallest_error_of_deep_law": Estimate.exact(min(deep_errors(BETAS))),
        "rms_z_gain": root_mean_square(layer.gain_z for _, r in pairs for layer in r.layers),
        "rms_z_noise": root_mean_square(r.top.noise_z for _, r in pairs),
        "noise_over_law": over_law((r.top.noise_sd, r.top.predicted_noise_sd) for _, r in pairs),
    }


def shortfall(layer: LayerResult) -> Estimate:
    """By how much the normalised error of a generated layer is below one."""
    e = layer.relative_error
    return Estimate(1 - e.mean, (1 - e.ci95[1], 1 - e.ci95[0]), e.n)


def _growth(last: Estimate, before: Estimate, layers: int) -> Estimate:
    """Growth a layer of a quantity over so many layers; correlated draws only narrow the interval given here."""
    mean = (last.mean / before.mean) ** (1 / layers)
    half = mean / layers * math.hypot(last.half_width / last.mean, before.half_width / before.mean)
    return Estimate(mean, (mean - half, mean + half), last.n)


def deep_errors(betas: Iterable[float]) -> list[float]:
    """Normalised error of a generated layer under DEEP layers of equal width, by the law, for each beta."""
    widths, rho = (1000,) * (DEEP + 2), (1.0,) * (DEEP + 1)
    return [
        float(
            state_evolution(widths, rho, (0.0,) * len(rho), scales=(beta / 2,) * len(rho), limit=True)[DEEP - 1].error
        )
        for beta in betas
    ]


EXPERIMENTS = {
    "two-layer-gain": Experiment(
        gain_cells, multi_layer, gain_measures, label=labels.two_layer_gain, scores=("rms_z",), float64=float64_check
    ),
    "depth-law": Experiment(
        law_cells, multi_layer, law_measures, label=labels.depth_law, scores=("rms_z",), float64=float64_check
    ),
    "finite-width": Experiment(
        width_cells, multi_layer, width_measures, label=labels.finite_width, float64=float64_check
    ),
    "stacked-offsets": Experiment(
        stacked_cells, multi_layer, stacked_measures, label=labels.stacked_offsets, float64=float64_check
    ),
    "phase-transitions": Experiment(
        phase_cells,
        multi_layer,
        phase_measures,
        label=labels.phase_transitions,
        scores=("rms_z",),
        float64=float64_check,
    ),
}
