"""Figures of one normalised layer, of residual nets and of nets in training, each from its record."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.labatie2019 import laws, published
from reversible.papers.labatie2019.experiments.training import TrainedResult, error
from reversible.papers.labatie2019.figures.depth import geometric, series, there
from reversible.papers.labatie2019.labels import KINDS
from reversible.records.record import Record
from reversible.show.drawing import LAW, by_size, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown


def channel(record: Record) -> Shown:
    """What a normalised dense layer multiplies chi by, measured and by the integral, over the effective rank."""
    figures, (ax,) = panels(1, height=3.3)
    for look, (c, r) in by_size(there(record)):
        measured, law, rank = (np.array(r[name]) for name in ("measured", "law", "rank"))
        mean, bars = means_and_bars(Estimate.of(row) for row in np.sqrt(measured))
        ax.errorbar(rank.mean(1), mean, bars, ls="", lw=1, capsize=2, mfc="none", label=f"{c['batch']} images", **look)
        ax.plot(rank.mean(1), np.sqrt(law).mean(1), "_", color="black", ms=9)
    ax.plot([], [], "_", color="black", ms=9, label="the integral")
    ax.set(xlabel="effective rank of the signal", ylabel="factor of χ", xscale="log")
    plain_numbers(ax, "x")
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Factor of χ of a normalised dense layer over the effective rank of the signal: points on the bars of the "
        "integral everywhere.",
        f"A normalised dense layer multiplies χ by what an integral over the two spectra says, within "
        f"{m['law_off'].mean:.1%}. The factor is large where the signal has few directions, as with the smallest batch "
        f"or at the last look with the largest one, where it is {m['factor_large'].mean:.3f}.",
    )


def residual(record: Record) -> Shown:
    """chi over residual units beside the recursion, the law with constants, and what the author stored."""
    figures, (ax,) = panels(1, height=3.6)
    names = {2: "two layers a unit", 1: "one layer a unit"}
    pairs = there(record)
    for look, (c, r) in told_apart(pairs):
        series(ax, c["units"], r["log_chi"], geometric, names[c["inside"]], look)
        ax.plot(c["units"], np.exp(np.array(r["log_recursion"]).mean(1)), color=look["color"], lw=0.9)
        units = np.geomspace(1, c["units"][-1], 60)
        growth = float(np.mean(r["factor"])) ** (2 * c["inside"])
        law = laws.residual_chi(units, float(np.mean(r["branch"])), growth)
        ax.plot(units, law, color=look["color"], lw=0.9, ls="--")
    stored = {unit: chi for unit, chi in published.RESIDUAL_CHI.items() if unit <= pairs[0][0]["units"][-1]}
    ax.plot(list(stored), list(stored.values()), "x", color=LAW, label="stored by the author")
    ax.set(xlabel="residual units", ylabel="sensitivity χ", xscale="log", yscale="log")
    plain_numbers(ax, "x", (1, 3))
    plain_numbers(ax, "y")
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Sensitivity over residual units on logarithmic axes: points on nearly straight lines, those of the recursion, "
        "and near the dashed law with constants.",
        f"In normalised residual nets χ grows like a power of depth, at the end {m['slope'].mean:.2f}; the power τ "
        f"of their layers is {m['tau'].mean:.2f}. The recursion (lines) is within {m['recursion_off'].mean:.1%}, and "
        f"the law with constants (dashed) ends at {1 / m['constants_last'].mean:.2f} of what was measured.",
    )


def training(record: Record) -> Shown:
    """Errors over learning rates at both depths, and the least error over the sensitivity before training."""
    figures, axes = panels(3, height=3.7)
    pairs = there(record)
    depths = sorted({c["depth"] for c, _ in pairs})
    looks = {kind: look for look, kind in told_apart(KINDS)}
    for ax, depth in zip(axes, depths, strict=False):
        for c, r in (pair for pair in pairs if pair[0]["depth"] == depth):
            mean, bars = means_and_bars(Estimate.of(row) for row in r["second"])
            ax.errorbar(
                c["rates"], mean, bars, lw=0.8, capsize=2, mfc="none", label=KINDS[c["kind"]], **looks[c["kind"]]
            )
        ax.set(xlabel="learning rate", ylabel="wrong test images", xscale="log", ylim=(0, 1), title=f"{depth} layers")
    last = axes[2]
    for c, r in (pair for pair in pairs if pair[0]["depth"] == depths[0]):
        chi, wrong = geometric(r["log_chi"]), error(TrainedResult(r["first"], r["second"], r["log_chi"]))
        bars = means_and_bars([wrong])[1]
        last.errorbar([chi.mean], [wrong.mean], bars, mfc="none", capsize=2, label=KINDS[c["kind"]], **looks[c["kind"]])
    last.set(
        xlabel="χ before training", ylabel="wrong, best rate", xscale="log", ylim=(0, None), title=f"{depths[0]} layers"
    )
    plain_numbers(last, "x")
    for ax in axes:
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            f"Share of wrong test images over the learning rate, six kinds of nets of {depths[0]} layers.",
            f"The same of three kinds of nets of {depths[-1]} layers, of which only residual ones learn.",
            f"Least error over the sensitivity before training, six kinds of nets of {depths[0]} layers.",
        ],
        f"With {depths[-1]} layers normalised residual nets have {m['deep_error_residual'].mean:.0%} wrong images with "
        f"the best rate, normalised feed-forward ones at {m['deep_error_normalised'].mean:.0%} and plain ones at "
        f"{m['deep_error_plain'].mean:.0%}. With {depths[0]} layers the rank correlation of χ and error is "
        f"{m['rank_correlation'].mean:.2f}.",
    )


FIGURES = {"labatie-channel": channel, "labatie-residual": residual, "labatie-training": training}
