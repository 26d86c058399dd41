"""Does robustness against noise or attacks carry over to ten corruptions? Small nets of convolutions, net by net.

Each way of training has the learning rate at which its nets have the lowest mean error on held-out images, without
corruption: all ways are tuned alike, over the same rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, largest
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.boundary import wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.corruptions import CORRUPTIONS, NOISES, STRENGTHS, corrupted
from reversible.papers.ford2019.models import ConvNet, attacked
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.momentum import descend, epochs_of

Array = np.ndarray
NOISE, RADIUS, STEPS = 0.1, 0.25, 2  # of the training; lengths in the range of a pixel
BATCH = 50
TRAININGS = ("plain", "noise", "attacked")


@dataclass(frozen=True)
class Corrupted:
    """Nets trained in one way; nets of the same place begin alike whatever the training, and see the same images."""

    training: str
    data: str
    images: int
    held_out: int  # images that choose the rate, the last of the set
    epochs: int
    rates: tuple[float, ...]  # at the start; they fall to nothing
    tested: int  # test images
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("training", self.training, TRAININGS)

    def becomes(self, net: ConvNet, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """What a batch of images (B, n) becomes before a step."""
        if self.training == "attacked":
            return attacked(net.logits, x, y, RADIUS, STEPS)
        return x + NOISE * torch.randn(x.shape, generator=generator) if self.training == "noise" else x


@dataclass(frozen=True)
class CorruptedResult:
    """Shares of the test images that are right, a number a net."""

    rate: float  # with the lowest error on held-out images
    held_out: tuple[float, ...]  # that error at each rate
    clean: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]  # by corruption, in their order; means over strengths


Choice = tuple[float, tuple[float, ...]]  # a rate, and the errors it was chosen by


def chosen(row: dict[str, Any]) -> Choice | None:
    """What a recorded row chose."""
    return (row["rate"], tuple(row["held_out"])) if "rate" in row else None


def run_corrupted(p: Corrupted, choice: Choice | None = None) -> CorruptedResult | Absent:
    """Choose the rate, or take that of `choice`, and count what the nets get right."""
    try:
        whole, test = (data.load(p.data, train=part) for part in (True, False))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    common = seed_of("ford-transfer", p.data)
    train, held = whole.take(slice(len(whole.labels) - p.held_out)), whole.take(slice(-p.held_out, None))
    arms = {
        rate: [trained(p, train, rate, trial_generator(common, net)) for net in range(p.draws)]
        for rate in ((choice[0],) if choice else p.rates)
    }
    errors = choice[1] if choice else tuple(errors_of(nets, held) for nets in arms.values())
    best = choice[0] if choice else p.rates[int(np.argmin(errors))]
    test = test.take(slice(p.tested))
    x = test.scaled().view(-1, test.channels, test.side, test.side)

    def right(images: Tensor) -> list[float]:
        return [right_of(net, images.flatten(1), test.labels) for net in arms[best]]

    spoilt = []
    for place, name in enumerate(CORRUPTIONS):
        generator = trial_generator(common, 1000 + place)
        spoilt.append(np.mean([right(corrupted(name, x, s, generator)) for s in STRENGTHS], axis=0))
    return CorruptedResult(best, errors, tuple(right(x)), tuple(tuple(row.tolist()) for row in spoilt))


def errors_of(nets: list[ConvNet], images: data.Images) -> float:
    """The mean error of nets."""
    return float(np.mean([1 - right_of(net, images.scaled(), images.labels) for net in nets]))


def right_of(net: ConvNet, x: Tensor, y: Tensor) -> float:
    """The share of images (B, n) that a net gets right."""
    return float(1 - wrong(net.logits, x, y).double().mean())


def trained(p: Corrupted, images: data.Images, rate: float, generator: torch.Generator) -> ConvNet:
    """A net on `p.images` of the images; all that is drawn for it comes from the generator."""
    own = images.take(torch.randperm(len(images.labels), generator=generator)[: p.images])
    net, x = ConvNet.random(images, generator), own.scaled()
    for value in net.values:
        value.requires_grad_()

    def loss(batch: Tensor) -> Tensor:
        y = own.labels[batch]
        return functional.cross_entropy(net.logits(p.becomes(net, x[batch], y, generator)), y)

    with one_thread():
        descend(net.values, loss, epochs_of(len(x), BATCH, p.epochs, generator), rate)
    for value in net.values:
        value.requires_grad_(False)
    return net


def cells(profile: str) -> list[Corrupted]:
    sizes = {
        "smoke": ("digits", 300, 50, 3, (0.02, 0.05), 100, 2),
        "book": ("digits", 1000, 100, 8, (0.02, 0.05), 360, 3),
        "full": ("cifar10", 5000, 2000, 4, (0.005, 0.01, 0.02, 0.05), 1000, 10),
    }[profile]  # fmt: skip
    return [
        Corrupted(training, *sizes, seed_of("ford-transfer", training))  # pyright: ignore[reportCallIssue]
        for training in TRAININGS
    ]


def measures(pairs: list[tuple[Corrupted, CorruptedResult | Absent]]) -> dict[str, Estimate]:
    there = {p.training: r for p, r in pairs if not isinstance(r, Absent)}
    found: dict[str, Estimate] = {}
    right = {training: np.array(r.right) for training, r in there.items()}  # (corruptions, nets)
    for training, r in there.items():
        found |= {f"rate_{training}": Estimate.exact(r.rate), f"clean_{training}": Estimate.of(r.clean)}
        found |= {f"right_{training}": Estimate.of(right[training].mean(0))}
    if len(there) < len(TRAININGS):
        return found
    quiet = np.array([name not in NOISES for name in CORRUPTIONS])
    for training in TRAININGS[1:]:
        gain = right[training] - right["plain"]  # nets are paired
        found |= {
            f"gain_{training}": Estimate.of(gain.mean(0)),
            f"other_gain_{training}": Estimate.of(gain[quiet].mean(0)),
        }
        found |= {f"loss_{name}_{training}": Estimate.of(-row) for name, row in zip(CORRUPTIONS, gain, strict=True)}
    return found | {"best_gain": largest([found[f"gain_{training}"] for training in TRAININGS[1:]])}


EXPERIMENTS = {"ford-transfer": Experiment(cells, run_corrupted, measures, chosen, label=labels.transfer)}
