"""The nets of this paper: dense ones by the house's loop with Glorot's first weights, and LeNet5 by Adadelta.

The loop of `training` trains stacks of dense nets by SGD with momentum from weights of variance 2 / in. Here the first
weights are uniform with variance 2 / (in + out), as Keras's default has them (Glorot and Bengio 2010), so its stack is
given others; all else is the house's. LeNet5 has convolutions and Adadelta, of which the loop knows neither: it has a
small loop of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from reversible import data
from reversible.base.runtime import one_thread, trial_generator
from reversible.papers.martin2019 import laws
from reversible.training.config import Training
from reversible.training.hooks import Probe, as_it_is
from reversible.training.run import CapturedStep, Clock, Run
from reversible.training.stack import Stack


class GlorotStack(Stack):
    """Dense nets whose first weights are uniform with variance 2 / (in + out)."""

    def _first_values(self, generators: list[torch.Generator]) -> list[Tensor]:
        values = super()._first_values(generators)
        layers = len(self.p.hidden) + 1
        with torch.no_grad():
            for W in values[:layers]:  # (S, in, out)
                for one, generator in zip(W, generators, strict=True):
                    one.copy_(glorot_uniform(one.shape[0], one.shape[1], generator))
        return values


def glorot_uniform(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Uniform on an interval around zero, with variance 2 / (rows + columns)."""
    end = math.sqrt(3) * laws.glorot(rows, columns)
    return (2 * torch.rand(rows, columns, generator=generator) - 1) * end


class GlorotRun(Run):
    """The same loop on such a stack."""

    def __init__(self, p: Training, probes: tuple[Probe, ...]) -> None:
        self.p, self.stack = p, GlorotStack(p)
        self.steps, self.probes = {0: as_it_is}, probes
        self.clock, self.rows = Clock(p.device), []
        self.phases = {0: CapturedStep(self.stack, as_it_is(self.stack))}
        self.looks = [probe(self.stack) for probe in probes]


# --- LeNet5 -----------------------------------------------------------------------------------------------------------

RATE, RHO, EPS = 1.0, 0.95, 1e-7  # of Adadelta, as Keras had them [recalled]
TAPS, CHANNELS, HIDDEN = 5, (20, 50), 500


@dataclass(frozen=True)
class LeNetRun:
    """How a LeNet5 is trained."""

    data: str  # images of one channel
    images: int  # to train on, drawn by the seed
    epochs: int
    batch: int
    hidden: int
    frozen: bool  # whether the first dense layer stays as it was drawn
    seed: int


class LeNet5(nn.Module):
    """Two convolutions of 5 x 5 with pooling, and two dense layers; 2450 - 500 - 10 for images of 28 x 28."""

    def __init__(self, side: int, hidden: int, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        first, second = CHANNELS
        self.conv1 = nn.Conv2d(1, first, TAPS, padding=TAPS // 2)
        self.conv2 = nn.Conv2d(first, second, TAPS, padding=TAPS // 2)
        self.fc1 = nn.Linear(second * (side // 4) ** 2, hidden)
        self.fc2 = nn.Linear(hidden, classes)
        for layer in (self.conv1, self.conv2, self.fc1, self.fc2):
            _as_keras(layer, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, 1, side, side)."""
        x = functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


@torch.no_grad()
def _as_keras(layer: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    """Glorot's weights; a convolution counts its taps on both sides. Biases of zero."""
    out, fan_in = layer.weight.shape[0], layer.weight[0].numel()
    taps = fan_in // layer.weight.shape[1]
    end = math.sqrt(3) * laws.glorot(out * taps, fan_in)
    layer.weight.copy_((2 * torch.rand(layer.weight.shape, generator=generator) - 1) * end)
    assert layer.bias is not None
    layer.bias.zero_()


def follow(p: LeNetRun) -> Iterator[tuple[int, Tensor, float]]:
    """Train; before the first epoch and after each its number, FC1 as it is (out, in) and the share right in testing.

    Raises `data.NotAtHand`.
    """
    train, test = data.load(p.data, train=True), data.load(p.data, train=False)
    generator = trial_generator(p.seed, 0)
    kept = torch.randperm(len(train.labels), generator=generator)[: p.images]
    x, labels = _as_images(train)[kept], train.labels[kept]
    net = LeNet5(train.side, p.hidden, train.classes, generator)
    net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    net.fc1.requires_grad_(not p.frozen)
    values = [value for value in net.parameters() if value.requires_grad]
    descend = Adadelta(values)
    for epoch in range(p.epochs + 1):
        with one_thread():
            if epoch:
                _pass(net, descend, x, labels, p.batch, generator)
            right = _right(net, _as_images(test), test.labels)
        yield epoch, net.fc1.weight.detach().clone(), right


class Adadelta:
    """Zeiler (2012), as torch.optim has it, whose import takes seconds: it brings a compiler."""

    def __init__(self, values: Sequence[Tensor]) -> None:
        self.values = values
        self.squares = [torch.zeros_like(value) for value in values]  # running means of squared gradients
        self.steps = [torch.zeros_like(value) for value in values]  # and of squared steps

    def __call__(self, loss: Tensor) -> None:
        """One step down."""
        slopes = torch.autograd.grad(loss, self.values)
        with torch.no_grad():
            for value, slope, square, step in zip(self.values, slopes, self.squares, self.steps, strict=True):
                square.mul_(RHO).addcmul_(slope, slope, value=1 - RHO)
                change = (step + EPS).sqrt_().div_((square + EPS).sqrt_()).mul_(slope)
                step.mul_(RHO).addcmul_(change, change, value=1 - RHO)
                value.sub_(change, alpha=RATE)


def _as_images(images: data.Images) -> Tensor:
    return images.scaled().view(-1, 1, images.side, images.side).contiguous(memory_format=torch.channels_last)


def _pass(net: nn.Module, descend: Adadelta, x: Tensor, labels: Tensor, batch: int, order: torch.Generator) -> None:
    for index in torch.randperm(len(x), generator=order).split(batch):
        descend(functional.cross_entropy(net(x[index]), labels[index]))


@torch.no_grad()
def _right(net: nn.Module, x: Tensor, labels: Tensor) -> float:
    found = torch.cat([net(part).argmax(1) for part in x.split(500)])
    return float((found == labels).double().mean())
