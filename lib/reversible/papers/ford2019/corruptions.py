"""Ten corruptions of images, in three strengths each, in the manner of Hendrycks and Dietterich (2019).

Images are (B, C, D, D) with pixels from 0 to 1, and so is what is given. The strengths are this book's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from reversible.papers.ford2019.defences import coarse

Corruption = Callable[[Tensor, float, torch.Generator], Tensor]
STRENGTHS = (0, 1, 2)


def corrupted(name: str, images: Tensor, strength: int, generator: torch.Generator) -> Tensor:
    """Images after one of CORRUPTIONS in one of STRENGTHS."""
    corrupt, values = CORRUPTIONS[name]
    return corrupt(images, values[strength], generator).clamp(0, 1)


def _gaussian(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    return x + sigma * torch.randn(x.shape, generator=generator)


def _salt(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    hit, white = torch.rand((2, *x.shape), generator=generator)
    return (white > 0.5).to(x).where(hit < share, x)


def _shot(x: Tensor, photons: float, generator: torch.Generator) -> Tensor:
    return torch.poisson(x * photons, generator=generator) / photons


def _blur(x: Tensor, sd: float, generator: torch.Generator) -> Tensor:
    reach = 4
    taps = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sd**2))
    taps = (taps / taps.sum()).expand(x.shape[1], 1, 1, -1)
    wide = functional.pad(x, (reach,) * 4, mode="replicate")
    across = functional.conv2d(wide, taps, groups=x.shape[1])
    return functional.conv2d(across, taps.mT, groups=x.shape[1])


def _pixels(x: Tensor, part: float, generator: torch.Generator) -> Tensor:
    large = functional.avg_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return torch.lerp(x, large, part)


def _cosines(x: Tensor, step: float, generator: torch.Generator) -> Tensor:
    return coarse(x, step)


def _brightness(x: Tensor, more: float, generator: torch.Generator) -> Tensor:
    return x + more


def _contrast(x: Tensor, part: float, generator: torch.Generator) -> Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + part * (x - mean)


def _fog(x: Tensor, much: float, generator: torch.Generator) -> Tensor:
    """A cloud of random patches of all sizes, the large ones the densest."""
    cloud = torch.zeros(len(x), 1, *x.shape[2:])
    size, weight = 2, 1.0
    while size <= x.shape[-1]:
        patches = torch.rand(len(x), 1, size, size, generator=generator)
        cloud += weight * functional.interpolate(patches, x.shape[-1], mode="bilinear", align_corners=False)
        size, weight = 2 * size, weight / 2
    low, high = cloud.amin((2, 3), keepdim=True), cloud.amax((2, 3), keepdim=True)
    return (x + much * (cloud - low) / (high - low)) / (1 + much)


def _shift(x: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    reach = int(pixels)
    wide = functional.pad(x, (reach,) * 4, mode="replicate")
    down, along = (int(torch.randint(0, 2, (1,), generator=generator)) * 2 * reach for _ in range(2))
    return wide[..., down : down + x.shape[-2], along : along + x.shape[-1]]


CORRUPTIONS: dict[str, tuple[Corruption, tuple[float, float, float]]] = {
    "gaussian": (_gaussian, (0.04, 0.08, 0.12)),
    "salt": (_salt, (0.01, 0.03, 0.06)),
    "shot": (_shot, (200.0, 80.0, 30.0)),
    "blur": (_blur, (0.6, 0.9, 1.2)),
    "pixels": (_pixels, (0.4, 0.7, 1.0)),
    "cosines": (_cosines, (0.2, 0.4, 0.6)),
    "brightness": (_brightness, (0.1, 0.2, 0.3)),
    "contrast": (_contrast, (0.6, 0.4, 0.2)),
    "fog": (_fog, (0.5, 1.0, 1.5)),
    "shift": (_shift, (1.0, 2.0, 3.0)),
}
NOISES = ("gaussian", "salt", "shot")
