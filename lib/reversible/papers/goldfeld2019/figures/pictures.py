"""The figure that is computed on the page: where a small net puts its inputs, while it learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from reversible.papers.goldfeld2019.experiments.trained import Data, Trained, trainer_of
from reversible.show.drawing import LAW, legend, panels, show_moments, told_apart
from reversible.show.html import Shown
from reversible.theory.clusters import class_distances
from reversible.theory.mixtures import information

Array = np.ndarray
EPOCHS = (0, 2, 4, 8, 16, 32, 64, 128, 256)
NET = Trained("labels", 10, (8, 6, 4, 2), 0.1, EPOCHS, 1000, 1, 5, 5)  # a net whose last hidden layer is a plane
DRAWN = 80  # inputs


@dataclass(frozen=True, eq=False)
class Moment:
    """The last hidden layer of the net after some epochs, without its noise."""

    epoch: int
    points: Array  # (N, 2)
    labels: Array
    wrong: float  # share of unseen inputs
    told: float  # nats
    ratio: float  # distance within a class over that between classes


def draws_together() -> Shown:
    """All of them: before training, at moments of it, and after."""
    found = moments()
    figures, axes = panels(len(found), height=3.5)
    for ax, moment in zip(axes, found, strict=True):
        _draw(ax, moment)
    first, last, peak = found[0], found[-1], max(found, key=lambda m: m.told)
    return show_moments(
        figures,
        [_alt(moment) for moment in found],
        [f"{_when(m)}: {m.told:.2f} nats, {m.wrong:.0%} of the unseen inputs wrong" for m in found],
        "moment of training",
        f"The two units of a net's last hidden layer for {DRAWN} of its inputs, by their class; the circle has the "
        f"noise as its radius. Through that noise they tell {first.told:.2f} nats of the input before training, "
        f"{peak.told:.2f} {_when(peak)}, and {last.told:.2f} at the end, when the inputs of a class have drawn "
        f"together: they are then {last.ratio:.2f} times as far apart as those of different classes.",
    )


def moments() -> list[Moment]:
    """Of one net in training."""
    data = Data.of(NET)
    trainer, found, at = trainer_of(NET, data), [], 0
    for epoch in EPOCHS:
        for _ in range(epoch - at):
            trainer.epoch()
        at = epoch
        with torch.no_grad():
            *layers, scores = trainer.nets.layers(data.x)
        points, labels = layers[-1][0].numpy(), data.labels[0].numpy()
        wrong = float((scores.argmax(-1) != data.labels).double().gather(1, data.unseen).mean())
        told = information(points, NET.sigma, NET.points, np.random.default_rng(NET.seed)).mean
        within, between = class_distances(points, labels)
        found.append(Moment(epoch, points, labels, wrong, told, within / between))
    return found


def _draw(ax: Axes, moment: Moment) -> None:
    some = np.random.default_rng(0).permutation(len(moment.points))[:DRAWN]
    for look, c in told_apart((0, 1)):
        own = some[moment.labels[some] == c]
        ax.plot(*moment.points[own].T, ls="", mfc="none", ms=3.5, label=f"class {c}", **look)
    ax.add_patch(Circle((0.0, -1.27), NET.sigma, color=LAW))
    ax.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), xlabel="first unit", ylabel="second unit", title=_when(moment))
    ax.set_aspect("equal")
    legend(ax)


def _when(moment: Moment) -> str:
    if moment.epoch == 0:
        return "before training"
    return f"after {moment.epoch} epoch{'s' * (moment.epoch > 1)}"


def _alt(moment: Moment) -> str:
    return (
        f"The two units of the last hidden layer {_when(moment)}, a point an input in the colour of its class; the "
        f"inputs of a class are {moment.ratio:.2f} times as far apart as those of different classes."
    )
