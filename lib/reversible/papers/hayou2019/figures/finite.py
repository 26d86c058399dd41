"""Figures of nets of finite width, from their records: points with intervals, laws as lines."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.hayou2019.experiments.finite import wide_logs
from reversible.papers.hayou2019.labels import NAMES
from reversible.papers.hayou2019.laws import extra_fall
from reversible.records.record import Record
from reversible.show.drawing import LAW, by_size, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown


def width(record: Record) -> Shown:
    """Mean ln sin^2 over the depth by width, and the extra fall over the width."""
    pairs = list(record.pairs())
    figures, (paths, extra) = panels(2, height=3.4)
    for look, (cell, row) in by_size(pairs):
        layers = np.arange(len(row["mean"]))
        paths.plot(layers[::10], row["mean"][::10], mfc="none", lw=0.8, label=f"n = {cell['n']}", **look)
    wide = wide_logs(max(cell["layers"] for cell, _ in pairs))
    paths.plot(wide, color=LAW, label="infinite width")
    n = [cell["n"] for cell, _ in pairs]
    mean, bars = means_and_bars(Estimate.of(row["fall"]) for _, row in pairs)
    extra.errorbar(n, mean, bars, ls="", marker="o", capsize=2, lw=1, mfc="none", label="drawn nets")
    fine = np.unique(np.geomspace(min(n), max(n), 30).round().astype(int))
    extra.plot(fine, [extra_fall(int(k)) for k in fine], color=LAW, label="law, about 2/n")
    paths.set(xlabel="layer", ylabel="mean of ln sin²")
    extra.set(xlabel="width n", ylabel="extra fall a layer", xscale="log", yscale="log")
    plain_numbers(extra, "x", (1, 2, 5))
    plain_numbers(extra, "y", (1, 2, 5))
    for ax in (paths, extra):
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Mean logarithm of the squared sine of the angle over the layer: the narrower the net, the farther it "
            "falls below infinite width.",
            "The extra fall a layer over the width: points on a falling line.",
        ],
        f"Narrow nets forget angles faster: at the last layer ln sin² is {-m['deeper_32'].mean:.1f} below infinite "
        f"width with 32 neurons, and {-m['deeper_512'].mean:.2f} with 512. The extra fall a layer is about 2/n.",
    )


SETTINGS = {
    (1.0, 1.0, 0.5): "on the edge",
    (0.8, 1.0, 0.5): "weights a fifth smaller",
    (1.25, 1.0, 0.5): "weights a quarter larger",
    (1.25, 1.0, 0.99): "larger, near pair",
    (1.0, 1.0, 0.99): "on the edge, near pair",
}


def signals(record: Record) -> Shown:
    """1 - c of drawn tanh nets beside the map, and the variances of Swish and tanh."""
    pairs = list(record.pairs())
    figures, (gaps, variances) = panels(2, height=3.6)
    tanh = [(SETTINGS[key], r) for c, r in pairs
            if c["name"] == "tanh" and (key := (c["relative"], c["times"], c["c"])) in SETTINGS]  # fmt: skip
    for look, (label, row) in told_apart(tanh):
        layers = np.arange(len(row["gap"]))
        gaps.errorbar(
            layers[::5], row["gap"][::5], 1.96 * np.array(row["error"][::5]), ls="", lw=1, capsize=2, mfc="none",
            label=label, **look,
        )  # fmt: skip
        gaps.plot(layers, row["map_gap"], color=look["color"], lw=1)
    moved = [(f"{NAMES[c['name']]} from {'2 q*' if c['times'] == 2 else 'q*'}", r) for c, r in pairs
             if c["relative"] == 1 and c["c"] == 0.5 and c["name"] != "elu"]  # fmt: skip
    for look, (label, row) in told_apart(moved):
        layers = np.arange(len(row["variance"]))
        variances.plot(layers[::5], row["variance"][::5], ls="", mfc="none", label=label, **look)
        variances.plot(layers, row["map_variance"], color=look["color"], lw=1)
    gaps.set(xlabel="layer", ylabel="1 − c", yscale="log", ylim=(1e-5, 1.2))
    variances.set(xlabel="layer", ylabel="typical q over that at the start", yscale="log")
    legend(gaps, ncols=1)
    legend(variances, ncols=2)
    m = record.measures
    return show(
        figures,
        [
            "One minus c over the layer for tanh nets: it falls slowly on the edge, exponentially with smaller "
            "weights, and with larger weights a far and a near pair meet at one level.",
            "Typical variance over that at the start: Swish from twice the variance that stays runs away, tanh comes "
            "down.",
        ],
        f"After the last layer {m['left_on'].mean:.0%} of 1 − c remains on the edge of tanh, and "
        f"{m['left_below'].mean:.3%} with weights a fifth smaller; with weights a quarter larger a near and a far "
        f"pair come to one level. Points are nets of finite width, lines the map.",
    )


FIGURES = {"hayou-width": width, "hayou-signals": signals}
