"""The pieces of a net in a plane, drawn: polygons in the colours of what the net says there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from reversible.nets.polygons import Tiling
from reversible.show.drawing import LAW

COLOURS = "Set3"  # twelve light ones
COUNT = 12
MANY = 1000  # pieces whose edges are drawn thinner


def classes_of(scores: np.ndarray) -> np.ndarray:
    """What a net says by its scores (B, classes): the largest, and of a single one whether it is positive."""
    return (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(1)


def draw_tiling(ax: Axes, tiles: Tiling, points: np.ndarray, names: Sequence[object]) -> None:
    """All pieces, each in the colour of the class in its middle, and the points (B, n) of the plane by their names."""
    window = tiles.window
    shapes = [tiles.corners[list(polygon)] for polygon in tiles.polygons]
    said = classes_of(np.array([tiles.values[list(polygon)].mean(0) for polygon in tiles.polygons]))
    thin = 0.4 if len(shapes) < MANY else 0.2
    cells = PolyCollection(shapes, array=(said % COUNT).astype(float), cmap=COLOURS, edgecolors="0.3", linewidths=thin)
    cells.set_clim(-0.5, COUNT - 0.5)
    ax.add_collection(cells)
    sides = np.array([window.first, window.second])
    flat = np.linalg.lstsq(sides.T, (points - window.origin).T)[0].T
    for place, name in zip(flat, names, strict=True):
        ax.text(float(place[0]), float(place[1]), str(name), ha="center", va="center", color="black", weight="bold")
    (left, low), (right, high) = window.low, window.high
    ax.set(xlim=(left, right), ylim=(low, high), xlabel="along the first direction", ylabel="along the second")
    ax.set_aspect("equal")
    ax.spines[:].set_color(LAW)
