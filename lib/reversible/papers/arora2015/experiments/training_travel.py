"""How far training takes a net from the random one it begins as, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from reversible import data
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.net import Net
from reversible.nets.reversal import compare, down, replaced
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.spectra import bulk
from reversible.spectra.known import known
from reversible.training.config import Training
from reversible.training.hooks import Look, errors
from reversible.training.run import Run
from reversible.training.stack import Stack

TRAVEL_IMAGES = 200


@dataclass(frozen=True)
class TravelRow:
    """One layer's matrix after `step` batches."""

    step: int
    layer: int
    test_error: float  # of the whole net
    kurtosis: float  # of the entries: 3 for Gaussian ones
    sigma: float  # of the bulk of the singular values, as the next two: see `bulk.Bulk`
    ks: float
    ks_over_farthest: float  # ks over the 99 % point of random matrices of the shape, see `bulk.farthest`
    n_spikes: int
    n_spikes_levelled: int  # once unequal scales of rows and columns are undone
    distance: float  # ||W_t - W_0||_F / ||W_0||_F
    cosine_transpose: float  # of h_l and what came back through the transposed matrices, mean of test images
    cosine_gaussian: float  # through fresh Gaussian ones


@dataclass(frozen=True)
class TravelResult:
    rows: tuple[TravelRow, ...]  # by snapshot, then hidden layer


def training_travel(p: Training) -> TravelResult | Absent:
    """Train, and measure each hidden layer at each snapshot, the first of which is step 0."""
    if p.snapshots[:1] != (0,):
        raise InputError(f"snapshots must begin with 0 here, not {p.snapshots}")
    try:
        run = Run(p, probes=(errors, travelled))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = [
        TravelRow(step=row["step"], test_error=row["test_error"][0], **layer)
        for row in run.follow()
        for layer in row["layers"]
    ]
    return TravelResult(tuple(rows))


def travelled(stack: Stack) -> Look:
    """A probe of the only net of a stack: each hidden layer as a `TravelRow` has it, beside what it began as."""
    x = data.load(stack.p.data, train=False).take(slice(TRAVEL_IMAGES)).scaled()  # (TRAVEL_IMAGES, n)
    start = stack.nets()[0].weights

    def look() -> dict[str, Any]:
        net = stack.nets()[0]
        generator = trial_generator(stack.p.seeds[0], 1 + stack.step)  # training itself used 0
        pairs = enumerate(zip(net.weights[:-1], start, strict=False), 1)
        return {"layers": tuple(_layer(net, layer, A, A0, x, generator) for layer, (A, A0) in pairs)}

    return look


def _layer(net: Net, layer: int, A: Tensor, A0: Tensor, x: Tensor, generator: torch.Generator) -> dict[str, Any]:
    """What a `TravelRow` says of the layer's matrix A (out, in), which began as A0."""
    law = bulk.fit(torch.linalg.svdvals(A.double()).numpy(), (A.shape[0], A.shape[1]))
    return {
        "layer": layer,
        "kurtosis": float(stats.kurtosis(A.double().flatten().numpy(), fisher=False)),
        "sigma": float(law.sigma),
        "ks": float(law.ks),
        "ks_over_farthest": float(law.ks) / bulk.farthest(min(A.shape) - law.n_spikes),
        "n_spikes": int(law.n_spikes),
        "n_spikes_levelled": len(known(A.double().numpy()).values),
        "distance": float((A - A0).norm() / A0.norm()),
        "cosine_transpose": _cosine(net, layer, "transpose", x, generator),
        "cosine_gaussian": _cosine(net, layer, "gaussian", x, generator),
    }


def _cosine(net: Net, layer: int, how: str, x: Tensor, generator: torch.Generator) -> float:
    h = net.up(x, layer)[-1]
    x_back = down([replaced(A, how, generator) for A in net.weights[:layer]], h, 1.0)
    return float(compare(h, net.up(x_back, layer)[-1]).cosine.mean())


def travel_cells(profile: str) -> list[Training]:
    """One training run a seed, each a cell of its own; the snapshots double and double again."""
    name, seeds, steps = {"smoke": ("digits", 3, 250), "book": ("digits", 10, 1000), "full": ("mnist", 10, 3000)}[
        profile
    ]
    base = SCHEDULES[name]
    snapshots = (0, *(2**i for i in range(0, 12, 3 if profile == "smoke" else 2) if 2**i < steps), steps)
    return [replace(base, steps=steps, snapshots=snapshots, seeds=(9500 + i,)) for i in range(seeds)]


def travel_measures(pairs: Sequence[tuple[Training, TravelResult | Absent]]) -> dict[str, Estimate]:
    """Before and after training and the change, over seeds; a change is paired, seed by seed. Layers are counted up."""
    results = [r for _, r in pairs if isinstance(r, TravelResult)]
    measures: dict[str, Estimate] = {}
    for layer in sorted({row.layer for r in results for row in r.rows}):
        own = [[row for row in r.rows if row.layer == layer] for r in results]
        before, after = ([_values(rows[end]) for rows in own] for end in (0, -1))
        for name in before[0]:
            first, last = (np.array([values[name] for values in end]) for end in (before, after))
            label = name if name == "test_error" else f"{name}_{layer}"
            measures[f"{label}_before"], measures[f"{label}_after"] = Estimate.of(first), Estimate.of(last)
            measures[f"{label}_change"] = Estimate.of(last - first)
    return measures


def _values(row: TravelRow) -> dict[str, float]:
    values = {field.name: float(getattr(row, field.name)) for field in fields(row) if field.name not in PLACE}
    return values | {"cosine_above_gaussian": row.cosine_transpose - row.cosine_gaussian}


PLACE = ("step", "layer")


EXPERIMENTS = {
    "training-travel": Experiment(travel_cells, training_travel, travel_measures, label=labels.training_travel)
}
