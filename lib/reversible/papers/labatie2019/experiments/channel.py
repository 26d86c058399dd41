"""One dense layer with batch normalisation, beside the law that the spectrum of its inputs gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from reversible import data
from reversible.base.estimates import Estimate, furthest
from reversible.papers.labatie2019 import labels, laws
from reversible.papers.labatie2019.experiments.depth import WIDTH
from reversible.papers.labatie2019.signals import Signals
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray


@dataclass(frozen=True)
class Channel:
    """Normalised ReLU nets: at some layers, many dense layers are drawn to see what one makes of noise and signal."""

    data: str
    width: int
    batch: int
    layers: tuple[int, ...]
    tries: int  # dense layers at each look
    draws: int
    seed: int


@dataclass(frozen=True)
class ChannelResult:
    """At each look, a number a net: what a normalised dense layer multiplies chi^2 by, its law, the effective rank."""

    measured: tuple[tuple[float, ...], ...]
    law: tuple[tuple[float, ...], ...]
    rank: tuple[tuple[float, ...], ...]


@torch.no_grad()
def channel(p: Channel) -> ChannelResult | Absent:
    try:
        s = Signals.of(p.data, p.batch, p.width, p.draws, p.seed)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    found = []
    for layer in range(1, p.layers[-1] + 1):
        if layer in p.layers:
            nets = [_one(y, p.tries, g) for y, g in zip(s.y, s.draw, strict=True)]
            found.append([*zip(*nets, strict=True)])
        s.weigh()
        s.normalise()
        s.activate("relu")
        s.rescale()
    measured, law, rank = zip(*found, strict=True)
    return ChannelResult(measured, law, rank)


def _one(y: torch.Tensor, tries: int, draw: torch.Generator) -> tuple[float, float, float]:
    """Of one net: y (2B, n)."""
    signal, noise = y.double().chunk(2)
    centred = signal - signal.mean(0)
    W = torch.randn(y.shape[1], tries * y.shape[1], generator=draw, dtype=torch.float64)
    below, above = (centred @ W).square().mean(0), (noise @ W).square().mean(0)
    before = noise.square().sum() / centred.square().sum()
    measured = float((above / below).mean() / before)
    _, singular, rows = torch.linalg.svd(centred, full_matrices=False)
    keep = singular > 1e-6 * singular[0]
    inside = (noise @ rows[keep].mT).square().mean(0)
    beyond = noise.square().sum(1).mean() - inside.sum()
    values = (singular[keep].square() / len(signal)).numpy()
    law = laws.ratio_of_squares(values, inside.numpy(), float(beyond)) / float(before)
    rank = float(values.sum() / values.max())
    return tuple(float(f"{x:.6g}") for x in (measured, law, rank))  # pyright: ignore[reportReturnType]


def cells(profile: str) -> list[Channel]:
    batches, layers, tries, draws = {
        "smoke": ((16,), (1, 3), 2, 3), "book": ((16, 64), (1, 10, 20), 3, 4),
        "full": ((16, 64, 256), (1, 5, 20, 60, 120), 8, 30),
    }[profile]  # fmt: skip
    name = "digits" if profile == "smoke" else "cifar10"
    return [
        Channel(name, WIDTH, batch, layers, tries, draws, seed_of("labatie-channel", str(batch))) for batch in batches
    ]


def over_law(r: ChannelResult) -> list[Estimate]:
    """At each look, the mean factor of chi over its law's."""
    ratios = np.sqrt(np.array(r.measured) / np.array(r.law))
    return [Estimate.of(row) for row in ratios]


def measures(pairs: list[tuple[Channel, ChannelResult | Absent]]) -> dict[str, Estimate]:
    there = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    if not there:
        return {}
    last = max(there, key=lambda pair: pair[0].batch)[1]
    return {
        "law_off": furthest([e for _, r in there for e in over_law(r)], 1),
        "factor_large": Estimate.of(np.sqrt(last.measured[-1])),
        "factor_large_law": Estimate.of(np.sqrt(last.law[-1])),
        "rank_large": Estimate.of(last.rank[-1]),
    }


EXPERIMENTS = {"labatie-channel": Experiment(cells, channel, measures, label=labels.channel)}
