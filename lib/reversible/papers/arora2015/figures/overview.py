"""The front page's figure: the story in three panels, one for random weights, trained weights and SHADOW each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from reversible.base.checks import InputError
from reversible.papers.arora2015.figures.nets import plain
from reversible.papers.arora2015.labels.training import place_words
from reversible.papers.arora2015.tables import NETS, places_compared
from reversible.records.record import Record
from reversible.show.drawing import bars_of, frame, legend, show, span, style
from reversible.show.html import Shown


def overview(records: Mapping[str, Record]) -> Shown:
    """The panels whose records are there, beside each other where there is room, below each other where not."""
    images = []
    for draw, record in _panels(records):
        style()
        figure, ax = plt.subplots(figsize=(4, 3.3), layout="constrained")
        words = draw(ax, record)
        images.append(show(figure, words).content)
    return Shown(f"<div class='rv-panels'>{''.join(images)}</div>" if images else "")


def banner(records: Mapping[str, Record]) -> str:
    """The same panels as one picture, SVG, for the README; InputError where no record is there for any."""
    style()
    found = _panels(records)
    if not found:
        raise InputError("no panel of the README's figure has its record")
    figure, axes = plt.subplots(1, len(found), figsize=(12, 3.3), layout="constrained", squeeze=False)
    for ax, (draw, record) in zip(axes[0], found, strict=True):
        draw(ax, record)
    text = io.StringIO()
    figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()


def _panels(records: Mapping[str, Record]) -> list[tuple[Callable[[Axes, Record], str], Record]]:
    drawn = {"theorem-2-3": _law, "net-reversal": _reversal, "shadow": _gains}
    return [(draw, record) for name, draw in drawn.items() if (record := records.get(name))]


def _law(ax: Axes, record: Record) -> str:
    """Each cell's error against the law's for its size."""
    cells = frame(record)
    ax.plot(cells.predicted_relative_error, cells.relative_error, "o", ms=4, color="C0", alpha=0.8)
    ends = [cells.predicted_relative_error.min(), cells.predicted_relative_error.max()]
    ax.plot(ends, ends, color="0.4", lw=1)
    ax.set(xscale="log", yscale="log", xlabel="error, by the exact law", ylabel="error, measured")
    ax.set_title(f"Random weights: {len(cells)} settings", fontsize=10)
    ratio = cells.relative_error / cells.predicted_relative_error
    return f"Random weights: measured errors are {span(ratio)} times those of the exact law."


def _reversal(ax: Axes, record: Record) -> str:
    """Cosine of a hidden code with what comes back of it, by layer, with the net's own weights and with controls."""
    cells = plain(frame(record))
    places = list(dict.fromkeys(zip(cells.net, cells.data, cells.layer, strict=True)))
    for colour, how in zip(("C0", "C1", "C2"), ("transpose", "permuted", "gaussian"), strict=True):
        own = cells[cells.generation == how].set_index(["net", "data", "layer"]).loc[places]
        ax.errorbar(own.cosine, range(len(places)), xerr=bars_of(own, "cosine"), fmt="o", ms=4, color=colour, label=how)
    ax.set_yticks(
        range(len(places)), [f"{NETS.get(net, f'{data} net')}, h{layer}" for net, data, layer in places], fontsize=8
    )
    ax.set(xlabel="cosine of a code and what comes back")
    ax.set_title(f"Trained weights: {len(places)} layers", fontsize=10)
    legend(ax)
    own = cells[cells.generation == "transpose"].cosine
    return f"Trained weights: a code comes back with cosine {span(own)} by the net's own transposed weights."


def _gains(ax: Axes, record: Record) -> str:
    """Test error of backprop less SHADOW's, along the way and at the end, by data set."""
    places = places_compared(record)
    shown = []
    for nudge, kind, label in ((-0.12, "area_gain", "along the way"), (0.12, "final_gain", "at the end")):
        found = [record.measures[f"{kind}_{place}"].scaled(100) for place in places]
        mean = np.array([e.mean for e in found])
        bars = np.abs(np.array([e.ci95 for e in found]).T - mean)
        ax.errorbar(mean, np.arange(len(places)) + nudge, xerr=bars, fmt="o", ms=4, capsize=2, lw=1, label=label)
        shown += list(mean)
    ax.axvline(0, color="0.6", lw=1)
    ax.set_yticks(range(len(places)), map(place_words, places), fontsize=8)
    ax.set(xlabel="test error below backprop's, points")
    ax.set_title("SHADOW training", fontsize=10)
    legend(ax)
    return f"SHADOW: its test error lies {span(shown)} points below backprop's."
