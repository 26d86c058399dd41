"""Convolutional nets on a part of CIFAR-10, greedily and end to end: the paper's table in small, and larger on a GPU.

`greedy-gpu` has the paper's number of filters and a fifth of the images; a cell is one net of each kind at each rate.
"""

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
from reversible.papers.belilovsky2019.greedy import Part, Sets
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.passes import in_parts

RATES = (0.01, 0.03, 0.1)  # with momentum 0.9, on batches of 20 and of 50
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
    rates: tuple[float, ...] = RATES
    probed: bool = True  # for which scikit-learn is needed
    device: str = "cpu"

    def plan(self, k: int, lr: float) -> ConvPlan:
        return ConvPlan((self.width,) * self.layers, k, self.epochs, self.batch, lr)


def compared(p: Cifar) -> Compared | Absent:
    try:
        sets = on_device(image_sets(p.data, p.images, p.tuning, p.seed, p.test), p.device)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    found = Compared.empty(p.images, HEADS, TOGETHER)
    for k in HEADS:
        for lr in p.rates:
            add_greedy(found, k, p, lr, sets)
    for k in TOGETHER:
        for lr in p.rates:
            add_together(found, k, p, lr, sets)
    return found.with_random(random_probes(p, sets) if p.probed else [])


def on_device(sets: Sets, device: str) -> Sets:
    """The same images and labels, there."""
    train, tuning, test = (
        Part(part.x.to(device), part.labels.to(device)) for part in (sets.train, sets.tuning, sets.test)
    )
    return Sets(train, tuning, test, sets.classes)


def add_greedy(found: Compared, k: int, p: Cifar, lr: float, sets: Sets) -> None:
    """Errors and probes after each layer, and the ensemble of all heads."""
    start, stages = time.thread_time(), list(conv.greedy_conv(p.plan(k, lr), sets, p.seed))
    spent = time.thread_time() - start
    tuning = [(1 - conv.accuracy(stage.stage, stage.sets.tuning),) for stage in stages]
    test = [(1 - conv.accuracy(stage.stage, stage.sets.test),) for stage in stages]
    right = conv.share_right(ensemble(stages), sets.test.labels)
    probes = [(probe_of(s.through()),) for s in stages] if p.probed else []
    found.add_greedy(k, tuning, test, probes, (1 - right,), spent)


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
    train, test = (
        (in_parts(quadrants, part.x).cpu().numpy(), part.labels.cpu().numpy()) for part in (sets.train, sets.test)
    )
    return probe_error(*train, *test)


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


def gpu_cells(profile: str) -> list[Cifar]:
    """What is for a GPU is in `full` alone."""
    small = 2, Cifar("digits", 40, 20, 60, 4, 2, 1, 20, 0, probed=False)
    large = 5, Cifar("cifar10", 10_000, 5000, 10_000, 128, 4, 5, 128, 0, rates=(0.03, 0.1, 0.3), probed=False)
    count, asked = large if profile == "full" else small
    return [replace(asked, seed=seed_of("greedy-gpu", place)) for place in range(count)]


def budget(p: Cifar, k: int) -> Budget:
    """What greedy training with heads of k layers costs beside the same net end to end."""
    channels, pixels = {"digits": (1, 64), "cifar10": (12, 256)}[p.data]
    plan = p.plan(k, p.rates[0])
    stages = [cost.of(p.epochs) for cost in conv.costs(plan, channels, pixels, 10)]
    return Budget(stages, conv.cost_together(plan, channels, pixels, 10).an_epoch)


def measures(pairs: list[tuple[Cifar, Compared | Absent]]) -> dict[str, Estimate]:
    p, there = pairs[0][0], [r for _, r in pairs if isinstance(r, Compared)]
    return measures_of(there if len(there) > 1 else [], lambda k: budget(p, k))  # one net has no interval


EXPERIMENTS = {
    "greedy-cifar": Experiment(cells, compared, measures, label=labels.compared, timed=("seconds",)),
    "greedy-gpu": Experiment(gpu_cells, compared, measures, label=labels.compared, timed=("seconds",)),
}
