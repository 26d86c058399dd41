"""Figures of nets that training finds: ways between them by a band, and starts from which it arrives."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.nguyen2019.experiments.bands import LOW, WIDTHS
from reversible.papers.nguyen2019.experiments.tasks import MOST
from reversible.papers.nguyen2019.labels import BAND_WIDTHS, SCALES, place_of
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown


def bands(record: Record) -> Shown:
    """Shares of pairs that are joined, over the width; and barriers of all pairs."""
    rows = {cell["width"]: row for cell, row in record.pairs() if cell["width"] in WIDTHS and "absent" not in row}
    names = [width for width in WIDTHS if width in rows and rows[width]["barrier"]]
    figures, (shares, heights) = panels(2, height=3.4)
    ways = [("line", "straight line", -0.12), ("barrier", "band", 0.12)]
    for look, (field, words, shift) in told_apart(ways):
        joined = [Estimate.of_share(np.array(rows[name][field]) < LOW) for name in names]
        mean, bars = means_and_bars(joined)
        at = np.arange(len(names)) + shift
        shares.errorbar(at, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=words, **look)
        for place, name in zip(at, names, strict=True):
            values = np.maximum(rows[name][field], 1e-6)
            spread = np.linspace(-0.08, 0.08, len(values))
            heights.plot(place + spread, values, ls="", mfc="none", ms=3, label=words if place < 0.5 else None, **look)
    heights.axhline(LOW, color=LAW, lw=0.8, ls=":")
    heights.set(yscale="log", ylabel="barrier over the loss of giving zero")
    shares.set(ylabel="share of pairs joined", ylim=(0, 1.05))
    for ax in (shares, heights):
        ax.set_xticks(range(len(names)), [BAND_WIDTHS[name].removesuffix(" units") for name in names])
        ax.set_xlabel("hidden units")
        legend(ax)
    joined = {name: float(np.mean(np.array(rows[name]["barrier"]) < LOW)) for name in names}
    first, last = names[0], names[-1]
    return show(
        figures,
        [
            "Share of pairs of trained nets that are joined, over the number of hidden units, by straight lines and by "
            "bands.",
            "Barriers of all pairs on a logarithmic axis, over the number of hidden units.",
        ],
        f"Of pairs of nets that training finds, a band joins {joined[first]:.0%} at {BAND_WIDTHS[first]} and "
        f"{joined[last]:.0%} at {BAND_WIDTHS[last]}. Dotted: the barrier below which a pair counts as joined, a "
        f"hundredth of the loss of giving zero; barriers below a millionth are drawn there.",
    )


def starts(record: Record) -> Shown:
    """Losses at the end of training from each start, sorted, by scale of the first weights."""
    found = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    figures, (ax,) = panels(1, height=3.3)
    for look, (cell, row) in told_apart(found):
        losses = np.clip(np.sort(row["losses"]), 1e-7, 1e3)
        share = np.arange(1, len(losses) + 1) / len(losses)
        words = f"weights {SCALES[place_of(cell['scale'])]}"
        ax.step(losses, share, where="post", color=look["color"], label=words)
    ax.axvline(MOST, color=LAW, lw=0.8, ls=":")
    ax.set(xscale="log", xlabel="loss at the end", ylabel="share of starts", ylim=(0, 1.03))
    legend(ax, ncols=1)
    reached = {cell["scale"]: float(np.mean(np.array(row["losses"]) < MOST)) for cell, row in found}
    low, high = min(reached), max(reached)
    return show(
        figures,
        "Share of starts over the loss at the end, for three scales of the first weights.",
        f"From first weights of {low:g} times the usual scale training reaches a loss of {MOST:g} (dotted) in "
        f"{reached[low]:.0%} of the starts, from {high:g} times that scale in {reached[high]:.0%}, each at the rate "
        f"that serves it best.",
    )


FIGURES = {"nguyen-bands": bands, "nguyen-starts": starts}
