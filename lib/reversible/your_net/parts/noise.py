"""Is the noise of training along the curvature, at the weights as they are?"""

from __future__ import annotations

from dataclasses import dataclass

from reversible.show.html import Shown
from reversible.your_net.noise import Noise, noise_of, noise_words
from reversible.your_net.parts.part import Part, Said, with_weights
from reversible.your_net.subject import Subject

VECTORS, IMAGES = 20, 200
SECONDS = 4.5e-10  # for a product of two numbers, forward, backward and along a vector


@dataclass(frozen=True, eq=False)
class Measured:
    """Of this net and of a random one of the same shape."""

    own: Noise
    random: Noise


def measured(subject: Subject) -> Measured:
    """By `noise_of`, on fewer images and vectors."""
    own, random = (
        noise_of(model, subject.images, subject.labels, VECTORS, IMAGES, subject.seed)
        for model in (subject.model, subject.random_model())
    )
    return Measured(own, random)


def _seconds(subject: Subject) -> float:
    return 2.0 + 2 * SECONDS * subject.work * min(IMAGES, len(subject.images)) * 3 * VECTORS


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """The lead is the noise along the curvature, over isotropic noise."""
    own, random = found.own.over_isotropic, found.random.over_isotropic
    lead = "The curvature is not clearly above zero here, so no noise can be set beside isotropic noise."
    if own is not None:
        times = f"{_number(own.mean)} times as much along the curvature"
        lead = f"The noise of training is {times} as isotropic noise of the same size."
    beside = (
        "A random net has no curvature to speak of."
        if random is None
        else f"In a random net it is {_number(random.mean)} times as much."
    )
    return Said(lead, beside, _numbers(found), noise_words(found.own))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _numbers(found: Measured) -> list[tuple[str, str, str]]:
    ratios = (each.over_isotropic for each in (found.own, found.random))
    own, random = ("" if ratio is None else str(ratio) for ratio in ratios)
    return [
        ("noise along the curvature, over isotropic", own, random),
        ("the largest eigenvalue of the Hessian", f"{found.own.top:.3g}", f"{found.random.top:.3g}"),
        ("mean loss of the images", f"{found.own.loss:.3g}", f"{found.random.loss:.3g}"),
    ]


def drawn(found: Measured) -> Shown:
    """The ratio of both nets beside that of isotropic noise."""
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1, height=1.6)
    several = [("this net", found.own), ("a random net", found.random)]
    for place, (look, (whose, each)) in enumerate(drawing.told_apart(several)):
        if (ratio := each.over_isotropic) is not None:
            means, bars = drawing.means_and_bars([ratio])
            ax.errorbar(means, [place], xerr=bars, ls="", capsize=2, label=whose, **look)
    ax.axvline(1, color=drawing.LAW, label="isotropic noise")
    ax.set(xscale="log", xlabel="noise along the curvature, over isotropic noise", ylim=(-0.6, 1.6))
    ax.set_yticks(range(len(several)), [whose for whose, _ in several])
    alt = "A point with an interval for this net and for a random one, beside a line at one for isotropic noise."
    caption = "How much more the noise of training lies along the curvature than noise of its size in all directions."
    return drawing.show(figure, alt, caption)


PART = Part(
    name="noise", question="Is the noise of training along the curvature?", chapter="gradient-noise",
    asks="The gradients of single images are noise about their mean. Their covariance is set beside the Hessian of the "
    "loss.",
    needs=(with_weights,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
