"""Figures that are computed on the page: three classes of digits as a linear classifier sees them, layer by layer."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from reversible.nets.separable import separability
from reversible.papers.belilovsky2019.greedy import Plan, Sets, greedy, sets_of
from reversible.show.drawing import panels, show_moments, told_apart
from reversible.show.html import Shown

Array = np.ndarray
CLASSES = (3, 8, 9)
LAYERS, WIDTH, EPOCHS, BATCH, RATE, IMAGES = 6, 32, 8, 25, 0.03, 1000
CORNERS = np.array([[math.cos(a), math.sin(a)] for a in (math.pi / 2, -math.pi / 6, -5 * math.pi / 6)])
PENALTY = 1.0  # of the classifier whose scores are drawn, a standard deviation of one for each feature


def layer_by_layer() -> Shown:
    """Test digits of three classes by the scores of a linear classifier: of pixels, and of what each layer gives."""
    found = moments()
    figures, axes = panels(len(found), height=3.4)
    for ax, (place, points, labels, _) in zip(axes, found, strict=True):
        draw(ax, points, labels)
        ax.set_title(when(place))
    first, last = found[0][3], found[-1][3]
    return show_moments(
        figures,
        [f"Test digits of three classes as points in a triangle, {when(place)}." for place, *_ in found],
        [f"{when(place)}: {1 - share:.1%} of all test digits wrong" for place, _, _, share in found],
        "layer",
        f"Test digits of three classes between the corners of a triangle, where a linear classifier would put them "
        f"that is fitted to the pixels, or to the {WIDTH} features of a layer. Of all test digits such a classifier "
        f"gets {1 - first:.1%} wrong on the pixels, and {1 - last:.1%} after {LAYERS} layers that were trained one by "
        f"one.",
    )


def moments() -> list[tuple[int, Array, Array, float]]:
    """The number of layers, the points and labels of the three classes, and the share that a linear probe has right."""
    sets = sets_of("digits", IMAGES, 0, (1,))
    found = [(0, *seen(sets))]
    for stage in greedy(Plan((WIDTH,) * LAYERS, 1, EPOCHS, BATCH, RATE), sets, (1,), ()):
        found.append((len(found), *seen(stage.through())))
    return found


def seen(sets: Sets) -> tuple[Array, Array, float]:
    """Points (N, 2) of test digits of the three classes, their labels, and the share right of all test digits."""
    x, y, unseen, said = (
        value[0].numpy() for value in (sets.train.x, sets.train.labels, sets.test.x, sets.test.labels)
    )  # fmt: skip
    share = separability(x, y, unseen, said)
    own, shown = np.isin(y, CLASSES), np.isin(said, CLASSES)
    mean, sd = x[own].mean(0), x[own].std(0)
    scale = np.where(sd > 0, sd, np.inf)
    features = (x[own] - mean) / scale
    targets = CORNERS[np.searchsorted(CLASSES, y[own])]
    fit = np.linalg.solve(features.T @ features + PENALTY * np.eye(x.shape[1]), features.T @ targets)
    return (unseen[shown] - mean) / scale @ fit + targets.mean(0), said[shown], share


def draw(ax: Axes, points: Array, labels: Array) -> None:
    """The triangle of the classes, and the digits."""
    outline = np.vstack([CORNERS, CORNERS[:1]])
    ax.plot(*outline.T, color="0.8", lw=0.8)
    for look, (place, digit) in told_apart(enumerate(CLASSES)):
        own = points[labels == digit]
        ax.plot(*own.T, ls="", ms=3, alpha=0.6, color=look["color"], marker=look["marker"])
        x, y = 1.9 * CORNERS[place]
        ax.text(x, y, str(digit), ha="center", va="center", color=look["color"], fontsize=11, fontweight="bold")
    ax.set(xlim=(-2.1, 2.1), ylim=(-1.7, 2.2), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)


def when(place: int) -> str:
    if place == 0:
        return "pixels"
    return f"after {place} layer{'s' * (place > 1)}"
