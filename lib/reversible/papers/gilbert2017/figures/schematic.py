"""A schematic of the step that the chapter is about: a layer up, by convolution and pooling, and back by its transpose.

It is drawn with numbers of a real layer: every cell is an entry of what the layer computed.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from reversible.nets.convolution import Convolution, pool, project
from reversible.show.drawing import COLOURS, canvas, ink, show
from reversible.show.html import Shown

UP, DOWN, KEPT = COLOURS[1], COLOURS[0], COLOURS[2]
FILTERS, TAPS, LENGTH = 4, 4, 16
SEED = 389  # a draw with a cosine near the median, whose maxima are not all at one end
HEIGHT = 4.4  # inches
CELL = 2.3  # the side of a cell, in hundredths of the panel's width
ROW = 3.6  # a row's height


def one_step(seed: int = SEED) -> dict[str, Tensor]:
    """A signal of one channel, what the units read, their maxima by modulus with their places, and what comes back."""
    generator = torch.Generator().manual_seed(seed)
    layer = Convolution(torch.randn(FILTERS, 1, TAPS, generator=generator, dtype=torch.float64) / TAPS**0.5)
    x = torch.randn(1, 1, LENGTH, generator=generator, dtype=torch.float64)
    h = layer.up(x)
    maxima, places = pool(h)
    z = project(h)
    return {"x": x, "h": h, "maxima": maxima, "places": places, "z": z, "x back": layer.down(z, (LENGTH,))}


def up_and_back() -> Shown:
    """The step as an arch: the signal goes up through filters and pooling, and down again by the switches."""
    s = one_step()
    figure, ax = canvas(HEIGHT)
    left, right, places = 25, 75, s["places"][0, :, 0].tolist()
    _grid(ax, s["x"][0], left, 16)
    _grid(ax, s["x back"][0], right, 16)
    _grid(ax, s["h"][0], left, 52)
    _grid(ax, s["z"][0], right, 52)
    _grid(ax, s["maxima"][0], 50, 84, CELL * 1.6)
    for row, place in enumerate(places):
        _frame(ax, left, 52, row, place)
        _frame(ax, right, 52, row, place)
    _words(ax, s, places)
    cosine = float(torch.cosine_similarity(s["x"].flatten(), s["x back"].flatten(), dim=0))
    return show(
        figure,
        f"A drawing in the shape of an arch. A strip of {LENGTH} coloured cells, the input, goes up through a "
        f"convolution to {FILTERS} rows of cells, what the units of {FILTERS} filters read; one cell in each row is "
        "framed. Max pooling leads on to a column of the framed cells alone. From there unpooling leads down to rows "
        "that are empty but for the framed cells, and the transposed convolution to a second strip, what comes back.",
        f"A layer and the way back. Each of {FILTERS} filters reads the input at {LENGTH - TAPS + 1} places; pooling "
        "keeps its largest response by modulus and the place, the switch, where unpooling puts it again. What the "
        f"transposed filters make of these {FILTERS} numbers has a cosine of {cosine:.2f} with the input here.",
    )


def _words(ax: Axes, s: dict[str, Tensor], places: list[int]) -> None:
    for x, colour, way in ((25, UP, "up"), (75, DOWN, "back")):
        ax.text(x, 98, way, ha="center", va="top", color=ink(colour), fontweight="bold")
    ax.text(25, 9, "input $x$", ha="center", va="top")
    ax.text(75, 9, "what comes back, $\\hat{x}$", ha="center", va="top")
    ax.text(25, 64, "$h = W x$", ha="center", va="bottom")
    ax.text(75, 64, "code $z$", ha="center", va="bottom")
    ax.text(50, 95, "maxima", ha="center", va="bottom")
    _arrow(ax, (25, 22), (25, 40), UP, "convolution", 27, 31, "left")
    _arrow(ax, (30, 70), (42, 84), UP, "max pooling", 32, 79, "right")
    _arrow(ax, (58, 84), (70, 70), DOWN, "unpooling", 68, 79, "left")
    _arrow(ax, (75, 40), (75, 22), DOWN, "transposed\nconvolution", 73, 31, "right")
    _arrow(ax, (43, 52), (57, 52), KEPT, "switches", 50, 57, "center")


def _grid(ax: Axes, values: Tensor, x: float, y: float, cell: float = CELL) -> None:
    """Rows of cells, centred at (x, y): red above zero, blue below, white where zero."""
    rows, columns = values.shape
    largest = float(values.abs().max())
    half, height = columns * cell / 2, rows * ROW / 2
    box = (x - half, x + half, y - height, y + height)
    ax.imshow(values.numpy(), cmap="RdBu_r", vmin=-largest, vmax=largest, extent=box, aspect="auto", zorder=2,
              interpolation="none")  # fmt: skip
    for edge in np.linspace(box[2], box[3], rows + 1):
        ax.plot(box[:2], [edge, edge], color="0.7", lw=0.5, zorder=3)
    ax.add_patch(Rectangle((box[0], box[2]), 2 * half, 2 * height, fill=False, ec="0.3", lw=0.8, zorder=3))


def _frame(ax: Axes, x: float, y: float, row: int, place: int) -> None:
    """A frame around one cell of the rows that are centred at (x, y)."""
    corner = (x + (place - (LENGTH - TAPS + 1) / 2) * CELL, y + (FILTERS / 2 - row - 1) * ROW)
    ax.add_patch(Rectangle(corner, CELL, ROW, fill=False, ec=KEPT, lw=1.8, zorder=4))


def _arrow(
    ax: Axes,
    tail: tuple[float, float],
    tip: tuple[float, float],
    colour: str,
    words: str,
    x: float,
    y: float,
    side: str,
) -> None:
    ax.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0})
    ax.text(x, y, words, ha=side, va="center", color=ink(colour))
