"""Figures of a whole VGG-16 beside the paper's tables: shares, one step from each pooling, coherence, lengths."""

from __future__ import annotations

import numpy as np

from reversible.papers.gilbert2017.labels_vgg16 import LAYERS, SPOTS
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE, TABLE_3, TABLE_4
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown
from reversible.theory import coherence as laws


def vgg16_shares(record: Record) -> Shown:
    """Shares of nonzero activations by place: the paper's, the trunk's on two kinds of pictures, random nets'."""
    figure, (ax,) = panels(1, 3.3)
    places, (papers, *looks) = np.arange(len(TABLE_2_WHOLE)), [look for look, _ in told_apart("abcd")]
    ax.plot(places, 100 * np.array([*TABLE_2_WHOLE.values()]), color="0.8", lw=1, zorder=0)
    ax.plot(places, 100 * np.array([*TABLE_2_WHOLE.values()]), ls="", mfc="none", label="the paper, ImageNet", **papers)
    series = {"learned_photographs": "here, photographs", "learned_cifar10": "here, CIFAR-10",
              "random_photographs": "random nets"}  # fmt: skip
    for (kind, label), look in zip(series.items(), looks, strict=True):
        means, bars = means_and_bars(record.measures[f"share_{kind}_{spot}"] for spot in TABLE_2_WHOLE)
        ax.errorbar(places, 100 * means, 100 * bars, ls="", capsize=2, lw=1, label=label, **look)
    ax.set_xticks(places, [SPOTS[spot].replace("conv", "") for spot in TABLE_2_WHOLE], rotation=90)
    ax.set(ylabel="nonzero activations, %", ylim=(0, 100))
    legend(ax)
    gaps = {spot: record.measures[f"gap_photographs_{spot}"].mean for spot in TABLE_2_WHOLE}
    near, worst = sum(abs(gap) <= 0.1 for gap in gaps.values()), max(gaps, key=lambda spot: abs(gaps[spot]))
    more = record.measures["sparser_than_random_photographs"].mean
    return show(
        figure,
        "Eighteen places along the net with four points each. The paper's shares fall from the early to the deep "
        "layers and jump up at each pooling; those of the net at hand have their own ups and downs; random nets have "
        "about half of their units on at each convolution and more at each pooling.",
        f"On photographs {near} of the {len(gaps)} shares are within ten points of the paper's; the farthest is "
        f"{SPOTS[worst]}, off by {abs(100 * gaps[worst]):.0f} points. Over the convolutions VGG-16 has "
        f"{100 * more:.0f} points fewer units on than random nets.",
    )


REBUILT = {"learned": "learned filters", "random": "random filters", "permuted": "permuted filters",
           "means": "guess: channel means", "ones": "guess: all ones"}  # fmt: skip


def vgg16_rebuilt(record: Record) -> Shown:
    """Errors at pool1 to pool4: the paper's, those here, and guesses; photographs."""
    figure, (ax,) = panels(1, 3.4)
    places = np.arange(len(TABLE_3))
    for nudge, (look, (kind, label)) in zip(np.linspace(-0.24, 0.24, 5), told_apart(REBUILT.items()), strict=True):
        means, bars = means_and_bars(record.measures[f"error_{kind}_photographs_{pool}"] for pool in TABLE_3)
        face = "none" if kind in ("means", "ones") else look["color"]
        ax.errorbar(places + nudge, means, bars, ls="", capsize=2, lw=1, label=label, mfc=face, **look)
        if kind in ("learned", "random"):
            said = [getattr(line, kind) for line in TABLE_3.values()]
            ax.hlines(said, places - 0.38, places + 0.38, color=look["color"], lw=1,
                      label=f"{kind}, the paper", ls="--" if kind == "learned" else ":")  # fmt: skip
    ax.set_xticks(places, list(TABLE_3))
    ax.set(ylabel="error |x̂ − x| / |x|, x̂ as long as x", xlim=(-0.5, len(places) - 0.5))
    legend(ax)
    m = {name: e.mean for name, e in record.measures.items()}
    below = [m[f"random_below_learned_photographs_{pool}"] for pool in TABLE_3]
    guess = [m[f"random_below_means_photographs_{pool}"] for pool in TABLE_3]
    return show(
        figure,
        "Four poolings with five points each and two levels of the paper: learned filters by broken lines, random ones "
        "by dotted lines. Open points stand for guesses that have not seen the picture.",
        f"Learned filters are {min(below):.2f} to {max(below):.2f} farther from the activations than random ones. "
        f"The channels' means on the other photograph, a guess, are {guess[0]:.2f} farther at the first pooling, and "
        f"{-guess[-1]:.2f} nearer at the last.",
    )


def vgg16_coherence(record: Record) -> Shown:
    """The learned column of Table 4 beside the coherence of the filters at hand, by layer."""
    figure, (ax,) = panels(1, 3.0)
    places = np.arange(len(TABLE_4))
    median = [laws.largest_quantile(0.5, line.filters, line.fan_in) for line in TABLE_4.values()]
    ax.plot(places, median, color=LAW, label="law of random filters")
    (papers, _), (here, _) = told_apart("ab")
    ax.plot(places, [line.learned for line in TABLE_4.values()], ls="", mfc="none", label="the paper", **papers)
    ax.plot(places, [record.measures[f"modulus_{layer}"].mean for layer in TABLE_4], ls="", label="here", **here)
    ax.set_xticks(places, [LAYERS[layer].replace("conv", "") for layer in TABLE_4], rotation=60)
    ax.set(yscale="log", ylabel="largest correlation of two filters", ylim=(0.05, 1.2))
    ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    legend(ax, ncols=3)
    gaps = [record.measures[f"gap_{layer}"].mean for layer in TABLE_4]
    over = [record.measures[f"over_random_{layer}"].mean for layer in TABLE_4]
    return show(
        figure,
        "Thirteen convolutions with two points each on a logarithmic axis, the paper's coherence and the one measured, "
        "and below them the falling line of random filters.",
        f"At all {len(gaps)} convolutions the filters at hand are more coherent than the paper's, by {min(gaps):.2f} "
        f"to {max(gaps):.2f}. They are {min(over):.1f} to {max(over):.1f} times as coherent as random filters of their "
        "shape.",
    )


ROWS = {  # measures of lengths and what they are of, from the top down
    "drawn_random": "random codes,\nrandom filters",
    "drawn_permuted": "random codes,\npermuted filters",
    "drawn_learned": "random codes,\nlearned filters",
    "relu": "codes of conv5-1",
    "linear": "the same\nwithout its ReLU",
    "relu_30": "larger lambda",
    "relu_3": "smaller lambda",
    "relu_random": "random filters",
    "relu_permuted": "permuted filters",
}


def vgg16_lengths(record: Record) -> Shown:
    """Ratios |W^T z| / |z| by kind of code and of filters; of found codes also with their values moved."""
    figure, (ax,) = panels(1, 4.2)
    rows = dict(zip(ROWS, np.arange(len(ROWS))[::-1], strict=True))
    moved = [name for name in ROWS if not name.startswith("drawn")]
    ax.axvspan(0.95, 1.05, color="0.9", label="within 0.05 of one")
    (own, _), (other, _) = told_apart("ab")
    for prefix, names, label, look in (
        ("ratio", list(ROWS), "the code", own),
        ("moved", moved, "its values on another support", other),
    ):
        means, bars = means_and_bars(record.measures[f"{prefix}_{name}"] for name in names)
        height = np.array([rows[name] for name in names]) + (0.13 if prefix == "ratio" else -0.13)
        ax.errorbar(means, height, xerr=bars, ls="", capsize=2, lw=1, label=label, **look)
    ax.set_yticks(list(rows.values()), list(ROWS.values()))
    ax.set(xlabel="|Wᵀz| / |z|", ylim=(-0.6, len(ROWS) - 0.4))
    legend(ax)
    m = {name: e.mean for name, e in record.measures.items()}
    return show(
        figure,
        f"{len(ROWS)} rows with a point for the mean ratio of each kind of code and filters, and for found codes a "
        "second point for the same values on another support. Random codes lie in the band around one "
        "with all three kinds of filters.",
        f"With random filters what a random code makes is {m['ratio_drawn_random']:.2f} times as long as the code, "
        f"with VGG-16's own {m['ratio_drawn_learned']:.2f} times. The codes that Algorithm 2 finds for conv5-1 reach "
        f"{m['ratio_relu']:.2f}, and leave {m['residual_relu']:.0%} of the activations' length over.",
    )


FIGURES = {
    "vgg16-shares": vgg16_shares,
    "vgg16-rebuilt": vgg16_rebuilt,
    "vgg16-coherence": vgg16_coherence,
    "vgg16-lengths": vgg16_lengths,
}
