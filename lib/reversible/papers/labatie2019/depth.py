"""How moments change with depth: feed-forward nets, plain or normalised, and normalised residual nets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.papers.labatie2019 import laws
from reversible.papers.labatie2019.signals import (
    ACTIVATIONS,
    APART,
    Signals,
    effective_rank,
    kurtosis,
    square_of_mean_modulus,
)

Nets = tuple[float, ...]  # a number a net


@dataclass(frozen=True)
class Looks:
    """At chosen layers, a number a net; chi is that at the layer over that at the start, and a log of it natural."""

    layers: tuple[int, ...]
    log_chi: tuple[Nets, ...]
    normalised: tuple[Nets, ...]  # the part of log chi that dense layers and batch normalisation have made so far
    activated: tuple[Nets, ...]  # the part that activations have made so far
    law: tuple[Nets, ...]  # what `laws.relu_factor` says of that part, from nu_1 and mu_2 at each layer
    rank: tuple[Nets, ...]  # effective rank of the signal
    kurtosis: tuple[Nets, ...]  # of the signal where the activation is given it


@dataclass(eq=False)
class _Parts:
    """Logs of chi squared and what made it, (S,) each, as they grow."""

    normalised: Tensor
    activated: Tensor
    law: Tensor


@torch.no_grad()
def feed_forward(s: Signals, normalised: bool, activation: str, layers: tuple[int, ...]) -> Looks:
    """Moments of dense layers, each with batch normalisation or without, then an activation.

    `layers`: rising, those that are looked at; the last is the depth.
    """
    zero = torch.zeros(len(s.y), dtype=torch.float64)
    parts, found = _Parts(zero.clone(), zero.clone(), zero.clone()), []
    signal, noise = s.spread(), s.size_of_noise()
    for layer in range(1, layers[-1] + 1):
        s.weigh(ACTIVATIONS[activation])
        after = s.normalise()[1].double() if normalised else s.spread()
        louder = s.size_of_noise()
        parts.normalised += (louder / noise).log() - (after / signal).log()
        steep, looked = square_of_mean_modulus(s.signal), layer in layers
        peaked = kurtosis(s.signal) if looked else zero
        s.activate(activation)
        signal, noise = s.spread(), s.size_of_noise()
        parts.activated += (noise / louder).log() - (signal / after).log()
        if normalised and activation == "relu":
            parts.law -= torch.log1p(-steep / (2 * after))
        if looked:
            log_chi = (parts.normalised + parts.activated) / 2
            halves = (log_chi, parts.normalised / 2, parts.activated / 2, parts.law / 2)
            found.append((*halves, effective_rank(s.signal), peaked))
        if layer % APART == 0:
            s.rescale()
            noise = s.size_of_noise()
    return Looks(layers, *(tuple(_numbers(look) for look in column) for column in zip(*found, strict=True)))


def _numbers(values: Tensor) -> Nets:
    return tuple(float(f"{value:.6g}") for value in values.tolist())


@dataclass(frozen=True)
class Units:
    """Of residual nets: at chosen units, a number a net; and of all units what each net's recursion is made of."""

    units: tuple[int, ...]
    log_chi: tuple[Nets, ...]
    log_recursion: tuple[Nets, ...]  # what the recursion says, with the branch and the growth of each unit
    rank: tuple[Nets, ...]
    branch: Nets  # mu_2 of what a branch adds, its mean over units
    factor: Nets  # what one layer of a branch multiplies chi by, its mean over units


@torch.no_grad()
def residual(s: Signals, inside: int, units: tuple[int, ...]) -> Units:
    """Moments of x + branch(x), with so many times batch normalisation, ReLU and a dense layer in each branch."""
    start, found = s.log_chi_square(), []
    first, branches, growths = s.spread(), [], []
    for unit in range(1, units[-1] + 1):
        before, kept = s.log_chi_square(), s.y.clone()
        for _ in range(inside):
            s.normalise()
            s.activate("relu")
            s.weigh()
        branches.append(s.spread())
        growths.append((s.log_chi_square() - before).exp())
        s.y.add_(kept)
        if unit in units:
            found.append(((s.log_chi_square() - start) / 2, effective_rank(s.signal)))
    branch, growth = torch.stack(branches).numpy(), torch.stack(growths).numpy()  # (units, S)
    said = np.log([laws.residual_steps(b, g, float(one)) for b, g, one in zip(branch.T, growth.T, first, strict=True)])
    chi, rank = (tuple(_numbers(look) for look in column) for column in zip(*found, strict=True))
    recursion = tuple(_numbers(torch.from_numpy(said[:, unit - 1])) for unit in units)
    mean = torch.from_numpy((growth ** (1 / (2 * inside))).mean(0))
    return Units(units, chi, recursion, rank, _numbers(torch.from_numpy(branch.mean(0))), _numbers(mean))
