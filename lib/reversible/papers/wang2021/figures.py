"""Figures of the chapter on residual nets, each from its record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.wang2021.experiments.curves import BEYOND, TYPICAL
from reversible.papers.wang2021.experiments.preimages import share
from reversible.papers.wang2021.experiments.sparse import FEW, MANY, SOME
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, frame, ink, legend, panels, show, told_apart
from reversible.show.html import Shown

FAMILIES = {
    "gaussian": "Gaussian matrices",
    "gram": "Gram matrices",
    "unit": "residual units, 16 inputs",
}
CONDITIONS = {"banach": (":", "norm below 1"), "monotone": ("--", "monotone"), "p": ("-", "one-to-one")}
METHODS = {"plain": "plain iteration", "damped": "damped", "newton": "pattern Newton"}
EDGES = {  # of large Gaussian matrices: what ends there, what of the record's rows says where, the law
    "norm\nbelow 1": ("norm", "1/2", 1 / 2),
    "monotone": ("downward", "1/√2", 1 / math.sqrt(2)),
}
ARRIVES, ARRIVES_LAW = "plain\niteration\narrives", math.sqrt(2)
Bars = tuple[float, list[list[float]]]  # a mean, and what an interval has below and above it


def curves(record: Record) -> Shown:
    """Over the size of the weights: how often each condition holds, as lines, and each method arrives, as points."""
    figures, axes = panels(len(FAMILIES), height=3.4)
    rows = frame(record)
    rows = rows[rows.h > 1]
    for ax, (family, title) in zip(axes, FAMILIES.items(), strict=True):
        _one_family(ax, rows[rows.family == family].sort_values("s"))
        ax.set(xlabel="size s of the weights", ylabel="share of cases", title=title, ylim=(-0.03, 1.03))
        legend(ax)
    m = record.measures
    return show(
        figures,
        [_seen_of_family(rows[rows.family == family], title) for family, title in FAMILIES.items()],
        f"A method can arrive where nothing is one-to-one, and fail where all is. At s = 1 the plain iteration "
        f"(circles) arrives in {m['plain_share_gaussian'].mean:.0%} of the Gaussian cases, though only "
        f"{m['p_share_gaussian'].mean:.0%} of these transforms are one-to-one (solid line), and in "
        f"{m['plain_share_gram'].mean:.0%} of the Gram cases, though all of them are.",
    )


def _one_family(ax: Axes, rows: Any) -> None:
    for name, (dashes, words) in CONDITIONS.items():
        ax.plot(rows.s, rows[name] / rows.trials, dashes, color=LAW, lw=1.6, label=words)
    for look, (name, words) in told_apart(METHODS.items()):
        found = [share(int(k), int(n)) for k, n in zip(rows[name], rows.trials, strict=True)]
        mean, low, high = np.array([(e.mean, *e.ci95) for e in found]).T
        ax.errorbar(rows.s, mean, np.abs([mean - low, high - mean]), ls="", lw=1, mfc="none", label=words, **look)


def _seen_of_family(rows: Any, title: str) -> str:
    last = rows[rows.s == rows.s.max()].iloc[0]
    ends = ", ".join(f"{words} {last[name] / last.trials:.0%}" for name, words in METHODS.items())
    return (
        f"Shares of {title} over the size of the weights: lines for three conditions, each above the one before, and "
        f"points for three methods. At the largest size the methods end at: {ends}; one-to-one are "
        f"{last.p / last.trials:.0%}."
    )


def large(record: Record) -> Shown:
    """Large Gaussian matrices: the size at which each condition ends, matrix by matrix, beside its law."""
    figures, (ax,) = panels(1, height=2.9)
    rng = np.random.default_rng(0)
    for place, (look, (field, words, law)) in enumerate(told_apart(EDGES.values())):
        found = 1 / np.array([value for row in record.rows for value in row[field]])
        ax.plot(found, place + rng.uniform(-0.22, 0.22, len(found)), look["marker"], ms=3, alpha=0.5, mec="none",
                color=look["color"])  # fmt: skip
        _law(ax, place, law, f"law: {words}")
    _arrivals(ax, record)
    _law(ax, len(EDGES), ARRIVES_LAW, "law: √2")
    ax.set(xlabel="size s of the weights", xlim=(0.4, 1.75), ylim=(-0.5, len(EDGES) + 0.75))
    ax.set_yticks(range(len(EDGES) + 1), [*EDGES, ARRIVES])
    m, cell = record.measures, record.parameters["cells"][0]
    return show(
        figures,
        f"Three rows over the size of the weights. In two of them {len(record.rows) * cell['trials']} points, one a "
        f"matrix, lie closely about an upright line, the law; in the third the plain iteration arrives in all cases "
        f"below its line and in none beyond it.",
        f"In Gaussian matrices of {cell['h']} units the norm passes 1 at s = {m['banach_edge'].mean:.3f}, and monotone "
        f"they are up to {m['monotone_edge'].mean:.3f}, as the laws say. The plain iteration still arrives in "
        f"{m['plain_below'].mean:.0%} of the cases at s = {TYPICAL}, where {m['not_one_to_one'].mean:.0%} of the "
        f"transforms are proved not to be one-to-one.",
    )


def _law(ax: Axes, place: int, law: float, words: str) -> None:
    ax.plot([law, law], [place - 0.33, place + 0.33], color=LAW, lw=1.5)
    ax.text(law + 0.02, place + 0.36, words, va="center", color=LAW)


def _arrivals(ax: Axes, record: Record) -> None:
    """The shares in which the plain iteration arrives, at the two sizes that were run."""
    for s, name in ((TYPICAL, "plain_below"), (BEYOND, "plain_above")):
        arrived = record.measures[name].mean
        ax.plot(s, len(EDGES), "^", ms=7, color=COLOURS[2], mfc=COLOURS[2] if arrived > 0.5 else "none")
        ax.text(s, len(EDGES) - 0.3, f"{arrived:.0%}", ha="center", va="center", color=ink(COLOURS[2]))


def digit_nets(record: Record) -> Shown:
    """Digits that come back, by net and by method; the nets' test errors; and who comes back by how many are active."""
    figures, (by_method, errors, by_active) = panels(3, height=3.2)
    groups = _nets(record)
    _back(by_method, groups)
    for place, (look, nets) in enumerate(told_apart(groups.values())):
        _a_point_a_net(errors, place, [100 * net["test_error"] for net in nets], look)
        shares = ([net[field] for net in nets] for field in ("active", "back_by_any"))
        by_active.plot(*shares, ls="", mfc="none", label=list(groups)[place].replace("\n", " "), **look)
    errors.set(ylabel="test error, %", title="test error")
    errors.set_ylim(bottom=0)
    for ax in (by_method, errors):
        ax.set_xticks(range(len(groups)), list(groups))
        ax.set_xlim(-0.5, len(groups) - 0.5)
    by_active.set(xlabel="share of hidden units that are active", ylabel="share that comes back", title="by any method")
    by_active.set_xlim(0, 0.4)
    for ax in (by_method, by_active):
        ax.set_ylim(-0.04, 1.04)
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Share of digits that come back, for three kinds of nets and three methods: Newton and damping at one for "
            "the special nets, all low for the ordinary ones, and about one half for those that are trained faster.",
            "Test errors of the same nets, a point a net: special and ordinary ones level, those trained faster a "
            "little higher.",
            "Share of digits that come back against the share of active units: ordinary nets fall from upper values "
            "where few units are active to low ones where more are; special nets stand apart from them, all at one.",
        ],
        f"Pattern Newton brings back {m['back_by_newton_special'].mean:.0%} of the digits from the special nets, the "
        f"plain iteration {m['back_by_plain_special'].mean:.0%}. Of ordinary nets {m['back_by_any_ordinary'].mean:.0%} "
        f"come back by some method, and {m['back_by_any_faster'].mean:.0%} where training was three times as fast and "
        f"{m['active_faster'].mean:.0%} of the hidden units are active instead of {m['active_ordinary'].mean:.0%}.",
    )


def _nets(record: Record) -> dict[str, list[dict[str, Any]]]:
    """The results of the nets of each kind, one a seed."""
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    slow = min(cell["lr"] for cell, _ in pairs)
    return {
        "special": [row["special"] for cell, row in pairs if cell["lr"] == slow],
        "ordinary": [row["ordinary"] for cell, row in pairs if cell["lr"] == slow],
        "ordinary,\nfaster": [row["ordinary"] for cell, row in pairs if cell["lr"] > slow],
    }


def _back(ax: Axes, groups: dict[str, list[dict[str, Any]]]) -> None:
    """Means over seeds with their intervals, a group a kind of net, a marker a method."""
    for nudge, (look, (name, words)) in zip((-0.2, 0, 0.2), told_apart(METHODS.items()), strict=True):
        bars = [_bars([net["back"][name] for net in nets]) for nets in groups.values()]
        ax.errorbar(np.arange(len(bars)) + nudge, *_together(bars), ls="", lw=1, capsize=2, label=words, **look)
    ax.set(ylabel="share that comes back", title="digits, by method")


def _a_point_a_net(ax: Axes, place: int, values: list[float], look: dict[str, Any]) -> None:
    x = place + np.linspace(-0.15, 0.15, len(values))
    ax.plot(x, values, ls="", mfc="none", alpha=0.7, **look)
    ax.errorbar(place + 0.3, *_together([_bars(values)]), ls="", lw=1, capsize=2, **look)


def sparse(record: Record) -> Shown:
    """Solutions of random transforms that are found again, by the share of active units, a marker a method."""
    figures, (ax,) = panels(1, height=3.1)
    m = record.measures
    at = {"few": 100 * FEW, "some": 100 * SOME, "many": 100 * MANY}
    for nudge, (look, (name, words)) in zip((-0.25, 0, 0.25), told_apart(METHODS.items()), strict=True):
        found = [m[f"{name}_{place}"] for place in at]
        bars = [(e.mean, [[e.mean - e.ci95[0]], [e.ci95[1] - e.mean]]) for e in found]
        ax.errorbar(np.array([*at.values()]) + nudge, *_together(bars), ls="", lw=1, capsize=2, label=words, **look)
    for place, x in at.items():
        ax.text(x, 1.1, f"radius {m[f'radius_{place}'].mean:.2f}", ha="center", va="center", color=LAW)
    ax.set(xlabel="units that are active, %", ylabel="share found again", xlim=(1, 23), ylim=(-0.04, 1.2))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_xticks([*at.values()])
    legend(ax, ncols=3)
    return show(
        figures,
        "Shares of solutions that are found again by three methods, at three shares of active units: they fall from "
        "near one for damping, a little less for the plain iteration and a third for Newton to nearly none.",
        f"Random transforms with norms near {m['norm'].mean:.1f}, all proved not to be one-to-one, give "
        f"{m['any_few'].mean:.0%} of the solutions back where {FEW:.0%} of the units are active, and "
        f"{m['any_many'].mean:.0%} where {MANY:.0%} are. The spectral radius of the active block passes 1 between.",
    )


def _bars(values: list[float]) -> Bars:
    found = Estimate.of(values)
    low, high = found.ci95
    return found.mean, [[found.mean - low], [high - found.mean]]


def _together(bars: list[Bars]) -> tuple[list[float], np.ndarray]:
    return [mean for mean, _ in bars], np.abs(np.concatenate([lengths for _, lengths in bars], 1))


FIGURES = {"wang-curves": curves, "wang-large": large, "wang-digit-nets": digit_nets, "wang-sparse": sparse}
