"""Pictures that need no record: what a transform does to the plane, and digits sent back by nets trained now."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes

from reversible import data
from reversible.nets.one_to_one import degree_of, occurring
from reversible.nets.residual import Solution, Unit, newton, plain
from reversible.papers.wang2021.experiments.digit_nets import BACK, DigitNets, chosen, relative, trained
from reversible.papers.wang2021.experiments.preimages import count_of
from reversible.show.drawing import COLOURS, image_rows, panels, show
from reversible.show.html import Shown

Array = np.ndarray
TILES, FOLDS = np.array([[1.0, -1.2], [0.9, 1.0]]), np.array([[1.0, 1.6], [1.4, 1.0]])  # I + A of two transforms
METHODS = {"pattern Newton": newton, "plain iteration": plain}
LARGEST = 1e6  # in magnitude, of what a method that does not arrive hands on to the next unit


def star(turn: float = 0.1, strength: float = 3.0) -> Unit:
    """A unit of 2 inputs and 6 hidden units that winds twice around the origin, every piece turning the same way.

    On a circle |cos(a - a_j)| in three directions a_j, with images at the angles 2 a_j, add up to a loop that runs
    twice as fast as a. Each |.| is two ReLUs, here a `turn` apart, so that no two of the six lines coincide.
    """
    angles = np.pi * np.arange(3) / 3
    W1, W2 = (
        np.stack([np.cos(a), np.sin(a)], 1)
        for a in (np.concatenate([angles + turn, angles - turn + np.pi]), np.concatenate([2 * angles, 2 * angles]))
    )
    return Unit(W1, np.zeros(6), strength * W2.T)


# --- maps of the plane ------------------------------------------------------------------------------------------------


def plane() -> Shown:
    """Where the pieces of three maps of the plane go: side by side, one over another, and twice around."""
    figures, axes = panels(3, height=3.2)
    winding = star()
    pieces = 2 * len(winding.b)  # lines through the origin, a piece between any two half-lines
    titles = "all minors positive", "whole determinant negative", "6 hidden units, 2 inputs"
    for ax, M in zip(axes, (TILES, FOLDS), strict=False):
        _cones(ax, [(_ray(M, 0, S), _ray(M, 1, S)) for S in itertools.product((False, True), repeat=2)])
    _spiral(axes[2], winding)
    for ax, title in zip(axes, titles, strict=True):
        ax.set(aspect="equal", xticks=[], yticks=[], title=title)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    one, most, several = most_preimages(TILES), most_preimages(FOLDS), _degree(winding)
    return show(
        figures,
        [
            "Four sectors of a disc, the images of the four quadrants: they lie side by side and fill the disc.",
            "Four sectors, three of which lie on each other in a wedge, while the fourth covers what is left.",
            f"A ribbon of {pieces} pieces, the images of the pieces of a unit, that goes twice around the origin in "
            f"one sense.",
        ],
        f"Images of the pieces of three maps of the plane. Where they lie side by side every point has {one} preimage; "
        f"in the wedge, where {most} overlap, a point has {most}. In the third map all {pieces} pieces turn the same "
        f"way, and yet they go around twice, so that points have {several} preimages.",
    )


def most_preimages(M: Array, points: int = 2000) -> int:
    """The largest number of preimages of any of many points under the transform with I + A = M."""
    v = np.random.default_rng(0).standard_normal((points, 2))
    return int(count_of(M - np.eye(2), v)[0].max())


def _degree(unit: Unit) -> int:
    cells = occurring(unit)
    assert cells is not None
    return degree_of(unit, cells)


def _ray(M: Array, unit: int, active: tuple[bool, ...]) -> Array:
    """The image of the positive half-axis of an active unit, or of the negative one of another."""
    return M[:, unit] if active[unit] else -np.eye(2)[unit]


def _cones(ax: Axes, cones: list[tuple[Array, Array]]) -> None:
    """Each cone as a sector of a disc, each a little larger than the one before."""
    for place, (colour, (one, other)) in enumerate(zip(COLOURS, cones, strict=False)):
        a = _angle(one) + np.linspace(0, _turn(one, other), 40)
        x, y = (1 + 0.06 * place) * np.array([np.cos(a), np.sin(a)])
        ax.fill(np.r_[0, x], np.r_[0, y], color=colour, alpha=0.45, lw=0)
        ax.plot(x, y, color=colour, lw=2.5)


def _spiral(ax: Axes, unit: Unit) -> None:
    """The images of the cells of a unit with b = 0 in the plane, once around the origin, as a ribbon that grows."""
    normals = np.arctan2(unit.W1[:, 1], unit.W1[:, 0])
    edges = np.sort(np.concatenate([normals + np.pi / 2, normals - np.pi / 2]) % (2 * np.pi))
    y = unit(np.stack([np.cos(edges), np.sin(edges)], 1))
    so_far = 0.0
    for place, (one, other) in enumerate(zip(y, np.roll(y, -1, 0), strict=True)):
        turned = so_far + np.linspace(0, _turn(one, other), 40)
        a, radius = _angle(y[0]) + turned, 0.55 + 0.5 * turned / (4 * np.pi)
        outer, inner = ([r * np.cos(a), r * np.sin(a)] for r in (radius, radius - 0.2))
        ax.fill(*(np.r_[out, back[::-1]] for out, back in zip(outer, inner, strict=True)), lw=0,
                color=COLOURS[place % 4], alpha=0.6)  # fmt: skip
        so_far = turned[-1]


def _angle(of: Array) -> float:
    return float(np.arctan2(of[1], of[0]))


def _turn(one: Array, other: Array) -> float:
    """The angle from one direction to another, from -pi to pi."""
    return float(np.angle(np.exp(1j * (_angle(other) - _angle(one)))))


# --- digits -----------------------------------------------------------------------------------------------------------


def recovered(steps: int = 400, seed: int = 0) -> Shown:
    """Digits, and what comes back of them from the last hidden layer of the special net and of the ordinary one."""
    p = DigitNets("digits", 40, steps, 0.01, 50, 1, 300, seed)
    x = chosen(data.load("digits", train=False), 1).scaled()
    lines: list[tuple[str, Array]] = [("image", x.numpy())]
    errors = {}
    for special, net_words in ((True, "special"), (False, "ordinary")):
        net, _ = trained(p, special)
        with torch.no_grad():
            y = net.through(x[None])[0].double().numpy()
        for words, method in METHODS.items():
            found = _wherever_it_is(net.units(0), y, method)
            lines.append((f"{net_words},\n{words}", found.clip(0, 1)))
            errors[net_words, words] = relative(found, x.double().numpy())
    return show(image_rows(lines, 8, vmax=1), _seen(len(x)), _told(errors))


def _seen(count: int) -> str:
    return (
        f"Five rows of {count} pictures. The first are digits, and so are those that pattern Newton finds from the "
        "special net; in the other rows, by the plain iteration or from the ordinary net, hardly one is a digit."
    )


def _told(errors: dict[tuple[str, str], Array]) -> str:
    special, plainly = errors["special", "pattern Newton"], errors["special", "plain iteration"]
    count = len(special)
    back = {place: int((error <= BACK).sum()) for place, error in errors.items()}
    return (
        f"Digits after three units, sent back. From the special net pattern Newton gives back "
        f"{back['special', 'pattern Newton']} of {count}, with a largest relative error of {special.max():.0e}, and "
        f"the plain iteration {(plainly <= BACK).sum()}. From an ordinary net of the same widths pattern Newton gives "
        f"back {back['ordinary', 'pattern Newton']}, the plain iteration {back['ordinary', 'plain iteration']}."
    )


def _wherever_it_is(units: list[Unit], y: Array, method: Callable[[Array, Array], Solution]) -> Array:
    """What a method has of x in the end, whether it has arrived or not."""
    for unit in reversed(units):
        y = np.nan_to_num(unit.lifted(y, method(unit.A, unit.reduced(y)).u)).clip(-LARGEST, LARGEST)
    return y
