"""Where a new layer starts: as the identity, to the bit where the layer before ended, and controls that do not."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.belilovsky2019 import labels
from reversible.papers.belilovsky2019.convolution import (
    ConvPlan,
    ConvStage,
    begin_as_identity,
    greedy_conv,
    image_sets,
    risk_of,
)
from reversible.papers.belilovsky2019.greedy import (
    FeatureRun,
    Plan,
    Sets,
    Stage,
    begun_as_identity,
    greedy,
    risk,
    sets_of,
    training_of,
)
from reversible.runs.experiment import Experiment, seed_of

KINDS = ("dense", "convolution")
CHANGES = ("none", "wider", "narrower", "rearranged")  # what differs from a layer that is as wide as the one before


@dataclass(frozen=True)
class Start:
    """Nets of some layers on digits, each begun as the identity."""

    kind: str
    change: str
    k: int
    images: int
    width: int
    layers: int
    epochs: int
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        one_of("change", self.change, CHANGES)


@dataclass(frozen=True)
class StartResult:
    """A number for each net and each layer after the first: |risk at the start - risk of the layer before|."""

    off: tuple[float, ...]


def start(p: Start) -> StartResult:
    found = dense(p) if p.kind == "dense" else convolution(p)
    return StartResult(tuple(found))


def dense(p: Start) -> list[float]:
    """In single precision, by the loop's own state and restore."""
    seeds = [p.seed + net for net in range(p.draws)]
    sets = sets_of("digits", p.images, 0, seeds, test=1)
    widths = tuple(changed_width(p, layer) for layer in range(p.layers))
    plan = Plan(widths, p.k, p.epochs, p.images // 4, 0.05, "random" if p.change == "narrower" else "identity")
    stages = list(greedy(plan, sets, seeds, (risk,)))
    return [off for layer in range(1, p.layers) for off in _off(p, plan, layer, stages[layer - 1], seeds)]


def changed_width(p: Start, layer: int) -> int:
    """Of a layer: the same for all, one more or one less from each to the next."""
    return p.width + layer * {"wider": 1, "narrower": -1}.get(p.change, 0)


def _off(p: Start, plan: Plan, layer: int, before: Stage, seeds: list[int]) -> list[float]:
    """Of each net: how far the risk at this layer's start is from the risk at the end of the layer before."""
    sets = before.through()
    if p.change == "rearranged":
        sets = rearranged(sets, p.seed)
    run = FeatureRun(training_of(plan, layer, sets, seeds, 1), sets, (risk,))
    run.restore(begun_as_identity(run.state(), before.run.state(), plan.widths[layer]))
    then, now = before.rows[-1]["risk"], run.look()["risk"]
    return [abs(a - b) for a, b in zip(then, now, strict=True)]


def rearranged(sets: Sets, seed: int) -> Sets:
    """All features in another order, the same for all: P is invertible and not the identity."""
    width = sets.train.x.shape[-1]
    order = torch.randperm(width, generator=torch.Generator().manual_seed(seed % 2**32))
    return sets.through(torch.eye(width)[order].expand(len(sets.train.x), -1, -1), torch.zeros(1, width))


def convolution(p: Start) -> list[float]:
    """In double precision: a net at a time."""
    found: list[float] = []
    for seed in range(p.seed, p.seed + p.draws):
        sets = image_sets("digits", p.images, 0, seed, test=1, dtype=torch.float64)
        plan = ConvPlan((p.width,) * p.layers, p.k, p.epochs, p.images // 4, 0.05)
        stages = list(greedy_conv(plan, sets, seed))
        for before in stages[:-1]:
            found.append(_conv_off(p, before))
    return found


def _conv_off(p: Start, before: ConvStage) -> float:
    """How far the risk at the next layer's start is from the risk of this one."""
    x, said = before.through().train.x, before.sets.train.labels
    if p.change == "rearranged":
        x = torch.nn.functional.pixel_unshuffle(x, 2)  # the paper's P: four times the channels on a quarter of the pixels
    width = x.shape[1] + {"wider": 1, "narrower": -1}.get(p.change, 0)
    begun = begin_as_identity(before.stage, x.shape[1], width)
    return abs(risk_of(begun, x, said) - risk_of(before.stage, before.sets.train.x, said))


def cells(profile: str) -> list[Start]:
    images, width, layers, epochs, draws = {
        "smoke": (40, 6, 2, 1, 2), "book": (100, 8, 3, 2, 2), "full": (400, 16, 5, 5, 8)
    }[profile]  # fmt: skip
    return [
        Start(kind, change, k, images, width, layers, epochs, draws, seed_of("greedy-start", f"{kind}, {change}, {k}"))
        for kind in KINDS for change in CHANGES for k in (1, 2, 3)
    ]  # fmt: skip


def measures(pairs: list[tuple[Start, StartResult]]) -> dict[str, Estimate]:
    found = {}
    for kind in KINDS:
        for change in CHANGES:
            offs = [off for p, r in pairs if (p.kind, p.change) == (kind, change) for off in r.off]
            worst = min(offs) if change in ("narrower", "rearranged") else max(offs)
            found[f"{kind}_{change}"] = Estimate.exact(worst)
    return found


EXPERIMENTS = {"greedy-start": Experiment(cells, start, measures, label=labels.start)}
