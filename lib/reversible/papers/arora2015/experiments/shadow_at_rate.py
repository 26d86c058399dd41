"""One method at one learning rate, all seeds side by side: the pilot that finds the rates, the schedule, the judges."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible.data import Images, NotAtHand, load
from reversible.nets.net import Net
from reversible.papers.arora2015.smooth import SPACING
from reversible.runs.experiment import Absent
from reversible.training.config import JUDGED, Training
from reversible.training.hooks import Becomes, Look, Step, generation_of, step_of
from reversible.training.run import Row, Run
from reversible.training.stack import LOOK, Stack
from reversible.training.synthetic import Shadow

QUICK = 500  # images of each kind that nets are shown along training
HIGHER = 1.1  # how many times the lowest error a pilot's ends must have
FIRST = {"unit": 0.1, "standard": 0.02}  # where a pilot begins, by Training.inputs


@dataclass(frozen=True, kw_only=True)
class AtRate:
    """One method in one regime at one learning rate, all seeds side by side."""

    regime: str
    method: str
    offset: int  # of the rate from the pilot's, in half factors of two
    training: Training  # all its seeds, the tuning ones first
    tuning: int  # how many of them tune
    pilot: Training  # seeds of its own, of this method or of the one whose rate it takes
    schedule: str = "cosine"  # or "constant"
    radius: float = 1.0  # how far noise goes, of the way to the synthetic image
    synthetic: bool = False  # whether synthetic images of the test images are read along training
    device: str = "cpu"


@dataclass(frozen=True)
class Rate:
    """The learning rate of a recorded row."""

    lr: float


@dataclass(frozen=True)
class Looked:
    """Shares of QUICK images that nets get wrong after a step."""

    step: int
    tuning: tuple[float, ...]  # tuning seeds, held-out images
    test: tuple[float, ...]  # test seeds, test images
    held_out: tuple[float, ...]  # test seeds, held-out images
    synthetic: tuple[float, ...]  # test seeds, synthetic images of the test images; empty where they are not looked at


@dataclass(frozen=True)
class AtRateResult:
    lr: float
    tuning: tuple[float, ...]  # errors at the end, tuning seeds on all held-out images
    test: tuple[float, ...]  # and test seeds on every second test image
    looks: tuple[Looked, ...]
    seconds: float = field(compare=False)  # of training


def chosen(row: dict[str, Any]) -> Rate | None:
    """The rate of a recorded row."""
    return Rate(row["lr"]) if "lr" in row else None


def at_rate(p: AtRate, rate: Rate | None = None) -> AtRateResult | Absent:
    """Train all seeds at the cell's rate, or at the one that a record has.

    A seed whose training fails counts with the error it then has. Deterministic in p but for the seconds.
    """
    try:
        pilot = replace(p.pilot, device=p.device)
        lr = rate.lr if rate else piloted(pilot, p.schedule) * 2 ** (p.offset * SPACING)
        run = Run(replace(p.training, lr=lr, device=p.device), _step(p), (Judged(p.tuning, p.synthetic),))
    except NotAtHand as missing:
        return Absent(str(missing))
    rows = list(scheduled(run, p.schedule))
    looks = tuple(Looked(row["step"], row["tuning"], row["test"], row["held_out"], row["synthetic"]) for row in rows)
    return AtRateResult(lr, rows[-1]["tuning_at_end"], rows[-1]["test_at_end"], looks, rows[-1]["seconds"])


def scheduled(run: Run, schedule: str) -> Iterator[Row]:
    """Train with a rate that hangs on the step, and look after each of p.snapshots."""
    p = run.p
    for look in p.looked_at:
        while run.step < look:
            run.stack.p = replace(p, lr=rate_at(p.lr, run.step / p.steps, schedule))
            run.advance(run.step + 1)
        yield run.look()


def rate_at(lr: float, share: float, schedule: str) -> float:
    """The learning rate after a share of the steps.

    >>> rate_at(0.5, 0.5, "cosine").__round__(9), rate_at(0.5, 0.9, "constant")
    (0.25, 0.5)
    """
    return lr if schedule == "constant" else lr * (1 + math.cos(math.pi * share)) / 2


@functools.cache  # all cells of a curve ask for it
def piloted(p: Training, schedule: str) -> float:
    """The rate about which a curve is measured: FIRST times a power of sqrt(2), near the middle of its basin."""
    first = FIRST[p.inputs]

    def error(octaves: int) -> float:
        run = Run(replace(p, lr=first * 2.0**octaves, snapshots=()), None, (Judged(len(p.seeds), False),))
        return float(np.mean([list(scheduled(run, schedule))[-1]["tuning_at_end"]]))

    return float(first * 2 ** (SPACING * round(middle(error) / SPACING)))


def middle(error: Callable[[int], float], most: int = 10) -> float:
    """The middle of where an error is within HIGHER of its lowest.

    Whole numbers are tried from -1, 0, 1 on, upwards and then downwards, until those at both ends have an error beyond
    that. Where the error crosses it is read off linearly.

    >>> middle(lambda k: 1 + 0.1 * abs(k - 4))
    4.0
    """
    errors = {k: error(k) for k in (-1, 0, 1)}
    while (further := _further(errors, most)) is not None:
        errors[further] = error(further)
    limit = HIGHER * min(errors.values())
    inside = [k for k, value in errors.items() if value <= limit]
    return (_crossing(errors, min(inside), -1, limit) + _crossing(errors, max(inside), 1, limit)) / 2


def _further(errors: dict[int, float], most: int) -> int | None:
    """The next number to try; None where both ends are beyond the limit, or as far out as is allowed."""
    limit, low, high = HIGHER * min(errors.values()), min(errors), max(errors)
    if errors[high] <= limit and high < most:
        return high + 1
    return low - 1 if errors[low] <= limit and low > -most else None


def _crossing(errors: dict[int, float], last: int, side: int, limit: float) -> float:
    """Where the error goes beyond the limit, between the last number inside and the next one on that side."""
    here, there = errors[last], errors.get(last + side)
    return last if there is None else last + side * (limit - here) / (there - here)


def _step(p: AtRate) -> Step | dict[int, Step]:
    if p.training.shadow is None or p.radius == 1:
        return step_of(p.training)
    return Further(p.training.shadow, p.radius)


@dataclass(frozen=True)
class Further:
    """On top of a batch a copy of each image, on the way to its synthetic one, or beyond it, by `radius`."""

    shadow: Shadow
    radius: float

    def __call__(self, stack: Stack) -> Becomes:
        generation = generation_of(stack, self.shadow)

        def becomes(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            made = generation(stack.net, x, stack.noise).to(x.dtype)  # (S, B, n)
            return torch.cat([x, x + self.radius * (made - x)], 1), torch.cat([labels, labels], 1)

        return becomes


@dataclass(frozen=True)
class Judged:
    """A probe: tuning seeds on held-out images, the others on test images; at the end on more of them."""

    tuning: int  # how many seeds, the first ones, tune
    synthetic: bool

    def __call__(self, stack: Stack) -> Look:
        held_out, test = judging(stack.p.data, stack.p.held_out)
        few_held_out, few_test = held_out.take(slice(QUICK)), test.take(slice(QUICK))

        @torch.no_grad()
        def look() -> dict[str, Any]:
            tune, count = _some(stack.net, slice(self.tuning)), _some(stack.net, slice(self.tuning, None))
            end = stack.step == stack.p.steps
            return {
                "tuning": wrong(stack, tune, few_held_out),
                "test": wrong(stack, count, few_test),
                "held_out": wrong(stack, count, few_held_out),
                "synthetic": self._synthetic(stack, count, few_test) if self.synthetic else (),
                "tuning_at_end": wrong(stack, tune, held_out) if end else (),
                "test_at_end": wrong(stack, count, test) if end else (),
            }

        return look

    def _synthetic(self, stack: Stack, net: Net, images: Images) -> tuple[float, ...]:
        shadow = stack.p.shadow or Shadow(source=min(2, len(stack.p.hidden)))
        generation = generation_of(stack, shadow).plain()
        draws = stack.generators(LOOK)[self.tuning :]
        return wrong(stack, net, images, lambda x: generation(net, x, draws))


@functools.cache  # reading them takes longer than a small net's training
def judging(name: str, held_out: int) -> tuple[Images, Images]:
    """The training images that are held out, the last ones, and every second test image."""
    there = load(name, train=True)
    last = slice(len(there.labels) - held_out, None)
    return there.take(last), load(name, train=False).take(slice(None, None, 2))


def _some(net: Net, which: slice) -> Net:
    return Net(tuple(W[which] for W in net.weights), tuple(b[which] for b in net.biases))


def wrong(stack: Stack, net: Net, images: Images, shown: Callable[[Tensor], Tensor] = lambda x: x) -> tuple[float, ...]:
    """The share of images that each net gets wrong, each shown as `shown` makes it."""
    nets, count = len(net.biases[0]), len(images.labels)
    if nets == 0:
        return ()
    total = torch.zeros(nets, dtype=torch.float64, device=stack.p.device)
    for at in range(0, count, JUDGED):
        part = images.take(slice(at, min(at + JUDGED, count)))
        x = stack.images.inputs(part.pixels.to(stack.p.device)).expand(nets, -1, -1)
        total += (net.logits(shown(x)).argmax(-1) != part.labels.to(stack.p.device)).sum(-1)
    return tuple((total / count).tolist())
