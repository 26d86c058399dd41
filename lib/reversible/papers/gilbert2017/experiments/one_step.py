"""What one step gives back of any input, sparse or not, and what many layers do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, root_mean_square
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, project
from reversible.papers.gilbert2017 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory import one_step as laws

KEPT = ("all", "relu", "pooled")  # what of h goes down again: all; what a ReLU leaves; its maxima in windows of four
INPUTS = ("white", "smooth", "positive")

# --- one step ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """x -> h = W x -> some of h -> x^ = W^T (kept h), with fresh Gaussian W and x in each draw.

    "dense" W, or a convolution of `taps` x `taps` on maps of `side` x `side` that keeps their size.
    """

    kind: str  # "dense" or "convolution"
    input: str  # one of INPUTS
    kept: str  # one of KEPT
    channels: int  # of x; dense layers have one place each
    units: float  # K / M
    side: int
    taps: int = 3
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, ("dense", "convolution"))
        one_of("input", self.input, INPUTS)
        one_of("kept", self.kept, KEPT)


@dataclass(frozen=True)
class OneStepResult:
    cosine: Estimate
    above_law: Estimate  # cosine less the law's at the draw's own e, with its 1 / n for dense layers
    kept: Estimate  # e = |kept h|^2 / |x|^2
    kept_law: float  # for white inputs
    matched_error: Estimate


def one_step(p: OneStep) -> OneStepResult:
    cosines, energies, gaps = [], [], []
    for draw in range(p.draws):
        x, back, energy = _run(p, trial_generator(p.seed, draw))
        cosines.append(float(torch.sum(x * back) / x.norm() / back.norm()))
        energies.append(energy)
        law = laws.mean_cosine(energy, x.numel()) if p.kind == "dense" else laws.cosine(energy)
        gaps.append(cosines[-1] - law)
    matched = [laws.matched_error(c) for c in cosines]
    return OneStepResult(
        Estimate.of(cosines), Estimate.of(gaps), Estimate.of(energies), _kept_law(p), Estimate.of(matched)
    )


def _kept_law(p: OneStep) -> float:
    """K / M times the share that is kept, and for maps of finite size times the share of windows that lie inside."""
    share = {"all": 1.0, "relu": 0.5, "pooled": laws.pooled_moment(4) / 4}[p.kept]
    reach = p.taps // 2 if p.kind == "convolution" else 0
    inside = np.mean([(p.side - abs(shift)) / p.side for shift in range(-reach, reach + 1)])
    return float(p.units * share * inside**2)


def _run(p: OneStep, generator: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """An input, what comes back of it, and the energy that was kept over the input's."""
    size = (p.side, p.side)
    x = _input(p, generator)
    units = round(p.units * p.channels)
    if p.kind == "dense":
        W = torch.randn(units * p.side**2, x.numel(), generator=generator, dtype=torch.float64) / math.sqrt(x.numel())
        h = (W @ x.flatten()).view(1, units, *size)
        kept = _kept(h, p.kept)
        back = (kept.flatten() @ W).view_as(x)
    else:
        filters = torch.randn(units, p.channels, p.taps, p.taps, generator=generator, dtype=torch.float64)
        layer = Convolution(filters / math.sqrt(p.channels * p.taps**2), padding=p.taps // 2)
        kept = _kept(layer.up(x), p.kept)
        back = layer.down(kept, size)
    return x, back, float(kept.square().sum() / x.square().sum())


def _input(p: OneStep, generator: torch.Generator) -> Tensor:
    x = torch.randn(1, p.channels, p.side, p.side, generator=generator, dtype=torch.float64)
    if p.input == "smooth":  # sums of neighbours, as pixels of pictures are alike
        x = torch.nn.functional.avg_pool2d(x, 3, stride=1, padding=1)
    return torch.relu(x) if p.input == "positive" else x


def _kept(h: Tensor, kept: str) -> Tensor:
    if kept == "all":
        return h
    return torch.relu(h) if kept == "relu" else project(torch.relu(h), None, (2, 2))


def step_cells(profile: str) -> list[OneStep]:
    draws = {"smoke": 4, "book": 10, "full": 60}[profile]
    units = (2.0,) if profile != "full" else (1.0, 2.0, 4.0)
    side = 12 if profile == "smoke" else 16
    kinds = [("dense", 8, 8, ("white", "positive")), ("convolution", 32, side, INPUTS)]
    return [
        OneStep(kind=kind, input=shown, kept=kept, channels=M, units=r, side=size, draws=draws,
                seed=seed_of("one-step-law", f"{kind} {shown} {kept} {r}"))
        for kind, M, size, inputs in kinds for r in units for kept in KEPT for shown in inputs
    ]  # fmt: skip


def step_measures(pairs: list[tuple[OneStep, OneStepResult]]) -> dict[str, Estimate]:
    dense = [(p, r) for p, r in pairs if p.kind == "dense"]
    maps = [(p, r) for p, r in pairs if p.kind == "convolution"]
    white = [r for p, r in maps if (p.input, p.kept) == ("white", "pooled")]
    measures = {
        "dense_gap": Estimate.exact(max(abs(r.above_law.mean) for _, r in dense)),
        "dense_rms_z": root_mean_square(r.above_law.z(0) for _, r in dense),
        "pooled_energy_gap": Estimate.exact(max(abs(r.kept.mean / r.kept_law - 1) for r in white)),
    }
    for name in INPUTS:
        gaps = [abs(r.above_law.mean / (r.cosine.mean - r.above_law.mean)) for p, r in maps if p.input == name]
        measures[f"convolution_gap_{name}"] = Estimate.exact(max(gaps))
    return measures


# --- many layers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SwitchDepth:
    """Dense random layers with a ReLU and pooling, up to the top and down again by the transposes, with no biases."""

    inputs: int
    units: float  # of a layer, for each entry of its input
    pool: int
    depth: int
    switches: bool  # whether maxima go back to where they were, and units that were off stay off
    draws: int
    seed: int


@dataclass(frozen=True)
class SwitchDepthResult:
    cosines: tuple[Estimate, ...]  # of h_l and what comes down to it, from the input up
    predicted: tuple[float, ...]


def switch_depth(p: SwitchDepth) -> SwitchDepthResult:
    rows = np.array([_down_again(p, trial_generator(p.seed, draw)) for draw in range(p.draws)])
    law = laws.cosines_down([laws.Layer(p.units, p.pool)] * p.depth, p.switches)
    return SwitchDepthResult(tuple(Estimate.of(column) for column in rows.T), tuple(law))


def _down_again(p: SwitchDepth, generator: torch.Generator) -> list[float]:
    h = torch.randn(p.inputs, generator=generator)
    codes, places, matrices = [h], [], []
    for _ in range(p.depth):
        groups = round(p.units * len(h) / p.pool)
        W = torch.randn(groups * p.pool, len(h), generator=generator) / math.sqrt(len(h))
        largest, at = (W @ h).view(groups, p.pool).max(1)
        h = torch.relu(largest)
        codes.append(h)
        places.append(at if p.switches else torch.zeros_like(at))
        matrices.append(W)
    g, found = h, []
    for W, at, code in zip(matrices[::-1], places[::-1], codes[-2::-1], strict=True):
        g = torch.zeros(len(at), p.pool).scatter_(1, at[:, None], g[:, None]).flatten() @ W
        if p.switches and len(found) < p.depth - 1:
            g = g * (code > 0)
        found.append(float(g @ code / g.norm() / code.norm()))
    return found[::-1]


def depth_cells(profile: str) -> list[SwitchDepth]:
    shapes = {
        "smoke": [(500, 0.5, 1, 2), (200, 2.0, 1, 3), (250, 4.0, 4, 2)],
        "book": [(800, 0.5, 1, 3), (400, 1.0, 1, 4), (200, 2.0, 1, 4), (400, 4.0, 4, 3)],
        "full": [(3000, 0.5, 1, 4), (1000, 1.0, 1, 6), (200, 2.0, 1, 5), (700, 4.0, 4, 5), (2000, 2.0, 4, 3)],
    }[profile]
    draws = {"smoke": 4, "book": 8, "full": 100}[profile]
    return [
        SwitchDepth(inputs=inputs, units=units, pool=pool, depth=depth, switches=switches, draws=draws,
                    seed=seed_of("switch-depth", f"{inputs} {units} {pool} {switches}"))
        for inputs, units, pool, depth in shapes for switches in (True, False)
    ]  # fmt: skip


def depth_measures(pairs: list[tuple[SwitchDepth, SwitchDepthResult]]) -> dict[str, Estimate]:
    gaps = [abs(e.mean - law) for _, r in pairs for e, law in zip(r.cosines, r.predicted, strict=True)]
    of = {(p.units, p.pool, p.switches): r for p, r in pairs}
    return {
        "worst_gap": Estimate.exact(max(gaps)),
        "cosine_wide": of[2.0, 1, True].cosines[0],
        "cosine_wide_without": of[2.0, 1, False].cosines[0],
        "cosine_narrow": of[0.5, 1, True].cosines[0],
        "cosine_pooled": of[4.0, 4, True].cosines[0],
        "cosine_pooled_without": of[4.0, 4, False].cosines[0],
    }


EXPERIMENTS = {
    "one-step-law": Experiment(step_cells, one_step, step_measures, label=labels.one_step_law, scores=("dense_rms_z",)),
    "switch-depth": Experiment(depth_cells, switch_depth, depth_measures, label=labels.switch_depth),
}
