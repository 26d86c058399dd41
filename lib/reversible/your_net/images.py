"""What a reader hands over as images, as a tensor of the shape that the net reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.your_net.modules import Part

SIDES = ("height", "width")


def wanted_of(first: Part) -> tuple[int | None, ...]:
    """What an image must be: None is any number."""
    return (first.module.in_channels, None, None) if first.is_conv else (first.module.in_features,)


def images_as(images: Any, wanted: Sequence[int | None], precision: torch.dtype) -> Tensor:
    """The images, copied where they are an array; InputError where they are not real numbers of the wanted shape."""
    if np.ma.is_masked(images):
        raise InputError(f"images must have no masked entries; {int(np.ma.getmaskarray(images).sum())} are masked")
    try:
        x = torch.as_tensor(_dense(images)).detach()
        ready = x.to("cpu", x.dtype if x.is_complex() else precision)
        width = x.flatten(1).shape[1]
    except (TypeError, ValueError, RuntimeError, IndexError):
        raise InputError(f"images must be a tensor or array (N, ...) of numbers, not {type(images).__name__}") from None
    if len(wanted) == 1:
        shape, fits = f"(N, ...), {wanted[0]} real numbers each", width == wanted[0]
    else:
        sides = [name if n is None else str(n) for name, n in zip(("channels", *SIDES), wanted, strict=True)]
        shape = f"(N, {', '.join(sides)}), real numbers"
        fits = x.dim() == 4 and all(n in (None, m) for n, m in zip(wanted, x.shape[1:], strict=True))
    if x.is_complex() or not fits or not x.numel():
        raise InputError(f"images must be {shape}, not {tuple(x.shape)} of {x.dtype}")
    return ready


def _dense(images: Any) -> Any:
    """Tables, sparse matrices and arrays of another byte order as what torch takes; arrays are copied."""
    if isinstance(images, Tensor):
        return images if images.layout is torch.strided else images.to_dense()
    images = images.toarray() if hasattr(images, "toarray") else images  # of scipy
    if not hasattr(images, "__array__"):
        return images
    copied = np.array(images, order="C")
    return copied.astype(copied.dtype.newbyteorder("="), copy=False)
