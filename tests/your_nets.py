"""Small nets on digits, as a reader has them."""

import itertools
from typing import Any

import torch
from torch import nn
from torch.nn import Linear, ReLU, Sequential, functional

from reversible import data

UNSEEN = data.load("digits", train=False).scaled()
LABELS = data.load("digits", train=False).labels
DIGITS = UNSEEN.view(-1, 1, 8, 8)  # the same as maps


def plain(*widths: int) -> Any:
    """Linear layers of these widths with a ReLU between each two."""
    steps = [step for pair in itertools.pairwise(widths) for step in (Linear(*pair), ReLU())]
    return Sequential(*steps[:-1])


def trained(model: Any, steps: int, lr: float = 0.1, decay: float = 0.0, random_labels: bool = False) -> Any:
    """Momentum written out: to import torch.optim takes longer than to train."""
    seen = data.load("digits", train=True)
    x, y = seen.scaled(), seen.labels
    y = y[torch.randperm(len(y))] if random_labels else y
    speeds = [torch.zeros_like(p) for p in model.parameters()]
    for _ in range(steps):
        batch = torch.randint(len(y), (50,))
        loss = functional.cross_entropy(model(x[batch]), y[batch])
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for p, speed, slope in zip(model.parameters(), speeds, slopes, strict=True):
                p -= lr * speed.mul_(0.9).add_(slope + decay * p)
    return model


class Block(nn.Module):
    """x + W2 r(W1 x + b) + c."""

    def __init__(self, n: int = 12, h: int = 8, size: float = 0.1) -> None:
        super().__init__()
        self.inside: Any = Sequential(Linear(n, h), ReLU(), Linear(h, n))
        with torch.no_grad():
            self.inside[2].weight.mul_(size)

    def forward(self, x: Any) -> Any:
        return x + self.inside(x)


def residual(size: float = 0.1) -> Any:
    """Two such blocks between Linear layers."""
    return Sequential(Linear(64, 12), Block(size=size), Block(size=size), Linear(12, 10))
