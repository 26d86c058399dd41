"""Paths between nets, by a band: a string of nets between two that stay, let down the loss and kept evenly spaced.

This is the simplified string method of E, Ren and Vanden-Eijnden (2007), which finds lowest passes: each net of the
string takes a step down its own loss, then all are put on the polygon through them again, at equal distances. What it
finds is an upper bound of the lowest pass: a lower way that it does not find may exist. Bands run side by side, each
between two nets of its own. A net is a row of all its numbers here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reversible.base.checks import InputError, integer, positive

Losses = Callable[[Tensor], Tensor]  # nets (S, K, P), K of each of S bands -> their losses (S, K)
FINE = 10  # places between two neighbours of a string, where its barrier is looked for


@dataclass(frozen=True)
class Band:
    """How a band is let down."""

    nets: int = 15  # between the two ends
    steps: int = 2000
    lr: float = 0.1
    longest: float = 1.0  # a longer slope is shortened to this, so that no net is thrown far away

    def __post_init__(self) -> None:
        integer("nets", self.nets)
        integer("steps", self.steps, low=0)
        positive("lr", self.lr)
        positive("longest", self.longest)


def check_ends(a: Tensor, b: Tensor) -> None:
    """InputError for ends (S, P) that are not as many nets of one shape, or not finite."""
    if a.shape != b.shape or a.dim() != 2:
        raise InputError(f"ends must be as many nets of the same shape, not {tuple(a.shape)} and {tuple(b.shape)}")
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise InputError("ends must be nets of finite numbers")


def line(a: Tensor, b: Tensor, places: int) -> Tensor:
    """Evenly spaced nets of the segments from a to b, both (S, P), their ends included: (S, places, P)."""
    t = torch.linspace(0, 1, places, dtype=a.dtype)[:, None]
    return a[:, None] * (1 - t) + b[:, None] * t


def let_down(a: Tensor, b: Tensor, losses: Losses, p: Band) -> Tensor:
    """Strings (S, p.nets + 2, P) that begin as segments from a to b, both (S, P).

    InputError for ends of different shape, and where the loss is no number on the way.
    """
    check_ends(a, b)
    nets = line(a, b, p.nets + 2)
    for step in range(p.steps):
        inner = nets[:, 1:-1].detach().requires_grad_()
        found = losses(inner)
        if not bool(torch.isfinite(found).all()):
            raise InputError(f"lr must be small enough for the loss to fall, not {p.lr}: it is no number at {step}")
        (slope,) = torch.autograd.grad(found.sum(), inner)
        length = torch.linalg.vector_norm(slope, dim=-1, keepdim=True)
        slope = slope * (p.longest / length.clamp(min=p.longest))
        nets = evenly(torch.cat([nets[:, :1], inner.detach() - p.lr * slope, nets[:, -1:]], 1))
    return nets


def evenly(nets: Tensor) -> Tensor:
    """The same polygons (S, K, P), the corners moved along them to equal distances; the ends stay."""
    K = nets.shape[1]
    lengths = torch.linalg.vector_norm(nets.diff(dim=1), dim=-1)  # (S, K - 1)
    at = torch.cat([torch.zeros_like(lengths[:, :1]), lengths.cumsum(1)], 1)  # (S, K)
    wanted = at[:, -1:] * torch.linspace(0, 1, K, dtype=nets.dtype)
    place = torch.searchsorted(at, wanted.contiguous(), right=True).clamp(1, K - 1)
    low, high = at.gather(1, place - 1), at.gather(1, place)
    share = ((wanted - low) / (high - low).clamp(min=torch.finfo(nets.dtype).tiny)).clamp(0, 1)[..., None]
    before, after = (nets.gather(1, i[..., None].expand(-1, -1, nets.shape[2])) for i in (place - 1, place))
    moved = before + share * (after - before)
    return torch.cat([nets[:, :1], moved[:, 1:-1], nets[:, -1:]], 1)


@torch.no_grad()
def heights(nets: Tensor, losses: Losses, fine: int = FINE) -> Tensor:
    """Losses along the polygons through nets (S, K, P), `fine` places a stretch: (S, (K - 1) fine + 1)."""
    parts = [
        losses(line(a, b, fine + 1))[:, :-1] for a, b in zip(nets[:, :-1].unbind(1), nets[:, 1:].unbind(1), strict=True)
    ]
    return torch.cat([*parts, losses(nets[:, -1:])], 1)


def barrier(heights: Tensor) -> Tensor:
    """By how much the largest loss along each path (S, T) is above that of its ends; never below zero: (S,)."""
    return heights.amax(1) - torch.maximum(heights[:, 0], heights[:, -1])
