"""Nets of random and of learned filters: accuracies, the paper's and ours, by layers and width; and steps back."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.gilbert2017.net_labels import WIDTHS
from reversible.papers.gilbert2017.net_measures import DEPTHS, PAPERS_LARGEST
from reversible.records.record import Record
from reversible.show.drawing import Look, by_size, label_ends, legend, means_and_bars, panels, show
from reversible.show.html import Shown, table

# Table 1, accuracy in percent by the number of layers; the best over sizes of filters and numbers of channels
TABLE_1 = {"random": (66.5, 74.6, 74.8), "learned": (68.1, 83.3, 89.3)}
WHY = {
    "random": "fewer filters and images; the paper's classifier is not known",
    "learned": "the same, and a short training",
}
NAMES = {"random": "random", "learned": "learned"}
LOOKS: dict[str, Look] = {"random": {"color": "C0", "marker": "o"}, "learned": {"color": "C1", "marker": "s"}}
FRESH: Look = {"color": "C2", "marker": "^"}


def cifar_nets(record: Record) -> Shown:
    """Accuracy by layers beside Table 1; by the number of filters, with its line; cosines layer by layer."""
    drawn, (by_depth, by_width, back) = panels(3, height=3.3)
    _by_depth(by_depth, record)
    _by_width(by_width, record)
    _back(back, record)
    one, three = (100 * record.measures[f"learned_less_random_{depth}"].mean for depth in (1, 3))
    widest = _widths(record, "learned", 1)[-1]
    alts = [
        "Accuracy of nets of one, two and three layers, learned and random: the paper's as open markers, those of nets "
        f"of {widest} filters here as filled ones.",
        "Accuracy by the number of filters on a logarithmic axis, for one, two and three layers, with straight lines "
        f"up to {PAPERS_LARGEST:,} filters and the paper's accuracies there.",
        "Cosine of the input of each layer and what one step back gives of it, by learned filters, by random ones at "
        "the same inputs, and in random nets.",
    ]
    return show(drawn, alts, (
        f"With {widest} filters a layer, learning adds {one:.1f} points in nets of one layer and {three:.1f} in nets "
        f"of three; the paper has {_papers_gap(1):.1f} and {_papers_gap(3):.1f}. Lines in the second panel are straight"
        " in the logarithm and no forecast; the markers beyond their ends are the paper's. Learned filters give a "
        f"layer's input back with a cosine of {_cosines(record, 'learned')}, random ones with "
        f"{_cosines(record, 'fresh')}."
    ))  # fmt: skip


def _papers_gap(depth: int) -> float:
    return TABLE_1["learned"][depth - 1] - TABLE_1["random"][depth - 1]


def _cosines(record: Record, kind: str) -> str:
    found = [f"{record.measures[f'cosine_{kind}_{layer}'].mean:.2f}" for layer in DEPTHS]
    return f"{', '.join(found[:-1])} and {found[-1]}"


def _widths(record: Record, kind: str, depth: int) -> list[int]:
    """The numbers of filters that nets of a kind were run with."""
    return [int(K) for K in WIDTHS if f"accuracy_{kind}_{depth}_{K}" in record.measures]


def _bars(ax: Axes, x: Any, estimates: list[Estimate], scale: float = 1.0, **look: Any) -> None:
    means, bars = means_and_bars(estimate.scaled(scale) for estimate in estimates)
    ax.errorbar(x, means, bars, capsize=2, lw=1, **look)


def _by_depth(ax: Axes, record: Record) -> None:
    for kind, look in LOOKS.items():
        ax.plot(DEPTHS, TABLE_1[kind], ls=":", mfc="none", label=f"{NAMES[kind]}, the paper", **look)
        K = _widths(record, "learned", 1)[-1]
        found = [record.measures[f"accuracy_{kind}_{depth}_{K}"] for depth in DEPTHS]
        _bars(ax, DEPTHS, found, 100, ls="-", label=f"{NAMES[kind]}, here", **look)
    ax.set(xlabel="layers", ylabel="accuracy, %", xticks=DEPTHS, xlim=(0.8, 3.2))
    legend(ax)


def _by_width(ax: Axes, record: Record) -> None:
    ends = []
    for look, depth in by_size(DEPTHS):
        for kind in LOOKS:
            filled: Look = {"mfc": look["color"] if kind == "random" else "none"}
            widths = _widths(record, kind, depth)
            _bars(ax, widths, [record.measures[f"accuracy_{kind}_{depth}_{K}"] for K in widths], 100, ls="",
                  **look, **filled)  # fmt: skip
            ends.append((_line(ax, record, kind, depth, widths[0], look["color"]), f"{kind}, {depth}", look["color"]))
            ax.plot(PAPERS_LARGEST * 1.25, TABLE_1[kind][depth - 1], ls="", ms=6, **look, **filled)
    ax.set(xscale="log", xlabel="filters of each layer", ylabel="accuracy, %")
    ticks = [16, 64, 256, 2048]
    ax.set_xticks(ticks, [f"{K:,}" for K in ticks])
    ax.set_xticks([], minor=True)
    label_ends(ax, ends)


def _line(ax: Axes, record: Record, kind: str, depth: int, first: int, colour: Any) -> float:
    """The line in the logarithm of the number of filters, and its height at the paper's largest number."""
    end = record.measures[f"{kind}_at_the_papers_{depth}"].mean
    slope = record.measures[f"{kind}_by_doubling_{depth}"].mean
    start = end + slope * math.log2(first / PAPERS_LARGEST)
    ax.plot([first, PAPERS_LARGEST], [100 * start, 100 * end], ls=":" if kind == "random" else "--", color=colour, lw=1)
    return 100 * end


def _back(ax: Axes, record: Record) -> None:
    labels = {"learned": "learned filters", "fresh": "random ones, same inputs", "random": "random nets"}
    for kind, look in (("learned", LOOKS["learned"]), ("fresh", FRESH), ("random", LOOKS["random"])):
        found = [record.measures[f"cosine_{kind}_{layer}"] for layer in DEPTHS]
        _bars(ax, DEPTHS, found, ls="-", label=labels[kind], **look)
    ax.set(xlabel="layer", ylabel="cosine with what comes back", xticks=DEPTHS)
    ax.set(xlim=(0.8, 3.2), ylim=(0, 1))
    legend(ax)


def table_1(record: Record) -> Shown:
    """Table 1: the paper's accuracies, ours, and why they differ."""
    lines = []
    for kind, papers in TABLE_1.items():
        for depth, accuracy in zip(DEPTHS, papers, strict=True):
            K = _widths(record, kind, depth)[-1]
            here = _percent(record.measures[f"accuracy_{kind}_{depth}_{K}"])
            line = _percent(record.measures[f"{kind}_at_the_papers_{depth}"])
            lines.append([f"{kind}, {depth}", f"{accuracy:.1f}", f"{here} with {K} filters", line, WHY[kind]])
    head = [
        "filters, layers",
        "the paper, %",
        "here, %",
        f"the line at {PAPERS_LARGEST:,} filters, %",
        "why they differ",
    ]
    return Shown(table(head, lines))


def _percent(estimate: Estimate) -> str:
    return str(estimate.scaled(100))


def words(record: Record) -> dict[str, str]:
    """Numbers for the prose, by name."""
    m = record.measures
    cell = max(record.parameters["cells"], key=lambda cell: (bool(cell["learned"]), cell["K"]))
    percent = {name: f"{100 * m[name].mean:.1f}" for name in ("pixels", "shuffled")}
    return {
        "nets_images": f"{cell['images']:,}",
        "nets_passes": f"{cell['epochs']}",
        "nets_seeds": f"{m['learned_less_random_1'].n}",
        "nets_control_seeds": f"{m['pixels'].n}",
        "nets_pixels": percent["pixels"],
        "nets_shuffled": percent["shuffled"],
        "nets_law": " and ".join(f"{m[f'law_ratio_random_{layer}'].mean:.2f}" for layer in (1, 2)),
        "nets_law_learned": " and ".join(f"{m[f'law_ratio_learned_{layer}'].mean:.2f}" for layer in (1, 2)),
        "nets_cosine_1": f"{m['cosine_by_width_1'].mean:.2f}",
    }


FIGURES = {"cifar-nets": cifar_nets}
