"""A figure that is computed on the page: where runs end in the loss with two basins."""

from __future__ import annotations

import numpy as np

from reversible.papers.zhu2019.toy import CENTRES, SHARP, SPREAD, escaped, runs
from reversible.show.drawing import COLOURS, panels, show
from reversible.show.html import Shown

Array = np.ndarray
RUNS, SAMPLES, STEPS = 100, 100, 500
SHAPES = {"const": "isotropic noise", "leading": "noise like Σ"}
WINDOW = (-2.6, 2.2)


def basins() -> Shown:
    """Contours of the loss, and where runs end with isotropic noise and with noise of the shape of Σ."""
    figures, axes = panels(2, height=3.4)
    count, beyond = {}, {}
    for ax, (arm, words) in zip(axes, SHAPES.items(), strict=True):
        ends = runs(arm, "along", "own", RUNS, SAMPLES, STEPS, np.random.default_rng(1))
        out = escaped(ends, "along")
        count[arm] = int(out.sum())
        beyond[arm] = int(((SHARP / 2 * ends**2).sum(1) > ((ends - CENTRES["along"]) ** 2).sum(1)).sum())
        _contours(ax)
        for chosen, marker, colour in ((~out, "o", COLOURS[1]), (out, "^", COLOURS[0])):
            ax.plot(*_old(ends[chosen]).T, marker, color=colour, mfc="none", ms=4, ls="")
        ax.set(title=words, xlabel="first weight", ylabel="second weight", xlim=WINDOW, ylim=WINDOW, aspect="equal")
    return show(
        figures,
        [
            f"Contours of a loss with a narrow basin and a wide one, and the ends of {RUNS} runs with {words}."
            for words in SHAPES.values()
        ],
        f"A narrow, sharp basin, in which {RUNS} runs begin, and a wide, flat one below it. With isotropic noise "
        f"{count['const']} of them end at the minimum of the flat one or beyond (triangles), and with as much noise in "
        f"the shape of the gradients' covariance Σ {count['leading']}. Out of the sharp one are {beyond['const']} and "
        f"{beyond['leading']}.",
    )


def _contours(ax: object) -> None:
    """Of the mean loss over many samples."""
    side = np.linspace(*WINDOW, 70)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    w = _new(grid)[:, None] - np.random.default_rng(0).standard_normal((100, 2)) * SPREAD
    loss = np.minimum((SHARP / 2 * w**2).sum(-1), ((w - CENTRES["along"]) ** 2).sum(-1)).mean(1)
    levels = [0.05, 0.3, 1, 2, 4, 8]
    ax.contour(side, side, loss.reshape(70, 70), levels, colors="0.6", linewidths=0.7)  # pyright: ignore


def _old(w: Array) -> Array:
    """From (a, b) to the two weights, (R, 2)."""
    return 1 + np.stack([w[:, 0] + w[:, 1], w[:, 1] - w[:, 0]], 1) / np.sqrt(2)


def _new(old: Array) -> Array:
    x, y = (old - 1).T
    return np.stack([x - y, x + y], 1) / np.sqrt(2)
