"""The figure of nets in training, from its record."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.hanin2019.labels import KINDS
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown


def training(record: Record) -> Shown:
    """Linear regions of lines through two digits a neuron, and distances of digits from switches, over epochs."""
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    figures, (counts, far) = panels(2, height=3.3)
    for look, (cell, row) in told_apart(pairs):
        total = sum(cell["hidden"])
        for ax, field, scale in ((counts, "linear", 1 / total), (far, "distance", total)):
            mean, bars = means_and_bars(Estimate.of(scale * np.array(nets)) for nets in row[field])
            ax.errorbar(
                cell["epochs"], mean, bars, ls="", lw=1, capsize=2, mfc="none", label=KINDS[cell["kind"]], **look
            )
    counts.axhline(1, color=LAW, lw=0.8, ls=":")
    counts.set(xlabel="epochs", ylabel="linear regions a neuron", ylim=(0, None))
    far.set(xlabel="epochs", ylabel="neurons times distance", ylim=(0, None))
    for ax in (counts, far):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Linear regions of a line through two test digits a neuron, over the epochs, for true labels, random "
            "labels and a large learning rate.",
            "Neurons times the distance of a test digit from the nearest switch, over the epochs, for the same nets.",
        ],
        f"A line through two digits has {m['start_labels'].mean:.2f} linear regions a neuron before training (dotted: "
        f"the law) and {m['end_labels'].mean:.2f} after it; random labels: {m['end_random'].mean:.2f}. Digits "
        f"move away from the switches, to up to {m['distance_highest_labels'].mean:.1f} times their first distance.",
    )


FIGURES = {"hanin-training": training}
