"""Figures of other weights and other codes than the theory's: families of weights, and digits as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from reversible.base.rebuilt import rebuilt
from reversible.base.runtime import trial_generator
from reversible.papers.arora2015.experiments.other_weights import kurtosis_factor
from reversible.papers.arora2015.experiments.universality import TWO_POINTS
from reversible.papers.arora2015.labels.one_layer import FAMILIES
from reversible.random_nets import model
from reversible.random_nets.one_layer import OneLayer, round_trip
from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    bars_of,
    by_size,
    frame,
    image_rows,
    legend,
    panels,
    plain_numbers,
    points,
    show,
    span,
)
from reversible.show.html import Shown


def weight_families(record: Record) -> Shown:
    """Gain, noise and error over the law, for each family of weights."""
    data = frame(record)
    own = [kurtosis_factor(rebuilt(OneLayer, cell)) for cell, _ in record.pairs()]
    for end in ("", "_low", "_high"):
        data[f"error_over_law{end}"] = data[f"relative_error{end}"] / data.predicted_relative_error / own
    figures, axes = panels(3, 3.4)
    columns = {
        "mean_gain": ("gain", 1.0, (0.94, 1.3)),
        "noise_sd_times_sqrt_t": ("noise × √t / ‖h‖", 2**0.5, (1.15, 2.15)),
        "error_over_law": ("error over its own law", 1.0, (0.55, 8)),
    }
    for ax, (column, (title, law, limits)) in zip(axes, columns.items(), strict=True):
        ax.axvline(law, color=LAW, lw=1)
        for row in range(1, len(FAMILIES), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="0.96", zorder=0, lw=0)
        for shift, (look, (k, part)) in zip((-0.22, 0, 0.22), by_size(data.groupby("k")), strict=False):
            part = part.set_index("weights").loc[list(FAMILIES)]
            _row_a_family(ax, part, column, limits[1], {**look, "label": f"k = {k}"}, shift)
        ax.set(yticks=range(len(FAMILIES)), yticklabels=FAMILIES.values(), title=title, xlim=limits)
        ax.set_ylim(len(FAMILIES) - 0.5, -0.5)
        legend(ax, ncols=3)
    axes[2].set_xscale("log")
    plain_numbers(axes[2], "x")
    symmetric = data[data.weights.isin(["gaussian", "sign", "uniform", "sparse"])]
    student = data[data.weights == "student"]
    return show(
        figures,
        [
            f"A row for each of eight families of weights, with points for three sparsities: {what}. A line marks the "
            f"law."
            for what in (
                "the gain is 1 but for skewed and, less so, correlated weights",
                "the noise is on the law but for skewed and correlated weights, above it, and orthogonal columns, "
                "below it",
                "the error is on the law but for Student t and correlated weights, above it, and skewed ones, below it",
            )
        ],
        f"Gaussian weights, signs, uniform and sparse weights lie on the law (line): their errors are "
        f"{span(symmetric.error_over_law)} times what it says. Student t weights have the same gain and noise, but "
        f"their error has no finite mean: the averages here are {span(student.error_over_law)} times the law, with an "
        f"arrow where they leave the panel.",
    )


def _row_a_family(ax: Axes, part: Any, column: str, most: float, look: dict[str, Any], shift: float) -> None:
    """The means of families with their intervals, a row each; an arrow and the number for one beyond the panel."""
    rows, means = np.arange(len(part)) + shift, part[column].to_numpy()
    inside = means <= most
    bars = bars_of(part, column)[:, inside]
    ax.errorbar(means[inside], rows[inside], xerr=bars, ls="", lw=1, ms=3.5, **look)
    for row, mean in zip(rows[~inside], means[~inside], strict=True):
        tip = {"arrowstyle": "-|>", "color": look["color"], "shrinkA": 0, "shrinkB": 0}
        ax.annotate(f"{mean:.3g}", (most, row), (-40, 0), textcoords="offset points", va="center", arrowprops=tip)


def universality(record: Record) -> Shown:
    """The error at the best scale and offset by weights, over that of Gaussian ones, beside the law's."""
    data = frame(record)
    ks = (data.k.min(), data.k.max())
    names = list(dict.fromkeys(data.weights))
    order = sorted(names, key=lambda name: float(data[(data.weights == name) & (data.k == ks[0])].error.iloc[0]))
    figures, axes = panels(2, 3.6)
    for ax, k in zip(axes, ks, strict=True):
        part = data[data.k == k].set_index("weights").loc[order]
        gaussian = float(part.predicted["gaussian"])
        rows = np.arange(len(order))
        told = part.index != "correlated"
        ax.axvline(1, color=LAW, lw=1)
        ax.plot((part.predicted / gaussian)[told], rows[told], "|", color=LAW, ms=12, mew=1.5, label="law")
        bars = bars_of(part, "error") / gaussian
        ax.errorbar(part.error / gaussian, rows, xerr=bars, ls="", marker="o", ms=4, lw=1, label="measured")
        ax.set(yticks=rows, yticklabels=[TOLD.get(name, name) for name in order], xscale="log", title=f"k = {k}",
               xlabel="error over the Gaussian one")  # fmt: skip
        ax.set_ylim(len(order) - 0.5, -0.5)
        plain_numbers(ax, "x", (1,) if part.error.max() > 100 * part.error.min() else (1, 2, 5))
        legend(ax, ncols=2)
    m = record.measures
    return show(
        figures,
        [
            f"A row for each law of the weights, codes of {k} ones: negative skews lie far to the left of the line at "
            f"one, symmetric laws around it, positive skews and sparse weights to its right, correlated columns far to "
            f"the right. A stroke marks the law at each point but that of correlated columns."
            for k in ks
        ],
        f"The sign of the skew decides: with skew −2 a sparse code is read with {m['negative_over_none'].mean:.2g} "
        f"times the error of weights without skew, with skew 2 with {m['positive_over_none'].mean:.1f} times. The law "
        f"(strokes) has all of it but correlated columns, which cost {m['correlated_over_gaussian'].mean:.1f} times "
        f"the error of independent ones.",
    )


TOLD = {
    "gaussian": "Gaussian", "uniform": "uniform", "exponential": "exponential, skew 2",
    "minus exponential": "−exponential, skew −2", "sparse": "nine in ten zero", "student 10": "Student t, 10",
    "correlated": "correlated columns",
    **{name: name.replace("-", "−") for name in TWO_POINTS},
}  # fmt: skip


def digits_reversal(record: Record) -> Shown:
    """Relative error of digits sent through one random layer and back, against its width."""
    data = frame(record)
    figure, (ax,) = panels(1)
    words = {0: "no offset", 1: "best offset"}
    data["rule"] = data.offset.map({"none": 0, "optimal": 1})
    points(ax, data, "n", "relative_error", "predicted_relative_error", "rule", words=lambda rule: words[rule])
    ax.set(xlabel="n, units of the random layer", ylabel="relative error")
    none = data[data.offset == "none"].set_index("n").relative_error
    return show(
        figure,
        "A chart of the relative error of digits against the width of the layer, both logarithmic: two falling lines "
        "with the points on them, that of the best offset below at first and then close to the other.",
        f"Digits are not sparse, and come back all the same: their relative error without offset falls from "
        f"{none[data.n.min()]:.2g} with {data.n.min():,} units to {none[data.n.max()]:.2g} with {data.n.max():,}, on "
        f"the exact law (lines).",
    )


def digit_pictures(codes: np.ndarray, widths: tuple[int, ...], seed: int = 0) -> Shown:
    """Digits (images, 64), and what comes back of each from one random layer of each width, with the error measured."""
    lines, errors = [("original", codes)], []
    for n in widths:
        layer = OneLayer(n=n, m=64, k=64, rho=1.0, offset=0.0, batch=len(codes), seed=seed)
        images = model.infer(round_trip(layer, torch.tensor(codes), trial_generator(seed, n)), 0.0).numpy()
        errors.append(float(np.mean(((images - codes) ** 2).sum(1) / (codes**2).sum(1))))
        lines.append((f"n = {n:,}\nerror {errors[-1]:.2g}", images))
    return show(
        image_rows(lines, 8, vmax=1),
        f"Rows of the same {len(codes)} digits: the original, and what comes back from {len(widths)} layers; the "
        f"digits get clearer from row to row.",
        f"The wider the random layer, the better it gives the digits back: the mean error falls from {errors[0]:.2g} "
        f"with {widths[0]:,} units to {errors[-1]:.2g} with {widths[-1]:,}.",
    )


FIGURES = {
    "weight-families": weight_families,
    "universality": universality,
    "digits-reversal": digits_reversal,
}
