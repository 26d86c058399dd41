"""Passes over data that lie in memory: batches in new order each time, and a function of many examples in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from reversible.base.checks import integer


def passes(count: int, batch: int, epochs: int, order: torch.Generator) -> Iterator[Tensor]:
    """Places (B,) among `count` examples, batch by batch: each pass goes once through them in an order of its own.

    A rest that is short of a batch is left out. InputError for a batch of none or of more than there are.
    """
    batch = integer("batch", batch, high=count)
    for _ in range(integer("epochs", epochs, low=0)):
        shuffled = torch.randperm(count, generator=order)
        for at in range(0, count - batch + 1, batch):
            yield shuffled[at : at + batch]


@torch.no_grad()
def in_parts(apply: Callable[[Tensor], Tensor], x: Tensor, size: int = 500) -> Tensor:
    """What `apply` makes of x (N, ...), `size` examples at a time, without gradients."""
    return torch.cat([apply(part) for part in x.split(integer("size", size))])
