"""Units of one dense net put in the order in which they fit those of another best: the net stays the same function.

Ainsworth, Hayase and Srinivasa (2023) match weights in this way: layer by layer the permutation that makes the two
nets' weights most alike is an assignment problem, which is solved exactly, given the orders of the layers beside it.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from reversible.base.checks import InputError
from reversible.nets.net import Net

SWEEPS = 50  # through all layers; each makes the nets more alike, or is the last


def check_same_shape(a: Net, b: Net) -> None:
    """InputError for two nets whose layers differ in size."""
    one, other = ([tuple(A.shape) for A in net.weights] for net in (a, b))
    if one != other:
        raise InputError(f"two nets must have layers of the same sizes, not {one} and {other}")


def matched(a: Net, b: Net) -> Net:
    """`b` with its hidden units in the order in which its weights fit those of `a` best, layer by layer.

    InputError for two nets whose layers differ in size.
    """
    check_same_shape(a, b)
    for _ in range(SWEEPS):
        moved = False
        for layer in range(len(b.weights) - 1):
            order = torch.from_numpy(linear_sum_assignment(-_alike(a, b, layer))[1])
            moved = moved or not torch.equal(order, torch.arange(len(order)))
            b = permuted(b, layer, order)
        if not moved:
            break
    return b


def permuted(net: Net, layer: int, order: Tensor) -> Net:
    """The same function with the units of hidden layer `layer`, from zero, in another order (n,)."""
    weights, biases = list(net.weights), list(net.biases)
    weights[layer], biases[layer] = weights[layer][order], biases[layer][order]
    weights[layer + 1] = weights[layer + 1][:, order]
    return Net(tuple(weights), tuple(biases))


def _alike(a: Net, b: Net, layer: int) -> np.ndarray:
    """Inner products of what units of a layer read, add and send, (units of a, units of b)."""
    found = a.weights[layer] @ b.weights[layer].mT + torch.outer(a.biases[layer], b.biases[layer])
    return (found + a.weights[layer + 1].mT @ b.weights[layer + 1]).double().numpy()
