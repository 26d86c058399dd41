"""Schematics of what the book is about, drawn with numbers of real runs: a net down and up, and a step of SHADOW."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import Tensor

from reversible import data
from reversible.nets.reversal import compare, down
from reversible.random_nets import model
from reversible.show.drawing import COLOURS, canvas, ink, show
from reversible.show.html import Shown
from reversible.theory import one_layer as laws
from reversible.training.config import Training
from reversible.training.run import Run
from reversible.training.synthetic import Generation, Shadow

DOWN, UP = COLOURS[0], COLOURS[1]
NET = (2000, 400, 12)  # pixels, units of the middle layer, entries of the code
ON = (2, 7)  # entries of the code that are on
SHOWN = (90, 40, 12)  # of the image, of the middle layer and of the code, how many are drawn
DIGIT = 0  # of scikit-learn's digits, which of the training images
STEPS = 150  # of training, before the step of SHADOW that is drawn


def net_down_and_up(seed: int = 0) -> dict[str, Tensor]:
    """A code, the middle layer and the image that it makes in a random net, and what comes back of the first two."""
    generator = torch.Generator().manual_seed(seed)
    n, middle, m = NET
    code = torch.zeros(1, m)
    code[0, list(ON)] = 1.0
    lower = model.sample_weights("gaussian", n, middle, generator, torch.float32)
    upper = model.sample_weights("gaussian", middle, m, generator, torch.float32)
    unit = model.generate(upper, code, laws.theory_alpha(middle, 1.0), 1.0)
    image = model.generate(lower, unit, laws.theory_alpha(n, 1.0), 1.0)
    unit_back = model.infer(model.correlate(lower, image), 0.0)
    code_back = model.infer(model.correlate(upper, unit_back), 0.0)
    return {"code": code, "unit": unit, "image": image, "unit back": unit_back, "code back": code_back}


def down_and_up() -> Shown:
    """A net as it goes down with its weights and up with their transposes: code, image, and what comes back."""
    net = net_down_and_up()
    figure, ax = canvas(3.3)
    _strip(ax, net["image"], 50, 10, 92, SHOWN[0])
    ax.text(50, 6, "image x", ha="center", va="top")
    sides = (
        (26, "down: makes an image", DOWN, ("code", "unit"), "code h", ("$W_1$, ReLU", "$W_0$, ReLU")),
        (74, "up: reads it", UP, ("code back", "unit back"), "what comes back", ("$W_1^T$, ReLU", "$W_0^T$, ReLU")),
    )
    for x, way, colour, (code, unit), words, matrices in sides:
        ax.text(x, 75, way, ha="center", va="top", color=ink(colour), fontweight="bold")
        ax.text(x, 64, words, ha="center", va="bottom")
        _strip(ax, net[code], x, 60, 26, SHOWN[2])
        _strip(ax, net[unit], x, 36, 42, SHOWN[1])
        _matrix(ax, (x, 26, 58), (x, 42, 38), matrices[0], colour)
        _matrix(ax, (x, 42, 34), (50 + (x - 50) * 23 / 24, 46, 12), matrices[1], colour)
    cosine = float(compare(net["code"], net["code back"]).cosine)
    return show(
        figure,
        "A drawing in the shape of a V. On the left a short strip of cells, the code, widens in two steps, through "
        "the matrices W1 and W0, into a long strip at the bottom, the image. On the right the image narrows through "
        "the transposes of W0 and W1 into a short strip, dark at the same two cells as the code and faint elsewhere.",
        f"A random net makes an image out of a code (left), and the transposes of the same matrices read the image "
        f"(right). Here {len(ON)} of {NET[2]} entries are on and the image has {NET[0]:,} pixels, of which {SHOWN[0]} "
        f"are drawn; what comes back has a cosine of {cosine:.2f} with the code.",
    )


def step_of_shadow() -> tuple[int, dict[str, Tensor]]:
    """A digit's class, and the layers that the image goes up and its code comes down, in a net early in training."""
    images = data.load("digits", train=True)
    run = Run(Training(data="digits", hidden=(100, 100, 100), images=1000, steps=STEPS, lr=0.03, batch=100, seeds=(0,)))
    run.advance(STEPS)
    net, one = run.stack.net, images.take(slice(DIGIT, DIGIT + 1))
    x = one.scaled()[None]  # (1, 1, pixels): a stack of one net, one image
    make = Generation.of(Shadow(source=2), net, images.side, False, [])
    with torch.no_grad():
        first, code = net.up(x, 2)
        first_back = down(net.weights[1:2], code, 1.0)
        layers = {"image": x, "h1": first, "h2": code, "h1 back": first_back, "synthetic": make(net, x, [])}
    return int(one.labels[0]), layers


def shadow_step() -> Shown:
    """One step of SHADOW: an image up to a code, down again as a synthetic image, and both into the batch."""
    label, layers = step_of_shadow()
    figure, ax = canvas(4.1)
    _strip(ax, layers["h2"], 50, 83, 40, 25)
    ax.text(50, 86.5, "code $h_2$", ha="center", va="bottom")
    sides = (
        (24, "up: reads", UP, "h1", "image", "$A_1$, ReLU", "$A_2$, ReLU", f"real image,\nlabel {label}"),
        (76, "down: makes", DOWN, "h1 back", "synthetic", "$A_1^T$, ReLU", "$A_2^T$, ReLU",
         f"synthetic image,\nthe same label {label}"),
    )  # fmt: skip
    for x, way, colour, hidden, image, lower, upper, words in sides:
        ax.text(x + (x - 50) * 0.2, 90, way, ha="center", va="top", color=ink(colour), fontweight="bold")
        _strip(ax, layers[hidden], x, 61, 40, 25)
        _matrix(ax, (50 + (x - 50) * 5 / 13, 20, 81), (x, 40, 63), upper, colour)
        _picture(ax, layers[image], x, 33, 18)
        _matrix(ax, (x, 40, 59), (x, 18, 42), lower, colour)
        ax.text(x, 23, words, ha="center", va="top")
        ax.annotate("", (x, 8), (x, 13.5), arrowprops={"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0})
    ax.add_patch(FancyBboxPatch((6, 2.2), 88, 5, boxstyle="round,pad=0.8", fc="0.94", ec="0.3", lw=0.8))
    ax.text(50, 4.6, "one batch: an ordinary step of gradient descent", ha="center", va="center")
    cosine = float(compare(layers["image"][0], layers["synthetic"][0]).cosine)
    return show(
        figure,
        f"A drawing in the shape of an arch. On the left a picture of the digit {label} goes up through the matrices "
        f"A1 and A2 to a code at the top; on the right the code comes down through the transposes of A2 and A1 to a "
        f"second, blurred picture. Arrows lead from both pictures, both labelled {label}, into one box, the batch.",
        f"One step of SHADOW: the net reads a real image (left) and makes a synthetic one out of its code (right), "
        f"which takes over the label; both are trained on. The synthetic digit here, made after {STEPS} steps of "
        f"training, has a cosine of {cosine:.2f} with the real one.",
    )


def _strip(ax: Axes, values: Tensor, x: float, y: float, width: float, cells: int) -> None:
    """The first `cells` values as a row of grey cells, centred at x; dark is large."""
    _cells(ax, values.flatten()[:cells].numpy()[None], (x - width / 2, x + width / 2, y - 2, y + 2))


def _picture(ax: Axes, values: Tensor, x: float, y: float, width: float) -> None:
    """A square image, centred at (x, y); dark is large."""
    side = round(values.numel() ** 0.5)
    half = width / 2
    _cells(ax, values.reshape(side, side).numpy(), (x - half, x + half, y - half, y + half))


def _cells(ax: Axes, values: np.ndarray, box: tuple[float, float, float, float]) -> None:
    ax.imshow(
        values, cmap="gray_r", vmin=0, vmax=max(float(values.max()), 1e-9), extent=box, aspect="auto", zorder=2,
        interpolation="none",
    )  # fmt: skip
    left, right, bottom, top = box
    ax.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, ec="0.3", lw=0.8, zorder=3))


def _matrix(
    ax: Axes, top: tuple[float, float, float], bottom: tuple[float, float, float], words: str, colour: str
) -> None:
    """What leads from one layer to another, each (x, width, y): down in blue, up in orange."""
    (x1, w1, y1), (x0, w0, y0) = top, bottom
    ax.fill([x1 - w1 / 2, x1 + w1 / 2, x0 + w0 / 2, x0 - w0 / 2], [y1, y1, y0, y0], color=colour, alpha=0.2, lw=0)
    ends = [(x1 + part * (x0 - x1) - 6, y1 + part * (y0 - y1)) for part in (1 / 8, 7 / 8)]
    tip, tail = ends[::-1] if colour == DOWN else ends
    ax.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0})
    ax.text((x1 + x0) / 2 - 3, (y1 + y0) / 2, words, va="center", color=ink(colour))
