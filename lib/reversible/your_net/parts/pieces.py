"""How many linear pieces has the net between the images, beside random nets of its size?"""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.show.html import Shown
from reversible.your_net.parts.part import Part, Said, as_layers
from reversible.your_net.regions import Counts, Regions, count_regions, regions_words
from reversible.your_net.subject import Subject

CURVES, IMAGES = 5, 40
SECONDS = 8e-11  # for a product of two numbers at a piece
ON_MAPS = 20  # times as much with convolutions, and with random nets that are drawn
MANY, ALIKE = 1.25, 1 / 1.25  # times the pieces of a random net


def measured(subject: Subject) -> Regions:
    """By `count_regions`, on fewer curves and images."""
    net: Any = subject.net
    return count_regions(net, subject.images.double(), CURVES, IMAGES, subject.seed)


def _seconds(subject: Subject) -> float:
    """A pass at each piece of a line, of which there are about as many as neurons, and about a pass a neuron beside."""
    assert subject.net is not None
    neurons = sum(int(np.prod(stage.read.gives)) for stage in subject.net.hidden)
    dense = len(subject.net.shape) == 1
    return 0.5 + SECONDS * subject.work * neurons * (3 * CURVES + IMAGES) * (1 if dense else ON_MAPS)


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Regions) -> Said:
    """The lead is the count between two images, where training leaves its mark."""
    own, random = found.segments.linear.mean(), found.segments.random.mean()
    ratio = own / random
    more = "more than" if ratio > MANY else "fewer than" if ratio < ALIKE else "about as many as"
    return Said(
        f"Between two images it has {own:,.0f} linear regions, {more} a random net of its size.",
        f"A random net{' without biases' * found.by_law} has {random:,.0f} between the same two images, "
        f"and {found.lines.random.mean():,.0f} on their whole line.",
        [*_numbers(found), *_distance(found)],
        regions_words(found),
    )


def _kinds(found: Regions) -> dict[str, Counts]:
    kinds = {"whole line": found.lines, "between two images": found.segments, "circle through three": found.circles}
    return {words: counts for words, counts in kinds.items() if len(counts.linear)}


def _numbers(found: Regions) -> list[tuple[str, str, str]]:
    return [
        (f"linear regions, {words}", f"{counts.linear.mean():,.0f}", f"{counts.random.mean():,.0f}")
        for words, counts in _kinds(found).items()
    ]


def _distance(found: Regions) -> list[tuple[str, str, str]]:
    far, random = (d[np.isfinite(d)] for d in (found.distance, found.random_distance))
    if not len(far) or not len(random):
        return []
    return [("distance of an image from the nearest switch", f"{far.mean():.2g}", f"{random.mean():.2g}")]


def drawn(found: Regions) -> Shown:
    """Counts on each curve."""
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    kinds = _kinds(found)
    looks = drawing.told_apart(["this net", "random nets"])
    for shift, (look, whose) in zip((-0.12, 0.12), looks, strict=True):
        for place, counts in enumerate(kinds.values()):
            values = counts.linear if whose == "this net" else counts.random
            ax.plot(np.full(len(values), place + shift), values, ls="", label=whose if not place else None, **look)
    ax.set(yscale="log", ylabel="linear regions", xlim=(-0.5, len(kinds) - 0.5))
    ax.set_xticks(range(len(kinds)), [words.replace(" ", "\n", 1) for words in kinds])
    drawing.plain_numbers(ax, "y")
    drawing.legend(ax)
    alt = "Points on a logarithmic axis: linear regions on lines, between images and on circles, beside random nets."
    caption = (
        f"Linear regions of this net and of random nets of its size on {len(found.lines.linear)} curves of each kind. "
        "On a whole line a random net has one more than it has neurons, so what differs there is what training did."
    )
    return drawing.show(figure, alt, caption)


PART = Part(
    name="regions", question="How many pieces does it have?", chapter="linear-regions",
    asks="The pieces on which the net is affine are counted exactly, along lines and circles through images.",
    needs=(as_layers,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
