"""What the figures of deep nets share: a record's layers and tops as tables, and points beside their law."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reversible.records.record import Record, flat
from reversible.show.drawing import Look, measured


def layers(record: Record) -> Any:
    """A multi-layer record, one row a cell and layer: parameters, depth, layer (1 is next to the image), results."""
    rows = []
    for cell, result in record.pairs():
        depth = len(cell["rho"])
        rows += [
            {**cell, "depth": depth, "layer": depth - i, **flat(layer)} for i, layer in enumerate(result["layers"])
        ]
    return pd.DataFrame(rows)


def tops(record: Record) -> Any:
    """A multi-layer record, one row a cell: its top layer, and its own results."""
    rows = layers(record)
    own = pd.DataFrame([flat({k: v for k, v in row.items() if k != "layers"}) for row in record.rows])
    return pd.concat([rows[rows.layer == rows.depth].reset_index(drop=True), own], axis=1)


def beside_law(ax: Axes, part: Any, x: str, y: str, look: Look, label: str = "") -> tuple[float, str, Any]:
    """Points with intervals, and the law as a line through the same places; what `label_ends` takes for it."""
    measured(ax, part, x, y, look, label, law=f"predicted_{y}")
    last = part[f"predicted_{y}"][part[x] == part[x].max()].mean()
    return float(last), label, look["color"]
