"""Does the net reverse? Codes sent down by its own weights, beside random nets in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.show.html import Shown
from reversible.your_net.measures import CONTROLS, OTHER_NET, OWN, WAYS, Layer, reverse
from reversible.your_net.parts.part import Part, Said, as_layers
from reversible.your_net.reading import pictures
from reversible.your_net.subject import Subject
from reversible.your_net.words import listed, reversal_words

BATCHES, IMAGES = 10, 200  # of a page that is read at a glance; `reverse` itself takes more
NUMBERS = {
    "cosine": "cosine of a code and what comes back",
    "specific": "the image's own part of it",
    "kept": "share of the images whose class is kept",
}
BESIDE = {1: "above", 0: "among", -1: "below"}
COUNT = 5  # images that are drawn
SECONDS = 1.2e-9  # for a product of two numbers of a pass, up and down


@dataclass(frozen=True, eq=False)
class Measured:
    """What `reverse` finds, and what is drawn."""

    layers: Sequence[Layer]
    net: Any
    images: Tensor


def measured(subject: Subject) -> Measured:
    """By `reverse`, on fewer images and batches."""
    net: Any = subject.net
    x, batches = subject.images.double(), min(BATCHES, len(subject.images) // 2)
    layers = reverse(net, x, batches, subject.seed, sample=max(IMAGES, 2 * batches))
    return Measured(layers, subject.net, x[:COUNT])


def _seconds(subject: Subject) -> float:
    """All ways are as one pass up and down an image; random nets are as many as batches, each with all images."""
    assert subject.net is not None
    used, depth = min(IMAGES, len(subject.images)), len(subject.net.hidden)
    random = BATCHES if len(subject.net.shape) == 1 else 1
    return 1.0 + SECONDS * subject.work * used * depth * (4 + random)


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """The lead is the cosine of each hidden layer, and how it stands beside random nets."""
    alive = [layer for layer in found.layers if not layer.dead]
    if not alive:
        return Said("Nothing comes back: no hidden unit is active, whatever the image.", "", [])
    came = listed(f"h{layer.number} with a cosine of {layer.of('cosine').mean:.2f}" for layer in alive)
    random = listed(f"{_mean(layer.of('cosine', OTHER_NET))} from h{layer.number}" for layer in alive)
    stands = listed(f"{how} such nets from {from_}" for how, from_ in _stands(alive).items())
    return Said(
        f"Sent down by the net's own transposed weights and read again, the codes come back: those of {came}.",
        f"Random nets in its place have a cosine of {random}. This net is {stands}.",
        [line for layer in alive for line in _numbers(layer)],
        reversal_words(found.layers),
    )


def _stands(layers: Sequence[Layer]) -> dict[str, str]:
    """From which layers the net is above, among or below random nets."""
    codes = {how: [f"h{x.number}" for x in layers if x.beside() == side] for side, how in BESIDE.items()}
    return {how: listed(names) for how, names in codes.items() if names}


def _mean(found: Estimate) -> str:
    return f"{found.mean:.2f}"


def _numbers(layer: Layer) -> list[tuple[str, str, str]]:
    measures = {
        "cosine": "cosine of code and what comes back",
        "specific": "the image's own part of it",
        "kept": "share with the class kept",
    }
    return [
        (f"h{layer.number}, {words}", str(layer.of(name)), str(layer.of(name, OTHER_NET)))
        for name, words in measures.items()
    ]


def drawn(found: Measured) -> Shown:
    """The images and what comes down of them; cosines alone where the images are no pictures."""
    from reversible.show import drawing

    try:
        with torch.no_grad():
            return drawing.show(*pictures(found.net, found.images, COUNT))
    except InputError:
        return _cosines(found.layers)


def _cosines(layers: Sequence[Layer]) -> Shown:
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    ways = [OWN, *CONTROLS, OTHER_NET]
    for look, way in drawing.told_apart(ways):
        means, bars = drawing.means_and_bars(layer.of("cosine", way) for layer in layers)
        ax.errorbar([layer.number for layer in layers], means, bars, ls="", capsize=2, label=WAYS[way], **look)
    ax.set(xlabel="hidden layer", ylabel="cosine of code and what comes back", ylim=(None, 1.02))
    ax.set_xticks([layer.number for layer in layers])
    drawing.legend(ax)
    alt = "Points with intervals for each hidden layer: cosines by the net's own weights and by the controls."
    return drawing.show(figure, alt, "How much of a code comes back, by the net's own weights and by others.")


PART = Part(
    name="reversal", question="Does it reverse?", chapter="real-nets",
    asks="A hidden code is sent down by the transposed weights, and the net reads what comes down.",
    needs=(as_layers,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
