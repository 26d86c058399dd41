"""Train a small net by plain backprop, and look at it on the way: one seed, one CPU thread, the same to the bit.

The first weights are Gaussian, W_ij ~ N(0, 2 / in) (He et al. 2015), and the biases zero: at step 0 the net is exactly
the random-like net of the theory. Loss: cross entropy. Method: SGD with momentum, the learning rate constant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.checks import InputError, integer, one_of, positive
from reversible.data import NAMES, Images, load
from reversible.reversal import Net
from reversible.simulate import one_thread, trial_generator

MOMENTUM = 0.9


@dataclass(frozen=True, kw_only=True)
class Training:
    """Parameters of one training run."""

    data: str  # "digits" or "mnist"
    widths: tuple[int, ...]  # of the images, the hidden layers, the classes
    steps: int  # batches in all
    snapshots: tuple[int, ...] = ()  # steps after which the net is looked at; () means the last alone
    lr: float
    batch: int
    seed: int

    def __post_init__(self) -> None:
        one_of("data", self.data, NAMES)
        for width in self.widths:
            integer("widths", width)
        if len(self.widths) < 3:
            raise InputError(f"widths must be 3 numbers or more, image first, classes last, not {self.widths}")
        steps = integer("steps", self.steps)
        integer("seed", self.seed, low=0, high=2**53)
        integer("batch", self.batch)
        positive("lr", self.lr)
        looked = [integer("snapshots", step, low=0, high=steps) for step in self.snapshots]
        if looked != sorted(set(looked)):
            raise InputError(f"snapshots must be rising steps from 0 to {steps}, not {self.snapshots}")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The net after `step` batches."""

    step: int
    net: Net
    test_error: float  # share of all test images it gets wrong


def initial(widths: tuple[int, ...], generator: torch.Generator) -> Net:
    """Gaussian weights of variance 2 / in, zero biases."""
    sizes = list(zip(widths[1:], widths[:-1], strict=True))
    weights = tuple(torch.randn(size, generator=generator) * math.sqrt(2 / size[1]) for size in sizes)
    return Net(weights, tuple(torch.zeros(size[0]) for size in sizes))


def train(p: Training) -> Iterator[Snapshot]:
    """Train, and give the net at each of p.snapshots. Deterministic in p.

    Raises InputError where the widths do not fit the data, and where the loss is no longer finite; `data.NotAtHand`.
    """
    images, test = load(p.data, train=True), load(p.data, train=False)
    ends = (images.pixels.shape[1], images.classes)
    if (p.widths[0], p.widths[-1]) != ends:
        raise InputError(f"widths must begin with {ends[0]} and end with {ends[1]} for {p.data}, not {p.widths}")
    generator = trial_generator(p.seed, 0)
    net = initial(p.widths, generator)
    values = [value.requires_grad_() for value in (*net.weights, *net.biases)]
    speeds = [torch.zeros_like(value) for value in values]
    batches = shuffled(len(images.labels), p.batch, generator)
    for step in range(p.steps + 1):
        if step in (p.snapshots or (p.steps,)):
            yield _snapshot(step, net, test)
        if step < p.steps:
            with one_thread():
                batch = images.take(next(batches))
                loss = functional.cross_entropy(net.logits(batch.scaled()), batch.labels)
                if not torch.isfinite(loss):
                    raise InputError(
                        f"lr must be small enough for a finite loss, not {p.lr}: {loss:.3g} at step {step}"
                    )
                _descend(values, speeds, torch.autograd.grad(loss, values), p.lr)


@torch.no_grad()
def _descend(values: list[Tensor], speeds: list[Tensor], slopes: Sequence[Tensor], lr: float) -> None:
    """SGD with momentum, in place; torch.optim does the same sums after seconds of importing a compiler."""
    for value, speed, slope in zip(values, speeds, slopes, strict=True):
        value -= lr * speed.mul_(MOMENTUM).add_(slope)


def shuffled(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Places of batches without end: each pass goes once through all, in new order; a short rest is left out."""
    if batch > count:
        raise InputError(f"batch must be an integer from 1 to {count}, the images there are, not {batch}")
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count - count % batch].split(batch)


def _snapshot(step: int, net: Net, test: Images) -> Snapshot:
    kept = Net(*(tuple(value.detach().clone() for value in values) for values in (net.weights, net.biases)))
    with one_thread():
        wrong = kept.logits(test.scaled()).argmax(-1) != test.labels
    return Snapshot(step, kept, float(wrong.double().mean()))
