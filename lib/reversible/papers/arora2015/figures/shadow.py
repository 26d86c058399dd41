"""Figures of the chapters on training: error along the steps, by number of images, on synthetic images, by variant."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from reversible import data
from reversible.base.estimates import Estimate
from reversible.nets.reversal import compare
from reversible.papers.arora2015.experiments.shadow import METHODS
from reversible.papers.arora2015.labels.training import DATA, place_words
from reversible.papers.arora2015.tables import tuned_cells
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, image_rows, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown
from reversible.training.config import Training
from reversible.training.run import Run
from reversible.training.synthetic import Generation, Shadow

# Colour by method, broken with dropout.
LOOKS = {
    method: {"color": colour, "ls": line}
    for method, (colour, line) in zip(METHODS, ((c, line) for c in COLOURS[:2] for line in ("-", "--")), strict=True)
}
OTHER = {"color": COLOURS[2], "ls": "-."}
SPOKEN = {"shadow": "SHADOW", "shadow dropout": "SHADOW, dropout", "backprop dropout": "backprop, dropout"}
# The variants of SHADOW and its controls as the figure names and groups them, from top to bottom.
VARIANTS = {
    "shadow": "SHADOW, from h2", "h1": "from h1", "h3": "from h3", "sampling": "sampling", "blur": "blurred",
    "lowpass": "low-pass filter", "theory scale": "theory's scale", "half share": "half as many images",
    "late start": "after 1/3 of the steps",
}  # fmt: skip
CONTROLS = {
    "permuted": "shuffled matrices", "gaussian": "Gaussian matrices", "noise": "plain noise",
    "doubled": "doubled real batch",
}  # fmt: skip


def shadow(record: Record) -> Shown:
    """Test error along training, a panel a data set at its largest number of images: means over seeds, 95 % bands."""
    places = _largest(_places(record))
    figures, axes = panels(len(places), 3.1)
    for ax, (place, runs) in zip(axes, places.items(), strict=True):
        for method, result in runs.items():
            _curve(ax, result, LOOKS.get(method, OTHER), SPOKEN.get(method, method))
        _frame_of_curves(ax, runs)
        ax.set(title=place_words(place), xlabel="steps", ylabel="test error")
        legend(ax)
    gains = [100 * record.measures[f"area_gain_{place}"].mean for place in places]
    return show(
        figures,
        [
            f"Test error against steps of training on {place_words(place)}: falling curves of {len(runs)} methods with "
            f"bands, those of SHADOW in orange, broken with dropout."
            for place, runs in places.items()
        ],
        f"Test error along training, means over seeds with bands for 95%. On average over the steps that of SHADOW is "
        f"{_higher(gains)} than that of plain backprop.",
    )


def _higher(gains: list[float]) -> str:
    """What SHADOW's errors are beside backprop's, in words, of the gains in percentage points."""
    low, high = sorted((min(gains), max(gains)), key=abs)
    if min(gains) >= 0 or max(gains) <= 0:
        return f"{abs(low):.1f} to {abs(high):.1f} points {'lower' if high > 0 else 'higher'}"
    return f"between {abs(min(gains)):.1f} points higher and {max(gains):.1f} points lower"


def _places(record: Record) -> dict[str, dict[str, Any]]:
    """Place -> method -> result, of the cells whose data were at hand."""
    places: dict[str, dict[str, Any]] = {}
    for cell, result in tuned_cells(record):
        places.setdefault(cell.place, {})[cell.method] = result
    return places


def _largest(places: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of each data set the place with the most images, the last."""
    by_data = {place.rpartition("_")[0]: place for place in places}
    return {place: places[place] for place in by_data.values()}


def _curve(ax: Axes, result: dict[str, Any], look: dict[str, Any], label: str) -> None:
    steps = [point["step"] for point in result["points"]]
    found = [Estimate.of(point["test_error"]) for point in result["points"]]
    ax.plot(steps[1:], [e.mean for e in found][1:], label=label, **look)
    low, high = zip(*(e.ci95 for e in found[1:]), strict=True)
    ax.fill_between(steps[1:], np.maximum(low, 1e-4), high, color=look["color"], alpha=0.15, lw=0)
    ax.set(xscale="log")


def _frame_of_curves(ax: Axes, runs: dict[str, Any]) -> None:
    """Steps and errors in plain numbers; the first steps, the same for all, run out at the top."""
    means = [[np.mean(point["test_error"]) for point in result["points"]] for result in runs.values()]
    steps = [point["step"] for point in next(iter(runs.values()))["points"]]
    ticks = [steps[1], *steps[3:5], steps[-1]]
    ax.set_xticks(ticks, [f"{step:,}" for step in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if max(map(max, means)) > 0.2 else 1))
    ax.set_ylim(0.9 * min(map(min, means)), min(1.0, 1.1 * max(row[3] for row in means)))


def shadow_sizes(record: Record) -> Shown:
    """What SHADOW gains on MNIST by number of training images, with and without dropout, at equal steps and time."""
    cells = [cell for cell, _ in tuned_cells(record)]
    largest = "mnist" if any(cell.training.data == "mnist" for cell in cells) else "digits"
    images = {cell.place: cell.training.images for cell in cells if cell.training.data == largest}
    places = list(images)
    figures, axes = panels(2)
    kinds = (("final_gain", "after equal steps"), ("equal_time_gain", "in equal time"))
    for ax, (kind, title) in zip(axes, kinds, strict=True):
        for nudge, (look, (label, words)) in zip(
            (-0.07, 0.07), told_apart([("", "without dropout"), ("_dropout", "with dropout")]), strict=True
        ):
            found = [record.measures[f"{kind}{label}_{place}"].scaled(100) for place in places]
            mean, bars = means_and_bars(found)
            ax.errorbar(np.arange(len(places)) + nudge, mean, bars, ls="", lw=1, capsize=2, label=words, **look)
        ax.axhline(0, color=LAW)
        ax.set(xlabel=f"training images of {DATA[largest]}", ylabel="points  ← worse | better →", title=title)
        ax.set_xticks(range(len(places)), [f"{count:,}" if count else "all" for count in images.values()])
        ax.set_xlim(-0.5, len(places) - 0.5)
        legend(ax)
    first = record.measures[f"final_gain_{places[0]}"].scaled(100)
    return show(
        figures,
        [
            f"The final test error of backprop less SHADOW's, {title}, by number of training images: points with their "
            f"intervals about or below a line at zero."
            for _, title in kinds
        ],
        f"Final test error of backprop less SHADOW's, in percentage points: above zero SHADOW is the better one. With "
        f"the fewest images of {DATA[largest]} the difference is {first}.",
    )


def shadow_tracking(record: Record) -> Shown:
    """Error on synthetic images beside error on the real ones they are made from, along training."""
    figures, axes = panels(2, 3.6)
    places = _largest(_places(record))
    for ax, method, words in zip(axes, ("shadow", "backprop"), ("SHADOW", "backprop"), strict=True):
        for look, (place, runs) in told_apart(places.items()):
            real, made = (np.array([np.mean(point[name]) for point in runs[method]["points"]])
                          for name in ("shown_error", "synthetic_error"))  # fmt: skip
            ax.plot(real, made, lw=1, ms=3.5, label=place_words(place), **look)
        ax.plot([0, 1], [0, 1], color=LAW)
        ax.set(xlabel="error on real test images", ylabel="error on their synthetic ones", title=f"trained by {words}",
               xlim=(0, 1), ylim=(0, 1))  # fmt: skip
        legend(ax)
    together = [record.measures[f"correlation_shadow_{place}"].mean for place in places]
    return show(
        figures,
        [
            "Error on synthetic against error on real images in SHADOW runs: paths from the upper right to the lower "
            "left, a little above the diagonal.",
            "The same in runs of plain backprop: the paths lie further above the diagonal.",
        ],
        f"Along training (from the upper right down) the error on synthetic images goes with the error on the real "
        f"ones: in SHADOW runs the correlation is at least {min(together):.3f}. On the diagonal the two are equal.",
    )


def shadow_ablations(record: Record) -> Shown:
    """By how much each variant's final test error lies below backprop's, with its interval; a panel a data set."""
    places = {place: list(runs) for place, runs in _places(record).items()}
    figures, axes = panels(len(places), 4.4)
    best = {}
    for ax, (place, methods) in zip(axes, places.items(), strict=True):
        rows = [method for method in (*VARIANTS, *CONTROLS) if method in methods]
        below = [record.measures[f"{m.replace(' ', '_')}_below_backprop_{place}"].scaled(100) for m in rows]
        _rows_of_variants(ax, rows, below)
        top, estimate = max(zip(rows, below, strict=True), key=lambda pair: pair[1].mean)
        best[place] = f"{(VARIANTS | CONTROLS)[top]} on {place_words(place).split(',')[0]} ({estimate.mean:+.1f})"
        ax.set(title=f"{place_words(place)} images", xlabel="points  ← worse | better →")
    return show(
        figures,
        [
            f"On {place_words(place)} images: a row for SHADOW, its variants and, with hollow markers, the controls, "
            f"with the difference from backprop's final error and its interval about a line at zero."
            for place in places
        ],
        f"Final test error of backprop less that of each variant, in percentage points: to the right of the line a "
        f"variant is better than backprop. SHADOW is orange, controls are hollow. Farthest to the right are "
        f"{', '.join(best.values())}.",
    )


def _rows_of_variants(ax: Axes, rows: list[str], below: list[Estimate]) -> None:
    """SHADOW orange, its variants blue, controls hollow, with a gap above the controls."""
    gap = 0.6
    heights = [i + gap * (method in CONTROLS) for i, method in enumerate(rows)]
    for y, method, e in zip(heights, rows, below, strict=True):
        colour = COLOURS[1] if method == "shadow" else LAW if method in CONTROLS else COLOURS[0]
        marker = "D" if method == "shadow" else "s" if method in CONTROLS else "o"
        ax.plot(e.ci95, (y, y), color=colour, lw=1.5)
        ax.plot(e.mean, y, marker, ms=5, color=colour, mfc="white" if method in CONTROLS else colour)
    ax.axvline(0, color=LAW, lw=1)
    words = VARIANTS | CONTROLS
    ax.set_yticks(heights, [words[method] for method in rows])
    ax.set_ylim(heights[-1] + 0.6, -0.6)
    controls = [y for y, method in zip(heights, rows, strict=True) if method in CONTROLS]
    if controls:
        ax.axhspan(controls[0] - 0.5, heights[-1] + 0.6, color="0.95", zorder=0, lw=0)
        ax.annotate("controls", (1, controls[0] - 0.55), (0, 1), xycoords=("axes fraction", "data"),
                    textcoords="offset points", ha="right", va="bottom", color=LAW)  # fmt: skip


def shadow_pictures(count: int = 6) -> Shown:
    """Training images and what a net in training makes of them, from each layer; MNIST if at hand, else digits."""
    try:
        images, p = data.load("mnist", train=True), _pictured("mnist", (400, 400, 400))
    except data.NotAtHand:
        images, p = data.load("digits", train=True), _pictured("digits", (100, 100, 100))
    run, x = Run(p), images.take(slice(count)).scaled()[None]
    lines = [("images", x[0])]
    steps = (0, p.steps // 10, p.steps)
    for step in steps:
        run.advance(step)
        for source in (1, 2, 3):
            make = Generation.of(Shadow(source=source), run.stack.net, images.side, False, [])
            lines.append((f"h{source}, {step} steps", make(run.stack.net, x, [])[0]))
    before, after = (float(compare(x[0], lines[place][1]).cosine.mean()) for place in (2, -2))
    return show(
        image_rows([(label, shown.numpy()) for label, shown in lines], images.side, vmax=1),
        f"Rows of {count} images: training images, then the synthetic ones that a net makes of them from its layers "
        f"h1, h2 and h3 after {', '.join(map(str, steps))} steps of training. They get clearer from row to row.",
        f"Images (top row) and their synthetic ones, from each layer of a net before training, early in it and after "
        f"{p.steps} steps. From h2 their mean cosine with the images is {before:.2f} before training and {after:.2f} "
        f"after it.",
    )


def _pictured(name: str, hidden: tuple[int, ...]) -> Training:
    return Training(
        data=name, hidden=hidden, images=1000, steps=300, lr=0.03, batch=100, seeds=(0,), shadow=Shadow(source=3)
    )


FIGURES = {"shadow": shadow, "shadow-ablations": shadow_ablations, "shadow-long": shadow}
