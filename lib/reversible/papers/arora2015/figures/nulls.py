"""A matrix beside its three nulls and levelled: how each is made, and what it leaves of the spikes of trained nets."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from reversible.papers.arora2015.experiments.net_spectra import DOWNLOADED, EXACT, PRUNED, WEIGHTS, left
from reversible.papers.arora2015.figures.laws import Spectrum, beside, spectrum_of
from reversible.papers.arora2015.tables import NETS
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, PANEL, ink, legend, panels, plt, show, style, told_apart
from reversible.show.html import Shown
from reversible.spectra.verdicts import SMALLEST
from reversible.theory.singular_values import Array

SIZE, SIGNAL, CORNER = (300, 200), 3, (30, 45)  # of the matrix, the rank of its signal, and what is drawn of it
SPREAD = 0.4  # of the logarithms of its scales
COUNTS = {
    "as it is": left,
    "levelled": lambda row: row["levelled"]["n_spikes"],
    "scaled": lambda row: left(row["nulls"]["scaled"]),
    "permuted": lambda row: left(row["nulls"]["permuted"]),
}


def made() -> Array:
    """Noise with a signal in it, then rows and columns of unequal scales."""
    rng = np.random.default_rng(1)
    (n, p), theta = SIZE, np.linspace(2, 4, SIGNAL)
    left, right = (np.linalg.qr(rng.standard_normal((size, SIGNAL)))[0] for size in SIZE)
    level = rng.standard_normal((n, p)) + (left * theta * np.sqrt(n)) @ right.T
    return np.exp(SPREAD * rng.standard_normal((n, 1))) * level * np.exp(SPREAD * rng.standard_normal(p))


def three_nulls() -> Shown:
    """One matrix, its nulls and itself levelled: a corner of each as an image, and its singular values."""
    matrices = beside(made(), np.random.default_rng(2))
    seen = {name: spectrum_of(matrix) for name, matrix in matrices.items()}
    figures = [_entries_and_values(name, matrices[name], one) for name, one in seen.items()]
    left = {name: one.spikes for name, one in seen.items()}
    return show(
        figures,
        [
            f"{name}: above, {CORNER[0]} by {CORNER[1]} entries by size as shades of grey; below, a histogram of the "
            f"singular values, of which {one.spikes} lie beyond a dotted line."
            for name, one in seen.items()
        ],
        f"Of the {SIZE[1]} singular values of a matrix of unequal scales with a signal of rank {SIGNAL}, "
        f"{left['the matrix']} leave the bulk. In random order {left['permuted']} do, as if all of them were the "
        f"signal's; with the scales kept {left['scaled']} do. Levelled, {left['levelled']} are left.",
    )


def _entries_and_values(name: str, matrix: Array, one: Spectrum) -> Figure:
    style()
    figure, (above, below) = plt.subplots(2, figsize=(PANEL, 3.3), layout="constrained")
    corner = np.abs(matrix[: CORNER[0], : CORNER[1]])
    above.imshow(corner, cmap="gray_r", vmin=0, vmax=3 * np.sqrt(np.square(matrix).mean()), interpolation="none")
    above.set(xticks=[], yticks=[], title=name)
    below.hist(one.values, bins=list(np.arange(0, one.values[0] + 0.1, 0.1)), color=COLOURS[0], alpha=0.5)
    below.axvline(one.edge, color=LAW, lw=1, ls=":")
    words = f"{one.spikes} spikes"
    below.text(0.98, 0.9, words, transform=below.transAxes, ha="right", va="top", color=ink(COLOURS[7]))
    below.set(xlim=(0, 6), xlabel="singular value / (σ √n)", ylabel="count")
    return figure


def spikes_beside_nulls(record: Record) -> Shown:
    """Spikes of each matrix of a dense net that is large enough: as it is, levelled, and of its nulls."""
    rows = [
        (WEIGHTS[cell["net"]] == EXACT, cell["net"], row)
        for cell, result in record.pairs()
        if WEIGHTS[cell["net"]] != PRUNED and cell["net"] not in DOWNLOADED
        for row in result.get("rows", ())
        if min(row["shape_used"]) >= SMALLEST and row["levelled"]
    ]
    parts = {kind: [(net, row) for is_exact, net, row in rows if is_exact == are] for kind, are in KINDS.items()}
    parts = {kind: own for kind, own in parts.items() if own}
    figures, axes = panels(len(parts), 1.2 + 0.24 * max(map(len, parts.values())))
    for ax, (kind, own) in zip(axes, parts.items(), strict=True):
        for look, (label, count) in told_apart(COUNTS.items()):
            ax.plot([count(row) for _, row in own], np.arange(len(own)), ls="", label=label, **look)
        names = [f"{SHORT.get(net, NETS[net])}, {row['layer'].replace(', group', '')}" for net, row in own]
        ax.set(yticks=range(len(own)), yticklabels=names, ylim=(len(own) - 0.5, -0.5))
        ax.set(xscale="symlog", xlim=(-0.3, None), xlabel="spikes", title=kind)
        ax.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        ax.grid(axis="y", color="0.92")
        legend(ax, columnspacing=1, handletextpad=0.3)
    own = [row for is_exact, _, row in rows if is_exact]
    total = {name: sum(count(row) for row in own) for name, count in COUNTS.items()}
    return show(
        figures,
        [f"A row for each matrix with its number of spikes, levelled, and in its nulls: {kind}." for kind in parts],
        f"The {len(own)} exact matrices have {total['as it is']} spikes together. Their entries in random order have "
        f"{total['permuted']}, and noise of the same scales has {total['scaled']}. Levelled, the matrices have "
        f"{total['levelled']}, which no scales explain.",
    )


KINDS = {"exact weights": True, "estimated or rescaled": False}
SHORT: dict[str, Any] = {
    "lenet300_100_dense": "LeNet-300", "lenet5_dense": "LeNet-5", "alexnet_kmeans": "AlexNet",
    "vgg19_normalised_conv1_1_to_conv3_1": "VGG-19", "vgg16_hed_bsds500": "VGG-16", "trained on digits": "digits net",
}  # fmt: skip
