"""Figures of the chapter on spectra: laws of singular values, planted signals, the rule that gives verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns

from reversible.papers.arora2015.experiments.instrument import eigenvalues, noise
from reversible.papers.arora2015.experiments.known_kinds import KINDS
from reversible.records.record import Record
from reversible.show.drawing import SMALLEST, bars_of, frame, legend, measured, panels, show, span, told_apart
from reversible.show.html import Shown
from reversible.theory.singular_values import singular_values

SHAPES = ((600, 600), (1200, 600), (4800, 600))  # of the histograms
FAMILIES = {
    "gaussian": "Gaussian entries", "uniform": "uniform entries", "sign": "entries ±1", "laplace": "Laplace entries",
    "signal": "noise and a signal", "mean": "entries of mean not 0", "student 2": "Student t, 2 degrees",
    "pareto 1.5": "Pareto, exponent 1.5", "power-law columns": "power-law columns", "orthogonal": "orthogonal columns",
    "smooth": "smooth rows",
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
    counts = rows.worst_count.value_counts().sort_index()
    bars = right.bar(counts.index, counts.to_numpy(), color="0.6")
    right.bar_label(bars, fontsize=SMALLEST)
    right.set(xlabel="spikes found − planted, worst draw", ylabel="settings", xticks=range(-2, 3))
    return show(
        figures,
        [
            "The error of the noise level against the share of planted spikes: that of the fit stays in a grey band "
            "about zero, that of the median alone grows with the share.",
            "A bar chart of the worst count of each setting: most bars stand at zero or one.",
        ],
        f"In {len(rows)} settings the fit finds the noise level within {rows.worst_sigma_error.max():.1%} in every "
        f"draw, whatever is planted; the median alone is off by up to {rows.median_error.abs().max():.1%} on average. "
        f"The number of spikes is right within {int(rows.worst_count.abs().max())}.",
    )


def verdict_rule(record: Record) -> Shown:
    """How often each family gets each verdict."""
    counts: dict[str, dict[str, float]] = {}
    for cell, row in record.pairs():
        own = counts.setdefault(cell["kind"], dict.fromkeys(KINDS, 0.0))
        for verdict, count in row["verdicts"].items():
            own[verdict] += count
    grid: Any = pd.DataFrame(counts).T
    grid = grid.div(grid.sum(axis=1), axis=0)
    right = float(np.mean([grid.loc[cell["kind"], cell["expected"]] for cell, _ in record.pairs()]))
    figure, (ax,) = panels(1, 3.6)
    grid.index = [FAMILIES[kind] for kind in grid.index]
    grid.columns = [verdict.replace(" ", "\n").replace("-", "-\n") for verdict in grid.columns]
    look = {"annot_kws": {"fontsize": SMALLEST}, "fmt": ".2f", "cmap": "Blues", "vmin": 0, "vmax": 1, "cbar": False}
    sns.heatmap(grid, annot=True, ax=ax, **look)
    ax.set_xlabel("verdict")
    ax.tick_params(axis="x", rotation=0)
    return show(
        figure,
        f"A table of {len(grid)} families of random matrices by {len(KINDS)} verdicts, with the share of each: in "
        f"every row one cell is dark, and the dark cells go down in steps from left to right.",
        f"Each row is a family of random matrices whose verdict is known, and the shares are those that the rule gives "
        f"it: {right:.1%} of all matrices are called what they are.",
    )


FIGURES = {"spectral-laws": spectral_laws, "planted-spikes": planted_spikes, "verdict-rule": verdict_rule}
