"""Signal and noise on their way through random nets, many nets side by side, and their moments at each layer.

A stack of S nets carries y (S, 2B, n): B images of a batch, and below them the B changes that go through the same
weights to first order: an activation multiplies a change by its slope, and batch normalisation divides it by the
standard deviation of the signal, as the author's code has both. Weights are drawn, used and dropped.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.base.runtime import trial_generator
from reversible.data import load

EPS = 0.001  # what batch normalisation adds to a variance, as in the author's code
POOL = 10_000  # images that batches are drawn from
APART = 16  # layers after which noise is scaled back, long before a float is full
ACTIVATIONS: Mapping[str, float] = {"relu": 2.0, "linear": 1.0, "tanh": 1.0}  # and n var(W), which keeps sizes
IMAGES, FIRST, DEEP, STREAMS = 0, 1, 2, 3  # a net's streams of random numbers


@dataclass(eq=False)
class Signals:
    """What goes through a stack of nets."""

    y: Tensor  # (S, 2B, n) float32, changed in place
    scale: Tensor  # (S,) float64: log of what nu_2 of the noise was divided by so far
    draw: list[torch.Generator]  # of weights, a generator a net

    @classmethod
    def of(cls, data: str, batch: int, width: int, nets: int, seed: int) -> Signals:
        """Random images with standardised pixels and standard normal noise, behind one layer of variance 1/inputs.

        Raises InputError for more images than there are, and `data.NotAtHand`.
        """
        pixels = standardised(data)
        if not 2 <= batch <= len(pixels):
            raise InputError(f"batch must be an integer from 2 to {len(pixels)}, the images there are, not {batch}")
        first, deep = _generators(seed, nets, FIRST), _generators(seed, nets, DEEP)
        chosen = [torch.randperm(len(pixels), generator=g)[:batch] for g in _generators(seed, nets, IMAGES)]
        x = torch.stack([pixels[places] for places in chosen])  # (S, B, inputs)
        noise = torch.stack([torch.randn(x.shape[1:], generator=g) for g in first])
        W = torch.stack([torch.randn(x.shape[2], width, generator=g) for g in first]) / math.sqrt(x.shape[2])
        return cls(torch.cat([x, noise], 1) @ W, torch.zeros(nets, dtype=torch.float64), deep)

    @property
    def signal(self) -> Tensor:
        """(S, B, n), a view."""
        return self.y[:, : self.y.shape[1] // 2]

    @property
    def noise(self) -> Tensor:
        """(S, B, n), a view; times exp(scale / 2) it is what it would be."""
        return self.y[:, self.y.shape[1] // 2 :]

    # --- what layers do -----------------------------------------------------------------------------------------------

    def weigh(self, size: float = 2.0) -> None:
        """Dense layers of fresh Gaussian weights of variance size / n."""
        nets, _, n = self.y.shape
        W = torch.empty(nets, n, n)
        for one, generator in zip(W, self.draw, strict=True):
            torch.randn(n, n, generator=generator, out=one)
        self.y = torch.bmm(self.y, W.mul_(math.sqrt(size / n)))

    def normalise(self) -> tuple[Tensor, Tensor]:
        """Batch normalisation; returns mu_2 of the signal before it and after it, (S,) each."""
        variance, mean = _variance_and_mean(self.signal)  # (S, 1, n)
        factor = (variance + EPS).rsqrt_()
        self.y *= factor
        self.signal.sub_(mean.mul_(factor))
        return variance.mean((1, 2)), (variance * factor.square()).mean((1, 2))

    def activate(self, activation: str) -> None:
        """ReLU, tanh, or none."""
        if activation == "relu":
            self.noise.mul_(self.signal > 0)
            self.signal.relu_()
        elif activation == "tanh":
            self.signal.tanh_()
            self.noise.mul_(1 - self.signal.square())

    def rescale(self) -> None:
        """Bring the noise back to nu_2 = 1, and remember by what."""
        size = self.size_of_noise()
        self.noise.mul_(size.rsqrt()[:, None, None].float())
        self.scale += size.log()

    # --- what is looked at --------------------------------------------------------------------------------------------

    def size_of_noise(self) -> Tensor:
        """nu_2 of the noise as it is scaled, (S,) float64."""
        return self.noise.square().mean((1, 2)).double()

    def spread(self) -> Tensor:
        """mu_2 of the signal, (S,) float64."""
        return _variance_and_mean(self.signal)[0].double().mean((1, 2))

    def log_chi_square(self) -> Tensor:
        """log of nu_2 of the noise over mu_2 of the signal, (S,) float64."""
        return self.size_of_noise().log() + self.scale - self.spread().log()


def _variance_and_mean(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel over the batch, (S, 1, n): in steps that run along memory, a tenth of torch.var_mean's time."""
    mean = x.mean(1, keepdim=True)
    return (x - mean).square_().mean(1, keepdim=True), mean


def _generators(seed: int, nets: int, stream: int) -> list[torch.Generator]:
    return [trial_generator(seed, STREAMS * net + stream) for net in range(nets)]


@functools.lru_cache(maxsize=3)
def standardised(data: str) -> Tensor:
    """The first POOL training images of a set, each pixel with mean 0 and variance 1; constant pixels are 0."""
    x = load(data, train=True).take(slice(POOL)).scaled()
    variance, mean = torch.var_mean(x, 0, correction=0)
    return (x - mean) * torch.where(variance > 1e-12, variance.clamp_min(1e-12).rsqrt(), 0.0)


# --- moments ----------------------------------------------------------------------------------------------------------


def effective_rank(x: Tensor) -> Tensor:
    """Tr C / ||C|| of the covariance C over a batch: (S, B, n) -> (S,), from 1 to B - 1; InputError for a constant."""
    values = spectra(x)
    if not bool((values[:, -1] > 0).all()):
        raise InputError("a signal must differ between the images of a batch to have an effective rank")
    return values.sum(1) / values[:, -1]


def spectra(x: Tensor) -> Tensor:
    """Eigenvalues of the covariance over a batch: rising, of B inner products, (S, B) float64."""
    centred = (x - x.mean(1, keepdim=True)).double()
    return torch.linalg.eigvalsh(centred @ centred.mT / x.shape[1]).clamp_min(0)


def kurtosis(x: Tensor) -> Tensor:
    """mu_4 over the square of mu_2, both averaged over channels: (S, B, n) -> (S,); 3 for a Gaussian."""
    squares = (x - x.mean(1, keepdim=True)).double().square()
    return squares.square().mean((1, 2)) / squares.mean((1, 2)).square()


def square_of_mean_modulus(z: Tensor) -> Tensor:
    """nu_1 of |z| over a batch, squared, averaged over channels: (S, B, n) -> (S,) float64."""
    return z.abs().mean(1).square().mean(1).double()
