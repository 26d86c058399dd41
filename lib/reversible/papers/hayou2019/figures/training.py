"""The figure of deep nets in training: whole curves of test error over learning rates, an arm a line."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.hayou2019.labels import ARMS
from reversible.records.record import Record
from reversible.show.drawing import legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown


def training(record: Record) -> Shown:
    """Test error at the end and along training over the learning rate."""
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    figures, axes = panels(2, height=3.8)
    arms = list(dict.fromkeys(cell["arm"] for cell, _ in pairs))
    for look, arm in told_apart(arms):
        own = sorted(((c, r) for c, r in pairs if c["arm"] == arm), key=lambda pair: pair[0]["rate"])
        rates = [np.log2(cell["rate"]) for cell, _ in own]
        for ax, along in zip(axes, (False, True), strict=True):
            mean, bars = means_and_bars(_errors(cell, row, along) for cell, row in own)
            ax.errorbar(rates, mean, bars, lw=0.8, capsize=2, mfc="none", label=ARMS[arm], **look)
    for ax, what in zip(axes, ("at the end", "mean along training"), strict=True):
        ax.set(xlabel="learning rate, power of two", ylabel=f"test error, {what}", ylim=(0, 1))
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Test error at the end over the learning rate, a curve for each activation and weight scale.",
            "Mean test error along training over the learning rate, the same curves.",
        ],
        f"At its best rate ReLU on its edge ends at {m['error_relu'].mean:.0%} of test images wrong, with smaller "
        f"weights at {m['error_relu_low'].mean:.0%}, tanh on its edge at {m['error_tanh'].mean:.0%}.",
    )


def _errors(cell: dict, row: dict, along: bool) -> Estimate:
    errors, steps = np.array(row["test_error"])[:, cell["tuning"] :], row["steps"]
    return Estimate.of(np.trapezoid(errors, steps, axis=0) / (steps[-1] - steps[0]) if along else errors[-1])


FIGURES = {"hayou-training": training}
