"""Deep nets in training, on the edge and off it, and on the edges of several activations: whole curves of rates.

Every arm is trained at every learning rate of a grid, a factor of two apart, and nothing is chosen on the way. The rate
of an arm is read off afterwards: that with the lowest mean error of the tuning nets on held-out images. What is
reported is the mean test error of the other nets at it. The interval is a bootstrap in which the tuning nets and the
others are drawn anew each time and the rate is chosen anew, so that it holds what the choice adds; arms are paired by
the place of a net, as they share images and their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.hayou2019 import labels
from reversible.papers.hayou2019.nets import ActedRun, Begin
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory.activations import activation
from reversible.theory.edges import edge
from reversible.training.config import Training
from reversible.training.hooks import Look
from reversible.training.stack import Stack

Array = np.ndarray
ARMS = ("relu", "relu_low", "relu_high", "tanh", "tanh_low", "elu", "swish")
BATCH, S_B, DRAWS = 50, 0.2, 4000
LOOKS = 8  # looks along training
JUDGED = 2000  # test images


@dataclass(frozen=True)
class Deep:
    """Nets of an arm at one learning rate, side by side: the first `tuning` of them choose the rate."""

    arm: str
    rate: float
    data: str
    images: int
    held_out: int
    width: int
    depth: int
    steps: int
    tuning: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        one_of("arm", self.arm, ARMS)


@dataclass(frozen=True)
class DeepResult:
    """By look, a number a net."""

    steps: tuple[int, ...]
    test_error: tuple[tuple[float, ...], ...]
    held_out_error: tuple[tuple[float, ...], ...]


def begin_of(arm: str) -> Begin:
    """What the nets of an arm begin with; without a variance that stays the first one is 1."""
    name, _, off = arm.partition("_")
    if name == "relu":
        return Begin("relu", math.sqrt({"": 2.0, "low": 1.5, "high": 2.5}[off]), 0.0, 1.0)
    on = edge(activation(name), S_B)
    return Begin(name, on.s_w * {"": 1.0, "low": 0.8}[off], S_B, on.q)


def both_errors(stack: Stack) -> Look:
    """A probe: shares of test images and of held-out ones that each net gets wrong, whatever its loss."""
    whole = data.load(stack.p.data, train=True)
    held = whole.take(slice(len(whole.labels) - stack.p.held_out, None))
    judged = {
        "test_error": (stack.images.judged[:JUDGED], stack.images.judged_labels[:JUDGED]),
        "held_out_error": (held.pixels, held.labels),
    }

    @torch.no_grad()
    def look() -> Mapping[str, Any]:
        return {name: _wrong(stack, *part) for name, part in judged.items()}

    return look


def _wrong(stack: Stack, pixels: Tensor, labels: Tensor, part: int = 500) -> tuple[float, ...]:
    wrong = torch.zeros(len(stack.p.seeds))
    for at in range(0, len(labels), part):
        x = stack.images.inputs(pixels[at : at + part]).expand(len(wrong), -1, -1)
        logits = stack.net.logits(x)
        wrong += ((logits.argmax(-1) != labels[at : at + part]) | ~logits.isfinite().all(-1)).sum(-1)
    return tuple(float(f"{w:.6g}") for w in (wrong / len(labels)).tolist())


def deep(p: Deep) -> DeepResult | Absent:
    try:
        run = ActedRun(training_of(p), begin_of(p.arm), (both_errors,))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = [*run.follow()]
    return DeepResult(
        tuple(row["step"] for row in rows),
        *(tuple(row[name] for row in rows) for name in ("test_error", "held_out_error")),
    )


def training_of(p: Deep) -> Training:
    looks = tuple(sorted({max(1, round(p.steps * k / LOOKS)) for k in range(1, LOOKS + 1)}))
    return Training(
        data=p.data, hidden=(p.width,) * p.depth, inputs="standard", images=p.images, held_out=p.held_out,
        steps=p.steps, snapshots=(0, *looks), lr=p.rate, batch=BATCH, seeds=p.seeds,
    )  # fmt: skip


def cells(profile: str) -> list[Deep]:
    name, images, held_out, width, depth, steps, tuning, nets = {
        "smoke": ("digits", 200, 100, 12, 4, 8, 2, 4),
        "book": ("digits", 800, 300, 24, 12, 64, 3, 6),
        "full": ("mnist", 5000, 1000, 64, 40, 400, 5, 15),
    }[profile]
    powers = {"smoke": (-8, -6), "book": (-9, -7), "full": (-13, -12, -11, -10, -9, -8, -7, -6, -5)}[profile]
    seeds = tuple(seed_of("hayou-training", f"net {place}") for place in range(nets))
    return [
        Deep(arm, 2.0**power, name, images, held_out, width, depth, steps, tuning, seeds)
        for arm in ARMS
        for power in powers
    ]


# --- measures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """An arm's errors over rates: (rates, tuning nets) of the held-out images, (rates, other nets) of test images."""

    rates: Array
    tuning: Array
    others: Array

    def best(self, tuners: Array) -> Array:
        """The place of the rate with the lowest mean error, for each draw of tuning nets (D, T) -> (D,)."""
        return self.tuning[:, tuners].mean(-1).argmin(0)

    def error(self, tuners: Array, others: Array) -> Array:
        """The mean test error of each draw of nets (D, O) at the rate that its tuning nets choose: (D,)."""
        return self.others[:, others].mean(-1)[self.best(tuners), np.arange(len(others))]


def curve(runs: list[tuple[Deep, DeepResult]], summary: Callable[[Array, tuple[int, ...]], Array]) -> Curve:
    """Of one arm; `summary` makes a number a net of (looks, nets)."""
    runs = sorted(runs, key=lambda run: run[0].rate)
    tuning = [summary(np.array(r.held_out_error), r.steps)[: p.tuning] for p, r in runs]
    others = [summary(np.array(r.test_error), r.steps)[p.tuning :] for p, r in runs]
    return Curve(np.array([p.rate for p, _ in runs]), np.array(tuning), np.array(others))


def at_end(errors: Array, steps: tuple[int, ...]) -> Array:
    """The last look's."""
    return errors[-1]


def along(errors: Array, steps: tuple[int, ...]) -> Array:
    """The mean along training."""
    return np.trapezoid(errors, steps, axis=0) / (steps[-1] - steps[0])


def bootstrapped(statistic: Callable[[Array, Array], Array], tuning: int, others: int) -> Estimate:
    """A statistic of places of tuning nets and of others, and its interval over draws of both."""
    rng = np.random.default_rng(seed_of("hayou-training", "bootstrap"))
    (value,) = statistic(np.arange(tuning)[None], np.arange(others)[None]).tolist()
    draws = statistic(rng.integers(tuning, size=(DRAWS, tuning)), rng.integers(others, size=(DRAWS, others)))
    low, high = np.quantile(draws, (0.025, 0.975)).tolist()
    return Estimate(value, (min(low, value), max(high, value)), others)


def measures(pairs: list[tuple[Deep, DeepResult | Absent]]) -> dict[str, Estimate]:
    runs = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    if not runs:
        return {}
    tuning = runs[0][0].tuning
    others = len(runs[0][0].seeds) - tuning
    found: dict[str, Estimate] = {}
    for prefix, summary in (("", at_end), ("area_", along)):
        curves = {arm: curve([run for run in runs if run[0].arm == arm], summary) for arm in ARMS}
        for arm, own in curves.items():
            name = f"area_{arm}" if prefix else f"error_{arm}"
            found[name] = bootstrapped(own.error, tuning, others)
            if not prefix:
                found[f"log_rate_{arm}"] = bootstrapped(_log_rate(own), tuning, others)
            if arm != "relu":
                found[f"{prefix}above_{arm}"] = bootstrapped(_less(own, curves["relu"]), tuning, others)
        if not prefix:
            found["depth_above"] = bootstrapped(_less(curves["tanh_low"], curves["tanh"]), tuning, others)
    return found


def _log_rate(own: Curve) -> Callable[[Array, Array], Array]:
    return lambda tuners, others: np.log2(own.rates[own.best(tuners)])


def _less(one: Curve, other: Curve) -> Callable[[Array, Array], Array]:
    return lambda tuners, others: one.error(tuners, others) - other.error(tuners, others)


EXPERIMENTS = {"hayou-training": Experiment(cells, deep, measures, label=labels.training)}
