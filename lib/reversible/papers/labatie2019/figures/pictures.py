"""What 64 images and small changes of them become on their way through three nets, as clouds of points."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes

from reversible.papers.labatie2019.signals import Signals, effective_rank
from reversible.show.drawing import COLOURS, LAW, SMALLEST, panels, show_moments
from reversible.show.html import Shown

Array = np.ndarray
LAYERS = (0, 2, 5, 10, 20, 50, 100)
KINDS = {"plain": "plain", "normalised": "normalised", "residual": "residual"}
WIDTH, IMAGES, SIZE = 256, 64, 0.15  # a change is drawn at this share of its size
APART, REACH = 3.4, 1.45  # of the middles of two clouds; and how far one goes


def clouds() -> Shown:
    """The images as points in the plane in which they differ most, each with a line to where a change takes it."""
    found = {kind: _through(kind) for kind in KINDS}
    figures, axes = panels(len(LAYERS), height=1.9)
    for place, ax in enumerate(axes):
        for column, (kind, looks) in enumerate(found.items()):
            _cloud(ax, APART * column, looks[place], COLOURS[column])
            ax.text(APART * column, REACH + 0.25, KINDS[kind], ha="center", fontsize=SMALLEST)
        ax.set(xlim=(-1.6, 2 * APART + 1.6), ylim=(-1.6, 2.1), aspect="equal", xticks=[], yticks=[])
        ax.axis("off")
        ax.set_title(_when(place))
    ends = {kind: looks[-1] for kind, looks in found.items()}
    return show_moments(
        figures,
        [_alt(place) for place in range(len(LAYERS))],
        [_says(place, found) for place in range(len(LAYERS))],
        "layer",
        f"{IMAGES} digits (points) and small changes of them (lines) behind {LAYERS[-1]} layers, in the plane in which "
        f"the digits differ most. In the plain net they lie on one line (effective rank {ends['plain'][2]:.2f}), in "
        f"the normalised net changes are {ends['normalised'][3] / 1e6:,.0f} million times as large beside what "
        f"distinguishes digits as at the start, and in the normalised residual net {ends['residual'][3]:.1f} times.",
    )


Look = tuple[Array, Array, float, float]  # points (B, 2) and changes (B, 2) over the signal's size; rank; chi


@torch.no_grad()
def _through(kind: str) -> list[Look]:
    s = Signals.of("digits", IMAGES, WIDTH, 1, 16)
    start, found = s.log_chi_square(), []
    for layer in range(LAYERS[-1] + 1):
        if layer in LAYERS:
            found.append(_look(s, start))
        _layer(s, kind)
        s.rescale()
    return found


def _layer(s: Signals, kind: str) -> None:
    if kind == "residual":
        kept = s.y.clone()
        s.normalise()
        s.activate("relu")
        s.weigh()
        s.y.add_(kept)
        return
    s.weigh()
    if kind == "normalised":
        s.normalise()
    s.activate("relu")


def _look(s: Signals, start: torch.Tensor) -> Look:
    signal = s.signal[0].double().numpy()
    signal = signal - signal.mean(0)
    u, singular, rows = np.linalg.svd(signal, full_matrices=False)
    size = singular[0] / np.sqrt(len(signal))
    chi = float(((s.log_chi_square() - start) / 2).exp()[0])
    noise = s.noise[0].double().numpy() @ rows[:2].T * float((s.scale[0] / 2).exp())
    return u[:, :2] * singular[:2] / size, noise / size, float(effective_rank(s.signal)[0]), chi


def _cloud(ax: Axes, at: float, look: Look, colour: str) -> None:
    points, changes, _, _ = look
    points = points / max(2.2, float(np.abs(points).max()) / REACH)
    moved = changes * SIZE / 2.2
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    ends = points + moved * np.minimum(1, 4 * REACH / np.maximum(length, 1e-9))
    cut = np.array([_inside(a, b) for a, b in zip(points, ends, strict=True)])
    x, y = np.stack([points, cut, np.full_like(cut, np.nan)], 1).reshape(-1, 2).T  # one line with gaps weighs least
    ax.plot(at + x, y, color=LAW, lw=0.5, alpha=0.6)
    ax.plot(at + points[:, 0], points[:, 1], "o", color=colour, ms=2.2)


def _inside(a: Array, b: Array) -> Array:
    """The end of a line as far as it is in the cloud's square."""
    step = b - a
    room = np.where(step > 0, REACH - a, -REACH - a)
    share = np.divide(room, step, out=np.full(2, np.inf), where=step != 0)
    return a + step * min(1.0, float(share.min()))


def _when(place: int) -> str:
    layer = LAYERS[place]
    return "before the first layer" if layer == 0 else f"after {layer} layer{'s' * (layer > 1)}"


def _says(place: int, found: dict[str, list[Look]]) -> str:
    said = [f"{kind} {looks[place][2]:.2f} and {looks[place][3]:.3g}" for kind, looks in found.items()]
    return f"{_when(place)}: effective rank and sensitivity are {', '.join(said)}"


def _alt(place: int) -> str:
    return f"Three clouds of points with lines {_when(place)}: of a plain, a normalised and a residual net."
