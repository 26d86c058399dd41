"""How near is the nearest error, beside what errors in noise foretell of it?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from reversible.base.checks import InputError
from reversible.show.html import Shown
from reversible.your_net.errors import Errors, errors_words, find_errors
from reversible.your_net.parts.part import Part, Said
from reversible.your_net.subject import Subject, scores_of

SAMPLES, DRAWS, FRESH = 12, 300, 2000
PASSES = 25_000  # of one image, about as many as noise and search take for one sample
SECONDS = 1e-11  # for a product of two numbers, many images at once


@dataclass(frozen=True, eq=False)
class Measured:
    """Of this net and of a random one, whose own classes are taken for right."""

    own: Errors
    random: Errors | None  # None where a random net gives nearly all images one class
    size: float  # root mean square of the lengths of the images


def measured(subject: Subject) -> Measured:
    """By `find_errors`, on fewer images and draws."""
    twin = subject.random_model()
    own = _found(subject, subject.model, subject.labels)
    try:
        random = _found(subject, twin, scores_of(twin, subject.images).argmax(1))
    except InputError:
        random = None
    return Measured(own, random, math.sqrt(float(subject.images.flatten(1).square().sum(1).mean())))


def _found(subject: Subject, model: Any, labels: Tensor) -> Errors:
    return find_errors(model, subject.images, labels, samples=SAMPLES, draws=DRAWS, fresh=FRESH, seed=subject.seed)


def _seconds(subject: Subject) -> float:
    return 1.0 + 2 * SECONDS * subject.work * SAMPLES * PASSES


def right_images(subject: Subject) -> str:
    """Two images at least that the model gets right."""
    right = round((1 - subject.error) * len(subject.images))
    return "" if right >= 2 else f"two images that the net gets right are needed, and there are {right}"


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """The lead is the distance in the median image, and how it stands beside what noise foretells."""
    near = _median(found.own.nearest)
    lead = (
        f"The nearest error that is found is {near:.2g} away from the median image, whose length is {found.size:.2g}. "
        if math.isfinite(near) else "No error was found near most images. "
    )  # fmt: skip
    if len(found.own.ratio):
        lead += f"That is {np.median(found.own.ratio):.2f} times as far as errors in noise foretell."
    return Said(lead.strip(), _random(found.random), _numbers(found), errors_words(found.own))


def _random(random: Errors | None) -> str:
    if random is None or not len(random.ratio):
        return "A random net gives nearly all images one class, and nothing is foretold of another."
    return (
        f"A random net changes its class at a distance of {_median(random.nearest):.2g}, which is "
        f"{np.median(random.ratio):.2f} times as far as noise foretells."
    )


def _numbers(found: Measured) -> list[tuple[str, str, str]]:
    own, other = found.own, found.random
    lines = {
        "noise that makes one copy in a hundred wrong": (own.sigma, other and other.sigma),
        "distance that noise foretells": (own.foretold, other and other.foretold),
        "distance of the nearest error found": (own.nearest, other and other.nearest),
    }
    return [(what, _short(mine), "" if its is None else _short(its)) for what, (mine, its) in lines.items()]


def _median(values: np.ndarray) -> float:
    there = values[~np.isnan(values)]
    return float(np.median(there)) if len(there) else math.nan


def _short(values: np.ndarray) -> str:
    middle = _median(values)
    return "none" if not math.isfinite(middle) else f"{middle:.2g}"


def drawn(found: Measured) -> Shown:
    """Distances found over those foretold, image by image."""
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    several = [("this net", found.own), *([] if found.random is None else [("a random net", found.random)])]
    ends = []
    for look, (whose, each) in drawing.told_apart(several):
        ax.plot(each.foretold, each.nearest, ls="", label=whose, **look)
        ends += [*each.foretold[np.isfinite(each.foretold)], *each.nearest[np.isfinite(each.nearest)]]
    line = [min(ends), max(ends)] if ends else [0.1, 1.0]
    ax.plot(line, line, color=drawing.LAW, label="as foretold")
    ax.set(xscale="log", yscale="log", xlabel="distance that noise foretells", ylabel="nearest error found")
    for which in ("x", "y"):
        drawing.plain_numbers(ax, which)
    drawing.legend(ax)
    alt = "A point for each image on logarithmic axes: the distance of the nearest error over the one that is foretold."
    caption = "Image by image: how near an error is, and how near it would be if it lay beyond a flat boundary (line)."
    return drawing.show(figure, alt, caption)


PART = Part(
    name="errors", question="How near is the nearest error?", chapter="errors-in-noise",
    asks="Noise is added until one copy of an image in a hundred is wrong, and from there the nearest error is "
    "searched.",
    needs=(right_images,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
