"""All that is measured on a net of the reader's own and said of it, and pictures of what comes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from reversible.base.checks import InputError
from reversible.nets.layered import Layered
from reversible.nets.net import Net
from reversible.nets.reversal import compare
from reversible.spectra.matrix import Row
from reversible.your_net.images import ENOUGH
from reversible.your_net.measures import Layer, reverse, sent_down, spectra_of
from reversible.your_net.theory import theory_words
from reversible.your_net.words import reversal_table, reversal_words, said, spectrum_words

Lines = Sequence[tuple[str, np.ndarray]]  # a label and images


@dataclass(frozen=True, eq=False)
class Reading:
    """All that is measured on a net, and said of it; print it, or let a notebook show it."""

    rows: list[Row]
    skipped: list[str]  # a line for each matrix of which nothing can be said
    layers: list[Layer]

    def words(self) -> dict[str, list[str]]:
        """Sentences by heading."""
        return {
            "Are its weights random-like?": [*spectrum_words(self.rows), *self.skipped],
            "Does it reverse?": reversal_words(self.layers),
            "What does the theory say of it?": theory_words(self.rows, self.layers),
        }

    def __str__(self) -> str:
        return "\n\n".join("\n".join([head, *(f"- {line}" for line in lines)]) for head, lines in self.words().items())

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{head}</strong></p>{said(lines).content}" for head, lines in self.words().items()]
        return "".join(parts) + reversal_table(self.layers).content


def read(model: nn.Module, images: Any, batches: int = 20, seed: int = 0, sample: int = ENOUGH) -> Reading:
    """Measure a model by `spectra_of` and `reverse`, which say what is refused, and find the words for it."""
    layers, (rows, skipped) = reverse(model, images, batches, seed, sample), spectra_of(model)
    return Reading(rows, skipped, layers)


# --- pictures ---------------------------------------------------------------------------------------------------------


def pictures(model: nn.Module | Net | Layered, images: Any, count: int = 6, seed: int = 0) -> tuple[Any, str, str]:
    """What comes down from the first and the last hidden layer by each way, as `drawing.show` takes it.

    That is the figure, what it looks like, and what to see. InputError for images that are neither (N, channels,
    height, width) with 1 or 3 channels nor square and grey.
    """
    lines = sent_down(model, images, count, seed)
    x = lines[0][1].flatten(1)
    shape = _shape(images, x.shape[1])
    cosines = [
        f"{' '.join(label.split())} {float(compare(x, y.flatten(1)).cosine.mean()):.2f}" for label, y in lines[1:]
    ]
    flat = [(label, y.flatten(1)) for label, y in lines]
    drawn = [(label, (y - y.amin(1, keepdim=True).clamp(max=0)).numpy()) for label, y in flat]  # from zero up
    alt = f"Rows of {len(x)} images: the images themselves, then what comes down of their codes by each way."
    seen = f"{len(x)} images (top row) and what comes down of their codes. Mean cosines with the images: "
    return _rows(drawn, shape), alt, f"{seen}{'; '.join(cosines)}."


def _shape(images: Any, width: int) -> tuple[int, ...]:
    """(channels, height, width) of an image: as it is given, or the square of so many numbers."""
    given = tuple(np.shape(images)[1:])
    if len(given) == 3 and given[0] in (1, 3):
        return given
    side = round(width**0.5)
    if side * side != width:
        raise InputError(f"images must be square and grey to be drawn, not of {width} numbers each")
    return 1, side, side


def _rows(lines: Lines, shape: tuple[int, ...]) -> Any:
    """Grey images as all of this book, dark is large; colours each from zero to the largest number of its image."""
    from reversible.show import drawing

    channels, height, width = shape
    if channels == 1 and height == width:
        return drawing.image_rows(list(lines), height)
    drawing.style()
    count, wide = len(lines[0][1]), drawing.ALONE
    size = (wide, 1.15 * (wide - 1.2) / count * len(lines) * height / width)
    figure = drawing.plt.figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(lines), count, squeeze=False)
    for row, (label, images) in zip(axes, lines, strict=True):
        for ax, image in zip(row, images, strict=True):
            bright = image.reshape(shape).transpose(1, 2, 0) / (image.max() or 1)
            grey = {"cmap": "gray_r", "vmin": 0, "vmax": 1} if channels == 1 else {}
            ax.imshow(bright[:, :, 0] if channels == 1 else bright, interpolation="none", **grey)
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure
