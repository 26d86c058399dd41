"""Gradient steps with momentum for nets that are no stack of dense layers, the rate falling to nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from reversible.training.run import MOMENTUM


def descend(values: Sequence[Tensor], loss: Callable[[Tensor], Tensor], batches: Sequence[Tensor], rate: float) -> None:
    """Train `values` in place, a step for each batch.

    `loss` takes a batch, indices (B,), to the scalar that is made smaller. The rate falls from `rate` in equal steps,
    and would be nothing after the last batch; momentum is 0.9.
    """
    speeds = [torch.zeros_like(value) for value in values]
    for step, batch in enumerate(batches):
        slopes = torch.autograd.grad(loss(batch), list(values))
        with torch.no_grad():
            for value, speed, slope in zip(values, speeds, slopes, strict=True):
                value.sub_(speed.mul_(MOMENTUM).add_(slope), alpha=rate * (1 - step / len(batches)))


def epochs_of(images: int, batch: int, epochs: int, generator: torch.Generator) -> list[Tensor]:
    """Batches of indices, (batch,) each: all images once an epoch, in a new order; what is left over is left out."""
    orders = [torch.randperm(images, generator=generator) for _ in range(epochs)]
    return [part for order in orders for part in order.split(batch)[: images // batch]]
