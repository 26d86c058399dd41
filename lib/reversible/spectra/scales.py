"""The scales of a matrix's rows and columns, told apart from what else is in it: W_ij = a_i b_j z_ij.

**The fit.** a and b are such that each row and each column of z has mean square one. That is a biproportional fit of
the squared entries (Sinkhorn and Knopp 1967; RAS and iterative proportional fitting are the same): in turn the rows and
the columns are divided by their root mean square, until both are one. Of noise with independent entries, of whatever
variances, z then has the law of Marchenko and Pastur: Landa, Zhang and Kluger (2022) call the step biwhitening, and
find the rank of a signal by it. Here z is called the *levelled* matrix.

**What it takes for scales** is also a signal whose vectors are large in some places, as far as its energy goes, and a
single very large entry, which its row and its column share. So a matrix drawn anew with these scales may have more
values outside of its bulk than the first one: it errs towards scales.

**Zeros.** a and b are the only ones up to a factor where they exist, and with no zero among the entries they exist.
With zeros they need not: where the rows I have nonzero entries in the columns J alone, these can hold all of the rows'
squares only if |I| / n <= |J| / p. A matrix that was pruned far breaks that in many places. Then the rounds go on
without end, and no scales are given; nor are they for entries so unequal that their squares underflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
ROUNDS = 200  # of rows and columns in turn, at most
NEAR = 1e-3  # how far from one the mean square of a row may stay
PIECE = 1 << 16  # entries that are looked at together, so that their squares stay in a processor's cache


@dataclass(frozen=True, eq=False)
class Scales:
    """A matrix as rows x columns x level."""

    rows: Array  # (n,)
    columns: Array  # (p,)
    level: Array  # (n, p), each row's and each column's mean square is one; of the matrix's own precision

    def again(self, generator: np.random.Generator, over: bool = False) -> Array:
        """Another matrix (n, p) of these scales: the entries of `level` in random order; `over` it, to save memory."""
        mixed = self.level if over else self.level.copy()
        flat = mixed.reshape(-1)
        generator.permuted(flat, out=flat)
        mixed *= self.rows[:, None]
        mixed *= self.columns
        return mixed


def fit(matrix: Array) -> Scales | None:
    """The scales of a matrix (n, p) without rows or columns of zeros; None where 200 rounds do not find any.

    >>> found = fit(np.array([[1.0, -2.0], [3.0, 6.0]]))
    >>> found.level.round(9).tolist(), (found.rows / found.rows[0]).round(9).tolist()
    ([[1.0, -1.0], [1.0, 1.0]], [1.0, 3.0])
    """
    with np.errstate(all="ignore"):  # without scales some of these run off to zero or infinity
        columns = np.ones(matrix.shape[1])
        rows, following = _round(matrix, columns)
        for _ in range(ROUNDS):
            before, columns = rows, following
            rows, following = _round(matrix, columns)
            if np.abs(rows / before - 1).max() < NEAR:
                found = np.sqrt(before), 1 / np.sqrt(columns)
                return Scales(*found, _level(matrix, *found))
    return None


def _round(matrix: Array, columns: Array) -> tuple[Array, Array]:
    """The rows' mean squares over the columns' scales, and one over the columns' mean squares over the rows' scales.

    Both in one walk through the matrix: what a row adds to the columns needs its own mean square alone.
    """
    n, p = matrix.shape
    rows, sums = np.empty(n), np.zeros(p)
    for piece in _pieces(matrix):
        squares = np.square(matrix[piece], dtype=float)
        rows[piece] = squares @ columns / p
        sums += (1 / rows[piece]) @ squares
    return rows, n / sums


def _level(matrix: Array, rows: Array, columns: Array) -> Array:
    level = np.empty(matrix.shape, matrix.dtype if matrix.dtype.kind == "f" else float)
    for piece in _pieces(matrix):
        level[piece] = matrix[piece] / rows[piece, None] / columns
    return level


def _pieces(matrix: Array) -> list[slice]:
    step = max(PIECE // matrix.shape[1], 1)
    return [slice(start, start + step) for start in range(0, len(matrix), step)]
