"""How far a signal gets: the reader picks an activation and a depth; the tables are computed here, the script shows."""

from __future__ import annotations

import json
import math

import numpy as np

from reversible.base.checks import InputError
from reversible.papers.hayou2019 import plane
from reversible.show.html import Shown, escape, table
from reversible.theory.activations import activation
from reversible.theory.edges import edge, edge_curve
from reversible.theory.mean_field import Field

NAMES = {"tanh": "tanh", "relu": "ReLU", "elu": "ELU", "selu": "SELU", "swish": "Swish", "gelu": "GELU",
         "softplus": "softplus"}  # fmt: skip
WIDGET = """\
<figure class='rv-reach'>
<p><label>activation <select data-part='name'>{options}</select></label>
<label>depth <input data-part='depth' type='range' min='0' max='{last}' value='5' step='1'>
<output data-part='depth-is'></output></label></p>
<svg data-part='plane' viewBox='0 0 330 230' role='img' aria-label='the plane of s_b and s_w'></svg>
<figcaption>Each square is a wide net, with its s_b upwards and its s_w to the right. The darker it is, the more is left
of the difference between a near pair of inputs and a far one; the line is the edge of chaos. Without biases and with
small weights angles stay, while the numbers themselves go to zero.
<span role='status' data-part='says'></span></figcaption>
<noscript>With JavaScript, this picture shows any activation at any depth.</noscript>
<script type='application/json' data-part='data'>{data}</script>
</figure>"""


def edge_line(name: str) -> list[tuple[float, float]]:
    """(s_w, s_b) along the edge of an activation; a point for ReLU, none for softplus."""
    a = activation(name)
    try:
        return [(e.s_w, e.s_b) for e in edge_curve(a, np.linspace(0.02, 1.1, 28))]
    except InputError:
        pass
    try:
        return [(edge(a, 0.0).s_w, 0.0)]
    except InputError:
        return []


def reach() -> Shown:
    """The widget, which `_static/reach.js` brings to life, offline; with its table for where no script runs."""
    s_w, s_b = plane.grid()
    nets = {}
    for name, words in NAMES.items():
        share = np.round(100 * np.minimum(plane.left(activation(name)), 1)).astype(int)
        line = [(round(w, 3), round(b, 3)) for w, b in edge_line(name)]
        nets[name] = {"name": words, "left": share.reshape(len(plane.DEPTHS), -1).tolist(), "edge": line}
    data = {"s_w": s_w.round(4).tolist(), "s_b": s_b.round(4).tolist(), "depths": plane.DEPTHS, "nets": nets}
    options = "".join(f"<option value='{name}'>{escape(words)}</option>" for name, words in NAMES.items())
    widget = WIDGET.format(options=options, last=len(plane.DEPTHS) - 1, data=json.dumps(data, separators=(",", ":")))
    return Shown(widget + _table(), data)


def _table() -> str:
    """1 - c layer by layer on the edge, exact, for pairs that begin at one half."""
    rows = []
    for name, words in NAMES.items():
        if not (line := edge_line(name)):
            continue
        s_b = 0.2 if len(line) > 1 else 0.0
        on = edge(activation(name), s_b)
        q = 1.0 if math.isnan(on.q) else on.q
        gaps = Field(activation(name), on.s_w, s_b).at(q).gaps(plane.FAR, plane.DEPTHS[-1])
        rows.append([words, f"{s_b:g}", f"{on.s_w:.3f}", *(f"{gaps[depth]:.3f}" for depth in plane.DEPTHS[3:])])
    head = ["on its edge", "s_b", "s_w", *(f"{depth} layers" for depth in plane.DEPTHS[3:])]
    return f"<details><summary>1 − c on the edge, from one half</summary>{table(head, rows)}</details>"
