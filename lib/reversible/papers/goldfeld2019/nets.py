"""Small nets with noise in every hidden layer, many seeds side by side, and the binary inputs they are trained on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError, one_of
from reversible.base.runtime import trial_generator

BITS = 12
SHAPES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}
FIRST, ORDER, TASK, SPLIT = range(4)  # a net's streams of random numbers; and of all nets together
NOISE = 10**9
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

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(W.shape[2] for W in self.weights[:-1])

    def layers(self, x: Tensor, noise: Tensor | None = None) -> list[Tensor]:
        """What each hidden layer holds before its own noise, (S, B, width) each, and the scores (S, B, classes).

        `noise` (S, B, sum of widths) is standard normal and has what is added to each hidden layer; None: nothing is.
        """
        found, parts = [], None if noise is None else noise.split(self.hidden, -1)
        *below, last = zip(self.weights, self.biases, strict=True)
        for number, (W, b) in enumerate(below):
            found.append(SHAPES[self.shape](torch.baddbmm(b, x.expand(len(W), -1, -1), W)))
            x = found[-1] if parts is None else found[-1] + self.sigma * parts[number]
        return [*found, torch.baddbmm(last[1], x.expand(len(last[0]), -1, -1), last[0])]

    def one(self, net: int) -> Nets:
        """One of them, as a stack of one."""
        return replace(
            self, weights=[W[net : net + 1] for W in self.weights], biases=[b[net : net + 1] for b in self.biases]
        )

    def far_from_orthonormal(self) -> Tensor:
        """Sum over hidden layers of the squared entries of W'W - 1, or of WW' - 1 where that is smaller: (S,)."""
        total = torch.zeros(len(self.weights[0]), dtype=torch.float64)
        for W in self.weights[:-1]:
            wide = W if W.shape[1] >= W.shape[2] else W.mT
            gram = wide.mT @ wide
            total = total + (gram - torch.eye(gram.shape[-1], dtype=torch.float64)).square().sum((1, 2))
        return total


def streams(seed: int, count: int, stream: int) -> list[torch.Generator]:
    """A stream for each of so many nets."""
    return [trial_generator(seed, 10 * net + stream) for net in range(count)]


class Trainer:
    """Nets on their way: gradient steps with momentum on the mean cross entropy of what is read out, under noise."""

    def __init__(self, nets: Nets, x: Tensor, labels: Tensor, own: Tensor, seed: int, orthonormal: float = 0.0) -> None:
        """Inputs `x` (N, n), each net's labels of them (S, N), and which of them it is trained on, `own` (S, M).

        `orthonormal` weighs that penalty. Raises InputError where M is less than a batch.
        """
        self.nets, self.x, self.labels, self.own, self.orthonormal = nets, x, labels, own, orthonormal
        if own.shape[1] < BATCH:
            raise InputError(f"inputs must be at least {BATCH}, a batch, not {own.shape[1]}")
        self.order, self.noise = streams(seed, len(own), ORDER), trial_generator(seed, NOISE)
        self.speeds = [torch.zeros_like(value) for value in nets.values]

    def epoch(self) -> None:
        """Once through all inputs, in new order; a rest short of a batch is left out."""
        count = self.own.shape[1]
        order = torch.stack([torch.randperm(count, generator=g) for g in self.order])
        for at in range(0, count - BATCH + 1, BATCH):
            self._step(self.own.gather(1, order[:, at : at + BATCH]))

    def _step(self, index: Tensor) -> None:
        noise = None
        if self.nets.sigma:
            noise = torch.randn(*index.shape, sum(self.nets.hidden), generator=self.noise, dtype=torch.float64)
        scores = self.nets.layers(self.x[index], noise)[-1]
        wanted = self.labels.gather(1, index).flatten()
        loss = functional.cross_entropy(scores.flatten(0, 1), wanted, reduction="sum") / index.shape[1]
        if self.orthonormal:
            loss = loss + self.orthonormal * self.nets.far_from_orthonormal().sum()
        slopes = torch.autograd.grad(loss, self.nets.values)
        with torch.no_grad():
            for value, slope, speed in zip(self.nets.values, slopes, self.speeds, strict=True):
                speed.mul_(MOMENTUM).add_(slope)
                value.sub_(speed, alpha=RATE)
