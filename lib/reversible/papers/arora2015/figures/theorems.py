"""Figures of the chapter on more layers: points are measured, with 95 % intervals; lines are state evolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.theorems import LARGE, MIDDLE, two_layers
from reversible.papers.arora2015.experiments.two_and_three_layers import way_of
from reversible.papers.arora2015.figures.many_layers import beside_law, layers, tops
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    SMALLEST,
    bars_of,
    label_ends,
    legend,
    panels,
    plain_numbers,
    show,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory.depth import state_evolution
from reversible.theory.every_entry import entry_risks, worst_risk

ENDS = ("", "_low", "_high")


def middle_and_top(record: Record) -> Shown:
    """Relative squared error of the middle and of the top layer, for three ways of reading."""
    data = layers(record)
    ways = {"plain": "no offset", "rescaled": "rescaled,\noffset at the top", "best": "best offsets"}
    data["way"] = [way_of(rebuilt(MultiLayer, cell)) for cell, _ in record.pairs() for _ in cell["rho"]]
    figure, (ax,) = panels(1, 2.8)
    for shift, (look, (layer, name)) in zip(
        (-0.1, 0.1), told_apart([(1, "middle layer"), (2, "top layer")]), strict=True
    ):
        part = data[data.layer == layer].set_index("way").loc[list(ways)]
        rows = np.arange(len(part)) + shift
        ax.plot(part.predicted_relative_error, rows, "|", color=look["color"], ms=16, mew=1.5)
        bars = bars_of(part, "relative_error")
        ax.errorbar(part.relative_error, rows, xerr=bars, ls="", lw=1, label=name, **look)
    ax.plot([], [], "|", color=LAW, ms=10, mew=1.5, label="law")
    ax.set(yticks=range(len(ways)), yticklabels=ways.values(), xlim=(0, None), xlabel="relative squared error")
    ax.set_ylim(len(ways) - 0.5, -0.5)
    legend(ax, ncols=3)
    best = data[data.way == "best"].set_index("layer").relative_error
    return show(
        figure,
        "Three rows, one for each way of reading two layers, with two points each: the error of the top layer lies far "
        "to the left of that of the middle layer in all three. A stroke marks the law at each point.",
        f"However the two layers are read, the middle layer comes back worse than the top one: with the best offsets "
        f"its relative error is {best[1]:.2f}, that of the top {best[2]:.2g}. Points cover the strokes, the law.",
    )


def _with_epsilon(record: Record) -> Any:
    """The tops of nets with binary codes, with epsilon, its law, and the active units below the top."""
    data = tops(record)
    data["active"] = [r[-1] * w[-2] / 2 for r, w in zip(data.rho, data.widths, strict=True)]
    data["size"] = data.active / data.k
    larger = data.on_support >= data.off_support
    for end in ENDS:
        data[f"epsilon{end}"] = data[f"on_support{end}"].where(larger, data[f"off_support{end}"])
    found = []
    for cell, _ in record.pairs():
        p = rebuilt(MultiLayer, cell)
        top = state_evolution(p.widths, p.rho, p.offsets(), p.k**0.5, scales=p.scale, q=p.q)[-1]
        found.append(float(max(entry_risks(top, p.k))))
    return data.assign(predicted_epsilon=found)


READ = {1.0: "all is read", 0.5: "half is dropped"}


def theorem_3_1(record: Record) -> Shown:
    """epsilon against k_1 / k_2, with dropout and without; and what the law's holds beside k_2 / k_1."""
    data = _with_epsilon(record)
    data = data[: -len(MIDDLE)]  # without the nets with other middle offsets
    shown = (data.k.min(), data.k.max())
    figures, (*axes, by_law) = panels(3, 3.1)
    for ax, k in zip(axes, shown, strict=True):
        _falling(ax, {name: data[(data.k == k) & (data.q == q)] for q, name in READ.items()}, "size")
        ax.set(xlabel="k₁ / k₂, active units per entry of the top", title=f"top code of {k} entries")
    k = int(shown[0])
    x = LARGE / 2 / k
    ends = []
    for q, name in READ.items():
        held = [worst_risk(*two_layers(float(t1)), k, q=q) * size for t1, size in zip(LARGE, x, strict=True)]
        (line,) = by_law.plot(x, held)
        ends.append((held[-1], name, line.get_color()))
    by_law.set(xscale="log", ylim=(0, None), xlabel="k₁ / k₂", ylabel="ε times k₁ / k₂, by the law")
    label_ends(by_law, ends)
    m = record.measures
    return show(
        figures,
        [
            *(
                f"Epsilon against k1 over k2, both logarithmic, for a top code of {k} entries: two falling lines with "
                f"their points, half dropped above; a broken line falls a little more steeply."
                for k in shown
            ),
            "Epsilon times k1 over k2 against the logarithm of k1 over k2, by the law up to a hundred million units: "
            "two lines that rise and bend a little upwards.",
        ],
        f"The largest error of an entry, ε, lies on the law (lines) and falls more slowly than 1/k₁ (broken): with the "
        f"slope −{abs(m['slope_k1'].mean):.2f} at these sizes. Besides k₂/k₁ it holds a power of the logarithm, "
        f"{m['law_large'].mean:.1f} in the largest nets, or {m['law_large_dropped'].mean:.1f} with half dropped.",
    )


def _falling(ax: Axes, series: Mapping[str, Any], x: str) -> None:
    """epsilon of several series, and a reference of slope -1 from the first point of the first."""
    ax.set(xscale="log", yscale="log", ylabel="ε, largest error of an entry")
    for look, (name, part) in told_apart(series.items()):
        beside_law(ax, part, x, "epsilon", look, name)
    first = next(iter(series.values())).sort_values(x)
    ends = np.array([first[x].iloc[0], first[x].iloc[-1]])
    start = float(first.predicted_epsilon.iloc[0])
    ax.plot(ends, start * ends[0] / ends, color=LAW, ls="--", label="slope −1")
    ticks = sorted(first[x].unique())
    ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    ax.xaxis.minorticks_off()
    plain_numbers(ax, "y")
    legend(ax)


def theorem_3_2(record: Record) -> Shown:
    """epsilon against the active units below the top: three layers, and their upper two alone."""
    data = _with_epsilon(record)
    words = {2: "two layers", 3: "three layers"}
    ks = sorted(data.k.unique())
    figures, axes = panels(len(ks), 3.1)
    for ax, k in zip(axes, ks, strict=True):
        rows = data[data.k == k]
        _falling(ax, {words[depth]: rows[rows.depth == depth] for depth in words}, "active")
        ax.set(xlabel="active units below the top", title=f"top code of {k} entries")
    last = data[data.active == data.active.max()].groupby("depth").epsilon.mean()
    return show(
        figures,
        [
            f"Epsilon against the active units below a top code of {k} entries, both logarithmic: the line of two "
            f"layers falls at first like the broken line of slope minus one, that of three layers lies higher."
            for k in ks
        ],
        f"A third layer costs accuracy, and the error still falls with the width: with the most units below the top "
        f"ε is {last[2]:.2g} for two layers and {last[3]:.2g} for three. Lines are the law.",
    )


def depth_limit(record: Record) -> Shown:
    """Relative error of the top code against depth, with the best offsets and with one at the top alone."""
    data = tops(record)
    data["kind"] = data.offset.map(lambda b: "best offsets" if b == "optimal" else "offset at top alone")
    figure, (ax,) = panels(1)
    ends = [beside_law(ax, part, "depth", "relative_error", look, kind) for look, (kind, part) in
            told_apart(data.groupby("kind"))]  # fmt: skip
    ax.axhline(0.5, color=LAW, ls=":")
    ax.text(1, 0.52, "half is lost", color=LAW, fontsize=SMALLEST)
    ax.set(xlabel="layers", ylabel="relative error of the top code", ylim=(0, 1), xticks=sorted(data.depth.unique()))
    label_ends(ax, ends)
    below = data[(data.kind == "best offsets") & (data.relative_error < 0.5)].depth.max()
    best = data[data.kind == "best offsets"].set_index("depth").relative_error
    return show(
        figure,
        "The relative error against the number of layers: two close lines rise from near zero towards one, the line of "
        "the best offsets a little below the other, with the points on them.",
        f"With every layer more of the top code is lost: the error rises from {best[1]:.2g} with one layer to "
        f"{best[best.index.max()]:.2g} with {best.index.max()}, and {below} layers are the most that lose less than "
        f"half.",
    )


FIGURES = {
    "middle-and-top": middle_and_top,
    "theorem-3-1": theorem_3_1,
    "theorem-3-2": theorem_3_2,
    "depth-limit": depth_limit,
}
