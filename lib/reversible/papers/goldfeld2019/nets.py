"""Small nets with noise in every hidden layer, many seeds side by side, and the binary inputs they are trained on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError, one_of
from reversible.base.runtime import trial_generator

BITS = 12
SHAPES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}
FIRST, ORDER, NOISE, TASK, LOOK = range(5)  # a net's streams of random numbers
RATE, BATCH, MOMENTUM = 0.05, 128, 0.9


def inputs(bits: int = BITS) -> Tensor:
    """All binary inputs, (2^bits, bits), with entries -1 and 1."""
    rows = torch.tensor([*itertools.product((-1.0, 1.0), repeat=bits)], dtype=torch.float64)
    return rows


def task(x: Tensor, generator: torch.Generator) -> Tensor:
    """Labels 0 and 1, half of each: whether a random quadratic form of the input is above its median."""
    n = x.shape[1]
    form = torch.randn(n, n, generator=generator, dtype=torch.float64) / math.sqrt(n)
    slope = torch.randn(n, generator=generator, dtype=torch.float64)
    value = torch.einsum("bi,ij,bj->b", x, form, x) + x @ slope
    return (value > value.median()).long()


def random_task(x: Tensor, generator: torch.Generator) -> Tensor:
    """Labels 0 and 1, half of each, dealt out at random."""
    return (torch.arange(len(x)) % 2)[torch.randperm(len(x), generator=generator)]


@dataclass(frozen=True, eq=False)
class Nets:
    """S nets: weights (S, in, out) and biases (S, 1, out), the layer next to the input first; the last is read out."""

    shape: str
    sigma: float  # of the noise that is added to each hidden layer
    weights: list[Tensor]
    biases: list[Tensor]

    @classmethod
    def of(cls, shape: str, sigma: float, widths: Sequence[int], generators: list[torch.Generator]) -> Nets:
        """Gaussian weights with variance one over the inputs of a layer (two for ReLUs), biases of zero."""
        one_of("shape", shape, SHAPES)
        gain = 2.0 if shape == "relu" else 1.0
        sizes = [*itertools.pairwise(widths)]
        drawn = [
            [torch.randn(n, m, generator=g, dtype=torch.float64) * math.sqrt(gain / n) for n, m in sizes]
            for g in generators
        ]
        weights = [torch.stack(same).requires_grad_() for same in zip(*drawn, strict=True)]
        biases = [torch.zeros(len(generators), 1, m, dtype=torch.float64, requires_grad=True) for _, m in sizes]
        return cls(shape, sigma, weights, biases)

    @property
    def values(self) -> list[Tensor]:
        return [*self.weights, *self.biases]

    def layers(self, x: Tensor, noise: Callable[[Tensor], Tensor] | None) -> list[Tensor]:
        """What each hidden layer holds before its own noise, (S, B, width) each, and the scores (S, B, classes).

        `noise` gives what is added to a hidden layer like the one it is given; None: nothing is.
        """
        found = []
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for W, b in hidden:
            clean = SHAPES[self.shape](torch.matmul(x, W) + b)
            found.append(clean)
            x = clean if noise is None else clean + self.sigma * noise(clean)
        return [*found, torch.matmul(x, last[0]) + last[1]]

    def far_from_orthonormal(self) -> Tensor:
        """Sum over hidden layers of the squared entries of W'W - 1, or of WW' - 1 where that is smaller: (S,)."""
        total = torch.zeros(len(self.weights[0]), dtype=torch.float64)
        for W in self.weights[:-1]:
            wide = W if W.shape[1] >= W.shape[2] else W.mT
            gram = wide.mT @ wide
            total = total + (gram - torch.eye(gram.shape[-1], dtype=torch.float64)).square().sum((1, 2))
        return total


def noise_from(generators: list[torch.Generator]) -> Callable[[Tensor], Tensor]:
    """Standard normal numbers like a layer (S, B, width), each net's from its own stream."""
    return lambda like: torch.stack(
        [torch.randn(like.shape[1:], generator=g, dtype=torch.float64) for g in generators]
    )


def streams(seed: int, count: int, stream: int) -> list[torch.Generator]:
    """A stream for each of so many nets."""
    return [trial_generator(seed, 10 * net + stream) for net in range(count)]


class Trainer:
    """Nets on their way: gradient steps with momentum on the mean cross entropy of what is read out, under noise."""

    def __init__(self, nets: Nets, x: Tensor, labels: Tensor, seed: int, orthonormal: float = 0.0) -> None:
        """`x` (S, N, n) and `labels` (S, N) are each net's own; `orthonormal` weighs that penalty."""
        self.nets, self.x, self.labels, self.orthonormal = nets, x, labels, orthonormal
        count = len(x)
        if x.shape[1] < BATCH:
            raise InputError(f"inputs must be at least {BATCH}, a batch, not {x.shape[1]}")
        self.order, self.noise = streams(seed, count, ORDER), noise_from(streams(seed, count, NOISE))
        self.speeds = [torch.zeros_like(value) for value in nets.values]

    def epoch(self) -> None:
        """Once through all inputs, in new order; a rest short of a batch is left out."""
        count = self.x.shape[1]
        places = torch.stack([torch.randperm(count, generator=g) for g in self.order])
        for at in range(0, count - BATCH + 1, BATCH):
            self._step(places[:, at : at + BATCH])

    def _step(self, index: Tensor) -> None:
        labels = self.labels.gather(1, index)
        x = torch.stack([mine[places] for mine, places in zip(self.x, index, strict=True)])
        scores = self.nets.layers(x, self.noise)[-1]
        loss = functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum") / index.shape[1]
        if self.orthonormal:
            loss = loss + self.orthonormal * self.nets.far_from_orthonormal().sum()
        slopes = torch.autograd.grad(loss, self.nets.values)
        with torch.no_grad():
            for value, slope, speed in zip(self.nets.values, slopes, self.speeds, strict=True):
                speed.mul_(MOMENTUM).add_(slope)
                value.sub_(speed, alpha=RATE)
