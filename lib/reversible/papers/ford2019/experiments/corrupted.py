"""Does robustness against noise or attacks carry over to ten corruptions? Small nets of convolutions, net by net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, largest
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.corruptions import CORRUPTIONS, NOISES, STRENGTHS, corrupted
from reversible.papers.ford2019.models import Trainee, conv_net
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
NOISE, RADIUS, STEPS = 0.1, {"digits": 0.5, "cifar10": 0.5}, 2  # of the training
TRAININGS = ("plain", "noise", "attacked")


@dataclass(frozen=True)
class Corrupted:
    """Nets trained in one way; nets of the same place begin alike whatever the training, and see the same images."""

    training: str
    data: str
    images: int
    epochs: int
    tested: int  # test images
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("training", self.training, TRAININGS)

    @property
    def trainee(self) -> Trainee:
        noise = NOISE if self.training == "noise" else 0.0
        radius = RADIUS[self.data] if self.training == "attacked" else 0.0
        return Trainee(self.data, self.images, self.epochs, noise, radius, STEPS)


@dataclass(frozen=True)
class CorruptedResult:
    """Shares of the test images that are right, a number a net."""

    clean: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]  # by corruption, in their order; means over strengths


def run_corrupted(p: Corrupted) -> CorruptedResult | Absent:
    try:
        train, test = (data.load(p.data, train=part) for part in (True, False))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    common = seed_of("ford-transfer", p.data)
    test = test.take(slice(p.tested))
    x = test.scaled().view(-1, test.channels, test.side, test.side)
    nets = [conv_net(p.trainee, train, trial_generator(common, net)) for net in range(p.draws)]

    def right(images: Tensor) -> list[float]:
        return [float(1 - wrong(net.logits, images.flatten(1), test.labels).double().mean()) for net in nets]

    spoilt = []
    for place, name in enumerate(CORRUPTIONS):
        generator = trial_generator(common, 1000 + place)
        spoilt.append(np.mean([right(corrupted(name, x, s, generator)) for s in STRENGTHS], axis=0))
    return CorruptedResult(tuple(right(x)), tuple(tuple(row.tolist()) for row in spoilt))


def cells(profile: str) -> list[Corrupted]:
    sizes = {
        "smoke": ("digits", 300, 3, 100, 2), "book": ("digits", 1000, 8, 360, 3),
        "full": ("cifar10", 5000, 4, 1000, 10),
    }[profile]  # fmt: skip
    return [Corrupted(training, *sizes, seed_of("ford-transfer", training)) for training in TRAININGS]


def measures(pairs: list[tuple[Corrupted, CorruptedResult | Absent]]) -> dict[str, Estimate]:
    there = {p.training: r for p, r in pairs if not isinstance(r, Absent)}
    found: dict[str, Estimate] = {}
    right = {training: np.array(r.right) for training, r in there.items()}  # (corruptions, nets)
    for training, r in there.items():
        found |= {f"clean_{training}": Estimate.of(r.clean), f"right_{training}": Estimate.of(right[training].mean(0))}
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


EXPERIMENTS = {"ford-transfer": Experiment(cells, run_corrupted, measures, label=labels.transfer)}
