"""The front page's figure: the story in three panels, one for random weights, trained weights and SHADOW each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from reversible.base.checks import InputError
from reversible.papers.arora2015.figures.nets import net_words, plain
from reversible.papers.arora2015.labels.training import place_words
from reversible.papers.arora2015.tables import places_compared
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, bars_of, frame, means_and_bars, panels, show, span, style, told_apart
from reversible.show.html import Shown

Words = tuple[str, str]  # what a panel looks like, and what to see in it


def overview(records: Mapping[str, Record]) -> Shown:
    """The panels whose records are there, beside each other where there is room, below each other where not."""
    found = _panels(records)
    figures, axes = panels(max(len(found), 2), 3.2)
    shown = []
    for (draw, record), figure, ax in zip(found, figures, axes, strict=False):
        shown.append(show(figure, *draw(ax, record)))
    plt.close("all")
    drawn = [figure for each in shown for figure in each.value]
    return Shown(f"<div class='rv-panels'>{''.join(each.content for each in shown)}</div>" if shown else "", drawn)


def banner(records: Mapping[str, Record]) -> str:
    """The same panels as one picture, SVG, for the README; InputError where no record is there for any."""
    style()
    found = _panels(records)
    if not found:
        raise InputError("no panel of the README's figure has its record")
    figure, axes = plt.subplots(1, len(found), figsize=(3.4 * len(found), 3.2), layout="constrained", squeeze=False)
    for ax, (draw, record) in zip(axes[0], found, strict=True):
        draw(ax, record)
    text = io.StringIO()
    figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()


def _panels(records: Mapping[str, Record]) -> list[tuple[Callable[[Axes, Record], Words], Record]]:
    drawn = {"theorem-2-3": _law, "net-reversal": _reversal, "shadow": _gains}
    return [(draw, record) for name, draw in drawn.items() if (record := records.get(name))]


def _law(ax: Axes, record: Record) -> Words:
    """Each cell's error against the law's for its size."""
    cells = frame(record)
    law, bars = cells.predicted_relative_error, bars_of(cells, "relative_error")
    ends = [law.min(), law.max()]
    ax.plot(ends, ends, color=LAW)
    ax.errorbar(law, cells.relative_error, bars, fmt="o", lw=1, color=COLOURS[0])
    ax.set(xscale="log", yscale="log", xlabel="error, by the exact law", ylabel="error, measured")
    ax.set_title(f"Random weights: {len(cells)} settings")
    ratio = cells.relative_error / law
    return (
        "The measured error against that of the law, both logarithmic: points on the diagonal.",
        f"Random weights: measured errors are {span(ratio)} times those of the exact law (line).",
    )


def _reversal(ax: Axes, record: Record) -> Words:
    """Cosine of a hidden code with what comes back of it, by layer: the net itself, shuffled down, and a random net."""
    cells = frame(record)
    everywhere = cells[(cells.rho == 1) & (cells.biases == "trained") & cells.everywhere.astype(bool)]
    trained = plain(cells)
    kinds = {
        "itself": trained[trained.generation == "transpose"],
        "random net": everywhere[(everywhere.generation == "gaussian") & everywhere.cosine.notna()],
        "shuffled": trained[trained.generation == "permuted"],
    }
    own = kinds["itself"].set_index(["net", "data", "layer"])
    for nudge, (look, (name, part)) in zip((0.0, 0.28, 0.0), told_apart(kinds.items()), strict=True):
        there = part.set_index(["net", "data", "layer"])
        rows = np.array([own.index.get_loc(place) for place in there.index]) + nudge
        ax.errorbar(there.cosine, rows, xerr=bars_of(there, "cosine"), ls="", lw=1, label=name, **look)
    words = [f"{net_words(net, data).removesuffix(', trained here')}, h{layer}" for net, data, layer in own.index]
    _rows(ax, [line.replace("-300-100, pruned", ", pruned") for line in words])
    ax.set(xlabel="cosine with the code", title=f"Trained weights: {len(own)} layers", xlim=(0, 1.02))
    beside, shuffled = (span(kinds[kind].cosine) for kind in ("random net", "shuffled"))
    return (
        "A row for each hidden layer of each net, with three points: the net itself and a random net in its place "
        "close together at the right, its weights shuffled on the way down far to the left of them.",
        f"Trained weights: a code comes back with a cosine of {span(own.cosine)}. With the weights shuffled on the way "
        f"down it is {shuffled}, but a random net gives its own codes back with {beside}.",
    )


def _gains(ax: Axes, record: Record) -> Words:
    """Test error of backprop less SHADOW's, along the way and at the end, by data set."""
    places = places_compared(record)
    shown = []
    for nudge, (look, (kind, label)) in zip(
        (-0.13, 0.13), told_apart([("area_gain", "along the way"), ("final_gain", "at the end")]), strict=True
    ):
        mean, bars = means_and_bars(record.measures[f"{kind}_{place}"].scaled(100) for place in places)
        ax.errorbar(mean, np.arange(len(places)) + nudge, xerr=bars, ls="", capsize=2, lw=1, label=label, **look)
        shown += list(mean)
    ax.plot([0, 0], [-0.6, len(places) - 0.5], color=LAW)
    _rows(ax, [place_words(place) for place in places])
    ax.set(xlabel="points  ← worse | better →", title="SHADOW beside backprop")
    return (
        "A row for each data set, with the difference of test errors along training and at the end: most points lie "
        "to the left of a line at zero.",
        f"SHADOW: its test error is from {_points(min(shown))} to {_points(max(shown))} plain backprop's.",
    )


def _rows(ax: Axes, words: list[str]) -> None:
    """A row for each of `words`, from top to bottom, and above them room for the legend."""
    ax.set_yticks(range(len(words)), words)
    names = ax.get_legend_handles_labels()[1]
    ax.set_ylim(len(words) - 0.5, -0.8 * -(-len(names) // 2) * max(len(words), 4) / 8 - 0.8)
    look = {"frameon": False, "handletextpad": 0.1, "borderpad": 0, "columnspacing": 0.6, "handlelength": 1.2}
    ax.legend(loc="upper right", ncols=2, **look)


def _points(gain: float) -> str:
    return f"{abs(gain):.2g} points {'above' if gain < 0 else 'below'}"
