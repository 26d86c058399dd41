"""Figures of one step: the readings of the paper's Fig. 2c, the law for any input, and many layers."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from reversible.papers.gilbert2017.labels import INPUTS, READINGS
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, bars_of, frame, legend, panels, show, told_apart
from reversible.show.html import Shown
from reversible.theory import one_step

PAPERS = COLOURS[1]  # what the paper says of its figure


def hidden_codes(record: Record) -> Shown:
    """Each reading of Fig. 2c: nine tenths of the errors, their median and the largest, beside what the paper says."""
    results = [row for cell, row in record.pairs() if cell["rows"] == "gaussian"]
    figure, (ax,) = panels(1, 3.6)
    ax.axvspan(0.1, 0.2, color=PAPERS, alpha=0.3, lw=0, label="the paper: mostly here")
    ax.axvline(0.5, color=PAPERS, lw=1, ls="--", label="the paper: none beyond")
    names = list(READINGS)[::-1]
    spans = np.array([np.mean([row["quantiles"][name] for row in results], axis=0) for name in names])
    rows = np.arange(len(names))
    low, middle, high = spans.T
    ax.errorbar(middle, rows, xerr=[middle - low, high - middle], fmt="o", color=COLOURS[0], lw=2,
                label="median, nine tenths")  # fmt: skip
    largest = [max(row["largest"][name] for row in results) for name in names]
    ax.plot(largest, rows, "|", color=COLOURS[0], ms=9, mew=1.5, label="largest of all")
    ax.set_yticks(rows, [READINGS[name].replace(" without ", "\nwithout ") for name in names])
    ax.set(xlabel="error |x̂ − x| / |x|", xlim=(0, None))
    legend(ax)
    m = {name: record.measures[name].mean for name in record.measures}
    return show(
        figure,
        "Seven rows, one for each way to read the figure, each a bar with a dot at the median and a stroke at the "
        "largest error. The true support alone keeps its bar on the paper's band and its stroke below the broken line.",
        f"One step has the errors of the paper's figure if it is told the true support (median "
        f"{m['median_support']:.2f}, at most {m['largest_support']:.2f}). Known and fixed switches have medians of "
        f"{m['median_known']:.2f} and {m['median_fixed']:.2f}; the second iteration has the right median and errors "
        f"up to {m['largest_second']:.2f}.",
    )


def one_step_law(record: Record) -> Shown:
    """Cosine of an input and what one step gives back, by the energy that is kept; and how far it is from the law."""
    rows = frame(record)
    figures, (cosines, gaps) = panels(2, 3.3)
    e = np.geomspace(0.9 * rows.kept.min(), 1.1 * rows.kept.max(), 100)
    cosines.plot(e, [one_step.cosine(x) for x in e], color=LAW)
    gaps.axhline(0, color=LAW)
    kinds = {"dense": "dense", "convolution": "convolution"}
    series = [
        (kind, shown) for kind in kinds for shown in INPUTS if ((rows.kind == kind) & (rows.input == shown)).any()
    ]
    for look, (kind, shown) in told_apart(series):
        part = rows[(rows.kind == kind) & (rows.input == shown)]
        label = f"{kind}, {INPUTS[shown].replace('inputs without negative entries', 'positive inputs')}"
        for ax, y in ((cosines, "cosine"), (gaps, "above_law")):
            bars = bars_of(part, y)
            ax.errorbar(part.kept, part[y], bars, ls="", capsize=2, lw=1, mfc="none", label=label, **look)
    for ax in (cosines, gaps):
        ax.set(xscale="log", xlabel="energy kept over the input's, e")
        ax.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
        ax.minorticks_off()
        legend(ax, ncols=1)
    cosines.set(ylabel="cosine of x and x̂", ylim=(0.4, 1))
    gaps.set(ylabel="cosine less the law's")
    m = {name: record.measures[name].mean for name in record.measures}
    return show(
        figures,
        [
            "Cosines against the energy that is kept, on a logarithmic axis: the points of dense layers and of "
            "convolutions, on white, smooth and positive inputs, all lie along one rising curve.",
            "The same cosines less those of the law, with intervals: dense layers lie on the line at zero, and "
            "convolutions scatter about it, most by less than a hundredth.",
        ],
        "One number, the energy e that a layer keeps, tells what comes back, whatever the input and whichever units "
        f"are kept. Dense layers are on the law within {m['dense_gap']:.3f}; convolutions, which use a filter at many "
        f"places, within {m['convolution_gap_positive']:.1%}.",
    )


NETS = {
    (2.0, 1): "twice as many units, ReLU",
    (1.0, 1): "as many units, ReLU",
    (0.5, 1): "half as many units, ReLU",
    (4.0, 4): "four times as many, maxima of four",
    (2.0, 4): "twice as many, maxima of four",
}


def switch_depth(record: Record) -> Shown:
    """Cosines on the way down, by the layers that were passed, with switches and without."""
    figures, axes = panels(2, 3.9)
    for ax, switches in zip(axes, (True, False), strict=True):
        _way_down(ax, record, switches)
    m = {name: record.measures[name].mean for name in record.measures}
    return show(
        figures,
        [
            "Cosines against the layers passed on the way down, with switches: five falling lines with their points. "
            "Nets that widen level off above one half, the one that keeps its width falls slowly, the narrowing "
            "one fast.",
            "The same nets without switches: all lines fall faster, and the two nets with maxima of four are near zero "
            "after three layers.",
        ],
        f"With switches a net that widens keeps a cosine of {m['cosine_wide']:.2f} at its input, however deep, and one "
        f"that narrows {m['cosine_narrow']:.2f} after four layers. Without them maxima of four leave "
        f"{abs(m['cosine_pooled_without']):.2f}, where switches keep {m['cosine_pooled']:.2f}. Lines: the recursion.",
    )


def _way_down(ax: Axes, record: Record, switches: bool) -> None:
    found = {(cell["units"], cell["pool"]): row for cell, row in record.pairs() if cell["switches"] == switches}
    for look, (net, label) in told_apart(NETS.items()):
        predicted, cosines = found[net]["predicted"][::-1], found[net]["cosines"][::-1]
        passed = np.arange(1, len(predicted) + 1)
        means = np.array([e["mean"] for e in cosines])
        bars = np.abs(np.array([e["ci95"] for e in cosines]).T - means)
        ax.plot(passed, predicted, color=look["color"], lw=1)
        ax.errorbar(passed, means, bars, ls="", capsize=2, lw=1, label=label, **look)
    ax.set(xlabel="layers passed on the way down", ylabel="cosine", ylim=(-0.02, 0.9))
    ax.set_xticks(range(1, 7))
    ax.set_title("with switches" if switches else "without switches")
    legend(ax, ncols=1)


FIGURES = {"hidden-codes": hidden_codes, "one-step-law": one_step_law, "switch-depth": switch_depth}
