"""Is u -> u + A r(u) one-to-one and onto? Three nested conditions on I + A, the last of which is exact.

r is the ReLU. On the orthant where the units S are positive the map is I + A D_S, and its determinant is the principal
minor of I + A on S. It is a bijection of R^h exactly if all 2^h - 1 principal minors are positive, that is if I + A is
a P-matrix (Samelson, Thrall and Wesler 1958). ||A|| < 1 implies I + (A + A^T) / 2 > 0, which implies P. All float64.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from reversible.base.checks import InputError

LARGEST_H = 20  # units, in the exact test: it takes about 4 * 2^h multiplications a matrix
CLOSE = 1e-9  # a pivot, or another distance from a condition's edge, that rounding could turn; over the largest entry
MOST_NUMBERS = 2**22  # held at a time by the exact test


def square(name: str, A: object, largest: int | None = None) -> np.ndarray:
    """`A` as float64 (..., h, h); InputError for another shape, for h above `largest`, for nan and infinity."""
    matrix = numbers(name, A)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or not matrix.shape[-1]:
        raise InputError(f"{name} must be a square matrix, h x h, not of shape {matrix.shape}")
    if largest and matrix.shape[-1] > largest:
        raise InputError(f"h must be at most {largest} for the exact test of all minors, not {matrix.shape[-1]}")
    return matrix


def numbers(name: str, values: object) -> np.ndarray:
    """A copy as float64, of an array, a tensor or nested lists; InputError for what holds no real, finite numbers."""
    try:
        array = np.array(_of_tensor(values) if isinstance(values, Tensor) else values)
        if array.dtype.kind not in "fiu":
            raise ValueError
        array = array.astype(float)
    except (TypeError, ValueError, RuntimeError):
        shown = f"{type(values).__name__} {values!r}".splitlines()[0][:60]
        raise InputError(f"{name} must hold real numbers, not the {shown}") from None
    if bad := array.size - int(np.isfinite(array).sum()):
        raise InputError(f"{name} must hold finite numbers, and {bad} of {array.size} are not")
    return array


def _of_tensor(values: Tensor) -> np.ndarray:
    plain = values.detach().cpu()
    return (plain.double() if plain.is_floating_point() else plain).numpy()


# --- the two conditions that are quick to see, and sufficient ---------------------------------------------------------


def norm(A: np.ndarray) -> np.ndarray:
    """||A||, the largest singular value, of (..., h, h). Below 1 the plain iteration contracts."""
    return np.linalg.norm(A, 2, axis=(-2, -1))


def monotonicity(A: np.ndarray) -> np.ndarray:
    """The least eigenvalue of I + (A + A^T) / 2, of (..., h, h). Above 0 the map's inverse is found by damping."""
    return 1 + np.linalg.eigvalsh((A + np.swapaxes(A, -1, -2)) / 2)[..., 0]


# --- the exact condition ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pivots:
    """What decides whether matrices M (B, h, h) are P-matrices."""

    smallest: np.ndarray  # (B,): the least of the pivots; M is P where it is positive
    where: np.ndarray  # (B, h): the units S of the minor that this pivot belongs to, as a mask
    scale: np.ndarray  # (B,): the largest entry of M in magnitude, 1 at least

    @property
    def is_p(self) -> np.ndarray:
        return self.smallest > 0

    @property
    def is_clear(self) -> np.ndarray:
        """Whether the answer is one that rounding could not have turned."""
        return np.abs(self.smallest) > CLOSE * self.scale


def pivots(M: object) -> Pivots:
    """Every principal minor of M (B, h, h), or of one M (h, h), judged through Schur complements.

    M is P exactly if its first entry m is positive and both M without its first row and column and the Schur complement
    M / m are P (Tsatsomeros and Li 2000). Taken to the end that is 2^h - 1 pivots, each the minor on some S with last
    unit k over the minor on S without k. Below a pivot that is not positive nothing more is asked.

    >>> pivots([[1.0, 2.0], [3.0, 1.0]]).is_p, pivots([[1.0, -2.0], [3.0, 1.0]]).is_p
    (array([False]), array([ True]))

    Raises InputError for another shape, for h above LARGEST_H and for what is not finite.
    """
    matrices = square("M", M, LARGEST_H)
    matrices = matrices[None] if matrices.ndim == 2 else matrices
    h = matrices.shape[-1]
    at_a_time = max(1, MOST_NUMBERS // 2 ** (h + 2))
    parts = [_pivots(matrices[at : at + at_a_time]) for at in range(0, max(1, len(matrices)), at_a_time)]
    return Pivots(*(np.concatenate(same) for same in zip(*parts, strict=True)))


def _pivots(M: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count, h, _ = M.shape
    scale = np.maximum(1.0, np.abs(M).max((1, 2)))
    smallest, node, last = np.full(count, np.inf), np.zeros(count, int), np.zeros(count, int)
    blocks = M[:, None]  # (B, 2^k, h - k, h - k): one block for each choice among the first k units
    dead = np.zeros((count, 1), bool)  # choices below a pivot that is not positive
    for unit in range(h):
        pivot = np.where(dead, np.inf, blocks[..., 0, 0])  # (B, 2^k)
        at = pivot.argmin(1)
        found = pivot[np.arange(count), at]
        smaller = found < smallest
        smallest = np.where(smaller, found, smallest)
        node, last = np.where(smaller, at, node), np.where(smaller, unit, last)
        ends = pivot <= CLOSE * scale[:, None]
        over = np.where(ends | dead, 0.0, 1 / np.where(ends | dead, 1.0, pivot))[..., None, None]
        without = blocks[..., 1:, 1:]
        complement = without - blocks[..., 1:, :1] * (blocks[..., :1, 1:] * over)
        blocks, dead = np.concatenate([without, complement], 1), np.concatenate([dead, dead | ends], 1)
    units = np.arange(h)
    where = ((node[:, None] >> units) & 1).astype(bool) & (units < last[:, None]) | (units == last[:, None])
    return smallest, where, scale


def minors(M: object) -> np.ndarray:
    """All principal minors of one M (h, h) or of several (B, h, h), by determinants: (B, 2^h - 1), slow and plain.

    In the order of the sets {0}, {1}, ..., {0, 1}, ...: by size, then as itertools.combinations has them.
    """
    matrices = square("M", M, LARGEST_H)
    matrices = matrices[None] if matrices.ndim == 2 else matrices
    h = matrices.shape[-1]
    sets = [S for size in range(1, h + 1) for S in itertools.combinations(range(h), size)]
    return np.stack([np.linalg.det(matrices[:, S][:, :, S]) for S in map(list, sets)], 1)
