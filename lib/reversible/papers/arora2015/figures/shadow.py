"""Figures of the chapters on training: error along the steps, by number of images, on synthetic images, by variant."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from reversible import data
from reversible.base.estimates import Estimate
from reversible.papers.arora2015.experiments.shadow import METHODS
from reversible.papers.arora2015.labels.training import DATA, place_words
from reversible.papers.arora2015.tables import tuned_cells
from reversible.records.record import Record
from reversible.show.drawing import coloured, image_rows, legend, panels, show, span, style
from reversible.show.html import Shown
from reversible.training.config import Training
from reversible.training.run import Run
from reversible.training.synthetic import Generation, Shadow

LOOKS = dict(zip(METHODS, ("C0-", "C0--", "C1-", "C1--"), strict=True))  # colour by method, broken with dropout
CONTROLS = ("permuted", "gaussian", "noise", "doubled")


def shadow(record: Record) -> Shown:
    """Test error along training, a panel a data set and number of images: means over seeds, bands for 95 %."""
    places = _places(record)
    style()
    rows = 1 if len(places) <= 2 else 2
    shape = (rows, -(-len(places) // rows))
    figure, axes = plt.subplots(*shape, figsize=(10, 3.2 * rows), layout="constrained", squeeze=False)
    for ax, (place, runs) in zip(axes.flat, places.items(), strict=False):
        for method, result in runs.items():
            _curve(ax, result, LOOKS.get(method, "C2-"), method)
        means = [[np.mean(point["test_error"]) for point in result["points"]] for result in runs.values()]
        steps = [point["step"] for point in next(iter(runs.values()))["points"]]
        ax.set_xticks([steps[1], *steps[3:5], steps[-1]], [f"{step:,}" for step in (steps[1], *steps[3:5], steps[-1])])
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if max(map(max, means)) > 0.2 else 1))
        # The first steps are the same for all: what is shown begins below the error after an eighth of them.
        ax.set(
            title=place_words(place), ylim=(0.9 * min(map(min, means)), min(1.0, 1.1 * max(row[3] for row in means)))
        )
    for ax in axes.flat[len(places) :]:
        ax.axis("off")
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.supxlabel("steps", fontsize=10)
    figure.supylabel("test error", fontsize=10)
    gains = [record.measures[f"area_gain_{place}"].mean for place in places]
    return show(
        figure, f"Test error of four methods along training; mean gains of SHADOW along the way: {span(gains)}."
    )


def _places(record: Record) -> dict[str, dict[str, Any]]:
    """Place -> method -> result, of the cells whose data were at hand."""
    places: dict[str, dict[str, Any]] = {}
    for cell, result in tuned_cells(record):
        places.setdefault(cell.place, {})[cell.method] = result
    return places


def _curve(ax: Axes, result: dict[str, Any], look: str, label: str) -> None:
    steps = [point["step"] for point in result["points"]]
    found = [Estimate.of(point["test_error"]) for point in result["points"]]
    ax.plot(steps[1:], [e.mean for e in found][1:], look, lw=1.4, label=label)
    low, high = zip(*(e.ci95 for e in found[1:]), strict=True)
    ax.fill_between(steps[1:], np.maximum(low, 1e-4), high, color=look[:2], alpha=0.15, lw=0)
    ax.set(xscale="log")


def shadow_sizes(record: Record) -> Shown:
    """What SHADOW gains on MNIST by number of training images, with and without dropout, at equal steps and time."""
    cells = [cell for cell, _ in tuned_cells(record)]
    largest = "mnist" if any(cell.training.data == "mnist" for cell in cells) else "digits"
    images = {cell.place: cell.training.images for cell in cells if cell.training.data == largest}
    places = list(images)
    figure, axes = panels(2)
    x = np.arange(len(places))
    kinds = (("final_gain", "final error"), ("equal_time_gain", "at equal time"))
    for ax, (kind, title) in zip(axes, kinds, strict=True):
        for nudge, label, words in ((-0.05, "", "without dropout"), (0.05, "_dropout", "with dropout")):
            found = [record.measures[f"{kind}{label}_{place}"].scaled(100) for place in places]
            mean = np.array([e.mean for e in found])
            bars = np.abs(np.array([e.ci95 for e in found]).T - mean)
            ax.errorbar(x + nudge, mean, bars, fmt="o-", ms=4, capsize=2, lw=1, label=words)
        ax.axhline(0, color="0.6", lw=1)
        ax.set(xlabel=f"training images of {DATA[largest]}", ylabel="backprop less SHADOW, points", title=title)
        ax.set_xticks(x, [f"{count:,}" if count else "all" for count in images.values()])
    legend(axes[0])
    gains = [record.measures[f"final_gain_{place}"].mean for place in places]
    return show(figure, f"Gain in final test error by number of training images: {span(gains)}.")


def shadow_tracking(record: Record) -> Shown:
    """Error on synthetic images beside error on the real ones they are made from, along training."""
    figure, axes = panels(2, height=4.2)
    for ax, method, words in zip(axes, ("shadow", "backprop"), ("SHADOW", "backprop"), strict=True):
        for colour, (place, runs) in coloured(_places(record).items()):
            real, made = (np.array([np.mean(point[name]) for point in runs[method]["points"]])
                          for name in ("shown_error", "synthetic_error"))  # fmt: skip
            ax.plot(real, made, "o-", ms=3, lw=1, color=colour, label=place_words(place))
        ax.plot([0, 1], [0, 1], color="0.6", lw=1)
        ax.set(xlabel="error on real test images", ylabel="error on their synthetic ones", title=f"trained by {words}",
               xlim=(0, 1), ylim=(0, 1))  # fmt: skip
    legend(axes[1])
    together = [record.measures[f"correlation_shadow_{place}"].mean for place in _places(record)]
    return show(
        figure, f"The two errors along training, beside the diagonal; correlations in SHADOW runs {span(together)}."
    )


def shadow_ablations(record: Record) -> Shown:
    """By how much each variant's final test error lies below backprop's, with its interval; a panel a data set."""
    places = {place: list(runs) for place, runs in _places(record).items()}
    figure, axes = panels(len(places), height=5)
    shown = []
    for ax, (place, methods) in zip(axes, places.items(), strict=True):
        others = [method for method in methods if method != "backprop"][::-1]
        found = [record.measures[f"{m.replace(' ', '_')}_below_backprop_{place}"].scaled(100) for m in others]
        for y, (method, e) in enumerate(zip(others, found, strict=True)):
            colour = "C1" if method == "shadow" else "C3" if method in CONTROLS else "0.35"
            ax.plot(e.ci95, (y, y), color=colour, lw=1.5)
            ax.plot(e.mean, y, "o", ms=4, color=colour)
        ax.axvline(0, color="0.6", lw=1)
        ax.set_yticks(range(len(others)), others if ax is axes[0] else [""] * len(others), fontsize=9)
        ax.set(title=place_words(place), xlabel="below backprop, points")
        shown += [e.mean for e in found]
    return show(figure, f"Variants of SHADOW and controls beside backprop: {span(shown)} percentage points below it.")


def shadow_pictures(count: int = 6) -> Shown:
    """Training images and what a net in training makes of them, from each layer; MNIST if at hand, else digits."""
    try:
        images, p = data.load("mnist", train=True), _pictured("mnist", (400, 400, 400))
    except data.NotAtHand:
        images, p = data.load("digits", train=True), _pictured("digits", (100, 100, 100))
    run, x = Run(p), images.take(slice(count)).scaled()[None]
    lines = [("images", x[0])]
    for step in (0, p.steps // 10, p.steps):
        run.advance(step)
        for source in (1, 2, 3):
            make = Generation.of(Shadow(source=source), run.stack.net, images.side, False, [])
            lines.append((f"h{source}, {step} steps", make(run.stack.net, x, [])[0]))
    figure = image_rows(lines, images.side, (count + 1, len(lines)), vmax=1)
    return show(figure, f"{count} images and their synthetic ones from h1, h2 and h3 after 0 to {p.steps} steps.")


def _pictured(name: str, hidden: tuple[int, ...]) -> Training:
    return Training(
        data=name, hidden=hidden, images=1000, steps=300, lr=0.03, batch=100, seeds=(0,), shadow=Shadow(source=3)
    )


FIGURES = {"shadow": shadow, "shadow-ablations": shadow_ablations, "shadow-gpu": shadow, "shadow-long": shadow}
