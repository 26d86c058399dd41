"""Figures of the chapters on depth: points are measured, with 95 % intervals; lines are state evolution."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.depth import limit_noise
from reversible.papers.arora2015.experiments.two_and_three_layers import way_of
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import Record, flat
from reversible.show.drawing import (
    bars_of,
    coloured,
    error_heatmap,
    legend,
    panels,
    plain_ticks,
    show,
    span,
    style,
)
from reversible.show.html import Shown
from reversible.theory import depth as state_evolution
from reversible.theory.depth import EDGE


def series(ax: Axes, part: Any, x: str, y: str, label: str, colour: Any, law: bool = True) -> None:
    """Points with intervals, and the law as a line through the same places."""
    part = part.sort_values(x)
    ax.errorbar(part[x], part[y], bars_of(part, y), fmt="o", ms=4, color=colour, label=label, capsize=2, lw=1)
    if law:
        ax.plot(part[x], part[f"predicted_{y}"], color=colour, lw=1)


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
    figure, (left, right) = panels(2)
    fine = np.geomspace(data.ratio.min(), data.ratio.max(), 100)
    left.plot(
        fine,
        [state_evolution.two_layer_gain(r, 1.0) for r in fine],
        color="0.3",
        lw=1,
        label="1/2 + arctan(√(t₀/t₁))/π",
    )
    right.axhline(1, color="0.3", lw=1)
    for colour, (rho, part) in coloured(data.groupby(data.rho.map(str))):
        for ax, column in ((left, "mean_gain"), (right, "noise")):
            series(ax, part, "ratio", column, f"ρ = {rho.strip('[]')}", colour, law=False)
    left.set(xscale="log", ylabel="gain of two layers")
    right.set(xscale="log", ylabel="noise sd / closed form")
    for ax in (left, right):
        ax.set_xlabel("t₀ / t₁")
    legend(left)
    return show(figure, f"Gain from {span(data.mean_gain)} follows the arctan; noise over its closed form is near 1.")


def depth_law(record: Record) -> Shown:
    """Gain, noise and error at the top, measured over predicted, by depth."""
    data = tops(record)
    figure, axes = panels(3)
    names = {"mean_gain": "gain", "noise_sd": "noise sd", "relative_error": "relative error"}
    kinds = data.offset.map(lambda b: b if isinstance(b, str) else "no offset" if not any(b) else "half a noise")
    for ax, (column, title) in zip(axes, names.items(), strict=True):
        ax.axhspan(-0.03, 0.03, color="0.9", zorder=0)
        for colour, kind in coloured(sorted(kinds.unique())):
            part = data[kinds == kind]
            law = part[f"predicted_{column}"]
            shift = part.groupby("depth").cumcount() * 0.12 + 0.03 * len(ax.containers) - 0.15
            bars = bars_of(part, column) / law.to_numpy()
            ax.errorbar(part.depth + shift, part[column] / law - 1, bars, fmt="o", ms=3, color=colour, label=kind, lw=1)
        ax.set(title=title, xlabel="depth", xticks=sorted(data.depth.unique()))
    axes[0].set_ylabel("measured / law − 1")
    legend(axes[0])
    worst = (data.relative_error / data.predicted_relative_error - 1).abs().max()
    return show(figure, f"{len(data)} cells of depth 1 to {data.depth.max()}: errors within {worst:.1%} of the law.")


def finite_width(record: Record) -> Shown:
    """Deviation of the noise from the law against the size of the net."""
    data = tops(record)
    data["t1"] = [w[1] for w in data.widths]
    data["limit"] = [limit_noise(rebuilt(MultiLayer, cell)) ** 0.5 for cell, _ in record.pairs()]
    laws = {"infinite width": "limit", "to second order": "predicted_noise_sd"}
    figure, axes = panels(2)
    for ax, (title, chosen) in zip(axes, (("no offset", ~_cut(data)), ("proof's offset", _cut(data))), strict=True):
        for colour, (label, law) in coloured(laws.items()):
            part = data[chosen].copy()
            for end in ("", "_low", "_high"):
                part[f"gap{end}"] = (part[f"noise_sd{end}"] / part[law]) ** 2 - 1
            series(ax, part, "t1", "gap", label, colour, law=False)
        ax.axhline(0, color="0.3", lw=1)
        ax.set(xscale="log", xlabel="t₁, units of the middle layer", title=title)
        ax.set_xticks(sorted(data.t1.unique()), [f"{t:g}" for t in sorted(data.t1.unique())])
        ax.minorticks_off()
    axes[0].set_ylabel("noise variance / law − 1")
    legend(axes[0])
    return show(figure, f"Noise over the law of infinite width, and over that of second order, for t1 {span(data.t1)}.")


def _cut(data: Any) -> Any:
    return data.offset.map(lambda b: b == "proof")


def stacked_offsets(record: Record) -> Shown:
    """Relative error and gain against depth: the proof's offset everywhere, and the best offsets."""
    data = tops(record)
    figure, (left, right) = panels(2)
    for colour, (kind, part) in coloured(data.groupby("offset")):
        label = {"proof": "proof's offset", "optimal": "best offsets"}[kind]
        series(left, part, "depth", "relative_error", label, colour)
        series(right, part, "depth", "mean_gain", label, colour)
    left.set(ylabel="relative error", xticks=sorted(data.depth.unique()))
    right.set(ylabel="gain at the top", xticks=sorted(data.depth.unique()))
    right.set_yscale("symlog", linthresh=1e-4)
    right.set_ylim(-2e-5, 2)
    for ax in (left, right):
        ax.set_xlabel("depth")
    legend(left)
    return show(figure, "With the proof's offset in every layer the error is near 1 from two layers on.")


def phase_transitions(record: Record) -> Shown:
    """Gain, noise and error of every layer of deep nets, for each beta."""
    data = layers(record)
    data = data[data.layer < data.depth]  # the generated layers: their entries are those of the limit
    data["beta"] = [2 * s[0] for s in data.scale]
    figure, axes = panels(3)
    names = {"mean_gain": "gain", "noise_sd": "noise sd / ‖h‖", "relative_error": "normalised error"}
    for ax, (column, title) in zip(axes, names.items(), strict=True):
        for colour, (beta, part) in zip(
            sns.color_palette("viridis", data.beta.nunique()), data.groupby("beta"), strict=True
        ):
            some = part if column != "mean_gain" else part[part.mean_gain_low > 0]
            series(ax, some, "layer", column, f"β = {beta:g}", colour)
        ax.set(yscale="log", title=title, xlabel="layers read")
    axes[2].axhline(1, color="0.3", lw=1, ls=":")
    legend(axes[0])
    return show(
        figure, "Noise fades below beta = 2 and grows above it; gains fall below beta = 4; errors end at 1 or above."
    )


def middle_and_top(record: Record) -> Shown:
    """Relative squared error of the middle and of the top layer, for three ways of reading."""
    data = layers(record)
    figure, (ax,) = panels(1)
    ways = {"plain": "no offset", "rescaled": "rescaled, offset at the top", "best": "best offsets"}
    data["way"] = [way_of(rebuilt(MultiLayer, cell)) for cell, _ in record.pairs() for _ in cell["rho"]]
    for shift, colour, layer, name in ((-0.08, "C0", 1, "middle layer"), (0.08, "C1", 2, "top layer")):
        part = data[data.layer == layer].set_index("way").loc[list(ways)]
        rows = np.arange(len(part)) + shift
        ax.errorbar(part.relative_error, rows, xerr=bars_of(part, "relative_error"), fmt="o", color=colour, label=name)
        ax.plot(part.predicted_relative_error, rows, "|", color=colour, ms=14)
    ax.set(
        yticks=range(len(ways)), yticklabels=ways.values(), xlim=(0, None), xlabel="relative squared error (bar: law)"
    )
    ax.invert_yaxis()
    legend(ax)
    best = data[data.layer == 2].relative_error.min()
    return show(
        figure, f"The middle layer is read badly in all three ways, the top layer down to an error of {best:.2g}."
    )


def theorem_3_1(record: Record) -> Shown:
    """epsilon against k_2 / k_1: best offsets, with dropout, and without a middle offset."""
    data = tops(record)
    data["x"] = [k / (r[1] * w[1] / 2) for k, r, w in zip(data.k, data.rho, data.widths, strict=True)]
    larger = data.on_support >= data.off_support
    for end in ("", "_low", "_high"):
        data[f"epsilon{end}"] = data[f"on_support{end}"].where(larger, data[f"off_support{end}"])
    best = data.offset.map(lambda b: b == "optimal")
    kinds = {
        "best offsets": best & (data.q == 1),
        "best offsets, half dropped": best & (data.q < 1),
        "no middle offset": ~best,
    }
    figure, axes = panels(2)
    for ax, ks in zip(axes, (data.k.min(), data.k.max()), strict=True):
        for colour, (label, chosen) in coloured(kinds.items()):
            series(ax, data[chosen & (data.k == ks)], "x", "epsilon", label, colour, law=False)
        fine = np.geomspace(data.x.min(), data.x.max(), 50)
        for power, line in ((0, ":"), (2, "--")):
            curve = fine * np.log(1 / fine) ** power
            ax.plot(fine, curve, color="0.5", lw=1, ls=line, label=f"k₂/k₁{' ln²(k₁/k₂)' if power else ''}")
        ax.set(xscale="log", yscale="log", xlabel="k₂ / k₁", ylabel="ε", title=f"k₂ = {ks}")
        plain_ticks(ax, data.x.round(4))
    legend(axes[0])
    return show(figure, f"epsilon falls with k2/k1 from {span(data.x)}, more slowly by a squared logarithm.")


def theorem_3_2(record: Record) -> Shown:
    """epsilon against the active units below the top: three layers, and their upper two alone."""
    data = tops(record)
    data["active"] = [r[-1] * w[-2] / 2 for r, w in zip(data.rho, data.widths, strict=True)]
    data = data.rename(columns={f"on_support{end}": f"epsilon{end}" for end in ("", "_low", "_high")})
    figure, axes = panels(data.k.nunique())
    for ax, (k, rows) in zip(axes, data.groupby("k"), strict=True):
        for colour, (depth, part) in coloured(rows.groupby("depth")):
            series(ax, part, "active", "epsilon", f"{depth} layers", colour, law=False)
        ax.set(
            xscale="log", yscale="log", xlabel="active units below the top", ylabel="ε on the support", title=f"k = {k}"
        )
        plain_ticks(ax, data.active)
    legend(axes[0])
    return show(figure, "epsilon falls with the width below the top for three layers as for two, at a higher level.")


def depth_limit(record: Record) -> Shown:
    """Relative error of the top code against depth, with the best offsets and with one at the top alone."""
    data = tops(record)
    data["kind"] = data.offset.map(lambda b: "best offsets" if b == "optimal" else "offset at the top alone")
    figure, (ax,) = panels(1)
    for colour, (kind, part) in coloured(data.groupby("kind")):
        series(ax, part, "depth", "relative_error", kind, colour)
    ax.axhline(0.5, color="0.6", lw=1, ls=":")
    ax.set(xlabel="layers", ylabel="relative error of the top code", ylim=(0, None), xticks=sorted(data.depth.unique()))
    legend(ax)
    return show(figure, f"The error grows with every layer, from {span(data.relative_error)}.")


def reversal_map(record: Record) -> Shown:
    """Relative error of the top code over k/t and depth, one panel a family, the line where a quarter is lost."""
    data = tops(record)
    data["k/t"] = [k / (r[-1] * w[-2]) for k, r, w in zip(data.k, data.rho, data.widths, strict=True)]
    families = list(dict.fromkeys(data.weights))
    style()
    rows = -(-len(families) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(8, 2.7 * rows), layout="constrained", squeeze=False, sharey=True)
    for ax, family in zip(axes.flat, families, strict=False):
        grid = data[data.weights == family].pivot(index="depth", columns="k/t", values="relative_error")
        law = data[data.weights == family].pivot(index="depth", columns="k/t", values="predicted_relative_error")
        grid.columns = [f"{c:.3g}" for c in grid.columns]
        error_heatmap(ax, grid, cbar=False, annot_kws={"fontsize": 8})
        _staircase(ax, grid.to_numpy() <= EDGE, "-")
        _staircase(ax, law.to_numpy() <= EDGE, ":")
        ax.set(title=family, xlabel="k / t of the top layer", ylabel="layers" if ax in axes[:, 0] else "")
    for ax in axes.flat[len(families) :]:
        ax.set_visible(False)
    return show(
        figure, f"Six families of weights: the error of the top code over k/t and depth, {span(data.relative_error)}; "
        f"a line marks where it crosses {EDGE:g}, dotted where the Gaussian law does.",
    )  # fmt: skip


def _staircase(ax: Axes, inside: np.ndarray, line: str) -> None:
    """The border of the cells that are `inside`, (depths, places)."""
    for i, row in enumerate(inside):
        for j, here in enumerate(row):
            if j + 1 < len(row) and here != row[j + 1]:
                ax.plot([j + 1, j + 1], [i, i + 1], "k" + line, lw=2)
            if i + 1 < len(inside) and here != inside[i + 1][j]:
                ax.plot([j, j + 1], [i + 1, i + 1], "k" + line, lw=2)


def layers(record: Record) -> Any:
    """A multi-layer record, one row a cell and layer: parameters, depth, layer (1 is next to the image), results."""
    rows = []
    for cell, result in record.pairs():
        depth = len(cell["rho"])
        rows += [
            {**cell, "depth": depth, "layer": depth - i, **flat(layer)} for i, layer in enumerate(result["layers"])
        ]
    return pd.DataFrame(rows)


def tops(record: Record) -> Any:
    """A multi-layer record, one row a cell: its top layer, and its own results."""
    rows = layers(record)
    own = pd.DataFrame([flat({k: v for k, v in row.items() if k != "layers"}) for row in record.rows])
    return pd.concat([rows[rows.layer == rows.depth].reset_index(drop=True), own], axis=1)


FIGURES = {
    "two-layer-gain": two_layer_gain,
    "depth-law": depth_law,
    "finite-width": finite_width,
    "stacked-offsets": stacked_offsets,
    "phase-transitions": phase_transitions,
    "middle-and-top": middle_and_top,
    "theorem-3-1": theorem_3_1,
    "theorem-3-2": theorem_3_2,
    "depth-limit": depth_limit,
    "reversal-map": reversal_map,
}
