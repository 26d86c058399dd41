"""Figures of risks and errors from layer to layer, from their records."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.papers.belilovsky2019.experiments.risk import KINDS, place_of
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

HIGHEST = 100.0  # risk that is drawn: nets that diverge are off the panel
BEGUN = {"identity": "begun as the identity", "random": "begun at random", "one": "one layer, as long"}


def risk(record: Record) -> Shown:
    """The training risk after each layer, a panel a rate; beside it one layer that is trained as long."""
    pairs = list(record.pairs())
    figures, axes = panels(len(pairs), height=3.2)
    for ax, (cell, row) in zip(axes, pairs, strict=True):
        layers = np.arange(1, cell["layers"] + 1)
        for look, kind in told_apart(KINDS):
            nets = np.array(row["risk"][kind])  # (J, S)
            middle = np.median(nets, 1)
            bars = [middle - nets.min(1), nets.max(1) - middle]
            ax.errorbar(layers, middle, bars, ls=":", lw=1, capsize=2, mfc="none", label=BEGUN[kind], **look)
        ax.set(xlabel="layers", ylabel="training risk", yscale="log", title=f"rate {cell['lr']:g}", xticks=layers[::2])
        ax.set_ylim(top=min(ax.get_ylim()[1], HIGHEST))
        legend(ax, ncols=1)
    m, place = record.measures, place_of(pairs[len(pairs) // 2][0]["lr"])
    return show(
        figures,
        [f"Training risk over the number of layers at the rate {c['lr']:g}, trained in three ways." for c, _ in pairs],
        f"The median training risk of nets, with the range of all of them. From layer to layer it rises in "
        f"{m['rises_identity'].mean:.0f} of {m['pairs_of_layers'].mean:.0f} cases where layers begin as the identity, "
        f"and in {m['rises_random'].mean:.0f} where they begin at random. At the middle rate the means at the end are "
        f"{m[f'last_identity_{place}'].mean:.2g} and {m[f'last_random_{place}'].mean:.2g}, and "
        f"{m[f'last_one_{place}'].mean:.2g} for one layer trained as long.",
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
    in_depth.set(xlabel="layers", ylabel="error over size of moves", xscale="log", yscale="log")
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
        f"Errors of nets (medians and ranges) are proportional to how far the layers are moved. With depth they grow "
        f"to the power "
        f"{m['in_depth_trained_random'].mean:.2f} in layers as trained, whose norm is "
        f"{m['norm_trained_random'].mean:.2f}, and change with the power {m['in_depth_unit_random'].mean:.2f} in "
        f"layers of norm one; the theorem allows a power of two (grey).",
    )


def _points(ax: Any, x: Any, nets: np.ndarray, look: dict[str, Any], label: str) -> None:
    middle = np.median(nets, 0)
    bars = [middle - nets.min(0), nets.max(0) - middle]
    ax.errorbar(x, middle, bars, ls="", lw=1, capsize=2, mfc="none", label=label, **look)


def _law(ax: Any, x: np.ndarray, power: float, label: str) -> None:
    """A straight line on two logarithmic axes, through the middle of what is drawn."""
    heights = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() not in ("None", "_", "|")])
    middle = np.exp(np.log(heights[heights > 0]).mean())
    law = (x / np.exp(np.log(x).mean())) ** power
    ax.plot(x, middle * law, color=LAW, label=label)


FIGURES = {"greedy-risk": risk, "greedy-errors": errors}
