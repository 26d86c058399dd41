"""Deep nets in training: plain, normalised and residual ones, many seeds side by side, in the one loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reversible.papers.labatie2019.signals import EPS
from reversible.training.config import Training
from reversible.training.hooks import Look, Probe, as_it_is
from reversible.training.run import CapturedStep, Clock, Run, products_in
from reversible.training.stack import Stack, losses, told_when_out_of_memory


@dataclass(frozen=True)
class Kind:
    """What a deep net is made of."""

    normalised: bool
    activation: str  # "relu" or "tanh"
    inside: int = 0  # layers in the branch of a residual unit; 0: no units

    @property
    def size(self) -> float:
        """n var(W) of a hidden layer."""
        return 2.0 if self.activation == "relu" else 1.0


KINDS: Mapping[str, Kind] = {
    "plain": Kind(False, "relu"),
    "normalised": Kind(True, "relu"),
    "residual": Kind(True, "relu", 2),
    "residual_one": Kind(True, "relu", 1),
    "tanh": Kind(False, "tanh"),
    "tanh_normalised": Kind(True, "tanh"),
}


@dataclass(frozen=True, eq=False)
class DeepNet:
    """A stack of nets of one kind: a layer that reads the images, hidden layers, and a layer that tells classes."""

    kind: Kind
    weights: list[Tensor]  # (S, out, in) each: a gradient has this layout, which the fused step of the loop needs
    bias: Tensor  # (S, classes)

    def logits(self, x: Tensor, thin: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(S, B, n) -> (S, B, classes); the statistics of batch normalisation are those of this batch."""
        first, *hidden, last = self.weights
        y = torch.bmm(first, x.mT)  # (S, n, B): normalisation is then over neighbours in memory
        y = self._residual(y, hidden) if self.kind.inside else self._forward(y, hidden)
        return torch.baddbmm(self.bias[:, :, None], last, y).mT

    def _forward(self, y: Tensor, hidden: list[Tensor]) -> Tensor:
        for W in hidden:
            y = self._active(torch.bmm(W, y))
        return y

    def _residual(self, y: Tensor, hidden: list[Tensor]) -> Tensor:
        for first in range(0, len(hidden), self.kind.inside):
            branch = y
            for W in hidden[first : first + self.kind.inside]:
                branch = torch.bmm(W, self._active(branch))
            y = y + branch
        return self._active(y)

    def _active(self, y: Tensor) -> Tensor:
        if self.kind.normalised:
            y = functional.layer_norm(y, y.shape[-1:], eps=EPS)  # over the batch: that is batch normalisation
        return torch.relu(y) if self.kind.activation == "relu" else torch.tanh(y)


class DeepStack(Stack):
    """What `Run` trains, with the nets of a `Kind` in the place of plain ones."""

    def __init__(self, p: Training, kind: Kind) -> None:
        self.kind = kind
        super().__init__(p)

    @property
    def net(self) -> Any:  # a DeepNet has of a Net what the loop asks for
        return DeepNet(self.kind, self.values[:-1], self.values[-1])

    def _first_values(self, generators: list[torch.Generator]) -> list[Tensor]:
        pixels, (width, *_) = self.images.pixels.shape[1], self.p.hidden
        shapes = [(pixels, width, 1.0), *((width, width, self.kind.size) for _ in self.p.hidden)]
        shapes.append((width, self.images.classes, 1.0))
        nets = [[torch.randn(m, n, generator=g) * math.sqrt(size / n) for n, m, size in shapes] for g in generators]
        weights = [torch.stack(same).requires_grad_() for same in zip(*nets, strict=True)]
        return [*weights, torch.zeros(len(generators), self.images.classes, requires_grad=True)]


class DeepRun(Run):
    """The loop of `Run` on a `DeepStack`."""

    def __init__(self, p: Training, kind: Kind, probes: tuple[Probe, ...]) -> None:
        self.p = p
        self.stack = DeepStack(p, kind)
        self.steps = {0: as_it_is}
        self.probes = probes
        self.clock = Clock(p.device)
        self.rows = []
        with told_when_out_of_memory(p), products_in(p):
            self.phases = {0: CapturedStep(self.stack, as_it_is(self.stack))}
            self.looks = [probe(self.stack) for probe in probes]


def errors_in_halves(stack: Stack) -> Look:
    """A probe: the share of wrong images in the first half of the judged ones and in the second, and the loss.

    A net whose loss is no number guesses: it is wrong in all cases but one of the number of classes.
    """
    guess = 1 - 1 / stack.images.classes

    @torch.no_grad()
    def look() -> Mapping[str, Any]:
        wrong, loss, count = [], torch.zeros(len(stack.p.seeds)), 0
        for x, labels in stack.images.judged_parts(len(stack.p.seeds), len(stack.images.judged_labels)):
            logits = stack.net.logits(x)
            each = (logits.argmax(-1) != labels).double()
            wrong.append(torch.where(logits.isfinite().all(-1), each, guess))  # (S, J)
            loss += losses(logits, labels) * labels.shape[1]
            count += labels.shape[1]
        first, second = torch.cat(wrong, 1).tensor_split(2, 1)
        return {
            "first": tuple(first.mean(1).tolist()),
            "second": tuple(second.mean(1).tolist()),
            "learned": tuple((loss / count).isfinite().tolist()),
        }

    return look
