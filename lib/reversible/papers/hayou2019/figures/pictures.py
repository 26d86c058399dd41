"""The picture of the first screen, computed on the page: the plane of s_b and s_w, and the edges of activations."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm

from reversible.papers.hayou2019 import plane
from reversible.show.drawing import COLOURS, MARKERS, SMALLEST, legend, panels, show
from reversible.show.html import Shown
from reversible.theory.activations import activation
from reversible.theory.edges import edge, edge_curve

SHOWN = ("tanh", "elu", "selu", "swish", "gelu")
LARGEST = 1.0  # of s_b
FINE = 48  # values each way
DEEPEST = 1000.0  # depth scales beyond look alike


def plane_of_edges() -> Shown:
    """Depth scale of tanh as colour, and the edges of the others as lines; ReLU's is a point."""
    figures, (ax,) = panels(1, height=4.0)
    s_w, s_b = np.linspace(0.7, 2.3, FINE), np.linspace(0.02, LARGEST, FINE)
    b, w = (part.ravel() for part in np.meshgrid(s_b, s_w, indexing="ij"))
    scales = np.minimum(plane.depth_scales(activation("tanh"), w, b, 150), DEEPEST).reshape(FINE, FINE)
    colours = ax.pcolormesh(s_w, s_b, scales, norm=LogNorm(1, DEEPEST), cmap="Greys", rasterized=True)
    for name, colour, marker in zip(SHOWN, COLOURS, MARKERS, strict=False):
        line = edge_curve(activation(name), np.linspace(0.02, LARGEST, 25))
        x, y = [e.s_w for e in line], [e.s_b for e in line]
        ax.plot(x, y, color=colour, marker=marker, markevery=6, label=activation(name).name)
    ax.plot([edge(activation("relu"), 0.0).s_w], [0], "*", color="#d55e00", ms=11, clip_on=False, label="ReLU, a point")
    ax.set(xlabel="$s_w$, deviation of weights times √n", ylabel="$s_b$, deviation of biases", ylim=(0, LARGEST))
    bar = figures[0].colorbar(colours, ax=ax, pad=0.02)
    bar.set_label("depth scale of tanh, layers", fontsize=SMALLEST)
    legend(ax, ncols=3)
    off = np.array([0.8, 1.25]) * edge(activation("tanh"), 0.2).s_w
    below, above = plane.depth_scales(activation("tanh"), off, np.full(2, 0.2))
    return show(
        figures,
        "The plane of weight scale and bias scale: a dark ridge of large depth scales of tanh, with the edge of tanh "
        "on it, and the edges of ELU, SELU, Swish and GELU as other lines; ReLU is a point at the bottom.",
        f"On its edge of chaos a signal reaches any depth, and the ridge is narrow: with biases of 0.2 the depth scale "
        f"of tanh is {below:.0f} layers where weights are a fifth smaller than on the edge, and {above:.0f} where they "
        f"are a quarter larger. Each activation has an edge of its own.",
    )
