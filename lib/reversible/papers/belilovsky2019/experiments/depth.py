"""Dense nets of several layers: heads of one to three layers, probes after each layer, and the same nets end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from reversible import data
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.papers.belilovsky2019 import greedy as dense
from reversible.papers.belilovsky2019 import labels
from reversible.papers.belilovsky2019.compared import Budget, Compared, measures_of, probe_error
from reversible.papers.belilovsky2019.greedy import Plan, Sets, Stage, end_to_end, greedy, sets_of
from reversible.runs.experiment import Absent, Experiment, seed_of

RATES = (0.01, 0.03, 0.1, 0.3)  # with momentum 0.9
PILOT = 2  # cells of a first run, whose ten nets left most questions undecided; nothing of it counts
HEADS = (1, 2, 3)
TOGETHER = (1, 3)  # the heads whose nets are trained end to end, too
RANDOM = 50  # the stream of random layers


@dataclass(frozen=True)
class Depth:
    """Nets side by side, each on its own images; every method and every rate from the same seeds."""

    data: str
    images: int  # to train on, drawn by each net
    tuning: int  # others, which choose a rate
    test: int
    width: int
    layers: int
    epochs: int  # a layer
    batch: int
    draws: int  # nets
    seed: int

    def plan(self, k: int, lr: float) -> Plan:
        return Plan((self.width,) * self.layers, k, self.epochs, self.batch, lr)


def compared(p: Depth) -> Compared | Absent:
    seeds = [p.seed + net for net in range(p.draws)]
    try:
        sets = sets_of(p.data, p.images, p.tuning, seeds, p.test)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    found = Compared.empty(p.images, HEADS, TOGETHER)
    for k in HEADS:
        for lr in RATES:
            add_greedy(found, k, p.plan(k, lr), sets, seeds)
    for k in TOGETHER:
        for lr in RATES:
            start = time.thread_time()
            rows = end_to_end(p.plan(k, lr), sets, seeds, (dense.errors,), p.epochs * p.layers).rows
            found.add_together(k, [row["tuning_error"] for row in rows], [row["test_error"] for row in rows],
                               time.thread_time() - start)  # fmt: skip
    return found.with_random(random_probes(p, sets, seeds))


def add_greedy(found: Compared, k: int, plan: Plan, sets: Sets, seeds: list[int]) -> None:
    """Errors and probes after each layer, and the ensemble of all heads."""
    start, stages = time.thread_time(), list(greedy(plan, sets, seeds, (dense.errors,)))
    spent = time.thread_time() - start
    probes = [probes_of(stage.through()) for stage in stages]
    rows = [stage.rows[-1] for stage in stages]
    found.add_greedy(k, [row["tuning_error"] for row in rows], [row["test_error"] for row in rows], probes,
                     dense.wrong(ensemble(stages), sets.test.labels), spent)  # fmt: skip


@torch.no_grad()
def ensemble(stages: list[Stage]) -> Tensor:
    """sum_j 2^j z_j on test images, where z_j are the scores of head j."""
    scores = [2.0**j * stage.net.logits(stage.sets.test.x) for j, stage in enumerate(stages)]
    return torch.stack(scores).sum(0)


def probes_of(sets: Sets) -> tuple[float, ...]:
    """The error of a linear classifier that is fitted to features, of each net."""
    parts = zip(sets.train.x, sets.train.labels, sets.test.x, sets.test.labels, strict=True)
    return tuple(probe_error(*(value.numpy() for value in four)) for four in parts)


def random_probes(p: Depth, sets: Sets, seeds: list[int]) -> list[tuple[float, ...]]:
    """On pixels, and after each of as many layers of random weights."""
    found = [probes_of(sets)]
    for layer in range(p.layers):
        values = dense.first_values(
            (sets.train.x.shape[-1], p.width), [trial_generator(s, RANDOM + layer) for s in seeds]
        )
        sets = sets.through(values[0].detach().mT, values[1].detach())
        found.append(probes_of(sets))
    return found


def cells(profile: str) -> list[Depth]:
    sizes = {
        "smoke": [("digits", 80, 20, 60, 8, 2, 1, 20, 2)],
        "book": [("digits", 400, 100, 360, 24, 3, 3, 50, 3)],
        "full": [("mnist", 2000, 1000, 5000, 96, 4, 5, 50, 5)] * 12,
    }[profile]
    first = PILOT if profile == "full" else 0
    return [Depth(*size, seed_of("greedy-depth", place)) for place, size in enumerate(sizes, first)]


def budget(p: Depth, k: int) -> Budget:
    """What greedy training with heads of k layers costs beside the same net end to end."""
    plan, pixels = p.plan(k, RATES[0]), {"digits": 64, "mnist": 196}[p.data]
    stages = [cost.of(p.epochs) for cost in dense.costs(plan, pixels, 10)]
    return Budget(stages, dense.cost_together(plan, pixels, 10).an_epoch)


def measures(pairs: list[tuple[Depth, Compared | Absent]]) -> dict[str, Estimate]:
    p = pairs[0][0]
    return measures_of([r for _, r in pairs if isinstance(r, Compared)], lambda k: budget(p, k))


EXPERIMENTS = {
    "greedy-depth": Experiment(cells, compared, measures, label=labels.compared, timed=("seconds",)),
}
