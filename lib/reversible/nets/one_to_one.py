"""Is a residual ReLU unit one-to-one and onto? What can be proved of it, and by what.

A unit y = x + W2 r(W1 x + b) is affine on each cell of the arrangement of its h hyperplanes, and the determinant of the
piece with active units S is the principal minor of I + W1 W2 on S. With h <= n and W1 of full row rank all 2^h cells
are there, and the unit is one-to-one exactly if I + W1 W2 is a P-matrix. Else only the cells that are there count
[ours]: two of them with determinants of opposite signs prove that it is not one-to-one. Where all have one sign every y
but those on edges has the same number of preimages, the degree of the map, and a single y tells whether that is one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reversible.nets.p_matrices import CLOSE, LARGEST_H, monotonicity, norm, pivots
from reversible.nets.residual import Unit

UNIQUE, NOT_UNIQUE, NOT_KNOWN = "unique", "not unique", "not known"
MOST_CELLS = 2**18  # corners times cells at each, in the enumeration of an arrangement
TRIES = 64  # patterns that are looked at where they cannot all be


@dataclass(frozen=True)
class Certificate:
    """What is proved of a unit: that each y has exactly one preimage, that this is not so, or neither."""

    verdict: str  # UNIQUE, NOT_UNIQUE or NOT_KNOWN
    by: str  # "Banach", "monotone", "P-matrix", "minor", "pieces", "degree"; "" where nothing is proved
    why: str  # the reason, with its numbers

    @property
    def words(self) -> str:
        """The certificate as a sentence."""
        head = {
            UNIQUE: "Every y has exactly one preimage",
            NOT_UNIQUE: "Not every y has exactly one preimage, some have none or several",
            NOT_KNOWN: "Whether every y has exactly one preimage is not known",
        }[self.verdict]
        return f"{head}: {self.why}."

    def __str__(self) -> str:
        return self.words


def certified(unit: Unit) -> Certificate:
    """What is proved of a unit, by the cheapest proof there is."""
    A = unit.A
    edge = CLOSE * max(1.0, float(np.abs(A).max()))
    largest, least = float(norm(A)), float(monotonicity(A))
    if largest < 1 - edge:
        return Certificate(UNIQUE, "Banach", f"the norm of W1 W2 is {largest:.3g}, below one")
    if least > edge:
        return Certificate(
            UNIQUE, "monotone", f"the least eigenvalue of the symmetric part of I + W1 W2 is {least:.3g}, above zero"
        )
    if len(A) <= LARGEST_H and (found := _by_minors(unit)):
        return found
    return _by_cells(unit) or _by_tries(unit) or Certificate(NOT_KNOWN, "", _reason(unit, largest, least))


def _by_minors(unit: Unit) -> Certificate | None:
    """By all principal minors: a proof either way where all patterns occur, of uniqueness alone where they do not."""
    found = pivots(np.eye(len(unit.A)) + unit.A)
    if not found.is_clear[0]:
        return None
    if found.is_p[0]:
        count = 2 ** len(unit.A) - 1
        return Certificate(UNIQUE, "P-matrix", f"all {count:,} principal minors of I + W1 W2 are positive")
    return _a_minor(unit, found.where[0]) if all_occur(unit) else None


def _a_minor(unit: Unit, active: np.ndarray) -> Certificate:
    value = float(np.linalg.det(piece_of(unit, active)))
    units = ", ".join(map(str, np.flatnonzero(active)[:8])) + (", ..." if active.sum() > 8 else "")
    return Certificate(
        NOT_UNIQUE, "minor",
        f"the principal minor of I + W1 W2 on the hidden units {units} (counted from 0) is {value:.3g}, and that on "
        "none of them is 1: where just these units are active the map turns space over, where none is it does not",
    )  # fmt: skip


def piece_of(unit: Unit, active: np.ndarray) -> np.ndarray:
    """(I + W1 W2) on the active units, whose determinant is that of the whole piece."""
    S = np.flatnonzero(active)
    return np.eye(len(S)) + unit.W1[S] @ unit.W2[:, S]


def rank_of(unit: Unit) -> int:
    """The rank of W1, with room for rounding."""
    return int(np.linalg.matrix_rank(unit.W1, tol=1e-10 * max(np.linalg.norm(unit.W1, 2), 1e-300)))


def all_occur(unit: Unit) -> bool:
    """Whether every pattern of active units occurs for some x: W1 has full row rank."""
    return rank_of(unit) == len(unit.b)


# --- the cells of the arrangement -------------------------------------------------------------------------------------


def _by_cells(unit: Unit) -> Certificate | None:
    """By the determinants of all pieces that occur, where they can be listed."""
    cells = occurring(unit)
    if cells is None:
        return None
    signs = signs_of(unit, cells)
    if (signs > 0).any() and (signs < 0).any():
        return _two_pieces(unit, cells[signs > 0][0], cells[signs < 0][0])
    degree = degree_of(unit, cells) if (signs != 0).all() else 0
    says = f"the {len(cells):,} patterns of active units that occur have determinants of one sign, and a y tried"
    if degree == 1:
        return Certificate(UNIQUE, "degree", f"{says} has one preimage, so every y has")
    if degree > 1:
        return Certificate(NOT_UNIQUE, "degree", f"{says} has {degree} preimages, so nearly every y has as many")
    return None


def degree_of(unit: Unit, cells: np.ndarray) -> int:
    """How many preimages some y has that lies on no edge: on each cell (K, h) that occurs the piece is solved.

    Where the determinants of all cells have one sign this is the number for every such y.
    """
    W, V = seen(unit)
    W2 = V.T @ unit.W2  # (r, h): what the unit adds, as far as W1 sees it
    on = cells[:, None, :]
    pieces = np.eye(len(W2)) + (W2 * on) @ W  # (K, r, r)
    shift = (W2 * on) @ unit.b  # (K, r)
    rng = np.random.default_rng(0)
    for _ in range(TRIES):
        y = rng.standard_normal(len(W2)) * (1 + np.abs(shift).max())
        u = np.linalg.solve(pieces, (y - shift)[..., None])[..., 0] @ W.T + unit.b  # (K, h)
        if np.abs(u).min() > CLOSE * np.abs(u).max():
            return int(((u > 0) == cells).all(1).sum())
    return 0


def seen(unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """W (h, r) and V (n, r) with orthonormal columns and W1 x = W V^T x, r the rank of W1: the directions it sees."""
    V = np.linalg.svd(unit.W1)[2][: rank_of(unit)].T
    return unit.W1 @ V, V


def _two_pieces(unit: Unit, one: np.ndarray, other: np.ndarray) -> Certificate:
    values = [float(np.linalg.det(piece_of(unit, active))) for active in (one, other)]
    return Certificate(
        NOT_UNIQUE, "pieces",
        f"two of the pieces that occur have determinants of opposite signs, {values[0]:.3g} and {values[1]:.3g}, "
        "and on the way from one to the other the map folds",
    )  # fmt: skip


def signs_of(unit: Unit, cells: np.ndarray) -> np.ndarray:
    """The signs of the determinants of pieces (K, h), 0 for one that rounding could turn: (K,)."""
    return np.array([sign_of(unit, active) for active in cells], int)


def sign_of(unit: Unit, active: np.ndarray) -> int:
    """The sign of the determinant of a piece, 0 where the piece is as good as singular."""
    if not active.any():
        return 1
    block = piece_of(unit, active)
    values = np.linalg.svd(block, compute_uv=False)
    return int(np.linalg.slogdet(block)[0]) if values[-1] > CLOSE * max(1.0, values[0]) else 0


def occurring(unit: Unit) -> np.ndarray | None:
    """The patterns of active units that occur, (K, h).

    In the r dimensions that W1 sees, every cell has a corner, in which r hyperplanes meet: with these on either side
    and the others as they are at the corner all cells are found. Where all b are 0 every hyperplane passes through the
    origin, and the cells are those of a slice beside it and their opposites. None where there are too many, and where
    the hyperplanes lie so that corners coincide.
    """
    W, _ = seen(unit)
    r = W.shape[1]
    if r == 0:
        return (unit.b > 0)[None]
    if np.abs(unit.b).max() > 0:
        return _cells(W, unit.b)
    if r == 1:
        side = W[:, 0] > 0
        return np.stack([side, ~side]) if (W[:, 0] != 0).all() else None
    across = np.linalg.qr(np.cos(np.arange(1.0, 1 + r * r)).reshape(r, r))[0]  # some rotation, always the same
    half = _cells(W @ across[:, 1:], W @ across[:, 0])
    return None if half is None else np.unique(np.concatenate([half, ~half]), axis=0)


def _cells(W: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """The sign patterns of W x + b in the cells of a simple arrangement: W (h, r), b (h,) -> (K, h)."""
    h, r = W.shape
    if h < r or math.comb(h, r) * 2**r > MOST_CELLS:
        return None
    scale = np.linalg.norm(W, axis=1)
    if (scale == 0).any():
        return None
    W, b = W / scale[:, None], b / scale
    corners = np.array(list(itertools.combinations(range(h), r)))  # (C, r)
    if np.linalg.svd(W[corners], compute_uv=False)[:, -1].min() < CLOSE:
        return None
    points = np.linalg.solve(W[corners], -b[corners][..., None])[..., 0]  # (C, r)
    values = points @ W.T + b  # (C, h)
    meeting = np.zeros(values.shape, bool)
    np.put_along_axis(meeting, corners, True, 1)
    if (np.abs(values[~meeting]) < CLOSE * (1 + np.abs(points).max())).any():
        return None
    sides = np.array(list(itertools.product((False, True), repeat=r)))  # (2^r, r)
    cells = np.repeat((values > 0)[:, None], len(sides), 1)  # (C, 2^r, h)
    np.put_along_axis(cells, np.broadcast_to(corners[:, None], (len(corners), len(sides), r)),
                      np.broadcast_to(sides, (len(corners), *sides.shape)), 2)  # fmt: skip
    return np.unique(cells.reshape(-1, h), axis=0)


# --- where not all can be looked at -----------------------------------------------------------------------------------


def _by_tries(unit: Unit) -> Certificate | None:
    """By a pair of pieces with determinants of opposite signs, if one is met in TRIES."""
    if all_occur(unit):  # so does the pattern of no unit, with the determinant 1
        turned = (active for active in _patterns(unit.A) if _turns_over(unit, active))
        return next((_a_minor(unit, active) for active in turned), None)
    rng = np.random.default_rng(0)
    size = 1 + np.abs(unit.b).max() / max(np.linalg.norm(unit.W1, axis=1).max(), 1e-300)
    x = rng.standard_normal((TRIES, unit.W1.shape[1])) * size * np.logspace(-1, 1, TRIES)[:, None]
    cells = np.unique(unit.reduced(x) > 0, axis=0)
    signs = signs_of(unit, cells)
    if (signs > 0).any() and (signs < 0).any():
        return _two_pieces(unit, cells[signs > 0][0], cells[signs < 0][0])
    return None


def _turns_over(unit: Unit, active: np.ndarray) -> bool:
    """Whether the determinant of a piece is negative, beyond what rounding does."""
    return bool(np.linalg.slogdet(piece_of(unit, active))[0] < 0) and sign_of(unit, active) < 0


def _patterns(A: np.ndarray) -> Iterator[np.ndarray]:
    """Some patterns that may have a negative minor: the least minors of one unit and of two, then ever fewer units."""
    h, d = len(A), 1 + np.diag(A)
    of_two = np.where(np.eye(h, dtype=bool), d[:, None], d[:, None] * d - A * A.T)
    yield np.arange(h) == d.argmin()
    yield np.isin(np.arange(h), np.unravel_index(int(of_two.argmin()), of_two.shape))
    rng = np.random.default_rng(0)  # the same ones always
    for share in np.linspace(1, 0.3, TRIES):
        yield rng.random(h) < share


def _reason(unit: Unit, largest: float, least: float) -> str:
    h, n = unit.W1.shape
    tried = (
        f"the norm of W1 W2 is {largest:.3g}, not below one, and the least eigenvalue of the symmetric part of "
        f"I + W1 W2 is {least:.3g}, not above zero"
    )
    if h > LARGEST_H:
        return f"{tried}; h = {h} is too large for the exact test of all minors, which takes at most {LARGEST_H}"
    if not all_occur(unit):
        return (
            f"{tried}; I + W1 W2 is no P-matrix, but W1, {h} x {n}, has not the full row rank with which every pattern "
            "of active units occurs, and the pieces that do occur decide nothing here"
        )
    return f"{tried}; a principal minor of I + W1 W2 is as small as rounding"
