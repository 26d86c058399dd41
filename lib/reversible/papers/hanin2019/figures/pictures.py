"""Figures that are computed on the page: a plane through three digits cut into its pieces."""

from __future__ import annotations

import numpy as np

from reversible import data
from reversible.nets.polygons import Tiling, Window, tiling
from reversible.nets.program import Program
from reversible.show.drawing import panels, show_moments
from reversible.show.html import Shown
from reversible.show.tilings import draw_tiling
from reversible.training.config import Training
from reversible.training.hooks import errors
from reversible.training.run import Run

EPOCHS, IMAGES, BATCH, HIDDEN = (0, 1, 2, 3, 4, 6, 8, 10, 13, 16, 20), 1000, 50, (16, 16)
CLASSES = (0, 1, 2)


def three_digits() -> Shown:
    """A plane through the first test images of three classes, before training, at moments of it, and after."""
    three = _three()
    found = _moments(Window.through(three))
    figures, axes = panels(len(found), height=3.4)
    for ax, (epoch, tiles, _) in zip(axes, found, strict=True):
        draw_tiling(ax, tiles, three, CLASSES)
        ax.set_title(_when(epoch))
    (_, first, _), *_, (_, last, wrong) = found
    return show_moments(
        figures,
        [_alt(epoch) for epoch, _, _ in found],
        [f"{_when(e)}: {t.activation_regions} pieces, {w:.0%} of the test images wrong" for e, t, w in found],
        "moment of training",
        f"A plane through three test digits (marked by their class) in a net of {sum(HIDDEN)} neurons: "
        f"{first.activation_regions} pieces before training, and {last.activation_regions} after it, when {wrong:.0%} "
        f"of the test images are wrong. Colours are the class that the net says in the middle of a piece.",
    )


def _three() -> np.ndarray:
    test = data.load("digits", train=False)
    x = test.scaled().double().numpy()
    return np.array([x[int((test.labels == c).nonzero()[0])] for c in CLASSES])


def _moments(window: Window) -> list[tuple[int, Tiling, float]]:
    """Of one net in training: epochs, its pieces in the window, and how many of the test images are wrong."""
    passing = IMAGES // BATCH
    run = Run(
        Training(
            data="digits", hidden=HIDDEN, images=IMAGES, steps=EPOCHS[-1] * passing, lr=0.02, batch=BATCH, seeds=(1,),
            snapshots=tuple(epoch * passing for epoch in EPOCHS),
        ),
        probes=(errors,),
    )  # fmt: skip
    return [
        (row["step"] // passing, tiling(Program.of(run.stack.nets()[0]), window), row["test_error"][0])
        for row in run.follow()
    ]


def _when(epoch: int) -> str:
    if epoch == 0:
        return "before training"
    return "after training" if epoch == EPOCHS[-1] else f"after {epoch} epoch{'s' * (epoch > 1)}"


def _alt(epoch: int) -> str:
    if epoch == 0:
        return "A window of a plane through three digits, cut into convex polygons by a net before training."
    return f"The same window {_when(epoch)}, cut into other polygons, in the colours of the classes that the net says."
