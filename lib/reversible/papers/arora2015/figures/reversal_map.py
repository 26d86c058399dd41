"""The map: error of the top code over sparsity and depth, a panel a family of weights."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from reversible.papers.arora2015.figures.many_layers import tops
from reversible.papers.arora2015.labels.one_layer import FAMILIES
from reversible.records.record import Record
from reversible.show.drawing import error_heatmap, legend, panels, show
from reversible.show.html import Shown
from reversible.theory.depth import EDGE


def reversal_map(record: Record) -> Shown:
    """Relative error of the top code over k/t and depth, one panel a family, the line where a quarter is lost."""
    data = tops(record)
    data["k/t"] = [k / (r[-1] * w[-2]) for k, r, w in zip(data.k, data.rho, data.widths, strict=True)]
    families = list(dict.fromkeys(data.weights))
    figures, axes = panels(len(families), 3.0)
    lost = {}
    for ax, family in zip(axes, families, strict=True):
        rows = data[data.weights == family]
        grid, law = (rows.pivot(index="depth", columns="k/t", values=column)
                     for column in ("relative_error", "predicted_relative_error"))  # fmt: skip
        lost[family] = float((grid.to_numpy() > EDGE).mean())
        grid.columns = [f"{c:.2g}" for c in grid.columns]
        error_heatmap(ax, grid, cbar_kws={"label": "relative error", "aspect": 14})
        _staircase(ax, grid.to_numpy() <= EDGE, "-", "a quarter lost")
        _staircase(ax, law.to_numpy() <= EDGE, ":", "by the Gaussian law")
        ax.set(title=FAMILIES[family], xlabel="k/t of the top layer", ylabel="layers")
        ax.tick_params(axis="y", rotation=0)
        legend(ax)
    worst = max(lost, key=lambda family: lost[family])
    return show(
        figures,
        [
            f"{FAMILIES[family]}: a table of relative errors in colours, depth downwards and k over t to the right; "
            f"errors grow in both directions. A solid staircase marks where they cross a quarter, a dotted one where "
            f"the Gaussian law does."
            for family in families
        ],
        f"The error of the top code grows with the number of layers and with k/t. With Gaussian weights "
        f"{lost['gaussian']:.0%} of the nets lose more than a quarter of their code, with {FAMILIES[worst]} "
        f"{lost[worst]:.0%}; the solid line is where a quarter is lost, the dotted one where the law for Gaussian "
        f"weights says so.",
    )


def _staircase(ax: Axes, inside: np.ndarray, line: str, label: str) -> None:
    """The border of the cells that are `inside`, (depths, places)."""
    look = {"color": "w" if line == ":" else "k", "ls": line, "lw": 2}
    ax.plot([], [], color="k", ls=line, lw=2, label=label)
    for i, row in enumerate(inside):
        for j, here in enumerate(row):
            if j + 1 < len(row) and here != row[j + 1]:
                ax.plot([j + 1, j + 1], [i, i + 1], **look)
            if i + 1 < len(inside) and here != inside[i + 1][j]:
                ax.plot([j, j + 1], [i + 1, i + 1], **look)


FIGURES = {"reversal-map": reversal_map}
