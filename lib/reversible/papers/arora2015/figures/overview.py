"""The front page's figure: the story in three panels, one for random weights, trained weights and SHADOW each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from reversible.base.checks import InputError
from reversible.papers.arora2015.experiments.shadow_curves_measures import ONCE
from reversible.papers.arora2015.figures.own_codes import diagonal, trained_kinds
from reversible.papers.arora2015.figures.shadow_curves import draw_gains, regimes_of
from reversible.papers.arora2015.labels.curves import short_words
from reversible.records.record import Record
from reversible.show.drawing import (
    COLOURS,
    LAW,
    bars_of,
    frame,
    panels,
    show,
    span,
    style,
    told_apart,
)
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
    drawn = {"theorem-2-3": _law, "trained-layers": _trained, "shadow-curves": _gains}
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


LAWS = {"law": "all that is known", "theorem": "sizes and code alone"}  # what each is told


def _trained(ax: Axes, record: Record) -> Words:
    """What trained layers lose of their codes against two laws of it, a point a kind of layer."""
    kinds = trained_kinds(record)
    ends = np.array([kinds[["measured", *LAWS]].min().min() * 0.8, kinds[["measured", *LAWS]].max().max() * 1.2])
    for look, (law, told) in told_apart(LAWS.items()):
        ax.plot(kinds[law], kinds.measured, ls="", ms=4, label=f"told {told}", **look)
    ax.legend(frameon=False, loc="upper left", handletextpad=0.1, borderpad=0)
    diagonal(ax, ends, "a law")
    m = record.measures
    ax.set_title(f"Trained weights: {m['layers'].mean:.0f} layers")
    return (
        "The measured error of trained layers against those of two laws, both logarithmic: the points of one law lie "
        "on the diagonal, those of the other far to its right.",
        f"Trained weights: the law that is told sizes and the code alone gives {m['theorem_over_measured'].mean:.1f} "
        f"times the measured error; told spikes, scales and whose code it is, too, "
        f"{m['law_over_measured'].mean:.2f} times.",
    )


def _gains(ax: Axes, record: Record) -> Words:
    """Backprop's lowest test error less SHADOW's and less that of noise of the same size, by regime."""
    regimes = [regime for regime in ONCE if regime in regimes_of(record)]
    draw_gains(ax, record, regimes)
    _rows(ax, [short_words(regime) for regime in regimes])
    ax.set(title="SHADOW beside backprop")
    shown = [record.measures[f"gain_shadow_{regime}"].scaled(100).mean for regime in regimes]
    return (
        "A row for each regime, with what SHADOW and noise of the same size gain on backprop, about a line at zero.",
        f"SHADOW: its lowest test error is from {_points(min(shown))} to {_points(max(shown))} plain backprop's.",
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
