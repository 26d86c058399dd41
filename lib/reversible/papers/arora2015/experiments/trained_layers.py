"""Does the theory tell what trained nets lose? Each hidden layer of many nets, sent down and up, beside five laws.

A layer's input x goes up to its code h = relu(A x + b), by the transpose down to x~, and up again. The laws differ in
what they are told of the layer and of the code:

    theorem    sizes and the code alone: A has independent Gaussian entries of the same size, and has not made the code
    given      spikes, scales and kurtosis of A as well, but that it has not made the code
    own        that A has made the code, but of A the size of its entries alone
    law        all of it
    spikes     no law: the spikes of A alone on both ways, as if the rest did not matter

A random net in the layer's place, Gaussian entries of the same size and the same biases, reads back its own codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from reversible import data
from reversible.base.checks import InputError, integer, real
from reversible.base.estimates import Estimate, furthest, smallest
from reversible.nets.net import Net
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.labels import own_codes as labels
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.spectra.known import known
from reversible.theory.own_codes import Known, Made, law_moments, moments, read_back
from reversible.theory.singular_values import Array
from reversible.training.config import Training
from reversible.training.hooks import Becomes, errors
from reversible.training.run import Run
from reversible.training.stack import Stack

LAWS = ("theorem", "given", "own", "law")
RIVALS = ("theorem", "given", "own", "spikes")
OTHER = 10**9 + 4  # stream of a seed's random nets


@dataclass(frozen=True, kw_only=True)
class TrainedLayers:
    """A stack of nets that differ in their seeds, trained with decoupled weight decay (Loshchilov and Hutter 2019)."""

    training: Training
    decay: float = 0.0  # each step takes off lr * decay of every weight; biases are let alone
    images: int = 200  # test images that the layers are shown

    def __post_init__(self) -> None:
        integer("images", self.images, low=2)
        if not 0 <= real("decay", self.decay) * self.training.lr < 1:
            raise InputError(f"decay must be a number from 0 to less than 1 / lr, not {self.decay}")


@dataclass(frozen=True)
class TrainedLayer:
    """One hidden layer of one net after training; the errors are relative and squared, at the best scale."""

    seed: int
    layer: int
    test_error: float  # of the net
    active: float  # share of the layer's units that are on
    spikes_found: int  # once unequal scales are undone
    rows_spread: float  # sd of the squared scales of rows over their mean,
    columns_spread: float  # and of columns
    kurtosis: float  # of the noise
    measured: float  # the layer's own error
    theorem: float  # the same by the laws
    given: float
    own: float
    law: float
    spikes: float
    random: float  # error of a random net in its place
    random_law: float


@dataclass(frozen=True)
class TrainedLayersResult:
    rows: tuple[TrainedLayer, ...]  # by seed, then layer


@dataclass(frozen=True)
class Decay:
    """What a batch becomes: itself, after each weight has lost its share."""

    share: float  # lr * decay

    def __call__(self, stack: Stack) -> Becomes:
        weights = [value for value in stack.values if value.dim() == 3]

        @torch.no_grad()
        def becomes(x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            for W in weights:
                W.mul_(1 - self.share)
            return x, labels

        return becomes


def trained_layers(p: TrainedLayers) -> TrainedLayersResult | Absent:
    """Train the stack, then look at each layer of each net; `Absent` where the images are not at hand."""
    try:
        run = Run(p.training, step=Decay(p.training.lr * p.decay), probes=(errors,))
        shown = data.load(p.training.data, train=False).take(slice(p.images)).scaled().double().numpy()
    except data.NotAtHand as missing:
        return Absent(str(missing))
    *_, last = run.follow()
    rows = []
    for net, seed, wrong in zip(run.stack.nets(), p.training.seeds, last["test_error"], strict=True):
        rng = np.random.default_rng([seed, OTHER])
        for layer, (x, A, bias) in enumerate(_layers(net, shown), 1):
            rows.append(TrainedLayer(seed=seed, layer=layer, test_error=wrong, **look_at(x, A, bias, rng)))
    return TrainedLayersResult(tuple(rows))


def _layers(net: Net, x: Array) -> list[tuple[Array, Array, Array]]:
    """Each hidden layer as (inputs, matrix, biases), float64."""
    found = []
    for A, bias in list(zip(net.weights, net.biases, strict=True))[:-1]:
        A, bias = A.double().numpy(), bias.double().numpy()
        found.append((x, A, bias))
        x = np.maximum(x @ A.T + bias, 0)
    return found


def look_at(x: Array, A: Array, bias: Array, rng: np.random.Generator) -> dict[str, Any]:
    """What a `TrainedLayer` says of a layer A (m, n) with biases (m,) that is shown x (B, n)."""
    size = float(np.sqrt(np.square(A).mean()))
    told, noise = known(A), Known.noise(len(A), x.shape[1], size)
    other = rng.standard_normal(A.shape) * size
    on = x @ A.T + bias > 0
    return {
        "active": float(on.mean()),
        "spikes_found": len(told.values),
        "rows_spread": _spread(told.rows),
        "columns_spread": _spread(told.columns),
        "kurtosis": told.kurtosis,
        "measured": lost(x, A, bias),
        "theorem": by_law(x, A, bias, noise, own=False),
        "given": by_law(x, A, bias, told, own=False),
        "own": by_law(x, A, bias, noise),
        "law": by_law(x, A, bias, told),
        "spikes": lost(x, A, bias, told.low_rank),
        "random": lost(x, other, bias),
        "random_law": by_law(x, other, bias, noise),
    }


def _spread(scales: Array) -> float:
    squares = scales**2
    return float(squares.std() / squares.mean())


def _scale(A: Array) -> float:
    """The theory's alpha; 0 where A is zero."""
    energy = float(np.square(A).sum())
    return 2 * len(A) / energy if energy > 0 else 0.0


def lost(x: Array, A: Array, bias: Array, by: Array | None = None) -> float:
    """Error of the codes that A made of x when they have gone down and up, through `by` if there is one."""
    B = A if by is None else by
    h = np.maximum(x @ A.T + bias, 0)
    back = np.maximum(np.maximum(_scale(B) * h @ B, 0) @ B.T + bias, 0)
    return moments(h, back, back**2).error()


def by_law(x: Array, A: Array, bias: Array, told: Known, own: bool = True) -> float:
    """The same by the law that is `told` something of A, and whether the codes are A's own."""
    seen = x @ A.T
    h = np.maximum(seen + bias, 0)
    return law_moments(h, read_back(told, h, _scale(A), Made(x, seen) if own else None), bias).error()


def cells(profile: str) -> list[TrainedLayers]:
    """Widths by weight decays; the same seeds in all of them, so that a seed is a group."""
    name, widths, decays, seeds, changes = {
        "smoke": ("digits", ((40, 20),), (0.0, 0.02), 3, {"steps": 200}),
        "book": ("digits", ((40, 20), (60,)), (0.0, 0.02), 5, {}),
        "full": ("mnist", ((100,), (600,), (300, 100), (400, 200, 100), (200, 200, 200)), (0.0, 3e-3, 1e-2, 3e-2), 10,
                 {}),
    }[profile]  # fmt: skip
    own = tuple(seed_of("trained-layers", i) for i in range(seeds))
    base = replace(SCHEDULES[name], seeds=own, **changes)
    return [TrainedLayers(training=replace(base, hidden=hidden), decay=decay) for hidden in widths for decay in decays]


def measures(pairs: Sequence[tuple[TrainedLayers, TrainedLayersResult | Absent]]) -> dict[str, Estimate]:
    """Intervals are over seeds, each with its nets of all widths and decays and all their layers."""
    there = [(p, r) for p, r in pairs if isinstance(r, TrainedLayersResult)]
    if not there:
        return {}
    seeds = there[0][0].training.seeds
    by_seed = [[row for _, r in there for row in r.rows if row.seed == seed] for seed in seeds]
    measured = np.log([[row.measured for row in rows] for rows in by_seed])  # (seeds, layers)
    logs = {name: np.log([[getattr(row, name) for row in rows] for rows in by_seed]) for name in (*LAWS, "spikes")}
    off = {name: np.abs(found - measured).mean(1) for name, found in logs.items()}
    found = {"layers": Estimate.exact(measured.size)}
    for name, by in logs.items():
        found[f"{name}_over_measured"] = Estimate.of(np.exp(by - measured).mean(1))
        found[f"explained_by_{name}"] = Estimate.of(_explained(by, measured))
        found[f"{name}_off"] = Estimate.of(off[name])
    ratios = np.exp(logs["law"] - measured)
    random = np.array([[row.random_law / row.random for row in rows] for rows in by_seed])
    raised = np.array([[row.measured / row.random for row in rows] for rows in by_seed])
    return found | {
        "law_closer_than_rivals": smallest([Estimate.of(off[name] - off["law"]) for name in RIVALS]),
        "law_furthest": furthest([Estimate.of(column) for column in ratios.T], 1.0),
        "random_law_over_random": Estimate.of(random.mean(1)),
        "trained_over_random": Estimate.of(raised.mean(1)),
    }


def _explained(by: Array, measured: Array) -> Array:
    """The share of the variance of log errors over layers that a law accounts for, for each seed; at most 1."""
    left = np.square(by - measured).mean(1)
    return 1 - left / measured.var(1)


EXPERIMENTS = {
    "trained-layers": Experiment(cells, trained_layers, measures, label=labels.trained_layers, repeats=("seeds",)),
}
