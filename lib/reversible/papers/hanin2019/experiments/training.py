"""Nets in training: the pieces of lines through two test digits, and how far digits are from the nearest switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife, largest, smallest
from reversible.nets.pieces import nearest, pieces, whole_line
from reversible.nets.program import Program
from reversible.papers.hanin2019 import labels
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory import regions as laws
from reversible.training.config import Training
from reversible.training.hooks import Becomes, Look, as_it_is, errors
from reversible.training.run import Run
from reversible.training.stack import Stack

KINDS = ("labels", "random", "fast")
RATES = {"labels": 0.02, "random": 0.02, "fast": 0.1}  # with momentum 0.9
BATCH = 100
LOOKED_AT = ("test_error", "train_error", "activation", "linear", "distance")
WRONG_LABELS = 77  # the stream of random labels: the same whenever it is opened


@dataclass(frozen=True)
class Trained:
    """Nets side by side, looked at after some epochs, each with pairs of test digits of its own."""

    kind: str
    data: str
    images: int  # drawn by each net
    hidden: tuple[int, ...]
    epochs: tuple[int, ...]
    lines: int  # a net
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class TrainedResult:
    """By epoch, a number a net."""

    test_error: tuple[tuple[float, ...], ...]
    train_error: tuple[tuple[float, ...], ...]  # of the labels it is trained on
    activation: tuple[tuple[float, ...], ...]  # means over a net's lines
    linear: tuple[tuple[float, ...], ...]
    distance: tuple[tuple[float, ...], ...]  # mean over its digits
    square: tuple[float, ...]  # |x|^2 / n of these digits, the mean over which 1 / rate is proportional to


def labels_of(stack: Stack) -> Tensor:
    """Random labels, (S, N): each net's own for each training image, the same at every look."""
    count, classes = len(stack.images.labels), stack.images.classes
    return torch.stack([torch.randint(classes, (count,), generator=g) for g in stack.generators(WRONG_LABELS)])


def random_labels(stack: Stack) -> Becomes:
    """A step: each image keeps one label, which was drawn at random."""
    drawn = labels_of(stack)
    return lambda x, labels: (x, drawn.gather(1, stack.batches.index))


@dataclass(frozen=True)
class Looks:
    """A probe: pieces of lines and distances for each net."""

    p: Trained

    def __call__(self, stack: Stack) -> Look:
        x = data.load(self.p.data, train=False).scaled().double().numpy()
        own = [_digits(x, self.p, net) for net in range(self.p.draws)]
        wanted = labels_of(stack) if self.p.kind == "random" else stack.images.labels.expand(self.p.draws, -1)
        index = stack._own_images()[:, :500]

        def look() -> Mapping[str, Any]:
            found = [_looked_at(Program.of(net), digits) for net, digits in zip(stack.nets(), own, strict=True)]
            with torch.no_grad():
                given = stack.net.logits(stack.images.inputs(stack.images.pixels[index])).argmax(-1)
            wrong = (given != wanted.gather(1, index)).double().mean(1)
            columns = zip(*found, strict=True)
            names = ("activation", "linear", "distance")
            return dict(zip(names, map(tuple, columns), strict=True)) | {"train_error": tuple(wrong.tolist())}

        return look


def _digits(x: np.ndarray, p: Trained, net: int) -> np.ndarray:
    """Pairs of test images, (lines, 2, n)."""
    rng = np.random.default_rng([p.seed, net])
    return x[rng.choice(len(x), (p.lines, 2), replace=False)]


def _looked_at(net: Program, digits: np.ndarray) -> tuple[float, float, float]:
    found = [pieces(net, whole_line(a, b - a)) for a, b in digits]
    counts = np.array([(f.activation_regions, f.linear_regions) for f in found], float).mean(0)
    return float(counts[0]), float(counts[1]), float(nearest(net, digits[:, 0]).mean())


def trained(p: Trained) -> TrainedResult | Absent:
    try:
        run = Run(training_of(p), random_labels if p.kind == "random" else as_it_is, (errors, Looks(p)))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = [*run.follow()]
    x = data.load(p.data, train=False).scaled().double().numpy()
    square = tuple(
        float(np.sqrt(np.square(_digits(x, p, net)[:, 0]).mean(-1)).mean() ** 2) for net in range(p.draws)
    )  # the law is proportional to the root
    found = {name: tuple(tuple(row[name]) for row in rows) for name in LOOKED_AT}
    return TrainedResult(**found, square=square)


def training_of(p: Trained) -> Training:
    passing = p.images // BATCH
    return Training(
        data=p.data, hidden=p.hidden, images=p.images, steps=p.epochs[-1] * passing,
        snapshots=tuple(epoch * passing for epoch in p.epochs), lr=RATES[p.kind], batch=BATCH,
        seeds=tuple(p.seed + net for net in range(p.draws)),
    )  # fmt: skip


def cells(profile: str) -> list[Trained]:
    asked = {
        "smoke": Trained("labels", "digits", 200, (12, 12), (0, 1, 2), 2, 2, 0),
        "book": Trained("labels", "digits", 1000, (32, 32), (0, 2, 5, 10), 4, 3, 0),
        "full": Trained("labels", "mnist", 10000, (64, 64, 64), (0, 1, 2, 5, 10, 20), 10, 10, 0),
    }[profile]
    return [replace(asked, kind=kind, seed=seed_of("hanin-training", kind)) for kind in KINDS]


def ratios(rows: tuple[tuple[float, ...], ...]) -> list[Estimate]:
    """The mean after each epoch over the mean at the start, from the second look on; nets are paired."""
    start, *later = np.array(rows)
    return [jackknife(lambda a, b: float(a.mean() / b.mean()), now, start) for now in later]


def measures(pairs: list[tuple[Trained, TrainedResult | Absent]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        neurons = sum(p.hidden)
        law = np.array([laws.distance(p.hidden, square, 0.0) for square in r.square])
        counts, far = ratios(r.linear), ratios(r.distance)
        found |= {
            f"test_error_{p.kind}": Estimate.of(r.test_error[-1]),
            f"train_error_{p.kind}": Estimate.of(r.train_error[-1]),
            f"start_{p.kind}": Estimate.of(np.array(r.linear[0]) / neurons),
            f"end_{p.kind}": Estimate.of(np.array(r.linear[-1]) / neurons),
            f"highest_{p.kind}": largest(counts),
            f"lowest_{p.kind}": smallest(counts),
            f"distance_start_{p.kind}": Estimate.of(np.array(r.distance[0]) / law),
            f"distance_highest_{p.kind}": largest(far),
            f"distance_lowest_{p.kind}": smallest(far),
        }
    return found


EXPERIMENTS = {"hanin-training": Experiment(cells, trained, measures, label=labels.training)}
