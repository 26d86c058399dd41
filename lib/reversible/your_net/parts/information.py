"""Do classes draw together layer by layer, and what does a layer tell through noise?"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reversible.show.html import Shown
from reversible.your_net.information import Clusters, Told, information_words, layer_information
from reversible.your_net.parts.part import Part, Said
from reversible.your_net.subject import Subject

DRAWS, IMAGES = 500, 500
SECONDS = 1.3e-10  # for a number of a difference of two points


@dataclass(frozen=True, eq=False)
class Measured:
    """Of this net and of a random one of the same shape."""

    own: Clusters
    random: Clusters


def measured(subject: Subject) -> Measured:
    """By `layer_information`, on fewer images and draws."""
    own, random = (
        layer_information(
            model, subject.images, subject.labels, draws=DRAWS, sample=min(IMAGES, len(subject.images)),
            seed=subject.seed,
        )
        for model in (subject.model, subject.random_model())
    )  # fmt: skip
    return Measured(own, random)


def _seconds(subject: Subject) -> float:
    used = min(IMAGES, len(subject.images))
    units = sum(int(p.shape[0]) for p in subject.model.parameters())
    return 0.3 + 2 * SECONDS * used * (used + 2 * DRAWS) * units


def is_row(subject: Subject) -> str:
    """A torch.nn.Sequential of any modules."""
    kind = type(subject.model).__name__
    return "" if isinstance(subject.model, nn.Sequential) else f"the model must be a torch.nn.Sequential, not {kind}"


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """The lead is how near images of one class are, first and last."""
    first, last = found.own.layers[0], found.own.layers[-1]
    there, beside = found.random.layers[0], found.random.layers[-1]
    return Said(
        f"Two images of one class are {first.ratio:.2f} times as far apart as two of different classes in the first "
        f"layer, and {last.ratio:.2f} times in the scores.",
        f"In a random net it is {there.ratio:.2f} and {beside.ratio:.2f}: what falls below that is what was learnt.",
        [line for pair in zip(found.own.layers, found.random.layers, strict=True) for line in _numbers(*pair)],
        information_words(found.own),
    )


def _numbers(own: Told, random: Told) -> list[tuple[str, str, str]]:
    return [
        (f"{own.name}, within a class over between classes", f"{own.ratio:.2f}", f"{random.ratio:.2f}"),
        (f"{own.name}, nats of the image through noise", f"{own.images.mean:.2f}", f"{random.images.mean:.2f}"),
        (f"{own.name}, nats of the label through noise", f"{own.labels:.2f}", f"{random.labels:.2f}"),
    ]


def drawn(found: Measured) -> Shown:
    """The ratio of distances, layer by layer."""
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    places = range(1, len(found.own.layers) + 1)
    for look, (whose, each) in drawing.told_apart([("this net", found.own), ("a random net", found.random)]):
        ax.plot(places, [layer.ratio for layer in each.layers], label=whose, **look)
    ax.axhline(1, color=drawing.LAW, label="labels dealt at random")
    ax.set(xlabel="layer, the scores last", ylabel="within a class, over between")
    ax.set_xticks(list(places))
    drawing.legend(ax)
    alt = "Points for each layer: distances within a class over those between classes, of this net and a random one."
    return drawing.show(figure, alt, "Where a point lies below that of the random net, classes have drawn together.")


PART = Part(
    name="information", question="Do classes draw together?", chapter="information",
    asks="Distances within and between classes are taken in each layer, and what a layer tells through noise that we "
    "add.",
    needs=(is_row,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
