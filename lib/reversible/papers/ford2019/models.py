"""The classifiers of this paper: linear models, dense nets by the house's loop, and small nets of convolutions.

The loop of `training` trains stacks of dense nets, with noise or with attacks as what a batch becomes. It knows no
convolutions, which `training.momentum` trains. All nets see pixels from 0 to 1, and points may leave that range, as the
theory needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.runtime import one_thread
from reversible.data import Images
from reversible.nets.boundary import Logits
from reversible.nets.net import Net
from reversible.training.config import Training
from reversible.training.hooks import Becomes, Step, as_it_is
from reversible.training.momentum import descend
from reversible.training.passes import passes
from reversible.training.run import Run
from reversible.training.stack import Stack

# --- linear models ----------------------------------------------------------------------------------------------------

LINEAR_STEPS, LINEAR_RATE, MOMENTUM = 200, 0.05, 0.9


@dataclass(frozen=True, eq=False)
class Linear:
    """Scores W x + b."""

    weight: Tensor  # (classes, n)
    bias: Tensor  # (classes,)

    def __call__(self, x: Tensor) -> Tensor:
        return x @ self.weight.T + self.bias

    def distance(self, x: Tensor, labels: Tensor) -> Tensor:
        """Exactly, to the nearest error: the least margin over the distance of two rows; 0 for an error. (B,)."""
        scores, rows = self(x), torch.arange(len(x))
        apart = torch.cdist(self.weight, self.weight)[labels]  # (B, classes)
        far = (scores[rows, labels][:, None] - scores) / apart.clamp_min(1e-300)
        return far.scatter(1, labels[:, None], math.inf).min(1).values.clamp_min(0.0)


def fitted_linear(x: Tensor, labels: Tensor, classes: int) -> Linear:
    """Softmax regression on all images at once, from zero, by steps with momentum."""
    values = [torch.zeros(classes, x.shape[1], dtype=x.dtype), torch.zeros(classes, dtype=x.dtype)]
    speeds = [torch.zeros_like(value) for value in values]
    target = functional.one_hot(labels, classes).to(x.dtype)
    for _ in range(LINEAR_STEPS):
        off = (torch.softmax(x @ values[0].T + values[1], 1) - target) / len(x)
        for value, speed, slope in zip(values, speeds, (off.T @ x, off.sum(0)), strict=True):
            speed.mul_(MOMENTUM).add_(slope)
            value.sub_(speed, alpha=LINEAR_RATE)
    return Linear(*values)


# --- what a batch becomes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Noisy:
    """A step: each image with noise of its own."""

    sigma: float

    def __call__(self, stack: Stack) -> Becomes:
        def becomes(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            drawn = [torch.randn(x.shape[1:], generator=own, device=x.device) for own in stack.noise]
            return x + self.sigma * torch.stack(drawn), labels

        return becomes


@dataclass(frozen=True)
class Attacked:
    """A step: each image moved by at most `radius` to where its loss is larger (Madry et al. 2018, in l2)."""

    radius: float
    steps: int

    def __call__(self, stack: Stack) -> Becomes:
        def becomes(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            moved = attacked(lambda z: stack.net.logits(z), x, labels, self.radius, self.steps)
            return moved, labels

        return becomes


def attacked(logits: Logits, x: Tensor, labels: Tensor, radius: float, steps: int) -> Tensor:
    """Images (..., B, n) after steps up their losses, each on the ball of `radius` or inside."""
    at = x
    for _ in range(steps):
        at = at.detach().requires_grad_()
        scores = logits(at)
        loss = functional.cross_entropy(scores.flatten(0, -2), labels.flatten(), reduction="sum")
        (slope,) = torch.autograd.grad(loss, at)
        way = at.detach() + 2 * radius / steps * _unit(slope) - x
        at = x + way * (radius / way.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp_max(1.0)
    return at.detach()


def _unit(slope: Tensor) -> Tensor:
    return slope / slope.norm(dim=-1, keepdim=True).clamp_min(1e-12)


# --- dense nets -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trainee:
    """How nets are trained: `noise` on each image, or moved by `radius` against the net, or neither."""

    data: str
    images: int
    epochs: int
    noise: float = 0.0
    radius: float = 0.0
    attack_steps: int = 3

    @property
    def step(self) -> Step:
        """What a batch becomes in a stack."""
        if self.radius:
            return Attacked(self.radius, self.attack_steps)
        return Noisy(self.noise) if self.noise else as_it_is


BATCH, DENSE_RATE = 100, 0.05


def dense_nets(p: Trainee, hidden: tuple[int, ...], seeds: tuple[int, ...], dropout: float = 0.0) -> list[Net]:
    """A net a seed, trained side by side. Raises `data.NotAtHand`."""
    steps = p.epochs * (p.images // BATCH)
    asked = Training(
        data=p.data, hidden=hidden, images=p.images, steps=steps, lr=DENSE_RATE, batch=BATCH, seeds=seeds,
        dropout=dropout,
    )  # fmt: skip
    run = Run(asked, step=p.step, probes=())
    run.advance(steps)
    run.check()
    return run.stack.nets()


# --- nets of convolutions ---------------------------------------------------------------------------------------------

CHANNELS, CONV_RATE, CONV_BATCH = (16, 32), 0.05, 50


@dataclass(frozen=True, eq=False)
class ConvNet:
    """Two convolutions with stride 2, each with a ReLU, and a dense layer."""

    values: list[Tensor]  # filters and biases, and those of the dense layer
    channels: int
    side: int

    @classmethod
    def random(cls, images: Images, generator: torch.Generator) -> ConvNet:
        """Gaussian weights of variance 2 / in, zero biases."""
        first, second = CHANNELS
        end = -(-images.side // 4)
        shapes = [(first, images.channels, 5, 5), (second, first, 3, 3), (images.classes, second * end**2)]
        values = []
        for shape in shapes:
            weight = torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
            values += [weight, torch.zeros(shape[0])]
        return cls(values, images.channels, images.side)

    def logits(self, x: Tensor) -> Tensor:
        """Of images (B, n)."""
        w1, b1, w2, b2, w3, b3 = self.values
        maps = x.view(-1, self.channels, self.side, self.side)
        maps = torch.relu(functional.conv2d(maps, w1, b1, stride=2, padding=2))
        maps = torch.relu(functional.conv2d(maps, w2, b2, stride=2, padding=1))
        return functional.linear(maps.flatten(1), w3, b3)


def conv_net(p: Trainee, images: Images, generator: torch.Generator, rate: float = CONV_RATE) -> ConvNet:
    """A net trained on `p.images` of the images, drawn by the generator; the rate falls from `rate` to nothing."""
    own = images.take(torch.randperm(len(images.labels), generator=generator)[: p.images])
    net, x = ConvNet.random(images, generator), own.scaled()
    for value in net.values:
        value.requires_grad_()

    def loss(batch: Tensor) -> Tensor:
        labels = own.labels[batch]
        return functional.cross_entropy(net.logits(_becomes(p, net, x[batch], labels, generator)), labels)

    with one_thread():
        batches = passes(len(x), CONV_BATCH, p.epochs, generator)
        descend(net.values, loss, batches, p.epochs * (len(x) // CONV_BATCH), rate)
    for value in net.values:
        value.requires_grad_(False)
    return net


def _becomes(p: Trainee, net: ConvNet, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    if p.radius:
        return attacked(net.logits, x, labels, p.radius, p.attack_steps)
    return x + p.noise * torch.randn(x.shape, generator=generator) if p.noise else x
