"""Defences around a classifier: what stands before it or behind it, with gradients that an attack can use and without.

A gradient is masked where it is zero or useless although errors are near (Athalye et al. 2018). Rounded pixels have no
gradient; a score times a thousand has none that single precision tells from zero, once it has gone through the loss.
Each defence therefore has an open version, which answers the same and lets a search see the gradient behind it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reversible.nets.boundary import Logits

LEVELS = 3  # steps of a rounded pixel from black to white
TAPS, COARSE = 4, 0.4  # side of a block of pixels; steps of its cosines' coefficients
SATURATED = 1000.0
MASKED = ("rounded", "coarse", "saturated")


def masked(name: str, logits: Logits, channels: int, side: int) -> Logits:
    """The defended classifier as it is: what it answers, with the gradients that it shows."""
    if name == "saturated":
        return lambda x: SATURATED * logits(x)
    return lambda x: logits(_before(name, x, channels, side))


def opened(name: str, logits: Logits, channels: int, side: int) -> Logits:
    """The same answers, with the gradients of the classifier behind the defence (straight through it)."""
    if name == "saturated":
        return logits
    return lambda x: logits(x + (_before(name, x.detach(), channels, side) - x.detach()))


def _before(name: str, x: Tensor, channels: int, side: int) -> Tensor:
    if name == "rounded":
        return torch.round(x * LEVELS) / LEVELS
    return coarse(x.view(-1, channels, side, side), COARSE).flatten(1)


def coarse(images: Tensor, step: float) -> Tensor:
    """Images (B, C, D, D), the coefficients of each block's cosines rounded to multiples of `step`, as JPEG does it."""
    cosines = _cosines().to(images)
    size = images.shape[-1] // TAPS * TAPS
    inner = images[..., :size, :size]
    blocks = inner.unflatten(-1, (-1, TAPS)).unflatten(-3, (-1, TAPS)).transpose(-3, -2)  # (..., r, c, 4, 4)
    rounded = torch.round(cosines @ blocks @ cosines.T / step) * step
    again = (cosines.T @ rounded @ cosines).transpose(-3, -2).flatten(-4, -3).flatten(-2)
    given = images.clone()
    given[..., :size, :size] = again
    return given


def _cosines() -> Tensor:
    """The orthonormal discrete cosine transform of TAPS numbers."""
    place = torch.arange(TAPS, dtype=torch.float64)
    rows = torch.cos(math.pi / TAPS * (place[None] + 0.5) * place[:, None]) * math.sqrt(2 / TAPS)
    rows[0] /= math.sqrt(2)
    return rows
