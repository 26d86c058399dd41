"""Three hidden layers of 512 on CIFAR-10: what training makes of the stable rank of the two square layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible import data
from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels
from reversible.papers.martin2019.kinds import measured
from reversible.papers.martin2019.nets import GlorotRun
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.config import Training
from reversible.training.hooks import Look, errors
from reversible.training.stack import Stack

Array = np.ndarray
SQUARE = (1, 2)  # the layers that are square, counted from the image up
RATE, BATCH = 0.01, 16  # the batch is the notebook's; the rate is that of the notebooks' other net


@dataclass(frozen=True)
class Mlp3:
    """Nets side by side, looked at after some epochs."""

    data: str
    images: int  # drawn by each net
    hidden: int  # units of each of the three layers
    epochs: tuple[int, ...]
    draws: int  # nets
    seed: int


@dataclass(frozen=True)
class Mlp3Result:
    """By epoch, a number a net."""

    test_error: tuple[tuple[float, ...], ...]
    stable_rank: dict[str, tuple[tuple[float, ...], ...]]  # of the first and of the second square layer
    soft_rank: dict[str, tuple[tuple[float, ...], ...]]
    permuted: dict[str, tuple[float, ...]]  # stable rank of the trained entries in random order
    centred: dict[str, tuple[float, ...]]  # of the trained matrix less the mean of its entries
    permuted_centred: dict[str, tuple[float, ...]]  # of the entries in random order less their mean
    phase: dict[str, tuple[str, ...]]  # at the end


def spectra(stack: Stack) -> Look:
    """A probe: the square layers of each net."""

    def look() -> dict[str, object]:
        found = {layer: [measured(W.double().numpy()) for W in stack.net.weights[layer].detach()] for layer in SQUARE}
        return {f"layer {layer}": rows for layer, rows in found.items()}

    return look


def mlp3(p: Mlp3) -> Mlp3Result | Absent:
    try:
        run = GlorotRun(training_of(p), (spectra, errors))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = [*run.follow()]
    rng = np.random.default_rng(p.seed)
    last = {str(layer): [W.double().numpy() for W in run.stack.net.weights[layer].detach()] for layer in SQUARE}
    mixed = {name: [rng.permuted(W.reshape(-1)).reshape(W.shape) for W in Ws] for name, Ws in last.items()}
    permuted, centred, permuted_centred = (
        {name: tuple(measured(of(W)).stable_rank for W in Ws) for name, Ws in kind.items()}
        for kind, of in ((mixed, as_is), (last, less_its_mean), (mixed, less_its_mean))
    )
    stable, soft = (
        {str(layer): tuple(tuple(getattr(m, name) for m in row[f"layer {layer}"]) for row in rows) for layer in SQUARE}
        for name in ("stable_rank", "soft_rank")
    )
    phases = {str(layer): tuple(m.phase for m in rows[-1][f"layer {layer}"]) for layer in SQUARE}
    return Mlp3Result(
        tuple(tuple(row["test_error"]) for row in rows), stable, soft, permuted, centred, permuted_centred, phases
    )


def as_is(matrix: Array) -> Array:
    return matrix


def less_its_mean(matrix: Array) -> Array:
    return matrix - matrix.mean()


def training_of(p: Mlp3) -> Training:
    passing = p.images // BATCH
    return Training(
        data=p.data, hidden=(p.hidden,) * 3, inputs="standard", images=p.images, steps=p.epochs[-1] * passing,
        snapshots=tuple(epoch * passing for epoch in p.epochs), lr=RATE, batch=BATCH,
        seeds=tuple(p.seed + net for net in range(p.draws)),
    )  # fmt: skip


def cells(profile: str) -> list[Mlp3]:
    seed = seed_of("martin-mlp3", 0)
    return {
        "smoke": [Mlp3("digits", 160, 48, (0, 2), 2, seed)],
        "book": [Mlp3("digits", 1000, 96, (0, 5, 10), 3, seed)],
        "full": [Mlp3("cifar10", 10000, 512, (0, 1, 2, 4, 8, 16), 10, seed)],
    }[profile]


def measures(pairs: list[tuple[Mlp3, Mlp3Result | Absent]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for r in (r for _, r in pairs if isinstance(r, Mlp3Result)):
        found["test_accuracy"] = Estimate.of(1 - np.array(r.test_error[-1]))
        for name, place in zip(r.stable_rank, ("first", "second"), strict=True):
            ranks = np.array(r.stable_rank[name])
            found[f"before_{place}"] = Estimate.of(ranks[0])
            found[f"after_{place}"] = Estimate.of(ranks[-1])
            found[f"left_{place}"] = Estimate.of(ranks[-1] / ranks[0])
            for kind in ("permuted", "centred", "permuted_centred"):
                found[f"{kind}_left_{place}"] = Estimate.of(np.array(getattr(r, kind)[name]) / ranks[0])
            found[f"soft_rank_{place}"] = Estimate.of(r.soft_rank[name][-1])
    return found


EXPERIMENTS = {"martin-mlp3": Experiment(cells, mlp3, measures, label=labels.mlp3)}
