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
WIDER = {"none": 0, "wider": 1, "narrower": -1, "rearranged": 0}  # changes, and by how much the next layer is wider


@dataclass(frozen=True)
class Start:
    """Nets of some layers of one width on digits, each solved; where would a next layer start?"""

    kind: str
    k: int
    images: int
    width: int
    layers: int
    epochs: int
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class StartResult:
    """By change, for each net and layer: |risk where the next layer starts - risk where this one ended|."""

    off: dict[str, tuple[float, ...]]


def start(p: Start) -> StartResult:
    off: dict[str, list[float]] = {change: [] for change in WIDER}
    (dense if p.kind == "dense" else convolution)(p, off)
    return StartResult({change: tuple(found) for change, found in off.items()})


def dense(p: Start, off: dict[str, list[float]]) -> None:
    """In single precision, by the loop's own state and restore."""
    seeds = [p.seed + net for net in range(p.draws)]
    plan = Plan((p.width,) * p.layers, p.k, p.epochs, p.images // 4, 0.05)
    for stage in greedy(plan, sets_of("digits", p.images, 0, seeds, test=1), seeds, (risk,)):
        for change in WIDER:
            off[change] += dense_off(p, change, stage, seeds)


def dense_off(p: Start, change: str, before: Stage, seeds: list[int]) -> list[float]:
    """Of each net."""
    sets, width = before.through(), p.width + WIDER[change]
    if change == "rearranged":
        sets = rearranged(sets, p.seed)
    asked = training_of(Plan((width,), p.k, p.epochs, p.images // 4, 0.05), 0, sets, seeds, 1)
    run = FeatureRun(asked, sets, (risk,))
    run.restore(begun_as_identity(run.state(), before.run.state(), width))
    return [abs(a - b) for a, b in zip(before.rows[-1]["risk"], run.look()["risk"], strict=True)]


def rearranged(sets: Sets, seed: int) -> Sets:
    """All features in another order, the same for all: P is invertible and not the identity."""
    nets, _, width = sets.train.x.shape
    order = torch.randperm(width, generator=torch.Generator().manual_seed(seed % 2**32))
    return sets.through(torch.eye(width)[order].expand(nets, -1, -1), torch.zeros(nets, width))


def convolution(p: Start, off: dict[str, list[float]]) -> None:
    """In double precision, a net at a time."""
    plan = ConvPlan((p.width,) * p.layers, p.k, p.epochs, p.images // 4, 0.05)
    for seed in range(p.seed, p.seed + p.draws):
        sets = image_sets("digits", p.images, 0, seed, test=1, dtype=torch.float64)
        for stage in greedy_conv(plan, sets, seed):
            for change in WIDER:
                off[change].append(convolution_off(change, stage))


def convolution_off(change: str, before: ConvStage) -> float:
    x, said = before.through().train.x, before.sets.train.labels
    if change == "rearranged":
        x = torch.nn.functional.pixel_unshuffle(x, 2)  # the paper's P: four times the channels, a quarter of the pixels
    begun = begin_as_identity(before.stage, x.shape[1], x.shape[1] + WIDER[change])
    return abs(risk_of(begun, x, said) - risk_of(before.stage, before.sets.train.x, said))


def cells(profile: str) -> list[Start]:
    images, width, layers, epochs, draws = {
        "smoke": (40, 6, 1, 1, 1), "book": (80, 8, 2, 2, 2), "full": (400, 16, 5, 5, 8)
    }[profile]  # fmt: skip
    return [
        Start(kind, k, images, width, layers, epochs, draws, seed_of("greedy-start", f"{kind}, {k}"))
        for kind in KINDS for k in (1, 2, 3)
    ]  # fmt: skip


def measures(pairs: list[tuple[Start, StartResult]]) -> dict[str, Estimate]:
    found = {}
    for kind in KINDS:
        for change in WIDER:
            offs = [off for p, r in pairs if p.kind == kind for off in r.off[change]]
            is_control = change in ("narrower", "rearranged")
            found[f"{kind}_{change}"] = Estimate.exact(sum(offs) / len(offs) if is_control else max(offs))
    return found


EXPERIMENTS = {"greedy-start": Experiment(cells, start, measures, label=labels.start)}
