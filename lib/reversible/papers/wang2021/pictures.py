"""Pictures that need no record: what a transform does to the plane, and digits sent back by nets trained now."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes

from reversible import data
from reversible.nets.residual import Solution, Unit, newton, plain
from reversible.papers.wang2021.experiments.digit_nets import BACK, DigitNets, chosen, trained
from reversible.show.drawing import coloured, image_rows, panels, show
from reversible.show.html import Shown

Array = np.ndarray


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


def plane() -> Shown:
    """Where the pieces of three maps of the plane go: side by side, one over another, and twice around."""
    figure, axes = panels(3, height=3.2)
    tiling, folding = np.array([[1.0, -1.2], [0.9, 1.0]]), np.array([[1.0, 1.6], [1.4, 1.0]])
    titles = "all minors positive", "the whole determinant negative", "more hidden units than inputs"
    for ax, M in zip(axes, (tiling, folding), strict=False):
        _cones(ax, [(_ray(M, 0, S), _ray(M, 1, S)) for S in itertools.product((False, True), repeat=2)])
    _spiral(axes[2], star())
    for ax, title in zip(axes, titles, strict=True):
        ax.set(aspect="equal", xticks=[], yticks=[])
        ax.set_title(title, fontsize=10)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    return show(
        figure,
        "Images of the pieces of three maps of the plane, each piece a colour. Left: the images of the four quadrants "
        "lie side by side and fill the plane, so every point has one preimage. Middle: three of them overlap in a "
        "wedge, whose points have three preimages. Right: every piece keeps its orientation, and yet the images of the "
        "twelve pieces go twice around the origin, so every point has two preimages.",
    )


def _ray(M: Array, unit: int, active: tuple[bool, ...]) -> Array:
    """The image of the positive half-axis of an active unit, or of the negative one of another."""
    return M[:, unit] if active[unit] else -np.eye(2)[unit]


def _cones(ax: Axes, cones: list[tuple[Array, Array]]) -> None:
    """Each cone as a sector of a disc, each a little larger than the one before."""
    for place, (colour, (one, other)) in enumerate(coloured(cones)):
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
                color=f"C{place % 4}", alpha=0.6)  # fmt: skip
        so_far = turned[-1]


def _angle(of: Array) -> float:
    return float(np.arctan2(of[1], of[0]))


def _turn(one: Array, other: Array) -> float:
    """The angle from one direction to another, from -pi to pi."""
    return float(np.angle(np.exp(1j * (_angle(other) - _angle(one)))))


def recovered(steps: int = 400, seed: int = 0) -> Shown:
    """Digits, and what comes back of them from the last hidden layer of the special net and of the ordinary one."""
    p = DigitNets("digits", 40, steps, 0.01, 50, 1, 300, seed)
    x = chosen(data.load("digits", train=False), 1).scaled()
    lines: list[tuple[str, object]] = [("image", x)]
    counts = {}
    for special, name in ((True, "special net"), (False, "ordinary net")):
        net, _ = trained(p, special)
        with torch.no_grad():
            y = net.through(x[None])[0].double().numpy()
        for method, called in ((newton, "pattern Newton"), (plain, "plain iteration")):
            found = _wherever_it_is(net.units(0), y, method)
            lines.append((f"{name}, {called}", found.clip(0, 1)))
            error = np.linalg.norm(found - x.numpy(), axis=1) / np.linalg.norm(x, axis=1)
            counts[f"{name}, {called}"] = int((error < BACK).sum())
    told = ", ".join(f"{label} {count} of {len(x)}" for label, count in counts.items())
    return show(
        image_rows(lines, 8, (8.0, 4.2), vmax=1),
        f"Digits, and what each method has of them in the end, cut to the range of an image. Come back: {told}.",
    )


def _wherever_it_is(units: list[Unit], y: Array, method: Callable[[Array, Array], Solution]) -> Array:
    """What a method has of x in the end, whether it has arrived or not."""
    for unit in reversed(units):
        y = np.nan_to_num(unit.lifted(y, method(unit.A, unit.reduced(y)).u)).clip(-1e6, 1e6)
    return y
