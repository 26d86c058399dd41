"""Figures of trained nets, each from its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels, laws
from reversible.papers.martin2019.experiments.batch import SCHEMES, Batch
from reversible.papers.martin2019.experiments.layers import LOWEST
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown
from reversible.spectra.verdicts import LARGEST_ALPHA, TAIL_FIT

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]


def present(record: Record) -> Pairs:
    """Cells and rows, without those whose data were not at hand."""
    return [(cell, row) for cell, row in record.pairs() if "absent" not in row]


def lenet5(record: Record) -> Shown:
    """The large layer of one net after training, and the soft rank and spikes of all nets along it."""
    pairs = present(record)
    figures, (spectrum, soft, spikes) = panels(3, height=3.1)
    cell, first = next(pair for pair in pairs if not pair[0]["frozen"])
    _spectrum(spectrum, first, (50 * _flat(cell), cell["hidden"]))
    for look, (frozen, words) in told_apart({False: "trained", True: "frozen"}.items()):
        rows = [row for cell, row in pairs if cell["frozen"] == frozen]
        for ax, field in ((soft, "soft_rank"), (spikes, "spikes")):
            mean, bars = means_and_bars(Estimate.of(column) for column in zip(*(r[field] for r in rows), strict=True))
            ax.errorbar(range(len(mean)), mean, bars, ls="", lw=1, capsize=2, mfc="none", label=words, **look)
    soft.set(ylabel="soft rank", title="soft rank of the layer", ylim=(0, 1.2))
    spikes.set(ylabel="number of spikes", title="its spikes")
    for ax in (soft, spikes):
        ax.set(xlabel="epochs")
        legend(ax)
    m = record.measures
    return show(
        figures,
        [
            "Singular values of the trained layer as a histogram on the law of its bulk, and its spikes as triangles.",
            "Soft rank over the epochs: falling for trained nets, near one for those with the layer frozen.",
            "Number of spikes over the epochs: rising for trained nets, none for frozen ones.",
        ],
        f"After training {m['spikes_trained'].mean:.0f} singular values lie outside of the bulk of LeNet-5's large "
        f"layer, and σ of the bulk is {m['sigma_over_first_trained'].mean:.3f} times that of the first weights. "
        f"Frozen, it has {m['spikes_frozen'].mean:.0f} spikes, and the accuracy is {m['accuracy_frozen'].mean:.1%} "
        f"instead of {m['accuracy_trained'].mean:.1%}.",
    )


def _flat(cell: dict[str, Any]) -> int:
    """Pixels of a map that the dense layer sees."""
    return 49 if cell["data"] == "mnist" else 4


def _spectrum(ax: Axes, row: dict[str, Any], shape: tuple[int, int]) -> None:
    n, p = max(shape), min(shape)
    values, r = np.array(row["values"]), row["spikes"][-1]
    low, high = 1 - (p / n) ** 0.5, 1 + (p / n) ** 0.5
    ax.hist(values[r:], bins=30, density=True, color=COLOURS[0], alpha=0.35)
    x = np.linspace(low, high, 200)[1:-1]
    ax.plot(x, laws.bulk_pdf(x**2, n, p) * 2 * x, color=LAW)
    ax.plot(values[:r], np.full(r, 0.05), "^", color=COLOURS[1], clip_on=False)
    ax.set(xlabel="singular value over σ √n", ylabel="density", title="one trained layer", ylim=(0, None))


def mlp3(record: Record) -> Shown:
    """Stable ranks of the square layers along training."""
    ((cell, row),) = present(record)
    figures, (ax,) = panels(1, height=3.1)
    epochs, h = cell["epochs"], cell["hidden"]
    for look, (name, words) in told_apart(zip(row["stable_rank"], ("first", "second"), strict=True)):
        mean, bars = means_and_bars(Estimate.of(nets) for nets in row["stable_rank"][name])
        ax.errorbar(epochs, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=f"{words} square layer", **look)
    ax.axhline(laws.stable_rank(h, h), color=LAW, lw=1, label="law of first weights")
    ax.set(xlabel="epochs", ylabel="stable rank", ylim=(0, None))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Stable ranks of two layers over the epochs, from the law of random weights downwards.",
        f"From {m['before_first'].mean:.0f} and {m['before_second'].mean:.0f}, where the law has "
        f"{laws.stable_rank(h, h):.0f}, training takes the stable ranks of the two square layers of {h} units to "
        f"{m['after_first'].mean:.0f} and {m['after_second'].mean:.0f}.",
    )


def batch(record: Record) -> Shown:
    """Soft ranks by batch size in four schemes, and the same over how far the weights can have moved."""
    pairs = present(record)
    figures, (by_size, by_way) = panels(2, height=3.6)
    for look, scheme in told_apart(SCHEMES):
        rows = sorted(((cell["size"], cell, row) for cell, row in pairs if cell["scheme"] == scheme), key=_size)
        mean, bars = means_and_bars(Estimate.of(row["soft_rank"][0]) for _, _, row in rows)
        ways = [_way(cell) for _, cell, _ in rows]
        for ax, x in ((by_size, [size for size, _, _ in rows]), (by_way, ways)):
            ax.errorbar(x, mean, bars, ls="", lw=1, capsize=2, mfc="none", label=labels.SCHEMES[scheme], **look)
    for ax in (by_size, by_way):
        ax.set(xscale="log", ylabel="soft rank", ylim=(0, 1.25))
        legend(ax, ncols=1)
    _ticks(by_size, sorted({cell["size"] for cell, _ in pairs}))
    _ticks(by_way, [0.1, 0.3, 1, 3, 10, 30])
    by_size.set(xlabel="batch size b (of the last: the one matched)", title="by the batch size")
    by_way.set(xlabel="learning rate times updates", title="by how far training goes")
    m = record.measures
    return show(
        figures,
        [
            "Soft rank over the batch size in four schemes: rising with the batch at one learning rate and number of "
            "epochs and where the learning rate alone is changed, and otherwise in the other two.",
            "The same soft ranks over the learning rate times the number of updates.",
        ],
        f"At one learning rate the soft rank at the largest batch is {m['spread_equal'].mean:.2f} above that at the "
        f"smallest. This difference is {_signed(m['spread_rate'])} with the learning rate in proportion to the batch, "
        f"{_signed(m['spread_updates'])} with equal numbers of updates, and {_signed(m['spread_alone'])} where the "
        f"learning rate alone is changed.",
    )


def _signed(e: Estimate) -> str:
    return f"{e.mean:.2f}".replace("-", "−")


def _ticks(ax: Axes, values: Sequence[float]) -> None:
    """Plain numbers on a logarithmic axis, those that lie on it."""
    low, high = ax.get_xlim()
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks([value for value in values if low <= value <= high])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _size(row: tuple[int, Any, Any]) -> int:
    return row[0]


def _way(cell: dict[str, Any]) -> float:
    training = Batch(**{**cell, "hidden": tuple(cell["hidden"])}).training
    return training.lr * training.steps


def layers(record: Record) -> Shown:
    """Exponent and distance of the fits to trained layers, and to their entries in random order."""
    rows = [fitted for _, row in present(record) for fitted in row["rows"]]
    figures, (ax,) = panels(1, height=3.5)
    ax.axhline(TAIL_FIT, color=LAW, lw=0.8, ls=":")
    for end in (LOWEST, LARGEST_ALPHA):
        ax.axvline(end, color=LAW, lw=0.8, ls=":")
    groups = {"dense, trained": ("dense", ""), "convolutions, trained": ("convolution", ""),
              "entries in random order": (None, "permuted_")}  # fmt: skip
    for look, (words, (kind, what)) in told_apart(groups.items()):
        chosen = [row for row in rows if kind in (None, row["kind"])]
        x = [row[f"{what}alpha"] for row in chosen]
        ax.plot(x, [row[f"{what}distance"] for row in chosen], ls="", mfc="none", label=words, **look)
    ax.set(xscale="log", xlabel="fitted exponent α", ylabel="distance D of the fit", ylim=(0, None))
    _ticks(ax, [1.5, 3, 6, 12, 24])
    legend(ax)
    m = record.measures
    return show(
        figures,
        "Exponents and distances of fits: trained layers have small exponents, entries in random order larger ones.",
        f"The {m['layers_dense'].mean:.0f} dense layers at hand have exponents from {m['least_alpha_dense'].mean:.2f} "
        f"to {m['largest_alpha_dense'].mean:.2f}, and {m['poor_fits_dense'].mean:.0%} of them are farther than "
        f"{TAIL_FIT:g} from their power law. Of their entries in random order {m['permuted_outside_dense'].mean:.0%} "
        f"lie outside of the range (dotted).",
    )


FIGURES = {"martin-lenet5": lenet5, "martin-mlp3": mlp3, "martin-batch": batch, "martin-layers": layers}
