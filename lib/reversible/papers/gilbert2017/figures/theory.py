"""Figures of the theory: lengths of what codes make, model-RIP constants, and the bounds on what one step recovers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.gilbert2017.experiments.random_filters import FAILURE
from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    SMALLEST,
    frame,
    legend,
    means_and_bars,
    panels,
    plain_numbers,
    show,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory import model_rip as laws

ROWS = {"gaussian": "Gaussian filters", "unit": "filters of length one", "common": "with a part in common"}


def code_length(record: Record) -> Shown:
    """Measured spread of the squared length over the law's, by the spread that the law gives."""
    rows = frame(record)
    figure, (ax,) = panels(1)
    ax.axhline(1, color=LAW)
    for look, (kind, label) in told_apart(ROWS.items()):
        part = rows[rows["rows"] == kind]
        low, high = np.sqrt(part.variance_over_law_low), np.sqrt(part.variance_over_law_high)
        bars = [part.sd_over_law - low, high - part.sd_over_law]
        ax.errorbar(part.predicted_sd, part.sd_over_law, bars, ls="", capsize=2, lw=1, label=label, **look)
    ax.set(xscale="log", xlabel="spread of the squared length by the law", ylabel="measured over the law")
    plain_numbers(ax, "x")
    legend(ax)
    lawful, common = rows[rows["rows"] != "common"], rows[rows["rows"] == "common"].sd_over_law
    return show(
        figure,
        "Measured spreads over the law's, with intervals, against the law's spread: the points of Gaussian filters and "
        "of filters of length one scatter closely about the line at one. Of the two points of filters with a part in "
        "common one lies on the line and one clearly above it.",
        f"In all {len(lawful)} settings the spread that the overlaps of the windows give is the measured one within "
        f"{record.measures['largest_gap_of_sd'].mean:.1%}. A part that all filters share widens the spread, which was "
        f"expected, but only by {common.max() - 1:.0%} at one code and {common.min() - 1:.0%} at the other.",
    )


def model_rip(record: Record) -> Shown:
    """Constants by the input's length and by a filter's entries, and the largest eigenvalue on typical supports."""
    rows = [{**cell, "values": np.array(row["values"])} for cell, row in record.pairs()]
    m = {name: estimate.mean for name, estimate in record.measures.items()}
    figures, (by_length, by_fan_in, by_share) = panels(3, 3.1)
    _by_length(by_length, [row for row in rows if row["question"] == "length"])
    _by_fan_in(by_fan_in, rows)
    _by_share(by_share, [row for row in rows if row["question"] == "typical"])
    return show(
        figures,
        [
            "The exact constant of two filters against the length of the input: points with intervals on a level line, "
            "while a broken line, the theorem's scale, climbs out of sight above them.",
            "Constants against the entries of a filter, both logarithmic: exact ones of two filters and those found "
            "for five and twenty filters fall side by side. Each has a line of the same slope, at or below its points.",
            "The largest eigenvalue against the share s of units that are on: three points on the rising curve "
            "(1 + √s)², two of them above the dotted line at two.",
        ],
        f"The length of the input does not matter: the constant grows as its power {m['slope_length']:.2f}, where the "
        f"theorem's scale grows {m['papers_scale_grows']:.1f}-fold. The entries of a filter do, with the power "
        f"−{abs(m['slope_fan_in']):.2f}; lines are the scale of windows at one place. On supports drawn by chance the "
        f"largest eigenvalue is {m['typical_over_law']:.2f} times its law.",
    )


def _errorbar(ax: Axes, places: list[Any], values: list[np.ndarray], **look: Any) -> None:
    """Means over draws with their intervals."""
    means, bars = means_and_bars(Estimate.of(draws) for draws in values)
    ax.errorbar(places, means, bars, ls="", capsize=2, lw=1, **look)


def _by_length(ax: Axes, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: row["length"])
    lengths, values = [row["length"] for row in rows], [row["values"] for row in rows]
    (look, _), (other, _) = told_apart("ab")
    _errorbar(ax, lengths, values, label="two filters, exact", **look)
    scale = np.array([_scale(row) for row in rows])
    ax.plot(lengths, scale / scale[0] * values[0].mean(), ls="--", color=other["color"], label="the theorem's scale")
    ax.set(xlabel="input length D", ylabel="constant d", ylim=(0, 1.2), xlim=(0, 85))
    legend(ax, ncols=1)


def _scale(row: dict[str, Any]) -> float:
    shifts = row["length"] - row["taps"] + 1
    return laws.papers_scale(row["k"], row["filters"], shifts, FAILURE, row["channels"], row["taps"], row["length"])


def _by_fan_in(ax: Axes, rows: list[dict[str, Any]]) -> None:
    exact = [row for row in rows if row["question"] == "fan-in"]
    series = {("two filters, exact", 2): exact}
    for k in (5, 20):
        found = [row for row in rows if row["question"] == "search" and row["k"] == k]
        series[f"{'five' if k == 5 else 'twenty'} filters, found", k] = found
    for look, ((label, k), part) in told_apart(series.items()):
        places = [row["channels"] * row["taps"] for row in part]
        _errorbar(ax, places, [row["values"] for row in part], label=label, **look)
        line = np.geomspace(40, 2000, 50)
        ax.plot(line, [laws.coincident_scale(k, round(fan_in)) for fan_in in line], color=look["color"], lw=1)
    ax.set(xscale="log", yscale="log", xlabel="entries of a filter, M l", ylabel="constant d")
    plain_numbers(ax, "x", (1, 3))
    plain_numbers(ax, "y", (1, 3))
    legend(ax, ncols=1)


def _by_share(ax: Axes, rows: list[dict[str, Any]]) -> None:
    shares = [row["k"] / (row["channels"] * (row["length"] - row["taps"] + 1)) for row in rows]
    ((look, _),) = told_apart("a")
    _errorbar(ax, shares, [row["values"] for row in rows], label="supports drawn by chance", **look)
    line = np.linspace(0.02, 0.5, 60)
    ax.plot(line, [laws.typical_largest(s) for s in line], color=LAW, label="(1 + √s)²")
    ax.axhline(2, color=LAW, ls=":", lw=1)
    ax.text(0.5, 1.96, "d = 1", ha="right", va="top", fontsize=SMALLEST, color=LAW)
    ax.set(xlabel="units that are on, s = k / (M n)", ylabel="largest eigenvalue", xlim=(0, 0.5), ylim=(1, 3))
    legend(ax, ncols=1)


def recovery_bound(record: Record) -> Shown:
    """Worst errors of one step by the constant, beside both bounds."""
    rows = frame(record)
    rows = rows[rows["rows"] == "gaussian"].sort_values("d_2k")
    figure, (ax,) = panels(1, 3.3)
    (known, _), (fixed, _), (papers, _) = told_apart("abc")
    ax.plot(rows.d_2k, rows.papers_bound, color=papers["color"], ls="--", label="the paper's bound")
    ax.plot(rows.d_2k, rows.sharper_bound, color=known["color"], label="the sharper bound")
    ax.plot(rows.d_2k, rows.worst_known, ls="", label="worst code, known switches", **known)
    ax.plot(rows.d_2k, rows.worst_fixed, ls="", label="worst code, fixed switches", **fixed)
    ax.axhline(1, color=LAW, lw=1, ls=":")
    ax.text(0.03, 0.93, "returning nothing", va="top", fontsize=SMALLEST, color=LAW)
    ax.set(xscale="log", yscale="log", xlabel="constant of sums of two codes, d₂ₖ", ylabel="error |x̂ − x| / |x|")
    plain_numbers(ax, "x", (1, 3))
    plain_numbers(ax, "y", (1,))
    legend(ax)
    share, worst = (record.measures[n].mean for n in ("share_worse_than_nothing", "worst_over_papers_bound"))
    return show(
        figure,
        "Errors against the constant, both logarithmic. Points of the worst code with known switches rise below two "
        "rising lines, the sharper bound and the paper's above it. Points with fixed switches lie level above the "
        "dotted line at one, for small constants far above both bounds.",
        f"With known switches no code of {len(rows)} matrices breaks a bound, and the worst error is "
        f"{worst:.0%} of the paper's. Fixed switches break both wherever the constant is small: {share:.0%} of the "
        "codes come back worse than nothing would.",
    )


FIGURES = {"code-length": code_length, "model-rip": model_rip, "recovery-bound": recovery_bound}
