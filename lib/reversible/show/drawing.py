"""What every figure of the book shares: one style, tables from records, points with intervals, panels, captions.

A figure is a list of panels, each an image of its own with `alt` text: beside each other where there is room, below
each other on a phone. A panel is at most PANEL wide, one that stands alone at most ALONE: then labels of SMALLEST
points are read at 9 pixels or more on a desktop page and on a phone.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reversible.base.estimates import Estimate
from reversible.records.record import Record
from reversible.show.html import Shown, escape

LARGEST = 500_000  # letters of a vector drawing
UNQUOTED = " ='/:;,()+-.*!"  # what a quoted address may hold as it is
CSS_DPI = 96  # pixels of a page to an inch
PANEL, ALONE = 3.4, 4.35  # inches: the width of a panel among others, and of one that stands alone
SMALLEST = 8.5  # points
# Colours that everybody tells apart; beside them each thing has a marker of its own.
COLOURS = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#56b4e9", "#ca9161", "#949494", "#d55e00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
LAW = "0.35"  # the grey of a law that all share
T = TypeVar("T")
Look = dict[str, Any]  # what a series is drawn with: color, marker


def style() -> None:
    """The one style of the book: colour-blind safe, no chart junk."""
    sns.set_theme(context="paper", style="ticks", palette=list(COLOURS))
    plt.rcParams |= {
        "svg.hashsalt": "reversible",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": CSS_DPI,
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9.5,
        "xtick.labelsize": SMALLEST,
        "ytick.labelsize": SMALLEST,
        "legend.fontsize": SMALLEST,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
    }


def panels(count: int, height: float = 2.9) -> tuple[list[Figure], list[Axes]]:
    """So many panels of a figure, each with its axes; one alone is wider."""
    style()
    width = PANEL if count > 1 else ALONE
    drawn = [plt.subplots(figsize=(width, height), layout="constrained") for _ in range(count)]
    return [figure for figure, _ in drawn], [ax for _, ax in drawn]


def canvas(height: float) -> tuple[Figure, Axes]:
    """An empty panel for a drawing, 100 units wide and as high in the same units as it is in inches."""
    style()
    figure, ax = plt.subplots(figsize=(ALONE, height))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    ax.set(xlim=(0, 100), ylim=(0, 100 * height / ALONE))
    ax.axis("off")
    return figure, ax


def show(figure: Figure | Sequence[Figure], alt: str | Sequence[str], caption: str = "") -> Shown:
    """Panels as a <figure>, each an <img> with its `alt` text, and the caption: one or two sentences of what to see.

    Where their number fills rows of three they may use the margin of a wide page. The panels are the value.
    """
    drawn = [figure] if isinstance(figure, Figure) else list(figure)
    alts = [alt] if isinstance(alt, str) else list(alt)
    images = "".join(_image(panel, words) for panel, words in zip(drawn, alts, strict=True))
    wide = " rv-wide full-width" if len(drawn) % 3 == 0 else ""
    wide += " rv-small" if drawn[0].get_figwidth() < PANEL / 2 else ""
    return Shown(_figure(f"rv-figure{wide}", images, caption), drawn)


def show_moments(
    figures: Sequence[Figure], alts: Sequence[str], says: Sequence[str], slider: str, caption: str
) -> Shown:
    """One panel at several moments: the first and the last beside each other, and a slider for those between.

    `says` is said of each moment, `slider` is what the slider is called. The page's _static/moments.js moves it; where
    no script runs, the first and the last are all that is seen. The panels are the value.
    """
    images, last = "", len(figures) - 1
    for place, (panel, alt, words) in enumerate(zip(figures, alts, says, strict=True)):
        hidden = "" if place in (0, last) else " hidden"
        images += _image(panel, alt, f' data-says="{escape(_percent(words))}"{hidden}')
    bar = (
        f'<p class="rv-moments-bar" hidden><label>{escape(slider)} <input type="range" min="0" max="{last}" value="0" '
        f'autocomplete="off"></label> <output>{escape(_percent(says[0]))}</output></p>'
    )
    return Shown(_figure("rv-figure rv-moments", images, caption, bar), list(figures))


def _figure(css: str, images: str, caption: str, bar: str = "") -> str:
    below = f"<figcaption>{escape(_percent(caption))}</figcaption>" if caption else ""
    return f'<figure class="{css}"><div class="rv-row">{images}</div>{bar}{below}</figure>'


def _percent(words: str) -> str:
    """As the book writes percent."""
    return re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", words)


def _image(figure: Figure, alt: str, more: str = "") -> str:
    """An <img>: vector, or pixels where the vector would be heavier than 500 kB."""
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    source = f"data:image/svg+xml,{quote(_light(drawing.getvalue()), safe=UNQUOTED)}"
    size = ""
    if len(source) > LARGEST:
        pixels = io.BytesIO()
        figure.savefig(pixels, format="png", dpi=2 * CSS_DPI)
        source = f"data:image/png;base64,{base64.b64encode(pixels.getvalue()).decode()}"
        size = f' width="{figure.get_figwidth() * CSS_DPI:.0f}"'
    plt.close(figure)
    return f'<img src="{source}"{size} alt="{escape(alt)}"{more}>'


def _light(svg: str) -> str:
    """The same drawing with fewer letters: no comments nor empty space, and paths to a hundredth of a point."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.S)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"-?\d+\.\d+", lambda x: f"{float(x[0]):.2f}", path[0]), svg)
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", svg))


def frame(record: Record) -> Any:  # a DataFrame; pandas' own types deny what indexing gives
    """A record's cells as a table: parameters, results, and for each estimate its _low and _high."""
    return pd.DataFrame(record.table())


def image_rows(
    lines: list[tuple[str, Any]], side: int, size: tuple[float, float] | None = None, vmax: float | None = None
) -> Figure:
    """Square grey images, a row a line, each line its label and as many images as the others; dark is large."""
    style()
    size = size or (ALONE, 1.15 * (ALONE - 1.2) / len(lines[0][1]) * len(lines))
    figure, axes = plt.subplots(len(lines), len(lines[0][1]), figsize=size, layout="constrained", squeeze=False)
    for row, (label, images) in zip(axes, lines, strict=True):
        for ax, image in zip(row, images, strict=True):
            ax.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=vmax, interpolation="none")
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def told_apart(things: Iterable[T]) -> list[tuple[Look, T]]:
    """Each of at most eight things with a colour and a marker of its own, in order."""
    several = list(things)
    looks = [{"color": colour, "marker": marker} for colour, marker in zip(COLOURS, MARKERS, strict=True)]
    return list(zip(looks[: len(several)], several, strict=True))


def by_size(things: Iterable[T]) -> list[tuple[Look, T]]:
    """Each of at most eight things in their order, small to large: from dark to light, and a marker of its own."""
    several = list(things)
    shades = sns.color_palette("viridis", as_cmap=True)(np.linspace(0.05, 0.8, len(several)))
    markers = MARKERS[: len(several)]
    return [({"color": c, "marker": m}, thing) for c, m, thing in zip(shades, markers, several, strict=True)]


def ink(colour: Any) -> tuple[float, float, float]:
    """A colour, dark enough for words."""
    red, green, blue = (0.7 * part for part in to_rgb(colour))
    return red, green, blue


def legend(ax: Axes, **look: Any) -> None:
    """The legend of a panel: small and without a frame, below the panel, where it covers nothing."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    handles, labels = ax.get_legend_handles_labels()
    shown = {"handles": handles, "labels": labels, "frameon": False, "loc": "outside lower center", "ncols": 2}
    figure.legend(**shown | look)


def label_ends(ax: Axes, ends: Iterable[tuple[float, str, Any]], gap: float = 0.075) -> None:
    """Words in a colour at the right of the panel: at the height of its own line, or as near as the others allow.

    `ends`: heights (data), words, colours; the limits of the axes must be as they will stay. `gap`: of two lines of
    words, as a share of the panel's height.
    """
    right, to_axes = ax.get_xlim()[1], ax.transScale + ax.transLimits
    placed = sorted((float(to_axes.transform((right, y))[1]), words, colour) for y, words, colour in ends)
    heights = _apart([height for height, _, _ in placed], gap)
    for height, (_, words, colour) in zip(heights, placed, strict=True):
        ax.text(1.02, height, words, transform=ax.transAxes, va="center", color=ink(colour), fontsize=SMALLEST)


def _apart(heights: list[float], gap: float) -> list[float]:
    """Rising heights, moved as little as it takes to lie `gap` from each other, between 0 and 1 where they fit."""
    moved = list(heights)
    for _ in range(200):
        for i in range(len(moved) - 1):
            if (missing := gap - (moved[i + 1] - moved[i])) > 1e-6:
                moved[i] -= missing / 2
                moved[i + 1] += missing / 2
        low, high = max(0.0 - moved[0], 0.0), max(moved[-1] - 1.0, 0.0)
        moved[0] += low
        moved[-1] -= high
    return moved


def bars_of(part: Any, y: str) -> np.ndarray:
    """Lengths of the interval below and above the mean, (2, rows), as errorbar wants them."""
    return np.abs(np.array([part[y] - part[f"{y}_low"], part[f"{y}_high"] - part[y]]))


def means_and_bars(found: Iterable[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    """Means of estimates (N,), and the lengths of their intervals below and above (2, N), as errorbar wants them."""
    found = list(found)
    means = np.array([e.mean for e in found])
    return means, np.abs(np.array([e.ci95 for e in found]).T - means)


def measured(ax: Axes, part: Any, x: str, y: str, look: Look, label: str = "", law: str = "") -> None:
    """Measured means of a table with their intervals as points, and its column `law`, if any, as a line."""
    part = part.sort_values(x)
    ax.errorbar(part[x], part[y], bars_of(part, y), ls="", capsize=2, lw=1, label=label, **look)
    if law:
        curve = part.groupby(x)[law].mean()
        ax.plot(curve.index, curve.to_numpy(), color=look["color"])


def points(
    ax: Axes, data: Any, x: str, y: str, law: str, hue: str, scale: str = "log",
    words: Callable[[Any], str] | None = None,
) -> None:  # fmt: skip
    """A series for each value of `hue`, from dark to light: measured points, the column `law` as a line, and at its
    end what `words` makes of the value.
    """
    if scale == "log":
        ax.set(xscale="log", yscale="log")
    ends = []
    for look, (value, part) in by_size(data.groupby(hue)):
        measured(ax, part, x, y, look, law=law)
        last = part[law][part[x] == part[x].max()].mean()
        ends.append((float(last), words(value) if words else f"{hue} = {value:g}", look["color"]))
    if scale == "log":
        plain_ticks(ax, data[x])
    label_ends(ax, ends)


def plain_ticks(ax: Axes, x: Any, most: int = 7) -> None:
    """Logarithmic axes with plain numbers: on x the values that were run where they are few, on y 1, 2 and 5."""
    values = np.unique(x)
    ax.set_xticks(values[:: -(-len(values) // most)] if len(values) < 20 else ax.get_xticks())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    plain_numbers(ax, "y")
    ax.xaxis.set_minor_locator(NullLocator())


def plain_numbers(ax: Axes, which: str, subs: Sequence[float] = (1, 2, 5)) -> None:
    """Plain numbers 1, 2, 5, 10, ... on a logarithmic axis, "x" or "y"."""
    axis = {"x": ax.xaxis, "y": ax.yaxis}[which]
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.set_minor_locator(NullLocator())


def error_heatmap(ax: Axes, grid: Any, words: Callable[[float], str] = "{:.2g}".format, **look: Any) -> None:
    """A table of relative errors as colours from 0 to 1, each cell with its number; `look` as seaborn's heatmap."""
    look = {"annot_kws": {"fontsize": SMALLEST}} | look
    sns.heatmap(grid.clip(upper=1), annot=grid.map(words), fmt="", cmap="viridis_r", vmin=0, vmax=1, ax=ax, **look)


def span(values: Any) -> str:
    return f"{np.min(values):.3g} to {np.max(values):.3g}"
