"""A fully connected net as tensors, one or a stack of several that run side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError, integer


@dataclass(frozen=True, eq=False)
class Net:
    """Fully connected layers with a ReLU after each but the last: one net, or a stack of S that run side by side.

    Of a stack each weight is (S, out, in), each bias (S, out), and what goes through it (S, B, ...).
    """

    weights: tuple[Tensor, ...]  # float32 (out, in), the first layer first
    biases: tuple[Tensor, ...]  # float32 (out,)

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Net:
        """The net of NAME.weight (out, in) and NAME.bias (out), in the mapping's order; InputError if it is none."""
        names = [name.removesuffix(".weight") for name in arrays if name.endswith(".weight")]
        shapes = [arrays[f"{name}.weight"].shape for name in names]
        if not names or any(len(shape) != 2 for shape in shapes):
            raise InputError(f"a net needs a matrix NAME.weight for each layer, not shapes {shapes}")
        if any(above[1] != below[0] for below, above in itertools.pairwise(shapes)):
            raise InputError(f"each layer must take what the one before it gives, not shapes {shapes}")
        weights, biases = ([torch.tensor(arrays[f"{n}.{kind}"]).float() for n in names] for kind in ("weight", "bias"))
        return cls(tuple(weights), tuple(biases))

    def without_biases(self) -> Net:
        """The net with all its biases zero."""
        return replace(self, biases=tuple(torch.zeros_like(bias) for bias in self.biases))

    def with_first(self, matrices: Sequence[Tensor]) -> Net:
        """The net with other matrices in its first layers."""
        return replace(self, weights=(*matrices, *self.weights[len(matrices) :]))

    def one(self, place: int) -> Net:
        """One net of a stack."""
        return Net(tuple(A[place] for A in self.weights), tuple(bias[place] for bias in self.biases))

    def up(self, x: Tensor, layers: int | None = None, thin: Callable[[Tensor], Tensor] | None = None) -> list[Tensor]:
        """The codes of the first `layers` hidden layers, all of them if None: x (B, n) -> [h_1 (B, m_1), ...].

        `thin` is what each code goes through before the next layer sees it: dropout.
        """
        hidden = len(self.weights) - 1
        codes = []
        for A, bias in list(zip(self.weights, self.biases, strict=True))[: _layers(layers, hidden)]:
            x = torch.relu(_affine(x, A, bias))
            x = thin(x) if thin else x
            codes.append(x)
        return codes

    def logits(self, x: Tensor, thin: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """What the last layer says, before any softmax: (B, n) -> (B, classes)."""
        return _affine([x, *self.up(x, thin=thin)][-1], self.weights[-1], self.biases[-1])


def _affine(x: Tensor, A: Tensor, bias: Tensor) -> Tensor:
    """x A^T + b, of one net or of each of a stack, in one kernel."""
    return torch.baddbmm(bias[:, None], x, A.mT) if A.dim() == 3 else torch.addmm(bias, x, A.mT)


def _layers(layers: int | None, hidden: int) -> int:
    return hidden if layers is None else integer("layers", layers, low=1, high=hidden)
