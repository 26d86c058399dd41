"""Figures of one neuron and of the plug-in's risk, from their records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.goldfeld2019.experiments.risk import WANTED, RiskResult, base, root_mean_square_error
from reversible.papers.goldfeld2019.neuron import INPUTS, PLATEAU
from reversible.records.record import Record
from reversible.show.drawing import LAW, by_size, label_ends, legend, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

SIGMAS = {0: "noise of 0.01", 1: "noise of 0.1"}


def neuron(record: Record) -> Shown:
    """Where the neuron puts its four inputs, and what it tells of them, over the steps of training."""
    (_, row), *_ = (pair for pair in record.pairs() if pair[0]["kind"] == "equal")
    figures, (put, told) = panels(2, height=3.3)
    steps, values = np.array(row["steps"][1:]), np.array(row["values"][1:])
    ends = []
    for look, (x, curve) in told_apart(zip(INPUTS, values.T, strict=True)):
        put.plot(steps, curve, color=look["color"])
        ends.append((float(curve[-1]), f"x = {x:g}", look["color"]))
    put.set(xlabel="steps of training", ylabel="what the neuron gives", xscale="log", ylim=(-1.1, 1.1))
    label_ends(put, ends)
    for look, (place, words) in told_apart(SIGMAS.items()):
        told.plot(steps, row["information"][place][1:], color=look["color"], label=words)
    told.set(xlabel="steps of training", ylabel="information (nats)", xscale="log", ylim=(0.4, 1.5))
    _levels(told)
    legend(told)
    m = record.measures
    return show(
        figures,
        [
            "What the neuron gives for each of its four inputs, over the steps of training: two of them draw together "
            "at minus one, the third comes near them much later, and the fourth goes to plus one.",
            "Information over the steps of training: with little noise a staircase from ln 4 to a long level at 1.5 "
            "ln 2 and on towards three merged inputs; with more noise a rise and then a fall.",
        ],
        f"As the neuron learns, the inputs of one class merge, and what it tells of them falls in stairs (dotted: the "
        f"entropies of the masses). With noise of 0.01 it stays within 0.005 nats of 1.5 ln 2 = {PLATEAU:.4f} for "
        f"{m['at_plateau_equal'].mean:.2f} factors of ten. With noise of 0.1 it first rises, from "
        f"{m['start_blunt_equal'].mean:.2f} to {m['peak_blunt_equal'].mean:.2f}.",
    )


def _levels(ax: Axes) -> None:
    merged = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    levels = ((math.log(4), "ln 4"), (PLATEAU, "1.5 ln 2"), (merged, "3 merged"))
    for level, _ in levels:
        ax.axhline(level, color=LAW, lw=0.8, ls=":")
    label_ends(ax, [(level, words, LAW) for level, words in levels])


def risk(record: Record) -> Shown:
    """The error of the plug-in over its samples in few dimensions, and the samples it needs in many."""
    pairs = list(record.pairs())
    figures, (error, needs) = panels(2, height=3.3)
    for look, d in by_size(sorted({cell["d"] for cell, _ in pairs if cell["kind"] == "low"})):
        same = [(cell["n"], _error(row)) for cell, row in pairs if cell["kind"] == "low" and cell["d"] == d]
        n, y = np.array(sorted(same)).T
        error.plot(n, y, ls="", mfc="none", label=f"d = {d}", **look)
        error.plot(n, y[0] * np.sqrt(n[0] / n), color=look["color"])
    error.set(xlabel="samples n", ylabel="error (nats)", xscale="log", yscale="log")
    _high(needs, pairs)
    for ax in (error, needs):
        plain_numbers(ax, "y", (1, 2, 5))
        legend(ax, ncols=3)
    plain_numbers(error, "x", (1, 2, 5))
    m = record.measures
    return show(
        figures,
        [
            "Root mean square error of the plug-in over the number of samples, for one, two and three dimensions: "
            "points that lie along lines of slope minus one half.",
            "Mean error of the plug-in over the dimension, for three sizes of samples around those that the law gives: "
            "points on their lines.",
        ],
        f"In few dimensions the error falls with the samples to the power {_span(m)} (lines: one over "
        f"their root). For a given error the samples must grow by "
        f"{m['growth_mean'].mean:.2f} with each dimension: the estimate lies below the truth by its law "
        f"(A^d − 1) / 2n (lines), where A = {m['base'].mean:.3f}.",
    )


def _span(measures: Mapping[str, Estimate]) -> str:
    slopes = sorted(-measures[f"slope_{d}"].mean for d in (1, 2, 3))
    return f"−{slopes[0]:.2f} to −{slopes[-1]:.2f}"


def _high(ax: Axes, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Mean error times two n, over the dimension, beside the law."""
    high = [(cell, row) for cell, row in pairs if cell["kind"] == "high"]
    dimensions = sorted({cell["d"] for cell, _ in high})
    ratios = sorted({_place(cell) for cell, _ in high})
    for look, ratio in by_size(ratios):
        same = sorted((c["d"], c["n"], row["off"]) for c, row in high if _place(c) == ratio)
        found = [Estimate.of(-2 * n * np.array(off)) for _, n, off in same]
        ax.errorbar(
            [d for d, _, _ in same], [e.mean for e in found], [e.half_width for e in found], ls="", capsize=2, lw=1,
            mfc="none", label=f"{ratio:g} × n", **look,
        )  # fmt: skip
    ax.plot(dimensions, [base() ** d - 1 for d in dimensions], color=LAW, label="A^d − 1")
    ax.set(xlabel="dimension d", ylabel="bias × 2n", yscale="log", xticks=dimensions)


def _place(cell: dict[str, Any]) -> float:
    """The size of a sample over that for which the law has the wanted error, to a tenth."""
    return round(cell["n"] * 2 * WANTED / (base() ** cell["d"] - 1), 1)


def _error(row: dict[str, Any]) -> float:
    r = RiskResult(tuple(row["off"]), tuple(row["variance"]), row["entropy_variance"])
    return root_mean_square_error(np.array(r.off), np.array(r.variance))


FIGURES = {"goldfeld-neuron": neuron, "goldfeld-risk": risk}
