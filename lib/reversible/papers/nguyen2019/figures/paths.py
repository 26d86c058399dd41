"""Figures of the paths between random nets: barriers of straight lines beside what is left on the paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, panels, show, told_apart
from reversible.show.html import Shown

FLOOR = 1e-32  # what is less is drawn here
Rows = list[tuple[dict[str, Any], dict[str, Any]]]


def _cumulated(ax: Axes, values: list[float], label: str, look: dict[str, Any]) -> None:
    """The share of pairs up to each value."""
    sorted_values = np.maximum(np.sort(values), FLOOR)
    share = np.arange(1, len(sorted_values) + 1) / len(sorted_values)
    ax.step(sorted_values, share, where="post", color=look["color"], label=label)


def _of(pairs: Rows, kind: str, field: str) -> list[float]:
    return [value for cell, row in pairs if cell["kind"] == kind for value in row[field]]


def _panel(ax: Axes, pairs: Rows) -> None:
    """Straight lines and paths, between random nets and between nets of loss zero."""
    series = [
        ("line", "zero", "straight lines, loss zero"), ("line", "random", "straight lines, random"),
        ("excess", "random", "paths, random"), ("excess", "zero", "paths, loss zero"),
    ]  # fmt: skip
    for look, (field, kind, words) in told_apart(series):
        _cumulated(ax, _of(pairs, kind, field), words, look)
    ax.axvline(1e-9, color=LAW, lw=0.8, ls=":")
    ax.set(xscale="log", xlabel="largest loss above the higher end", ylabel="share of pairs", ylim=(0, 1.03))
    ax.set_xticks([1e-30, 1e-20, 1e-10, 1])


def pyramid(record: Record) -> Shown:
    """Theorem 3.2: how many pairs have a barrier up to a given height."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.3)
    _panel(ax, pairs)
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Share of pairs over the largest loss above the higher end: curves of the paths rise at rounding, those of the "
        "straight lines many orders of magnitude later.",
        f"On no path does the loss exceed that of the higher end by more than "
        f"{max(m['excess_random'].mean, m['excess_zero'].mean):.0e} of the loss of giving zero (dotted: the rule), "
        f"while {m['line_high'].mean:.0%} of the straight lines between nets of loss zero exceed a tenth.",
    )


def wide(record: Record) -> Shown:
    """Theorem 5.1 with 2N units, and the exchange with N + 1."""
    figures, axes = panels(2, height=3.4)
    titles = {False: "2N units", True: "N + 1 units"}
    for ax, (few, title) in zip(axes, titles.items(), strict=True):
        _panel(ax, [(cell, row) for cell, row in record.pairs() if cell["few"] == few])
        ax.set_title(title)
        legend(ax, ncols=1)
    m = record.measures
    worst = {
        name: max(m[f"excess_{kind}_{name}_{sigma}"].mean for kind in ("random", "zero") for sigma in ("leaky", "relu"))
        for name in ("twice", "more")
    }
    return show(
        figures,
        [
            "Share of pairs over the largest loss above the higher end with 2N units: the paths stay at rounding.",
            "The same with N + 1 units: the paths stay at rounding as well.",
        ],
        f"With few inputs and wide nets the paths are as flat: the loss exceeds that of the higher end by at most "
        f"{worst['twice']:.0e} of the loss of giving zero with 2N units, and by {worst['more']:.0e} with N + 1 "
        f"(dotted: the rule).",
    )


FIGURES = {"nguyen-pyramid": pyramid, "nguyen-wide": wide}
