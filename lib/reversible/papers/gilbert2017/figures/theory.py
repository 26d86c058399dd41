"""Figures of the theory: lengths, constants, bounds, the readings of Fig. 2, one step and many layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.papers.gilbert2017.experiments.random_filters import FAILURE
from reversible.papers.gilbert2017.figures.panels import together
from reversible.papers.gilbert2017.labels import INPUTS, READINGS
from reversible.records.record import Record
from reversible.show.drawing import bars_of, frame, legend, panels
from reversible.show.html import Shown
from reversible.theory import model_rip as laws
from reversible.theory import one_step

PAPER_COLOUR, OURS, GREY = "C1", "C0", "0.45"  # the paper's bound or scale, this book's, what stands for comparison


def code_length(record: Record) -> Shown:
    """Measured spread of the squared ratio over the spread by the law."""
    drawn, (ax,) = panels(1)
    rows = frame(record)
    ends = [0.5 * rows.predicted_sd.min(), 1.5 * rows.predicted_sd.max()]
    ax.plot(ends, ends, color=GREY, lw=1)
    looks = {"gaussian": ("o", OURS, "Gaussian filters"), "unit": ("s", "C2", "filters of length one"),
             "common": ("x", PAPER_COLOUR, "with a part in common")}  # fmt: skip
    for kind, (marker, colour, label) in looks.items():
        part = rows[rows["rows"] == kind]
        ax.plot(part.predicted_sd, part.sd_over_law * part.predicted_sd, marker, color=colour, label=label, ls="")
    ax.set(xscale="log", yscale="log", xlabel="spread by the law", ylabel="spread measured")
    legend(ax)
    gap = record.measures["largest_gap_of_sd"].mean
    return together(
        [(drawn, f"Measured spreads of the squared ratio lie on the law within {gap:.1%}.")],
        f"The overlaps of a code's windows give the spread of the squared length within {gap:.1%}, for filters of "
        "either kind. A part that all filters share matters at one of two codes only, where windows lie on each other.",
    )


def model_rip(record: Record) -> Shown:
    """The exact constant of two filters by the length of the input, and by the entries of a filter; and found ones."""
    rows = [{**cell, "values": np.array(row["values"])} for cell, row in record.pairs()]
    m = record.measures
    by_length = _constants(rows, "length", "length")
    first, law = panels(1), [_scale(row) for row in rows if row["question"] == "length"]
    _points(first[1][0], by_length, "input length D", "constant d of two filters")
    lengths = [D for D, *_ in by_length]
    first[1][0].plot(lengths, np.array(law) / law[0] * by_length[0][1], color=PAPER_COLOUR, label="the theorem's scale")
    legend(first[1][0], loc="upper left")
    second = panels(1)
    ax = second[1][0]
    _points(ax, _constants(rows, "fan-in", "fan_in"), "entries of a filter, M l", "constant d")
    fan_ins = np.geomspace(40, 2000, 50)
    for k, colour in ((2, OURS), (20, "C2")):
        ax.plot(fan_ins, [laws.coincident_scale(k, int(f)) for f in fan_ins], color=colour, lw=1)
    found = [row for row in rows if row["question"] == "search" and row["k"] == 20]
    ax.plot([r["channels"] * r["taps"] for r in found], [r["values"].mean() for r in found], "s", color="C2",
            label="found for twenty filters")  # fmt: skip
    ax.set(xscale="log", yscale="log")
    legend(ax, loc="lower left")
    return together(
        [
            (first[0], f"The constant grows with D to the power {m['slope_length'].mean:.2f}."),
            (second[0], f"The constant falls with the entries to the power {m['slope_fan_in'].mean:.2f}."),
        ],
        f"Sixteen times the input length leaves the constant where it was, while the theorem's scale grows "
        f"{m['papers_scale_grows'].mean:.1f}-fold (first panel). What counts is the number of entries of a filter; "
        "lines are the Wishart scale of windows that coincide (second panel).",
    )


def _constants(rows: list[dict[str, Any]], question: str, axis: str) -> list[tuple[float, float, float, float]]:
    """Of the cells of a question: the axis, the mean constant, the smallest and the largest."""
    of = [row for row in rows if row["question"] == question]
    places = [row["length"] if axis == "length" else row["channels"] * row["taps"] for row in of]
    values = [row["values"] for row in of]
    return sorted((p, v.mean(), v.min(), v.max()) for p, v in zip(places, values, strict=True))


def _scale(row: dict[str, Any]) -> float:
    shifts = row["length"] - row["taps"] + 1
    return laws.papers_scale(
        row["k"], row["filters"], shifts, FAILURE, row["channels"], row["taps"], row["length"]
    )  # fmt: skip


def _points(ax: Any, found: list[tuple[float, float, float, float]], x: str, y: str) -> None:
    place, mean, low, high = map(np.array, zip(*found, strict=True))
    ax.errorbar(place, mean, [mean - low, high - mean], fmt="o", color=OURS, lw=1, label="two filters, exact")
    ax.set(xlabel=x, ylabel=y)


def recovery_bound(record: Record) -> Shown:
    """Worst errors of one step by the constant, beside both bounds."""
    rows = frame(record)
    rows = rows[rows["rows"] == "gaussian"].sort_values("d_2k")
    drawn, (ax,) = panels(1)
    ax.plot(rows.d_2k, rows.papers_bound, color=PAPER_COLOUR, label="the paper's bound")
    ax.plot(rows.d_2k, rows.sharper_bound, color=OURS, label="the sharper bound")
    ax.plot(rows.d_2k, rows.worst_known, "o", color=OURS, label="worst error, known switches")
    ax.plot(rows.d_2k, rows.worst_fixed, "x", color=GREY, label="worst error, fixed switches")
    ax.axhline(1, color=GREY, lw=0.8, ls=":")
    ax.set(yscale="log", xlabel="constant of sums of two codes", ylabel="error |x̂ − x| / |x|")
    legend(ax, loc="lower right")
    share = record.measures["share_worse_than_nothing"].mean
    worst = record.measures["worst_over_papers_bound"].mean
    return together(
        [(drawn, f"With known switches errors are at most {worst:.0%} of the paper's bound; with fixed ones above 1.")],
        f"With known switches no code breaks either bound, and the paper's is at least {1 / worst:.0f} times too "
        f"large. Above the dotted line returning nothing would be better: fixed switches do that to {share:.0%} of "
        "the codes.",
    )


def hidden_codes(record: Record) -> Shown:
    """Each reading of Fig. 2c: nine tenths of the errors, their median and the largest, beside what the paper says."""
    results = [row for cell, row in record.pairs() if cell["rows"] == "gaussian"]
    drawn, (ax,) = panels(1, height=3.6)
    ax.axvspan(0.1, 0.2, color=PAPER_COLOUR, alpha=0.25, lw=0)
    ax.axvline(0.5, color=PAPER_COLOUR, lw=1, ls="--")
    for place, name in enumerate(reversed(READINGS)):
        low, middle, high = np.mean([row["quantiles"][name] for row in results], axis=0)
        ax.plot([low, high], [place, place], color=OURS, lw=2)
        ax.plot(middle, place, "o", color=OURS)
        ax.plot(max(row["largest"][name] for row in results), place, "|", color=OURS, ms=9)
    ax.set_yticks(range(len(READINGS)), list(reversed(READINGS.values())))
    ax.set(xlabel="error |x̂ − x| / |x|", xlim=(0, None))
    known, support = (record.measures[f"median_{name}"].mean for name in ("known", "support"))
    return together(
        [(drawn, f"Median errors are {known:.2f} with known switches and {support:.2f} with the true support.")],
        "The band is where the paper's histogram has most of its errors, the dashed line where it ends. One step with "
        f"the switches that the paper names, known or fixed, has other errors (medians {known:.2f} and "
        f"{record.measures['median_fixed'].mean:.2f}); the true support and the second iteration have them. Bars hold "
        "nine tenths of the codes, ticks are the largest error of all.",
    )


def one_step_law(record: Record) -> Shown:
    """Cosine of an input and what one step gives back, by the energy that is kept."""
    rows = frame(record)
    drawn, (ax,) = panels(1)
    e = np.geomspace(0.9 * rows.kept.min(), 1.1 * rows.kept.max(), 100)
    ax.plot(e, [one_step.cosine(x) for x in e], color=GREY, lw=1)
    markers = {"white": "o", "smooth": "^", "positive": "s"}
    for kind, colour in (("dense", OURS), ("convolution", "C2")):
        for shown, marker in markers.items():
            part = rows[(rows.kind == kind) & (rows.input == shown)]
            if len(part):
                label = f"{kind}, {INPUTS[shown]}"
                ax.errorbar(part.kept, part.cosine, bars_of(part, "cosine"), fmt=marker, color=colour, lw=1, mfc="none",
                            label=label)  # fmt: skip
    ax.set(xscale="log", xlabel="energy kept over the input's, e", ylabel="cosine of x and x̂")
    ax.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    ax.minorticks_off()
    legend(ax, loc="lower right")
    gap = record.measures["convolution_gap_positive"].mean
    return together(
        [(drawn, "Cosines of dense layers and convolutions lie on the curve of the law.")],
        "One number, the energy that a layer keeps, tells what comes back, whatever the input, and whether all units "
        f"are kept, the positive ones or their maxima. No convolution is off the curve by more than {gap:.1%}.",
    )


NETS = {
    (2.0, 1): ("twice as many units, ReLU", OURS),
    (1.0, 1): ("as many units, ReLU", "C2"),
    (0.5, 1): ("half as many units, ReLU", PAPER_COLOUR),
    (4.0, 4): ("four times as many, maxima of four", "C3"),
    (2.0, 4): ("twice as many, maxima of four", "C4"),
}


def switch_depth(record: Record) -> Shown:
    """Cosines on the way down, by the layers that were passed, with switches and without."""
    drawn = []
    for switches in (True, False):
        figure, (ax,) = panels(1)
        for cell, row in record.pairs():
            if cell["switches"] == switches:
                label, colour = NETS[cell["units"], cell["pool"]]
                passed = np.arange(1, len(row["predicted"]) + 1)
                ax.plot(passed, row["predicted"][::-1], color=colour, lw=1)
                ax.plot(passed, [e["mean"] for e in row["cosines"]][::-1], "o", color=colour, label=label)
        ax.set(xlabel="layers on the way down", ylabel="cosine", ylim=(0, 1.05 if switches else 1.3))
        ax.set_title("with switches" if switches else "without switches")
        if not switches:
            legend(ax, loc="upper right")
        alt = f"Cosines lie on the recursion {'with' if switches else 'without'} switches."
        drawn.append((figure, alt))
    m = record.measures
    return together(
        drawn,
        "Lines are the recursion, points are nets that were run. With switches a net that widens keeps a cosine of "
        f"{m['cosine_wide'].mean:.2f} at its input, one that narrows {m['cosine_narrow'].mean:.2f} (first panel). "
        f"Without them maxima of four leave {abs(m['cosine_pooled_without'].mean):.2f} (second panel).",
    )


FIGURES = {
    "code-length": code_length,
    "model-rip": model_rip,
    "recovery-bound": recovery_bound,
    "hidden-codes": hidden_codes,
    "one-step-law": one_step_law,
    "switch-depth": switch_depth,
}
