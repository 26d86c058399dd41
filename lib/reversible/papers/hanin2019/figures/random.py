"""Figures of random nets and of the folding net, each from its record: points with intervals, laws as lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.hanin2019.experiments.fold import KINDS, share_left
from reversible.papers.hanin2019.experiments.fold import FoldResult as Folded
from reversible.records.record import Record
from reversible.show.drawing import LAW, by_size, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown
from reversible.theory import regions as laws

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]


def neurons(cell: dict[str, Any]) -> int:
    """Of a net."""
    return cell["depth"] * cell["width"]


def by_depth(pairs: Pairs) -> list[tuple[int, Pairs]]:
    """Cells and rows of each depth, by the number of neurons."""
    depths = sorted({cell["depth"] for cell, _ in pairs})
    return [(d, sorted((pair for pair in pairs if pair[0]["depth"] == d), key=lambda p: neurons(p[0]))) for d in depths]


def words(depth: int) -> str:
    """Of a series."""
    return f"{depth} hidden layer{'s' * (depth > 1)}"


def _series(ax: Axes, pairs: Pairs, of: Any) -> None:
    for look, (depth, same) in by_size(by_depth(pairs)):
        mean, bars = means_and_bars(of(cell, row) for cell, row in same)
        x = [neurons(cell) for cell, _ in same]
        ax.errorbar(x, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=words(depth), **look)


def lines(record: Record) -> Shown:
    """Linear regions of lines over the number of neurons, and cuts a neuron."""
    pairs = list(record.pairs())
    figures, (counts, each) = panels(2, height=3.2)
    _series(counts, pairs, lambda _, row: Estimate.of(row["linear"]))
    _series(each, pairs, lambda cell, row: Estimate.of((np.array(row["activation"]) - 1) / neurons(cell)))
    ends = np.array([min(neurons(c) for c, _ in pairs), max(neurons(c) for c, _ in pairs)])
    counts.plot(ends, [laws.regions_of_line(int(end)) for end in ends], color=LAW, label="1 + N")
    each.axhline(1, color=LAW)
    counts.set(xlabel="neurons N", ylabel="linear regions of a line", xscale="log", yscale="log")
    each.set(xlabel="neurons N", ylabel="cuts of a line a neuron", xscale="log", ylim=(0.9, 1.1))
    for ax in (counts, each):
        plain_numbers(ax, "x", (1, 2, 5))
        legend(ax)
    plain_numbers(counts, "y", (1, 2, 5))
    m = record.measures
    return show(
        figures,
        [
            "Mean number of linear regions along a line over the number of neurons: nets of all depths lie together on "
            "one rising line.",
            "Mean number of cuts of a line a neuron makes, over the number of neurons: near one at every depth.",
        ],
        f"Along a line a random net has as many pieces as neurons, at any depth: the largest net has "
        f"{m['regions_largest'].mean:.0f}, and a neuron cuts a line once, within {m['per_neuron_off'].mean:.1%} where "
        f"it is farthest from that.",
    )


def distance(record: Record) -> Shown:
    """Neurons times the distance to the nearest switch, over the number of neurons."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.2)
    _series(ax, pairs, lambda cell, row: Estimate.of(neurons(cell) * np.array(row["distance"])))
    ax.axhline(math.sqrt(2 * math.pi) / 2, color=LAW, label="√(2π)/2")
    ax.set(xlabel="neurons N", ylabel="N times the distance", xscale="log", ylim=(0, 2.5))
    plain_numbers(ax, "x", (1, 2, 5))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Neurons times the mean distance to the nearest switch, over the number of neurons: level and on the law at "
        "every depth.",
        f"The distance from a point to the nearest switch falls with the number of neurons to the power "
        f"{m['exponent'].mean:.2f}; in the largest nets N times the distance is "
        f"{m['neurons_times_distance'].mean:.2f}, where the law has {math.sqrt(2 * math.pi) / 2:.2f}.",
    )


def plane(record: Record) -> Shown:
    """Regions of a plane over those that as many lines would make."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.2)
    _series(
        ax, pairs, lambda c, r: Estimate.of(np.array(r["activation"]) / laws.regions_of_plane(neurons(c)))
    )  # fmt: skip
    ax.axhline(1, color=LAW, label="1 + N + N(N − 1)/2")
    ax.set(xlabel="neurons N", ylabel="regions of a plane over the law", ylim=(0.9, 1.1))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Regions of a plane over the number that N straight lines make, over the number of neurons: on the law with "
        "one layer, and near it with more.",
        f"A plane has as many regions as N straight lines make: {m['one_layer_over_lines'].mean:.3f} of them with one "
        f"layer, where the cuts are straight, and {m['deep_over_lines'].mean:.3f} in the deepest nets.",
    )


def fold(record: Record) -> Shown:
    """What is left of the pieces of the folding net, and of a random one, over the size of the moves."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.2)
    names = {"tent": "net that folds", "random": "the same with random signs"}
    for look, kind in told_apart(KINDS):
        same = sorted(((c["c"], Folded(tuple(r["before"]), tuple(r["after"]))) for c, r in pairs
                       if c["kind"] == kind and c["c"] > 0), key=lambda pair: pair[0])  # fmt: skip
        mean, bars = means_and_bars(share_left(r) for _, r in same)
        ax.errorbar([c for c, _ in same], mean, bars, ls="", lw=1, capsize=2, mfc="none", label=names[kind], **look)
    ax.axhline(1, color=LAW, lw=0.8, ls=":")
    ax.set(xlabel="size of the moves c", ylabel="pieces after over before", xscale="log", ylim=(0, None))
    plain_numbers(ax, "x", (1, 3))
    legend(ax)
    m, times = record.measures, pairs[0][0]["times"]
    return show(
        figures,
        "Share of the pieces that is left over the size of the moves: falling to near nought for the net that folds, "
        "and not for random signs.",
        f"Of the {2**times:,} pieces of a net that folds a segment {times} times, random moves of its weights by a "
        f"hundredth leave {m['left_0_01'].mean:.0%}, and moves of three tenths {m['left_0_3'].mean:.1%}.",
    )


FIGURES = {"hanin-lines": lines, "hanin-distance": distance, "hanin-plane": plane, "hanin-fold": fold}
