"""Figures of the weights at hand: shares of nonzero activations, what comes back, coherence."""

from __future__ import annotations

import numpy as np

from reversible.papers.gilbert2017.figures.panels import together
from reversible.papers.gilbert2017.labels import GUESSES, PLACES, SPOTS
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_4
from reversible.records.record import Record
from reversible.show.drawing import legend, panels
from reversible.show.html import Shown
from reversible.theory import coherence as laws

PAPER_COLOUR, OURS, GREY = "C1", "C0", "0.45"


def active_shares(record: Record) -> Shown:
    """Shares by place: the paper's, VGG-19's here, random filters on the same pictures."""
    drawn, (ax,) = panels(1)
    places = np.arange(len(TABLE_2))
    series = {"VGG-16, the paper": ([*TABLE_2.values()], "D", PAPER_COLOUR)}
    for name, label, marker, colour in (
        ("learned", "VGG-19, here", "o", OURS),
        ("random", "random filters", "s", GREY),
    ):
        series[label] = ([record.measures[f"share_{name}_{spot}"].mean for spot in TABLE_2], marker, colour)
    for label, (values, marker, colour) in series.items():
        ax.plot(places, 100 * np.array(values), marker, color=colour, label=label)
    ax.set_xticks(places, [SPOTS[spot] for spot in TABLE_2], rotation=40, ha="right")
    ax.set(ylabel="nonzero activations, %", ylim=(0, 100))
    legend(ax, loc="lower right")
    gaps = [abs(record.measures[f"gap_{spot}"].mean) for spot in TABLE_2]
    more = -record.measures["sparser_than_random"].mean
    return together(
        [(drawn, f"Shares are within {100 * max(gaps):.1f} points of the paper's at all seven places.")],
        f"VGG-19 on small pictures has the paper's shares within {100 * max(gaps):.1f} points. They are no sign of "
        f"sparse codes: on the same pictures random filters keep {100 * more:.1f} points less, over the five "
        "convolutions.",
    )


def rebuilt_inputs(record: Record) -> Shown:
    """Errors of what comes back in one step, by what stands for the filters or for x^, a row a place."""
    places = [place for place in PLACES if f"error_random_{place}" in record.measures]
    drawn, (ax,) = panels(1, height=1.8 + 0.55 * len(places))
    looks = {"learned": ("o", OURS), "random": ("s", PAPER_COLOUR), "permuted": ("^", "C2"),
             "fixed": ("v", "C3"), "ones": ("x", GREY),
             "means": ("+", GREY), "abs_noise": ("1", GREY)}  # fmt: skip
    legends = GUESSES | {"fixed": "random, fixed switches"}
    for row, place in enumerate(reversed(places)):
        ax.axhline(row, color="0.9", lw=0.8, zorder=0)
        for name, (marker, colour) in looks.items():
            value = record.measures[f"error_{name}_{place}"].mean
            ax.plot(value, row, marker, color=colour, label=legends[name] if row == 0 else None, mfc="none")
    ax.set_yticks(range(len(places)), [PLACES[place].replace(", ", ",\n") for place in reversed(places)])
    ax.set(xlabel="error |x̂ − x| / |x|, x̂ as long as x", ylim=(-0.5, len(places) - 0.5))
    legend(ax, loc="upper center", bbox_to_anchor=(0.3, -0.25), ncols=2)
    below = record.measures["random_below_learned_lenet_pool1"].mean
    return together(
        [(drawn, f"Errors at {len(places)} layers, by learned, random and permuted filters and three guesses.")],
        f"Learned filters give their own input back no better than random ones at most layers: by {below:.2f} worse at "
        "LeNet-5's pool1, better only on digits. At pool1 of the rescaled VGG-19 the channels' means, a guess that "
        "has not seen the picture, are nearer to the input than either.",
    )


def filter_coherence(record: Record) -> Shown:
    """The paper's coherences by layer, learned and random, beside the law of random filters."""
    drawn, (ax,) = panels(1)
    places = np.arange(len(TABLE_4))
    bands = {True: ("law of the modulus", GREY), False: ("law with signs", "C2")}
    for absolute, (label, colour) in bands.items():
        low, high = (
            [laws.largest_quantile(share, line.filters, line.fan_in, absolute) for line in TABLE_4.values()]
            for share in (0.025, 0.975)
        )
        ax.fill_between(places, low, high, color=colour, alpha=0.3, lw=0, label=label)
    ax.plot(places, [line.random for line in TABLE_4.values()], "o", color=OURS, label="random, the paper")
    ax.plot(places, [line.learned for line in TABLE_4.values()], "D", color=PAPER_COLOUR, label="learned, the paper")
    ax.set_xticks(places, list(TABLE_4), rotation=60)
    ax.set(yscale="log", ylabel="largest correlation of two filters")
    legend(ax, loc="upper right", fontsize=8)
    by_modulus, signed = (record.measures[name].mean for name in ("inside_by_modulus", "inside_signed"))
    return together(
        [(drawn, "Random coherences of the paper lie in the law with signs, learned ones far above.")],
        f"Bands hold 95 % of what Gaussian filters of each layer's shape have. Of the paper's {len(TABLE_4)} random "
        f"numbers {signed:.0f} lie in the band with signs and {by_modulus:.0f} in that of the modulus: they look like "
        "largest correlations, not largest moduli.",
    )


FIGURES = {
    "active-shares": active_shares,
    "rebuilt-inputs": rebuilt_inputs,
    "filter-coherence": filter_coherence,
}
