"""Figures of the maps, each from its record: what was iterated as points, laws as lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.papers.hayou2019.experiments.maps import PathResult, logarithmic
from reversible.papers.hayou2019.labels import NAMES
from reversible.papers.hayou2019.laws import S
from reversible.records.record import Record
from reversible.show.drawing import LAW, by_size, legend, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

THIN = 4  # of the layers that were looked at, every so many are drawn


def _result(row: dict[str, Any]) -> PathResult:
    return PathResult(tuple(row["layers"]), tuple(row["gaps"]), row["power"], row["rate"])


def relu(record: Record) -> Shown:
    """l^2 (1 - c) over the depth, for each start, with both laws."""
    figures, (ax,) = panels(1, height=3.2)
    for look, (cell, row) in by_size(record.pairs()):
        r = _result(row)
        layers = np.array(r.layers, float)
        ax.plot(
            layers[::THIN], (layers**2 * r.gaps)[::THIN], ls="", mfc="none", label=f"from c = {cell['c']:g}", **look
        )
        at, law = logarithmic(r, first=30)
        ax.plot(at, at**2 * law, color=look["color"])
    ax.axhline(4 / S**2, color=LAW, ls="--", label="9π²/2")
    ax.set(xlabel="layer l", ylabel="l² (1 − c)", xscale="log", ylim=(0, None))
    plain_numbers(ax, "x", (1,))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "l squared times one minus c over the layer: three rising curves that come to one dashed line slowly, each on "
        "its law with a logarithm.",
        f"ReLU comes to its law slowly: at layer 100 l² (1 − c) is still {m['plain_off'].mean:.0%} or more below "
        f"9π²/2. With the logarithm (lines) it is within {m['log_off'].mean:.2%} from there on.",
    )


def smooth(record: Record) -> Shown:
    """1 - c over the depth on the edges, and over each one's law."""
    pairs = [(c, _result(r)) for c, r in record.pairs() if c["s_b"] in (0.0, 0.2)]
    figures, (falls, over) = panels(2, height=3.5)
    for look, (cell, r) in told_apart(pairs):
        layers, gaps = np.array(r.layers, float), np.array(r.gaps)
        late = layers >= 3
        for ax, y in ((falls, gaps), (over, layers**r.power * gaps / r.rate)):
            ax.plot(layers[late][::THIN], y[late][::THIN], mfc="none", lw=0.8, label=NAMES[cell["name"]], **look)
    over.axhline(1, color=LAW, lw=0.8, ls=":")
    falls.set(xlabel="layer l", ylabel="1 − c", xscale="log", yscale="log")
    over.set(xlabel="layer l", ylabel="1 − c over its law", xscale="log", ylim=(0, 1.6))
    for ax in (falls, over):
        plain_numbers(ax, "x", (1,))
        legend(ax, ncols=3)
    m = record.measures
    return show(
        figures,
        [
            "One minus c over the layer for ReLU and five other activations on their edges: ReLU falls fastest, SELU "
            "bends down to the same slope, the smooth ones fall like one over l.",
            "The same over each one's law: all come to one, tanh and Swish soon, ELU and SELU late.",
        ],
        f"On their edges smooth activations keep inputs apart for longer: after 100 layers 1 − c is "
        f"{m['slower'].mean:.1f} times that of ReLU or more. SELU, whose slope jumps, falls like ReLU in the end.",
    )


def edges(record: Record) -> Shown:
    """Variances over those that stay, and the slope of the variance map along the edges."""
    pairs = list(record.pairs())
    figures, (paths, slopes) = panels(2, height=3.5)
    names = list(dict.fromkeys(c["name"] for c, _ in pairs))
    for look, name in told_apart(names):
        own = [(c, r) for c, r in pairs if c["name"] == name]
        for cell, row in own:
            if cell["s_b"] == 0.2:
                label = NAMES[name] if cell["times"] > 1 else ""
                ratios = np.array(row["ratios"])
                paths.plot(
                    ratios, color=look["color"], lw=1.2, label=label, marker=look["marker"], markevery=25, mfc="none"
                )
        along = sorted({(c["s_b"], r["slope"]) for c, r in own})
        slopes.plot(*zip(*along, strict=True), mfc="none", lw=0.8, label=NAMES[name], **look)
    slopes.axhline(1, color=LAW, lw=0.8, ls=":")
    paths.axhline(1, color=LAW, lw=0.8, ls=":")
    paths.set(xlabel="layer", ylabel="q over q*", yscale="log", ylim=(0.05, 1000))
    slopes.set(xlabel="$s_b$", ylabel="slope F'(q*) on the edge", ylim=(0, 1.2))
    plain_numbers(paths, "y", (1,))
    for ax in (paths, slopes):
        legend(ax, ncols=3)
    m = record.measures
    return show(
        figures,
        [
            "The variance over the one that stays, layer by layer from half of it and from twice it: with tanh, ELU "
            "and SELU all come to one, with Swish and GELU they leave, upwards and downwards.",
            "The slope of the variance map along the edges over the size of biases: below one for tanh, ELU and SELU, "
            "above one for Swish and GELU with small biases.",
        ],
        f"On the edge of Swish the variance that stays does not attract: the slope of its map is "
        f"{m['slope_swish'].mean:.3f} with biases of 0.2, and {m['slope_gelu'].mean:.3f} for GELU, where tanh has "
        f"{m['slope_tanh'].mean:.3f}. From half of it variances fall, from twice it they run away.",
    )


def residual(record: Record) -> Shown:
    """l^2 (1 - c) of residual nets over the depth, with the law of each."""
    figures, (ax,) = panels(1, height=3.2)
    for look, (cell, row) in by_size(record.pairs()):
        r = _result(row)
        layers = np.array(r.layers, float)
        ax.plot(
            layers[::THIN], (layers**2 * r.gaps)[::THIN], ls="", mfc="none", label=f"s_w² = {cell['square']:g}", **look
        )
        ax.axhline(r.rate, color=look["color"], lw=1)
    ax.axhline(4 / S**2, color=LAW, ls="--", label="ReLU without skips")
    ax.set(xlabel="layer l", ylabel="l² (1 − c)", xscale="log", yscale="log", xlim=(10, None), ylim=(5, 3000))
    plain_numbers(ax, "x", (1,))
    plain_numbers(ax, "y", (1, 2, 5))
    legend(ax)
    m, last = record.measures, max(cell["layers"] for cell, _ in record.pairs())
    return show(
        figures,
        "l squared times one minus c of residual nets over the layer, for four sizes of weights: each comes to a level "
        "of its own, the higher the smaller the weights, all above ReLU without skips.",
        f"With skips every weight scale is on the edge, and smaller weights keep inputs apart for longer: each net "
        f"comes to its law (line) within {m['law_off'].mean:.2%} at layer {last:,}.",
    )


FIGURES = {"hayou-relu": relu, "hayou-smooth": smooth, "hayou-edges": edges, "hayou-residual": residual}
