"""Convolutional nets trained one layer at a time; the house's loop is for dense layers, so they have a small one here.

A net is a list of values: filters (M, C, 3, 3) and biases (M,) of each convolution, then the weights (classes, 4 M) and
biases of a linear layer that reads the means of every map over the quadrants of the image. Of a stage the first
convolution is the layer, and what follows is its head. There is no batch normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.base.checks import InputError, integer
from reversible.base.runtime import trial_generator
from reversible.papers.belilovsky2019 import laws
from reversible.papers.belilovsky2019.greedy import WHICH, Part, Sets, fitted
from reversible.training.passes import in_parts, passes
from reversible.training.run import MOMENTUM

Values = list[Tensor]
FIRST, ORDER = 100, 200  # streams of a seed, by layer: first weights, and the order of batches
TAPS = 9


@dataclass(frozen=True)
class ConvPlan:
    """How a net is trained, layer by layer; the head of a layer is as wide as it."""

    widths: tuple[int, ...]
    k: int
    epochs: int  # a layer
    batch: int
    lr: float

    def __post_init__(self) -> None:
        integer("k", self.k, high=8)
        integer("layers", len(self.widths), high=64)


@dataclass(frozen=True, eq=False)
class ConvStage:
    """A layer with its head, and what it was trained on."""

    stage: Values
    sets: Sets

    def through(self) -> Sets:
        """The features that the layer makes of all images."""
        return through(self.sets, self.stage[:2])


def image_sets(
    name: str, images: int, tuning: int, seed: int, test: int | None = None, dtype: torch.dtype = torch.float32
) -> Sets:
    """As `greedy.sets_of` for one seed, but maps (N, C, H, W); labels (N,).

    Channels of colour images are given a mean of zero and a standard deviation of one, and each window of 2 x 2 pixels
    becomes four channels of its own: P in the paper, without a loss. Raises `data.NotAtHand` and InputError.
    """
    whole, judged = data.load(name, train=True), data.load(name, train=False)
    there = len(whole.labels)
    if images + tuning > there:
        raise InputError(f"images must be at most {there - tuning}, as {tuning} of {there} choose rates, not {images}")
    index = torch.randperm(there, generator=trial_generator(seed, WHICH))[: images + tuning]
    kept, end = whole.take(index), len(judged.labels) if test is None else integer("test", test)
    x, unseen = maps(kept, whole, dtype), maps(judged.take(slice(end)), whole, dtype)
    return Sets(
        Part(x[:images], kept.labels[:images]), Part(x[images:], kept.labels[images:]),
        Part(unseen, judged.labels[:end]), whole.classes,
    )  # fmt: skip


def maps(images: data.Images, whole: data.Images, dtype: torch.dtype) -> Tensor:
    """What a net is shown, (N, C, H, W)."""
    x = images.scaled().view(-1, images.channels, images.side, images.side)
    if images.channels > 1:
        mean, sd = (moment.float()[:, None, None] for moment in whole.moments())
        x = functional.pixel_unshuffle((x - mean) / sd, 2)
    return x.to(dtype)


def through(sets: Sets, layer: Values) -> Sets:
    """All images after a layer."""
    W, b = layer
    return sets.after(lambda x: in_parts(lambda part: relu_conv(part, W, b), x))


# --- a net ------------------------------------------------------------------------------------------------------------


def relu_conv(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.relu(functional.conv2d(x, W, b, padding=1))


def logits(values: Values, x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, classes)."""
    for W, b in zip(values[:-2:2], values[1:-2:2], strict=True):
        x = relu_conv(x, W, b)
    return functional.linear(quadrants(x), *values[-2:])


def quadrants(x: Tensor) -> Tensor:
    """The means of each map over its four quadrants: (N, C, H, W) -> (N, 4 C)."""
    return functional.avg_pool2d(x, x.shape[-1] // 2).flatten(1)


def risk_of(values: Values, x: Tensor, labels: Tensor) -> float:
    """The mean cross entropy."""
    return float(functional.cross_entropy(in_parts(lambda part: logits(values, part), x), labels))


def accuracy(values: Values, part: Part) -> float:
    """The share of images that are classified right; a net that is lost says nothing right."""
    return share_right(in_parts(lambda x: logits(values, x), part.x), part.labels)


def share_right(scores: Tensor, labels: Tensor) -> float:
    right = (scores.argmax(1) == labels) & scores.isfinite().all(1)
    return float(right.double().mean())


def first_values(channels: int, widths: Sequence[int], classes: int, like: Tensor, g: torch.Generator) -> Values:
    """Filters of variance 2 / (9 C), the linear layer's weights of 2 / (4 M); zero biases. Where and what `like` is."""
    values: Values = []
    for narrow, width in zip((channels, *widths), widths, strict=False):
        values += [torch.randn(width, narrow, 3, 3, generator=g) * math.sqrt(2 / (TAPS * narrow)), torch.zeros(width)]
    read = 4 * widths[-1]
    values += [torch.randn(classes, read, generator=g) * math.sqrt(2 / read), torch.zeros(classes)]
    return [value.to(like).requires_grad_() for value in values]


def begin_as_identity(values: Values, channels: int, width: int) -> Values:
    """A stage on so many channels that passes the first of them on, with the head of `values`."""
    W = torch.zeros(width, channels, 3, 3, dtype=values[0].dtype)
    W[:, :, 1, 1] = torch.eye(width, channels)
    head = [value.detach() for value in values[2:]]
    times = head[0].shape[1] // values[0].shape[0]  # the columns that read one map: four of a linear layer
    shape = (head[0].shape[0], times * width, *head[0].shape[2:])
    return [W, W.new_zeros(width), fitted(head[0], shape), *head[1:]]


# --- training ---------------------------------------------------------------------------------------------------------


def descend(
    values: Values, part: Part, plan: ConvPlan, epochs: int, order: torch.Generator,
    after: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """SGD with momentum at a constant rate; `after` is called at the end of each epoch."""
    speeds = [torch.zeros_like(value) for value in values]
    for _ in range(epochs):
        for index in passes(len(part.x), plan.batch, 1, order):
            loss = functional.cross_entropy(logits(values, part.x[index]), part.labels[index])
            slopes = torch.autograd.grad(loss, values)
            with torch.no_grad():
                for value, speed, slope in zip(values, speeds, slopes, strict=True):
                    value.sub_(speed.mul_(MOMENTUM).add_(slope), alpha=plan.lr)
        after()


def greedy_conv(plan: ConvPlan, sets: Sets, seed: int) -> Iterator[ConvStage]:
    """Train layer after layer from random starts, each on the features of the layers below."""
    for layer, width in enumerate(plan.widths):
        begun = trial_generator(seed, FIRST + layer)
        values = first_values(sets.train.x.shape[1], (width,) * plan.k, sets.classes, sets.train.x, begun)
        descend(values, sets.train, plan, plan.epochs, trial_generator(seed, ORDER + layer))
        stage = ConvStage([value.detach() for value in values], sets)
        yield stage
        sets = stage.through()


def conv_together(
    plan: ConvPlan, sets: Sets, seed: int, epochs: int, after: Callable[[Values], None]
) -> Values:  # fmt: skip
    """The same net, all layers and the last head, trained together; `after` sees it after each epoch."""
    widths = (*plan.widths, *plan.widths[-1:] * (plan.k - 1))
    values = first_values(sets.train.x.shape[1], widths, sets.classes, sets.train.x, trial_generator(seed, FIRST))
    descend(values, sets.train, replace(plan), epochs, trial_generator(seed, ORDER), lambda: after(values))
    return values


def products(channels: int, widths: Sequence[int], pixels: int, classes: int) -> list[int]:
    """Multiply-adds an image of each convolution, and of the linear layer."""
    found = [TAPS * a * b * pixels for a, b in zip((channels, *widths), widths, strict=False)]
    return [*found, 4 * widths[-1] * classes]


def costs(plan: ConvPlan, channels: int, pixels: int, classes: int) -> list[laws.Cost]:
    """Of each stage, in multiply-adds an image; maps have so many pixels."""
    found = []
    for narrow, width in zip((channels, *plan.widths), plan.widths, strict=False):
        layer, *head = products(narrow, (width,) * plan.k, pixels, classes)
        found.append(laws.greedy_cost(layer, head))
    return found


def cost_together(plan: ConvPlan, channels: int, pixels: int, classes: int) -> laws.Cost:
    """Of the same net end to end."""
    widths = (*plan.widths, *plan.widths[-1:] * (plan.k - 1))
    return laws.end_to_end_cost(products(channels, widths, pixels, classes))
