"""Residual ReLU units sent backwards: y = x + W2 r(W1 x + b) is given and x is wanted.

With u = W1 x + b, A = W1 W2 and v = W1 y + b the unit is T(u) = u + A r(u) = v, and x = y - W2 r(u) [ours]: the
preimages of y are the solutions of T(u) = v, one for one. u = u+ - u- makes it a linear complementarity problem,
(I + A) u+ - u- = v. Ways to solve it, all in float64 and for many right-hand sides at once:

    plain        u <- v - A r(u), as in invertible residual nets (Behrmann et al. 2019); converges if ||A|| < 1
    damped       z <- r((1 - t) z + t (v - A z)), z = r(u), with a step t that is proved where I + (A + A^T) / 2 > 0
    newton       solve the piece of the pattern at hand, take the pattern of what comes out, until it repeats
    least_index  turn the first unit that is wrong (Murty 1974); ends with the solution wherever I + A is a P-matrix
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError
from reversible.nets.p_matrices import monotonicity, norm, numbers, square

TOLERANCE = 1e-10  # ||T(u) - v|| / ||v|| of what counts as a solution
STEPS = 2000  # of plain and damped iterations
PATTERNS = 100  # of Newton's method
BLOWN = 1e100
EXACT_UNITS = 14  # up to here least_index may try all 2^h patterns


def relu(u: np.ndarray) -> np.ndarray:
    return np.maximum(u, 0.0)


def times(A: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A z: one A (h, h) for all of z (B, h), or an A (B, h, h) for each."""
    return z @ A.T if A.ndim == 2 else np.matmul(A, z[..., None])[..., 0]


def transform(A: np.ndarray, u: np.ndarray) -> np.ndarray:
    """T(u) = u + A r(u) of u (B, h)."""
    return u + times(A, relu(u))


@dataclass(frozen=True, eq=False)
class Unit:
    """y = x + W2 r(W1 x + b)."""

    W1: np.ndarray  # (h, n)
    b: np.ndarray  # (h,)
    W2: np.ndarray  # (n, h)

    @classmethod
    def of(cls, W1: object, b: object, W2: object) -> Unit:
        """InputError for shapes that do not fit and for numbers that are not finite."""
        first, bias, second = numbers("W1", W1), numbers("b", b), numbers("W2", W2)
        if first.ndim != 2 or not first.size:
            raise InputError(f"W1 must be a matrix, h x n, not of shape {first.shape}")
        h, n = first.shape
        if bias.shape != (h,):
            raise InputError(f"b must have one entry for each of the {h} rows of W1, not the shape {bias.shape}")
        if second.shape != (n, h):
            raise InputError(f"W2 must be {n} x {h} beside W1 of {h} x {n}, not of shape {second.shape}")
        return cls(first, bias, second)

    @property
    def A(self) -> np.ndarray:  # noqa: N802 - it is the matrix A
        """W1 W2, (h, h)."""
        return self.W1 @ self.W2

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(B, n) -> (B, n)."""
        return x + relu(x @ self.W1.T + self.b) @ self.W2.T

    def reduced(self, y: np.ndarray) -> np.ndarray:
        """v = W1 y + b: y (B, n) -> (B, h)."""
        return y @ self.W1.T + self.b

    def lifted(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """x = y - W2 r(u): the preimage of y that belongs to the solution u of T(u) = v."""
        return y - relu(u) @ self.W2.T


# --- what a method gives ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Solution:
    """What became of T(u) = v for B right-hand sides."""

    u: np.ndarray  # (B, h)
    converged: np.ndarray  # (B,): T(u) = v within TOLERANCE
    steps: np.ndarray  # (B,)
    trace: np.ndarray  # (steps, B): ||T(u) - v|| / ||v|| on the way; it stays as it is once a side is done

    @property
    def residual(self) -> np.ndarray:
        """||T(u) - v|| / ||v|| at the end, (B,)."""
        return self.trace[-1]


def problem(A: object, v: object) -> tuple[np.ndarray, np.ndarray]:
    """A (h, h) or (B, h, h) and v (B, h), or one v (h,), as float64; InputError where they do not fit."""
    matrix, sides = square("A", A), numbers("v", v)
    sides = sides[None] if sides.ndim == 1 else sides
    fits = sides.ndim == 2 and sides.shape[1] == matrix.shape[-1]
    if not fits or matrix.ndim > 3 or (matrix.ndim == 3 and len(matrix) != len(sides)):
        raise InputError(f"v must be B x h beside A of h x h or B x h x h, not {sides.shape} beside {matrix.shape}")
    return matrix, sides


def residual_of(A: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """||T(u) - v|| / ||v||, or the first alone where v is zero: (B,)."""
    length = np.linalg.norm(v, axis=-1)
    return np.linalg.norm(transform(A, u) - v, axis=-1) / np.where(length > 0, length, 1.0)


def some(A: np.ndarray, which: np.ndarray) -> np.ndarray:
    """The matrices of some of the right-hand sides."""
    return A if A.ndim == 2 else A[which]


# --- iterations -------------------------------------------------------------------------------------------------------


def plain(A: object, v: object, steps: int = STEPS) -> Solution:
    """u <- v - A r(u), from u = v."""
    matrix, sides = problem(A, v)
    return _iterated(matrix, sides, lambda A, u, v, t: v - times(A, relu(u)), np.ones(len(sides)), steps)


def damped(A: object, v: object, step: object = None, steps: int = STEPS) -> Solution:
    """z <- r((1 - t) z + t (v - A z)), from z = r(v); what is returned is u = v - A z.

    The step t is `step`, a number or one a right-hand side; else `proved_step` where there is one; else
    1 / (1 + ||A||), with which nothing is proved unless A is symmetric and has no eigenvalue below 0.
    """
    matrix, sides = problem(A, v)
    if step is None:
        proved = proved_step(matrix)
        step = np.where(np.isnan(proved), 1 / (1 + norm(matrix)), proved)
    t = np.broadcast_to(numbers("step", step), len(sides))

    def onwards(A: np.ndarray, w: np.ndarray, v: np.ndarray, t: np.ndarray) -> np.ndarray:
        z = relu(w)
        return (1 - t)[:, None] * z + t[:, None] * (v - times(A, z))

    return _iterated(matrix, sides, onwards, t, steps, lambda A, w, v: v - times(A, relu(w)))


def proved_step(A: np.ndarray) -> np.ndarray:
    """A step with which `damped` converges whatever v, (...) for A (..., h, h); nan where none is proved.

    With M = I + A, mu the least eigenvalue of (M + M^T) / 2 and L = ||M||: mu / L^2, or 2 / (mu + L) where A is
    symmetric.
    """
    mu, largest = monotonicity(A), norm(np.eye(A.shape[-1]) + A)
    symmetric = np.abs(A - np.swapaxes(A, -1, -2)).max((-2, -1)) <= 1e-12 * largest
    safe = np.where(largest > 0, largest, 1.0)  # M = 0 is not monotone
    steps = np.where(symmetric, 2 / (np.abs(mu) + safe), mu / safe**2)
    return np.where(mu > 0, steps, np.nan)


Onwards = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # A, u, v, t -> the next u


def _iterated(
    A: np.ndarray, v: np.ndarray, onwards: Onwards, t: np.ndarray, steps: int,
    read: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = lambda A, u, v: u,
) -> Solution:  # fmt: skip
    """Each right-hand side until T(u) = v, until it blows up or the steps are over; `read` gives u of the state."""
    state, taken = v.copy(), np.zeros(len(v), int)
    residual = residual_of(A, read(A, state, v), v)
    trace = [residual.copy()]
    going = np.flatnonzero(residual > TOLERANCE)
    while going.size and len(trace) <= steps:
        mine = some(A, going)
        state[going] = onwards(mine, state[going], v[going], t[going])
        taken[going] += 1
        residual[going] = residual_of(mine, read(mine, state[going], v[going]), v[going])
        trace.append(residual.copy())
        going = going[(residual[going] > TOLERANCE) & (residual[going] < BLOWN)]
    return Solution(read(A, state, v), residual <= TOLERANCE, taken, np.array(trace))


# --- patterns ---------------------------------------------------------------------------------------------------------


def piece(A: np.ndarray, v: np.ndarray, active: np.ndarray) -> np.ndarray:
    """u with (I + A D) u = v, D the pattern `active` (B, h): nan where that piece is singular.

    Only the active units are coupled: (I + A)_SS u_S = v_S, and the others are v - A u_S.
    """
    count, h = active.shape
    width = max(1, int(active.sum(1).max(initial=0)))
    order = np.argsort(~active, axis=1, kind="stable")[:, :width]  # the active units first, (B, width)
    on = np.take_along_axis(active, order, 1)
    rows = order[:, :, None], order[:, None, :]
    block = A[rows] if A.ndim == 2 else A[(np.arange(count)[:, None, None], *rows)]
    block = np.where(on[:, :, None] & on[:, None, :], block, 0.0) + np.eye(width)
    right = np.where(on, np.take_along_axis(v, order, 1), 0.0)
    z = np.zeros((count, h))
    np.put_along_axis(z, order, _solved(block, right), 1)
    u = v - times(A, z)
    return np.where(active, z, u)


def _solved(block: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(block, right[..., None])[..., 0]
    except np.linalg.LinAlgError:  # one of them is singular: the others all the same
        one_by_one = np.full(right.shape, np.nan)
        for at in range(len(block)):
            if np.linalg.matrix_rank(block[at]) == block.shape[1]:
                one_by_one[at] = np.linalg.solve(block[at], right[at])
        return one_by_one


def newton(A: object, v: object, safe: bool = True) -> Solution:
    """Newton's method on the pattern of active units, from that of v; where it cycles, `least_index` if `safe`.

    When the pattern repeats, u solves T(u) = v but for rounding: there is no limit to wait for.
    """
    matrix, sides = problem(A, v)
    found = _by_patterns(matrix, sides, sides > 0, lambda active, positive: positive, PATTERNS)
    if not safe or found.converged.all():
        return found
    stuck = np.flatnonzero(~found.converged)
    rest = least_index(some(matrix, stuck), sides[stuck])
    u, converged, steps = found.u.copy(), found.converged.copy(), found.steps.copy()
    u[stuck], converged[stuck] = rest.u, rest.converged
    steps[stuck] += rest.steps
    more = np.repeat(found.trace[-1:], len(rest.trace), 0)
    more[:, stuck] = rest.trace
    return Solution(u, converged, steps, np.concatenate([found.trace, more]))


def least_index(A: object, v: object, most: int | None = None) -> Solution:
    """Turn the first unit whose sign is not that of the pattern, until none is; at most `most` turns.

    Where I + A is a P-matrix it ends with the solution after 2^h - 1 turns at the latest, mostly after fewer than h.
    `most` is 2^h up to EXACT_UNITS units and 2 h beyond, unless it is given.
    """
    matrix, sides = problem(A, v)
    h = sides.shape[1]
    limit = most or (2**h if h <= EXACT_UNITS else 2 * h)

    def turned(active: np.ndarray, positive: np.ndarray) -> np.ndarray:
        wrong = active != positive
        first = np.arange(h) == wrong.argmax(1)[:, None]
        return active ^ (first & wrong)

    return _by_patterns(matrix, sides, sides > 0, turned, limit)


def _by_patterns(
    A: np.ndarray, v: np.ndarray, active: np.ndarray,
    follow: Callable[[np.ndarray, np.ndarray], np.ndarray], most: int,
) -> Solution:  # fmt: skip
    """Piece by piece, until the pattern of the solution is the piece's own."""
    active, u, taken = active.copy(), v.copy(), np.zeros(len(v), int)
    residual, trace = residual_of(A, u, v), []
    going = np.arange(len(v))
    for _ in range(most):
        mine = some(A, going)
        u[going] = piece(mine, v[going], active[going])
        taken[going] += 1
        residual[going] = residual_of(mine, u[going], v[going])
        trace.append(residual.copy())
        positive = u[going] > 0
        going_on = (positive != active[going]).any(1) & (residual[going] > TOLERANCE)  # nan ends it
        active[going] = follow(active[going], positive)
        going = going[going_on]
        if not going.size:
            break
    with np.errstate(invalid="ignore"):
        return Solution(u, residual <= TOLERANCE, taken, np.array(trace))
