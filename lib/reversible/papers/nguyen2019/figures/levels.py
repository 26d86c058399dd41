"""The picture of the smallest counterexample, with numbers from its record."""

from __future__ import annotations

import numpy as np

from reversible.papers.nguyen2019.laws import one_unit
from reversible.papers.nguyen2019.nets import LEAK
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, panels, show
from reversible.show.html import Shown

SIDE, POINTS = 4.0, 400
LEVELS = (0.4, 0.6)


def one_unit_sets(record: Record) -> Shown:
    """{loss <= a} in the plane of (v, w), below the pass and above it."""
    figures, axes = panels(2, height=3.3)
    v, w = one_unit.grid(SIDE, POINTS)
    for ax, a in zip(axes, LEVELS, strict=True):
        heights = one_unit.loss(v, w, "leaky")
        ax.contourf(v, w, heights, levels=[-1, a], colors=[COLOURS[0]], alpha=0.45)
        for sign, slope in ((1, 1.0), (-1, LEAK)):  # loss zero: v sigma(w) = 1
            curve = sign * np.geomspace(1 / SIDE / slope, SIDE, 100)
            ax.plot(1 / (slope * curve), curve, color=COLOURS[7])
        ax.plot([0], [0], marker="X", color="0.1", ls="")
        ax.axhline(0, color="0.6", lw=0.6)
        ax.axvline(0, color="0.6", lw=0.6)
        ax.set(xlabel="output weight v", ylabel="input weight w", aspect="equal", title=f"loss up to {a:g}")
    m = record.measures
    return show(
        figures,
        [
            "The plane of two weights: the set lies in two separate bands, one with both weights above zero, one with "
            "both below.",
            "The same at a higher loss: the two bands have grown together along the axes.",
        ],
        f"One leaky ReLU, one sample: the set of losses up to {LEVELS[0]:g} has {m['pieces_leaky_0_4'].mean:.0f} "
        f"pieces, each around its own curve of loss zero, and that of losses up to {LEVELS[1]:g} has "
        f"{m['pieces_leaky_0_6'].mean:.0f}. The lowest way between the curves, over the cross, is at "
        f"{m['lowest'].mean:.3f}.",
    )


FIGURES = {"nguyen-one-unit": one_unit_sets}
