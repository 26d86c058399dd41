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


@dataclass(frozen=True, eq=False)
class Scales:
    """A matrix as rows x columns x level."""

    rows: Array  # (n,)
    columns: Array  # (p,)
    level: Array  # (n, p), each row's and each column's mean square is one

    def again(self, generator: np.random.Generator) -> Array:
        """Another matrix (n, p) of these scales: the entries of `level` in random order."""
        mixed = generator.permuted(self.level.reshape(-1)).reshape(self.level.shape)
        mixed *= self.rows[:, None]
        mixed *= self.columns
        return mixed


def fit(matrix: Array) -> Scales | None:
    """The scales of a matrix (n, p) without rows or columns of zeros; None where 200 rounds do not find any.

    >>> found = fit(np.array([[1.0, -2.0], [3.0, 6.0]]))
    >>> found.level.round(9).tolist(), (found.rows / found.rows[0]).round(9).tolist()
    ([[1.0, -1.0], [1.0, 1.0]], [1.0, 3.0])
    """
    squares = np.square(matrix)
    n, p = matrix.shape
    columns = np.ones(p)
    with np.errstate(all="ignore"):  # without scales some of these run off to zero or infinity
        rows = squares @ columns / p
        for _ in range(ROUNDS):
            columns = 1 / ((1 / rows) @ squares / n)
            before, rows = rows, squares @ columns / p
            if np.abs(rows / before - 1).max() < NEAR:
                found = np.sqrt(before), 1 / np.sqrt(columns)
                return Scales(*found, matrix / found[0][:, None] / found[1])
    return None
