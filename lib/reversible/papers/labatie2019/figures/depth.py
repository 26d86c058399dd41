"""Figures of plain and normalised feed-forward nets, each from its record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.labatie2019 import laws
from reversible.papers.labatie2019.experiments.depth import MIDDLE, WIDTH
from reversible.papers.labatie2019.labels import NETS
from reversible.records.record import Record
from reversible.show.drawing import LAW, Look, by_size, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]
Read = Callable[[list[float]], Estimate]


def there(record: Record) -> Pairs:
    """Cells and rows of those that had their data."""
    return [(cell, row) for cell, row in record.pairs() if "absent" not in row]


def series(ax: Axes, x: list[int], rows: list[list[float]], read: Read, label: str, look: Look) -> None:
    """Means over nets with their intervals, a point a look."""
    mean, bars = means_and_bars(read(row) for row in rows)
    ax.errorbar(x, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=label, **look)


def squares(row: list[float]) -> Estimate:
    """The variance over nets."""
    values = np.array(row)
    return Estimate.of((values - values.mean()) ** 2 * len(values) / (len(values) - 1))


def lengths(record: Record) -> Shown:
    """Mean and variance of the log size of an input over layers, on their laws."""
    figures, (means, variances) = panels(2, height=3.3)
    pairs = [(c, r) for c, r in there(record) if c["kind"] in laws.WEIGHTS]
    for look, (c, r) in told_apart(pairs):
        mean, variance = laws.log_length(c["width"], c["kind"])
        ends = np.array([0, c["layers"][-1]])
        for ax, read, law in ((means, Estimate.of, mean), (variances, squares, variance)):
            series(ax, c["layers"], r["signal"], read, f"{c['kind'].capitalize()}, an input", look)
            series(ax, c["layers"], r["noise"], read, f"{c['kind'].capitalize()}, a change", {**look, "marker": "x"})
            ax.plot(ends, law * ends, color=look["color"])
    means.set(xlabel="layers", ylabel="mean log size")
    variances.set(xlabel="layers", ylabel="variance of the log size")
    for ax in (means, variances):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Mean log size of an input and of a change over layers: both fall along the straight lines of the law.",
            "Variance of that log over layers: it rises along straight lines, less steeply for orthogonal weights.",
        ],
        f"In a plain net of width {pairs[0][0]['width']} the log size of an input has mean and variance on the lines "
        f"of the exact law: {m['mean_gaussian'].mean:.1f} and {m['variance_gaussian'].mean:.1f} after "
        f"{pairs[0][0]['layers'][-1]} layers. Orthogonal weights make both smaller, and both still grow with depth.",
    )


def plain(record: Record) -> Shown:
    """Effective rank and sensitivity over the layers of nets without normalisation."""
    figures, (ranks, chis) = panels(2, height=3.5)
    for look, (c, r) in told_apart(there(record)):
        name = NETS[c["data"] if c["activation"] == "relu" else c["activation"]]
        series(ranks, c["layers"], r["rank"], Estimate.of, name, look)
        series(chis, c["layers"], r["log_chi"], geometric, name, look)
    ranks.axhline(1, color=LAW, lw=0.8, ls=":")
    ranks.set(xlabel="layer", ylabel="effective rank of the signal", xscale="log", yscale="log")
    chis.set(xlabel="layer", ylabel="sensitivity χ", xscale="log", yscale="log")
    for ax in (ranks, chis):
        plain_numbers(ax, "x", (1, 3))
        plain_numbers(ax, "y")
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Effective rank of the signal over layers: for ReLU nets it falls to one on every set of images, and for "
            "others it stays above.",
            "Sensitivity over layers of the same nets: it rises at first and then levels off.",
        ],
        f"In plain ReLU nets the signal ends on one line: at the last layer the effective rank is at most "
        f"{m['rank_largest'].mean:.3f}. In linear nets it is {m['rank_linear'].mean:.2f} there and in nets of tanh "
        f"{m['rank_tanh'].mean:.2f}.",
    )


def geometric(row: list[float]) -> Estimate:
    """The geometric mean."""
    e = Estimate.of(row)
    low, high = np.exp(e.ci95)
    return Estimate(float(np.exp(e.mean)), (float(low), float(high)), e.n)


def batch(record: Record) -> Shown:
    """Sensitivity over layers, its parts by the size of the batch, and effective ranks."""
    figures, (chis, parts, ranks) = panels(3, height=3.5)
    pairs = there(record)
    wide = sorted(
        (p for p in pairs if p[0]["activation"] == "relu" and p[0]["width"] == WIDTH), key=lambda p: p[0]["batch"]
    )
    for look, (c, r) in by_size(wide):
        name = f"{c['batch']} images"
        series(chis, c["layers"], r["log_chi"], _tenths, name, look)
        series(ranks, c["layers"], r["rank"], Estimate.of, name, look)
        ends = np.array([0, c["layers"][-1]])
        chis.plot(ends, sum(laws.normalised_parts(c["batch"])) * ends / np.log(10), color=look["color"], lw=0.8)
    other = {"linear": ("#d55e00", "X"), "tanh": ("#949494", "P")}
    for c, r in (p for p in pairs if p[0]["activation"] in other):
        colour, marker = other[c["activation"]]
        series(chis, c["layers"], r["log_chi"], _tenths, c["activation"], {"color": colour, "marker": marker})
    _parts(parts, wide)
    chis.set(xlabel="layer", ylabel="log₁₀ of the sensitivity χ")
    ranks.set(xlabel="layer", ylabel="effective rank of the signal", xscale="log", yscale="log", ylim=(1, None))
    plain_numbers(ranks, "x", (1, 3))
    plain_numbers(ranks, "y")
    for ax in (chis, parts, ranks):
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Log of the sensitivity over layers: straight rising lines for every size of the batch, on the law of wide "
            "nets, and far below them nets without ReLU.",
            "Growth of log χ a layer over the size of the batch, in all and its two parts, beside laws of wide nets.",
            "Effective rank of the signal over layers by the size of the batch: in the end small for large batches.",
        ],
        f"In normalised nets log χ grows by {m['rate_middle'].mean:.3f} a layer with {MIDDLE} images (lines: law of "
        f"wide nets), and the ReLU makes {m['share_middle'].mean:.0%} of that. With the largest batch its share is "
        f"{m['share_large'].mean:.0%}, and the effective rank ends at {m['rank_large'].mean:.1f}.",
    )


def _tenths(row: list[float]) -> Estimate:
    return Estimate.of(np.array(row) / np.log(10))


def _parts(ax: Axes, wide: Pairs) -> None:
    """Rates by the size of the batch."""
    sizes = [c["batch"] for c, _ in wide]
    fine = np.unique(np.geomspace(min(sizes), max(sizes), 40).astype(int))
    law = np.array([laws.normalised_parts(int(size)) for size in fine])
    named = {
        "log_chi": ("in all", law.sum(1)),
        "activated": ("ReLU", law[:, 1]),
        "normalised": ("normalisation", law[:, 0]),
    }
    for look, (name, (words, line)) in told_apart(named.items()):
        rates = []
        for c, r in wide:
            first = next(place for place, layer in enumerate(c["layers"]) if layer >= 10)
            rows = np.array(r[name])
            rates.append(Estimate.of((rows[-1] - rows[first]) / (c["layers"][-1] - c["layers"][first])))
        mean, bars = means_and_bars(rates)
        ax.errorbar(sizes, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=words, **look)
        ax.plot(fine, line, color=look["color"], lw=0.8)
    ax.set(xlabel="images in a batch", ylabel="growth of log χ a layer", xscale="log", ylim=(0, None))
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()


FIGURES = {"labatie-lengths": lengths, "labatie-plain": plain, "labatie-batch": batch}
