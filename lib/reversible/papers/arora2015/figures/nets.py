"""Figures of the chapters on spectra and real nets: laws, planted signals, nulls, digits sent down and up again."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.axes import Axes

from reversible import data
from reversible.nets.net import Net
from reversible.nets.reversal import compare, down, replaced
from reversible.papers.arora2015.experiments.instrument import KINDS, eigenvalues, noise
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.tables import NETS, n_by_m
from reversible.records.record import Record
from reversible.show.drawing import bars_of, coloured, frame, image_rows, legend, panels, show, span, style
from reversible.show.html import Shown
from reversible.theory.singular_values import singular_values
from reversible.training.run import final_net


def spectral_laws(record: Record) -> Shown:
    """Singular values of three shapes of random matrices with their law, and the distance from it by size."""
    figure, (left, right) = panels(2)
    rng = np.random.default_rng(0)
    for colour, (n, p) in coloured(((600, 600), (1200, 600), (4800, 600))):
        values = np.sqrt(eigenvalues(noise("sign", (n, p), rng)) / n)
        left.hist(values, bins=40, density=True, color=colour, alpha=0.35, label=f"{n} × {p}")
        low, high = singular_values(p / n).support()
        s = np.linspace(low, high, 200)
        left.plot(s, singular_values.pdf(s, p / n), color=colour, lw=1.5)
    left.set(xlabel="s / (σ √n)", ylabel="density", title="entries +1 and −1, and the law")
    legend(left)
    rows = frame(record)
    for place, (kind, part) in enumerate(rows.groupby("kind")):
        shape = [f"{n} × {p}" for n, p in zip(part.n, part.p, strict=True)]
        right.errorbar(np.arange(len(part)) + 0.12 * place, part.ks, bars_of(part, "ks"), fmt="o", ms=4, label=kind)
        right.set_xticks(np.arange(len(part)) + 0.12, shape)
    right.set(ylabel="distance from the law", title="mean over draws", ylim=(0, None))
    legend(right)
    return show(figure, f"Histograms of singular values lie on the law; distances from it are {span(rows.ks)}.")


def planted_spikes(record: Record) -> Shown:
    """Error of sigma by share of planted spikes, of the fit and of the median alone; spikes found less planted."""
    rows = frame(record)
    figure, (left, right) = panels(2)
    for colour, column, label in (("C0", "sigma_error", "this fit"), ("C1", "median_error", "the median alone")):
        jitter = np.linspace(-0.003, 0.003, len(rows))
        left.errorbar(rows.share + jitter, 100 * rows[column], 100 * bars_of(rows, column), fmt="o", ms=3, lw=0.8,
                      color=colour, label=label)  # fmt: skip
    left.axhspan(-2, 2, color="0.9", zorder=0)
    left.set(xlabel="spikes / p", ylabel="error of σ, %")
    legend(left)
    counts = rows.worst_count.value_counts().sort_index()
    right.bar(counts.index, counts.to_numpy(), color="0.6")
    right.set(xlabel="spikes found − planted, worst draw of a cell", ylabel="cells", xticks=range(-2, 3))
    worst = rows.worst_sigma_error.max()
    return show(figure, f"{len(rows)} cells: the fit errs by at most {worst:.1%} in sigma, the median alone by more.")


def verdict_rule(record: Record) -> Shown:
    """How often each family gets each verdict."""
    counts: dict[str, dict[str, float]] = {}
    for cell, row in record.pairs():
        own = counts.setdefault(cell["kind"], dict.fromkeys(KINDS, 0.0))
        for verdict, count in row["verdicts"].items():
            own[verdict] += count
    grid = pd.DataFrame(counts).T
    grid = grid.div(grid.sum(axis=1), axis=0)
    style()
    figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    sns.heatmap(grid, annot=True, fmt=".2f", cmap="Blues", vmin=0, vmax=1, cbar=False, ax=ax)
    ax.set(ylabel="family", xlabel="verdict")
    ax.tick_params(axis="x", rotation=0)
    return show(
        figure, f"Share of verdicts for {len(grid)} families of random matrices; the diagonal blocks are right."
    )


def net_spectra(record: Record) -> Shown:
    """Quantiles of singular values against those of the law, for the largest matrices of each net."""
    rows = pd.DataFrame([
        {"net": NETS[cell["net"]], **row}
        for cell, result in record.pairs()
        for row in result.get("rows", ())
    ])  # fmt: skip
    rows["entries"] = [a * b for a, b in rows["shape"]]
    chosen = rows.sort_values("entries", ascending=False).groupby("net", sort=False).head(2).head(8).sort_values("net")
    style()
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.4), layout="constrained")
    for ax, (_, row) in zip(axes.flat, chosen.iterrows(), strict=False):
        _quantiles(ax, row)
    for ax in axes.flat[len(chosen) :]:
        ax.axis("off")
    figure.supxlabel("quantile of the law", fontsize=10)
    figure.supylabel("singular value / (σ √n)", fontsize=10)
    above = chosen.largest / chosen.edge_high
    return show(figure, f"Quantiles of the singular values of {len(chosen)} trained matrices against the law's; the "
                        f"largest value is {span(above)} times the edge.")  # fmt: skip


def _quantiles(ax: Axes, row: Any) -> None:
    p, n = sorted(row["shape_used"])
    found = np.array(row["quantiles"])
    law = singular_values.ppf(np.linspace(0, 1, len(found)), p / n)
    ax.plot(law, law, color="0.3", lw=1)
    ax.plot(law, found, "o", ms=2.5, color="C0")
    ax.set_title(f"{row['net']}\n{row['layer']}, {n_by_m(row['shape'])}", fontsize=8)
    ax.annotate(f"{row['n_spikes']} spikes, {row['verdict']}", (0.03, 0.92), xycoords="axes fraction", fontsize=7)


def net_reversal(record: Record) -> Shown:
    """Cosine of a code with what comes back, by what takes the place of the transpose on the way down."""
    rows = plain(frame(record))
    places = list(dict.fromkeys(zip(rows.net, rows.data, strict=True)))
    style()
    figure, axes = plt.subplots(2, 2, figsize=(8.8, 6.4), layout="constrained", sharex=True, sharey=True)
    order = list(dict.fromkeys(rows.generation))
    for ax, (net, name) in zip(axes.flat, places, strict=False):
        part = rows[(rows.net == net) & (rows.data == name)]
        for place, (layer, own) in enumerate(part.groupby("layer")):
            x = np.array([order.index(g) for g in own.generation]) + 0.2 * place - 0.1
            ax.errorbar(x, own.cosine, bars_of(own, "cosine"), fmt="o", ms=4, capsize=2, lw=1, label=f"from h{layer}")
        ax.set_xticks(range(len(order)), order, rotation=40, ha="right", fontsize=8)
        ax.set(ylim=(0, 1.02), title=f"{NETS.get(net, 'trained here')}, {name}")
    for ax in axes.flat[len(places) :]:
        ax.axis("off")
    figure.supylabel("cosine of a code and what comes back", fontsize=10)
    legend(axes.flat[0])
    base = rows[rows.generation == "transpose"]
    return show(figure, f"Cosines with the transpose are {span(base.cosine)}; controls stand beside them.")


def training_travel(record: Record) -> Shown:
    """Along training, layer by layer: distance from the start, distance from the law, spikes, reversal."""
    rows = pd.DataFrame([
        {"seed": cell["seeds"][0], **row}
        for cell, result in record.pairs()
        for row in result.get("rows", ())
    ])  # fmt: skip
    rows["shown"] = rows.step.clip(lower=0.5)
    rows["cosine above Gaussian"] = rows.cosine_transpose - rows.cosine_gaussian
    style()
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained")
    named = {"test_error": "test error", "distance": "distance from the start", "ks": "bulk's distance from the law",
             "n_spikes": "spikes", "cosine_transpose": "cosine, transpose", "cosine above Gaussian": None}  # fmt: skip
    for ax, (column, label) in zip(axes.flat, named.items(), strict=True):
        sns.lineplot(rows, x="shown", y=column, hue="layer", palette="colorblind", marker="o", ms=4, ax=ax,
                     legend=column == "distance", errorbar=("ci", 95), seed=0)  # fmt: skip
        ax.set(xscale="log", xlabel="batches (0 drawn at 1/2)", ylabel=label or column)
    last = rows[rows.step == rows.step.max()]
    moved = span(last.groupby("layer").distance.mean())
    error = f"{last.test_error.mean():.1%}"
    return show(
        figure, f"{rows.seed.nunique()} seeds: test error falls to {error}, layers move {moved} of their length."
    )


def reversal_pictures(count: int = 8) -> Shown:
    """Test images beside what comes down from h1 and h2 by the transpose and by permuted weights.

    LeNet-300-100 and MNIST where they are at hand, else a small net trained now on digits.
    """
    try:
        net, images = Net.of(data.pretrained("lenet300_100_dense")), data.load("mnist", train=False)
    except data.NotAtHand:
        net, images = final_net(SCHEDULES["digits"]), data.load("digits", train=False)
    x, generator = images.take(slice(count)).scaled(), torch.Generator().manual_seed(0)
    lines = [("image", x)]
    for how in ("transpose", "permuted"):
        for layer in (1, 2):
            matrices = [replaced(A, how, generator) for A in net.weights[:layer]]
            lines.append((f"from h{layer}, {how}", down(matrices, net.up(x, layer)[-1], 1.0)))
    side = round(x.shape[1] ** 0.5)
    figure = image_rows(lines, side, (count, len(lines) + 0.2))
    cosines = [float(compare(x, shown).cosine.mean()) for _, shown in lines[1:]]
    return show(figure, f"{count} images and what the net makes of their codes; mean cosines {span(cosines)}.")


def plain(reversals: Any) -> Any:
    """The rows of a frame of net reversals that were run as trained: no dropout, own biases, offsets at no other place.

    Those whose weights were not at hand are left out.
    """
    own = (reversals.rho == 1) & (reversals.biases == "trained") & ~reversals.everywhere.astype(bool)
    return reversals[own & reversals.cosine.notna()]


FIGURES = {
    "spectral-laws": spectral_laws,
    "planted-spikes": planted_spikes,
    "verdict-rule": verdict_rule,
    "net-spectra": net_spectra,
    "net-reversal": net_reversal,
    "training-travel": training_travel,
}
