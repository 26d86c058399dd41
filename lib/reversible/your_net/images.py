"""What a reader hands over as images, as a tensor of the shape that the net reads, and how many of them are used.

A share p of N images that are drawn at random has a standard error of sqrt(p (1 - p) / N), or less where the images are
drawn from a file that has not many more. That is 1 / (2 sqrt(N)) at most. So it is for the mean of any numbers from 0
to 1, whose variance is E[x^2] - E[x]^2 <= E[x] - E[x]^2 <= 1/4; and codes have no negative entries, so that the cosines
of codes are such numbers. A share of a tenth or more is printed to a percent. ENOUGH images bring the standard error
down to that, and more would hardly be seen: what is left of the intervals comes of the draws of the controls.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.base.runtime import trial_generator
from reversible.your_net.modules import Part

ENOUGH = 2500  # images, for which the standard error of a share is a percent at most
AT_ONCE = 4096  # images that are looked at for what is not finite
NOT_FINITE = "images must be finite, and so must be what the net makes of them"
Choice = Callable[[int], Tensor]  # from how many there are to the places of those that are used
SIDES = ("height", "width")


def wanted_of(first: Part) -> tuple[int | None, ...]:
    """What an image must be: None is any number."""
    return (first.module.in_channels, None, None) if first.is_conv else (first.module.in_features,)


def standard_error(count: int) -> float:
    """The largest that the mean of a number from 0 to 1 can have over so many images drawn at random.

    >>> standard_error(ENOUGH)
    0.01
    """
    return 0.5 / math.sqrt(count)


def drawn(batches: int, seed: int, sample: int) -> Choice:
    """At most `sample` images in a random order, of the number that `batches` equal parts have."""

    def choose(count: int) -> Tensor:
        size = min(count, sample) // batches
        if size < 2:
            raise InputError(f"images must be at least {2 * batches}, two for each of {batches} batches, not {count}")
        return torch.randperm(count, generator=trial_generator(seed, 0))[: size * batches]

    return choose


def images_as(
    images: Any, wanted: Sequence[int | None] | None, precision: torch.dtype, choose: Choice
) -> tuple[Tensor, int]:
    """The chosen images, and of how many; InputError where not all are finite real numbers of the wanted shape.

    `wanted` is as `wanted_of` has it, and None where any shape may do.
    """
    if np.ma.is_masked(images):
        raise InputError(f"images must have no masked entries; {int(np.ma.getmaskarray(images).sum())} are masked")
    try:
        x = torch.as_tensor(_dense(images)).detach()
        x[:1].to("cpu", x.dtype if x.is_complex() else precision)
        width = x.flatten(1).shape[1]
    except (TypeError, ValueError, RuntimeError, IndexError):
        raise InputError(f"images must be a tensor or array (N, ...) of numbers, not {type(images).__name__}") from None
    if wanted is None:
        shape, fits = "(N, ...), real numbers", True
    elif len(wanted) == 1:
        shape, fits = f"(N, ...), {wanted[0]} real numbers each", width == wanted[0]
    else:
        sides = [name if n is None else str(n) for name, n in zip(("channels", *SIDES), wanted, strict=True)]
        shape = f"(N, {', '.join(sides)}), real numbers"
        fits = x.dim() == 4 and all(n in (None, m) for n, m in zip(wanted, x.shape[1:], strict=True))
    if x.is_complex() or not fits or not x.numel():
        raise InputError(f"images must be {shape}, not {tuple(x.shape)} of {x.dtype}")
    if not all(part.to("cpu", precision).isfinite().all() for part in x.split(AT_ONCE)):
        raise InputError(NOT_FINITE)
    return x[choose(len(x)).to(x.device)].to("cpu", precision), len(x)


def _dense(images: Any) -> Any:
    """Tables, sparse matrices and arrays of another byte order as what torch takes; arrays are copied."""
    if isinstance(images, Tensor):
        return images if images.layout is torch.strided else images.to_dense()
    images = images.toarray() if hasattr(images, "toarray") else images  # of scipy
    if not hasattr(images, "__array__"):
        return images
    copied = np.array(images, order="C")
    if copied.dtype == object and all(isinstance(entry, (numbers.Real, np.bool_)) for entry in copied.flat):
        return copied.astype(float)  # a table with columns of several kinds, yes and no among them
    return copied.astype(copied.dtype.newbyteorder("="), copy=False)
