"""Is a given net reversible with its own transposed weights? Its codes sent down again, and up, and compared.

A layer's matrix A is (m, n) = (out, in), as PyTorch has it: the paper's W is A^T. The net infers h = relu(A x + b); the
generative model of the theory is x~ = relu(alpha A^T h) * n_drop with the same A. What A^T has that is A's own is told
from controls: the way down with another matrix, of the same size or the same entries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import fraction, one_of
from reversible.nets.net import Net
from reversible.random_nets import model
from reversible.spectra import bulk


def theory_scale(A: Tensor, rho: float) -> Tensor:
    """alpha = 2 m / (rho ||A||_F^2) for A (m, n): 2 / (rho n v), v the mean squared entry [ours]. 0 where A is zero.

    Of one matrix (1, 1), of a stack (S, 1, 1).

    >>> theory_scale(torch.ones(3, 8), 0.5).item()
    0.5
    """
    energy = A.square().sum((-2, -1), keepdim=True)
    return torch.where(energy > 0, 2 * A.shape[-2] / (fraction("rho", rho) * energy), 0.0)


def thinned(x: Tensor, retention: float, generators: Sequence[torch.Generator]) -> Tensor:
    """x with each entry kept with probability `retention`, not rescaled; a generator for each net of a stack."""
    if retention == 1:
        return x
    parts = zip(x.view(len(generators), -1), generators, strict=True)
    return torch.stack([model.dropout(part, retention, generator) for part, generator in parts]).view_as(x)


def down(
    matrices: Sequence[Tensor], h: Tensor, rho: float, generators: Sequence[torch.Generator] = (), signed: bool = False
) -> Tensor:
    """The generative model from the code h (B, m_l) of layer l down to x~ (B, n), through `matrices` A_1, ..., A_l.

    Each step is h~ -> relu(alpha A^T h~) * n_drop with the theory's scale of that matrix and retention rho. `signed`
    images have entries below zero: the last step then has no ReLU, nor the factor 2 that undoes the ReLU's half.
    Of a stack h is (S, B, m_l), and there are S `generators`.
    """
    for place, A in reversed(list(enumerate(matrices))):
        h = theory_scale(A, rho) * (h @ A)
        h = thinned(h / 2 if signed and place == 0 else torch.relu(h), rho, generators)
    return h


def _permuted(A: Tensor, generator: torch.Generator) -> Tensor:
    return A.flatten()[torch.randperm(A.numel(), generator=generator)].view_as(A)


def _gaussian(A: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(A.shape, generator=generator) * A.std(correction=0) + A.mean()


def _pseudo_inverse(A: Tensor, generator: torch.Generator) -> Tensor:
    """pinv(A)^T, times the number that makes the theory's scale undo it: at rho = 1 `down` uses pinv(A) itself."""
    P = torch.linalg.pinv(A.double()).T
    return (P * (2 * len(P) / P.square().sum())).float()


def _split(part: int) -> Callable[[Tensor, torch.Generator], Tensor]:
    """The bulk (0) or the spikes (1) of A without rows and columns of zeros, which pruning leaves and no law knows."""

    def kept(A: Tensor, generator: torch.Generator) -> Tensor:
        whole = np.zeros(A.shape)
        used = np.ix_(A.any(1).numpy(), A.any(0).numpy())
        whole[used] = bulk.split(A.double().numpy()[used])[part]
        return torch.from_numpy(whole).float()

    return kept


REPLACEMENTS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "transpose": lambda A, generator: A,
    "permuted": _permuted,  # the same entries in random order
    "gaussian": _gaussian,  # Gaussian entries of the same mean and standard deviation
    "pseudo-inverse": _pseudo_inverse,  # what linear algebra would undo A with
    "bulk": _split(0),  # A without its spikes
    "spikes": _split(1),  # A's spikes alone; zero where it has none
}
RANDOM = ("permuted", "gaussian")


def replaced(A: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """The matrix (m, n) that takes the place of A (m, n); `how` is one of REPLACEMENTS, or InputError is raised.

    `generator` is used by those in RANDOM only.
    """
    return REPLACEMENTS[one_of("generation", how, REPLACEMENTS)](A, generator)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Codes h and what came back, h_hat, image by image; an empty code h counts as lost: cosine 0, error 1."""

    cosine: Tensor  # (B,) float64, as all
    centred: Tensor  # the cosine of h and h_hat less their means over the images: what all codes have in common is out
    relative_error: Tensor  # ||h_hat - h||^2 / ||h||^2
    scaled_error: Tensor  # the same of scale * h_hat
    scale: float  # one number for all images: the one with the least mean scaled_error
    support: Tensor  # nonzero entries of h,
    support_back: Tensor  # of h_hat,
    support_shared: Tensor  # of both


def compare(h: Tensor, h_hat: Tensor) -> Comparison:
    """Set codes h (B, m) beside h_hat (B, m)."""
    h, h_hat = h.double(), h_hat.double()
    energy, full = h.square().sum(-1), h.any(-1)
    lengths = energy.where(full, torch.ones_like(energy))
    unit, back = h / lengths.sqrt()[:, None], h_hat / lengths.sqrt()[:, None]
    product, square = (unit * back).sum(-1), back.square().sum(-1)
    scale = float(product.sum() / square[full].sum()) if square[full].any() else 0.0

    def error(by: float) -> Tensor:
        return (unit - by * back).square().sum(-1).where(full, torch.ones_like(energy))

    on, on_back = h != 0, h_hat != 0
    return Comparison(
        cosine=product / square.sqrt().where(square > 0, torch.ones_like(square)),
        centred=torch.cosine_similarity(h - h.mean(0), h_hat - h_hat.mean(0), dim=-1),
        relative_error=error(1.0),
        scaled_error=error(scale),
        scale=scale,
        support=on.sum(-1).double(),
        support_back=on_back.sum(-1).double(),
        support_shared=(on & on_back).sum(-1).double(),
    )


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """Images x, their codes h of a layer, and what became of both on the way down and up again."""

    codes: Comparison  # h and the code that comes back
    others: Comparison  # h and the code that comes back of another image: what all codes have in common
    inputs: Comparison  # x and the images x~ that h makes
    same_class: Tensor  # (B,) bool: the net gives x~ the class that it gives x


def round_trip(
    net: Net, matrices: Sequence[Tensor], x: Tensor, rho: float = 1.0, generators: Sequence[torch.Generator] = (),
    signed: bool = False,
) -> RoundTrip:  # fmt: skip
    """Images x (B, n) up to the layer that `matrices` reach down from, down through these, and up through the net.

    `rho`, `generators` and `signed` are those of `down`.
    """
    layer = len(matrices)
    h = net.up(x, layer)[-1]  # (B, m)
    x_back = down(matrices, h, rho, generators, signed)  # (B, n)
    h_back = net.up(x_back, layer)[-1]  # (B, m)
    same_class = net.logits(x).argmax(-1) == net.logits(x_back).argmax(-1)
    return RoundTrip(compare(h, h_back), compare(h, h_back.roll(1, 0)), compare(x, x_back), same_class)
