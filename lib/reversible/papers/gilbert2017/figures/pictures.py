"""Photographs that a random layer rebuilds in one step, with switches and without."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from reversible.nets.convolution import SWITCHES, Convolution, project, unit_rows
from reversible.papers.gilbert2017.experiments.filters_at_hand import pictures
from reversible.show.drawing import ALONE, show, style
from reversible.show.html import Shown

SHOWN, SIDE = (1, 4, 7, 9), 56  # crops of the two photographs, made smaller


def rebuilt_pictures(filters: int = 64) -> Shown:
    """Crops of photographs; what one random layer with maxima of four gives back of each; the same without switches."""
    generator = torch.Generator().manual_seed(0)
    x = functional.adaptive_avg_pool2d(pictures("photographs", slice(None))[list(SHOWN)], SIDE)
    x = x - x.mean((2, 3), keepdim=True)
    layer = Convolution(unit_rows(torch.randn(filters, 3, 3, 3, generator=generator)), padding=1)
    h = torch.relu(layer.up(x))
    lines = [("picture", x)]
    for switches in SWITCHES:
        back = layer.down(project(h, None, (2, 2), switches), (SIDE, SIDE))
        lines.append((f"{switches} switches", back))
    cosines = {label: float(_cosine(x, back).mean()) for label, back in lines[1:]}
    known, fixed = cosines.values()
    return show(
        _drawn(lines),
        f"Three rows of {len(SHOWN)} small photographs: the pictures, and below them what comes back with known and "
        "with fixed switches. Both show the same scenes, the first speckled and with sharp edges, the second softer "
        "and under a regular grid.",
        f"One layer of {filters} random filters, a ReLU and maxima of four, and back by the transpose. With the "
        f"maxima where they were the mean cosine is {known:.2f}, at one fixed place of each window {fixed:.2f}: on "
        "smooth pictures a move by one pixel loses little.",
    )


def _cosine(x: Tensor, back: Tensor) -> Tensor:
    return functional.cosine_similarity(x.flatten(1), back.flatten(1))


def _drawn(lines: list[tuple[str, Tensor]]) -> Figure:
    style()
    figure, axes = plt.subplots(len(lines), len(SHOWN), figsize=(ALONE, 3.5), layout="constrained")
    for row, (label, images) in zip(axes, lines, strict=True):
        for ax, image in zip(row, images, strict=True):
            spread = 2.2 * math.sqrt(float(image.square().mean()))
            ax.imshow(((image / (2 * spread) + 0.5).clamp(0, 1)).permute(1, 2, 0).numpy(), interpolation="none")
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label.replace(" ", "\n"), rotation=0, ha="right", va="center")
    return figure
