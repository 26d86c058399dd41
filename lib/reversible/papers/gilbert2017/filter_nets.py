"""Nets of one to three layers of filters and a classifier, the filters fixed or trained: what Table 1 is about.

A layer is a convolution, 2 x 2 max pooling, batch normalisation and a ReLU. Pooling and a ReLU may change places, so
that with positive scales this is (convolution, normalisation, ReLU, pooling) with the moments of what pooling leaves,
which costs a quarter. The classifier reads the mean of each map on a grid, brought to mean 0 and deviation 1, and is
one linear layer. With fixed filters nothing but the classifier changes, so that what it reads is computed once.

Why not the loop of `training`: its stacks are dense nets, many side by side at a constant rate, and see images alone. A
net that normalises is one function while it is trained and another one when it is tested, and here a rate falls to
nothing and a classifier is trained on what fixed filters made: each would be a case of its own there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

TAPS = (5, 3, 3)  # along each axis of the filters, the layer next to the image first
MOMENTUM, DECAY = 0.9, 5e-4
CHUNK = 500  # images that go up together
WARM = 0.2  # the share of the steps in which the rate rises
EPS = 1e-5
MOMENTS = 2000  # training images that the moments are taken of
Moments = tuple[Tensor, Tensor]  # mean and variance of each channel


@dataclass(frozen=True, eq=False)
class FilterNet:
    """The layers; `moments` are those of training images, by which a net that is tested normalises."""

    filters: tuple[Tensor, ...]  # (K, M, l, l) each
    scales: tuple[Tensor, ...]  # (K,)
    shifts: tuple[Tensor, ...]
    moments: tuple[Moments, ...] = ()
    relu: bool = True

    @classmethod
    def random(cls, channels: int, K: int, depth: int, generator: torch.Generator, relu: bool = True) -> FilterNet:
        """Gaussian filters, entries of variance 2 / (M l^2), and normalisation alone."""
        shapes = [(K, channels if layer == 0 else K, taps, taps) for layer, taps in enumerate(TAPS[:depth])]
        filters = [torch.randn(s, generator=generator) * math.sqrt(2 / math.prod(s[1:])) for s in shapes]
        laid_out = tuple(w.contiguous(memory_format=torch.channels_last) for w in filters)
        return cls(laid_out, tuple(torch.ones(K) for _ in shapes), tuple(torch.zeros(K) for _ in shapes), relu=relu)

    @property
    def depth(self) -> int:
        return len(self.filters)

    def first(self, depth: int) -> FilterNet:
        """Its first layers."""
        return replace(self, filters=self.filters[:depth], scales=self.scales[:depth], shifts=self.shifts[:depth],
                       moments=self.moments[:depth])  # fmt: skip

    def layer(self, place: int, x: Tensor) -> Tensor:
        """One layer: (B, M, D, D) -> (B, K, D/2, D/2); normalised by the batch where there are no moments."""
        pooled = self.pooled(place, x)
        mean, variance = self.moments[place] if self.moments else (None, None)
        normal = functional.batch_norm(
            pooled, mean, variance, self.scales[place], self.shifts[place], training=mean is None, eps=EPS
        )
        return torch.relu(normal) if self.relu else normal

    def pooled(self, place: int, x: Tensor) -> Tensor:
        """A layer before it is normalised."""
        filters = self.filters[place]
        return functional.max_pool2d(functional.conv2d(x, filters, padding=filters.shape[-1] // 2), 2)

    def levels(self, x: Tensor) -> list[Tensor]:
        """The image and what each layer makes of it."""
        found = [x]
        for place in range(self.depth):
            found.append(self.layer(place, found[-1]))
        return found

    def with_moments(self, x: Tensor) -> FilterNet:
        """The net with the moments that each channel has over the images x, layer after layer."""
        known: list[Moments] = []
        for place in range(self.depth):
            pooled = self.pooled(place, x)
            known.append((pooled.mean((0, 2, 3)), pooled.var((0, 2, 3), correction=0)))
            x = replace(self, moments=tuple(known)).layer(place, x)
        return replace(self, moments=tuple(known))


def read(code: Tensor, grid: int) -> Tensor:
    """What a classifier reads of maps (B, K, D, D): their means on a grid, or of smaller maps all entries."""
    cells = min(grid, code.shape[-1])
    return functional.adaptive_avg_pool2d(code, cells).flatten(1)


def readings(net: FilterNet, x: Tensor, grid: int) -> list[Tensor]:
    """What a classifier reads of each layer of images, a chunk at a time, without the image itself."""
    parts = [[read(code, grid) for code in net.levels(chunk)[1:]] for chunk in x.split(CHUNK)]
    return [torch.cat(level) for level in zip(*parts, strict=True)]


@dataclass(frozen=True, eq=False)
class Standard:
    """Columns brought to mean 0 and deviation 1 by the moments of training images."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, columns: Tensor) -> Standard:
        return cls(columns.mean(0), (columns.var(0, correction=0) + EPS).sqrt())

    def __call__(self, columns: Tensor) -> Tensor:
        return (columns - self.mean) / self.deviation


# --- training ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule:
    """Passes through the images in batches; the order is the same for all nets of a seed."""

    epochs: int
    batch: int
    rate: float  # the largest


Forward = Callable[[Tensor], Tensor]  # what a batch of inputs is to the net in training -> logits


def follow(
    values: Sequence[Tensor], forward: Forward, x: Tensor, labels: Tensor, schedule: Schedule, order: torch.Generator
) -> None:
    """Train `values` in place: SGD with momentum, the rate rising, then falling to nothing."""
    speeds = [torch.zeros_like(value) for value in values]
    batches = len(x) // schedule.batch
    for epoch in range(schedule.epochs):
        passing = torch.randperm(len(x), generator=order)
        for place in range(batches):
            index = passing[place * schedule.batch : (place + 1) * schedule.batch]
            loss = functional.cross_entropy(forward(x[index]), labels[index])
            slopes = torch.autograd.grad(loss, values)
            share = (epoch * batches + place + 1) / (schedule.epochs * batches)
            _descend(values, slopes, speeds, schedule.rate * rises_and_falls(share))


@torch.no_grad()
def _descend(values: Sequence[Tensor], slopes: Sequence[Tensor], speeds: Sequence[Tensor], rate: float) -> None:
    for value, slope, speed in zip(values, slopes, speeds, strict=True):
        speed.mul_(MOMENTUM).add_(slope).add_(value, alpha=DECAY)
        value.sub_(speed, alpha=rate)


def rises_and_falls(share: float) -> float:
    """The rate over its largest, after this share of the steps.

    >>> [round(rises_and_falls(share), 2) for share in (0.1, 0.2, 0.6, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    return min(share / WARM, (1 - share) / (1 - WARM))


@dataclass(frozen=True, eq=False)
class Reader:
    """A linear layer from what is read to the classes."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def blank(cls, columns: int, classes: int) -> Reader:
        return cls(torch.zeros(classes, columns, requires_grad=True), torch.zeros(classes, requires_grad=True))

    def __call__(self, columns: Tensor) -> Tensor:
        return functional.linear(columns, self.weight, self.bias)

    @torch.no_grad()
    def accuracy(self, columns: Tensor, labels: Tensor) -> float:
        return float((self(columns).argmax(1) == labels).float().mean())


def trained_reader(columns: Tensor, labels: Tensor, classes: int, schedule: Schedule, order: torch.Generator) -> Reader:
    """A classifier of columns that stay as they are."""
    reader = Reader.blank(columns.shape[1], classes)
    follow([reader.weight, reader.bias], reader, columns, labels, schedule, order)
    return reader


def trained_net(
    start: FilterNet, x: Tensor, labels: Tensor, classes: int, grid: int, schedule: Schedule, order: torch.Generator
) -> tuple[FilterNet, Reader, Standard]:
    """The net with all of its filters trained from `start`; with it what reads it, and how its columns are seen."""
    filters, scales, shifts = (
        tuple(value.detach().clone().requires_grad_() for value in each)
        for each in (start.filters, start.scales, start.shifts)
    )
    net = FilterNet(filters, scales, shifts, relu=start.relu)
    size = x.shape[-1] >> net.depth
    reader = Reader.blank(len(scales[-1]) * min(grid, size) ** 2, classes)

    def forward(batch: Tensor) -> Tensor:
        columns = read(net.levels(batch)[-1], grid)
        return reader(functional.batch_norm(columns, None, None, training=True, eps=EPS))

    follow([*filters, *scales, *shifts, reader.weight, reader.bias], forward, x, labels, schedule, order)
    for value in (*filters, *scales, *shifts):
        value.requires_grad_(False)
    known = net.with_moments(x[:MOMENTS])
    return known, reader, Standard.of(readings(known, x[:MOMENTS], grid)[-1])
