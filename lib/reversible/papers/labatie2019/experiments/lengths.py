"""The length of one input, and of one noise, in plain ReLU nets beside its exact law; and the mean over a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, furthest, jackknife
from reversible.base.runtime import trial_generator
from reversible.papers.labatie2019 import labels, laws, published
from reversible.papers.labatie2019.signals import Signals
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
KINDS = (*laws.WEIGHTS, "batch")  # one input with such weights; or the mean over a batch of images
TOGETHER = 100  # nets of a stack


@dataclass(frozen=True)
class Lengths:
    """Plain nets of so many layers, which are looked at; `batch` images each, of CIFAR-10 where there are several."""

    kind: str
    width: int
    batch: int
    layers: tuple[int, ...]
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class LengthsResult:
    """At each look, a number a net: the log of nu_2 over that at the start, of signal and of noise."""

    signal: tuple[tuple[float, ...], ...]
    noise: tuple[tuple[float, ...], ...]


def lengths(p: Lengths) -> LengthsResult | Absent:
    try:
        found = [_stack(p, at, min(TOGETHER, p.draws - at)) for at in range(0, p.draws, TOGETHER)]
    except data.NotAtHand as missing:
        return Absent(str(missing))
    signal, noise = (np.concatenate([each[which] for each in found], 1) for which in (0, 1))
    return LengthsResult(_rows(signal), _rows(noise))


@torch.no_grad()
def _stack(p: Lengths, at: int, nets: int) -> tuple[Array, Array]:
    """(looks, nets) of signal and noise."""
    s = _start(p, at, nets)
    signal, noise, found = _square(s.signal), _square(s.noise), []
    for layer in range(1, p.layers[-1] + 1):
        if p.kind == "orthogonal":
            s.y = torch.bmm(s.y, _orthogonal(nets, p.width, s.draw[0]))
        else:
            s.weigh()
        s.activate("relu")
        if layer in p.layers:
            found.append([np.log(_square(s.signal) / signal), np.log(_square(s.noise) / noise)])
    both = np.array(found)
    return both[:, 0], both[:, 1]


def _start(p: Lengths, at: int, nets: int) -> Signals:
    if p.kind == "batch":
        return Signals.of("cifar10", p.batch, p.width, nets, p.seed + at)
    draw = [trial_generator(p.seed + 1 + at, net) for net in range(nets)]
    y = torch.stack([torch.randn(2 * p.batch, p.width, generator=g) for g in draw])
    return Signals(y, torch.zeros(nets, dtype=torch.float64), draw)


def _square(x: torch.Tensor) -> Array:
    return x.double().square().mean((1, 2)).numpy()


def _orthogonal(nets: int, width: int, draw: torch.Generator) -> torch.Tensor:
    """Uniform among orthogonal matrices, times sqrt(2), (nets, width, width)."""
    q, r = torch.linalg.qr(torch.randn(nets, width, width, generator=draw))
    return math.sqrt(2) * q * r.diagonal(dim1=1, dim2=2).sign()[:, None]


def _rows(found: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(f"{x:.5g}") for x in row) for row in found)


def cells(profile: str) -> list[Lengths]:
    layers = {"smoke": (5, 10), "book": (10, 20, 40), "full": (50, 100, 200)}[profile]
    one, other, batch = {"smoke": (60, 30, 4), "book": (600, 300, 10), "full": (4000, 3000, 400)}[profile]
    images = {"smoke": 8, "book": 32, "full": 128}[profile]
    wide = {"smoke": 32, "book": 64, "full": 128}[profile]
    asked = [("gaussian", 32, 1, one), ("orthogonal", 32, 1, other), ("batch", wide, images, batch)]
    return [
        Lengths(kind, width, count, layers, draws, seed_of("labatie-lengths", kind))
        for kind, width, count, draws in asked
    ]


def over_law(p: Lengths, rows: tuple[tuple[float, ...], ...]) -> tuple[list[Estimate], list[Estimate]]:
    """At each look the mean of logs over its law, and their variance over its."""
    mean, variance = laws.log_length(p.width, p.kind)
    pairs = [(layer, np.array(row)) for layer, row in zip(p.layers, rows, strict=True)]
    means = [Estimate.of(row / (layer * mean)) for layer, row in pairs]
    squares = [(row - row.mean()) ** 2 * len(row) / (len(row) - 1) / (layer * variance) for layer, row in pairs]
    return means, [Estimate.of(square) for square in squares]


def skewness(rows: Array) -> float:
    """Mean cube of standardised numbers; none of normal ones."""
    return float(np.mean((rows - rows.mean()) ** 3) / rows.std() ** 3)


def measures(pairs: list[tuple[Lengths, LengthsResult | Absent]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        if p.kind == "batch":
            found |= _of_batches(p, r)
            continue
        for name, rows in (("signal", r.signal), ("noise", r.noise)):
            means, variances = over_law(p, rows)
            found[f"mean_off_{p.kind}_{name}"] = furthest(means, 1)
            found[f"variance_off_{p.kind}_{name}"] = furthest(variances, 1)
        found[f"mean_{p.kind}"] = Estimate.of(r.signal[-1])
        found[f"variance_{p.kind}"] = Estimate.of(_squares(r.signal[-1]))
        found[f"skewness_{p.kind}"] = jackknife(skewness, np.array(r.signal[-1]))
    return found


def _of_batches(p: Lengths, r: LengthsResult) -> dict[str, Estimate]:
    mean, variance = laws.log_length(p.width)
    depth, row = p.layers[-1], np.array(r.signal[-1])
    return {
        "mean_batch": Estimate.of(row),
        "variance_batch": Estimate.of(_squares(row)),
        "mean_batch_one_input": Estimate.exact(depth * mean),
        "variance_batch_one_input": Estimate.exact(depth * variance),
        "mean_batch_noise": Estimate.of(r.noise[-1]),
        "mean_batch_stored": Estimate.exact(published.PLAIN_LOG_NU_2[200][0] * depth / 200),
        "variance_batch_stored": Estimate.exact(published.PLAIN_LOG_NU_2[200][1] * depth / 200),
    }


def _squares(row: tuple[float, ...] | Array) -> Array:
    """Their mean is the variance."""
    values = np.array(row)
    return (values - values.mean()) ** 2 * len(values) / (len(values) - 1)


EXPERIMENTS = {"labatie-lengths": Experiment(cells, lengths, measures, label=labels.lengths)}
