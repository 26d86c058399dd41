"""A residual unit as it goes up and as it is sent back, drawn with the numbers of a real one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from reversible import data
from reversible.nets.p_matrices import norm
from reversible.nets.residual import Unit, newton
from reversible.show.drawing import COLOURS, LAW, canvas, ink, show
from reversible.show.html import Shown

Array = np.ndarray
UP, BACK = COLOURS[0], COLOURS[1]
HEIGHT = 4.3  # inches
HIDDEN, SIZE, BIAS = 10, 0.4, 0.3  # hidden units; of the Gaussian entries of W1 and b
DIGIT = 3  # of scikit-learn's test digits, which


@dataclass(frozen=True)
class Journey:
    """A digit x through a tied unit to y = x + W2 r(u), and back: T(u) = v is solved, and x = y - W2 r(u)."""

    unit: Unit
    x: Array  # (64,)
    u: Array  # (HIDDEN,)
    y: Array
    v: Array
    u_back: Array
    x_back: Array

    @property
    def error(self) -> float:
        return float(np.linalg.norm(self.x_back - self.x) / np.linalg.norm(self.x))


def journey(seed: int = 0) -> Journey:
    x = data.load("digits", train=False).take(slice(DIGIT, DIGIT + 1)).scaled().double().numpy()  # (1, 64)
    rng = np.random.default_rng(seed)
    W1 = SIZE * rng.standard_normal((HIDDEN, x.shape[1]))
    unit = Unit(W1, BIAS * rng.standard_normal(HIDDEN), W1.T)
    y = unit(x)
    v = unit.reduced(y)
    u_back = newton(unit.A, v).u
    return Journey(unit, x[0], unit.reduced(x)[0], y[0], v[0], u_back[0], unit.lifted(y, u_back)[0])


def up_and_back() -> Shown:
    """The unit in two lanes: up it adds what its hidden units say, back these are found first and it is taken off."""
    way = journey()
    figure, ax = canvas(HEIGHT)
    _picture(ax, way.y, 50, 87, "")
    ax.text(60.5, 94, "y", va="center")
    _up(ax, way)
    _back(ax, way)
    count, norm_of_a = len(way.x), float(norm(way.unit.A))
    return show(
        figure,
        "A drawing of two lanes. In the first a picture x goes up to a strip of cells u, of which the ReLU keeps the "
        "positive ones, and what these make is added to x: the picture y at the top. In the second lane y goes down to "
        "a strip v, from that to the same strip u, and what u makes is taken off y: the picture x again.",
        f"A residual unit adds to x what its hidden units make of it (first lane). On the way back the hidden units "
        f"come first: {HIDDEN} equations give u, whatever the {count} pixels are. Here the norm of A is "
        f"{norm_of_a:.0f}, far above 1, and the digit comes back with a relative error of {way.error:.0e}.",
    )


def _up(ax: Axes, way: Journey) -> None:
    ax.text(27, 95, "up", ha="center", va="center", color=ink(UP), fontweight="bold")
    _picture(ax, way.x, 27, 10, "x")
    _arrow(ax, (27, 19.5), (27, 33), UP, "$W_1$, b")
    _strip(ax, way.u, 27, 36, "u")
    _arrow(ax, (27, 39), (27, 50), UP, "ReLU")
    _strip(ax, np.maximum(way.u, 0), 27, 53, "r(u)")
    _arrow(ax, (27, 56), (27, 69), UP, "$W_2$")
    _sign(ax, 27, 72, "+", UP)
    _line(ax, [(18, 10), (5, 10), (5, 72), (24, 72)], UP)
    _arrow(ax, (30, 74), (41, 83), UP)


def _back(ax: Axes, way: Journey) -> None:
    ax.text(73, 95, "back", ha="center", va="center", color=ink(BACK), fontweight="bold")
    _arrow(ax, (58, 83), (69, 71), BACK, "$W_1$, b", 3)
    _strip(ax, way.v, 73, 68, "v")
    _arrow(ax, (73, 65), (73, 50), BACK)
    ax.text(74.5, 57.5, "solve\nu + A r(u) = v", va="center", color=ink(BACK))
    _strip(ax, way.u_back, 73, 47, "u")
    _arrow(ax, (73, 44), (73, 31), BACK, "ReLU, $W_2$")
    _sign(ax, 73, 28, "−", BACK)
    _line(ax, [(59, 90), (97, 90), (97, 28), (76, 28)], BACK)
    _arrow(ax, (73, 25), (73, 19.5), BACK)
    _picture(ax, way.x_back, 73, 10, "x")


def _picture(ax: Axes, values: Array, x: float, y: float, words: str) -> None:
    side = round(len(values) ** 0.5)
    box = (x - 9, x + 9, y - 9, y + 9)
    ax.imshow(values.reshape(side, side), cmap="gray_r", vmin=0, vmax=1, extent=box, zorder=2, interpolation="none")
    _frame(ax, box)
    ax.text(x + 10.5, y, words, va="center")


def _strip(ax: Axes, values: Array, x: float, y: float, words: str) -> None:
    """Entries as cells in a row: above zero in orange, below in purple, the stronger the larger."""
    box, largest = (x - 15, x + 15, y - 2, y + 2), float(np.abs(values).max())
    ax.imshow(values[None], cmap="PuOr_r", vmin=-largest, vmax=largest, extent=box, aspect="auto", zorder=2,
              interpolation="none")  # fmt: skip
    _frame(ax, box)
    ax.text(x + 16.5, y, words, va="center")


def _frame(ax: Axes, box: tuple[float, float, float, float]) -> None:
    left, right, bottom, top = box
    ax.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, ec="0.3", lw=0.8, zorder=3))


def _arrow(
    ax: Axes, tail: tuple[float, float], tip: tuple[float, float], colour: str, words: str = "", aside: float = 1.5
) -> None:
    ax.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0})
    ax.text((tail[0] + tip[0]) / 2 + aside, (tail[1] + tip[1]) / 2, words, va="center", color=ink(colour))


def _line(ax: Axes, corners: list[tuple[float, float]], colour: str) -> None:
    """What is added to or taken from as it is, led around the hidden units."""
    ax.plot(*zip(*corners[:-1], strict=True), color=colour, lw=1.2, zorder=1)
    _arrow(ax, corners[-2], corners[-1], colour)


def _sign(ax: Axes, x: float, y: float, sign: str, colour: str) -> None:
    ax.add_patch(Circle((x, y), 3, fc="white", ec=colour, lw=1.4, zorder=3))
    ax.text(x, y, sign, ha="center", va="center", zorder=4, color=LAW, fontweight="bold")
