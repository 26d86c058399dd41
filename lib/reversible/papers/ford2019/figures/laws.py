"""Figures of sets in closed form, of linear models and of the two searches, each from its record."""

from __future__ import annotations

import math

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.ford2019.experiments.sets import FACES, PARTS, law_of
from reversible.papers.ford2019.experiments.slack import ratios
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown
from reversible.theory import errors_in_noise as laws

SHORT = {"plane": "one plane", "slab": "two planes", "planes": "nine planes", "ball": "outside of a ball",
         "corner": "a corner"}  # fmt: skip


def sets(record: Record) -> Shown:
    """The share of noisy points with an error within a distance, for each set at one error in a hundred."""
    pairs = [(c, r) for c, r in record.pairs() if c["kind"] == "corner" or math.isclose(c["mu"], 0.01)]
    figures, (ax,) = panels(1, height=3.6)
    t = np.linspace(0, 1.5, 200)
    for look, (cell, row) in told_apart(pairs):
        c = laws.deviates(cell["mu"])
        mean, bars = means_and_bars(Estimate.of(column) for column in np.array(row["within"]).T)
        ax.errorbar(PARTS, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=SHORT[cell["kind"]], **look)
        if cell["kind"] not in ("corner", "plane"):
            ax.plot(t, law_of(cell["kind"], cell["mu"], cell["n"]).within(t * c), color=look["color"], lw=0.8)
    ax.plot(t, laws.near(t * laws.deviates(0.01), 0.01, 1.0), color=LAW, lw=1.6, label="the bound")
    ax.set(xlabel="distance over that of the flat law", ylabel="share of noisy points", xlim=(0, 1.5), ylim=(0, 1.02))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "The share of noisy points with an error within a distance, over the distance: all sets lie on or above the "
        "curve of the bound, and one plane lies on it.",
        f"The share of noisy points with an error so near is never below the bound (thick line; thin lines are closed "
        f"forms): with one plane the median distance is {m['noisy_plane'].mean:.3f} of the flat law's, with "
        f"{FACES} perpendicular ones {m['noisy_planes'].mean:.3f}.",
    )


def linear(record: Record) -> Shown:
    """The median distance of noisy images over what noise foretells, image by image."""
    pairs = [(c, r) for c, r in record.pairs() if "absent" not in r]
    figures, axes = panels(2, height=3.3)
    for ax, field, name in zip(axes, ("median", "clean"), ("noisy images", "the clean image"), strict=True):
        ends = []
        for look, (cell, row) in told_apart(pairs):
            x, y = np.array(row["flat"], float).ravel(), np.array(row[field], float).ravel()
            words = f"{cell['kind']} classes"
            ax.plot(x, y, ls="", mfc="none", ms=3.5, label=words, **look)
            ends += [np.nanmin(x), np.nanmax(x)]
        ax.plot([0, max(ends) * 1.05], [0, max(ends) * 1.05], color=LAW, label="flat law")
        ax.set(xlabel="distance that noise foretells", ylabel=f"exact distance of {name}", xlim=(0, None))
        ax.set_ylim(0, None)
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Exact median distances of noisy images over what noise foretells of each image: two classes on the "
            "diagonal, ten classes a little below it.",
            "Exact distances of clean images over the same: two classes on the diagonal, ten classes around it.",
        ],
        f"In linear models of two classes noise foretells the distance of every image; with ten classes the median of "
        f"noisy images is {m['noisy_ten'].mean:.2f} of the bound, and the clean image's distance "
        f"{m['clean_ten'].mean:.2f} of it.",
    )


def slack(record: Record) -> Shown:
    """How many of the points have an error found within a factor of the exact distance, in nets of two inputs."""
    row = next(r for c, r in record.pairs() if c["kind"] == "nets")
    figures, (ax,) = panels(1, height=3.3)
    names = {"search": "the search", "descent": "the descent", "both": "both together"}
    factors = np.linspace(1, 1.5, 251)
    for (look, name), style in zip(told_apart(names), ("--", ":", "-"), strict=True):
        every = np.concatenate(ratios(row[name], row["exact"]))
        shares = [(every <= factor + 1e-3).mean() for factor in factors]
        ax.plot(factors, shares, style, color=look["color"], label=names[name])
    ax.set(xlabel="distance found over the exact one", ylabel="share of points", ylim=(0, 1), xlim=(1, 1.5))
    legend(ax, ncols=3)
    m = record.measures
    return show(
        figures,
        "The share of points with an error found within a factor of the exact distance: both searches together find "
        "more than each by itself.",
        f"In nets of two inputs, whose nearest errors are known exactly, both searches together find no error of "
        f"{m['missed_both_nets'].mean:.0%} of the points; of the errors that they find {m['close_both_nets'].mean:.0%} "
        f"are the nearest within 1 %.",
    )


FIGURES = {"ford-sets": sets, "ford-linear": linear, "ford-slack": slack}
