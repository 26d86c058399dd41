"""Pictures that one layer rebuilds in one step: random filters with switches and without, and learned ones."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.nets.convolution import SWITCHES, Convolution, project, unit_rows
from reversible.papers.gilbert2017.experiments.filters_at_hand import Place, at, pictures
from reversible.show.drawing import ALONE, PANEL, show, style
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
        lines.append((f"{switches} switches", layer.down(project(h, None, (2, 2), switches), (SIDE, SIDE))))
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


LAYERS = {
    "vgg_images": (
        "colour pictures, as VGG-19 sees them, and below them what its first layer gives back with learned filters, "
        "in strong colours under a fine grid, and with random ones, paler and tinged with pink."
    ),
    "lenet_digits": (
        "digits, and below them what LeNet-5's first layer gives back with learned filters, white with a dark rim, and "
        "with random ones, speckled at the edges. All digits are read without effort."
    ),
}
DRAWS = 20  # of random filters; the first is drawn


def learned_and_random() -> Shown:
    """What the first layers of VGG-19 and of LeNet-5 give back of their inputs, and what random filters do."""
    try:
        seen = {place: at(place, slice(len(SHOWN))) for place in LAYERS}
    except data.NotAtHand:
        return Shown("<p class='rv-foot'>A figure is missing here: its weights or its pictures are not at hand.</p>")
    drawn, cosines = [], []
    for place in seen.values():
        learned, *random = _given_back(place)
        drawn.append(
            _drawn([("input", place.x), ("learned filters", learned), ("random filters", random[0])], PANEL, 2.8)
        )
        by_random = torch.cat([_cosine(place.x, back) for back in random])
        cosines.append(f"{float(_cosine(place.x, learned).mean()):.2f} with learned and {float(by_random.mean()):.2f}")
    return show(
        drawn,
        [f"Three rows of {len(SHOWN)} images: {words}" for words in LAYERS.values()],
        f"Whether they are learned or random, the filters of a first layer give most of their input back. On these "
        f"pictures the mean cosine is {cosines[0]} with random filters, of which there were {DRAWS} draws; on the "
        f"digits it is {cosines[1]} with random ones.",
    )


def _given_back(place: Place) -> list[Tensor]:
    """What comes back of a place's input in one step: with its own filters, and with draws of random ones."""
    generator, size = torch.Generator().manual_seed(0), tuple(place.x.shape[2:])
    random = [torch.randn(place.filters.shape, generator=generator) for _ in range(DRAWS)]
    found = []
    for filters in (place.filters, *random):
        layer = Convolution(unit_rows(filters), padding=place.padding)
        found.append(layer.down(project(torch.relu(layer.up(place.x)), None, (2, 2)), size))
    return found


def _cosine(x: Tensor, back: Tensor) -> Tensor:
    return functional.cosine_similarity(x.flatten(1), back.flatten(1))


def _drawn(lines: list[tuple[str, Tensor]], width: float = ALONE, height: float = 3.5) -> Figure:
    """A row a line: its label, and its images (3, ...) or (1, ...), each as bright as the others."""
    style()
    figure, axes = plt.subplots(len(lines), len(SHOWN), figsize=(width, height), layout="constrained")
    for row, (label, images) in zip(axes, lines, strict=True):
        for ax, image in zip(row, images, strict=True):
            spread = 2.2 * math.sqrt(float(image.square().mean()))
            shown = (image / (2 * spread) + 0.5).clamp(0, 1).permute(1, 2, 0).expand(-1, -1, 3)
            ax.imshow(shown.numpy(), interpolation="none")
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label.replace(" ", "\n"), rotation=0, ha="right", va="center")
    return figure
