"""SHADOW by whole curves in nets with three hidden layers of 5,000: the design of `shadow_curves`, made on a GPU.

The estimand, the pilot, the rates, the judges and what is read off are those of `shadow_curves`; only the loop is
another one, for what it takes in such nets to begin and to end a run. First weights are drawn where the nets are
trained; images are read once for all runs; and the learning rate of the cosine decay lies on the device, where a step
that was recorded as a graph finds it. On a GPU products are made in bfloat16, while weights and momentum stay in
float32. On a CPU all is in float32, and to the bit what `shadow_at_rate` does there.

Cells stand curve by curve, MNIST first, so that what there is no time for is the end of the list. A curve that is not
whole counts for nothing. In a first run that of backprop on MNIST was open at its highest rates: it has four rates more
there, and so has that of h3, which was not whole then and whose pilot is the same. On CIFAR-10, where nets of 400 have
their minima one to five rates above the pilot's, the rates lie from one below it to seven above; no net of 5,000 had
been trained on CIFAR-10 when they were chosen.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible.base.estimates import Estimate
from reversible.base.runtime import check_device, one_thread
from reversible.data import NotAtHand
from reversible.papers.arora2015.experiments.shadow_at_rate import (
    FIRST,
    AtRate,
    AtRateResult,
    Judged,
    Looked,
    Rate,
    chosen,
    middle,
    rate_at,
)  # fmt: skip
from reversible.papers.arora2015.experiments.shadow_curves import (
    CORE,
    OFFSETS,
    Regime,
    digits_place,
    mnist_place,
)  # fmt: skip
from reversible.papers.arora2015.experiments.shadow_curves_measures import curve_measures
from reversible.papers.arora2015.labels import curves as labels
from reversible.papers.arora2015.smooth import SPACING
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.config import Training
from reversible.training.hooks import step_of
from reversible.training.run import CapturedStep, Clock, Row, products_in
from reversible.training.stack import NOISE, ORDER, Batches, Shown, Stack, told_when_out_of_memory

FAST: dict[str, Any] = {"precision": "bf16", "graph": True}  # of training on a GPU
METHODS = (*CORE, "h3")


@dataclass(frozen=True, kw_only=True)
class WideRegime(Regime):
    """With seeds of this experiment's own."""

    def _seeds(self, kind: str, count: int) -> tuple[int, ...]:
        return tuple(seed_of("shadow-gpu", f"{self.name} {kind} {i}") for i in range(count))


FULL = (
    WideRegime(
        name="mnist_1000_5000x3", place=mnist_place(1000, 200, 5000, 5000, 5000), methods=METHODS, seeds=(6, 12),
        pilot=2, higher=("backprop", "h3"),
    ),
    WideRegime(
        name="cifar10_5000_5000x3", methods=CORE, seeds=(4, 8), pilot=2, offsets=tuple(range(-1, 8)),
        place={**mnist_place(5000, 500, 5000, 5000, 5000), "data": "cifar10", "inputs": "standard"},
    ),
)  # fmt: skip
SMOKE = (
    WideRegime(
        name="digits_200_20x3", place={**digits_place(6, 20, 20, 20), "batch": 20}, methods=METHODS, seeds=(2, 3),
        offsets=OFFSETS[2:7], pilot=1, piloted_by="backprop",
    ),
)  # fmt: skip


def gpu_cells(profile: str) -> list[AtRate]:
    """What is for a GPU is in `full` alone."""
    return [cell for regime in (FULL if profile == "full" else SMOKE) for cell in regime.cells()]


# --- a run on a device ------------------------------------------------------------------------------------------------


def at_rate_on_device(p: AtRate, rate: Rate | None = None) -> AtRateResult | Absent:
    """Train all seeds at the cell's rate, or at the one that a record has, as `shadow_at_rate.at_rate` does."""
    pilot, training = (_on_device(asked, p.device) for asked in (p.pilot, p.training))
    try:
        lr = rate.lr if rate else piloted(pilot, p.schedule) * 2 ** (p.offset * SPACING)
        rows = list(followed(replace(training, lr=lr), p.schedule, Judged(p.tuning, p.synthetic)))
    except NotAtHand as missing:
        return Absent(str(missing))
    looks = tuple(Looked(row["step"], row["tuning"], row["test"], row["held_out"], row["synthetic"]) for row in rows)
    return AtRateResult(lr, rows[-1]["tuning_at_end"], rows[-1]["test_at_end"], looks, rows[-1]["seconds"])


def _on_device(p: Training, device: str) -> Training:
    return replace(p, device=device, **(FAST if device == "cuda" else {}))


@functools.cache  # all cells of a curve ask for it
def piloted(p: Training, schedule: str) -> float:
    """The rate about which a curve is measured, as `shadow_at_rate.piloted` finds it."""

    def error(octaves: int) -> float:
        asked = replace(p, lr=FIRST[p.inputs] * 2.0**octaves, snapshots=())
        return float(np.mean([list(followed(asked, schedule, Judged(len(p.seeds), False)))[-1]["tuning_at_end"]]))

    return float(FIRST[p.inputs] * 2 ** (SPACING * round(middle(error) / SPACING)))


def followed(p: Training, schedule: str, probe: Judged) -> Iterator[Row]:
    """Train with a rate that hangs on the step, and look after each of p.snapshots."""
    with one_thread(), told_when_out_of_memory(p), products_in(p):
        stack, clock = DeviceStack(p), Clock(p.device)
        rate = torch.zeros((), device=p.device)
        stack.p = with_rate(p, rate)
        step, look = CapturedStep(stack, step_of(p)[0](stack)), probe(stack)
        for until in p.looked_at:
            while stack.step < until:
                rate.fill_(rate_at(p.lr, stack.step / p.steps, schedule))
                # Else a recording finds nodes of an earlier step's graph, which wait for the stream of that step.
                stack.losses = stack.losses.detach()
                step.prepare()
                with clock.running():
                    stack.batches.turn_to(stack.step)
                    step.train()
                stack.step += 1
            yield {"step": stack.step, **look(), "seconds": clock.read()}


def with_rate(p: Training, rate: Tensor) -> Training:
    """The same with a learning rate that lies on the device: a step recorded as a graph reads it at each replay."""
    told = copy.copy(p)
    object.__setattr__(told, "lr", rate)
    return told


class DeviceStack(Stack):
    """A stack whose first weights are drawn on the device, and whose images are read once for all."""

    def __init__(self, p: Training) -> None:
        check_device(p.device)
        self.p = p
        self.step = 0
        self.images = shown(p.data, p.inputs, p.held_out, p.device)
        first = self.generators(ORDER)
        self.values = self._drawn(first)
        self.speeds = [torch.zeros_like(value) for value in self.values]
        self.batches = Batches(self._own_images(), p.batch, first)
        self.noise = self.generators(NOISE)
        self.losses = torch.zeros(len(p.seeds), device=p.device)

    def _drawn(self, generators: list[torch.Generator]) -> list[Tensor]:
        """Gaussian weights of variance 2 / in, (S, in, out), one matrix of one net at a time; then zero biases."""
        widths = (self.images.pixels.shape[1], *self.p.hidden, self.images.classes)
        sizes, nets = list(itertools.pairwise(widths)), len(generators)
        weights = [torch.empty(nets, width, out, device=self.p.device) for width, out in sizes]
        for net, generator in enumerate(generators):
            for W, (width, out) in zip(weights, sizes, strict=True):
                drawn = torch.randn(out, width, generator=generator, device=self.p.device)
                W[net] = drawn.T * (2 / width) ** 0.5
        biases = [torch.zeros(nets, out, device=self.p.device) for _, out in sizes]
        return [value.requires_grad_() for value in (*weights, *biases)]


@functools.cache
def shown(data: str, inputs: str, held_out: int, device: str) -> Shown:
    """The images of all runs on one set."""
    asked = Training(data=data, inputs=inputs, held_out=held_out, judge="held out", hidden=(1,), steps=1, lr=1.0,
                     batch=1, seeds=(0,), device=device)  # fmt: skip
    return Shown.of(asked)


# --- what is read off -------------------------------------------------------------------------------------------------


def gpu_measures(pairs: Sequence[tuple[AtRate, Any]]) -> dict[str, Estimate]:
    """Those of `shadow_curves`, of whole curves."""
    whole = whole_curves(pairs)
    return curve_measures(whole) if whole else {}


def whole_curves(pairs: Sequence[tuple[AtRate, Any]]) -> list[tuple[AtRate, Any]]:
    """Without those of which a cell was left out, and without regimes that then have no curve of backprop."""
    cut = {(cell.regime, cell.method) for cell, result in pairs if isinstance(result, Absent)}
    return [(cell, result) for cell, result in pairs
            if not {(cell.regime, cell.method), (cell.regime, "backprop")} & cut]  # fmt: skip


EXPERIMENTS = {
    "shadow-gpu": Experiment(
        gpu_cells, at_rate_on_device, gpu_measures, chosen, label=labels.curves, timed=("time_ratio",)
    )
}
