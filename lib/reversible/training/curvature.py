"""The curvature of a loss and the noise of its gradients at given weights, without a matrix of all weights.

The D weights of a net stand in one row, w (D,), and the loss of each of N samples is a function of w: `Landscape`.
H (D, D) is the Hessian of the mean loss, and Sigma (D, D) the covariance of the gradients of single samples, so that a
batch of B samples drawn with replacement has noise of the covariance Sigma / B. Neither is ever formed: H is what it
makes of a vector, and a vector of covariance Sigma is one gradient, that of the losses with random factors. The most
that is held is the graph of one gradient over all samples, and for `gradients` a block of `chunk` rows of D numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vjp, vmap
from torch.nn import functional

from reversible.base.checks import InputError, integer
from reversible.base.estimates import Estimate
from reversible.nets.net import Net

Vector = Callable[[Tensor], Tensor]
LANCZOS = 1e-4  # relative accuracy of a top eigenvalue


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss of each sample as a function of all weights, at some weights."""

    of_one: Callable[..., Tensor]  # weights (D,), then a sample's part of each of `samples` -> its loss ()
    of_all: Vector  # weights (D,) -> the loss of each sample (N,)
    weights: Tensor  # (D,)
    samples: tuple[Tensor, ...]  # each (N, ...)

    @property
    def size(self) -> int:
        """D, the number of weights."""
        return len(self.weights)

    @property
    def count(self) -> int:
        """N, the number of samples."""
        return len(self.samples[0])

    # --- what acts on vectors -----------------------------------------------------------------------------------------

    @cached_property
    def _pull(self) -> Callable[[Tensor], Tensor]:
        """A factor for each sample (N,) -> the gradient of the sum of the losses times their factors (D,)."""
        pulled = vjp(self.of_all, self.weights)[1]
        return lambda factors: pulled(factors)[0]

    @cached_property
    def hessian_times(self) -> Vector:
        """v (D,) -> H v: the graph of the gradient is made once, and each product is one pass back through it."""
        return hessian_product(lambda w: self.of_all(w).mean(), self.weights)

    def gradient(self) -> Tensor:
        """Of the mean loss, (D,)."""
        return self._pull(torch.full((self.count,), 1 / self.count, dtype=self.weights.dtype))

    def noise(self, factors: Tensor) -> Tensor:
        """Independent factors (N,) of mean zero and variance one -> a vector (D,) of mean zero and covariance Sigma.

        It is the sum of (f_i - mean f) g_i over sqrt(N); g_i is the gradient of sample i.
        """
        return self._pull((factors - factors.mean()) / math.sqrt(self.count))

    # --- what is read off them ----------------------------------------------------------------------------------------

    def gradients(self, chunk: int = 64) -> Iterator[Tensor]:
        """The gradient of each sample: blocks of at most `chunk` rows of D numbers."""
        for parts in zip(*(part.split(chunk) for part in self.samples), strict=True):
            yield per_sample(self.of_one, self.weights, *parts)

    def trace_of_noise(self) -> float:
        """Tr Sigma: the mean squared length of a sample's gradient less that of the mean gradient; exact."""
        squares = sum(float(block.square().sum(dtype=torch.float64)) for block in self.gradients())
        return squares / self.count - float(self.gradient().double().square().sum())

    def top(self, count: int = 1) -> np.ndarray:
        """The largest eigenvalues of H, falling (count,)."""
        return top_eigenvalues(self.hessian_times, self.weights, count)[0]


def hessian_product(loss: Callable[[Tensor], Tensor], weights: Tensor) -> Vector:
    """v -> H v for the Hessian of `loss` at `weights` (D,), which is a function of one row of weights."""
    product = vjp(grad(loss), weights)[1]
    return lambda v: product(v)[0]


def per_sample(of_one: Callable[..., Tensor], weights: Any, *samples: Tensor) -> Any:
    """The gradient of each sample's loss, all at once: `weights` in any shape, with a first axis for the samples."""
    return vmap(grad(of_one), in_dims=(None, *(0 for _ in samples)))(weights, *samples)


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def top_eigenvalues(product: Vector, like: Tensor, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (count,), falling, and their vectors (D, count), of a symmetric matrix, by Lanczos.

    `like` (D,) says how long a vector is and of which kind. Deterministic: it starts at one fixed random vector.
    InputError for a product that is not finite, and where Lanczos does not converge.
    """
    size = len(like)
    integer("count", count, high=max(1, size - 1))

    def times(v: np.ndarray) -> np.ndarray:
        made = product(torch.from_numpy(np.array(v, float).ravel()).to(like)).double().numpy()
        if not np.isfinite(made).all():
            raise InputError("the Hessian must be finite at these weights, and it is not")
        return made

    start = np.random.default_rng(0).standard_normal(size)
    if size == 1:
        return times(np.ones(1)), np.ones((1, 1))
    operator = LinearOperator((size, size), matvec=times, dtype=float)  # pyright: ignore[reportCallIssue]
    try:
        values, vectors = eigsh(
            operator, k=count, which="LA", v0=start, tol=LANCZOS,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
    except ArpackError as error:
        raise InputError(f"the top curvature must be found by Lanczos, and it is not: {error}") from None
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


# --- the indicator ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Indicator:
    """Of a net at its present weights, by random vectors: an interval is for more of them, with the same samples."""

    of_noise: Estimate  # Tr(H Sigma)
    curvature: Estimate  # Tr H
    noise: float  # Tr Sigma
    size: int  # D

    @property
    def over_isotropic(self) -> Estimate:
        """Tr(H Sigma) over Tr(H) Tr(Sigma) / D, which isotropic noise of equal trace has.

        InputError where Tr H is not above zero beyond its interval, or there is no noise: then there is no such ratio.
        """
        if self.curvature.ci95[0] <= 0 or self.noise <= 0:
            raise InputError(
                f"Tr H and Tr Sigma must be above zero for their ratio, not {self.curvature} and {self.noise:.3g}"
            )
        high = 1 / self.curvature.ci95[0], 1 / self.curvature.ci95[1]
        factor = self.size / self.noise
        off = (high[0] - high[1]) / 2 * self.curvature.mean  # relative, half the width
        mean = factor * self.of_noise.mean / self.curvature.mean
        half = abs(mean) * math.hypot(off, self.of_noise.half_width / (abs(self.of_noise.mean) or 1.0))
        return Estimate(mean, (mean - half, mean + half), self.of_noise.n)


def indicator(landscape: Landscape, vectors: int, generator: torch.Generator) -> Indicator:
    """Tr(H Sigma), Tr H and Tr Sigma: one gradient and two products with H for each of so many random vectors.

    E v^T H v is Tr(H Sigma) for `Landscape.noise` v, and Tr H for a v of random signs (Hutchinson 1990).
    """
    integer("vectors", vectors, low=2)
    of_noise, curvature = [], []
    for _ in range(vectors):
        v = landscape.noise(_signs(landscape.count, landscape.weights, generator))
        of_noise.append(float(v.double() @ landscape.hessian_times(v).double()))
        v = _signs(landscape.size, landscape.weights, generator)
        curvature.append(float(v.double() @ landscape.hessian_times(v).double()))
    return Indicator(Estimate.of(of_noise), Estimate.of(curvature), landscape.trace_of_noise(), landscape.size)


def _signs(count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(2, (count,), generator=generator).to(like).mul_(2).sub_(1)


# --- both as matrices, for small nets ---------------------------------------------------------------------------------

SMALL = 2000  # weights: such a matrix has 32 MB


def matrices(landscape: Landscape) -> tuple[Tensor, Tensor]:
    """H and Sigma themselves, each (D, D), of a net with at most SMALL weights; InputError for a larger one."""
    if landscape.size > SMALL:
        raise InputError(f"a covariance must be of at most {SMALL} weights to be formed, not {landscape.size}")
    H = jacrev(grad(lambda w: landscape.of_all(w).mean()), chunk_size=16)(landscape.weights)
    rows = torch.cat([*landscape.gradients(256)])  # (N, D)
    rows = rows - rows.mean(0)
    return (H + H.T) / 2, rows.T @ rows / len(rows)


# --- nets -------------------------------------------------------------------------------------------------------------


def of_net(net: Net, x: Tensor, labels: Tensor) -> Landscape:
    """Of one `Net` and the cross entropy of samples x (N, n) with labels (N,)."""
    values = [*net.weights, *net.biases]
    layers = len(net.weights)

    def logits(w: Tensor, x: Tensor) -> Tensor:
        parts = _parts(w, values)
        return Net(tuple(parts[:layers]), tuple(parts[layers:])).logits(x)

    return _classified(logits, _row(values), x, labels)


def of_module(model: nn.Module, x: Tensor, labels: Tensor) -> Landscape:
    """Of a module that gives logits (N, classes), as it is in evaluation; its parameters that need a gradient."""
    named = {name: value.detach() for name, value in model.named_parameters() if value.requires_grad}
    values, names = list(named.values()), list(named)

    def logits(w: Tensor, x: Tensor) -> Tensor:
        parts: Mapping[str, Tensor] = dict(zip(names, _parts(w, values), strict=True))
        return functional_call(model, dict(parts), (x,))

    return _classified(logits, _row(values), x, labels)


def _classified(logits: Callable[[Tensor, Tensor], Tensor], w: Tensor, x: Tensor, labels: Tensor) -> Landscape:
    def of_all(w: Tensor) -> Tensor:
        return functional.cross_entropy(logits(w, x), labels, reduction="none")

    def of_one(w: Tensor, one: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(logits(w, one[None]), label[None])

    return Landscape(of_one, of_all, w, (x, labels))


def _row(values: list[Tensor]) -> Tensor:
    return torch.cat([value.detach().reshape(-1) for value in values])


def _parts(w: Tensor, like: list[Tensor]) -> list[Tensor]:
    parts = w.split([value.numel() for value in like])
    return [part.view(value.shape) for part, value in zip(parts, like, strict=True)]
