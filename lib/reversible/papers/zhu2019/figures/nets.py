"""Figures of the net with one hidden layer, of the loss in a plane and of small nets on digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.zhu2019.labels import KINDS, NOISES
from reversible.papers.zhu2019.toy import ARMS
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

BARE: dict[str, Any] = {"ls": "", "lw": 1, "capsize": 2, "mfc": "none"}


def hidden(record: Record) -> Shown:
    """a and the ratio to isotropic noise over the epochs."""
    pairs = list(record.pairs())
    figures, (a, ratio) = panels(2, height=3.4)
    for look, (cell, row) in told_apart(pairs):
        for ax, field in ((a, "a"), (ratio, "ratio")):
            mean, bars = means_and_bars(Estimate.of(nets) for nets in row[field])
            ax.errorbar(cell["epochs"], mean, bars, label=KINDS[cell["kind"]], **BARE, **look)
        own = np.array(row["own"]).mean(1)
        ratio.plot(cell["epochs"], own, color=look["color"], lw=0.8)
    a.axhline(1, color=LAW, lw=0.8, ls=":")
    a.set(xlabel="epochs", ylabel="alignment a", ylim=(0, 2))
    ratio.set(xlabel="epochs", ylabel="Tr(HΣ) over isotropic", ylim=(0, None))
    for ax in (a, ratio):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Alignment of noise and curvature over the epochs: near one throughout for three kinds of nets.",
            "Tr(HΣ) over that of isotropic noise over the epochs, on the lines that the spectrum of H alone gives.",
        ],
        f"Noise is along the curvature all the time: a is {m['start_a_half'].mean:.2f} before training and "
        f"{m['a_half'].mean:.2f} after it. The ratio of {m['ratio_half'].mean:.0f} at the end is what H alone gives "
        f"(lines), {m['over_own_half'].mean:.2f} times D Tr H² / (Tr H)².",
    )


WORDS = {"const": "isotropic", "diag": "diagonal\nof Σ", "leading": "Σ", "hessian": "H", "first": "top of H"}


def toy(record: Record) -> Shown:
    """Shares of runs that end in the flat basin, by the shape of the noise."""
    m = record.measures
    figures, axes = panels(2, height=3.3)
    for ax, place in zip(axes, ("along", "across"), strict=True):
        for look, (sums, words) in told_apart({"own": "own gradients", "running": "running sums"}.items()):
            here = [(at, m[f"success_{arm}_{place}_{sums}"]) for at, arm in enumerate(ARMS)
                    if f"success_{arm}_{place}_{sums}" in m]  # fmt: skip
            mean, bars = means_and_bars(e for _, e in here)
            shift = 0.12 if sums == "running" else -0.12
            ax.errorbar([at + shift for at, _ in here], mean, bars, label=words, **BARE, **look)
        ax.set(ylabel="share of runs that escape", ylim=(0, None), xlim=(-0.5, len(ARMS) - 0.5))
        ax.set(title={"along": "flat minimum along the top", "across": "flat minimum across"}[place])
        ax.set_xticks(range(len(ARMS)), [WORDS[arm] for arm in ARMS], rotation=40)
        legend(ax)
    return show(
        figures,
        [
            "Share of runs that end in the flat basin for five shapes of noise, the flat minimum along the top "
            "eigenvector.",
            "The same with the flat minimum across the top eigenvector.",
        ],
        f"Isotropic noise leaves the sharp basin in {m['success_const_along_own'].mean:.1%} of the runs and noise like "
        f"Σ in {m['success_leading_along_own'].mean:.0%}. With the flat minimum turned across it is "
        f"{m['success_const_across_own'].mean:.1%} against {m['success_leading_across_own'].mean:.0%}.",
    )


def net(record: Record) -> Shown:
    """Test error and top curvature at the end over the learning rate."""
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    figures, (error, top) = panels(2, height=3.4)
    rates = pairs[0][0]["rates"]
    for at, (look, words) in enumerate(told_apart(NOISES.values())):
        for ax, field in ((error, "test_error"), (top, "top")):
            nets = np.concatenate([np.array(row[field][at]) for _, row in pairs], -1)  # (rates, nets)
            mean, bars = means_and_bars(Estimate.of(values) for values in nets)
            ax.errorbar(np.array(rates) * 1.06 ** (at - 1.5), mean, bars, label=words, **BARE, **look)
    error.set(xlabel="learning rate", ylabel="test error", xscale="log", ylim=(0, None))
    top.set(xlabel="learning rate", ylabel="top eigenvalue of H", xscale="log", yscale="log")
    plain_numbers(top, "y")
    for ax in (error, top):
        plain_numbers(ax, "x", (1, 3))
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Test error at the end over the learning rate, for training with batches, with no noise, and with noise of "
            "the same size in two other shapes.",
            "Top eigenvalue of the Hessian at the end over the learning rate, for the same nets.",
        ],
        f"Each at the rate that held-out images choose, the test error is {m['error_batch'].mean:.1%} with batches, "
        f"{m['error_gauss'].mean:.1%} with Gaussian noise of the same Σ, {m['error_round'].mean:.1%} with isotropic "
        f"noise of the same size and {m['error_none'].mean:.1%} without noise; the top eigenvalue of H is "
        f"{m['top_batch'].mean:.2g} with batches and {m['top_round'].mean:.2g} with isotropic noise.",
    )


FIGURES = {"zhu-hidden": hidden, "zhu-toy": toy, "zhu-net": net}
