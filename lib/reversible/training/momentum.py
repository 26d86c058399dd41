"""Gradient steps with momentum for nets that are no stack of dense layers, the rate falling to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from reversible.training.run import MOMENTUM


def descend(
    values: Sequence[Tensor], loss: Callable[[Tensor], Tensor], batches: Iterable[Tensor], steps: int, rate: float
) -> None:
    """Train `values` in place, a step for each of `steps` batches.

    `loss` takes a batch, indices (B,), to the scalar that is made smaller; `training.passes.passes` gives batches. The
    rate falls from `rate` in equal parts, and would be nothing after the last step; momentum is 0.9.
    """
    speeds = [torch.zeros_like(value) for value in values]
    for step, batch in enumerate(batches):
        slopes = torch.autograd.grad(loss(batch), list(values))
        with torch.no_grad():
            for value, speed, slope in zip(values, speeds, slopes, strict=True):
                value.sub_(speed.mul_(MOMENTUM).add_(slope), alpha=rate * (1 - step / steps))
