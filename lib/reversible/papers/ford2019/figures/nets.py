"""Figures of trained nets, of defences and of corruptions, each from its record."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.papers.ford2019.corruptions import CORRUPTIONS
from reversible.papers.ford2019.defences import MASKED
from reversible.papers.ford2019.experiments.trained import of
from reversible.papers.ford2019.labels import CORRUPTIONS as WORDS
from reversible.papers.ford2019.labels import HELP, TRAININGS
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown


def nets(record: Record) -> Shown:
    """Distances of the nearest error found over what noise foretells, image by image."""
    pairs = [(c, r) for c, r in record.pairs() if "absent" not in r]
    figures, axes = panels(2, height=3.6)
    for ax, field in zip(axes, ("clean", "noisy"), strict=True):
        every = []
        for look, training in told_apart([t for t in TRAININGS if any(c["training"] == t for c, _ in pairs)]):
            same = [r for c, r in pairs if c["training"] == training]
            x = np.concatenate([of(r["flat"]).ravel() for r in same])
            y = np.concatenate([of(r[field]).ravel() for r in same])
            ax.plot(x, y, ls="", mfc="none", ms=3, mew=0.8, label=TRAININGS[training], **look)
            every += [x[np.isfinite(x) & np.isfinite(y) & (y > 0)], y[np.isfinite(x) & np.isfinite(y) & (y > 0)]]
        ends = np.array([0.9 * np.concatenate(every).min(), 1.1 * np.concatenate(every).max()])
        ax.plot(ends, ends, color=LAW, label="flat law")
        ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="distance that noise foretells")
        for which in "xy":
            plain_numbers(ax, which, (1, 2, 5))
        legend(ax, ncols=1)
    axes[0].set_ylabel("nearest error found, clean image")
    axes[1].set_ylabel("the same, median of noisy images")
    m = record.measures
    return show(
        figures,
        [
            "Distance from each clean image to the nearest error found, over what noise foretells, on logarithmic "
            "axes: the points of all trainings lie along the diagonal.",
            "The median of that over noisy copies of each image, over the same: a little below the diagonal.",
        ],
        f"Image by image, the nearest error found is about as far as errors in noise foretell: the medians of kinds of "
        f"nets are {m['clean_lowest'].mean:.2f} to {m['clean_highest'].mean:.2f} times that for clean images, and for "
        f"noisy ones around plain nets {m['noisy_lowest'].mean:.2f} to {m['noisy_highest'].mean:.2f}.",
    )


GROUPS = {"plain or dropout": ("plain", "dropout"), "noise": ("noise_",), "attacks": ("attack_",), "masked": MASKED}


def rank(record: Record) -> Shown:
    """The nearest error found over what noise foretells, a point a defence."""
    row = next(r for _, r in record.pairs() if "absent" not in r)
    m = record.measures
    figures, (ax,) = panels(1, height=3.5)
    ends: list[float] = []
    for look, (group, begins) in told_apart(GROUPS.items()):
        names = [name for name in row["names"] if name.startswith(begins)]
        x, across = means_and_bars(m[f"forecast_{name}"] for name in names)
        y, bars = means_and_bars(m[f"distance_{name}"] for name in names)
        ax.errorbar(x, y, bars, across, ls="", lw=0.8, capsize=1.5, mfc="none", label=group, **look)
        ends += [*x, *y]
    line = np.array([0.0, 1.15 * max(ends)])
    ax.plot(line, line, color=LAW, label="flat law")
    ax.set(xlabel="distance that noise foretells", ylabel="nearest error found", xlim=line, ylim=line)
    legend(ax, ncols=3)
    return show(
        figures,
        "The median distance of the nearest error found over the median of what noise foretells, a point for each way "
        "of training and each mask, with intervals over nets.",
        f"Over all defences the rank correlation is {m['spearman'].mean:.2f}, over those that mask nothing "
        f"{m['spearman_open'].mean:.2f}. With the distances of a descent that sees only the gradients it is shown it "
        f"is {m['spearman_blind'].mean:.2f}.",
    )


def transfer(record: Record) -> Shown:
    """What training in noise and against attacks gains on each corruption."""
    m: Any = record.measures
    figures, (ax,) = panels(1, height=4.2)
    places = np.arange(len(CORRUPTIONS))
    for (look, (training, words)), aside in zip(told_apart(HELP.items()), (-0.15, 0.15), strict=True):
        mean, bars = means_and_bars(m[f"loss_{name}_{training}"] for name in CORRUPTIONS)
        ax.errorbar(-100 * mean, places + aside, xerr=100 * bars[::-1], ls="", lw=1, capsize=2, mfc="none",
                    label=words, **look)  # fmt: skip
    ax.axvline(0, color=LAW, lw=0.8)
    ax.set(xlabel="gain over plain nets, points", yticks=places, ylim=(len(places) - 0.5, -0.5))
    ax.set_yticklabels([WORDS[name] for name in CORRUPTIONS])
    legend(ax, ncols=1)
    return show(
        figures,
        "For each of ten corruptions, the accuracy of nets that were trained in noise or against attacks less that of "
        "plain nets, with intervals.",
        f"Mean gains over the ten corruptions are {100 * m['gain_noise'].mean:.1f} points after training in noise and "
        f"{100 * m['gain_attacked'].mean:.1f} after training against attacks; fog costs "
        f"{100 * m['loss_fog_noise'].mean:.1f} and {100 * m['loss_fog_attacked'].mean:.1f} points.",
    )


FIGURES = {"ford-nets": nets, "ford-rank": rank, "ford-transfer": transfer}
