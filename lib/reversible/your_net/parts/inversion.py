"""What of an image can be told from a code: residual blocks sent backwards, and what one piece of a net keeps.

On the piece where an image lies the net is affine. The rank of the map from image to code is the number of directions
in which the image can change so that the code changes; along all others it stays as it is, whoever reads it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError
from reversible.base.runtime import one_thread
from reversible.nets.inverse import Inversion, invert, unit_of
from reversible.nets.layered import Layered
from reversible.nets.residual import Unit
from reversible.show.html import Shown
from reversible.your_net.parts.part import Part, Said
from reversible.your_net.subject import Subject
from reversible.your_net.words import listed, share

IMAGES, ROWS = 4, 32  # whose pieces are looked at; that a block is given
LARGEST = 4096  # numbers of a code or an image whose map is decomposed
SOME = 0.01  # of the largest gain
DIGITS = 8  # times the precision of weights: entries that are off by so little move no gain further
SECONDS, SECONDS_ROW = 4.5e-10, 1e-10  # for a product of two numbers of a decomposition, and of a system that is solved
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Kept:
    """Of the code of a hidden layer."""

    name: str
    inputs: int  # numbers of an image
    gains: Array  # (images, min(inputs, units)) singular values of the map from image to code, falling
    random: Array  # the same of a random net
    rounding: float  # of a gain, over the largest: weights are stored to so many digits

    @property
    def rank(self) -> float:
        """Directions that are told at all, a mean over images."""
        return _above(self.gains, self.rounding)

    @property
    def rank_random(self) -> float:
        """The same of a random net."""
        return _above(self.random, self.rounding)


@dataclass(frozen=True, eq=False)
class Block:
    """A residual block, and what came of sending its own outputs back."""

    name: str
    found: Inversion
    random: Inversion  # of a Gaussian block with entries as large
    error: float  # the largest distance between what came back and what had been there, over the length of the latter


@dataclass(frozen=True, eq=False)
class Measured:
    """Either may be empty, not both."""

    blocks: Sequence[Block]
    kept: Sequence[Kept]


def measured(subject: Subject) -> Measured:
    """Blocks first; of a net that is read layer by layer what its codes keep."""
    with one_thread():
        blocks = [_sent_back(subject, place, *block) for place, block in enumerate(blocks_of(subject))]
        kept = [] if subject.net is None else _kept(subject, subject.net)
    return Measured(blocks, kept)


# --- residual blocks --------------------------------------------------------------------------------------------------


def blocks_of(subject: Subject) -> list[tuple[str, Any]]:
    """Modules of the model that compute x + W2 r(W1 x + b), the innermost where one stands in another."""
    return subject.once("blocks", lambda: _blocks(subject.model))


def _blocks(model: nn.Module) -> list[tuple[str, Any]]:
    found = {name: module for name, module in model.named_modules() if _is_block(module)}
    return [(name, module) for name, module in found.items() if not any(_holds(name, other) for other in found)]


def _holds(name: str, other: str) -> bool:
    return other != name and (not name or other.startswith(f"{name}."))


def _is_block(module: nn.Module) -> bool:
    linears = [part for part in module.modules() if isinstance(part, nn.Linear)]
    small = len(linears) == 2 and max(linear.weight.numel() for linear in linears) <= LARGEST * LARGEST
    if not small or isinstance(module, nn.Sequential):
        return False
    try:
        unit_of(module)
    except InputError:
        return False
    return True


def _sent_back(subject: Subject, place: int, name: str, module: Any) -> Block:
    unit, shift = unit_of(module)
    x = _given(subject, module)
    found = invert(module, unit(x) + shift)
    rng = np.random.default_rng([subject.seed, place])
    drawn = Unit(*(rng.standard_normal(part.shape) * _size(part) for part in (unit.W1, unit.b, unit.W2)))
    beside = invert((drawn.W1, drawn.b, drawn.W2), drawn(x))
    far = np.linalg.norm(found.x - x, axis=1)[found.converged] / np.linalg.norm(x, axis=1)[found.converged]
    return Block(name or "the model", found, beside, float(far.max(initial=0.0)))


def _size(part: Array) -> float:
    return math.sqrt(float(np.square(part).mean()))


def _given(subject: Subject, module: Any) -> Array:
    """What the block is given for the first images, (rows, n), rows of zeros left out."""
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.no_grad():
            subject.model(subject.images[:ROWS])
    finally:
        handle.remove()
    if not seen:
        raise InputError("no image reaches the residual block")
    rows = seen[0].flatten(0, -2)[:ROWS].double().numpy()
    return rows[np.linalg.norm(rows, axis=1) > 0]


# --- what a piece keeps -----------------------------------------------------------------------------------------------


def _kept(subject: Subject, net: Layered) -> list[Kept]:
    x = subject.images[:IMAGES].double()
    inputs, twin, found = math.prod(net.shape), subject.random_net(), []
    digits = max(DIGITS * torch.finfo(subject.images.dtype).eps, inputs * np.finfo(float).eps)
    for place, stage in enumerate(net.hidden):
        if max(inputs, math.prod(stage.gives)) <= LARGEST:
            own, beside = (np.array([_gains(each, image, place) for image in x]) for each in (net, twin))
            found.append(Kept(f"h{place + 1}", inputs, own, beside, digits))
    return found


def _gains(net: Layered, image: Tensor, place: int) -> Array:
    def code(x: Tensor) -> Tensor:
        return net.up(x[None], place + 1)[-1].flatten()

    slopes: Any = torch.autograd.functional.jacobian(code, image, vectorize=True)
    return torch.linalg.svdvals(slopes.flatten(1)).numpy()


def _above(gains: Array, part: float) -> float:
    """Directions with more than this share of the largest gain, a mean over images."""
    return float((gains > part * gains[:, :1]).sum(1).mean())


# --- needed -----------------------------------------------------------------------------------------------------------


def something_to_invert(subject: Subject) -> str:
    """A block, or a net as layers of which one is small enough."""
    if blocks_of(subject):
        return ""
    if subject.net is None:
        return f"no residual block x + W2 relu(W1 x + b) is in the model, and {subject.why_not}"
    inputs, units = math.prod(subject.net.shape), [math.prod(stage.gives) for stage in subject.net.hidden]
    large = inputs > LARGEST or min(units) > LARGEST
    return f"images or all codes have more than {LARGEST:,} numbers, too many to decompose" if large else ""


def _seconds(subject: Subject) -> float:
    total = 0.5
    for _, module in blocks_of(subject):
        unit, _ = unit_of(module)
        total += SECONDS_ROW * 20 * ROWS * len(unit.W1) ** 3
    if subject.net is not None:
        inputs = math.prod(subject.net.shape)
        units = [math.prod(stage.gives) for stage in subject.net.hidden]
        each = [max(n, inputs) * min(n, inputs) ** 2 for n in units if max(n, inputs) <= LARGEST]
        total += SECONDS * 2 * IMAGES * sum(each)
    return total


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    """Of blocks how many come back; of layers how many directions are told."""
    return _said_of_blocks(found.blocks) if found.blocks else _said_of_layers(found.kept)


def _said_of_layers(kept: Sequence[Kept]) -> Said:
    inputs, last = kept[0].inputs, kept[-1]
    told = listed(f"{each.name} tells {each.rank:.0f}" for each in kept)
    random = listed(f"{each.rank_random:.0f} from {each.name}" for each in kept)
    lost = f"{share(1 - last.rank / inputs)} of them are" if last.rank < inputs else "none of them is"
    return Said(
        f"Of the {inputs} directions in which an image can change, the code of {told}. In {last.name} {lost} lost: a "
        "change along these leaves the code as it is, as long as no neuron switches.",
        f"The codes of a random net of the same shape tell {random}.",
        [line for each in kept for line in _numbers(each)],
        ["No layer adds its own input to what it gives, so the inversion of residual blocks does not apply."],
    )


def _numbers(each: Kept) -> list[tuple[str, str, str]]:
    strong, beside = (f"{_above(gains, SOME):.0f}" for gains in (each.gains, each.random))
    return [
        (f"{each.name}, directions of {each.inputs} that are told", f"{each.rank:.0f}", f"{each.rank_random:.0f}"),
        (f"{each.name}, those with more than {share(SOME)} of the largest gain", strong, beside),
    ]


def _said_of_blocks(blocks: Sequence[Block]) -> Said:
    back, rows = (sum(count(block.found) for block in blocks) for count in (_back, _all))
    worst = max(block.error for block in blocks)
    names = "Its residual block is" if len(blocks) == 1 else f"Its {len(blocks)} residual blocks are"
    random = sum(_back(block.random) for block in blocks)
    numbers = []
    for block in blocks:
        own, beside = (share(_back(each) / _all(each)) for each in (block.found, block.random))
        numbers += [
            (f"{block.name}, what came back", own, beside),
            (f"{block.name}, exactly one input?", block.found.certificate.verdict, block.random.certificate.verdict),
        ]
    return Said(
        f"{names} sent backwards: {back} of {rows} inputs came back, at most {worst:.1g} of their length away.",
        f"Of Gaussian blocks with entries as large {random} of {rows} came back.",
        numbers,
        [f"{block.name}: {block.found.words}" for block in blocks],
    )


def _back(found: Inversion) -> int:
    return int(found.converged.sum())


def _all(found: Inversion) -> int:
    return len(found.converged)


def drawn(found: Measured) -> Shown:
    """Residuals step by step, or gains direction by direction."""
    return _traces(found.blocks) if found.blocks else _falling(found.kept)


def _traces(blocks: Sequence[Block]) -> Shown:
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    for (look, block), line in zip(drawing.told_apart(blocks[: len(drawing.COLOURS)]), "-" * len(blocks), strict=False):
        ax.plot(np.maximum(np.median(block.found.trace, 1), 1e-17), line, label=block.name, **look)
    ax.set(yscale="log", xlabel="steps", ylabel="relative residual, median")
    drawing.legend(ax)
    alt = "Falling lines, one for each residual block: the residual after each step of the inversion."
    return drawing.show(figure, alt, "How fast what a block was given is found again from what it gave.")


def _falling(kept: Sequence[Kept]) -> Shown:
    from reversible.show import drawing

    (figure,), (ax,) = drawing.panels(1)
    for look, each in drawing.told_apart(kept[: len(drawing.COLOURS)]):
        for gains, line, whose in ((each.gains, "-", "this net"), (each.random, ":", "random net")):
            mean = np.where(gains > SOME**2 * gains[:, :1], gains, np.nan).mean(0)  # on all images, or it is none
            places = np.arange(1, len(mean) + 1)
            ax.plot(places, mean, ls=line, color=look["color"], label=f"{each.name}, {whose}")
    ax.set(yscale="log", xlabel="direction of the image, strongest first", ylabel="gain from image to code")
    drawing.legend(ax)
    alt = "Falling lines: the gain of each direction, of this net and of a random net, for each hidden layer."
    caption = (
        f"The gain of each direction of an image on its way to a code, a mean over {len(kept[0].gains)} images. A line "
        "ends where a direction is lost."
    )
    return drawing.show(figure, alt, caption)


PART = Part(
    name="inversion", question="What of an image can be told from its codes?", chapter="residual-nets",
    asks="Residual blocks are sent backwards. Of other nets the directions are counted in which a code follows its "
    "image.",
    needs=(something_to_invert,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
