"""Nets with noise in every layer, trained on binary inputs: what their layers tell, and how classes draw together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import stats

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, smallest
from reversible.papers.goldfeld2019 import labels
from reversible.papers.goldfeld2019.nets import FIRST, SPLIT, TASK, Nets, Trainer, inputs, random_task, streams, task
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory.clusters import binned_entropy, class_distances
from reversible.theory.mixtures import information

Array = np.ndarray
Curves = tuple[tuple[tuple[float, ...], ...], ...]  # look, layer, net
SHAPE = {"linear": "linear", "relu": "relu"}  # of a kind; all others: tanh
KINDS = ("labels", "random", "linear", "relu", "orthonormal", "quiet")
PENALTY = 0.3  # of the kind "orthonormal"
TRAINED_ON = 0.8  # share of the inputs
LAST = 3  # layers from the top that are judged
LEARNT = 0.25  # share of what a net is trained on
NEAR = 512  # inputs between which distances are taken
FINE, COARSE = 1e-10, 0.2  # sides of bins; a coarse one is twice the noise


@dataclass(frozen=True)
class Trained:
    """Nets side by side, looked at after some epochs. Nets of cells with the same `tasks` are given the same labels."""

    kind: str
    bits: int
    hidden: tuple[int, ...]
    sigma: float  # of the noise; of the kind "quiet" that with which it is looked at
    epochs: tuple[int, ...]
    points: int  # draws for an information
    draws: int  # nets
    tasks: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class TrainedResult:
    """By look: errors of each net; by look and layer, the one next to the input first, a number a net.

    The information is that of the layer with noise added to it alone; distances and bins are those without noise.
    """

    train_error: tuple[tuple[float, ...], ...]
    test_error: tuple[tuple[float, ...], ...]
    information: Curves
    within: Curves  # mean distance of two inputs of a class
    ratio: Curves  # that over the mean distance of two of different classes
    fine: Curves
    coarse: Curves


@dataclass(frozen=True, eq=False)
class Data:
    """All inputs (N, n), and each net's labels (S, N) and places of what it is trained on and tested on."""

    x: torch.Tensor
    labels: torch.Tensor
    own: torch.Tensor
    unseen: torch.Tensor

    @classmethod
    def of(cls, p: Trained) -> Data:
        x, deal = inputs(p.bits), random_task if p.kind == "random" else task
        given = torch.stack([deal(x, g) for g in streams(p.tasks, p.draws, TASK)])
        order = torch.stack([torch.randperm(len(x), generator=g) for g in streams(p.tasks, p.draws, SPLIT)])
        cut = round(TRAINED_ON * len(x))
        return cls(x, given, order[:, :cut], order[:, cut:])


def trainer_of(p: Trained, data: Data) -> Trainer:
    """Nets before their training."""
    noise = 0.0 if p.kind == "quiet" else p.sigma
    nets = Nets.of(SHAPE.get(p.kind, "tanh"), noise, (p.bits, *p.hidden, 2), streams(p.seed, p.draws, FIRST))
    return Trainer(nets, data.x, data.labels, data.own, p.seed, PENALTY if p.kind == "orthonormal" else 0.0)


def trained(p: Trained) -> TrainedResult:
    data = Data.of(p)
    trainer, rows, at = trainer_of(p, data), [], 0
    for epoch in p.epochs:
        for _ in range(epoch - at):
            trainer.epoch()
        at = epoch
        rows.append(look_at(p, data, trainer.nets))
    return TrainedResult(*(tuple(column) for column in zip(*rows, strict=True)))


def look_at(p: Trained, data: Data, nets: Nets) -> tuple[Any, ...]:
    """A row of a TrainedResult's fields."""
    with torch.no_grad():
        *layers, scores = nets.layers(data.x)
    wrong = (scores.argmax(-1) != data.labels).double()
    errors = [tuple(wrong.gather(1, places).mean(1).tolist()) for places in (data.own, data.unseen)]
    found = [
        [_of_layer(p, layer[net].numpy(), data.labels[net].numpy(), net) for net in range(p.draws)] for layer in layers
    ]
    by_field = [tuple(tuple(net[i] for net in layer) for layer in found) for i in range(5)]
    return (*errors, *by_field)


def _of_layer(p: Trained, points: Array, given: Array, net: int) -> tuple[float, ...]:
    """The same draws and the same inputs at every look, so that looks differ by what the net does alone."""
    rng = np.random.default_rng([p.seed, net])
    some = rng.permutation(len(points))[:NEAR]
    told = information(points, p.sigma, p.points, rng).mean if p.kind != "quiet" else 0.0
    within, between = class_distances(points[some], given[some])
    bins = binned_entropy(points, FINE), binned_entropy(points, COARSE)
    return told, within, within / between if between else 1.0, *bins


# --- measures ---------------------------------------------------------------------------------------------------------


def curves(found: Curves) -> Array:
    """(layers, nets, looks)."""
    return np.array(found).transpose(1, 2, 0)


def falls(curve: Array) -> Array:
    """By how much of its peak a curve (..., looks) has fallen at its end."""
    return 1 - curve[..., -1] / curve.max(-1)


def fall(found: Curves) -> Estimate:
    """Mean of that over the LAST layers, a number a net."""
    return Estimate.of(falls(curves(found)[-LAST:]).mean(0))


def following(one: Curves, other: Curves, from_peak: bool) -> Estimate:
    """Rank correlation of two curves of a layer along training, mean over nets, in that of the LAST where it is least.

    `from_peak`: from the look on at which the first, mean over nets, is largest; at least four looks.
    """
    found = []
    for a, b in zip(curves(one)[-LAST:], curves(other)[-LAST:], strict=True):
        at = min(int(a.mean(0).argmax()), a.shape[1] - 4) if from_peak else 0
        found.append(Estimate.of([rank_correlation(x[at:], y[at:]) for x, y in zip(a, b, strict=True)]))
    return smallest(found)


def rank_correlation(x: Array, y: Array) -> float:
    """Spearman's correlation; none where one of them does not change."""
    return 0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(stats.spearmanr(x, y)[0])  # pyright: ignore[reportArgumentType]


def common(p: Trained, r: TrainedResult) -> dict[str, Estimate]:
    """What is measured of every kind of net."""
    told, ratio = curves(r.information), curves(r.ratio)
    found = {
        "fall": fall(r.information),
        "falls_most": layer_falling_most(falls(told[-LAST:])),
        "start_top": Estimate.of(told[-1, :, 0]),
        "end_top": Estimate.of(told[-1, :, -1]),
        "peak_third": Estimate.of(told[-LAST].max(-1)),
        "end_third": Estimate.of(told[-LAST, :, -1]),
        "ratio_start": Estimate.of(ratio[-LAST:, :, 0].mean(0)),
        "ratio_end": Estimate.of(ratio[-LAST:, :, -1].mean(0)),
        "follows": following(r.information, r.ratio, from_peak=True),
        "follows_all": following(r.information, r.ratio, from_peak=False),
        "follows_within": following(r.information, r.within, from_peak=False),
        "binned": following(r.information, r.coarse, from_peak=False),
        "train_error": Estimate.of(r.train_error[-1]),
        "test_error": Estimate.of(r.test_error[-1]),
    }
    return {f"{name}_{p.kind}": value for name, value in found.items()}


def layer_falling_most(each: Array) -> Estimate:
    """Of the layers the one that falls most on average: (layers, nets)."""
    return Estimate.of(each[each.mean(1).argmax()])


def clusters_measures(pairs: list[tuple[Trained, TrainedResult]]) -> dict[str, Estimate]:
    return {name: value for p, r in pairs for name, value in common(p, r).items()}


def counted(r: TrainedResult) -> list[int]:
    """Nets that have learnt: at most LEARNT of what they are trained on is wrong. Where these are fewer than two, all
    but those with a layer that never gave two inputs different values.
    """
    alive = curves(r.information)[-LAST:].max(-1).min(0) > 0
    learnt = alive & (np.array(r.train_error[-1]) <= LEARNT)
    return np.flatnonzero(learnt if learnt.sum() > 1 else alive).tolist()


def only(r: TrainedResult, nets: list[int]) -> TrainedResult:
    """The same of some of the nets."""
    of_nets = lambda values: tuple(values[net] for net in nets)  # noqa: E731
    errors = (tuple(of_nets(look) for look in field) for field in (r.train_error, r.test_error))
    by_layer = (
        tuple(tuple(of_nets(layer) for layer in look) for look in field)
        for field in (r.information, r.within, r.ratio, r.fine, r.coarse)
    )
    return TrainedResult(*errors, *by_layer)


def kinds_measures(pairs: list[tuple[Trained, TrainedResult]]) -> dict[str, Estimate]:
    """Of nets that have learnt; nets of two kinds are paired where both have."""
    found, nets = {}, {p.kind: counted(r) for p, r in pairs}
    errors = {p.kind: np.array(r.test_error[-1]) for p, r in pairs}
    for p, r in pairs:
        found |= common(p, only(r, nets[p.kind])) | {f"counted_{p.kind}": Estimate.exact(len(nets[p.kind]))}
        if p.kind != "labels":
            both = [net for net in nets[p.kind] if net in nets["labels"]]
            found[f"error_{p.kind}_less_tanh"] = Estimate.of((errors[p.kind] - errors["labels"])[both])
    return found


def bins_measures(pairs: list[tuple[Trained, TrainedResult]]) -> dict[str, Estimate]:
    ((p, r),) = pairs
    whole = p.bits * np.log(2)
    fine, coarse = curves(r.fine), curves(r.coarse)
    return {
        "fine_least": Estimate.exact(float(fine.min() / whole)),
        "fine_change": Estimate.of((np.ptp(fine[-LAST:], axis=-1) / whole).max(0)),
        "coarse_fall": fall(r.coarse),
        "coarse_end": Estimate.of(coarse[-LAST:, :, -1].mean(0) / whole),
        "binned_follows": following(r.coarse, r.ratio, from_peak=True),
        "train_error": Estimate.of(r.train_error[-1]),
        "test_error": Estimate.of(r.test_error[-1]),
    }


# --- which nets -------------------------------------------------------------------------------------------------------

LOOKS = (0, 1, 2, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256)


def cells_of(record: str, kinds: Sequence[str], profile: str) -> list[Trained]:
    asked = {
        "smoke": Trained("labels", 9, (6, 5, 4, 3), 0.1, (0, 1, 2, 4, 8), 100, 2, 0, 0),
        "book": Trained("labels", 10, (8, 6, 5, 4, 3), 0.1, (0, 2, 4, 8, 16, 32), 300, 3, 0, 0),
        "full": Trained("labels", 12, (10, 7, 5, 4, 3), 0.1, LOOKS, 1000, 10, 0, 0),
    }[profile]
    tasks = seed_of(record, "tasks")
    return [replace(asked, kind=kind, tasks=tasks, seed=seed_of(record, kind)) for kind in kinds]


CLUSTERS, WAYS = ("labels", "random", "linear"), ("labels", "relu", "orthonormal")


def clusters_cells(profile: str) -> list[Trained]:
    return cells_of("goldfeld-clusters", CLUSTERS, profile)


def kinds_cells(profile: str) -> list[Trained]:
    return cells_of("goldfeld-kinds", WAYS, profile)


def bins_cells(profile: str) -> list[Trained]:
    return cells_of("goldfeld-bins", ("quiet",), profile)


DRAWS = ("seed", "tasks")
EXPERIMENTS = {
    "goldfeld-clusters": Experiment(clusters_cells, trained, clusters_measures, label=labels.trained, draws=DRAWS),
    "goldfeld-kinds": Experiment(kinds_cells, trained, kinds_measures, label=labels.trained, draws=DRAWS),
    "goldfeld-bins": Experiment(bins_cells, trained, bins_measures, label=labels.bins, draws=DRAWS),
}
