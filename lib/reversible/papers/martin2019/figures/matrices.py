"""Figures of random matrices, each from its record: measured points with intervals, laws as lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import laws
from reversible.papers.martin2019.experiments.random import ENTRIES
from reversible.papers.martin2019.experiments.tails import VERSIONS
from reversible.papers.martin2019.published import CALIBRATION
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown

NAMES = {
    "normal": "normal",
    "truncated": "cut off at two deviations",
    "uniform": "uniform",
    "student": "Student t, 3 degrees of freedom",
}
VERSIONS_IN_WORDS = {"one_sided": "one-sided", "signs": "random signs", "centred": "mean taken off"}


def initial(record: Record) -> Shown:
    """Soft ranks of first weights by layer, beside the law of a finite matrix."""
    pairs = list(record.pairs())
    shapes = sorted({(cell["n"], cell["p"]) for cell, _ in pairs})
    figures, (ax,) = panels(1, height=3.3)
    for nudge, (look, entries) in zip((-0.24, -0.08, 0.08, 0.24), told_apart(ENTRIES), strict=True):
        found = [Estimate.of(_row(pairs, entries, shape)["soft_rank"]) for shape in shapes]
        mean, bars = means_and_bars(found)
        ax.errorbar(np.arange(len(shapes)) + nudge, mean, bars, ls="", lw=1, capsize=2, label=NAMES[entries], **look)
    for place, shape in enumerate(shapes):
        law = laws.soft_rank(*shape)
        ax.plot([place - 0.4, place + 0.4], [law, law], color=LAW, label="law" if place == 0 else None)
    ax.axhline(1, color=LAW, lw=0.8, ls=":", label="limit")
    ax.set_xticks(range(len(shapes)), [f"{n} x {p}" for n, p in shapes])
    ax.set(xlabel="rows and columns", ylabel="soft rank", xlim=(-0.6, len(shapes) - 0.4), ylim=(0, 1.2))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Soft ranks of first weights for each layer: three kinds of entries lie together at the law, a little above "
        "one, and Student t entries lie far below it.",
        f"First weights of light tails have a soft rank near one, {m['soft_rank_off'].mean:.3f} away at most. With "
        f"Student t entries, of which the fourth moment is infinite, {m['soft_rank_inside_student'].mean:.0%} of the "
        f"draws are within 0.03 of one, though nothing was learned there either.",
    )


def _row(pairs: list[Any], entries: str, shape: tuple[int, int]) -> dict[str, Any]:
    return next(row for cell, row in pairs if cell["entries"] == entries and (cell["n"], cell["p"]) == shape)


def spikes(record: Record) -> Shown:
    """Where a signal is seen, and how far its direction is, over its strength."""
    pairs = list(record.pairs())
    shapes = sorted({(cell["n"], cell["p"]) for cell, _ in pairs})
    figures, (places, overlaps) = panels(2, height=3.2)
    strengths = np.linspace(0.3, max(cell["strength"] for cell, _ in pairs) + 0.2, 200)
    for look, shape in told_apart(shapes):
        rows = sorted(((cell["strength"], row) for cell, row in pairs if (cell["n"], cell["p"]) == shape), key=_first)
        x = [strength for strength, _ in rows]
        words = f"{shape[0]} x {shape[1]}"
        for ax, field in ((places, "over_edge"), (overlaps, "right")):
            mean, bars = means_and_bars(Estimate.of(row[field]) for _, row in rows)
            ax.errorbar(x, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=words, **look)
        ratio = shape[1] / shape[0]
        law = [laws.spiked_over_edge(s, ratio) for s in strengths]
        places.plot(strengths, law, color=look["color"], lw=1)
        overlaps.plot(strengths, [laws.overlaps(s, ratio)[1] for s in strengths], color=look["color"], lw=1)
    places.set(ylabel="largest eigenvalue over the edge", title="its place", ylim=(0.8, None))
    overlaps.set(ylabel="squared cosine with the signal", title="its direction", ylim=(-0.03, 1.03))
    for ax in (places, overlaps):
        ax.axvline(1, color=LAW, lw=0.8, ls=":")
        ax.set(xlabel="signal, in units of the threshold")
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Largest eigenvalue over the edge: flat at one up to the threshold, then rising on the law, the points of "
            "all shapes on their lines.",
            "Squared cosine of the largest singular vector with the signal: near zero up to the threshold, then rising "
            "towards one on the law.",
        ],
        f"A signal is seen from the threshold on (dotted): from 1.5 times it on its place is within "
        f"{m['place_off'].mean:.1%} of the law (lines). Below it a spike is counted in {m['seen_below'].mean:.0%} of "
        f"the draws, though a signal is there.",
    )


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def tails(record: Record) -> Shown:
    """Fitted exponents over the tail index, in three versions of the same entries, beside theory and notebook."""
    pairs = sorted(record.pairs(), key=lambda pair: pair[0]["mu"])
    mu = np.array([cell["mu"] for cell, _ in pairs])
    figures, (ax,) = panels(1, height=3.4)
    for nudge, (look, name) in zip((-0.06, 0, 0.06), told_apart(VERSIONS), strict=True):
        mean, bars = means_and_bars(Estimate.of(row["alpha"][name]) for _, row in pairs)
        ax.errorbar(mu + nudge, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=VERSIONS_IN_WORDS[name], **look)
    ax.plot(list(CALIBRATION), list(CALIBRATION.values()), "k+", ms=8, label="notebook, one-sided")
    x = np.array([mu[0], 4.0])
    ax.plot(x, [laws.tail_exponent(value) for value in x], color=LAW, label="theory, up to 4")
    ax.set(xlabel="tail index μ of the entries", ylabel="fitted exponent α", ylim=(0, None))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Fitted exponents over the tail index: all versions rise together along the theory's line up to an index of "
        "about two; beyond it those with random signs or without their mean rise steeply, the one-sided do not.",
        f"Entries of one sign have small exponents however light their tail: {m['alpha_one_sided_5'].mean:.1f} at "
        f"μ = 5, as in the notebook (crosses). With their mean taken off it is {m['alpha_centred_5'].mean:.1f}, and "
        f"with random signs {m['alpha_signs_5'].mean:.1f}.",
    )


FIGURES = {"martin-initial": initial, "martin-spikes": spikes, "martin-tails": tails}
