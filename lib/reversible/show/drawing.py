"""What every figure of the book shares: one style, tables from records, points with intervals, an <img> with words."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reversible.records.record import Record
from reversible.show.html import Shown, escape

LARGEST_SVG = 500_000
T = TypeVar("T")


def style() -> None:
    """The one style of the book: colour-blind safe, no chart junk."""
    sns.set_theme(context="notebook", style="ticks", palette="colorblind", font_scale=0.9)
    plt.rcParams |= {
        "svg.hashsalt": "reversible",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": 120,
    }


def show(figure: Figure, alt: str) -> Shown:
    """A figure as an <img> with `alt` text: vector, or pixels where the vector would be heavier than 500 kB."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    kind = "svg+xml"
    if buffer.tell() > LARGEST_SVG:
        buffer, kind = io.BytesIO(), "png"
        figure.savefig(buffer, format="png", bbox_inches="tight", dpi=160)
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return Shown(f'<img class="rv-figure" src="data:image/{kind};base64,{data}" alt="{escape(alt)}">')


def frame(record: Record) -> Any:  # a DataFrame; pandas' own types deny what indexing gives
    """A record's cells as a table: parameters, results, and for each estimate its _low and _high."""
    return pd.DataFrame(record.table())


def panels(count: int, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    style()
    figure, axes = plt.subplots(1, count, figsize=(4.4 * count, height), layout="constrained", squeeze=False)
    return figure, list(axes[0])


def image_rows(lines: list[tuple[str, Any]], side: int, size: tuple[float, float], vmax: float | None = None) -> Figure:
    """Square grey images, a row a line, each line its label and as many images as the others; dark is large."""
    style()
    figure, axes = plt.subplots(len(lines), len(lines[0][1]), figsize=size, layout="constrained", squeeze=False)
    for row, (label, images) in zip(axes, lines, strict=True):
        for ax, image in zip(row, images, strict=True):
            ax.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=vmax)
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def coloured(things: Iterable[T]) -> list[tuple[Any, T]]:
    """Each of at most ten things with a colour of its own, the palette's in order."""
    several = list(things)
    return list(zip(sns.color_palette("colorblind", len(several)), several, strict=True))


def legend(ax: Axes, **look: Any) -> None:
    """The legend of the book's figures: small and without a frame, unless `look` says otherwise."""
    ax.legend(**{"frameon": False, "fontsize": 8} | look)


def bars_of(part: Any, y: str) -> np.ndarray:
    """Lengths of the interval below and above the mean, (2, rows), as errorbar wants them."""
    return np.abs(np.array([part[y] - part[f"{y}_low"], part[f"{y}_high"] - part[y]]))


def points(ax: Axes, data: Any, x: str, y: str, law: str | None, hue: str, scale: str = "log") -> None:
    """Measured means with their intervals, one colour a value of `hue`, the column `law` drawn through them."""
    for colour, (value, part) in coloured(data.groupby(hue)):
        part = part.sort_values(x)
        label = f"{hue} = {value:g}"
        ax.errorbar(part[x], part[y], bars_of(part, y), fmt="o", ms=4, color=colour, label=label, capsize=2, lw=1)
        if law:
            curve = part.groupby(x)[law].mean()
            ax.plot(curve.index, curve.to_numpy(), color=colour, lw=1)
    ax.set(xscale=scale, yscale=scale, xlabel=x)
    if scale == "log":
        plain_ticks(ax, data[x])


def plain_ticks(ax: Axes, x: Any) -> None:
    """Logarithmic axes with plain numbers: on x the values that were run where they are few, on y 1, 2 and 5."""
    values = np.unique(x)
    ax.set_xticks(values[:: -(-len(values) // 7)] if len(values) < 20 else ax.get_xticks())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())


def error_heatmap(ax: Axes, grid: Any, **look: Any) -> None:
    """A table of relative errors as colours from 0 to 1, each cell with its number; `look` as seaborn's heatmap."""
    labels = grid.map(lambda v: f"{v:.2g}")
    sns.heatmap(grid.clip(upper=1), annot=labels, fmt="", cmap="viridis_r", vmin=0, vmax=1, ax=ax, **look)


def span(values: Any) -> str:
    return f"{np.min(values):.3g} to {np.max(values):.3g}"
