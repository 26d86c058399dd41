"""The picture of the first screen: between nets of loss zero, the straight line and the path, on ten digits."""

from __future__ import annotations

import numpy as np

from reversible import data
from reversible.papers.nguyen2019.laws.path import Followed, Path, follow, straight
from reversible.papers.nguyen2019.laws.pyramid import Pyramid
from reversible.papers.nguyen2019.nets import activation, random_weights, squares
from reversible.show.drawing import panels, show, told_apart
from reversible.show.html import Shown

PAIRS, HIDDEN, STEPS, SEED = 5, 12, 30, 1
CLASSES = 10


def two_ways() -> Shown:
    """Losses along straight lines between pairs of nets that fit ten digits, and along the paths of Theorem 3.2."""
    X, found = _found()
    figures, axes = panels(2, height=2.9)
    for look, pair in told_apart(found):
        for ax, followed in zip(axes, pair, strict=True):
            ax.plot(np.linspace(0, 1, len(followed.losses)), followed.losses, color=look["color"])
    lines, paths = zip(*found, strict=True)
    for ax, title in zip(axes, ("straight line", "path of Theorem 3.2"), strict=True):
        top = max(line.largest for line in lines)
        ax.set(xlabel="share of the way", ylabel="loss over that of giving zero", ylim=(-0.05 * top, 1.08 * top))
        ax.set_title(title)
    return show(
        figures,
        [
            "Loss along straight lines between five pairs of nets: each rises from zero to a hill and falls to zero.",
            "Loss along the paths between the same pairs: all of them lie on the floor from end to end.",
        ],
        f"Five pairs of nets with {HIDDEN} hidden units, each of which fits {len(X)} digits exactly. Straight lines "
        f"between them rise to {min(line.largest for line in lines):.2f} to {max(line.largest for line in lines):.2f} "
        f"times the loss of giving zero; on the paths it is {max(path.largest for path in paths):.0e} at most.",
    )


def _found() -> tuple[np.ndarray, list[tuple[Followed, Followed]]]:
    """The digits, and for each pair what was met on the line and on the path; losses over that of giving zero."""
    X, Y = first_of_each_class()
    room, plain, rng = Pyramid.of(X, activation("leaky")), squares(Y), np.random.default_rng(SEED)
    zero = plain(np.zeros_like(Y))
    found = []
    for _ in range(PAIRS):
        nets = [random_weights((X.shape[1], HIDDEN, CLASSES), rng) for _ in range(2)]
        a, b = (room.giving(Y, net.weights[1:], net.biases) for net in nets)
        ways = Path((straight("line", a, b),)), room.path(a, b, plain)
        line, path = (follow(way, X, room.sigma, lambda F: plain(F) / zero, STEPS) for way in ways)
        found.append((line, path))
    return X, found


def first_of_each_class() -> tuple[np.ndarray, np.ndarray]:
    """Ten test digits (10, 64), one a class, and their classes as rows of zeros with a one (10, 10)."""
    test = data.load("digits", train=False)
    x = test.scaled().double().numpy()
    return np.array([x[int((test.labels == c).nonzero()[0])] for c in range(CLASSES)]), np.eye(CLASSES)
