"""Steps of training whose noise has the size of that of batches, and a shape that is asked for.

The loop of `training.run` goes down the gradient g_B of a batch. A step here changes its momentum beforehand, so that
what it goes down is the gradient g of all images with another noise in place of g_B - g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import one_of
from reversible.training.hooks import Becomes
from reversible.training.run import MOMENTUM
from reversible.training.stack import Stack

NOISES = ("none", "batch", "gauss", "round")


@dataclass(frozen=True)
class Shaped:
    """A step with noise of one of four kinds.

    *batch*: the loop as it is. *none*: g alone. *round*: a direction drawn evenly from all, for each net, as long as
    g_B - g is at this very step: its covariance is that of batches, rounded. *gauss*: Gaussian with the covariance of
    g_B - g, which is one gradient of the losses with Gaussian factors.
    """

    noise: str

    def __call__(self, stack: Stack) -> Becomes:
        one_of("noise", self.noise, NOISES)
        places = stack.batches.places  # (S, N)
        x, labels = stack.images.inputs(stack.images.pixels[places]), stack.images.labels[places]
        count, batch = places.shape[1], stack.p.batch
        # Of g_B - g for a batch that is drawn without replacement, as a factor of the root of Sigma.
        scale = math.sqrt((count - batch) / (count - 1) / batch)

        def becomes(own: Tensor, own_labels: Tensor) -> tuple[Tensor, Tensor]:
            if self.noise != "batch":
                even = torch.full(labels.shape, 1 / batch, device=own.device)[:, :batch]
                of_batch = slopes(stack, own, own_labels, even)
                whole = slopes(stack, x, labels, self._factors(stack, count, scale))
                self._turn(stack, of_batch, whole)
            return own, own_labels

        return becomes

    def _factors(self, stack: Stack, count: int, scale: float) -> Tensor:
        """Of the losses of all images, (S, N)."""
        even = torch.full((len(stack.noise), count), 1 / count, device=stack.p.device)
        if self.noise != "gauss":
            return even
        drawn = torch.stack([torch.randn(count, generator=g, device=even.device) for g in stack.noise])
        return even + scale * (drawn - drawn.mean(1, keepdim=True)) / math.sqrt(count)

    def _turn(self, stack: Stack, of_batch: list[Tensor], whole: list[Tensor]) -> None:
        """Puts `whole`, with round noise if so asked, in the place of the gradient of the batch, which comes next."""
        moves = [all_of - own for all_of, own in zip(whole, of_batch, strict=True)]
        if self.noise == "round":
            drawn = [self._drawn(stack, move) for move in moves]
            long, unit = lengths(moves), lengths(drawn)
            moves = [m + _by_net(long / unit, d) * d for m, d in zip(moves, drawn, strict=True)]
        with torch.no_grad():
            for speed, move in zip(stack.speeds, moves, strict=True):
                speed += move / MOMENTUM  # the loop multiplies by MOMENTUM and adds the gradient of the batch

    def _drawn(self, stack: Stack, like: Tensor) -> Tensor:
        """Standard normal, each net's from its own stream, whatever the layout of `like` in memory."""
        return torch.stack([torch.randn(like.shape[1:], generator=g, device=like.device) for g in stack.noise])


def slopes(stack: Stack, x: Tensor, labels: Tensor, factors: Tensor) -> list[Tensor]:
    """The gradient of the sum of the losses times their factors (S, B), for each of `stack.values`."""
    each = functional.cross_entropy(stack.net.logits(x).flatten(0, 1), labels.flatten(), reduction="none")
    return list(torch.autograd.grad(each @ factors.flatten(), stack.values))


def lengths(parts: list[Tensor]) -> Tensor:
    """Of all weights of a net together, (S,)."""
    squares = [part.flatten(1).square().sum(1) for part in parts]
    return torch.stack(squares).sum(0).sqrt()


def _by_net(factors: Tensor, like: Tensor) -> Tensor:
    return factors.view(-1, *(1 for _ in like.shape[1:]))
