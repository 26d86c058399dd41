"""The generative model and its inverse: sample codes and weights, generate down, infer up with the same weights.

Shapes: codes h (B, m), images x (B, n), weights W (n, m); a batch comes first, as in PyTorch. A PyTorch layer's
`weight` is (out, in) = (m, n): it is W^T here. Any device, any float type, randomness from an explicit generator only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reversible.base.checks import InputError, integer, one_of, positive, real


@dataclass(frozen=True)
class Codes:
    """The law D_h of codes: k nonzero entries at random places, their values i.i.d. from `law`.

    >>> Codes(law="uniform", low=0.5, high=1.5).second_moment
    1.0833333333333333
    """

    law: str = "uniform"  # binary: ones; uniform: on [low, high]; exponential: of mean one
    low: float = 0.5
    high: float = 1.5

    def __post_init__(self) -> None:
        one_of("codes", self.law, ("binary", "uniform", "exponential"))
        if not 0 <= real("low", self.low) <= positive("high", self.high):
            raise InputError(f"low must be a number from 0 to high = {self.high}, not {self.low!r}")

    def quantile(self, u: Tensor) -> Tensor:
        """The values' quantile function: u in [0, 1) to entries, elementwise."""
        if self.law == "binary":
            return torch.ones_like(u)
        return self.low + (self.high - self.low) * u if self.law == "uniform" else -torch.log1p(-u)

    @property
    def second_moment(self) -> float:
        """E v^2 of one nonzero entry."""
        uniform = (self.low**2 + self.low * self.high + self.high**2) / 3
        return {"binary": 1.0, "uniform": uniform, "exponential": 2.0}[self.law]

    def typical(self, k: int) -> Tensor:
        """The k nonzero entries of a code with no randomness left: the quantiles of (i - 1/2)/k, float64, (k,)."""
        return self.quantile((torch.arange(k, dtype=torch.float64) + 0.5) / k)

    def draw(self, batch: int, m: int, k: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Where `batch` independent codes of width m have their k nonzero entries, and their values (float64): (B, k).

        The values may be 0 where `low` is.
        """
        m = integer("m", m)
        k = integer("k", k, high=m)
        device = generator.device
        places = _largest(torch.rand(batch, m, generator=generator, device=device), k)
        return places, self.quantile(torch.rand(batch, k, generator=generator, device=device, dtype=torch.float64))

    def sample(self, batch: int, m: int, k: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        """`batch` independent codes, (batch, m), each with exactly k nonzero entries (at most k where `low` is 0)."""
        return spread(*self.draw(batch, m, k, generator), m, dtype)


def _largest(u: Tensor, k: int) -> Tensor:
    """`u.topk(k).indices`, in less than half the time where many rows have few of their numbers asked for: (B, k).

    In groups of eight, the k + 1 largest numbers of a row are in the k + 1 groups whose own largest are. Where numbers
    tie, topk's order is its own affair, and it is asked.

    >>> u = torch.rand(1000, 1024, generator=torch.Generator().manual_seed(0)).mul_(2000).round_()  # with many ties
    >>> bool((_largest(u, 8) == u.topk(8).indices).all())
    True
    """
    (rows, m), several = u.shape, 8
    if u.device.type != "cpu" or m % several or 32 * k > m or rows * m < 2**16:
        return u.topk(k).indices
    groups = u.view(rows, several, m // several)
    best = groups.amax(1).topk(k + 1, sorted=False).indices  # (B, k + 1), of groups
    few = groups.gather(2, best[:, None].expand(-1, several, -1)).flatten(1)  # (B, 8 (k + 1))
    values, found = few.topk(k + 1)
    group = best.gather(1, found % (k + 1))
    places = (found // (k + 1) * (m // several) + group)[:, :k].contiguous()
    tied = (values.diff() == 0).any(-1)
    places[tied] = u[tied].topk(k).indices
    return places


def spread(places: Tensor, values: Tensor, m: int, dtype: torch.dtype) -> Tensor:
    """Codes (B, m) that hold `values` (B, k) at `places` (B, k) and zero elsewhere."""
    return torch.zeros(len(places), m, dtype=dtype, device=places.device).scatter_(1, places, values.to(dtype))


def beta(h: Tensor) -> Tensor:
    """||h||_inf / ||h|| of each code, (B, m) -> (B,); the paper's D_h wants O(sqrt(ln k / k)) [notes]."""
    return h.amax(-1) / torch.linalg.vector_norm(h, dim=-1)


def _normal(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)


def _sign(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=generator.device).bernoulli_(0.5, generator=generator).mul_(2).sub_(1)


def _uniform(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=dtype, device=generator.device).sub_(0.5).mul_(math.sqrt(12))


def _sparse(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    kept = torch.empty(shape, dtype=dtype, device=generator.device).bernoulli_(0.1, generator=generator)
    return _normal(shape, generator, dtype).mul_(kept).mul_(math.sqrt(10))


def _student(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    chi2 = _normal(shape, generator, dtype).square_()
    for _ in range(2):
        chi2 += _normal(shape, generator, dtype).square_()
    return _normal(shape, generator, dtype).div_(chi2.sqrt_())  # t with 3 degrees, over its sd sqrt(3)


def _skewed(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=generator.device).exponential_(generator=generator).sub_(1)


def _orthogonal(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    if shape[0] < shape[1]:
        raise InputError(f"orthogonal columns need n >= m, not n = {shape[0]}, m = {shape[1]}")
    q, r = torch.linalg.qr(_normal(shape, generator, dtype))
    return q.mul_(torch.sign(torch.diagonal(r)) * math.sqrt(shape[0]))


def _correlated(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    steps = _normal((shape[0], shape[1] + 1), generator, dtype)
    return (steps[:, :-1] + steps[:, 1:]).div_(math.sqrt(2))


@dataclass(frozen=True)
class Family:
    """A law of weight matrices with zero mean and unit second moment an entry."""

    draw: Callable[[tuple[int, int], torch.Generator, torch.dtype], Tensor]
    words: str
    kurtosis: float  # E w^4, what the exact variance on the support needs
    rows_independent: bool = True


FAMILIES: dict[str, Family] = {
    "gaussian": Family(_normal, "i.i.d. N(0, 1)", 3.0),
    "sign": Family(_sign, "i.i.d. +1 or -1", 1.0),
    "uniform": Family(_uniform, "i.i.d. uniform", 1.8),
    "sparse": Family(_sparse, "i.i.d., nine in ten zero", 30.0),
    "student": Family(_student, "i.i.d. Student t, 3 degrees of freedom", math.inf),
    "skewed": Family(_skewed, "i.i.d. exponential less its mean", 9.0),
    "orthogonal": Family(_orthogonal, "orthogonal columns of length sqrt(n), Haar", 3.0, rows_independent=False),
    "correlated": Family(_correlated, "Gaussian, each column correlated by 1/2 with the next", 3.0),
}


def sample_weights(family: str, n: int, m: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """A weight matrix (n, m) of the named family; raises InputError for a name that is not in FAMILIES."""
    return FAMILIES[one_of("weights", family, FAMILIES)].draw((n, m), generator, dtype)


def dropout(x: Tensor, retention: float, generator: torch.Generator | None) -> Tensor:
    """x with each entry kept with probability `retention`, not rescaled: the paper's n_drop."""
    if retention == 1.0:
        return x
    return x * _kept(x, retention, generator)


def _kept(x: Tensor, retention: float, generator: torch.Generator | None) -> Tensor:
    """1 with probability `retention`, else 0, for each entry of x."""
    if retention < 1e-3:  # the grid of 2^-24 is too coarse for rare survivors alone
        return torch.empty_like(x).bernoulli_(retention, generator=generator)
    # On a CPU comparing uniform numbers takes a third of bernoulli_'s time, and comparing the last 24 bits of integers,
    # which is what uniform_ makes a float32 of, another fifth less.
    if x.dtype == torch.float32 and x.device.type == "cpu":
        drawn = torch.empty_like(x, dtype=torch.int32).random_(generator=generator)
        return drawn.bitwise_and_(2**24 - 1).lt_(_grid_below(retention))
    return torch.empty_like(x).uniform_(generator=generator).lt_(retention)


def _grid_below(retention: float) -> int:
    """How many of the numbers 0, 2^-24, 2 2^-24, ... are below the float32 that is next to `retention`."""
    return math.ceil(torch.tensor(retention, dtype=torch.float32).item() * 2**24)


def generate(W: Tensor, h: Tensor, alpha: float, rho: float, generator: torch.Generator | None = None) -> Tensor:
    """x = relu(alpha W h) * n_drop: W (n, m), h (B, m) -> (B, n) [notes]."""
    x = (h @ W.T).mul_(alpha).relu_()
    return x if rho == 1.0 else x.mul_(_kept(x, rho, generator))


def correlate(W: Tensor, x: Tensor, q: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """W^T x, what inference sees before the offset: x (B, n) -> (B, m); dropout that keeps q of x, scaled by 1/q."""
    return (dropout(x, q, generator).div_(q) if q < 1 else x) @ W


def infer(y: Tensor, offset: Tensor | float, estimate: str = "relu") -> Tensor:
    """h_hat from y = W^T x (B, m): relu(y + offset) as in the paper, "hard" y 1[y > -offset], or "linear" y."""
    if estimate == "linear":
        return y
    return (y + offset).relu_() if estimate == "relu" else y * (y > -offset)
