"""Laws of layers that are trained one at a time: how errors grow, and what training costs.

Products are counted in multiply-adds an image. What a layer of a product c costs in training is c forward, c for the
gradient of its weights, and c for that of its inputs where something below it is trained.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.base.checks import InputError, integer, positive

Array = np.ndarray


# --- errors -----------------------------------------------------------------------------------------------------------


def error_bound(norms: Sequence[float] | Array, moves: Sequence[float] | Array, signals: Sequence[Any]) -> Array:
    """How far the features of a net may be from those of a moved one, after each layer: (J,).

    Layer j has the spectral norm norms[j], its weights are moved by at most moves[j] in the spectral norm, and the
    moved net gives it features of the length signals[j]; the nonlinearity has the Lipschitz constant one, and biases
    stay. Then e_{j+1} <= norms[j] e_j + moves[j] signals[j], as W x - W~ x~ = W (x - x~) + (W - W~) x~. InputError
    where the three differ in their length.

    >>> error_bound([1, 1], [0.1, 0.1], [1, 2]).round(6).tolist()
    [0.1, 0.3]
    """
    if not len(norms) == len(moves) == len(signals):
        raise InputError(f"norms, moves and signals must be of the same layers, not {len(norms)}, {len(moves)} and "
                         f"{len(signals)}")  # fmt: skip
    found, e = [], 0.0
    for norm, move, signal in zip(norms, moves, signals, strict=True):
        e = norm * e + move * signal
        found.append(e)
    return np.array(found)


def worst_error(layers: int, eps: float, bias: float) -> float:
    """The error after so many layers of one positive number x -> x + bias, moved to (1 + eps) x + bias, from x = 1.

    The weight's norm is one. Without bias it is (1 + eps)^J - 1, about J eps. With a bias of one the signal grows by
    one a layer and the error like eps J^2 / 2: so the theorem's J^2 is reached, and J where signals stay as they are.

    >>> round(worst_error(2, 0.1, 0.0), 6), round(worst_error(2, 0.1, 1.0), 6)
    (0.21, 0.31)
    """
    layers, eps = integer("layers", layers), positive("eps", eps)
    powers = (1 + eps) ** np.arange(layers + 1)
    moved = powers[-1] + bias * powers[:-1].sum()
    return float(moved - (1 + bias * layers))


# --- costs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Multiply-adds an image."""

    an_epoch: float
    once: float = 0.0  # for what is kept of each image after the last epoch

    def of(self, epochs: int) -> float:
        """All of a training run, for each image."""
        return self.an_epoch * epochs + self.once


def greedy_cost(layer: float, head: Sequence[float]) -> Cost:
    """One layer on features that are kept, below a head of so many products: nothing flows to its inputs.

    >>> greedy_cost(100, [10])
    Cost(an_epoch=230, once=100)
    """
    return Cost(2 * layer + 3 * sum(head), layer)


def end_to_end_cost(products: Sequence[float]) -> Cost:
    """All layers together; the first has no gradient of its inputs.

    >>> end_to_end_cost([100, 100, 10]).an_epoch
    530
    """
    first, *rest = products
    return Cost(2 * first + 3 * sum(rest))


def dense_products(widths: Sequence[int]) -> list[int]:
    """Of each layer between neighbours among the widths.

    >>> dense_products([64, 32, 10])
    [2048, 320]
    """
    return [a * b for a, b in itertools.pairwise(widths)]


def greedy_over_end_to_end(layers: int, heads: int) -> float:
    """The cost of greedy training with equal products in all layers and in `heads` layers of each head, over that of
    the same net end to end, each for the same number of epochs a layer; keeping features is left out.

    J (2 + 3 h) / (3 (J + h) - 1) for J layers and heads of h layers.

    >>> greedy_over_end_to_end(4, 0)
    0.7272727272727273
    """
    return layers * (2 + 3 * heads) / (3 * (layers + heads) - 1)
