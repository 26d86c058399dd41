"""Figures of the chapter on spectra: laws of singular values, planted signals, the rule that gives verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator

from reversible.papers.arora2015.experiments.instrument import eigenvalues, noise
from reversible.papers.arora2015.labels.nets import NOISES
from reversible.records.record import Record
from reversible.show.drawing import (
    COLOURS,
    LAW,
    SMALLEST,
    bars_of,
    by_size,
    frame,
    legend,
    means_and_bars,
    measured,
    panels,
    plain_numbers,
    plain_ticks,
    show,
    span,
    told_apart,
)
from reversible.show.html import Shown
from reversible.spectra.bulk import farthest
from reversible.spectra.verdicts import HEAVY_TAILED, RANDOM_LIKE, SPIKES, STRUCTURED, TAIL, UNEQUAL
from reversible.theory.singular_values import singular_values

SHAPES = ((600, 600), (1200, 600), (4800, 600))  # of the histograms
FAMILIES = {
    "gaussian": "Gaussian entries", "uniform": "uniform entries", "sign": "entries ±1", "laplace": "Laplace entries",
    "unequal rows": "unequal rows", "unequal columns": "unequal columns", "unequal both": "both unequal",
    "large rows": "some rows large", "power-law columns": "power-law columns", "signal": "noise and a signal",
    "mean": "entries of mean not 0", "signal, unequal": "a signal, both unequal", "student 2": "Student t, 2 degrees",
    "pareto 1.5": "Pareto, exponent 1.5", "orthogonal": "orthogonal columns", "smooth": "smooth rows, in pairs",
    "autoregressive": "smooth rows", "exponential variances": "exponential variances",
    "chi-square variances": "chi-square variances", "one in each row": "a one in each row", "low rank": "a low rank",
}  # fmt: skip
VERDICTS = {
    RANDOM_LIKE: "bulk\nran-\ndom-\nlike", UNEQUAL: "un-\nequal\nscales", SPIKES: "spikes",
    HEAVY_TAILED: "heavy-\ntailed", STRUCTURED: "struc-\ntured", TAIL: "tail,\nlaw un-\ndecided",
}  # fmt: skip
BEYOND = {"gaussian": "Gaussian", "signal": "with a signal", "levelled": "levelled", "laplace": "Laplace"}
SHORT = {
    "gaussian": "Gaussian", "laplace": "Laplace", "student_5": "Student t, 5", "student_4": "Student t, 4",
    "student_3": "Student t, 3", "sparse": "nine in ten zero", "correlated": "correlated rows", "rows": "unequal rows",
    "columns": "unequal columns", "both": "both unequal",
}  # fmt: skip


def spectral_laws(record: Record) -> Shown:
    """Singular values of three shapes of random matrices with their law, and the distance from it by size."""
    figures, (left, right) = panels(2, 3.1)
    rng = np.random.default_rng(0)
    for look, (n, p) in told_apart(SHAPES):
        values = np.sqrt(eigenvalues(noise("sign", (n, p), rng)) / n)
        left.hist(values, bins=40, density=True, color=look["color"], alpha=0.35, label=f"{n:,} × {p}")
        low, high = singular_values(p / n).support()
        s = np.linspace(low, high, 200)
        left.plot(s, singular_values.pdf(s, p / n), color=look["color"], lw=1.5)
    left.set(xlabel="singular value / (σ √n)", ylabel="density", title="entries ±1, and the law")
    legend(left, ncols=3, columnspacing=1, handlelength=1)
    rows = frame(record)
    for place, (look, (kind, part)) in enumerate(told_apart(rows.groupby("kind"))):
        shapes = [f"{n:,} × {p}" for n, p in zip(part.n, part.p, strict=True)]
        right.errorbar(
            np.arange(len(part)) + 0.12 * place, part.ks, bars_of(part, "ks"), ls="", lw=1, label=FAMILIES[kind], **look
        )
        right.set_xticks(np.arange(len(part)) + 0.12, shapes)
    right.set(ylabel="mean distance from the law", ylim=(0, None), xlabel="shape of the matrix")
    legend(right)
    return show(
        figures,
        [
            "Histograms of the singular values of matrices of three shapes, each under its own curve: a quarter circle "
            "for the square one, ever narrower arches about 1 for the taller ones.",
            "The distance of the singular values from the law by shape of the matrix, for several families of entries: "
            "points close to zero, those of the matrix with the fewest columns highest.",
        ],
        f"The singular values of a random matrix fill the law of Marchenko and Pastur (curves), whatever the law of "
        f"its entries: the mean largest distance of the two distributions is {span(rows.ks)}.",
    )


def planted_spikes(record: Record) -> Shown:
    """Error of sigma by share of planted spikes, of the fit and of the median alone; spikes found less planted."""
    rows = frame(record)
    figures, (left, right) = panels(2)
    left.axhspan(-2, 2, color="0.92", zorder=0)
    for nudge, (look, (column, label)) in zip(
        (-0.001, 0.001),
        told_apart({"sigma_error": "this fit", "median_error": "the median alone"}.items()),
        strict=True,
    ):
        jitter = nudge + np.linspace(-0.003, 0.003, len(rows))
        percent = rows.assign(share=rows.share + jitter, **{
            f"error{end}": 100 * rows[f"{column}{end}"] for end in ("", "_low", "_high")
        })  # fmt: skip
        measured(left, percent, "share", "error", {**look, "ms": 3}, label)
    left.set(xlabel="spikes, as a share of all singular values", ylabel="error of the noise level σ, %")
    left.set_title("grey: within 2 %")
    legend(left)
    right.axhspan(-1, 1, color="0.92", zorder=0)
    jitter = np.linspace(-0.003, 0.003, len(rows))
    look = {"color": COLOURS[0], "marker": "o", "ms": 3}
    measured(right, rows.assign(share=rows.share + jitter), "share", "count_error", look)
    right.set(
        xlabel="spikes, as a share of all singular values", ylabel="spikes found − planted", title="grey: within one"
    )
    return show(
        figures,
        [
            "The error of the noise level against the share of planted spikes: that of the fit stays in a grey band "
            "about zero, that of the median alone grows with the share.",
            "The mean number of spikes found, less those planted, against the share of planted spikes: points in a "
            "grey band from minus one to one.",
        ],
        f"In {len(rows)} settings the fit finds the noise level within {rows.sigma_error.abs().max():.1%} on average, "
        f"whatever is planted; the median alone is off by up to {rows.median_error.abs().max():.1%}. The number of "
        f"spikes is off by {rows.count_error.abs().max():.1f} at most.",
    )


def bulk_distance(record: Record) -> Shown:
    """The 99 % point of the distance by size, with its law; the share of random matrices that are farther."""
    rows = frame(record)
    figures, (left, right) = panels(2)
    gaussian = rows[rows.what == "gaussian"].assign(ratio=lambda found: (found.p / found.n).round(2))
    for look, (ratio, part) in by_size(gaussian.groupby("ratio")):
        measured(left, part, "p", "point", {**look, "ms": 4}, f"p/n = {ratio:g}")
    sizes = np.geomspace(gaussian.p.min(), gaussian.p.max(), 50)
    left.plot(sizes, [p * farthest(p) for p in sizes], color=LAW)
    left.set(xscale="log", xlabel="singular values p", ylabel="p × 99 % point of the distance")
    plain_ticks(left, gaussian.p, 4)
    left.yaxis.set_major_locator(MaxNLocator(5))
    legend(left, ncols=3, columnspacing=1, handlelength=1)
    shares = [record.measures[f"beyond_{what}"].scaled(100) for what in BEYOND]
    means, bars = means_and_bars(shares)
    right.axvline(1, color=LAW, ls=":")
    right.errorbar(means, np.arange(len(shares)), xerr=bars, ls="", lw=1, marker="o", color=COLOURS[0])
    right.set(yticks=range(len(shares)), yticklabels=BEYOND.values(), xlim=(0, None), xlabel="farther than that, %")
    right.invert_yaxis()
    return show(
        figures,
        [
            "The 99 % point of the distance, times the number of singular values, against that number, by the ratio of "
            "the sides: points on one line that rises with the logarithm.",
            "The share of random matrices beyond that line, with a dotted line at one per cent: Gaussian matrices on "
            "it, those with Laplace entries above it.",
        ],
        f"The distance that 1 in 100 random matrices passes is (a + b ln p)/p whatever their shape (line): for p = 300 "
        f"that is {farthest(300):.3f}. Of fresh Gaussian matrices {record.measures['beyond_gaussian'].mean:.2%} pass "
        f"it, and {record.measures['beyond_laplace'].mean:.1%} of those with the heavier tails of Laplace's law.",
    )


def other_noise(record: Record) -> Shown:
    """Spikes and noise level that the fit finds in noise of each kind, and the spikes once it is levelled."""
    figures, (left, right) = panels(2, 3.6)
    places = np.arange(len(NOISES))
    series = {"as it is": ("spikes", "full", -0.15), "levelled": ("levelled_spikes", "none", 0.15)}
    for look, (label, (name, fill, nudge)) in told_apart(series.items()):
        means, bars = means_and_bars(record.measures[f"{name}_{kind}"] for kind in NOISES)
        left.errorbar(means, places + nudge, xerr=bars, ls="", lw=1, fillstyle=fill, label=label, **look)
    left.set(xscale="symlog", xlim=(-0.3, None), xlabel="mean number of spikes")
    plain_numbers(left, "x", (1,))
    left.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    legend(left)
    means, bars = means_and_bars(record.measures[f"sigma_{kind}"] for kind in NOISES)
    right.axvline(1, color=LAW, ls=":")
    right.errorbar(means, places, xerr=bars, ls="", lw=1, marker="o", color=COLOURS[0])
    right.set(xlabel="noise level / that of the entries")
    for ax in (left, right):
        ax.set(yticks=places, yticklabels=[SHORT[kind] for kind in NOISES], ylim=(len(NOISES) - 0.5, -0.5))
        ax.grid(axis="y", color="0.92")
    m = {kind: record.measures[f"spikes_{kind}"].mean for kind in NOISES}
    return show(
        figures,
        [
            "A row for each kind of noise, with the mean number of spikes as it is and levelled: none for light tails, "
            "some for heavy ones and zeros, many for correlated rows and unequal scales; levelled only those of "
            "correlated rows stay.",
            "A row for each kind of noise, with the noise level that is found: on one for light tails, below it for "
            "others.",
        ],
        f"None of these matrices carries a signal, and yet the fit counts {m['student_3']:.1f} spikes where entries "
        f"have Student's t distribution with 3 degrees of freedom, {m['rows']:.0f} where rows are unequal and "
        f"{m['correlated']:.0f} where they are correlated. Levelling takes away those of unequal scales and of heavy "
        f"tails, and leaves those of correlations.",
    )


def verdict_rule(record: Record) -> Shown:
    """How often each family gets each verdict."""
    counts: dict[str, dict[str, float]] = {}
    for cell, row in record.pairs():
        own = counts.setdefault(cell["kind"], dict.fromkeys(VERDICTS, 0.0))
        for verdict, count in row["verdicts"].items():
            own[verdict] += count
    grid: Any = pd.DataFrame(counts).T
    grid = grid.div(grid.sum(axis=1), axis=0)
    right = float(np.mean([grid.loc[cell["kind"], cell["expected"]] for cell, _ in record.pairs()]))
    figure, (ax,) = panels(1, 5.8)
    grid.index = [FAMILIES[kind] for kind in grid.index]
    grid.columns = list(VERDICTS.values())
    look = {"annot_kws": {"fontsize": SMALLEST}, "fmt": ".2f", "cmap": "Blues", "vmin": 0, "vmax": 1, "cbar": False}
    sns.heatmap(grid, annot=True, ax=ax, **look)
    ax.set_xlabel("verdict")
    ax.tick_params(axis="x", rotation=0, labelsize=SMALLEST)
    return show(
        figure,
        f"A table of {len(grid)} families of random matrices by {len(grid.columns)} verdicts, with the share of each: "
        f"in every row one cell is dark, and the dark cells go down in steps from left to right.",
        f"Each row is a family of random matrices whose verdict is known, and the shares are those that the rule gives "
        f"it: {right:.1%} of all matrices are called what they are.",
    )


FIGURES = {
    "spectral-laws": spectral_laws,
    "planted-spikes": planted_spikes,
    "bulk-distance": bulk_distance,
    "other-noise": other_noise,
    "verdict-rule": verdict_rule,
}
