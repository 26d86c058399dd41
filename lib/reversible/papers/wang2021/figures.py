"""Figures of the chapter on residual nets, each from its record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.papers.wang2021.experiments.curves import BEYOND, TYPICAL
from reversible.papers.wang2021.experiments.preimages import share
from reversible.records.record import Record
from reversible.show.drawing import frame, legend, panels, show
from reversible.show.html import Shown

TITLES = {
    "gaussian": "Gaussian matrices",
    "gram": "Gram matrices",
    "unit": "residual units, 16 inputs",
}
CONDITIONS = {"banach": ("‖A‖ < 1", "C0"), "monotone": ("monotone", "C1"), "p": ("all minors > 0: one-to-one", "C2")}
METHODS = {"plain": ("plain iteration", "o", "C3"), "damped": ("damped", "s", "C4"), "newton": ("Newton", "^", "0.2")}
LEVELS = {"‖A‖ < 1": ("norm", 1 / 2), "monotone": ("downward", 1 / math.sqrt(2))}


def curves(record: Record) -> Shown:
    """Over the size of the weights: how often each condition holds, as lines, and each method arrives, as points."""
    figure, axes = panels(3, height=3.6)
    rows = frame(record)
    rows = rows[rows.h > 1]
    for ax, (family, title) in zip(axes, TITLES.items(), strict=True):
        part = rows[rows.family == family].sort_values("s")
        for name, (label, colour) in CONDITIONS.items():
            ax.plot(part.s, part[name] / part.trials, color=colour, lw=2, label=label)
        for name, (label, marker, colour) in METHODS.items():
            shares = [share(int(k), int(n)) for k, n in zip(part[name], part.trials, strict=True)]
            mean = np.array([e.mean for e in shares])
            bars = np.abs(np.array([e.ci95 for e in shares]).T - mean)
            ax.errorbar(part.s, mean, bars, fmt=marker, ms=5, lw=1, mfc="none", color=colour, label=label)
        ax.set(xlabel="size s of the weights", title=title, ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of cases")
    legend(axes[1], loc="center right", fontsize=9)
    return show(figure, _told_curves(record))


def _told_curves(record: Record) -> str:
    m = record.measures
    return (
        f"Shares of cases by size. At s = 1 the plain iteration arrives in {m['plain_share_gaussian'].mean:.0%} of the "
        f"Gaussian cases, although only {m['p_share_gaussian'].mean:.0%} of these transforms are one-to-one; and in "
        f"{m['plain_share_gram'].mean:.0%} of the Gram cases, although all of them are. Points above the line of the "
        "exact condition are cases that an iteration solves by luck, points below it cases that it fails to solve."
    )


def large(record: Record) -> Shown:
    """Large Gaussian matrices: the size at which each condition ends, matrix by matrix, beside its law."""
    figure, (ax,) = panels(1, height=2.8)
    rng = np.random.default_rng(0)
    for place, (name, (field, law)) in enumerate(LEVELS.items()):
        edges = 1 / np.array([value for row in record.rows for value in row[field]])
        ax.plot(edges, place + rng.uniform(-0.25, 0.25, len(edges)), ".", ms=5, alpha=0.6, color=f"C{place}")
        _law(ax, place, law)
        ax.annotate(f"{name} ends", (law + 0.07, place), va="center", fontsize=9)
    _arrivals(ax, record)
    _law(ax, 2, math.sqrt(2))
    ax.set(xlabel="size s of the weights", xlim=(0.4, 1.75), ylim=(-0.5, 2.6), yticks=[])
    return show(figure, _told_large(record))


def _law(ax: Axes, place: int, law: float) -> None:
    ax.plot([law, law], [place - 0.35, place + 0.35], color="0.2", lw=1.5)


def _arrivals(ax: Axes, record: Record) -> None:
    """The shares in which the plain iteration arrives, at the two sizes that were run."""
    for s, name in ((TYPICAL, "plain_below"), (BEYOND, "plain_above")):
        arrived = record.measures[name].mean
        ax.plot(s, 2, "o", ms=9, color="C2", mfc="C2" if arrived > 0.5 else "none")
        ax.annotate(f"{arrived:.0%}", (s, 2.22), ha="center", fontsize=9)
    ax.annotate("share in which the\nplain iteration arrives", (1.02, 2), ha="right", va="center", fontsize=9)


def _told_large(record: Record) -> str:
    m, cell = record.measures, record.parameters["cells"][0]
    return (
        f"{len(record.rows) * cell['trials']} Gaussian matrices of {cell['h']} units; upright lines are the laws 1/2, "
        f"1/√2 and √2. Banach's condition ends at s = {m['banach_edge'].mean:.3f} and the monotone one at "
        f"{m['monotone_edge'].mean:.3f}, on their laws. The plain iteration still arrives in "
        f"{m['plain_below'].mean:.0%} of the cases at s = {TYPICAL}, where {m['not_one_to_one'].mean:.0%} of the "
        "transforms are proved not to be one-to-one."
    )


def digit_nets(record: Record) -> Shown:
    """Digits that come back, by net and by method, a point a seed; and the nets' test errors."""
    figure, (left, right) = panels(2)
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    slow = min(cell["lr"] for cell, _ in pairs)
    groups: dict[str, list[Any]] = {
        "special": [row["special"] for cell, row in pairs if cell["lr"] == slow],
        "ordinary": [row["ordinary"] for cell, row in pairs if cell["lr"] == slow],
        "ordinary,\nthree times\nthe rate": [row["ordinary"] for cell, row in pairs if cell["lr"] > slow],
    }
    for place, nets in enumerate(groups.values()):
        for nudge, (name, (label, marker, colour)) in zip((-0.2, 0, 0.2), METHODS.items(), strict=True):
            x = np.full(len(nets), place + nudge) + np.linspace(-0.05, 0.05, len(nets))
            left.plot(x, [net["back"][name] for net in nets], marker, ms=5, mfc="none", color=colour,
                      label=None if place else label)  # fmt: skip
        x = place + np.linspace(-0.1, 0.1, len(nets))
        right.plot(x, [100 * net["test_error"] for net in nets], "o", ms=4, color="C0", alpha=0.7)
    for ax in (left, right):
        ax.set_xticks(range(len(groups)), list(groups), fontsize=9)
    left.set(ylabel="share of digits that come back", ylim=(-0.04, 1.04))
    right.set(ylabel="test error, %")
    legend(left, loc="center", bbox_to_anchor=(0.28, 0.5), fontsize=9)
    return show(figure, _told_nets(record))


def _told_nets(record: Record) -> str:
    m = record.measures
    return (
        f"A point a seed. Pattern Newton brings back {m['back_by_newton_special'].mean:.0%} of the digits from the "
        f"special net, the plain iteration {m['back_by_plain_special'].mean:.0%}. Of an ordinary net's digits "
        f"{m['back_by_any_ordinary'].mean:.0%} come back by one method or another, and "
        f"{m['back_by_any_faster'].mean:.0%} where it was trained at three times the rate. Test errors are "
        f"{m['test_error_special'].mean:.1%} and {m['test_error_ordinary'].mean:.1%}."
    )


FIGURES = {"wang-curves": curves, "wang-large": large, "wang-digit-nets": digit_nets}
