"""What do its weights do to a signal, layer by layer, beside the law of wide nets with the same scales?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reversible.show.html import Shown
from reversible.your_net.parts.part import Part, Said, with_weights
from reversible.your_net.signal import Signal, follow_signal, signal_words
from reversible.your_net.subject import Subject

PAIRS = 100
SECONDS = 4e-10  # for a product of two numbers


@dataclass(frozen=True, eq=False)
class Measured:
    """Of this net and of a random one with variance two over the inputs."""

    own: Signal
    random: Signal


def measured(subject: Subject) -> Measured:
    """By `follow_signal`, on fewer pairs of images."""
    own, random = (
        follow_signal(model, subject.images, PAIRS, subject.seed) for model in (subject.model, subject.random_model())
    )
    return Measured(own, random)


def _seconds(subject: Subject) -> float:
    return 0.5 + 2 * SECONDS * subject.work * 3 * PAIRS


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """The lead is the correlation of two images on their way up."""
    own, random, last = found.own, found.random, len(found.own.s_w)
    return Said(
        f"The correlation of two images is {own.correlation[0]:.2f} in the first layer and {own.correlation[-1]:.2f} "
        f"in h{last}, where the law of wide nets with these scales of weights has {own.law_correlation[-1]:.2f}.",
        f"In a random net it goes from {random.correlation[0]:.2f} to {random.correlation[-1]:.2f}, and its law has "
        f"{random.law_correlation[-1]:.2f}.",
        [line for place in range(last) for line in _numbers(found, place)],
        [signal_words(own)],
    )


def _numbers(found: Measured, place: int) -> list[tuple[str, str, str]]:
    own, random = found.own, found.random
    return [
        (f"h{place + 1}, {words}", f"{mine[place]:.3g}", f"{its[place]:.3g}")
        for words, mine, its in (
            ("mean square of what it is given", own.variance, random.variance),
            ("the same by the law", own.law_variance, random.law_variance),
            ("correlation of two images", own.correlation, random.correlation),
            ("the same by the law", own.law_correlation, random.law_correlation),
            ("growth of a small squared distance", own.growth, random.growth),
            ("the same by the law", own.law_growth, random.law_growth),
        )
    ]


def drawn(found: Measured) -> Shown:
    """Correlations and the growth of distances, each beside its law."""
    from reversible.show import drawing

    figures, (left, right) = drawing.panels(2)
    several = [("this net", found.own), ("a random net", found.random)]
    places = np.arange(1, len(found.own.s_w) + 1)
    for look, (whose, each) in drawing.told_apart(several):
        for ax, seen, law in (
            (left, each.correlation, each.law_correlation), (right, each.growth, each.law_growth),
        ):  # fmt: skip
            ax.plot(places, seen, ls="", label=whose, **look)
            ax.plot(places, law, color=look["color"], label=f"{whose}, law")
    _named(left, places, "correlation of two images")
    _named(right, places, "growth of a small squared distance")
    right.set_yscale("log")
    alts = [
        f"Points for each layer, with the law of wide nets as a line: {what}, of this net and of a random one."
        for what in ("the correlation of two images", "how much a small distance has grown")
    ]
    return drawing.show(figures, alts, "Where points leave their line, the weights are not as chance would draw them.")


def _named(ax: object, places: Sequence[int] | np.ndarray, what: str) -> None:
    from matplotlib.axes import Axes

    from reversible.show import drawing

    assert isinstance(ax, Axes)
    ax.set(xlabel="hidden layer", ylabel=what)
    ax.set_xticks(list(places))
    drawing.legend(ax)


PART = Part(
    name="signal", question="What happens to a signal on its way up?", chapter="edge-of-chaos",
    asks="Pairs of images are followed through the layers, beside the law of wide random nets with the same scales.",
    needs=(with_weights,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
