"""Figures of the weights at hand: shares of nonzero activations, what comes back, coherence."""

from __future__ import annotations

import numpy as np

from reversible.papers.gilbert2017.labels import PLACES, SPOTS
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_4
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, Look, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown
from reversible.theory import coherence as laws


def active_shares(record: Record) -> Shown:
    """Shares by place: the paper's, VGG-19's here, random filters on the same pictures."""
    figure, (ax,) = panels(1, 3.2)
    places = np.arange(len(TABLE_2))
    (learned, _), (random, _), (papers, _) = told_apart("abc")
    ax.plot(places, 100 * np.array([*TABLE_2.values()]), ls="", mfc="none", label="VGG-16, the paper", **papers)
    for kind, label, look in (("learned", "VGG-19, here", learned), ("random", "random filters", random)):
        means, bars = means_and_bars(record.measures[f"share_{kind}_{spot}"] for spot in TABLE_2)
        ax.errorbar(places, 100 * means, 100 * bars, ls="", capsize=2, lw=1, label=label, **look)
    ax.set_xticks(places, [SPOTS[spot] for spot in TABLE_2], rotation=40, ha="right")
    ax.set(ylabel="nonzero activations, %", ylim=(0, 100))
    legend(ax, ncols=3)
    gaps = [abs(record.measures[f"gap_{spot}"].mean) for spot in TABLE_2]
    more = -record.measures["sparser_than_random"].mean
    return show(
        figure,
        "Seven places along the net with three points each. VGG-19's shares of nonzero activations follow those of "
        "VGG-16 in the paper up and down; random filters are at one half at every convolution, higher at both pools.",
        f"VGG-19 on small pictures has the paper's shares within {100 * max(gaps):.1f} points at all {len(gaps)} "
        "places. They are no sign of sparse codes: on the same pictures random filters have on average "
        f"{100 * more:.1f} points fewer units on.",
    )


LOOKS = {"learned": "learned filters", "random": "random filters", "permuted": "permuted filters",
         "fixed": "random, fixed switches", "ones": "guess: all ones", "means": "guess: channel means",
         "abs_noise": "guess: noise without signs"}  # fmt: skip


def rebuilt_inputs(record: Record) -> Shown:
    """Errors of what comes back in one step, by what stands for the filters or for x^, a row a place."""
    places = [place for place in PLACES if f"error_random_{place}" in record.measures][::-1]
    figure, (ax,) = panels(1, 2.2 + 0.5 * len(places))
    rows = np.arange(len(places))
    for row in range(len(places)):
        ax.axhline(row, color="0.9", lw=0.8, zorder=0)
    for shift, (look, name) in zip(np.linspace(0.27, -0.27, len(LOOKS)), told_apart(LOOKS), strict=True):
        means, bars = means_and_bars(record.measures[f"error_{name}_{place}"] for place in places)
        face: Look = {"mfc": "none"} if name in ("ones", "means", "abs_noise") else {}
        ax.errorbar(means, rows + shift, xerr=bars, ls="", lw=1, label=LOOKS[name], **look, **face)
    ax.set_yticks(rows, [PLACES[place].replace(", ", ",\n").replace(" that ", "\nthat ") for place in places])
    ax.set(xlabel="error |x̂ − x| / |x|, x̂ as long as x", ylim=(-0.6, len(places) - 0.4))
    legend(ax)
    m = {name: record.measures[name].mean for name in record.measures}
    return show(
        figure,
        f"{len(places)} rows, one for each layer, with seven points each. At the pictures and the digits all filters "
        "lie far below the guesses. At the deeper layers points move together near one, learned filters above random "
        "ones, and at the first pool of VGG-19 the lowest two points are guesses.",
        "Learned filters give their input back no better than random ones but on digits: at LeNet-5's pool1 they are "
        f"{m['random_below_learned_lenet_pool1']:.2f} worse. At pool1 of the rescaled VGG-19 the channels' means, "
        f"which have not seen the picture, come {-m['random_below_means_vgg_pool1']:.2f} nearer than random filters.",
    )


def filter_coherence(record: Record) -> Shown:
    """The paper's coherences by layer, learned and random, beside the law of random filters."""
    figure, (ax,) = panels(1, 3.4)
    places = np.arange(len(TABLE_4))
    bands = {True: ("law of the modulus", LAW), False: ("law with signs", COLOURS[2])}
    for absolute, (label, colour) in bands.items():
        low, high = (
            [laws.largest_quantile(share, line.filters, line.fan_in, absolute) for line in TABLE_4.values()]
            for share in (0.025, 0.975)
        )
        ax.fill_between(places, low, high, color=colour, alpha=0.35, lw=0, label=label)
    (random, _), (learned, _) = told_apart("ab")
    ax.plot(places, [line.random for line in TABLE_4.values()], ls="", label="random, the paper", **random)
    ax.plot(places, [line.learned for line in TABLE_4.values()], ls="", label="learned, the paper", **learned)
    ax.set_xticks(places, list(TABLE_4), rotation=60)
    ax.set(yscale="log", ylabel="largest correlation of two filters", ylim=(0.05, 1.2))
    ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    legend(ax)
    by_modulus, signed = (record.measures[name].mean for name in ("inside_by_modulus", "inside_signed"))
    return show(
        figure,
        "Thirteen layers of VGG-16 with two points each on a logarithmic axis. The learned coherences fall from near "
        "one to near 0.4; the random ones lie far below, along two narrow bands that overlap, the one with signs a "
        "little lower.",
        f"Bands hold 95 % of what Gaussian filters of each layer's shape have. Of the paper's {len(TABLE_4)} random "
        f"numbers {signed:.0f} lie in the band with signs and {by_modulus:.0f} in that of the modulus: they look "
        "like largest correlations, not largest moduli.",
    )


FIGURES = {"active-shares": active_shares, "rebuilt-inputs": rebuilt_inputs, "filter-coherence": filter_coherence}
