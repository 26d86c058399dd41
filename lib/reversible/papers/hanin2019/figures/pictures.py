"""Figures that are computed on the page: a plane through three digits cut into its pieces."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from reversible import data
from reversible.nets.polygons import Tiling, Window, tiling
from reversible.nets.program import Program
from reversible.show.drawing import LAW, panels, show
from reversible.show.html import Shown
from reversible.training.config import Training
from reversible.training.hooks import errors
from reversible.training.run import Run

EPOCHS, IMAGES, BATCH, HIDDEN = 20, 1000, 50, (16, 16)
CLASSES = (0, 1, 2)


def three_digits() -> Shown:
    """A plane through the first test images of three classes, before and after training."""
    steps = EPOCHS * IMAGES // BATCH
    run = Run(
        Training(data="digits", hidden=HIDDEN, images=IMAGES, steps=steps, lr=0.02, batch=BATCH, seeds=(1,)),
        probes=(errors,),
    )
    nets = [run.stack.nets()[0]]
    (row,) = run.follow()
    nets.append(run.stack.nets()[0])
    test = data.load("digits", train=False)
    x = test.scaled().double().numpy()
    three = np.array([x[int((test.labels == c).nonzero()[0])] for c in CLASSES])
    window = Window.through(three)
    found = [tiling(Program.of(net), window) for net in nets]
    figures, axes = panels(2, height=3.4)
    for ax, tiles, title in zip(axes, found, ("before training", "after training"), strict=True):
        _draw(ax, tiles, three)
        ax.set_title(title)
    before, after = (tiles.activation_regions for tiles in found)
    return show(
        figures,
        [
            "A window of a plane through three digits, cut into convex polygons by a net before training.",
            "The same window after training: cut into a similar number of other polygons.",
        ],
        f"A plane through three test digits (marked by their class) in a net of {sum(HIDDEN)} neurons: {before} pieces "
        f"before training, and {after} after it, when {row['test_error'][0]:.0%} of the test images are wrong. Colours "
        f"are the class that the net says in the middle of a piece.",
    )


def _draw(ax: Axes, tiles: Tiling, three: np.ndarray) -> None:
    window = tiles.window
    said = [int(tiles.values[list(polygon)].mean(0).argmax()) for polygon in tiles.polygons]
    shapes = [tiles.corners[list(polygon)] for polygon in tiles.polygons]
    cells = PolyCollection(shapes, array=np.array(said, float), cmap="Pastel1", edgecolors="0.3", linewidths=0.4)
    cells.set_clim(0, 9)
    ax.add_collection(cells)
    flat = (three - window.origin) @ np.array([window.first, window.second]).T
    for place, name in zip(flat, CLASSES, strict=True):
        ax.text(float(place[0]), float(place[1]), str(name), ha="center", va="center", color="black", weight="bold")
    (left, low), (right, high) = window.low, window.high
    ax.set(xlim=(left, right), ylim=(low, high), xlabel="along the first direction", ylabel="along the second")
    ax.set_aspect("equal")
    ax.spines[:].set_color(LAW)
