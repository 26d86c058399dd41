"""Does robustness against noise or attacks carry over to ten corruptions? Small nets of convolutions, net by net.

Each way of training has the learning rate at which its nets have the lowest mean error on held-out images, without
corruption: all ways are tuned alike, over the same rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, largest
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.corruptions import CORRUPTIONS, NOISES, STRENGTHS, corrupted
from reversible.papers.ford2019.models import ConvNet, Trainee, conv_net
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
NOISE, RADIUS, STEPS = 0.1, 0.25, 2  # of the training; lengths in the range of a pixel
TRAININGS = ("plain", "noise", "attacked")


@dataclass(frozen=True)
class Corrupted:
    """Nets trained in one way; nets of the same place begin alike whatever the training, and see the same images."""

    training: str
    data: str
    images: int
    held_out: int  # images that choose the rate, the last of the set
    epochs: int
    tested: int  # test images
    draws: int  # nets
    seed: int
    rates: tuple[float, ...]  # at the start; they fall to nothing

    def __post_init__(self) -> None:
        one_of("training", self.training, TRAININGS)

    @property
    def trainee(self) -> Trainee:
        noise = NOISE if self.training == "noise" else 0.0
        radius = RADIUS if self.training == "attacked" else 0.0
        return Trainee(self.data, self.images, self.epochs, noise, radius, STEPS)


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
        rate: [conv_net(p.trainee, train, trial_generator(common, net), rate) for net in range(p.draws)]
        for rate in ((choice[0],) if choice else p.rates)
    }
    shown = held.scaled()
    errors = choice[1] if choice else tuple(1 - float(np.mean(right(arms[rate], shown, held.labels))) for rate in arms)
    best = choice[0] if choice else p.rates[int(np.argmin(errors))]
    nets, test = arms[best], test.take(slice(p.tested))
    x = test.scaled().view(-1, test.channels, test.side, test.side)

    spoilt = []
    for place, name in enumerate(CORRUPTIONS):
        generator = trial_generator(common, 1000 + place)
        spoilt.append(
            np.mean([right(nets, corrupted(name, x, s, generator), test.labels) for s in STRENGTHS], axis=0)
        )  # fmt: skip
    return CorruptedResult(
        best, errors, tuple(right(nets, x, test.labels)), tuple(tuple(row.tolist()) for row in spoilt)
    )


def right(nets: list[ConvNet], x: Tensor, labels: Tensor) -> list[float]:
    """The share of images (B, ...) that each net gets right."""
    return [float(1 - wrong(net.logits, x.flatten(1), labels).double().mean()) for net in nets]


def cells(profile: str) -> list[Corrupted]:
    sizes = {
        "smoke": ("digits", 300, 50, 3, 100, 2), "book": ("digits", 1000, 100, 8, 360, 3),
        "full": ("cifar10", 5000, 2000, 4, 1000, 10),
    }[profile]  # fmt: skip
    rates = (0.005, 0.01, 0.02, 0.05) if profile == "full" else (0.02, 0.05)
    return [Corrupted(training, *sizes, seed_of("ford-transfer", training), rates) for training in TRAININGS]


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
