"""Figures of patterns over depth, of what skips add, and of denoisers, each from its record."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.ye2019 import laws
from reversible.papers.ye2019.experiments.random import gain
from reversible.papers.ye2019.labels import FRAMES, SPACES
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown


def depth(record: Record) -> Shown:
    """Patterns of a plane over depth, and of all of space; laws of one layer of as many neurons as lines."""
    figures, (plane, space) = panels(2, height=3.3)
    for ax, kinds in ((plane, ("dense", "conv")), (space, ("space",))):
        for look, kind in told_apart(kinds):
            pairs = [(cell, row) for cell, row in record.pairs() if cell["kind"] == kind]
            mean, bars = means_and_bars(Estimate.of(row["patterns"]) for _, row in pairs)
            ax.errorbar(
                [c["depth"] for c, _ in pairs], mean, bars, ls="", lw=1, capsize=2, mfc="none",
                label=SPACES[kind].split(",")[0], **look,
            )  # fmt: skip
        deep = np.arange(1, max(c["depth"] for c, _ in pairs) + 1)  # pyright: ignore[reportPossiblyUnboundVariable]
        inputs, width = (3 if kinds == ("space",) else 2), pairs[0][0]["width"]  # pyright: ignore[reportPossiblyUnboundVariable]
        ax.plot(deep, [laws.cones(int(d) * width, inputs) for d in deep], color=LAW, label="one layer, as many neurons")
        doubled = laws.cones(width, inputs) * 2.0 ** (0.5 * (deep - 1))
        ax.plot(deep, doubled, color=LAW, ls=":", label="doubling every two layers")
        ax.set(xlabel="layers", xticks=deep, yscale="log")
        plain_numbers(ax, "y", (1, 2, 5))
        legend(ax, ncols=1)
    plane.set(ylabel="patterns in a plane")
    space.set(ylabel="patterns in space")
    m = record.measures
    return show(
        figures,
        [
            "Mean number of patterns in a plane over the number of layers: dense nets follow the line of one layer of "
            "as many neurons, convolutions lie near it.",
            "Mean number of patterns in all of a space of three inputs over the number of layers, close to the line of "
            "one layer with as many neurons.",
        ],
        f"In a plane through the origin the patterns of dense nets grow as depth to the power "
        f"{m['power_dense'].mean:.2f}, those of convolutions as its power {m['power_conv'].mean:.2f}, and in all of a "
        f"space of three inputs as its power {m['power_space'].mean:.2f}.",
    )


def skips(record: Record) -> Shown:
    """Patterns and linear regions with skips over those without, by architecture."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.2)
    fields = {"activation patterns": ("with_skips", "plain"), "linear regions": ("maps_with_skips", "maps_plain")}
    for shift, (look, (name, (above, below))) in zip((-0.08, 0.08), told_apart(fields.items()), strict=True):
        mean, bars = means_and_bars(gain(tuple(row[above]), tuple(row[below])) for _, row in pairs)
        x = np.arange(len(pairs)) + shift
        ax.errorbar(x, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=name, **look)
    ax.axhline(1, color=LAW, lw=0.8, ls=":")
    names = [f"{c['length']} samples\n{' '.join(map(str, c['channels']))} channels" for c, _ in pairs]
    ax.set_xticks(range(len(pairs)), names)
    ax.set(ylabel="with skips over without", xlim=(-0.5, len(pairs) - 0.5))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Number of patterns and of linear regions of nets with skips over those of the same nets without them, for "
        "each architecture, a little above one.",
        f"Skips multiply the number of patterns in a plane by {m['least_gain'].mean:.3f} to "
        f"{m['most_gain'].mean:.3f}, and that of linear regions by {m['least_gain_maps'].mean:.3f} to "
        f"{m['most_gain_maps'].mean:.3f}, in nets of two levels or more.",
    )


def denoise(record: Record) -> Shown:
    """Each pair of nets: errors, and the largest norms with their bounds."""
    rows = {cell["kind"]: row for cell, row in record.pairs()}
    figures, (errors, norms) = panels(2, height=3.3)
    errors.scatter(rows["plain"]["error"], rows["skips"]["error"], s=18, facecolors="none", edgecolors="C0")
    both = [*rows["plain"]["error"], *rows["skips"]["error"]]
    errors.plot([min(both), max(both)], [min(both), max(both)], color=LAW, lw=0.8, ls=":", label="as large")
    errors.set(xlabel="error without skips", ylabel="error with skips")
    for look, kind in told_apart(rows):
        row = rows[kind]
        norms.plot(row["largest"], row["bound"], ls="", mfc="none", label=FRAMES[kind], **look)
    ends = [min(min(r["largest"]) for r in rows.values()), max(max(r["bound"]) for r in rows.values())]
    norms.plot(ends, ends, color=LAW, label="as large")
    norms.set(xlabel="largest norm of J found", ylabel="bound by layers", xscale="log", yscale="log")
    for ax in (errors, norms):
        legend(ax, ncols=1)
    for which in ("x", "y"):
        plain_numbers(norms, which, (1, 2, 5))
    m = record.measures
    return show(
        figures,
        [
            "Error with skips over error without them, a point a pair of nets.",
            "Bound by the norms of layers over the largest norm of J that was found, a point a net, all above the "
            "line where both are as large.",
        ],
        f"With skips {m['error_skips'].mean:.1%} of the noise remains and without them {m['error_plain'].mean:.1%}, "
        f"with equally many weights. The norms of layers overestimate the largest norm of J by a factor of "
        f"{m['least_room'].mean:.1f} at least.",
    )


FIGURES = {"ye-depth": depth, "ye-skips": skips, "ye-denoise": denoise}
