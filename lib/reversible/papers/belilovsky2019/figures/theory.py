"""Figures of risks and errors from layer to layer, from their records."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.belilovsky2019.experiments.risk import KINDS, place_of
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

BEGUN = {"identity": "begun as the identity", "random": "begun at random", "one": "one layer, as long"}


def risk(record: Record) -> Shown:
    """The training risk after each layer, a panel a rate; beside it one layer that is trained as long."""
    pairs = list(record.pairs())
    figures, axes = panels(len(pairs), height=3.2)
    for ax, (cell, row) in zip(axes, pairs, strict=True):
        layers = np.arange(1, cell["layers"] + 1)
        for look, kind in told_apart(KINDS):
            mean, bars = means_and_bars(Estimate.of(nets) for nets in row["risk"][kind])
            low = np.minimum(bars[0], 0.9 * mean)  # an interval may reach below zero, which this axis has not
            ax.errorbar(layers, mean, [low, bars[1]], ls=":", lw=1, capsize=2, mfc="none", label=BEGUN[kind], **look)
        ax.set(xlabel="layers", ylabel="training risk", yscale="log", title=f"rate {cell['lr']:g}", xticks=layers[::2])
        plain_numbers(ax, "y", (1, 2, 5))
        legend(ax, ncols=1)
    m, middle = record.measures, place_of(pairs[len(pairs) // 2][0]["lr"])
    return show(
        figures,
        [f"Training risk over the number of layers at the rate {c['lr']:g}, trained in three ways." for c, _ in pairs],
        f"Layers that begin as the identity lower the training risk in all but {m['rises_identity'].mean:.0f} of "
        f"{m['pairs_of_layers'].mean:.0f} steps. At the middle rate they end at "
        f"{m[f'last_identity_{middle}'].mean:.4f}, layers that begin at random at "
        f"{m[f'last_random_{middle}'].mean:.4f}, and one layer that has all their steps at "
        f"{m[f'last_one_{middle}'].mean:.4f}.",
    )  # fmt: skip


NETS = {"trained": "layers as trained", "unit": "layers of norm one"}
MOVED = {"random": "random moves", "aligned": "aligned moves"}


def errors(record: Record) -> Shown:
    """The error of the features over the size of the moves, and over the number of layers."""
    pairs = list(record.pairs())
    figures, (in_eps, in_depth) = panels(2, height=3.5)
    for look, (cell, row) in told_apart(pairs):
        found = np.array(row["error"])  # (S, eps, J)
        label = f"{NETS[cell['net']]}, {MOVED[cell['moves']]}"
        _points(in_eps, cell["eps"], found[:, :, -1], look, label)
        _points(in_depth, np.arange(1, cell["layers"] + 1), found[:, 0] / cell["eps"][0], look, label)
    eps, layers = pairs[0][0]["eps"], pairs[0][0]["layers"]
    _law(in_eps, np.array(eps), 1, "power one")
    _law(in_depth, np.arange(1, layers + 1), 2, "power two")
    in_eps.set(xlabel="size of the moves", ylabel="error of the last features", xscale="log", yscale="log")
    in_depth.set(xlabel="layers", ylabel="error over the size of the moves", xscale="log", yscale="log")
    plain_numbers(in_depth, "x", (1, 2, 5))
    for ax in (in_eps, in_depth):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Error of the last features over the size of the moves of all layers: straight lines of slope one.",
            "Error of the features over the number of layers, beside a line of slope two, for layers as they were "
            "trained and for layers of norm one.",
        ],
        f"Errors are proportional to how far the layers are moved. With depth they grow to the power "
        f"{m['in_depth_trained_random'].mean:.2f} in layers as trained, whose norm is "
        f"{m['norm_trained_random'].mean:.2f}, and change with the power {m['in_depth_unit_random'].mean:.2f} in "
        f"layers of norm one; the theorem allows a power of two (grey).",
    )


def _points(ax: Any, x: Any, nets: np.ndarray, look: dict[str, Any], label: str) -> None:
    mean, bars = means_and_bars(Estimate.of(column) for column in nets.T)
    ax.errorbar(x, mean, [np.minimum(bars[0], 0.9 * mean), bars[1]], ls="", lw=1, capsize=2, mfc="none", label=label,
                **look)  # fmt: skip


def _law(ax: Any, x: np.ndarray, power: float, label: str) -> None:
    """A straight line on two logarithmic axes, through the middle of what is drawn."""
    heights = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() not in ("None", "_", "|")])
    middle = np.exp(np.log(heights[heights > 0]).mean())
    law = (x / np.exp(np.log(x).mean())) ** power
    ax.plot(x, middle * law, color=LAW, label=label)


FIGURES = {"greedy-risk": risk, "greedy-errors": errors}
