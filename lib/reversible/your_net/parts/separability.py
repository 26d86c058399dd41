"""How linearly separable are the classes after each layer?"""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.show.html import Shown
from reversible.your_net.parts.part import Part, Said, as_layers
from reversible.your_net.separability import LEAST, Separability, separability_words, separable
from reversible.your_net.subject import Subject
from reversible.your_net.words import share

SECONDS = 2e-7  # for a number that a classifier reads


def measured(subject: Subject) -> Separability:
    """By `separable`, which draws random nets itself."""
    net: Any = subject.net
    return separable(net, subject.images.double(), subject.labels.numpy(), seed=subject.seed)


def enough(subject: Subject) -> str:
    """As many images as classifiers are fitted to."""
    count = len(subject.images)
    return "" if count >= LEAST else f"{LEAST} images are needed, and there are {count}"


def _seconds(subject: Subject) -> float:
    assert subject.net is not None
    units = sum(int(np.prod(stage.gives)) for stage in subject.net.hidden) + int(np.prod(subject.net.shape))
    return 1.0 + SECONDS * 4 * len(subject.images) * units


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Separability) -> Said:
    """The lead is the share after the last layer beside that on the images."""
    random = found.random.mean(0)
    names = ["the images", *(f"h{place}" for place in range(1, len(found.own)))]
    return Said(
        f"A linear classifier gets {share(found.own[0])} right on the images and {share(found.own[-1])} on "
        f"{names[-1]}.",
        f"After as many random layers it gets {share(random[-1])} right.",
        [(f"right on {name}", share(own), share(its)) for name, own, its in zip(names, found.own, random, strict=True)],
        separability_words(found),
    )


def drawn(found: Separability) -> Shown:
    """The share of examples a linear classifier gets right, layer by layer."""
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    places = range(len(found.own))
    several = [("this net", found.own[None]), ("random nets", found.random)]
    for look, (whose, shares) in drawing.told_apart(several):
        ax.plot(places, shares.mean(0), label=whose, **look)
    ax.set(xlabel="layer, the images first", ylabel="share that is right")
    ax.set_xticks(list(places), ["images", *(f"h{place}" for place in places[1:])])
    drawing.legend(ax)
    alt = "Points for the images and each hidden layer: the share that a linear classifier gets right, of both nets."
    return drawing.show(figure, alt, f"Fitted to one half of the images and tested on the other {found.tested:,}.")


PART = Part(
    name="separability", question="How separable are the classes?", chapter="one-layer-at-a-time",
    asks="A linear classifier is fitted to what each layer gives for one half of the images, and tested on the other.",
    needs=(as_layers, enough), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
