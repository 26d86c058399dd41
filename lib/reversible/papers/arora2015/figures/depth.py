"""Figures of the chapter on the laws of depth: points are measured, with 95 % intervals; lines are state evolution."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.depth import limit_noise
from reversible.papers.arora2015.figures.many_layers import beside_law, layers, tops
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    PANEL,
    bars_of,
    by_size,
    label_ends,
    legend,
    measured,
    panels,
    plain_numbers,
    show,
    span,
    style,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory import depth as state_evolution

TOP = {"mean_gain": "gain", "noise_sd": "noise sd / ‖h‖", "relative_error": "relative error"}


def _two_layers(record: Record) -> Any:
    """The tops of the record with t_0, t_1 and the closed form of the noise beside them."""
    data = tops(record)
    data["t0"] = [w[0] * r[0] for w, r in zip(data.widths, data.rho, strict=True)]
    data["t1"] = [w[1] * r[1] for w, r in zip(data.widths, data.rho, strict=True)]
    data["ratio"] = data.t0 / data.t1
    widths = [w[1] for w in data.widths]
    data["formula"] = [
        state_evolution.two_layer_noise(n, a, b) ** 0.5 for n, a, b in zip(widths, data.t0, data.t1, strict=True)
    ]
    for end in ("", "_low", "_high"):
        data[f"noise{end}"] = data[f"noise_sd{end}"] / data.formula
    return data


def two_layer_gain(record: Record) -> Shown:
    """Gain of two layers against t_0 / t_1, with the closed form; noise over its closed form."""
    data = _two_layers(record)
    figures, (left, right) = panels(2)
    fine = np.geomspace(data.ratio.min(), data.ratio.max(), 100)
    left.plot(fine, [state_evolution.two_layer_gain(r, 1.0) for r in fine], color=LAW)
    left.annotate("law: 1/2 + arctan(√(t₀/t₁))/π", (0.25, 0.05), xycoords="axes fraction", color=LAW)
    right.axhline(1, color=LAW)
    for nudge, (look, (rho, part)) in zip((0.97, 1.03), told_apart(data.groupby(data.rho.map(str))), strict=False):
        kept = "all" if set(rho.strip("[]").split(", ")) == {"1.0"} else rho.strip("[]").replace(", ", " and ")
        for ax, column in ((left, "mean_gain"), (right, "noise")):
            measured(ax, part.assign(ratio=part.ratio * nudge), "ratio", column, look, f"kept: {kept}")
    left.set(ylabel="gain of two layers")
    right.set(ylabel="noise sd over its law")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="t₀ / t₁, pixels over middle units kept")
        plain_numbers(ax, "x", (1, 3))
        legend(ax)
    label_ends(right, [(1.0, "law", LAW)])
    return show(
        figures,
        [
            "The gain of two layers against the ratio of t0 to t1: points on a curve that rises and levels off.",
            "The noise over its closed form against the same ratio: points about a level line at 1.",
        ],
        f"The gain of two layers lies on the arctan and rises from {data.mean_gain.min():.2f} to "
        f"{data.mean_gain.max():.2f} as the image gets wider beside the middle layer; the noise is "
        f"{span(data.noise)} times its closed form.",
    )


def depth_law(record: Record) -> Shown:
    """Gain, noise and error at the top, measured against the law, by depth; standard scores below."""
    data = tops(record)
    scores = {"mean_gain": "gain_z", "noise_sd": "noise_z", "relative_error": "error_z"}
    figures = [_diagonal(data, column, title, scores[column]) for column, title in TOP.items()]
    worst = (data.relative_error / data.predicted_relative_error - 1).abs().max()
    all_scores = data[list(scores.values())].to_numpy()
    return show(
        figures,
        [
            f"The measured {title} at the top against the law's, both logarithmic: points in four colours, one for "
            f"each depth, on the diagonal. In a strip below, their standard scores scatter about zero."
            for title in TOP.values()
        ],
        f"{len(data)} nets of depth {data.depth.min()} to {data.depth.max()}, with different offsets and dropout: "
        f"gain, noise and error at the top lie on the law (diagonal). Of the standard scores in the strips "
        f"{np.mean(np.abs(all_scores) <= 2):.0%} lie within 2 (grey), and no error is more than {worst:.1%} off.",
    )


def _diagonal(data: Any, column: str, title: str, score: str) -> Figure:
    """Measured against law, colour by depth, and the standard scores of the difference below."""
    style()
    figure, (ax, strip) = plt.subplots(
        2, 1, figsize=(PANEL, 4.0), layout="constrained", sharex=True, height_ratios=(3, 1)
    )
    law = data[f"predicted_{column}"]
    ends = [0.7 * min(law.min(), data[column].min()), 1.4 * max(law.max(), data[column].max())]
    ax.plot(ends, ends, color=LAW)
    strip.axhspan(-2, 2, color="0.92", zorder=0)
    strip.axhline(0, color=LAW)
    for look, (depth, part) in by_size(data.groupby("depth")):
        x = part[f"predicted_{column}"]
        bars = bars_of(part, column)
        ax.errorbar(x, part[column], bars, ls="", lw=1, label=f"{depth} layer{'s' * (depth > 1)}", **look)
        strip.plot(x, part[score], ls="", **look)
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, ylabel="measured", title=title)
    strip.set(xlabel=f"{title}, by the law", ylabel="score", ylim=(-5, 5), yticks=(-4, -2, 0, 2, 4))
    subs = (1, 3) if ends[1] < 100 * ends[0] else (1,)
    for one, which in ((ax, "y"), (strip, "x")):
        plain_numbers(one, which, subs)
    legend(ax, ncols=4, columnspacing=0.8, handletextpad=0.1)
    return figure


def finite_width(record: Record) -> Shown:
    """Deviation of the noise from the law against the size of the net."""
    data = tops(record)
    data["t1"] = [w[1] for w in data.widths]
    data["limit"] = [limit_noise(rebuilt(MultiLayer, cell)) ** 0.5 for cell, _ in record.pairs()]
    cut = data.offset.map(lambda b: b == "proof")
    laws = {"infinite width": "limit", "second order": "predicted_noise_sd"}
    chosen = {"no offset": ~cut, "the proof's offset": cut}
    gaps = {}
    figures, axes = panels(2)
    for ax, (title, rows) in zip(axes, chosen.items(), strict=True):
        ends = []
        for look, (label, law) in told_apart(laws.items()):
            part = data[rows].sort_values("t1")
            for end in ("", "_low", "_high"):
                part[f"gap{end}"] = 100 * ((part[f"noise_sd{end}"] / part[law]) ** 2 - 1)
            measured(ax, part, "t1", "gap", look)
            ax.plot(part.t1, part.gap, color=look["color"], lw=0.8, ls=":")
            gaps[title, label] = part.gap.iloc[0]
            ends.append((part.gap.iloc[-1], label, look["color"]))
        ax.axhline(0, color=LAW)
        ticks = sorted(data.t1.unique())
        ax.set(xscale="log", xlabel="t₁, units of the middle layer", ylabel="noise variance over the law, %")
        ax.set(title=title, xlim=(ticks[0] / 1.2, ticks[-1] * 1.2))
        ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
        ax.minorticks_off()
        label_ends(ax, ends)
    none, proof = ((gaps[title, "infinite width"], gaps[title, "second order"]) for title in chosen)
    return show(
        figures,
        [
            f"The deviation of the noise from two laws against the size of the net, {title}: that from the law of "
            f"infinite width falls towards zero as the net grows, that from the other stays near zero."
            for title in chosen
        ],
        f"In the narrowest net the law of infinite width misses the variance of the noise by {abs(none[0]):.1f}% "
        f"without an offset and by {abs(proof[0]):.0f}% with the proof's. The law to second order is off by "
        f"{abs(none[1]):.1f}% and {abs(proof[1]):.0f}%, and in wide nets the two agree.",
    )


def stacked_offsets(record: Record) -> Shown:
    """Relative error and gain against depth: the proof's offset everywhere, and the best offsets."""
    data = tops(record)
    figures, (left, right) = panels(2)
    right.set_yscale("symlog", linthresh=1e-4)
    ends: dict[Any, list[tuple[float, str, Any]]] = {left: [], right: []}
    for look, (kind, part) in told_apart(data.groupby("offset")):
        label = {"proof": "proof's offset", "optimal": "best offsets"}[kind]
        for ax, column in ((left, "relative_error"), (right, "mean_gain")):
            ends[ax].append(beside_law(ax, part, "depth", column, look, label))
    left.set(ylabel="relative error", ylim=(0, 1.05))
    right.set(ylabel="gain at the top", ylim=(-2e-5, 2))
    right.set_yticks([0, 1e-4, 1e-3, 1e-2, 0.1, 1], ["0", "0.0001", "0.001", "0.01", "0.1", "1"])
    for ax in (left, right):
        ax.set(xlabel="layers", xticks=sorted(data.depth.unique()))
        label_ends(ax, ends[ax])
    two = data[data.depth == 2].set_index("offset").relative_error
    return show(
        figures,
        [
            "The relative error against the number of layers: near 1 from two layers on with the proof's offset, "
            "rising slowly with the best offsets.",
            "The gain at the top against the number of layers: it falls to almost nothing with the proof's offset and "
            "stays of the order of one with the best offsets.",
        ],
        f"With the proof's offset in every layer nothing passes: at two layers the error is already "
        f"{two['proof']:.2f}, with the best offsets {two['optimal']:.2f}.",
    )


def phase_transitions(record: Record) -> Shown:
    """Gain, noise and error of every layer of deep nets, for each beta."""
    data = layers(record)
    data = data[data.layer < data.depth]  # the generated layers: their entries are those of the limit
    data["beta"] = [2 * s[0] for s in data.scale]
    bold = {"mean_gain": 4.0, "noise_sd": 2.0}
    figures, axes = panels(3)
    for ax, (column, title) in zip(axes, TOP.items(), strict=True):
        ax.set(yscale="log", title=title, xlabel="layers read", xticks=range(1, data.layer.max() + 1, 2))
        ends = []
        for look, (beta, part) in by_size(data.groupby("beta")):
            seen = part if column != "mean_gain" else part[part.mean_gain_low > 0]
            words = f"β = {beta:g}"
            measured(ax, seen, "layer", column, {**look, "ms": 3})
            strong = 2.6 if bold.get(column) == beta else 1.0
            part = part.sort_values("layer")
            ax.plot(part.layer, part[f"predicted_{column}"], color=look["color"], lw=strong)
            ends.append((float(part[f"predicted_{column}"].iloc[-1]), words, look["color"]))
        label_ends(ax, ends)
    axes[2].axhline(1, color=LAW, ls=":")
    deepest = data[data.layer == data.layer.max()].set_index("beta")
    return show(
        figures,
        [
            "The gain of each layer against its number, logarithmic: six lines that fan out. Those of beta = 1, "
            "1.5, 2 and 3 fall in the end, the faster the smaller beta is; that of beta = 4 is bold. Gains too small "
            "to be measured are left out.",
            "The noise of each layer against its number, logarithmic: lines fan out about that of beta = 2, drawn "
            "bold, which is level; they fall for smaller beta and rise for larger.",
            "The relative error against the layer's number: lines end at 1 for beta below 2 and rise far above it for "
            "larger beta.",
        ],
        f"On the way up the noise fades for β below 2 (bold in the second panel) and grows above it, while the gain "
        f"fades for β up to 3 and grows for β = 4 (bold in the first) and more. At β = 2 a gain of "
        f"{deepest.predicted_mean_gain[2.0]:.2g} is left after {data.layer.max()} layers by the law (lines), and at no "
        f"β is the error there below {deepest.relative_error.min():.2f}.",
    )


FIGURES = {
    "two-layer-gain": two_layer_gain,
    "depth-law": depth_law,
    "finite-width": finite_width,
    "stacked-offsets": stacked_offsets,
    "phase-transitions": phase_transitions,
}
