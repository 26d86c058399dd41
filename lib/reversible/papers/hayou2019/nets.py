"""Deep nets of any activation in the one training loop: they begin on the edge or off it, with the input scaled to it.

A stack of ReLU nets is what `training` trains. Here the same stack has another activation, and before its first step
the weights are scaled and biases drawn: s_w and s_b in the hidden layers above the first, which makes the variance q
of a standardised image; the last layer, whose outputs are read, has weights of variance one over its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import one_of
from reversible.nets.net import Net
from reversible.training.config import Training
from reversible.training.hooks import Probe, as_it_is
from reversible.training.run import CapturedStep, Clock, Row, Run
from reversible.training.stack import Stack

PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "elu": functional.elu,
    "swish": functional.silu,
}
BIASES = 78  # the stream that first biases are drawn from


@dataclass(frozen=True)
class Begin:
    """The activation of a net and the deviations that it begins with."""

    name: str
    s_w: float
    s_b: float
    q: float  # the mean variance of the first layer's preactivations

    def __post_init__(self) -> None:
        one_of("activation", self.name, PHI)


@dataclass(frozen=True, eq=False)
class Acted(Net):
    """A net, or a stack, with another activation than ReLU."""

    name: str = "relu"

    def logits(self, x: Tensor, thin: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """What the last layer says: (S, B, n) -> (S, B, classes)."""
        phi = PHI[self.name]
        for A, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = phi(torch.baddbmm(bias[:, None], x, A.mT))
        return torch.baddbmm(self.biases[-1][:, None], x, self.weights[-1].mT)


class ActedStack(Stack):
    """Nets that begin as `begin` says."""

    def __init__(self, p: Training, begin: Begin) -> None:
        super().__init__(p)
        self.begin = begin
        with torch.no_grad():
            self._scale()

    @property
    def net(self) -> Net:
        """The nets as they are, with their activation."""
        net = super().net
        return Acted(net.weights, net.biases, self.begin.name)

    def _scale(self) -> None:
        """From variances of two over the inputs, and biases of zero."""
        layers, b = len(self.p.hidden) + 1, self.begin
        squares = [b.q - b.s_b**2, *[b.s_w**2] * (layers - 2), 1.0]
        draws = self.generators(BIASES)
        for place, square in enumerate(squares):
            self.values[place].mul_(math.sqrt(square / 2))
            if place < layers - 1:
                bias = self.values[layers + place]
                bias.copy_(torch.stack([torch.randn(bias.shape[1:], generator=g) for g in draws]) * b.s_b)


class ActedRun(Run):
    """A run of such a stack; one that has diverged goes on to its end."""

    def __init__(self, p: Training, begin: Begin, probes: tuple[Probe, ...]) -> None:
        self.p = p
        self.stack = ActedStack(p, begin)
        self.steps = {0: as_it_is}
        self.probes = probes
        self.clock = Clock(p.device)
        self.rows: list[Row] = []
        self.phases = {0: CapturedStep(self.stack, as_it_is(self.stack))}
        self.looks = [probe(self.stack) for probe in probes]
