"""Figures of the way down a whole VGG-16: pictures from each pooling, and both theories layer by layer."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from reversible import data
from reversible.papers.gilbert2017.experiments.vgg16_trunk import POOLS, Trunk, cosines, pictures, seen
from reversible.papers.gilbert2017.labels_vgg16 import LAYERS
from reversible.papers.gilbert2017.labels_vgg16 import POOLS as POOL_WORDS
from reversible.records.record import Record
from reversible.show.drawing import ALONE, LAW, legend, means_and_bars, panels, show, style, told_apart
from reversible.show.html import Shown

SHOWN = ("p1", "p3", "p5")
GROUP = 6  # of photographs: two crops with things in them
LINES = {
    "VGG-16": "learned image",
    "random\nnet": "random image",
    "VGG-16,\nnoise": "learned noise",
}


def vgg16_pictures(side: int = 96) -> Shown:
    """One photograph as it comes down from three poolings: VGG-16, a random net, and VGG-16 with noise for its code."""
    try:
        trunk, x = Trunk.at_hand(), seen(pictures("photographs", GROUP, side))
    except data.NotAtHand as missing:
        return Shown(f"<p class='rv-foot'>The pictures are not drawn: {missing}.</p>", [])
    generator = torch.Generator().manual_seed(0)
    nets = {"learned": trunk, "random": trunk.random(generator)}
    back = {line: _down(nets[how.split()[0]], x, how.endswith("noise"), generator) for line, how in LINES.items()}
    found = {line: [float(cosines(x, maps)[0]) for maps in images] for line, images in back.items()}
    learned, random, noise = found.values()
    return show(
        _drawn(x, back),
        "A photograph, and three rows of three pictures, from the first, the third and the last pooling. By VGG-16's "
        "own code the outlines are seen after the first pooling, in loud colours, and dissolve into speckles; a random "
        "net gives a faint copy of the photograph that fades; from noise nearly the same outlines come as from the "
        "code.",
        f"What comes down from three poolings to one crop of a photograph, maxima back where they were. Cosines with "
        f"the crop fall from {learned[0]:.2f} to {learned[-1]:.2f} in VGG-16 and from {random[0]:.2f} to "
        f"{random[-1]:.2f} in a random net; with noise in place of the code they are {min(noise):.2f} to "
        f"{max(noise):.2f}.",
    )


def _down(net: Trunk, x: Tensor, noise: bool, generator: torch.Generator) -> list[Tensor]:
    """What comes down to the picture from each pooling."""
    codes = net.up(x)
    sent = {
        place: torch.randn(codes.maps[place].shape, generator=generator).abs() if noise else codes.maps[place]
        for place in SHOWN
    }
    return [net.down(code, place, codes) for place, code in sent.items()]


def _drawn(x: Tensor, lines: dict[str, list[Tensor]]) -> Figure:
    style()
    figure, axes = plt.subplots(len(lines), 1 + len(SHOWN), figsize=(ALONE, 2.4), layout="constrained")
    for row, (label, images) in zip(axes, lines.items(), strict=True):
        for ax in row:
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[1].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        for ax, image in zip(row[1:], images, strict=True):
            ax.imshow(_pixels(image[0]), interpolation="none")
    for ax, place in zip(axes[0][1:], SHOWN, strict=True):
        ax.set_title(POOL_WORDS[place], fontsize=9)
    axes[0][0].imshow(_pixels(x[0]), interpolation="none")
    axes[0][0].set_title("seen", fontsize=9)
    return figure


def _pixels(image: Tensor) -> np.ndarray:
    """What a net sees (3, side, side), blue first, as red, green and blue from 0 to 1, as long as others are."""
    spread = 4.4 * float(image.double().square().mean().sqrt())
    return (image.flip(0) / max(spread, 1e-30) + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


IMAGES = {"image_learned": "VGG-16", "image_random": "random nets", "image_noise_learned": "VGG-16, noise",
          "image_fixed_learned": "VGG-16, fixed switches"}  # fmt: skip
CODES = {"code_learned": "VGG-16", "code_other_learned": "VGG-16, another's", "code_random": "random nets",
         "code_other_random": "random, another's"}  # fmt: skip


def vgg16_down(record: Record) -> Shown:
    """Cosines by pooling: of the picture with what comes down, and of the code with what it comes to."""
    figures, axes = panels(2, 3.3)
    places = np.arange(len(POOLS))
    for ax, series, words in zip(axes, (IMAGES, CODES), ("picture", "code"), strict=True):
        for nudge, (look, (name, label)) in zip(np.linspace(-0.15, 0.15, 4), told_apart(series.items()), strict=True):
            means, bars = means_and_bars(record.measures[f"{name}_{place}"] for place in POOLS)
            ax.errorbar(places + nudge, means, bars, ls="", capsize=2, lw=1, label=label, **look)
        ax.set_xticks(places, [POOL_WORDS[place] for place in POOLS])
        ax.set(ylabel=f"cosine with the {words}", title="to the picture" if words == "picture" else "and up again")
        ax.axhline(0, color="0.9", lw=0.8, zorder=0)
        legend(ax)
    m = {name: e.mean for name, e in record.measures.items()}
    return show(
        figures,
        [
            "Five poolings with four points each: the cosine of the picture with what comes down from the code in "
            "VGG-16 and in random nets, from noise, and with fixed switches.",
            "Five poolings with four points each: the cosine of a code with what it comes to, and with what another "
            "picture's code comes to, in VGG-16 and in random nets.",
        ],
        f"From pool1 and pool5 the picture comes back with cosines of {m['image_learned_p1']:.2f} and "
        f"{m['image_learned_p5']:.2f} in VGG-16, {m['image_random_p1']:.2f} and {m['image_random_p5']:.2f} in random "
        f"nets. The code of pool5 comes back with {m['code_learned_p5']:.2f} in VGG-16, and another picture's "
        f"comes to {m['code_other_learned_p5']:.2f}.",
    )


def vgg16_theories(record: Record) -> Shown:
    """By convolution: cosines of codes down and up again, and of inputs one step back with the law."""
    figures, axes = panels(2, 3.2)
    places = np.arange(len(LAYERS))
    series = (
        {"code_learned": "VGG-16", "other_learned": "another's code", "code_random": "random filters"},
        {"input_learned": "VGG-16", "input_random": "random filters"},
    )
    for ax, names, title in zip(axes, series, ("a code, down and up again", "an input, one step back"), strict=True):
        for look, (name, label) in told_apart(names.items()):
            means, bars = means_and_bars(record.measures[f"{name}_{layer}"] for layer in LAYERS)
            ax.errorbar(places, means, bars, ls="", capsize=2, lw=1, label=label, **look)
        ax.set_xticks(places, [words.replace("conv", "") for words in LAYERS.values()], rotation=60)
        ax.set(ylabel="cosine", ylim=(0, 1.03), title=title)
    law = [record.measures[f"law_random_{layer}"].mean for layer in LAYERS]
    axes[1].plot(places, law, color=LAW, label="law, random filters")
    for ax in axes:
        legend(ax)
    m = {name: e.mean for name, e in record.measures.items()}
    return show(
        figures,
        [
            "Thirteen convolutions with three points each: the cosine of a code with its own return in VGG-16, with "
            "the return of another picture's code, and in random layers.",
            "Thirteen convolutions with two points each: the cosine of an input with what one step brings back, by "
            "VGG-16's filters and by random ones, which lie on the line of the law.",
        ],
        f"A code comes back with a mean cosine of {m['code_learned']:.2f}, against {m['code_random']:.2f} in random "
        f"layers; another picture's comes to {m['other_learned']:.2f}. An input comes back with "
        f"{m['input_learned']:.2f} by VGG-16's filters and {m['input_random']:.2f} by random ones, "
        f"{m['law_ratio_learned']:.2f} and {m['law_ratio_random']:.2f} times the law.",
    )


FIGURES = {"vgg16-down": vgg16_down, "vgg16-theories": vgg16_theories}
