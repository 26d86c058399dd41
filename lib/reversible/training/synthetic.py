"""SHADOW's synthetic images: each image sent up to a hidden code and down again by the net's own transposed weights.

Everything here is for a stack of S nets: images (S, B, n), weights (S, out, in), one generator of randomness a net. No
gradient flows through any of it. A synthetic image keeps the label of the image it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import fft, ndimage
from torch import Tensor

from reversible.base.checks import InputError, fraction, integer, one_of
from reversible.nets.net import Net
from reversible.nets.reversal import down

SCALES = ("norm", "theory")
GENERATIONS = ("transpose", "permuted", "gaussian", "noise")
BLUR = 1.0  # pixels: standard deviation of the Gaussian
LOW_PASS = 0.5  # share of the cosine frequencies that is kept, in each direction


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """How synthetic images are made, and how many."""

    source: int = 2  # hidden layer h_l they are generated from
    scale: str = "norm"  # each as long as the image it is made from; "theory": layer by layer the theory's alpha
    rho: float = 1.0  # sampling: retention of the generation's dropout, in every layer; 1 for none
    smoothing: str = "off"  # or a name in SMOOTHERS
    share: float = 1.0  # synthetic images for each real one
    start: int = 0  # steps without any, first
    generation: str = "transpose"  # what takes the place of the transposed matrices, the controls:
    # "permuted" the present entries, at random places drawn once; "gaussian" fresh Gaussian entries at every step;
    # "noise" no matrix at all: the image and Gaussian noise as long as the way from it to its synthetic image

    def __post_init__(self) -> None:
        clean: dict[str, object] = {
            "source": integer("source", self.source),
            "scale": one_of("scale", self.scale, SCALES),
            "rho": fraction("rho", self.rho),
            "smoothing": one_of("smoothing", self.smoothing, ("off", *SMOOTHERS)),
            "share": fraction("share", self.share),
            "start": integer("start", self.start, low=0),
            "generation": one_of("generation", self.generation, GENERATIONS),
        }
        for field, value in clean.items():
            object.__setattr__(self, field, value)


def _gaussian_blur(side: int) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter1d(np.eye(side), BLUR, axis=0, mode="nearest"))


def _low_pass(side: int) -> np.ndarray:
    kept = np.asarray(fft.dct(np.eye(side), axis=0, norm="ortho"))[: round(LOW_PASS * side)]
    return kept.T @ kept


SMOOTHERS: dict[str, Callable[[int], np.ndarray]] = {  # side -> K, (side, side): an image X becomes K X K^T
    "blur": _gaussian_blur,
    "lowpass": _low_pass,
}


def smoothed(x: Tensor, kernel: Tensor) -> Tensor:
    """Images (..., channels * side * side) as K X K^T, channel by channel, K (side, side)."""
    return (kernel @ x.unflatten(-1, (-1, *kernel.shape)) @ kernel.mT).flatten(-3)


@dataclass(frozen=True, eq=False)
class Generation:
    """Makes the synthetic images of a stack."""

    p: Shadow
    signed: bool  # images have entries below zero
    kernel: Tensor | None  # what smooths them
    places: tuple[Tensor, ...]  # of "permuted": where in a matrix each of its entries is taken from, (S, out * in)

    @classmethod
    def of(cls, p: Shadow, net: Net, side: int, signed: bool, fixed: Sequence[torch.Generator]) -> Generation:
        """For images of so many pixels a side; `fixed`, a generator a net, draws what stays the same for a run.

        Raises InputError where the net has no layer p.source.
        """
        hidden, device = len(net.weights) - 1, net.weights[0].device
        if p.source > hidden:
            raise InputError(f"source must be a hidden layer from h1 to h{hidden}, not h{p.source}")
        kernel = torch.from_numpy(SMOOTHERS[p.smoothing](side)).float().to(device) if p.smoothing != "off" else None
        permuted = net.weights[: p.source] if p.generation == "permuted" else ()
        places = (torch.stack([torch.randperm(A[0].numel(), generator=g) for g in fixed]) for A in permuted)
        return cls(p, signed, kernel, tuple(drawn.to(device) for drawn in places))

    def plain(self) -> Generation:
        """The same without sampling and smoothing: how a net is looked at."""
        return replace(self, p=replace(self.p, rho=1.0, smoothing="off"), kernel=None)

    @torch.no_grad()
    def __call__(self, net: Net, x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """x (S, B, n) -> x~ (S, B, n)."""
        h = net.up(x, self.p.source)[-1]
        back = down(self._matrices(net, generators), h, self.p.rho, generators, self.signed)
        if self.kernel is not None:
            back = smoothed(back, self.kernel)
        if self.p.scale == "norm":
            back = _as_long_as(x, back)
        if self.p.generation == "noise":
            back = x + _as_long_as(back - x, _normal(x, generators))
        return back

    def _matrices(self, net: Net, generators: Sequence[torch.Generator]) -> Sequence[Tensor]:
        matrices = net.weights[: self.p.source]
        if self.p.generation == "permuted":
            pairs = zip(matrices, self.places, strict=True)
            return [A.flatten(1).gather(1, places).view_as(A) for A, places in pairs]
        if self.p.generation == "gaussian":
            return [_normal(A, generators) for A in matrices]
        return matrices


def _normal(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    draws = [torch.randn(like.shape[1:], generator=g, device=like.device, dtype=like.dtype) for g in generators]
    return torch.stack(draws)


def _as_long_as(x: Tensor, other: Tensor) -> Tensor:
    """`other`, each row as long as that of `x`; a row of zeros stays one."""
    length, its = (torch.linalg.vector_norm(v, dim=-1, keepdim=True) for v in (x, other))
    return other * (length / its.where(its > 0, torch.ones_like(its)))
