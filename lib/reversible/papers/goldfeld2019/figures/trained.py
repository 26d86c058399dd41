"""Figures of nets in training, from their records: information, distances and bins along training."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.goldfeld2019.experiments.trained import TrainedResult, counted
from reversible.papers.goldfeld2019.labels import KINDS
from reversible.records.record import Record
from reversible.show.drawing import by_size, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown

LAST = 3  # layers from the top that are drawn


def _along(ax: Axes, cell: dict[str, Any], curve: Any, look: dict[str, Any], words: str) -> None:
    """A curve (looks, nets) of one layer, its mean with intervals; epochs on a logarithmic scale, with room for 0."""
    mean, bars = means_and_bars(Estimate.of(nets) for nets in curve)
    ax.errorbar(_shown(cell["epochs"]), mean, bars, lw=1, capsize=1.5, mfc="none", ms=3.5, label=words, **look)


def _shown(epochs: list[int]) -> list[float]:
    """Before training stands at a half."""
    return [max(0.5, float(epoch)) for epoch in epochs]


def _axis(ax: Axes, epochs: list[int], ylabel: str) -> None:
    ax.set(xlabel="epochs", ylabel=ylabel, xscale="log", ylim=(0, None))
    places = [0.5, *(e for e in (1, 4, 16, 64, 256) if e <= epochs[-1])]
    ax.set_xticks(places, ["0", *(f"{e:g}" for e in places[1:])])
    ax.minorticks_off()


def _by_layer(ax: Axes, cell: dict[str, Any], field: list[Any]) -> None:
    layers = len(field[0])
    for look, layer in by_size(range(layers - LAST, layers)):
        _along(ax, cell, [at[layer] for at in field], look, f"hidden layer {layer + 1}")


def clusters(record: Record) -> Shown:
    """Information and ratio of distances of the last three layers in training, and the information of the controls."""
    pairs = {cell["kind"]: (cell, row) for cell, row in record.pairs()}
    figures, axes = panels(3, height=3.4)
    cell, row = pairs["labels"]
    for ax, field, ylabel in (
        (axes[0], row["information"], "information (nats)"), (axes[1], row["ratio"], "within over between classes"),
    ):  # fmt: skip
        _by_layer(ax, cell, field)
        _axis(ax, cell["epochs"], ylabel)
    for look, (kind, (cell, row)) in told_apart(pairs.items()):
        _along(axes[2], cell, _over_peak(row["information"]), look, KINDS[kind])
    _axis(axes[2], cell["epochs"], "information over its peak")
    for ax in axes:
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Information of the last three hidden layers of tanh nets over the epochs.",
            "Mean distance of two inputs of a class over that of two of different classes, in the same layers.",
            "Information of the last three layers over its peak, for tanh nets, random labels and linear nets.",
        ],
        f"As tanh nets learn, inputs of a class draw together, to {m['ratio_end_labels'].mean:.2f} of the distance "
        f"between classes, and in the layer that falls most the information loses "
        f"{m['falls_most_labels'].mean:.0%} of its peak. With random labels it loses {m['fall_random'].mean:.0%}, and "
        f"in linear nets {m['fall_linear'].mean:.0%}, mean of three layers.",
    )


def _over_peak(field: Any) -> np.ndarray:
    """Mean over the last layers of each net's information over its peak, (looks, nets)."""
    told = np.array(field)[:, -LAST:]
    return (told / told.max(0)).mean(1)


def _counted(row: dict[str, Any]) -> list[int]:
    """The nets that measures are taken of: no dead ones."""
    fields = ("train_error", "test_error", "information", "within", "ratio", "fine", "coarse")
    return counted(TrainedResult(*(row[field] for field in fields)))


def kinds(record: Record) -> Shown:
    """Information over its peak, and the test error, of tanh, ReLU and near orthonormal nets."""
    pairs = [(cell["kind"], cell, row) for cell, row in record.pairs()]
    figures, (told, wrong) = panels(2, height=3.5)
    for look, (kind, cell, row) in told_apart(pairs):
        nets = _counted(row)
        _along(told, cell, _over_peak(np.array(row["information"])[:, :, nets]), look, KINDS[kind])
        _along(wrong, cell, np.array(row["test_error"])[:, nets], look, KINDS[kind])
        for ax, ylabel in ((told, "information over its peak"), (wrong, "unseen inputs that are wrong")):
            _axis(ax, cell["epochs"], ylabel)
    for ax in (told, wrong):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Information of the last three layers over its peak, over the epochs, for tanh, ReLU and near orthonormal "
            "tanh nets.",
            "Share of unseen inputs that are wrong over the epochs, for the same nets.",
        ],
        f"The information of ReLU nets falls by {m['fall_relu'].mean:.0%} of its peak, that of tanh nets by "
        f"{m['fall_labels'].mean:.0%} and near orthonormal weights by {m['fall_orthonormal'].mean:.0%}, mean of the "
        f"last three layers. They are wrong on {m['test_error_relu'].mean:.1%}, {m['test_error_labels'].mean:.1%} and "
        f"{m['test_error_orthonormal'].mean:.1%} of unseen inputs.",
    )


def quiet(record: Record) -> Shown:
    """Information over its peak of tanh and of linear nets that are trained without noise."""
    figures, (ax,) = panels(1, height=3.4)
    for look, (cell, row) in told_apart(record.pairs()):
        _along(ax, cell, _over_peak(row["information"]), look, KINDS[cell["kind"]])
        _axis(ax, cell["epochs"], "information over its peak")
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Information of the last three layers through noise over its peak, for tanh and for linear nets "
        "that are trained without noise.",
        f"Trained without noise and looked at through it, tanh nets lose {m['fall_labels'].mean:.0%} of the peak of "
        f"their information and linear nets {m['fall_linear'].mean:.0%}, mean of the last three layers.",
    )


def bins(record: Record) -> Shown:
    """The entropy of fine and of coarse bins of the last three layers in training without noise."""
    ((cell, row),) = record.pairs()
    figures, (ax,) = panels(1, height=3.6)
    layers = len(row["fine"][0])
    _along(ax, cell, np.array(row["fine"])[:, -LAST:].min(1), {"color": "0.35", "marker": "X"}, "fine bins, the least")
    for look, layer in by_size(range(layers - LAST, layers)):
        _along(ax, cell, [at[layer] for at in row["coarse"]], look, f"coarse bins, hidden layer {layer + 1}")
    _axis(ax, cell["epochs"], "entropy of bins (nats)")
    legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        "Entropy of bins over the epochs: that of fine bins is level at the entropy of the input, that of coarse bins "
        "changes with training.",
        f"Without noise a layer tells all of its input: fine bins have at least {m['fine_least'].mean:.2%} of its "
        f"entropy. Only the entropy of coarse bins changes, and falls by {m['coarse_fall'].mean:.0%} of its peak.",
    )


def net(record: Record) -> Shown:
    """With noise in every layer and in one alone: information of the last three layers in training."""
    ((cell, row),) = record.pairs()
    nets = cell["nets"]
    figures, (every, alone) = panels(2, height=3.5)
    for ax, field, ylabel in (
        (every, row["information"], "noise in all layers (nats)"), (alone, row["alone"], "noise in one layer (nats)"),
    ):  # fmt: skip
        _by_layer(ax, nets, field)
        _axis(ax, nets["epochs"], ylabel)
        legend(ax, ncols=1)
    top = max(ax.get_ylim()[1] for ax in (every, alone))
    for ax in (every, alone):
        ax.set_ylim(0, top)
    m = record.measures
    return show(
        figures,
        [
            "Information of the last three hidden layers over the epochs, with noise in every layer.",
            "The same with noise in that layer alone.",
        ],
        f"With noise in all layers at once a layer tells less, {m['above_alone'].mean:.2f} nats on average; along "
        f"training the two have a rank correlation of {m['alone_follows'].mean:.2f} in the layer where it is least.",
    )


FIGURES = {
    "goldfeld-clusters": clusters,
    "goldfeld-kinds": kinds,
    "goldfeld-bins": bins,
    "goldfeld-quiet": quiet,
    "goldfeld-net": net,
}
