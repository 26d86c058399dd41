"""A convolution as a matrix and as torch's own, pooling that remembers places, and iterative hard thresholding.

Going up, h = W x: filter i at each of its shifts. Pooling keeps of each window the entry with the largest modulus and
the *switch*, its place. Going down, unpooling puts it back where it was, or at one fixed place, and x^ = W^T z. All of
it is linear but for what is kept, has no bias, and works in one dimension and in two.

    x (B, M, D) or (B, M, D1, D2)     h, z (B, K, n) or (B, K, n1, n2)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError, integer, one_of

Window = tuple[int, ...] | None  # of pooling, in entries; None: all shifts of a filter, as in the theory
SWITCHES = ("known", "fixed")  # where unpooling puts a maximum: where it was, or at the first place of its window
MOST_ENTRIES = 2**27  # of an explicit matrix


@dataclass(frozen=True, eq=False)
class Convolution:
    """Filters (K, M, l) or (K, M, l1, l2) that slide over an input of M channels in steps of `stride`.

    The input has `padding` zeros on each side, as torch has it; the theory has none.
    """

    filters: Tensor
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        if self.filters.dim() not in (3, 4):
            raise InputError(f"filters must be (K, M, l) or (K, M, l1, l2), not {tuple(self.filters.shape)}")
        integer("stride", self.stride)
        integer("padding", self.padding, low=0)

    @property
    def dims(self) -> int:
        """1 or 2."""
        return self.filters.dim() - 2

    def shifts(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """How many places a filter has on an input of `size`, along each axis: n = (D + 2 padding - l) / t + 1."""
        if len(size) != self.dims:
            raise InputError(f"an input must have {self.dims} axes beside its channels, not the size {size}")
        room = [
            D + 2 * self.padding - taps for D, taps in zip(size, self.filters.shape[2:], strict=True)
        ]  # along each axis
        if min(room) < 0:
            raise InputError(f"filters of {tuple(self.filters.shape[2:])} do not fit into an input of {size}")
        return tuple(left // self.stride + 1 for left in room)

    def up(self, x: Tensor) -> Tensor:
        """W x, by torch's convolution: (B, M, ...) -> (B, K, ...)."""
        self.shifts(tuple(x.shape[2:]))
        run: Callable[..., Tensor] = (functional.conv1d, functional.conv2d)[self.dims - 1]
        return run(x, self.filters, stride=self.stride, padding=self.padding)

    def down(self, z: Tensor, size: tuple[int, ...]) -> Tensor:
        """W^T z for inputs of `size`, by torch's transposed convolution: (B, K, ...) -> (B, M, ...)."""
        if tuple(z.shape[2:]) != self.shifts(size):
            raise InputError(f"z must have {self.shifts(size)} places for inputs of {size}, not {tuple(z.shape[2:])}")
        reached = [(n - 1) * self.stride + taps for n, taps in zip(z.shape[2:], self.filters.shape[2:], strict=True)]
        left = [D + 2 * self.padding - end for D, end in zip(size, reached, strict=True)]
        run: Callable[..., Tensor] = (functional.conv_transpose1d, functional.conv_transpose2d)[self.dims - 1]
        return run(z, self.filters, stride=self.stride, padding=self.padding, output_padding=left)

    def matrix(self, size: tuple[int, ...]) -> Tensor:
        """W itself, (K n, M D): rows filter by filter, in each shift by shift; columns channel by channel."""
        shifts = self.shifts(size)
        K, M = self.filters.shape[:2]
        rows, columns = K * math.prod(shifts), M * math.prod(size)
        if rows * columns > MOST_ENTRIES:
            raise InputError(f"an explicit matrix may have {MOST_ENTRIES} entries, and {rows} x {columns} are more")
        padded = [D + 2 * self.padding for D in size]
        W = self.filters.new_zeros((K, *shifts, M, *padded))
        for shift in itertools.product(*map(range, shifts)):
            corner = [s * self.stride for s in shift]
            window = tuple(slice(c, c + taps) for c, taps in zip(corner, self.filters.shape[2:], strict=True))
            W[(slice(None), *shift, slice(None), *window)] = self.filters
        inside = tuple(slice(self.padding, self.padding + D) for D in size)
        return W[(..., *inside)].reshape(rows, columns)

    def with_unit_rows(self) -> Convolution:
        """Every filter divided by its length, as `unit_rows` does."""
        return replace(self, filters=unit_rows(self.filters))


def unit_rows(filters: Tensor) -> Tensor:
    """Filters (K, ...) divided by their lengths; one that is all zeros stays so in double precision, not in single."""
    lengths = filters.flatten(1).norm(dim=1).clamp_min(1e-300).to(filters.dtype)
    return filters / lengths.view(-1, *[1] * (filters.dim() - 1))


# --- pooling and unpooling --------------------------------------------------------------------------------------------


def pool(h: Tensor, window: Window = None) -> tuple[Tensor, Tensor]:
    """Of each window the entry with the largest modulus, and its place among the entries of its map, as torch counts.

    Windows lie side by side; what is left over at the far edge is in none.
    """
    window = _window(h, window)
    run: Callable[..., Any] = (functional.max_pool1d, functional.max_pool2d)[len(window) - 1]
    _, places = run(h.abs(), window, return_indices=True)
    return h.flatten(2).gather(2, places.flatten(2)).view(places.shape), places


def unpool(values: Tensor, places: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps of `size` that are zero but for `values` at `places`."""
    flat = values.new_zeros((*values.shape[:2], math.prod(size)))
    return flat.scatter_(2, places.flatten(2), values.flatten(2)).view(*values.shape[:2], *size)


def first_places(places: Tensor, size: tuple[int, ...], window: Window = None) -> Tensor:
    """The first entry of each window, in the shape of the switches `places`: the same for every map."""
    window = size if window is None else window
    axes = [torch.arange(n) * step for n, step in zip(places.shape[2:], window, strict=True)]
    first = axes[0] if len(size) == 1 else axes[0][:, None] * size[1] + axes[1]
    return first.to(places.device).expand_as(places)


def sparsify(z: Tensor, k: int | None) -> Tensor:
    """z with its k entries of largest modulus in each example, the others zero; all of them if None."""
    if k is None:
        return z
    flat = z.flatten(1)
    kept = flat.abs().topk(integer("k", k, high=flat.shape[1]), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, kept, flat.gather(1, kept)).view(z.shape)


def project(h: Tensor, k: int | None = None, window: Window = None, switches: str = "known") -> Tensor:
    """M(h, k): pooled, put back by the switches, the k largest kept. With known ones and the whole window it is the
    nearest block-sparse vector to h.

    >>> project(torch.tensor([[[1.0, -3.0], [2.0, 0.5], [0.1, 0.2]]]), k=2).tolist()
    [[[0.0, -3.0], [2.0, 0.0], [0.0, 0.0]]]
    """
    values, places = pool(h, window)
    if one_of("switches", switches, SWITCHES) == "fixed":
        places = first_places(places, tuple(h.shape[2:]), window)
    return sparsify(unpool(values, places, tuple(h.shape[2:])), k)


def _window(h: Tensor, window: Window) -> tuple[int, ...]:
    size = tuple(h.shape[2:])
    if len(size) not in (1, 2):
        raise InputError(f"h must be (B, K, n) or (B, K, n1, n2), not {tuple(h.shape)}")
    if window is None:
        return size
    if len(window) != len(size) or any(not 1 <= w <= n for w, n in zip(window, size, strict=True)):
        raise InputError(f"a pooling window of {window} does not fit maps of {size}")
    return window


# --- iterative hard thresholding --------------------------------------------------------------------------------------

Kept = Callable[[Tensor], Tensor]


def step(layer: Convolution, x: Tensor, z: Tensor, kept: Kept) -> Tensor:
    """One step of iterative hard thresholding for x = W^T z: kept(z + W (x - W^T z)). From z = 0 it is kept(W x)."""
    return kept(z + layer.up(x - layer.down(z, tuple(x.shape[2:]))))


def iterates(layer: Convolution, x: Tensor, kept: Kept, steps: int) -> list[Tensor]:
    """The codes z_1, ..., z_steps of `step` from z_0 = 0: the first one is the layer itself."""
    z = kept(layer.up(x))
    found = [z]
    for _ in range(integer("steps", steps) - 1):
        z = step(layer, x, z, kept)
        found.append(z)
    return found
