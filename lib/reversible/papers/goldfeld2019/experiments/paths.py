"""The paper's own information: noise in every layer at once, so that what a layer holds of an input varies, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from reversible.base.estimates import Estimate, largest
from reversible.base.runtime import trial_generator
from reversible.papers.goldfeld2019 import labels
from reversible.papers.goldfeld2019.experiments.trained import (
    DRAWS,
    LAST,
    NEAR,
    Curves,
    Data,
    Trained,
    cells_of,
    curves,
    fall,
    falls,
    following,
    layer_falling_most,
    trainer_of,
)  # fmt: skip
from reversible.papers.goldfeld2019.nets import Nets
from reversible.runs.experiment import Experiment
from reversible.theory.clusters import class_distances
from reversible.theory.mixtures import information

Array = np.ndarray
PASSES = 10**8  # a stream of random numbers


@dataclass(frozen=True)
class Paths:
    """Nets in training whose inputs are sent through them many times, each time with noise of its own."""

    nets: Trained
    some: int  # inputs for which the part that hangs on the noise below is measured
    passes: int  # of each of these
    seed: int


@dataclass(frozen=True)
class PathsResult:
    """By look: errors of each net; by look and layer, the one next to the input first, a number a net.

    `half` is `information` from half of the passes, `alone` that with noise in the layer alone.
    """

    test_error: tuple[tuple[float, ...], ...]
    information: Curves
    half: Curves
    alone: Curves
    ratio: Curves


def paths(p: Paths) -> PathsResult:
    data = Data.of(p.nets)
    trainer, rows, at = trainer_of(p.nets, data), [], 0
    for epoch in p.nets.epochs:
        for _ in range(epoch - at):
            trainer.epoch()
        at = epoch
        rows.append(_look(p, data, trainer.nets))
    return PathsResult(*(tuple(column) for column in zip(*rows, strict=True)))


def _look(p: Paths, data: Data, nets: Nets) -> tuple[Any, ...]:
    with torch.no_grad():
        *clean, scores = nets.layers(data.x)
    wrong = (scores.argmax(-1) != data.labels).double()
    found = [_of_net(p, data, nets, [layer[net].numpy() for layer in clean], net) for net in range(p.nets.draws)]
    by_field = [tuple(tuple(net[layer][i] for net in found) for layer in range(len(clean))) for i in range(4)]
    return (tuple(wrong.gather(1, data.unseen).mean(1).tolist()), *by_field)


def _of_net(p: Paths, data: Data, nets: Nets, clean: list[Array], net: int) -> list[tuple[float, float, float, float]]:
    """For each layer: information, that from half of the passes, that with noise in it alone, the ratio of distances.

    The same draws at every look.
    """
    rng, generator = np.random.default_rng([p.seed, net]), trial_generator(p.seed, PASSES + net)
    chosen = rng.permutation(len(data.x))[: p.some]
    whole = passed(nets, net, data.x.repeat(2, 1), generator)
    each = [passed(nets, net, data.x[place].repeat(p.passes, 1), generator) for place in chosen]
    near, given = rng.permutation(len(data.x))[:NEAR], data.labels[net].numpy()
    found = []
    for layer, points in enumerate(clean):
        told = _told(p, whole[layer], [one[layer] for one in each], layer, rng)
        half = _told(p, whole[layer][: len(data.x)], [one[layer][: p.passes // 2] for one in each], layer, rng)
        alone = information(points, p.nets.sigma, p.nets.points, rng).mean
        within, between = class_distances(points[near], given[near])
        found.append((told, half, alone, within / between if between else 1.0))
    return found


def passed(nets: Nets, net: int, x: torch.Tensor, generator: torch.Generator) -> list[Array]:
    """What each hidden layer of one net holds before its own noise where there is noise below: (B, width) each."""
    noise = torch.randn(1, len(x), sum(nets.hidden), generator=generator, dtype=torch.float64)
    with torch.no_grad():
        return [layer[0].numpy() for layer in nets.one(net).layers(x[None], noise)[:-1]]


def _told(p: Paths, whole: Array, each: list[Array], layer: int, rng: np.random.Generator) -> float:
    """What the layer tells of what it holds, less what it does where the input is known: nothing in the first."""
    sigma, points = p.nets.sigma, p.nets.points
    known = [information(one, sigma, max(2, points // 4), rng).mean for one in each] if layer else [0.0]
    return information(whole, sigma, points, rng).mean - float(np.mean(known))


def measures(pairs: list[tuple[Paths, PathsResult]]) -> dict[str, Estimate]:
    ((_, r),) = pairs
    told, alone, ratio = curves(r.information), curves(r.alone), curves(r.ratio)
    off = np.abs(told - curves(r.half))[-LAST:]
    return {
        "fall_path": fall(r.information),
        "falls_most_path": layer_falling_most(falls(told[-LAST:])),
        "follows_path": following(r.information, r.ratio, from_peak=True),
        "peak_third_path": Estimate.of(told[-LAST].max(-1)),
        "end_third_path": Estimate.of(told[-LAST, :, -1]),
        "halves_off": largest([Estimate.of(at) for layer in off for at in layer.T]),
        "alone_follows": following(r.information, r.alone, from_peak=False),
        "above_alone": Estimate.of((alone - told)[-LAST:].mean((0, 2))),
        "ratio_start_path": Estimate.of(ratio[-LAST:, :, 0].mean(0)),
        "ratio_end_path": Estimate.of(ratio[-LAST:, :, -1].mean(0)),
        "test_error_path": Estimate.of(r.test_error[-1]),
    }


def cells(profile: str) -> list[Paths]:
    (nets,) = cells_of("goldfeld-net", ("labels",), profile)
    some, passes = {"smoke": (4, 64), "book": (8, 256), "full": (64, 4096)}[profile]
    return [Paths(nets, some, passes, nets.seed)]


EXPERIMENTS = {"goldfeld-net": Experiment(cells, paths, measures, label=labels.net, draws=DRAWS)}
