"""Convolutional nets on a part of CIFAR-10: the paper's table in small, greedily and end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reversible import data
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.papers.belilovsky2019 import convolution as conv
from reversible.papers.belilovsky2019 import labels
from reversible.papers.belilovsky2019.compared import Budget, Compared, measures_of, probe_error
from reversible.papers.belilovsky2019.convolution import ConvPlan, ConvStage, Values, image_sets, quadrants
from reversible.papers.belilovsky2019.greedy import Sets
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.passes import in_parts

RATES = (0.01, 0.03, 0.1)  # with momentum 0.9
HEADS = (1, 2, 3)
TOGETHER = (3,)  # the heads whose nets are trained end to end, too
RANDOM = 50  # the stream of random layers


@dataclass(frozen=True)
class Cifar:
    """One net of each kind at each rate, all from one seed."""

    data: str
    images: int
    tuning: int  # others, which choose a rate
    test: int
    width: int
    layers: int
    epochs: int  # a layer
    batch: int
    seed: int
    draws: int = 1

    def plan(self, k: int, lr: float) -> ConvPlan:
        return ConvPlan((self.width,) * self.layers, k, self.epochs, self.batch, lr)


def compared(p: Cifar) -> Compared | Absent:
    try:
        sets = image_sets(p.data, p.images, p.tuning, p.seed, p.test)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    found = Compared.empty(p.images, HEADS, TOGETHER)
    for k in HEADS:
        for lr in RATES:
            add_greedy(found, k, p.plan(k, lr), sets, p.seed)
    for k in TOGETHER:
        for lr in RATES:
            add_together(found, k, p, lr, sets)
    return found.with_random(random_probes(p, sets))


def add_greedy(found: Compared, k: int, plan: ConvPlan, sets: Sets, seed: int) -> None:
    """Errors and probes after each layer, and the ensemble of all heads."""
    start, stages = time.thread_time(), list(conv.greedy_conv(plan, sets, seed))
    spent = time.thread_time() - start
    tuning = [(1 - conv.accuracy(stage.stage, stage.sets.tuning),) for stage in stages]
    test = [(1 - conv.accuracy(stage.stage, stage.sets.test),) for stage in stages]
    right = conv.share_right(ensemble(stages), sets.test.labels)
    found.add_greedy(k, tuning, test, [(probe_of(s.through()),) for s in stages], (1 - right,), spent)


def add_together(found: Compared, k: int, p: Cifar, lr: float, sets: Sets) -> None:
    """Errors after each epoch."""
    tuning, test, spent, start = [], [], 0.0, time.thread_time()

    def after(values: Values) -> None:
        nonlocal spent, start
        spent += time.thread_time() - start
        tuning.append((1 - conv.accuracy(values, sets.tuning),))
        test.append((1 - conv.accuracy(values, sets.test),))
        start = time.thread_time()

    conv.conv_together(p.plan(k, lr), sets, p.seed, p.epochs * p.layers, after)
    found.add_together(k, tuning, test, spent)


def ensemble(stages: list[ConvStage]) -> Tensor:
    """sum_j 2^j z_j on test images, where z_j are the scores of head j."""
    scores = [
        2.0**j * in_parts(lambda x, s=stage: conv.logits(s.stage, x), stage.sets.test.x)
        for j, stage in enumerate(stages)
    ]
    return torch.stack(scores).sum(0)


def probe_of(sets: Sets) -> float:
    """The error of a linear classifier on the means of maps over quadrants."""
    train, test = (in_parts(quadrants, part.x).numpy() for part in (sets.train, sets.test))
    return probe_error(train, sets.train.labels.numpy(), test, sets.test.labels.numpy())


def random_probes(p: Cifar, sets: Sets) -> list[tuple[float, ...]]:
    """On images, and after each of as many layers of random filters."""
    found = [(probe_of(sets),)]
    for layer in range(p.layers):
        g = trial_generator(p.seed, RANDOM + layer)
        W, b, *_ = conv.first_values(sets.train.x.shape[1], (p.width,), sets.classes, sets.train.x, g)
        sets = conv.through(sets, [W.detach(), b.detach()])
        found.append((probe_of(sets),))
    return found


def cells(profile: str) -> list[Cifar]:
    count, asked = {
        "smoke": (2, Cifar("digits", 40, 20, 60, 4, 2, 1, 20, 0)),
        "book": (3, Cifar("digits", 200, 100, 200, 6, 3, 2, 20, 0)),
        "full": (10, Cifar("cifar10", 2000, 1000, 3000, 32, 4, 4, 50, 0)),
    }[profile]
    return [replace(asked, seed=seed_of("greedy-cifar", place)) for place in range(count)]


def budget(p: Cifar, k: int) -> Budget:
    """What greedy training with heads of k layers costs beside the same net end to end."""
    channels, pixels = {"digits": (1, 64), "cifar10": (12, 256)}[p.data]
    plan = p.plan(k, RATES[0])
    stages = [cost.of(p.epochs) for cost in conv.costs(plan, channels, pixels, 10)]
    return Budget(stages, conv.cost_together(plan, channels, pixels, 10).an_epoch)


def measures(pairs: list[tuple[Cifar, Compared | Absent]]) -> dict[str, Estimate]:
    p = pairs[0][0]
    return measures_of([r for _, r in pairs if isinstance(r, Compared)], lambda k: budget(p, k))


EXPERIMENTS = {
    "greedy-cifar": Experiment(cells, compared, measures, label=labels.compared, timed=("seconds",)),
}
