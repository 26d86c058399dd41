"""Figures of the chapter on trained nets: singular values, digits sent down and up again, how far training goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes

from reversible import data
from reversible.base.estimates import Estimate
from reversible.nets.net import Net
from reversible.nets.reversal import compare, down, replaced
from reversible.papers.arora2015.experiments.net_spectra import PRUNED, WEIGHTS
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.tables import NETS, n_by_m
from reversible.records.record import Record
from reversible.show.drawing import (
    COLOURS,
    LAW,
    bars_of,
    frame,
    image_rows,
    label_ends,
    legend,
    panels,
    show,
    span,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory.singular_values import singular_values
from reversible.training.run import final_net

QUANTILES = 6  # matrices whose quantiles are drawn
WAYS = {
    "transpose": "its own transpose", "pseudo-inverse": "pseudo-inverse", "permuted": "entries shuffled",
    "gaussian": "Gaussian entries", "spikes": "its spikes alone", "bulk": "its bulk alone",
}  # fmt: skip


def net_spectra(record: Record) -> Shown:
    """Quantiles of singular values against those of the law, for the largest matrices of nets that are not pruned."""
    rows = pd.DataFrame([
        {"net": NETS[cell["net"]], **row}
        for cell, result in record.pairs()
        for row in result.get("rows", ())
        if WEIGHTS[cell["net"]] != PRUNED
    ])  # fmt: skip
    rows["entries"] = [a * b for a, b in rows["shape"]]
    largest = rows.sort_values("entries", ascending=False).groupby("net", sort=False).head(2)
    chosen = largest.head(QUANTILES).sort_values("net")
    figures, axes = panels(len(chosen))
    for ax, (_, row) in zip(axes, chosen.iterrows(), strict=True):
        _quantiles(ax, row)
    above = (chosen.largest / chosen.edge_high.astype(float)).dropna()
    return show(
        figures,
        [
            f"{row['net']}, layer {row['layer']}: quantiles of the singular values against those of the law. They "
            f"follow the diagonal at first and leave it upwards at the right end."
            for _, row in chosen.iterrows()
        ],
        f"Were a matrix random, the quantiles of its singular values (points) would lie on the diagonal. In these "
        f"{len(chosen)} trained matrices they leave it at the upper end: the largest singular value is {span(above)} "
        f"times the edge of the law.",
    )


def _quantiles(ax: Axes, row: Any) -> None:
    p, n = sorted(row["shape_used"])
    found = np.array(row["quantiles"])
    law = singular_values.ppf(np.linspace(0, 1, len(found)), p / n)
    ax.plot(law, law, color=LAW)
    ax.plot(law, found, "o", ms=3, color=COLOURS[0])
    ax.set_title(f"{row['net']}\n{row['layer']}, {n_by_m(row['shape'])}")
    ax.set(xlabel="quantile of the law", ylabel="singular value / (σ √n)")
    left = "no bulk fits" if pd.isna(row["n_spikes"]) else f"{row['n_spikes']:.0f} spikes"
    words = f"{left}\nverdict: {row['verdict']}"
    ax.annotate(words, (0.04, 0.96), xycoords="axes fraction", va="top")


def net_reversal(record: Record) -> Shown:
    """Cosine of a code with what comes back, by what takes the place of the transpose on the way down."""
    rows = plain(frame(record))
    places = list(dict.fromkeys(zip(rows.net, rows.data, strict=True)))
    figures, axes = panels(len(places), 3.1)
    ways = [way for way in WAYS if way in set(rows.generation)]
    for ax, (net, name) in zip(axes, places, strict=True):
        part = rows[(rows.net == net) & (rows.data == name)]
        for nudge, (look, (layer, own)) in zip((-0.13, 0.13), told_apart(part.groupby("layer")), strict=False):
            own = own.set_index("generation").loc[ways]
            ax.errorbar(own.cosine, np.arange(len(ways)) + nudge, xerr=bars_of(own, "cosine"), ls="", lw=1,
                        label=f"from h{layer}", **look)  # fmt: skip
        ax.set(yticks=range(len(ways)), yticklabels=[WAYS[way] for way in ways], xlim=(0, 1.02))
        ax.set_ylim(len(ways) - 0.5, -0.5)
        ax.set(title=net_words(net, name), xlabel="cosine with the code")
        ax.grid(axis="x", color="0.9")
        legend(ax)
    by_way = {way: span(rows[rows.generation == way].cosine) for way in ("transpose", "permuted", "gaussian")}
    return show(
        figures,
        [
            f"{net_words(net, name)}: a row for each way down, with the cosine from each hidden layer. The transpose "
            f"stands far to the right, shuffled and Gaussian entries far to the left of it."
            for net, name in places
        ],
        f"By a net's own transposed weights a code comes back with a cosine of {by_way['transpose']}. With the same "
        f"entries shuffled on the way down it is {by_way['permuted']}, with Gaussian ones {by_way['gaussian']}.",
    )


def net_words(net: str, name: str) -> str:
    """A net of a record of net reversals as a reader says it."""
    return NETS.get(net) or f"{'MNIST' if name == 'mnist' else name} net, trained here"


def training_travel(record: Record) -> Shown:
    """Along training, layer by layer: distance from the start, distance from the law, spikes, reversal."""
    rows = pd.DataFrame([
        {"seed": cell["seeds"][0], **row}
        for cell, result in record.pairs()
        for row in result.get("rows", ())
    ])  # fmt: skip
    rows["shown"] = rows.step.clip(lower=0.5)
    rows["above"] = rows.cosine_transpose - rows.cosine_gaussian
    named = {"test_error": "test error", "distance": "distance from the start", "ks": "bulk's distance from the law",
             "n_spikes": "spikes", "cosine_transpose": "cosine, by the transpose",
             "above": "the same, above Gaussian"}  # fmt: skip
    figures, axes = panels(len(named), 2.6)
    for ax, (column, label) in zip(axes, named.items(), strict=True):
        _along(ax, rows, column)
        ax.set(title=label, xlabel="batches (0 drawn at 1/2)")
    first, last = (rows[rows.step == step] for step in (rows.step.min(), rows.step.max()))
    moved = span(last.groupby("layer").distance.mean())
    spikes = last.groupby("layer").n_spikes.mean().max()
    cosines = [f"{part.cosine_transpose.mean():.3f}" for part in (first, last)]
    return show(
        figures,
        [f"Along training, layer by layer, against the number of batches: {label}." for label in named.values()],
        f"Along training (means over {rows.seed.nunique()} seeds) the test error falls to "
        f"{last.test_error.mean():.1%}, layers move by {moved} of their length, and up to {spikes:.0f} singular values "
        f"of a layer leave the bulk. The cosine of what comes back goes from {cosines[0]} to {cosines[1]}.",
    )


def _along(ax: Axes, rows: Any, column: str) -> None:
    """Means over seeds with their 95 % intervals, a line a layer; the same for all layers is one line."""
    ax.set_xscale("log")
    groups = list(rows.groupby("layer"))
    groups = groups[:1] if column == "test_error" else groups
    ends = []
    for look, (layer, part) in told_apart(groups):
        found = part.groupby("shown")[column].apply(lambda values: Estimate.of(list(values)))
        mean, low, high = np.array([(e.mean, *e.ci95) for e in found]).T
        ax.errorbar(found.index, mean, [mean - low, high - mean], lw=1, ms=3.5, **look)
        ends.append((mean[-1], f"layer {layer}", look["color"]))
    if column != "test_error":
        label_ends(ax, ends)


def reversal_pictures(count: int = 6) -> Shown:
    """Test images beside what comes down from h1 and h2 by the transpose and by permuted weights.

    LeNet-300-100 and MNIST where they are at hand, else a small net trained now on digits.
    """
    try:
        net, images = Net.of(data.pretrained("lenet300_100_dense")), data.load("mnist", train=False)
    except data.NotAtHand:
        net, images = final_net(SCHEDULES["digits"]), data.load("digits", train=False)
    x, generator = images.take(slice(count)).scaled(), torch.Generator().manual_seed(0)
    lines = [("image", x)]
    for how, words in (("transpose", "transpose"), ("permuted", "shuffled")):
        for layer in (1, 2):
            matrices = [replaced(A, how, generator) for A in net.weights[:layer]]
            lines.append((f"from h{layer},\n{words}", down(matrices, net.up(x, layer)[-1], 1.0)))
    side = round(x.shape[1] ** 0.5)
    cosines = [float(compare(x, shown).cosine.mean()) for _, shown in lines[1:]]
    return show(
        image_rows([(label, shown.numpy()) for label, shown in lines], side),
        f"Rows of {count} images: test images, then what comes down from the hidden layers h1 and h2 by the transpose, "
        f"which looks like them, and by shuffled weights, which looks like noise.",
        f"What a trained net makes of its codes by its transposed weights looks like the image: the mean cosine is "
        f"{cosines[0]:.2f} from h1 and {cosines[1]:.2f} from h2. The same weights shuffled give {cosines[2]:.2f} and "
        f"{cosines[3]:.2f}.",
    )


def plain(reversals: Any) -> Any:
    """The rows of a frame of net reversals that were run as trained: no dropout, own biases, offsets at no other place.

    Those whose weights were not at hand are left out.
    """
    own = (reversals.rho == 1) & (reversals.biases == "trained") & ~reversals.everywhere.astype(bool)
    return reversals[own & reversals.cosine.notna()]


FIGURES = {"net-spectra": net_spectra, "net-reversal": net_reversal, "training-travel": training_travel}
