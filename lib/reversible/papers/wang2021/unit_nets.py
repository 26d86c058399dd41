"""Nets of residual units for digits, trained by the house's loop: a special one that is one-to-one, an ordinary one.

x goes through three units x <- x + W2 r(W1 x + b) of its own width, and a linear layer reads the class off the last.
In the special net [ours; the paper's own is not known here] W2 = W1^T: I + W1 W1^T is positive definite, so every unit
is one-to-one whatever the size of its weights. In the ordinary net W2 is free.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reversible.nets.net import Net
from reversible.nets.residual import Unit
from reversible.training.config import Training
from reversible.training.hooks import as_it_is, errors
from reversible.training.run import CapturedStep, Clock, Run
from reversible.training.stack import Stack

UNITS = 3


class UnitNet(Net):
    """A stack of nets of units: weights W1 (S, h, n), W2 (S, n, h) of each unit, then the reader's (S, classes, n)."""

    def through(self, x: Tensor) -> Tensor:
        """The images x (S, B, n) after all units."""
        for W1, W2, bias in zip(self.weights[:-1:2], self.weights[1::2], self.biases[:-1], strict=True):
            x = x + torch.relu(torch.baddbmm(bias[:, None], x, W1.mT)) @ W2.mT
        return x

    def logits(self, x: Tensor, thin: object = None) -> Tensor:
        return torch.baddbmm(self.biases[-1][:, None], self.through(x), self.weights[-1].mT)

    def units(self, place: int) -> list[Unit]:
        """The units of one net of the stack, in float64."""
        parts = zip(self.weights[:-1:2], self.biases[:-1], self.weights[1::2], strict=True)
        return [Unit.of(W1[place], bias[place], W2[place]) for W1, bias, W2 in parts]


class UnitStack(Stack):
    """The nets in training. Of the special one W2 is no weight of its own."""

    def __init__(self, p: Training, special: bool) -> None:
        self.special = special
        super().__init__(p)

    def _first_values(self, generators: list[torch.Generator]) -> list[Tensor]:
        """As those of a plain net of the widths n, h, n, h, ..., n, 10, without what a net of units has no use for."""
        values = super()._first_values(generators)
        layers = 2 * UNITS + 1
        weights, biases = values[:layers], values[layers:]
        kept = [*weights[:-1:2], weights[-1]] if self.special else weights
        return [*kept, *biases[:-1:2], biases[-1]]

    @property
    def net(self) -> UnitNet:
        transposed, biases = self.values[: -UNITS - 1], self.values[-UNITS - 1 :]
        weights = [W.mT for W in transposed]
        if self.special:
            weights = [W for W1 in weights[:-1] for W in (W1, W1.mT)] + weights[-1:]
        return UnitNet(tuple(weights), tuple(biases))


class UnitRun(Run):
    """A run of such nets: the same loop on another stack."""

    def __init__(self, p: Training, special: bool) -> None:
        self.p, self.stack = p, UnitStack(p, special)
        self.steps, self.probes = {0: as_it_is}, (errors,)
        self.clock, self.rows = Clock(p.device), []
        self.phases = {0: CapturedStep(self.stack, as_it_is(self.stack))}
        self.looks = [errors(self.stack)]

    @property
    def net(self) -> UnitNet:
        return self.stack.net

    def error(self) -> float:
        """The test error at the end of training, of the first net."""
        *_, last = self.follow()
        return last["test_error"][0]


def training_of(data: str, h: int, pixels: int, steps: int, lr: float, batch: int, seed: int) -> Training:
    """A run of one net of UNITS units, each with h hidden units."""
    return Training(data=data, hidden=(h, pixels) * UNITS, steps=steps, lr=lr, batch=batch, seeds=(seed,))
